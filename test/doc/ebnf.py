"""The grammar of waybill.conf(5) as a recogniser, with the lexical rules of
that page beside it, written from the page alone: what it takes the compiler
takes, and the other way round.  manual.py holds one against the other.
"""
import re

H = "[0-9a-fA-F]{1,4}"
V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
V6END = "(?:%s(?::%s){0,6}(?::%s)?|%s)" % (H, H, V4, V4)
V6 = "(?:(?:%s(?::%s){0,6})?::(?:%s)?|(?:%s:){7}%s|(?:%s:){6}%s)" % (H, H, V6END, H, H, H, V4)
V = "(?:%s|%s)" % (V6, V4)
UNITS = r"(?:\d+(?:ms|s|m|h|d|w))+"
LOCAL = r'(?:[^ \t\r\n<>"@\\]|\\[^ \t\r\n]|"(?:[^"\\\r\n]|\\[^\r\n])*")+'
# The longest counts; of those alike the first.
KINDS = [(kind, re.compile(p)) for kind, p in (
    ("word", "8bitmime|(?i:(?:scram|cram|digest)(?:-[a-z0-9]+)+)|[a-zA-Z][a-zA-Z0-9_]*"), ("NETWORK", V + r"/\d+"), ("RANGE", V + "-" + V),
    ("IP", V), ("STATUS", r"[245]\.\d{1,3}\.\d{1,3}"),
    ("DATE", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), ("RATE", r"\d+/" + UNITS),
    ("TIME", UNITS), ("SIZE", r"\d+[KMGT]"), ("INT", r"\d+"),
    ("ADDRESS", "<>|<[pP][oO][sS][tT][mM][aA][sS][tT][eE][rR]>|<%s@[^ \\t\\r\\n<>]*>" % LOCAL),
    # Begins with a digit, and is none of these.
    ("bad", r"\d[0-9a-zA-Z_]*|\d+(?:\.\d+)+"),
    ("mark", r"==|!=|<=|>=|=>|->|[()\[\],;:./=<>*{}]"))]
REGEX = re.compile(r"/(?:[^/\\\r\n]|\\[^\r\n])*/[a-z]*")
CHUNK = re.compile(r'(?:[^"\\{\r\n]|\\[^\r\n])*')

ON_AFTER = set(', { ( [ = => -> == != < <= > >= and or not in of matches like else'.split())
ON_BEFORE = set("and or else => , ) ] }".split())


class Wrong(Exception):
    """No token can be read there."""


class Lexer:
    """Tokens: (kind, text, where it begins and ends)."""

    def __init__(self, text):
        self.text = text
        self.at = 0
        self.tokens = []

    def add(self, kind, end):
        self.tokens.append((kind, self.text[self.at:end], self.at, end))
        self.at = end

    def string(self):
        """A text from its quote on, the expressions in it read as tokens."""
        head, self_at = True, self.at + 1
        while True:
            end = CHUNK.match(self.text, self_at).end()
            after = self.text[end:end + 1]
            if after == '"':
                self.add("TEXT" if head else "TEXT_TAIL", end + 1)
                return
            if after != "{":
                raise Wrong(end)
            self.add("TEXT_HEAD" if head else "TEXT_MID", end + 1)
            head = False
            while self.text[self.at:self.at + 1] != "}":
                self.one(True)
            self_at = self.at + 1

    def one(self, inside):
        """The next token, or blanks, or a line's end."""
        c = self.text[self.at:self.at + 1]
        if c in " \t" and c:
            self.at += 1
        elif c == "\n" and not inside:
            self.add("line", self.at + 1)
        elif c == "#" and not inside:
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        elif c == '"':
            self.string()
        elif c == "/" and self.tokens and self.tokens[-1][1] == "matches":
            m = REGEX.match(self.text, self.at)
            if not m:
                raise Wrong(self.at)
            self.add("REGEX", m.end())
        else:
            found = [(m.end(), -i, kind) for i, (kind, p) in enumerate(KINDS)
                     for m in [p.match(self.text, self.at)] if m]
            if not found:
                raise Wrong(self.at)
            end, _, kind = max(found)
            if kind == "bad":
                raise Wrong(self.at)
            self.add(kind, end)

    def all(self):
        while self.at < len(self.text):
            self.one(False)
        return self.tokens


def nesting(depth, mark):
    """How many ( and [ are open behind it; braces begin anew."""
    if mark in "([":
        return depth + 1
    if mark in ")]":
        return max(0, depth - 1)
    return 0 if mark in "{}" else depth


def ends(tokens):
    """Lines' ends and ';' become END where they end a statement."""
    out, depth, i = [], 0, 0
    tokens = tokens + [("line", "\n", 0, 0)]
    while i < len(tokens):
        kind, text, _, _ = tokens[i]
        last = out[-1][1] if out else "END"
        if text == ";" and kind == "mark":
            out.append(("END", "END", tokens[i][2], tokens[i][3]))
        elif kind != "line":
            if kind == "mark":
                depth = nesting(depth, text)
            out.append(tokens[i])
        else:
            while i + 1 < len(tokens) and tokens[i + 1][0] == "line":
                i += 1
            after = tokens[i + 1][1] if i + 1 < len(tokens) else ""
            if not (depth or last in ON_AFTER or last == "END" or after in ON_BEFORE):
                out.append(("END", "END", tokens[i][2], tokens[i][3]))
        i += 1
    return out


class Grammar:
    """An EBNF, read into productions; and a recogniser for it (Earley's)."""

    def __init__(self, ebnf, never):
        ebnf = re.sub(r"\(\*.*?\*\)", "", ebnf, flags=re.S)
        self.rules = {}
        self.never = never
        self.keywords = set(re.findall(r'"([a-z]+)"', ebnf)) - {"include", "size", "attempts"}
        for m in re.finditer(r"^([a-z_]+) +=(.*?)(?=^[a-z_]+ +=|\Z)", ebnf, re.M | re.S):
            self.words = re.findall(r'"[^"]+"|[A-Za-z_]+|[][(){}|]', m.group(2))
            self.rules[m.group(1)] = self.choice()
        self.nullable = set()
        before = -1
        while before != len(self.nullable):
            before = len(self.nullable)
            for name, ways in self.rules.items():
                if any(all(s in self.nullable for s in way) for way in ways):
                    self.nullable.add(name)

    def choice(self):
        ways = [[]]
        while self.words and self.words[0] not in ("]", ")", "}"):
            word = self.words.pop(0)
            if word == "|":
                ways.append([])
            elif word in ("[", "(", "{"):
                inner = self.choice()
                self.words.pop(0)
                name = "#%d" % len(self.rules)
                self.rules[name] = inner
                if word == "[":
                    inner.append([])
                elif word == "{":
                    for way in inner:
                        way.append(name)
                    inner.append([])
                ways[-1].append(name)
            else:
                ways[-1].append(word)
        return ways

    def fits(self, symbol, token):
        kind, text = token[0], token[1]
        if symbol[0] == '"':
            return kind in ("word", "mark") and text == symbol[1:-1]
        if symbol == "WORD":
            return kind == "word" and text not in self.keywords and text not in self.never
        if symbol == "word":
            return kind == "word" and text not in self.never
        return kind == symbol

    def is_terminal(self, symbol):
        return symbol == "word" or symbol not in self.rules

    def takes(self, tokens, start="policy"):
        sets = [dict() for _ in range(len(tokens) + 1)]

        def add(at, item, work):
            if item not in sets[at]:
                sets[at][item] = True
                work.append(item)
        for way in self.rules[start]:
            sets[0][(start, tuple(way), 0, 0)] = True
        for i in range(len(tokens) + 1):
            work = list(sets[i])
            waiting = {}
            while work:
                name, way, dot, origin = work.pop()
                if dot == len(way):
                    source = waiting.get(name, []) if origin == i else [
                        k for k in sets[origin] if k[2] < len(k[1]) and k[1][k[2]] == name]
                    for n, w, d, o in list(source):
                        add(i, (n, w, d + 1, o), work)
                    continue
                symbol = way[dot]
                if self.is_terminal(symbol):
                    if i < len(tokens) and self.fits(symbol, tokens[i]):
                        sets[i + 1][(name, way, dot + 1, origin)] = True
                    continue
                waiting.setdefault(symbol, []).append((name, way, dot, origin))
                if symbol in self.nullable:
                    add(i, (name, way, dot + 1, origin), work)
                for w in self.rules[symbol]:
                    add(i, (symbol, tuple(w), 0, i), work)
        return any(n == start and d == len(w) and o == 0 for n, w, d, o in sets[-1])

    def reads(self, text):
        """Whether text is a policy by its form."""
        try:
            return self.takes(ends(Lexer(text).all()))
        except Wrong:
            return False
