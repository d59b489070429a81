"""Tables in LDAP, asked of Debian's slapd."""
import unittest

import asked_cases
from asked import Asked
from backends import Slapd
from server import BUILD

with open(f"{BUILD}/config.h", encoding="ascii") as f:
    BUILT = "\n#define WITH_LDAP 1" in f.read()


@unittest.skipUnless(BUILT and Slapd.BIN, "slapd is not there")
class LdapTable(asked_cases.Cases, unittest.TestCase):
    GONE = r"Connection refused|No such file|Can't contact"

    @classmethod
    def setUpClass(cls):
        cls.backend = s = Slapd()
        cls.addClassCleanup(s.close)
        s.kill(15)
        s.add(s.person("ann", mail=["ann@x"], telephoneNumber="5", employeeType="2G") +
              s.person(asked_cases.LONG, dn="cn=long,dc=test", mail="long@x") +
              s.person("it", dn="cn=utf,dc=test", description="grüße@x",
                       departmentNumber=asked_cases.UTF8) +
              s.person("two", mail=["a@x", "b@x"], employeeType="1G") +
              s.person("poor") +
              s.person("odd", dn=r"uid=a\2Cb\+c\22\23 x\3D1,dc=test", mail="odd@x") +
              "".join(s.person(f"n{i}", mail=f"n{i}@x", employeeType="many")
                      for i in range(30)) +
              "dn: ou=far,dc=test\nobjectClass: referral\nobjectClass: extensibleObject\n"
              "ou: far\nref: ldap://192.0.2.1/ou=far,dc=test\n\n")
        s.start()

    def table(self, where=None, **options):
        options.setdefault("filter", "(uid={key})")
        options.setdefault("base", "dc=test")
        options.setdefault("attributes", "mail")
        return Asked("ldap", where or f"ldap://127.0.0.1:{self.backend.port}", **options)

    # LDAP has no empty values, and uid matches as a text with blanks that do not count.
    def test_found_and_not_there(self):
        with self.table() as t:
            self.found(t, "ann", "ann@x")
            self.assertEqual(t.ask("bob"), ("none", ""))
            self.found(t, asked_cases.LONG, "long@x")
            self.assertEqual(t.ask("poor"), ("none", ""))
        with self.table(filter="(departmentNumber={key})", attributes="description") as t:
            self.found(t, asked_cases.UTF8, "grüße@x")

    def test_keys_are_keys_whatever_is_in_them(self):
        with self.table() as t:
            for key in asked_cases.HOSTILE:
                wanted = ("found", b"ann@x") if isinstance(key, str) and \
                    key.strip(" ") == "ann" else ("none", "")
                self.assertEqual(t.ask(key), wanted, key)
            self.assertEqual(t.log, [])
        with self.table(base="uid={key},dc=test", scope="base",
                        filter="(objectClass=*)") as t:
            for key in asked_cases.HOSTILE + ["a,b", "x,uid=ann", "ann+cn=x"]:
                wanted = ("found", b"ann@x") if isinstance(key, str) and \
                    key.strip(" ") == "ann" else ("none", "")
                got = t.ask(key)
                # slapd takes no empty and no very long names in a DN.
                if got[0] == "broken":
                    self.assertIn("Invalid DN syntax", got[1], key)
                else:
                    self.assertEqual(got, wanted, key)
            self.found(t, 'a,b+c"# x=1', "odd@x")
            self.found(t, "ann", "ann@x")

    def test_attributes_are_columns(self):
        with self.table(attributes="mail, employeeType description") as t:
            self.found(t, "two", "mail=a@x, b@x\nemployeeType=1G")
            self.found(t, "ann", "mail=ann@x\nemployeeType=2G")
        with self.table(kind="aliases") as t:
            self.found(t, "two", "a@x, b@x")
        with self.table(attributes="") as t:
            self.found(t, "ann", "")
            self.assertEqual(t.ask("bob"), ("none", ""))
        with self.table(filter="(|(uid={key})(mail={user}@{domain}))", scope="one") as t:
            self.found(t, "ann@x", "ann@x")

    def test_scopes(self):
        with self.table(scope="base") as t:
            self.assertEqual(t.ask("ann"), ("none", ""))
        with self.table(base="ou=no,dc=test") as t:
            self.assertEqual(t.ask("ann"), ("none", ""))

    def test_ways_to_the_server(self):
        s = self.backend
        env = {"LDAPTLS_CACERT": f"{s.dir}/cert.pem"}
        here = ["A:ldap.test=127.0.0.1", "A:other.test=127.0.0.1"]
        path = s.ldapi.replace("/", "%2F")
        for url in (f"ldap://ldap.test:{s.port}", f"ldapi://{path}",
                    f"ldap://ldap.test:{s.port}/????StartTLS",
                    f"ldap://ldap.test:{s.port}/????!1.3.6.1.4.1.1466.20037",
                    f"ldaps://ldap.test:{s.tls_port}",
                    f"ldap://127.0.0.1:1 ldap://nobody.test ldapi://{path}"):
            with self.table(where=url, env=env, records=here) as t:
                self.found(t, "ann", "ann@x")
        for url in (f"ldap://other.test:{s.port}/????StartTLS",
                    f"ldaps://other.test:{s.tls_port}", f"ldaps://ldap.test:{s.port}"):
            self.fails("later", "TLS", where=url, env=env, records=here)
        self.fails("later", "TLS", where=f"ldaps://ldap.test:{s.tls_port}", records=here,
                   env={"LDAPTLS_CACERT": "/dev/null"})

    def test_a_handshake_that_hangs_holds_nobody_up(self):
        s = self.backend
        with self.table(where=f"ldaps://127.0.0.1:{s.tls_port}", timeout=1200) as t:
            s.stop()
            try:
                self.assertEqual(t.ask("ann")[0], "later")
                t.close()
            finally:
                s.go_on()

    def test_logins(self):
        boss = {"login": "cn=boss,dc=test", "attributes": "telephoneNumber"}
        with self.table(**boss, password="hidden") as t:
            self.found(t, "ann", "5")
        with self.table(attributes="telephoneNumber") as t:
            self.assertEqual(t.ask("ann"), ("none", ""))
        self.fails("later", "Invalid credentials", password="wrong", **boss)

    def test_what_cannot_be_served_is_refused(self):
        here = "ldap://127.0.0.1"
        self.refused("URL", where="127.0.0.1:389")
        self.refused("options", where=f"{here}/dc=test")
        self.refused("options", where=f"{here}/?mail")
        self.refused("StartTLS", where=f"{here}/????x-other")
        self.refused("no server", where="  ")
        self.refused("8 servers", where=" ".join([here] * 9))
        self.refused("scope", scope="subtree")
        self.refused("32 attributes", attributes=" ".join(["a"] * 33))
        self.refused("in braces", filter="(uid={name})")

    def test_errors_of_the_search(self):
        self.fails("broken", "RFC 4515", filter="(uid={key}")
        self.fails("broken", "Invalid DN syntax", base="no dn")
        self.fails("broken", "more entries than may be given", filter="(employeeType=many)")
        self.fails("broken", "name that one", base="ou=far,dc=test", scope="base")
        with self.table(filter="(|(uid={key})(objectClass=referral))") as t:
            self.found(t, "ann", "ann@x")     # a reference on the way is passed over


if __name__ == "__main__":
    unittest.main()
