"""TLS reports (RFC 8460) in the whole server, REQUIRETLS and TLS-Required (RFC 8689)."""
import datetime
import email
import gzip
import json
import os
import re
import shutil
import tempfile
import unittest

from certs import Certs
from hop_script import EXTENSIONS, Hop
from https_server import Answer, HttpsServer, policy
from nameserver import NameServer
from server import Server, wait_for

POLICY = """edition 1
hostname "mx.here.test"
authorities file "CA"
tls { certificate "HERE.pem"; key "HERE.key" }
tls reports { contact "tls@here.test"; organization "Here & Sons"; from "noreply@here.test" }
net here = { 127.0.0.0/8 }
listen smtp on "127.0.0.1:@PORT@"
queue { retry 1h }
relay kept { host "mx.kept.test" port KEPT; tls verified }
relay mute { host "mx.mute.test" port MUTE; tls verified }
relay clear { host "mx.clear.test" port CLEAR; tls none }
on rcpt { client.ip in here => accept }
route {
    rcpt.domain == "kept.test" => relay kept
    rcpt.domain == "mute.test" => relay mute
    rcpt.domain == "clear.test" => relay clear
    otherwise => mx
}
"""
DAY_S = 86400
TEXT = "Subject: secret\r\n\r\nhidden words\r\n"
# RFC 8460, 4.4; and the types of 4.3.
WHOLE = {"organization-name", "date-range", "contact-info", "report-id", "policies"}
RESULTS = {"starttls-not-supported", "certificate-host-mismatch", "certificate-expired",
           "certificate-not-trusted", "validation-failure", "tlsa-invalid", "dnssec-invalid",
           "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"}


def check_report(case, r):
    """A document as the RFC has it; by its own text, not by our program."""
    case.assertEqual(set(r), WHOLE)
    start, end = (datetime.datetime.strptime(r["date-range"][k], "%Y-%m-%dT%H:%M:%SZ")
                  for k in ("start-datetime", "end-datetime"))
    case.assertEqual((start.time(), (end - start).total_seconds()), (datetime.time(0), DAY_S - 1))
    for p in r["policies"]:
        case.assertLessEqual({"policy", "summary"}, set(p))
        case.assertIn(p["policy"]["policy-type"], ("tlsa", "sts", "no-policy-found"))
        case.assertTrue(p["policy"]["policy-domain"])
        for name in "policy-string", "mx-host":
            case.assertIsInstance(p["policy"].get(name, []), list)
        counts = p["summary"]
        case.assertEqual(set(counts), {"total-successful-session-count", "total-failure-session-count"})
        details = p.get("failure-details", [])
        for f in details:
            case.assertIn(f["result-type"], RESULTS)
            case.assertGreater(f["failed-session-count"], 0)
        case.assertEqual(sum(f["failed-session-count"] for f in details),
                         counts["total-failure-session-count"])


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="waybill-reports-", dir="/var/tmp")
        os.chmod(self.dir, 0o755)
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.web = HttpsServer()
        self.addCleanup(self.web.stop)
        self.certs = Certs(self.web.dir)
        os.chmod(self.web.dir, 0o755)

    def hop(self, name, **kw):
        self.certs.make(name, names=f"DNS:{name}", by="authority")
        hop = Hop(cert=(self.certs.path(f"{name}.pem"), self.certs.path(f"{name}.key")), **kw)
        self.addCleanup(hop.stop)
        return hop

    def server(self, zone, mx_port, **ports):
        dns = NameServer(zone)
        self.addCleanup(dns.stop)
        self.certs.make("here", names="DNS:mx.here.test")
        text = POLICY.replace("CA", self.web.ca).replace("HERE", self.certs.path("here"))
        for name in "kept", "mute", "clear":
            text = text.replace(name.upper(), str(ports.get(name, 1)))
        return Server(text, env={"WAYBILL_RESOLVER": dns.address, "WAYBILL_MX_PORT": str(mx_port),
                                 "WAYBILL_TEST_FETCH_LOCAL": "1"}, start=False)

    def send(self, s, rcpt, text="Subject: x\r\n\r\nhello\r\n", **kw):
        with s.smtp() as c:
            c.sendmail("ann@here.test", [rcpt], text, **kw)


class Reports(Case):
    ZONE = ["one.test. MX 10 mx.one.test.", "mx.one.test. A 127.0.0.1",
            "two.test. MX 10 mx.two.test.", "mx.two.test. A 127.0.0.2",
            "reports.test. A 127.0.0.1", "mail.test. MX 10 mx.mail.test.", "mx.mail.test. A 127.0.0.1"]

    def texts(self):
        return ['_smtp._tls.one.test. TXT "v=TLSRPTv1; rua=https://reports.test:'
                f'{self.web.port}/one,mailto:tls@mail.test"', '_smtp._tls.mail.test. TXT "v=TLSRPTv1; '
                'rua=mailto:tls@mail.test"', '_smtp._tls.two.test. TXT "v=spf1 -all"']

    def shown(self, s):
        def counted():
            shown = json.loads(s.waybill("reports", "--json").stdout)
            return shown if shown["sessions"] else None
        return wait_for(counted)

    def end_of_day(self, s, shown):
        """The server ends; the next one is a day and five hours ahead."""
        self.assertEqual([x["domain"] for x in shown["reports"]], ["one.test"])
        check_report(self, shown["reports"][0]["report"])
        s.stop()
        s.env["WAYBILL_TEST_REPORT_AHEAD_S"] = str(DAY_S + 5 * 3600)
        s.start()

    def test_a_days_report_goes_to_each_place_that_is_named_and_is_reported_of_itself_to_nobody(self):
        hop = self.hop("mx.one.test")
        s = self.server(self.ZONE + self.texts(), hop.port)
        answers = [500, 201]
        self.web.on("reports.test", "/one", lambda r: Answer(answers.pop(0)))
        with s:
            s.start()
            self.send(s, "bob@one.test")
            wait_for(lambda: len(hop.messages) == 1)
            self.end_of_day(s, self.shown(s))
            by_mail = wait_for(lambda: hop.messages[1:])[0]
            posted = wait_for(lambda: self.web.asked("reports.test"))[0]
            self.assertEqual(posted.headers["content-type"], "application/tlsrpt+gzip")
            report = json.loads(gzip.decompress(posted.body))
            check_report(self, report)
            self.assertEqual(report["organization-name"], "Here & Sons")
            self.assertEqual(report["contact-info"], "tls@here.test")
            policy = report["policies"][0]
            self.assertEqual(policy["policy"], {"policy-type": "no-policy-found",
                                                "policy-domain": "one.test"})
            self.assertEqual(policy["summary"]["total-successful-session-count"], 1)
            self.check_mail(by_mail, report)
            wait_for(lambda: "tls-report-failed" in s.log())
            self.assertIn('why="the server says 500"', s.log())
            # That session was for a report: it is in none.
            shown = json.loads(s.waybill("reports", "--json").stdout)
            self.assertEqual((shown["sessions"], shown["on"]), (0, True))
            day = report["date-range"]["start-datetime"][:10]
            text = s.waybill("reports", day).stdout
            self.assertIn("sent to mailto:tls@mail.test", text)
            self.assertIn("tried 1 time, will be tried again", text)

    def test_policies_of_mta_sts_and_what_they_were_not_met_by(self):
        """Enforced: the mail waits. In testing: it goes. Either is a failure, with its policy's lines."""
        hop = self.hop("mx.other.test")     # not the name of either host
        zone = []
        for domain, mode in (("strict.test", "enforce"), ("lenient.test", "testing")):
            self.web.sts(domain, policy(mode, [f"mx.{domain}"]))
            zone += [f"{domain}. MX 10 mx.{domain}.", f"mx.{domain}. A 127.0.0.1",
                     f'_mta-sts.{domain}. TXT "v=STSv1; id=1"', f"mta-sts.{domain}. A 127.0.0.1"]
        s = self.server(zone, hop.port)
        s.env["WAYBILL_STS_PORT"] = str(self.web.port)
        with s:
            s.start()
            self.send(s, "bob@strict.test")
            self.send(s, "bob@lenient.test")
            wait_for(lambda: hop.messages)
            wait_for(lambda: " deferred id=" in s.log())
            shown = wait_for(lambda: self.both(s))
        for domain, mode in (("strict.test", "enforce"), ("lenient.test", "testing")):
            check_report(self, shown[domain])
            found = shown[domain]["policies"][0]
            self.assertEqual(found["policy"], {
                "policy-type": "sts", "policy-domain": domain, "mx-host": [f"mx.{domain}"],
                "policy-string": ["version: STSv1", f"mode: {mode}", f"mx: mx.{domain}", "max_age: 86400"]})
            failure = found["failure-details"][0]
            self.assertEqual(failure["result-type"], "certificate-host-mismatch")
            self.assertEqual(failure["receiving-mx-hostname"], f"mx.{domain}")
            self.assertEqual(failure["sending-mta-ip"], "127.0.0.1")

    def both(self, s):
        reports = json.loads(s.waybill("reports", "--json").stdout)["reports"]
        return {r["domain"]: r["report"] for r in reports} if len(reports) == 2 else None

    def check_mail(self, mail, report):
        self.assertIn("<>", mail["from"])
        self.assertEqual(mail["to"], ["tls@mail.test"])
        m = email.message_from_bytes(mail["data"])
        self.assertEqual(m["TLS-Report-Domain"], "one.test")
        self.assertEqual(m["TLS-Report-Submitter"], "here.test")
        self.assertEqual(m["TLS-Required"], "No")
        self.assertEqual((m.get_content_type(), m.get_param("report-type")),
                         ("multipart/report", "tlsrpt"))
        subject = re.sub(r"\s+", " ", m["Subject"])
        self.assertEqual(subject, "Report Domain: one.test Submitter: here.test Report-ID: <"
                         + report["report-id"] + ">")
        text, zipped = m.get_payload()
        self.assertEqual((text.get_content_type(), zipped.get_content_type()),
                         ("text/plain", "application/tlsrpt+gzip"))
        start = datetime.datetime.strptime(report["date-range"]["start-datetime"] + "+0000",
                                           "%Y-%m-%dT%H:%M:%SZ%z").timestamp()
        self.assertRegex(zipped.get_filename(),
                         rf"^here\.test!one\.test!{start:.0f}!{start + DAY_S - 1:.0f}!\w+\.json\.gz$")
        self.assertEqual(json.loads(gzip.decompress(zipped.get_payload(decode=True))), report)


class RequireTls(Case):
    """RFC 8689, between a client that wants it and hops that keep it, or do not."""
    ZONE = [f"mx.{name}.test. A 127.0.0.1" for name in ("kept", "mute", "clear", "far")] + [
        "far.test. MX 10 mx.far.test."]

    def run_hops(self):
        kept = self.hop("mx.kept.test", extensions=(*EXTENSIONS, "REQUIRETLS"))
        mute, clear = self.hop("mx.mute.test"), Hop()
        self.addCleanup(clear.stop)
        s = self.server(self.ZONE, kept.port, kept=kept.port, mute=mute.port, clear=clear.port)
        return s, kept, mute, clear

    def require(self, s, rcpt):
        with s.smtp() as c:
            c.starttls()
            c.sendmail("ann@here.test", [rcpt], TEXT, mail_options=["REQUIRETLS"])

    def told(self, s, rcpt):
        return next((line for line in s.log().splitlines() if f"to={rcpt}" in line and
                     re.search(" (failed|sent|deferred) id=", line)), None)

    def test_it_goes_to_a_verified_hop_that_offers_it_with_the_parameter(self):
        s, kept, mute, clear = self.run_hops()
        with s:
            s.start()
            self.require(s, "bob@kept.test")
            mail = wait_for(lambda: kept.messages)[0]
            self.assertIn("REQUIRETLS", mail["from"])
            for rcpt, code in (("bob@mute.test", "5.7.30"), ("bob@clear.test", "5.7.10"),
                               ("bob@far.test", "7.10")):
                self.require(s, rcpt)
                line = wait_for(lambda r=rcpt: self.told(s, r))
                self.assertIn(code, line)
            self.assertEqual((mute.messages, clear.messages), ([], []))
            self.assertEqual(len(kept.messages), 1)

    def test_its_notification_has_the_header_alone_and_goes_without(self):
        s, kept, mute, clear = self.run_hops()
        with s:
            s.start()
            with s.smtp() as c:
                c.starttls()
                c.sendmail("ann@clear.test", ["bob@mute.test"], TEXT,
                           mail_options=["REQUIRETLS", "RET=FULL"])
            mail = wait_for(lambda: clear.messages)[0]
            self.assertNotIn("REQUIRETLS", mail["from"])
            self.assertIn(b"Status: 5.7.30", mail["data"])
            self.assertIn(b"Subject: secret", mail["data"])
            self.assertNotIn(b"hidden words", mail["data"])


class TlsNotRequired(Case):
    def test_the_header_lowers_what_others_publish_and_stays(self):
        hop = Hop()
        self.addCleanup(hop.stop)
        s = self.server(["one.test. MX 10 mx.one.test.", "mx.one.test. A 127.0.0.1"], hop.port)
        with s:
            s.start()
            self.send(s, "bob@one.test", "TLS-Required: No\r\n" + TEXT)
            mail = wait_for(lambda: hop.messages)[0]
            self.assertIn(b"TLS-Required: No\r\n", mail["data"])
            wait_for(lambda: "tls-by=tls-required-no" in s.log())

    def test_both_are_shown_and_the_parameter_outweighs_the_header(self):
        s = self.server(["one.test. MX 10 mx.one.test.", "mx.one.test. A 127.0.0.1"], 1)
        with s:
            s.start()
            self.send(s, "bob@one.test", "TLS-Required: No\r\n" + TEXT)
            with s.smtp() as c:
                c.starttls()
                c.sendmail("ann@here.test", ["bob@one.test"], "TLS-Required: No\r\n" + TEXT,
                           mail_options=["REQUIRETLS"])
            ids = [m["id"] for m in wait_for(lambda: s.queue() if len(s.queue()) == 2 else None)]
            shown = [s.waybill("queue", "show", i).stdout for i in ids]
            self.assertIn("encrypted or not (TLS-Required: No)", shown[0])
            self.assertIn("encrypted only (REQUIRETLS)", shown[1])
            self.assertNotIn("TLS-Required", shown[1])


if __name__ == "__main__":
    unittest.main()
