"""Rates and the greylist of the running server, over workers and restarts."""
import glob
import os
import signal
import smtplib
import time
import unittest

from limits_test import RCPT, ROUTE, count, kill, start, stopped


def try_mail(s, sender="a@x.example", to="ann@here.example"):
    """The code of the first reply that refuses, or of the final dot's."""
    with s.smtp() as c:
        c.ehlo("client.example")
        for reply_to in (lambda: c.mail(sender), lambda: c.rcpt(to),
                         lambda: c.data("Subject: x\r\n\r\nx\r\n")):
            try:
                code = reply_to()[0]
            except smtplib.SMTPResponseException as e:
                code = e.smtp_code
            if code >= 400:
                return code
        return code


class Rates(unittest.TestCase):
    RATE = 'on mail { rate "m" by client.ip over 5/1h => defer 450 4.7.1 "slow down" }\n'

    def test_over_two_workers_and_a_restart(self):
        with start(self.RATE) as s:
            self.assertEqual([try_mail(s) for _ in range(3)], [250] * 3)
            s.stop()
            s.start()
            self.assertEqual([try_mail(s) for _ in range(4)], [250, 250, 450, 450])
            time.sleep(2)   # it is written within a second
            kill(s, "limits")
            self.assertEqual(try_mail(s), 450)

    def test_what_was_written_outlives_a_kill_of_all(self):
        with start(self.RATE) as s:
            self.assertEqual([try_mail(s) for _ in range(5)], [250] * 5)
            time.sleep(2)   # it is written within a second
            s.kill_all()
            s.start()
            self.assertEqual(try_mail(s), 450)

    def test_damaged_files_do_not_keep_the_server_down(self):
        with start(self.RATE) as s:
            self.assertEqual([try_mail(s) for _ in range(5)], [250] * 5)
            s.stop()
            files = [p for p in glob.glob(f"{s.spool}/limits/*") if not p.endswith("lock")]
            self.assertTrue(files)
            for path in files:
                with open(path, "r+b") as f:
                    f.write(b"no file of counters" * (os.path.getsize(path) // 19 + 1))
            s.start()
            self.assertEqual(try_mail(s), 250)
            self.assertIn("damaged_octets=", s.log())

    def test_one_key_does_not_count_for_another(self):
        rule = 'on mail { rate "m" by sender over 1/1h => reject 550 5.7.1 }\n'
        with start(rule) as s:
            self.assertEqual(try_mail(s, "a@x.example"), 250)
            self.assertEqual(try_mail(s, "b@x.example"), 250)
            self.assertEqual(try_mail(s, "A@X.example"), 550)
            # The null sender is nobody.
            self.assertEqual([try_mail(s, "") for _ in range(3)], [250] * 3)

    def test_each_command_counts(self):
        rule = 'rate "r" by client.ip over 2/1h => defer 450 4.7.1\n'
        with start(rcpt=RCPT.replace("on rcpt {", "on rcpt {\n    " + rule)) as s, s.smtp() as c:
            c.ehlo("client.example")
            c.mail("a@x.example")
            codes = [c.rcpt(to)[0] for to in ("ann@here.example", "bob@here.example",
                                              "ann@here.example")]
            self.assertEqual(codes, [250, 250, 450])

    def test_in_route_once_for_each_message(self):
        route = ROUTE.replace("route {", 'route {\n    rate "out" by sender over 2/1h'
                                         ' => defer 450 4.7.1\n')
        with start(route=route) as s:
            for _ in range(2):
                with s.smtp() as c:
                    c.sendmail("a@x.example", ["ann@here.example", "bob@here.example"], "x\r\n")
            s.wait_mail("ann", 2)
            s.wait_mail("bob", 2)
            self.assertEqual(try_mail(s), 450)
            self.assertEqual(try_mail(s, "b@x.example"), 250)

    def test_451_while_limits_does_not_answer(self):
        with start(self.RATE) as s, s.smtp() as c:
            c.ehlo("client.example")
            with stopped(s, "limits"):
                code, text = c.mail("a@x.example")
                self.assertEqual((code, text[:5]), (451, b"4.3.0"))
            self.assertEqual(c.mail("a@x.example")[0], 250)

    def test_a_question_outlives_the_process_that_was_asked(self):
        with start(self.RATE) as s, s.smtp() as c:
            c.ehlo("client.example")
            pid = s.processes()["limits"][0]
            os.kill(pid, signal.SIGSTOP)
            c.putcmd("MAIL", "FROM:<a@x.example>")
            time.sleep(0.3)
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(c.getreply()[0], 250)
            # And it is counted once.
            self.assertEqual([try_mail(s) for _ in range(5)], [250] * 4 + [450])


class Greylist(unittest.TestCase):
    RULE = ('rcpt unknown => reject 550 5.1.1\n'
            '    greylisted by client.ip/24, sender, rcpt for 2s => defer 450 4.7.1 "come again"')

    def server(self):
        return start(rcpt=RCPT.replace("rcpt unknown => reject 550 5.1.1", self.RULE))

    def test_the_second_try_passes(self):
        with self.server() as s:
            self.assertEqual(try_mail(s), 450)
            self.assertEqual(try_mail(s), 450)
            time.sleep(2.1)
            self.assertEqual(try_mail(s), 250)
            self.assertEqual(try_mail(s, "other@x.example"), 450)
            self.assertEqual(try_mail(s, to="bob@here.example"), 450)
            self.assertEqual(try_mail(s, "A@X.example"), 250)

    def test_a_restart_remembers_the_first_try(self):
        with self.server() as s:
            self.assertEqual(try_mail(s), 450)
            s.stop()
            time.sleep(2.1)
            s.start()
            self.assertEqual(try_mail(s), 250)
            self.assertEqual(count(s, "greylist"), 1)


if __name__ == "__main__":
    unittest.main()
