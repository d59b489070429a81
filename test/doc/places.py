"""Where conditions and actions may stand: what waybill.conf(5) says of it, in
its own words, held against what the compiler says of each in each hook.
"""
import re

SESSION = ["on connect", "on helo", "on starttls", "on auth", "on mail", "on rcpt", "on data",
           "on content"]
HOOKS = SESSION + ["route", "on deliver", "on relay", "on bounce", "on vrfy", "on expn"]

# What an item of the page says, and which hooks are meant.
PHRASES = (
    (r"Every hook but ([a-z ]+?)[.;]", lambda m: [h for h in HOOKS if h != m.group(1)]),
    (r"The hooks of a session without on starttls and on auth",
     lambda m: [h for h in SESSION if h not in ("on starttls", "on auth")]),
    (r"The hooks of a session\.", lambda m: SESSION),
    (r"Where reject may stand", lambda m: [h for h in HOOKS if h != "on bounce"]),
    (r"Everywhere\.", lambda m: HOOKS),
    (r"From (on [a-z]+) to (on [a-z]+)[.,]",
     lambda m: SESSION[SESSION.index(m.group(1)):SESSION.index(m.group(2)) + 1]),
    (r"[;,] (?:and in )?(route, on deliver, on bounce|route)[.;]", lambda m: m.group(1).split(", ")),
    (r"; (on vrfy) and (on expn)\.", lambda m: list(m.groups())),
    (r"In (on connect) and (on helo)\.", lambda m: list(m.groups())),
    (r"; in (on bounce)\.|, in (on bounce)\.", lambda m: [m.group(1) or m.group(2)]),
    (r"In (route|on [a-z]+)\.|, in (on rcpt)\.", lambda m: [m.group(1) or m.group(2)]),
)

# How each is written; two hooks have no sender that could be asked about.
ACTIONS = {
    "accept": "accept", "reject": "reject", "defer": "defer", "discard": "discard",
    "quarantine": 'quarantine "x"', "hold": 'hold "x"', "deliver": "deliver family", "relay": 'relay "a.example"',
    "mx": "mx", "redirect": "redirect <a@b.example>", "moved": 'moved "a@b.example"',
    "lmtp": 'lmtp "/x"', "pipe": 'pipe "/x" as nobody', "file": 'file "/x"',
    "expand": "expand aliases", "expand srs": "expand srs", "tag": "tag shown = 1", "log": 'log "x"',
    "add header": 'add header "X-A: b"', "set header": 'set header "X-A: b"',
    "remove header": 'remove header "X-A"', "delay": "delay 5s", "bcc": "bcc <a@b.example>",
    "hide": "hide dsn",
    "use milter": "use milter spam", "skip milter": "skip milter spam",
    "headers only": "headers only", "language": 'language "de"', "priority": "priority low", "allow open relay": 'allow open relay because "x"',
}
CONDITIONS = {
    "listed by": "<a@b.example>.domain listed by zen",
    "rate": 'rate "x" by time.hour over 5/1h',
    "greylisted by": "greylisted by time.hour for 5m",
    "spf": "spf fail",
    "resolves": '"a.example" resolves',
    "of client.user": "<a@b.example> of client.user",
    "rcpt unknown": "rcpt unknown",
    "sender reachable": "sender reachable",
    "rcpt reachable": "rcpt reachable",
}
MISPLACED = re.compile("stands only in|does not say where mail goes|is not known in|cannot stand in"
                       "|asks the route, and")


def meant(said):
    """The hooks that a text of the page names; None: it names none."""
    hooks = []
    for pattern, which in PHRASES:
        m = re.search(pattern, said)
        if m:
            hooks += which(m)
    return set(hooks) or None


def may_stand(check, cond, action):
    """The hooks in which the compiler lets it stand; check: a policy's messages."""
    there = set()
    for hook in HOOKS:
        said = check("tag shown: int\n%s {\n    %s => %s\n}\n" % (hook, cond, action))
        if not MISPLACED.search("\n".join(re.findall(r"^mail\.conf:4:.*", said, re.M))):
            there.add(hook)
    return there
