"""What waybill.conf(5) says is so: its examples run, its grammar is that of
the parser, its lists are those of the tables.  waybill(8) has all sub-commands
with their options.   manual.py [--seed N] [--mutants N] BUILD

A comment in front of each literal display of the page says what it is:

    example policy         a whole policy: check says nothing, all tests pass
    example statements     the like with what prelude.conf has around it
    example rules HOOK     rules in that block
    example steps          steps of a test, of the policy of the introduction
    example mistake        statements, or a policy, with mistakes
    message                what is said of the mistake before it
    file NAME              a file that lies beside the examples after it
    database NAME          SQL that makes an SQLite file beside them
    grammar                the EBNF
    text                   nothing that could be run
"""
import argparse
import glob
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile

import ebnf
import places

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(SRC, "man", "waybill.conf.5")
failures = []
passed = 0


def read(*path):
    with open(os.path.join(SRC, *path), encoding="utf-8") as f:
        return f.read()


def hold(ok, *what):
    global passed
    if ok:
        passed += 1
    else:
        failures.append(" ".join(what))


# --- the page

def literal(lines):
    """A display as it is seen: without the escapes of mdoc."""
    text = "\n".join(lines) + "\n"
    return text.replace("\\&", "").replace("\\e", "\\")


def displays(page):
    """(line, mark, text) of each literal display."""
    mark, begun, body = None, 0, []
    for n, line in enumerate(page.split("\n"), 1):
        if begun:
            if line == ".Ed":
                yield begun, mark, literal(body)
                mark, begun, body = None, 0, []
            else:
                body.append(line)
        elif line.startswith(".Bd -literal"):
            begun = n
        elif line.startswith('.\\" '):
            mark = line[4:]


def spoken(text):
    """Lines of mdoc as words: no macros, no escapes."""
    words = []
    for line in text.split("\n"):
        if line.startswith('.\\"'):
            continue
        if line.startswith("."):
            line = " ".join(w for w in line[1:].split()
                            if not re.fullmatch(r"[A-Z][a-z]", w))
        words.append(re.sub(r" ([.,;:)])(?= |$)", r"\1", line))
    text = " ".join(words).replace("\\(dq", '"').replace("\\&", "")
    return re.sub(r"\s+", " ", text.replace("\\e", "\\"))


def section(page, kind, title):
    """What stands below a heading, up to the next of its kind."""
    end = "S[hs]" if kind == "Ss" else "Sh"
    m = re.search(r"^\.%s %s\n(.*?)(?=^\.%s |\Z)" % (kind, re.escape(title), end),
                  page, re.M | re.S)
    return m.group(1) if m else ""


def items(text):
    """The items of lists: what stands behind .It, and what is said of it."""
    parts = re.split(r"^\.It ", text, flags=re.M)[1:]
    return [p.split("\n", 1) if "\n" in p else [p, ""] for p in parts]


# --- examples

def prelude():
    blocks = re.split(r"^# (always|named) (.*)\n", read("test", "doc", "prelude.conf"), flags=re.M)
    return [(blocks[i], blocks[i + 1], blocks[i + 2].strip() + "\n")
            for i in range(1, len(blocks), 3)]


def declares(text, word):
    words = r"\s+".join(re.escape(w) for w in word.split())
    return re.search(r"^\s*((set|net|map|mailbox|relay|milter|dnslist)\s+)?%s\b" % words,
                     text, re.M)


EDITION = "edition 1\n"


def moved(text):
    """Messages of an example, as they are below the edition."""
    return re.sub(r"(mail\.conf:|\bline )(\d+)", lambda m: m.group(1) + str(int(m.group(2)) + 1), text)


def around(text):
    """text below a line with the edition, and behind it what it needs."""
    grown = True
    used = set()
    while grown:
        grown = False
        for how, word, block in prelude():
            wanted = how == "always" or re.search(r"\b%s\b" % re.escape(word), text)
            if word not in used and wanted and not declares(text, word):
                used.add(word)
                text += "\n" + block
                grown = True
    return EDITION + text


class Examples:
    def __init__(self, build, folder):
        self.waybill = os.path.join(build, "waybill")
        self.folder = folder
        self.introduction = ""
        self.said = ""

    def run(self, command, text):
        path = os.path.join(self.folder, "mail.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return subprocess.run([self.waybill, command, "mail.conf"], cwd=self.folder,
                              capture_output=True, text=True, check=False)

    def compiles(self, where, text, strict):
        r = self.run("check", text)
        said = r.stdout + r.stderr
        bad = [line for line in said.split("\n") if re.search("warning:|error:", line)
               and (strict or "is never used" not in line)]
        hold(r.returncode == 0 and not bad, where, said)
        if 'test "' in text:
            r = self.run("test", text)
            hold(r.returncode == 0 and re.search(r"\b[1-9]\d* passed, 0 failed", r.stdout),
                 where, r.stdout, r.stderr)

    def fails(self, where, text):
        r = self.run("check", text)
        self.said = r.stdout + r.stderr
        hold(r.returncode == 1, where, "is no mistake:", self.said)

    def says(self, where, text):
        lines = [line.strip() for line in moved(text).strip().split("\n")]
        said = [line.strip() for line in self.said.split("\n")]
        n = len(lines)
        hold(any(said[i:i + n] == lines for i in range(len(said))), where,
             "is not what is said:", self.said)

    def beside(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def database(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        db = sqlite3.connect(path)
        db.executescript(text)
        db.close()

    def example(self, where, mark, text):
        kind = mark.split(" ", 1)[1]
        if kind == "policy":
            self.introduction = self.introduction or text
            self.compiles(where, text, True)
        elif kind == "statements":
            self.compiles(where, around(text), False)
        elif kind.startswith("rules "):
            block = "%s {\n%s}\n" % (kind[6:], text)
            self.compiles(where, around(block), False)
        elif kind == "steps":
            self.compiles(where, self.introduction + '\ntest "shown" {\n' + text + "}\n", True)
        elif kind == "mistake":
            self.fails(where, around(text))
        else:
            hold(False, where, "no such kind of example:", kind)

    def all(self, page):
        for line, mark, text in displays(page):
            where = "waybill.conf.5:%d:" % line
            if mark is None:
                hold(False, where, "nothing says what this display is")
            elif mark.startswith("example "):
                self.example(where, mark, text)
            elif mark.startswith("file "):
                self.beside(mark[5:], text)
            elif mark.startswith("database "):
                self.database(mark[9:], text)
            elif mark == "message":
                self.says(where, text)
            elif mark not in ("grammar", "text"):
                hold(False, where, "no such mark:", mark)


# --- the grammar

def tokens_of_parser():
    """Literals and classes of tokens that the rules of parser.y use."""
    text = read("cf", "parser.y")
    head, rules = text.split("\n%%\n")[:2]
    rules = rules.replace("'{'", "'(:'").replace("'}'", "':)'")
    rules = re.sub(r"\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", "", rules)
    rules = re.sub(r"^word\n.*?;\n", "", rules, flags=re.M | re.S)
    literals = {{"(:": "{", ":)": "}"}.get(c, c) for c in re.findall(r"'([^'\s]+)'", rules)}
    names = set()
    used = set(re.findall(r"\b[A-Z][A-Z_0-9]*\b", rules))
    for name, said in re.findall(r'\b([A-Z_]+) "([^"]+)"', head):
        if name in used and said.startswith("'"):
            literals.add(said.strip("'"))
        elif name in used:
            names.add(name)
    return literals, names


# In the parser these are words like others.
BY_POSITION = {"include", "size", "attempts"}


def grammar(page):
    texts = [t for _, mark, t in displays(page) if mark == "grammar"]
    hold(len(texts) == 1, "one display is the grammar")
    ebnf = re.sub(r"\(\*.*?\*\)", "", "".join(texts), flags=re.S)
    literals = set(re.findall(r'"([^"]+)"', ebnf))
    bare = re.sub(r'"[^"]+"', " ", ebnf)
    names = set(re.findall(r"\b[A-Z][A-Z_]+\b", bare))
    defined = re.findall(r"^([a-z_]+) +=", bare, re.M)
    used = set(re.findall(r"\b[a-z_]+\b", bare))
    hold(len(defined) == len(set(defined)), "each name of the grammar is defined once")
    for word in used:
        hold(word in defined, "the grammar uses, and does not define,", word)
    for word in defined[1:]:
        hold(len(re.findall(r"\b%s\b" % word, bare)) > 1, "the grammar never uses", word)
    there, classes = tokens_of_parser()
    for word in there | BY_POSITION:
        hold(word in literals, "the grammar lacks the token", word)
    for word in literals:
        hold(word in there | BY_POSITION, "the parser has no token", word)
    shown(page, "word", there)
    for word in classes:
        hold(word in names, "the grammar lacks the token", word)
    for word in names:
        hold(word in classes, "the parser has no token", word)


# --- the grammar and the compiler take the same

# Errors of form, as far as their words tell them from others.
OF_FORM = re.compile("cannot stand here(;|$)|(statement|file|expression}) ends here|is no action"
                     "|'include' |has no meaning here|is no number|not closed|no braces|no comment", re.M)


def mutants(text, count):
    """One token left out, put before another, or in the place of another."""
    tokens = [t for t in ebnf.Lexer(text).all() if t[0] != "line"]
    for _ in range(count):
        _, _, begin, end = random.choice(tokens)
        other = random.choice(tokens)[1] + " "
        yield text[:begin] + random.choice(("", other, other + text[begin:end])) + text[end:]


def same_form(page, examples, count):
    texts = [t for _, mark, t in displays(page) if mark == "grammar"]
    never = re.search(r"never names: (.*?)\.", spoken(section(page, "Ss", "Words"))).group(1)
    taker = ebnf.Grammar("".join(texts), set(never.split()))
    policies = glob.glob(os.path.join(SRC, "cf", "policies", "*.conf"))
    policies += [f[:-3] + "conf" for f in glob.glob(os.path.join(SRC, "test", "unit", "cf", "*.dis"))]
    # Of a word in `hide` that is no extension the compiler says this; its form is right.
    names = re.findall(r'^EXTENSION\(\w+, +"(\w+)"', read("ruleset", "extensions.def"), re.M)
    hold(len(names) > 5, "extensions.def can be read")
    hidden = "cannot stand here; did you mean '(%s)'" % "|".join(names)
    hold(len(policies) > 20, "there are policies to read")
    for path in policies:
        hold(taker.reads(read(path)), "the grammar does not take", path)
    for line, mark, text in displays(page):
        if mark != "example statements":
            continue
        for mutant in mutants(around(text), count):
            r = examples.run("check", mutant)
            of_form = OF_FORM.search(re.sub(hidden, "", re.sub("^ .*", "", r.stderr + r.stdout,
                                                              flags=re.M)))
            form = taker.reads(mutant)
            hold(r.returncode == 1 or form, "waybill.conf.5:%d:" % line,
                 "the grammar does not take, and the compiler does:\n", mutant)
            hold(not (of_form and form), "waybill.conf.5:%d:" % line,
                 "the grammar takes\n", mutant, "\nand the compiler says\n", r.stderr + r.stdout)


def shown(page, kind, words):
    """Each of the words stands in an example that has been run."""
    text = "\n".join(t for _, mark, t in displays(page) if mark and mark.startswith("example "))
    for word in words:
        at = r"\b%s\b" % re.escape(word) if word[0].isalpha() else re.escape(word)
        hold(re.search(at, text), "no example has the", kind, word)


# --- the tables

STRING = r'"((?:[^"\\]|\\.)*)"'


def options(page):
    pattern = r"^OPTION\((\w+),\s*\w+,\s*%s,\s*%s,\s*(\w+),\s*%s,\s*(\w+)," % ((STRING,) * 3)
    found = re.findall(pattern, read("ruleset", "options.def"), re.M)
    hold(len(found) > 40, "options.def can be read")
    before = (("LISTEN", "kind"), ("QUEUE", "for"), ("QUEUE", "for relay"))  # the block
    found = [f for f in found if f[:2] not in before]
    shown(page, "option", [f[1] for f in found])
    for block, word, places, repeat, default, served in found:
        title = {"SERVER": "The server", "MAP": "Options of maps", "REPORTS": "tls reports"}.get(block, block.lower())
        mine = [i for i in items(section(page, "Ss", title))
                if re.match(r"Cm %s( Ar| Oo| Cm|$)" % re.escape(word), i[0])]
        where = "option '%s' of %s" % (word, title)
        hold(len(mine) == 1, where, "has one item, not %d" % len(mine))
        if len(mine) != 1:
            continue
        said = spoken(mine[0][1])
        if default == "!":
            hold("Must be given." in said, where, "must be given")
        elif default:
            hold("Default: %s." % default in said, where, "has the default", default)
        else:
            hold("Must be given." not in said, where, "may be left out")
        hold(("Not served yet." in said) == (served == "LATER"), where, "is served or not")
        hold(("May stand several times." in said) == (repeat == "MANY"), where, "may be repeated or not")
        for fixed in re.findall(r"<(\w+)>", places):
            hold("Cm %s" % fixed in mine[0][0], where, "has the word", fixed)


def facts(page):
    hooks = dict(re.findall(r'^HOOK\((\w+),\s*"([^"]+)"', read("ruleset", "hooks.def"), re.M))
    found = re.findall(r'^FACT\(\w+,\s*"([^"]+)",\s*(\w+),\s*(\w+),', read("ruleset", "facts.def"), re.M)
    mine = {i[0]: i[1] for i in items(section(page, "Sh", "FACTS"))}
    hold(len(found) > 25, "facts.def can be read")
    shown(page, "fact", [f[0] for f in found])
    for name, kind, known in found:
        head = "Va %s : Vt %s , Ic %s" % (name, kind.lower(), hooks[known])
        hold(head in mine, "the page has no fact", head)
    for name in hooks.values():
        word = "rewrite" if name.startswith("rewrite ") else name
        hold(word in spoken(page), "the page does not name", name)


def tables(page):
    said = {title: [i[0] for i in items(section(page, "Ss", title))]
            for title in ("Drivers", "Kinds")}
    for file, title in (("drivers", "Drivers"), ("kinds", "Kinds")):
        text = read("maps", file + ".def")
        named = [n for n in re.findall(r"^[A-Z]+\((\w+),", text, re.M) if n != "inline"]
        shown(page, file[:-1], named)
        for name, rest in re.findall(r"^[A-Z]+\((\w+),(.*)", text, re.M):
            if name == "inline":
                continue
            mine = [i for i in items(section(page, "Ss", title))
                    if re.match(r"Cm %s\b" % name, i[0])]
            hold(len(mine) == 1, title, "lacks", name, "or has it twice")
            if file == "drivers" and mine:
                hold("Not served yet." not in spoken(mine[0][1]),
                     "driver", name, "is served or not")
        hold(len(said[title]) > 5, title, "has items")


def actions(page):
    """The words of actions, and whether they are final and served."""
    found = re.findall(r'^\t\[CF_A_\w+\] = \{ "([^"]+)",(.*?)\},$', read("cf", "actions.c"), re.M | re.S)
    hold(len(found) > 25, "actions.c can be read")
    mine = items(section(page, "Sh", "ACTIONS"))
    for word, rest in found:
        if word in ("a value", "a verdict out of a map"):
            continue
        there = [i for i in mine if re.match(r"Ic %s( |$)" % word, i[0])]
        hold(len(there) > 0, "the page has no action", word)
        served = re.findall(r"\b(true|false)\b", rest)[1] == "true"
        for _, text in there:
            hold(("Not served yet." in spoken(text)) != served, "action", word, "is served or not")


def standing(page, examples):
    """Where each action and each condition may stand."""
    def check(text):
        r = examples.run("check", around(text))
        return r.stdout + r.stderr
    routes = [i[0] for i in items(section(page, "Ss", "Final, in route"))]
    mine = items(section(page, "Sh", "ACTIONS"))
    for word, written in places.ACTIONS.items():
        there = [i for i in mine if re.match(r"Ic %s( |$)" % word, i[0])]
        said = {"route"} if there[0][0] in routes else places.meant(spoken(there[0][1]))
        got = places.may_stand(check, "time.hour == 1", written)
        hold(said == got, "action", word, "stands in", str(sorted(got)), "not", str(said))
    mine = {spoken("." + i[0]).replace("not ", ""): i[1]
            for i in items(section(page, "Sh", "CONDITIONS"))}
    for word, written in places.CONDITIONS.items():
        there = [text for head, text in mine.items() if re.search(r"\b" + word, head)]
        hold(len(there) == 1, "one item is about", word)
        said = places.meant(spoken(there[0])) if there else None
        got = places.may_stand(check, written, 'log "x"')
        hold(said == got, word, "stands in", str(sorted(got)), "not", str(said))


def hooks(page):
    """Each hook, and whether the server comes to it."""
    block = re.search(r"^hook_served\(.*?^}", read("cf", "names.c"), re.M | re.S).group(0)
    later = re.findall(r"RS_HOOK_(\w+)", block)
    hold(len(later) > 0, "names.c says which hooks are served")
    mine = {i[0]: i[1] for i in items(section(page, "Sh", "HOOKS"))}
    for name, word in re.findall(r'^HOOK\((\w+),\s*"([^"]+)"', read("ruleset", "hooks.def"), re.M):
        if word.startswith("on ") or word == "route":
            hold("Ic " + word in mine, "the page has no hook", word)
            hold(("Not served yet." in spoken(mine.get("Ic " + word, ""))) == (name in later),
                 "hook", word, "is served or not")


def never_names(page):
    text = read("cf", "parser.y")
    block = re.search(r"Words that are never names\. \*/(.*?)/\*", text, re.S).group(1)
    words = re.findall(r"\"'(\w+)'\"", block)
    said = spoken(section(page, "Ss", "Words"))
    listed = re.search(r"never names: (.*?)\.", said)
    hold(listed and sorted(listed.group(1).split()) == sorted(words),
         "words that are never names:", " ".join(words))


def commands(page):
    """Each sub-command with its options, as `waybill help` has them."""
    text = read("mta", "cmd", "commands.def")
    found = re.findall(r"^CMD\((\w+),(.*?)\)\n(?=CMD|\Z)", text, re.M | re.S)
    hold(len(found) > 14, "commands.def can be read")
    said = re.split(r"^\.It (?=Cm )", section(page, "Sh", "DESCRIPTION"), flags=re.M)
    synopsis = section(page, "Sh", "SYNOPSIS")
    for name, rest in found:
        mine = "".join(p for p in said if re.match(r"Cm %s\b" % name, p))
        hold(mine != "", "waybill(8) has no sub-command", name)
        hold(re.search(r"^\.Cm .*\b%s\b" % name, synopsis, re.M), "the synopsis lacks", name)
        for option in set(re.findall(r"--([a-z-]+)", rest)) - {"spool"}:
            hold("Fl -%s" % option in mine or "Fl -%s" % option in synopsis,
                 "waybill(8) lacks --%s of" % option, name)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--seed", type=int, default=5321)
    args.add_argument("--mutants", type=int, default=12, help="of each example")
    args.add_argument("build")
    args = args.parse_args()
    random.seed(args.seed)
    print("seed", args.seed)
    page = read("man", "waybill.conf.5")
    with tempfile.TemporaryDirectory(prefix="waybill-manual-") as folder:
        examples = Examples(os.path.abspath(args.build), folder)
        examples.all(page)
        same_form(page, examples, args.mutants)
        standing(page, examples)
    grammar(page)
    options(page)
    facts(page)
    tables(page)
    actions(page)
    hooks(page)
    never_names(page)
    commands(read("man", "waybill.8"))
    for f in failures:
        print("FAILED:", f)
    print("%d passed, %d failed" % (passed, len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
