#!/usr/bin/env python3
"""What `waybill check` takes for policies of 1,000 rules, in milliseconds.

    proof.py WAYBILL

Each shape is checked whole: read, typed, proved and compiled; the smallest of
three runs.  The first have the rules of the sample policies, many times over,
and are to stay below 100 ms.  The last entangle few questions in many ways: the
proof gives up (`cannot prove`, or does not look for unreachable rules) within
a second, and says so.  Exits 1 when one takes longer.
"""
import os
import random
import subprocess
import sys
import tempfile
import time

RULES = 1000
HEAD = """edition 1; hostname "mx.here.example"
set ours = { "here.example" }
net home = { 10.0.0.0/8 }
dnslist zen = "zen.example.net" codes 127.0.0.2
map users = { "ann" = "x" }
"""
END = """	client.ip in home => accept
	rcpt.domain not in ours => reject
	rcpt.user in users or client.ip listed by zen => defer
	otherwise => accept
}
route { otherwise => mx }
"""


def policy(rules, before=""):
    return HEAD + before + "on rcpt {\n" + "".join(f"\t{r}\n" for r in rules) + END


def each(*rules):
    return [rules[i % len(rules)].replace("#", str(i)) for i in range(RULES)]


def entangled(rule, values):
    pick = random.Random(1)
    return [rule.format(*(pick.randrange(values) for _ in range(6))) for _ in range(RULES)]


NESTED = ('(sender.domain == "a#.example" or client.helo == "h#") and '
          '(rcpt.user == "u#" or not (message.size > #K and sender.user == "s#")) => reject')
SAMPLES = {
    "in sets": policy(
        each("sender.domain in s# => reject"),
        "".join(f'set s{i} = {{ "a{i}.example" }}\n' for i in range(RULES))),
    "== constants": policy(each('sender.domain == "a#.example" => reject')),
    "accept, bound": policy(each('sender.domain == "a#.example" and rcpt.domain in ours => accept')),
    "listed, spf, matches": policy(each(
        "client.helo matches /x#/ => reject",
        'client.ip listed by zen and sender.domain == "a#.example" => reject',
        'spf fail and sender.domain == "b#.example" => reject',
        'rate "r#" by client.ip over 5/1m => defer')),
    "nested and, or, not": policy(each(NESTED.replace("#K", "1#K"))),
    "apply": policy(
        [f'sender.domain == "a{i}.example" => apply f{i % 50}(sender)' for i in range(RULES)],
        "".join(f'ruleset f{i}(a: address) -> verdict {{\n\ta.user == "u{i}" => reject\n'
                f'\ta.user == "v{i}" => defer\n}}\n' for i in range(50))),
    "tags": policy(each('score == # and sender.user == "u#" => tag score = #'),
                   "tag score: int\n"),
}
ENTANGLED = {
    "20 x 20 x 20": policy(entangled(
        'client.helo == "a{0}" and rcpt.user == "u{1}" and sender.user == "s{2}" => defer', 20)),
    "or of six": policy(entangled(
        '(client.helo == "a{0}" or rcpt.user == "u{1}") and (sender.user == "s{2}" or '
        'client.helo == "a{3}") and (rcpt.user == "u{4}" or sender.user == "s{5}") => defer', 60)
        + ['client.helo == "a1" and sender.user == "q" => accept']),
}


def check(waybill, path):
    """Milliseconds, and what was said of it."""
    best, said = None, ""
    for _ in range(3):
        begin = time.monotonic()
        r = subprocess.run([waybill, "check", path], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL)
        took = (time.monotonic() - begin) * 1000
        best = took if best is None else min(best, took)
        said = r.stderr
    return best, said


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "proof.conf")
        for shapes, limit in ((SAMPLES, 100), (ENTANGLED, 1000)):
            for name, text in shapes.items():
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                took, said = check(sys.argv[1], path)
                slow += took > limit
                print(f"{name:22} {took:7.0f} ms"
                      f"{'  cannot prove' if 'cannot prove' in said else ''}"
                      f"{'  TOO SLOW' if took > limit else ''}")
                if limit == 100 and "error" in said:
                    sys.exit(said)
    return slow > 0


if __name__ == "__main__":
    sys.exit(main())
