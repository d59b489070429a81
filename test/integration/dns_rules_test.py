"""Rules that DNS answers, on the real server: lists, SPF, domains that resolve.

Clients come from 127.0.0.9 and its like: 127.0.0.1 is a list's own test entry.
"""
import json
import smtplib
import threading
import time
import unittest

from nameserver import NameServer
from server import PATIENCE, Server, free_port, wait_for
from smtp_chat_test import HEAD, RCPT, ROUTE

USERS = {"users": "ann:x\nbob:x\n"}
ONE = ("--workers", "1")
ZEN = 'dnslist zen = "zen.test" codes 127.0.0.2-127.0.0.11\n'
GOOD_LIST = ["2.0.0.127.zen.test. A 127.0.0.2"]
RECORDS = GOOD_LIST + [
    "9.0.0.127.zen.test. A 127.0.0.2",
    "10.0.0.127.zen.test. A 127.255.255.254",
    "11.0.0.127.zen.test. A 192.0.2.80",
    "12.0.0.127.zen.test. A 127.0.0.99",
    "good.test. A 192.0.2.1",
    'good.test. TXT "v=spf1 ip4:127.0.0.20 -all"',
    'soft.test. TXT "v=spf1 ~all"',
    "soft.test. MX 10 mx.soft.test.",
    'broken.test. TXT "v=spf1 include:gone.test -all"',
    "broken.test. A 192.0.2.1",
    'stuck.test. TXT "v=spf1 include:refused.test -all"',
    "stuck.test. A 192.0.2.1",
    "null.test. MX 0 .",
]


def code_of(client, *verbs):
    """(code, text) of the greeting or of what first refuses, else of the last."""
    try:
        with smtplib.SMTP(client["host"], client["port"], timeout=PATIENCE,
                          source_address=(client["from"], 0), local_hostname="c.test") as c:
            for verb in verbs:
                code, text = c.docmd(verb)
                if code >= 400:
                    break
            return code, text.decode()
    except smtplib.SMTPConnectError as e:
        return e.smtp_code, e.smtp_error.decode()


class Rules(unittest.TestCase):
    def server(self, policy, dns, args=ONE):
        return Server(policy, USERS, env={"WAYBILL_RESOLVER": dns}, args=args)

    def ask(self, s, *verbs, ip="127.0.0.20"):
        return code_of({"host": "127.0.0.1", "port": s.port, "from": ip}, *verbs)

    def send(self, s, sender="a@soft.test", ip="127.0.0.20"):
        return self.ask(s, "EHLO good.test", f"MAIL FROM:<{sender}>",
                        "RCPT TO:<ann@here.example>", ip=ip)


class Lists(Rules):
    POLICY = HEAD + ZEN + """on connect {
    client.ip listed by zen => reject 554 5.7.1 "{client.ip} is listed"
}
""" + RCPT + ROUTE

    def test_a_listing_is_a_refusing_greeting(self):
        with NameServer(RECORDS) as dns, self.server(self.POLICY, dns.address) as s:
            self.assertEqual(self.ask(s, ip="127.0.0.9"),
                             (554, "5.7.1 127.0.0.9 is listed"))
            self.assertEqual(self.send(s)[0], 250)

    def test_an_error_answer_is_no_listing_and_one_alarm(self):
        with NameServer(RECORDS) as dns, self.server(self.POLICY, dns.address) as s:
            for _ in range(3):
                self.assertEqual(self.send(s, ip="127.0.0.10")[0], 250)
            self.assertEqual(self.send(s, ip="127.0.0.11")[0], 250)
            self.assertEqual(self.send(s, ip="127.0.0.12")[0], 250)
            log = s.log()
            self.assertEqual(log.count("cause=error-code answer=127.255.255.254"), 1)
            self.assertEqual(log.count("cause=not-127/8 answer=192.0.2.80"), 1)
            self.assertEqual(log.count("dnslist name=zen"), 2)
            status = json.dumps(json.loads(s.waybill("status", "--json").stdout))
            self.assertIn('"lists_cannot_say": 4', status)

    def test_a_list_that_lists_everything_lists_nobody(self):
        records = GOOD_LIST + ["1.0.0.127.zen.test. A 127.0.0.2",
                               "9.0.0.127.zen.test. A 127.0.0.2"]
        with NameServer(records) as dns, self.server(self.POLICY, dns.address) as s:
            self.assertEqual(self.send(s, ip="127.0.0.9")[0], 250)
            self.assertIn("cause=lists-everything", s.log())

    def test_without_a_resolver_mail_goes_on_with_an_alarm(self):
        with self.server(self.POLICY, f"127.0.0.1@{free_port()}") as s:
            self.assertEqual(self.send(s, ip="127.0.0.9")[0], 250)
            wait_for(lambda: "cause=failing" in s.log())
            self.assertEqual(s.log().count("dnslist name=zen"), 1)

    def test_who_waits_holds_nobody_up(self):
        policy = HEAD + ZEN + """on mail {
    sender.domain listed by zen => reject 554 5.7.1 "listed"
}
""" + RCPT + ROUTE
        with NameServer(RECORDS, silent=["slow.zen.test."]) as dns, \
                self.server(policy, dns.address) as s:
            done = threading.Event()

            def wait():
                self.send(s, "a@x.slow")
                done.set()

            waiting = threading.Thread(target=wait)
            waiting.start()
            try:
                time.sleep(0.5)     # its question is under way
                for _ in range(20):
                    self.assertEqual(self.send(s)[0], 250)
                self.assertFalse(done.is_set())
            finally:
                waiting.join(PATIENCE * 2)
            self.assertTrue(done.is_set())


class Spf(Rules):
    POLICY = HEAD + """on mail {
    spf fail => reject 550 5.7.23 "SPF: {sender} is not sent from here"
}
""" + RCPT + ROUTE

    def test_who_may_not_send_is_refused(self):
        with NameServer(RECORDS, refused=["refused.test."]) as dns, \
                self.server(self.POLICY, dns.address) as s:
            self.assertEqual(self.send(s, "a@good.test", ip="127.0.0.20")[0], 250)
            self.assertEqual(self.send(s, "a@good.test", ip="127.0.0.21"),
                             (550, "5.7.23 SPF: a@good.test is not sent from here"))
            self.assertEqual(self.send(s, "a@soft.test")[0], 250)
            self.assertEqual(self.send(s, "a@broken.test")[0], 250)
            self.assertEqual(self.send(s, "a@none.test")[0], 250)
            # <> stands for postmaster at the HELO name, which is good.test.
            self.assertEqual(self.send(s, "", ip="127.0.0.21")[0], 550)

    def test_what_cannot_be_said_refuses_nobody(self):
        with NameServer(RECORDS, refused=["refused.test."]) as dns, \
                self.server(self.POLICY, dns.address) as s:
            for _ in range(2):
                self.assertEqual(self.send(s, "a@stuck.test")[0], 250)
            self.assertEqual(s.log().count("spf result=temperror"), 1)

    def test_each_transaction_has_its_own(self):
        with NameServer(RECORDS) as dns, self.server(self.POLICY, dns.address) as s:
            with smtplib.SMTP("127.0.0.1", s.port, timeout=PATIENCE,
                              source_address=("127.0.0.21", 0)) as c:
                c.ehlo("c.test")
                for sender, code in (("a@good.test", 550), ("a@soft.test", 250),
                                     ("a@good.test", 550), ("a@none.test", 250)):
                    self.assertEqual(c.mail(sender)[0], code)
                    c.rset()


class Resolves(Rules):
    POLICY = HEAD + """on helo {
    not client.helo resolves => reject 550 5.7.1 "no {client.helo}"
}
on mail {
    sender == <> => accept
    not sender.domain resolves => reject 550 5.1.8 "no {sender.domain}"
}
""" + RCPT + ROUTE

    def test_senders_that_cannot_be_answered_are_refused(self):
        with NameServer(RECORDS, refused=["refused.test."]) as dns, \
                self.server(self.POLICY, dns.address) as s:
            self.assertEqual(self.send(s, "a@good.test")[0], 250)
            self.assertEqual(self.send(s, "a@soft.test")[0], 250)
            self.assertEqual(self.send(s, "")[0], 250)
            self.assertEqual(self.send(s, "a@null.test"), (550, "5.1.8 no null.test"))
            self.assertEqual(self.send(s, "a@none.test"), (550, "5.1.8 no none.test"))
            code, text = self.send(s, "a@refused.test")
            self.assertEqual((code, text[:6]), (451, "4.4.3 "))

    def test_names_of_clients(self):
        with NameServer(RECORDS) as dns, self.server(self.POLICY, dns.address) as s:
            self.assertEqual(self.ask(s, "EHLO good.test")[0], 250)
            self.assertEqual(self.ask(s, "EHLO none.test")[0], 550)
            self.assertEqual(self.ask(s, "EHLO [127.0.0.20]")[0], 250)
            self.assertEqual(self.ask(s, "EHLO [127.0.0.21]")[0], 550)


if __name__ == "__main__":
    unittest.main()
