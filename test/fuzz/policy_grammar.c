/*
 * policy_grammar.c - the grammar of policies, turned around.
 */
#include "ruleset/op.h"
#include "ruleset/value.h"
#include "test/fuzz/policy_grammar.h"

#define DEPTH_MAX	5	/* of expressions */
#define RULES_MAX	12	/* of a block */

struct gen {
	struct span	 left;		/* choices */
	struct buf	*out;
	enum rs_hook	 hook;
	unsigned	 depth;
	unsigned	 captures;	/* numbered, of this rule */
	unsigned	 lets;		/* texts, of this block */
	unsigned	 names;		/* given so far */
	bool		 named;		/* the last match has a name */
	bool		 asks;		/* the rule asks what may not answer */
};

static unsigned
pick(struct gen *g, unsigned n)
{
	unsigned	 c = 0;

	if (g->left.n > 0)
		c = (unsigned char)g->left.p[0];
	g->left = span_from(g->left, 1);
	return c % n;
}

static void
put(struct gen *g, const char *s)
{
	buf_add_str(g->out, s);
}

#define PUT_ONE(g, list) \
	put(g, (list)[pick(g, sizeof(list) / sizeof((list)[0]))])

/* Values. */

static void	put_value(struct gen *, unsigned type);
static void	put_cond(struct gen *);

static bool
is_known(const struct gen *g, unsigned fact)
{
	unsigned	 known = rs_facts[fact].known;
	enum rs_hook	 hook = g->hook;

	if (hook == RS_HOOK_VRFY || hook == RS_HOOK_EXPN)
		return known <= RS_HOOK_HELO || fact == RS_FACT_RCPT;
	if (hook > RS_HOOK_CONTENT)
		hook = RS_HOOK_RCPT;
	else if (fact == RS_FACT_RCPT && hook > RS_HOOK_RCPT)
		return false;
	return known <= hook || (g->hook == RS_HOOK_DELIVER &&
	    known == RS_HOOK_DELIVER) || (g->hook == RS_HOOK_RELAY &&
	    (known == RS_HOOK_RELAY || known == RS_HOOK_DELIVER));
}

/* A fact of that type that is known; false: there is none. */
static bool
put_fact(struct gen *g, unsigned type)
{
	unsigned	 f, n = 0, first = pick(g, RS_NFACTS);
	bool		 wrong = pick(g, 64) == 63;

	for (n = 0; n < RS_NFACTS; n++) {
		f = (first + n) % RS_NFACTS;
		if (rs_facts[f].type == type && (wrong || is_known(g, f))) {
			put(g, rs_facts[f].name);
			return true;
		}
	}
	return false;
}

static void
put_literal(struct gen *g, unsigned type)
{
	static const char *const	ips[] = {
		"192.0.2.1", "10.1.2.3", "2001:db8::1", "::1"
	};
	static const char *const	nets[] = {
		"10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"
	};
	static const char *const	texts[] = {
		"\"\"", "\"a\"", "\"h.example\"", "\"x \\\"y\\\" \\{z}\"",
		"\"\xc3\xbc\""
	};
	static const char *const	domains[] = {
		"\"a.example\"", "\"B.Example\"", "\"here.example\""
	};
	static const char *const	addresses[] = {
		"<a@a.example>", "<\"x y\"@b.example>", "<>", "<postmaster>"
	};

	switch (type) {
	case RS_T_BOOL:
		put(g, pick(g, 2) ? "true" : "false");
		break;
	case RS_T_INT:
		buf_addf(g->out, "%u", pick(g, 256));
		break;
	case RS_T_SIZE:
		buf_addf(g->out, "%u%c", 1 + pick(g, 200), "KMG"[pick(g, 3)]);
		break;
	case RS_T_TIME:
		buf_addf(g->out, "%u%c", 1 + pick(g, 60), "smhd"[pick(g, 4)]);
		break;
	case RS_T_DOMAIN:
		PUT_ONE(g, domains);
		break;
	case RS_T_ADDRESS:
		PUT_ONE(g, addresses);
		break;
	case RS_T_IP:
		PUT_ONE(g, ips);
		break;
	case RS_T_NET:
		PUT_ONE(g, nets);
		break;
	case RS_T_DATE:
		buf_addf(g->out, "20%02u-%02u-%02uT08:30:00Z", pick(g, 90),
		    1 + pick(g, 12), 1 + pick(g, 28));
		break;
	default:
		PUT_ONE(g, texts);
		break;
	}
}

static void
put_text(struct gen *g)
{
	unsigned	 i, n = 1 + pick(g, 3);

	put(g, "\"x");
	for (i = 0; i < n; i++) {
		put(g, "{");
		if (g->captures > 0 && pick(g, 2) == 0)
			buf_addf(g->out, "%u", 1 + pick(g, g->captures));
		else
			put_value(g, RS_T_TEXT + pick(g, 4));
		put(g, pick(g, 2) ? "} " : "}");
	}
	put(g, "\"");
}

/* What is made of other values, by type. */
static bool
put_composed(struct gen *g, unsigned type)
{
	switch (type) {
	case RS_T_TEXT:
		if (g->named && pick(g, 3) == 0)
			buf_addf(g->out, "c%u", g->names);
		else if (g->lets > 0 && pick(g, 3) == 0)
			buf_addf(g->out, "l%u", pick(g, g->lets));
		else
			put_text(g);
		return true;
	case RS_T_DOMAIN:
		if (!put_fact(g, RS_T_ADDRESS))
			return false;
		put(g, ".domain");
		return true;
	case RS_T_NET:
		if (!put_fact(g, RS_T_IP))
			return false;
		buf_addf(g->out, "/%u", pick(g, 33));
		return true;
	case RS_T_SIZE:
		put(g, "plain[");
		put_value(g, RS_T_DOMAIN);
		put(g, "] else ");
		put_literal(g, type);
		return true;
	default:
		return false;
	}
}

static void
put_value(struct gen *g, unsigned type)
{
	static const char *const	tags[RS_NTYPES] = {
		[RS_T_TEXT] = "t_text", [RS_T_INT] = "t_int",
		[RS_T_DOMAIN] = "t_domain", [RS_T_ADDRESS] = "t_address",
		[RS_T_DATE] = "t_date"
	};
	bool				done = false;

	if (pick(g, 96) == 95)
		type = RS_T_BOOL + pick(g, RS_NTYPES - RS_T_BOOL);
	g->depth++;
	switch (g->depth > DEPTH_MAX ? 0 : pick(g, 6)) {
	case 1: case 2: case 3:
		done = put_fact(g, type);
		break;
	case 4:
		done = put_composed(g, type);
		break;
	case 5:
		done = tags[type] != NULL;
		if (done)
			put(g, tags[type]);
		break;
	}
	if (!done)
		put_literal(g, type);
	g->depth--;
}

/* Conditions. */

static void
put_comparison(struct gen *g)
{
	static const char *const	signs[] = { "==", "!=" };
	static const char *const	orders[] = { "<", "<=", ">", ">=" };
	static const uint8_t		ordered[] = {
		RS_T_INT, RS_T_SIZE, RS_T_TIME, RS_T_DATE
	};
	unsigned			type = RS_T_INT + pick(g, 7);
	bool				order = pick(g, 3) == 0;

	if (order)
		type = ordered[pick(g, 4)];
	if (!put_fact(g, type))
		put_value(g, type);
	put(g, " ");
	if (order)
		PUT_ONE(g, orders);
	else
		PUT_ONE(g, signs);
	put(g, " ");
	put_value(g, type);
}

static void
put_membership(struct gen *g)
{
	static const struct {
		uint8_t		 type;
		const char	*name;
	} groups[] = {
		{ RS_T_DOMAIN, "ours" }, { RS_T_TEXT, "words" },
		{ RS_T_ADDRESS, "people" }, { RS_T_INT, "numbers" },
		{ RS_T_IP, "lan" }, { RS_T_IP, "10.0.0.0/8" },
		{ RS_T_DOMAIN, "plain" }, { RS_T_ADDRESS, "aliases" },
		{ RS_T_TEXT, "users" }, { RS_T_CLIENT, "access" },
		{ RS_T_ADDRESS, "access" }, { RS_T_DOMAIN, "routes" },
		{ RS_T_DOMAIN, "renamed" }, { RS_T_ADDRESS, "generics" },
		{ RS_T_TEXT, "served" }, { RS_T_DOMAIN, "found" },
		{ RS_T_ADDRESS, "both" }, { RS_T_ADDRESS, "all" },
		{ RS_T_DOMAIN, "through" }, { RS_T_TEXT, "either" }
	};
	unsigned	 i = pick(g, sizeof(groups) / sizeof(groups[0]));
	bool		 access;

	if (g->hook < RS_HOOK_MAIL && groups[i].type == RS_T_ADDRESS)
		i = 0;
	access = strcmp(groups[i].name, "access") == 0;
	g->asks |= i > 5;
	if (access)
		put(g, groups[i].type == RS_T_CLIENT ? "client" : "sender");
	else if (!put_fact(g, groups[i].type))
		put_value(g, groups[i].type);
	buf_addf(g->out, " %sin %s", pick(g, 3) == 0 ? "not " : "",
	    groups[i].name);
}

static void
put_match(struct gen *g)
{
	static const char *const	parts[] = {
		"a", "[a-z]+", "\\d*", "(?:x|y)", ".", "\\.", "\\/", "^",
		"$", "(b"
	};
	static const char *const	subjects[] = {
		"header[\"Subject\"]", "attachments", "attachments.type"
	};
	unsigned			i, n = 1 + pick(g, 4);

	if (g->hook == RS_HOOK_CONTENT && pick(g, 2) == 0)
		PUT_ONE(g, subjects);
	else
		put_value(g, RS_T_TEXT + pick(g, 3));
	g->asks = true;
	put(g, pick(g, 6) == 0 ? " not matches /" : " matches /");
	for (i = 0; i < n; i++) {
		switch (pick(g, 4)) {
		case 0:
			put(g, "(a*)");
			g->captures++;
			break;
		case 1:
			buf_addf(g->out, "(?<c%u>b+)", ++g->names);
			g->captures++;
			g->named = true;
			break;
		default:
			put(g, parts[pick(g, pick(g, 32) == 31 ? 10 : 9)]);
			break;
		}
	}
	put(g, pick(g, 2) ? "/i" : "/");
}

static void
put_pattern(struct gen *g)
{
	static const char *const	kinds[] = {
		"", "", "*", ".", " in words", " not in words", " in plain",
		" not in users", " in either", " in found"
	};
	static const char *const	between[] = { ".", "+", "%", "!" };
	unsigned			i, side, n;

	put(g, "\"");
	for (side = 0; side < 2; side++) {
		n = 1 + pick(g, 2);
		for (i = 0; i < n; i++) {
			if (i > 0)
				put(g, side == 1 ? "." : between[pick(g, 4)]);
			if (pick(g, 3) == 0) {
				put(g, "abc");
				continue;
			}
			buf_addf(g->out, "{c%u", ++g->names);
			put(g, kinds[pick(g, 10)]);
			put(g, "}");
			g->named = true;
		}
		if (side == 0)
			put(g, pick(g, 24) == 23 ? "" : "@");
	}
	put(g, "\"");
}

static void
put_keys(struct gen *g)
{
	unsigned	 n = 1 + pick(g, 3);

	for (; n > 0; n--) {
		put_value(g, RS_T_TEXT + pick(g, 5));
		if (n > 1)
			put(g, ", ");
	}
}

/* What others answer. */
static void
put_question(struct gen *g)
{
	static const char *const	results[] = {
		"none", "pass", "fail", "softfail", "neutral", "permerror"
	};
	const char			*no = pick(g, 3) == 0 ? " not" : "";
	unsigned			n = 9;

	/* From the end: what can be asked in fewer hooks. */
	if (g->hook > RS_HOOK_CONTENT)
		n = 1;
	else if (g->hook < RS_HOOK_MAIL)
		n = 5;
	else if (g->hook != RS_HOOK_RCPT)
		n = 8;
	g->asks = true;
	switch (pick(g, n)) {
	case 0:
		put_value(g, RS_T_ADDRESS);
		buf_addf(g->out, "%s like ", no);
		put_pattern(g);
		break;
	case 1:
		put_value(g, RS_T_DOMAIN);
		buf_addf(g->out, "%s resolves", no);
		break;
	case 2:
		buf_addf(g->out, "rate \"r%u\" by ", ++g->names);
		put_keys(g);
		buf_addf(g->out, " over %u/%um", 1 + pick(g, 99),
		    1 + pick(g, 60));
		break;
	case 3:
		put(g, "greylisted by ");
		put_keys(g);
		put(g, " for 5m");
		break;
	case 4:
		put_value(g, RS_T_IP);
		buf_addf(g->out, "%s listed by zen", no);
		break;
	case 5:
		buf_addf(g->out, "sender%s reachable", no);
		break;
	case 6:
		put_value(g, RS_T_ADDRESS);
		buf_addf(g->out, "%s of client.user", no);
		break;
	case 7:
		put(g, "spf ");
		PUT_ONE(g, results);
		break;
	default:
		put(g, "rcpt unknown");
		break;
	}
}

static void
put_chain(struct gen *g, const char *word)
{
	unsigned	 n = 2 + pick(g, 3);

	put(g, "(");
	for (; n > 0; n--) {
		put_cond(g);
		if (n > 1)
			put(g, word);
	}
	put(g, ")");
}

static void
put_cond(struct gen *g)
{
	g->depth++;
	switch (g->depth > DEPTH_MAX ? 0 : pick(g, 10)) {
	case 1: case 2:
		put_membership(g);
		break;
	case 3:
		put_match(g);
		break;
	case 4: case 5:
		put_question(g);
		break;
	case 6:
		put_chain(g, " and ");
		break;
	case 7:
		put_chain(g, " or ");
		break;
	case 8:
		put(g, "not ");
		put_cond(g);
		break;
	case 9:
		put(g, "asked(");
		put_value(g, RS_T_DOMAIN);
		put(g, ")");
		break;
	default:
		put_comparison(g);
		break;
	}
	g->depth--;
}

/* Actions. */

static void
put_reply(struct gen *g, const char *word, unsigned class)
{
	put(g, word);
	if (pick(g, 2))
		buf_addf(g->out, " %u%u", class, 50 + pick(g, 5));
	if (pick(g, 2))
		buf_addf(g->out, " %u.7.1", class);
	if (pick(g, 2)) {
		put(g, " ");
		put_text(g);
	}
}

static void
put_effect(struct gen *g)
{
	static const char *const	plain[] = {
		"delay 5s", "bcc <a@here.example>", "skip milter spam",
		"use milter spam"
	};
	static const char *const	hidden[] = {
		"hide chunking", "hide dsn, 8bitmime, auth", "hide vrfy, help"
	};

	if (g->hook > RS_HOOK_CONTENT) {
		put(g, "log ");
		put_text(g);
		return;
	}
	if (g->hook <= RS_HOOK_HELO && pick(g, 4) == 0) {
		PUT_ONE(g, hidden);
		return;
	}
	switch (pick(g, 6)) {
	case 0:
		put(g, "tag t_text = ");
		put_value(g, RS_T_TEXT);
		break;
	case 1:
		put(g, "tag t_int = ");
		put_value(g, RS_T_INT);
		break;
	case 2:
		put(g, "add header \"X-A: {");
		put_value(g, RS_T_TEXT);
		put(g, "}\"");
		break;
	case 3:
		PUT_ONE(g, plain);
		break;
	default:
		put(g, "log ");
		put_text(g);
		break;
	}
}

static void
put_final(struct gen *g)
{
	static const char *const	ways[] = {
		"mx", "relay hop", "deliver box", "expand aliases, mx",
		"expand both, mx", "expand all, mx",
		"redirect <a@here.example>", "routes[rcpt.domain], mx",
		"lmtp \"/run/x\"", "moved \"new@there.example\""
	};

	switch (pick(g, 5)) {
	case 0:
		put_reply(g, "reject", 5);
		break;
	case 1:
		put_reply(g, "defer", 4);
		break;
	case 2:
		put(g, "discard");
		break;
	case 3:
		if (g->hook == RS_HOOK_CONNECT)
			put(g, "access[client]");
		else if (g->hook == RS_HOOK_MAIL)
			put(g, "access[sender]");
		else
			put_effect(g);
		break;
	default:
		if (g->hook == RS_HOOK_ROUTE)
			PUT_ONE(g, ways);
		else if (g->hook == RS_HOOK_RCPT)
			put(g, "tag t_int = 1");
		else
			put(g, "accept");
		break;
	}
}

static void
put_rule(struct gen *g)
{
	unsigned	 n = g->hook == RS_HOOK_ROUTE ? 0 : pick(g, 3);

	g->captures = 0;
	g->named = g->asks = false;
	put(g, "\t");
	if (pick(g, 8) == 7) {
		buf_addf(g->out, "let l%u = ", g->lets);
		put_text(g);
		put(g, "\n");
		g->lets++;
		return;
	}
	put_cond(g);
	put(g, " => ");
	for (; n > 0; n--) {
		put_effect(g);
		put(g, ", ");
	}
	put_final(g);
	put(g, "\n");
	if (g->asks && pick(g, 4) == 3) {
		g->captures = 0;
		g->named = false;
		put(g, "\t\tfailing => ");
		put_reply(g, "defer", 4);
		put(g, "\n");
	}
}

static void
put_rules(struct gen *g)
{
	unsigned	 n = pick(g, RULES_MAX);

	g->lets = 0;
	for (; n > 0 && g->left.n > 0; n--)
		put_rule(g);
}

static void
put_hooks(struct gen *g)
{
	unsigned	 h;

	for (h = RS_HOOK_CONNECT; h <= RS_HOOK_EXPN; h++) {
		g->hook = (enum rs_hook)h;
		if (h != RS_HOOK_RCPT && h != RS_HOOK_ROUTE &&
		    pick(g, 3) != 1)
			continue;
		buf_addf(g->out, "%s {\n", rs_hook_names[h]);
		put_rules(g);
		if (h == RS_HOOK_RCPT)
			put(g, "\trcpt.domain in ours => accept\n");
		else if (h == RS_HOOK_ROUTE)
			put(g, "\totherwise => mx\n");
		put(g, "}\n");
	}
}

static const char head[] =
    "edition 1\nhostname \"mx.here.example\"\n"
    "set ours = { \"here.example\", \".below.example\" }\n"
    "set words = { \"a\", \"b\", \"abc\" }\n"
    "set people = { <a@a.example>, <b@b.example> }\n"
    "set numbers = { 1, 2, 3 }\n"
    "net lan = { 10.0.0.0/8, ::1, 192.0.2.7-192.0.2.9 }\n"
    "map plain = { \"a.example\" = \"2G\", \"abc\" = \"1\" }\n"
    "map aliases = { \"ann\" = \"bob\" } as aliases\n"
    "map users = { \"bob\" = \"\" } as accounts\n"
    "map access = { \"Connect:10.0.0.1\" = \"REJECT\" } as access\n"
    "map routes = { \"a.example\" = \"smtp:[b.example]\" } as routes\n"
    "map renamed = { \"old.example\" = \"new.example\" } as domains\n"
    "map generics = { \"a@a.example\" = \"b@b.example\" } as generics\n"
    "map names = { \"ann\" = \"bob, joe\" } as aliases\n"
    "map served = socket \"unix:/maps\" { map \"m\"; cache 5m, 30s }\n"
    "map found = dns \"x.example\" { type TXT; timeout 3s }\n"
    "map both = first of aliases, names\n"
    "map all = union of names, aliases as aliases\n"
    "map through = pipe of renamed, either\n"
    "map either = first of plain, served, found\n"
    "dnslist zen = \"zen.example\" codes 127.0.0.2-127.0.0.11\n"
    "milter spam { socket \"inet:127.0.0.1:11332\" }\n"
    "listen smtp on \"*:25\" { hide dsn; xclient lan, 192.0.2.1 }\n"
    "listen lmtp inside on \"unix:/run/lmtp\" { proxy lan }\n"
    "mailbox box { accounts users; path \"/var/mail/{user}\" }\n"
    "relay hop { host \"hop.example\" port 587 }\n"
    "tag t_text: text\ntag t_int: int = 5\ntag t_domain: domain\n"
    "tag t_address: address\ntag t_date: date\n"
    "ruleset asked(d: domain) -> bool { d in ours => true; "
    "otherwise => false }\n"
    "ruleset limit(a: address) -> verdict { a.domain == \"bad.example\" => "
    "reject }\n";

/* Blocks that rewrite; a pattern without its like is a mistake. */
static void
put_rewriting(struct gen *g)
{
	static const char *const	targets[] = {
		"inbound sender", "outbound sender, header", "inbound rcpt"
	};
	unsigned			n;

	g->hook = RS_HOOK_REWRITE_OUT_SENDER;
	buf_addf(g->out, "rewrite %s {\n", targets[pick(g, 3)]);
	for (n = 1 + pick(g, 4); n > 0; n--) {
		put(g, "\t");
		put_pattern(g);
		buf_addf(g->out, " => \"x@%c.example\"\n", 'a' + (char)n);
	}
	put(g, "}\n");
}

void
policy_grammar(struct span choices, struct buf *text)
{
	struct gen	 g = { .left = choices, .out = text };

	put(&g, head);
	if (pick(&g, 2) == 1)
		put_rewriting(&g);
	put_hooks(&g);
}
