/*
 * pattern.c - from the text of a pattern to its tokens, and what can be known
 * to be wrong with it: a pattern that never matches is a mistake.
 */
#include "cf/pattern.h"
#include "mail/address.h"
#include "mail/domain.h"
#include "ruleset/pattern.h"

struct token {
	enum rs_token_kind	 kind;
	struct span		 text;		/* TEXT; else the name */
	struct cf_sym		*sym;		/* set or map */
	const struct cf_expr	*expr;		/* where it stands */
};

struct cf_pattern {
	struct span	 text;		/* as written */
	bool		 has_at, asks;
	struct token	*tokens;
	size_t		 n;
};

/* One under way. */
struct making {
	struct cf		*cf;
	struct cf_scope		*s;
	struct cf_pattern	*p;
	const struct cf_expr	*whole;
	struct cf_local		**captured;
	bool			 bad;		/* reported */
};

__attribute__((format(printf, 3, 4)))
static void
complain(struct making *m, const struct cf_expr *e, const char *fmt, ...)
{
	struct buf	 text = { 0 };
	va_list		 ap;

	m->bad = true;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	cf_error(m->cf, e->loc, "%s", buf_cstr(&text));
	buf_clear(&text);
}

static bool
is_name(const struct token *t)
{
	return t->kind != RS_TOK_TEXT && t->kind != RS_TOK_AT;
}

static struct token *
add(struct making *m, enum rs_token_kind kind, const struct cf_expr *e)
{
	struct token	*t = &m->p->tokens[m->p->n];

	if (m->p->n < RS_PATTERN_TOKENS)
		m->p->n++;
	else if (!m->bad)
		complain(m, m->whole, "a pattern has at most %d words and "
		    "names", RS_PATTERN_TOKENS);
	t->kind = kind;
	t->expr = e;
	return t;
}

/* Constant text: its words, and '@' where it stands. */

static struct span
folded(struct cf *cf, struct span s)
{
	char	*p = arena_alloc(&cf->arena, s.n + 1);
	size_t	 i;

	for (i = 0; i < s.n; i++)
		p[i] = ascii_lower(s.p[i]);
	return span_mem(p, s.n);
}

static void
add_words(struct making *m, struct span s, const struct cf_expr *e)
{
	struct span	 words[RS_PATTERN_TOKENS + 1];
	size_t		 n, i;

	if (s.n == 0)
		return;
	n = rs_tokenize(s, !m->p->has_at && m->p->n == 0, words,
	    RS_PATTERN_TOKENS + 1);
	for (i = 0; i < n && i <= RS_PATTERN_TOKENS; i++)
		add(m, RS_TOK_TEXT, e)->text = folded(m->cf, words[i]);
}

static void
add_text(struct making *m, const struct cf_expr *e)
{
	struct span	 s = e->value.s;
	ptrdiff_t	 at;

	while ((at = span_index(s, '@')) >= 0) {
		add_words(m, span_mem(s.p, (size_t)at), e);
		if (m->p->has_at && !m->bad)
			complain(m, m->whole, "a pattern has one '@' at most: "
			    "it divides the local part from the domain");
		m->p->has_at = true;
		add(m, RS_TOK_AT, e);
		s = span_from(s, (size_t)at + 1);
	}
	add_words(m, s, e);
}

/* Names. */

static void
add_name(struct making *m, enum rs_token_kind kind, struct span name,
    struct cf_sym *sym, const struct cf_expr *e)
{
	struct token	*t = add(m, kind, e);

	if (cf_capture(m->cf, m->s, name, e->loc, m->captured) == NULL)
		m->bad = true;
	t->text = name;
	t->sym = sym;
}

/* What a name can be in; NULL: reported. */
static struct cf_sym *
source_of(struct making *m, struct cf_expr *e)
{
	struct cf_sym	*sym = cf_find(m->cf, e->name);

	if (sym == NULL || (sym->kind != CF_S_SET && sym->kind != CF_S_MAP)) {
		if (sym == NULL)
			(void)cf_need(m->cf, e->name, e->loc, CF_S_SET);
		else
			complain(m, e, "a set or a map is wanted here, and "
			    "'%.*s' (line %u) is %s", SPAN_ARG(e->name),
			    cf_line(m->cf, sym->loc), cf_sym_what(m->cf, sym));
		m->bad = true;
		return NULL;
	}
	sym->used = true;
	e->ref = CF_R_SYM;
	e->sym = sym;
	if (sym->kind == CF_S_SET && sym->type == RS_T_INT)
		complain(m, e, "'%.*s' is %s, and words of an address are text",
		    SPAN_ARG(e->name), cf_sym_what(m->cf, sym));
	else if (sym->kind == CF_S_MAP &&
	    span_eq(sym->map_kind, SPAN("access")))
		complain(m, e, "'%.*s' is an access table: it is asked for "
		    "client, sender and rcpt", SPAN_ARG(e->name));
	return sym;
}

static void
add_in(struct making *m, const struct cf_expr *e)
{
	struct cf_sym	*sym = source_of(m, e->b);
	bool		 is_map;

	if (sym == NULL)
		return;
	is_map = sym->kind == CF_S_MAP;
	m->p->asks |= is_map;
	if (e->negated)
		add_name(m, is_map ? RS_TOK_NOT_MAP : RS_TOK_NOT_SET,
		    e->a->name, sym, e);
	else
		add_name(m, is_map ? RS_TOK_IN_MAP : RS_TOK_IN_SET,
		    e->a->name, sym, e);
}

static void
add_part(struct making *m, const struct cf_expr *e)
{
	if (e->kind == CF_E_CONST && e->value.type == RS_T_TEXT &&
	    span_index(e->value.s, '*') >= 0) {
		complain(m, e, "a '*' stands for nothing else in a pattern");
		cf_help(m->cf, "write {name} for one word or more, {name*} "
		    "for any number");
	} else if (e->kind == CF_E_CONST && e->value.type == RS_T_TEXT) {
		add_text(m, e);
	} else if (e->kind == CF_E_NAME) {
		add_name(m, RS_TOK_SOME, e->name, NULL, e);
	} else if (e->kind == CF_E_PATVAR) {
		add_name(m, e->op == '*' ? RS_TOK_ANY : RS_TOK_ONE, e->name,
		    NULL, e);
	} else if (e->kind == CF_E_IN && e->a->kind == CF_E_NAME &&
	    e->b->kind == CF_E_NAME) {
		add_in(m, e);
	} else if (e->kind != CF_E_BAD) {
		complain(m, e, "a pattern has no such part");
		cf_help(m->cf, "there are {name}, {name*}, {name.}, {name in "
		    "SET} and {name not in SET}");
	} else {
		m->bad = true;
	}
}

/* What never matches. */

/* One of the characters that divide words. */
static bool
is_mark(const struct token *t)
{
	char		 text[3] = { 'a', 0, 'a' };
	struct span	 words[3];

	if (t->kind != RS_TOK_TEXT || t->text.n != 1)
		return false;
	text[1] = t->text.p[0];
	return rs_tokenize(span_mem(text, 3), false, words, 3) == 3;
}

static bool
is_dot(const struct token *t)
{
	return t->kind == RS_TOK_TEXT && span_eq(t->text, SPAN("."));
}

/* Names take whole words: beside each other none would know where to end. */
static void
check_neighbours(struct making *m)
{
	const struct token	*a, *b;
	size_t			 i;

	for (i = 0; i + 1 < m->p->n; i++) {
		a = &m->p->tokens[i];
		b = a + 1;
		if (is_name(a) && is_name(b))
			complain(m, b->expr, "'%.*s' stands beside '%.*s' with "
			    "nothing between them", SPAN_ARG(b->text),
			    SPAN_ARG(a->text));
		else if ((is_name(a) && b->kind == RS_TOK_TEXT && !is_mark(b)) ||
		    (is_name(b) && a->kind == RS_TOK_TEXT && !is_mark(a)))
			complain(m, is_name(a) ? a->expr : b->expr,
			    "this name stands in the middle of a word, and "
			    "takes whole ones: what is between . %% + ! / and "
			    "the like");
		else
			continue;
		return;
	}
}

static bool
never(struct making *m, const char *why)
{
	if (!m->bad)
		complain(m, m->whole, "this pattern can never match an "
		    "address: %s", why);
	return false;
}

/* A local part is a dot-atom, or quoted (RFC 5321, 4.1.2). */
static bool
local_word_ok(const struct token *t)
{
	size_t	 i;

	if (t->text.p[0] == '"')
		return t->text.n > 1 && t->text.p[t->text.n - 1] == '"';
	for (i = 0; i < t->text.n; i++) {
		if ((unsigned char)t->text.p[i] <= ' ' ||
		    strchr("()<>[]:;,\\\"\x7f", t->text.p[i]) != NULL)
			return false;
	}
	return true;
}

/* A label, in the form that domains have inside: an A-label. */
static bool
domain_word_ok(struct making *m, struct token *t)
{
	const char	*why;
	struct span	 label;

	if (is_mark(t))
		return strchr(".:[]", t->text.p[0]) != NULL;
	if (domain_normalise(t->text, &m->cf->arena, &label, &why) == -1)
		return false;
	t->text = arena_span(&m->cf->arena, label);
	return true;
}

/* The tokens [from, end) of the local part, or of the domain. */
static bool
check_side(struct making *m, size_t from, size_t end, bool is_local)
{
	struct token	*t = m->p->tokens;
	size_t		 i, octets = 0;

	if (from == end)
		return never(m, is_local ? "nothing stands before its '@'" :
		    "nothing stands behind its '@'");
	for (i = from; i < end; i++) {
		octets += t[i].kind == RS_TOK_TEXT ? t[i].text.n : 0;
		if (t[i].kind == RS_TOK_TEXT && !(is_local ?
		    local_word_ok(&t[i]) : domain_word_ok(m, &t[i])))
			return never(m, arena_printf(&m->cf->arena, is_local ?
			    "'%.*s' cannot stand in a local part" :
			    "'%.*s' cannot stand in a domain",
			    SPAN_ARG(t[i].text)).p);
		if (is_dot(&t[i]) && (i == from || i + 1 == end))
			return never(m, is_local ?
			    "no local part begins or ends with a dot" :
			    "no domain begins or ends with a dot");
		if (is_dot(&t[i]) && is_dot(&t[i - 1]))
			return never(m, "no address has two dots side by side");
	}
	if (octets > (is_local ? ADDRESS_LOCAL_MAX : ADDRESS_DOMAIN_MAX))
		return never(m, "it is longer than any");
	return true;
}

/*
 * Without an '@': the whole address under one name, or <postmaster>.  What
 * only ever is a whole one can be asked as an address: generics[who].
 */
static bool
check_whole(struct making *m)
{
	const struct token	*t = m->p->tokens;
	struct cf_local		*taken = *m->captured;

	if (m->p->n == 0)
		return never(m, "it is empty");
	if (m->p->n == 1 && is_name(t)) {
		if (taken != NULL && !taken->sym->shared)
			taken->sym->type = RS_T_ADDRESS;
		return true;
	}
	if (m->p->n == 1 && span_eq(t->text, SPAN("postmaster")))
		return true;
	never(m, "it has no '@'");
	cf_help(m->cf, "write \"{user}@...\", or one name alone for the whole "
	    "address");
	return false;
}

static void
check(struct making *m)
{
	size_t	 at = 0;

	if (!m->bad)
		check_neighbours(m);
	if (m->bad)
		return;
	if (!m->p->has_at) {
		(void)check_whole(m);
		return;
	}
	while (m->p->tokens[at].kind != RS_TOK_AT)
		at++;
	if (check_side(m, 0, at, true))
		(void)check_side(m, at + 1, m->p->n, false);
}

struct cf_pattern *
cf_pattern(struct cf *cf, struct cf_scope *s, struct cf_expr *text,
    struct cf_local **captured)
{
	struct making		 m = { cf, s, NULL, text, captured, false };
	const struct cf_expr	*part;

	if (text->kind != CF_E_CONST && text->kind != CF_E_TEXT)
		return NULL;	/* in error, reported */
	m.p = arena_alloc(&cf->arena, sizeof(*m.p));
	m.p->tokens = arena_alloc(&cf->arena,
	    (RS_PATTERN_TOKENS + 1) * sizeof(*m.p->tokens));
	m.p->text = cf_expr_text(cf, text);
	m.p->text = span_mem(m.p->text.p + 1, m.p->text.n - 2);
	if (text->kind == CF_E_CONST)
		add_part(&m, text);
	for (part = text->list; part != NULL; part = part->next)
		add_part(&m, part);
	check(&m);
	return m.bad ? NULL : m.p;
}

bool
cf_pattern_has_at(const struct cf_pattern *p)
{
	return p->has_at;
}

bool
cf_pattern_asks(const struct cf_pattern *p)
{
	return p->asks;
}

/* What one takes of the other. */

/* The token stands for one word or more of an address. */
static bool
is_word_at_least(const struct token *t)
{
	return t->kind != RS_TOK_AT && t->kind != RS_TOK_ANY;
}

static bool
is_one_word(const struct token *t)
{
	return t->kind == RS_TOK_TEXT || t->kind == RS_TOK_ONE ||
	    t->kind == RS_TOK_NOT_SET || t->kind == RS_TOK_NOT_MAP;
}

/* a takes exactly what b takes, or more, where each stands for itself. */
static bool
takes_token(const struct token *a, const struct token *b)
{
	switch (a->kind) {
	case RS_TOK_TEXT:
		return b->kind == a->kind && span_eq(a->text, b->text);
	case RS_TOK_AT:
		return b->kind == a->kind;
	case RS_TOK_ONE:
		return is_one_word(b);
	case RS_TOK_SOME:
		return is_word_at_least(b);
	case RS_TOK_ANY:
		return b->kind != RS_TOK_AT;
	default:
		return b->kind == a->kind && a->sym == b->sym;
	}
}

/* {x not in SET} behind the '@' and nothing else: it is a domain of any length. */
static bool
is_whole_domain(const struct cf_pattern *p, size_t i)
{
	return (p->tokens[i].kind == RS_TOK_NOT_SET ||
	    p->tokens[i].kind == RS_TOK_NOT_MAP) && i + 1 == p->n && i > 0 &&
	    p->tokens[i - 1].kind == RS_TOK_AT;
}

/* Those of another are not told apart by their kind alone. */
static bool
takes(const struct cf_pattern *p, size_t i, const struct cf_pattern *q,
    size_t j)
{
	const struct token	*t = &p->tokens[i];

	if (is_whole_domain(q, j) && !is_whole_domain(p, i) &&
	    t->kind != RS_TOK_SOME && t->kind != RS_TOK_ANY)
		return false;
	return takes_token(t, &q->tokens[j]);
}

/*
 * left[j]: what is left of p takes what is left of q from its token j on.
 * From the last token of p to the first; {x} and {x*} go on over more of q.
 */
bool
cf_pattern_covers(const struct cf_pattern *p, const struct cf_pattern *q)
{
	bool			 left[RS_PATTERN_TOKENS + 1] = { false };
	bool			 behind[RS_PATTERN_TOKENS + 1];
	const struct token	*t;
	size_t			 i, j;

	if (!p->has_at || !q->has_at)
		return false;
	left[q->n] = true;
	for (i = p->n; i-- > 0; ) {
		t = &p->tokens[i];
		memcpy(behind, left, sizeof(left));
		left[q->n] = t->kind == RS_TOK_ANY && behind[q->n];
		for (j = q->n; j-- > 0; ) {
			left[j] = takes(p, i, q, j) &&
			    (behind[j + 1] || ((t->kind == RS_TOK_SOME ||
			    t->kind == RS_TOK_ANY) && left[j + 1]));
			left[j] |= t->kind == RS_TOK_ANY && behind[j];
		}
	}
	return left[0];
}

bool
cf_pattern_is_general(const struct cf_pattern *p)
{
	size_t	 i = 0;

	while (i < p->n && p->tokens[i].kind != RS_TOK_AT)
		i++;
	for (; i < p->n; i++) {
		if (is_name(&p->tokens[i]))
			return true;
	}
	return false;
}

/* How long a match can be. */

#define LOCAL_WORDS	64u	/* an octet each; RFC 5321, 4.5.3.1 */
#define DOMAIN_WORDS	255u

static bool
is_long(const struct token *t)
{
	return t->kind == RS_TOK_SOME || t->kind == RS_TOK_ANY ||
	    t->kind == RS_TOK_IN_SET || t->kind == RS_TOK_IN_MAP;
}

/*
 * Steps in a part of so many words at most: each name of several words that
 * is not the last, which takes the rest, can end at each of them.  Tables are
 * asked once for each way; only without such names is that few enough.
 */
static uint64_t
most_steps(const struct token *t, size_t n, uint64_t words)
{
	uint64_t	 steps = n;
	bool		 asks = false, ways = false;
	size_t		 i;

	for (i = 0; i < n; i++) {
		asks |= t[i].kind == RS_TOK_IN_MAP ||
		    t[i].kind == RS_TOK_NOT_MAP;
		if (!is_long(&t[i]) || i + 1 == n)
			continue;
		ways = true;
		steps = steps > RS_LIKE_STEPS ? steps : steps * (words + 1);
	}
	return asks && ways ? UINT64_MAX : steps;
}

bool
cf_pattern_is_short(const struct cf_pattern *p)
{
	uint64_t	 local, domain;
	size_t		 at = 0;

	while (at < p->n && p->tokens[at].kind != RS_TOK_AT)
		at++;
	if (at == p->n)
		return most_steps(p->tokens, p->n, LOCAL_WORDS + 1 +
		    DOMAIN_WORDS) <= RS_LIKE_STEPS;
	local = most_steps(p->tokens, at, LOCAL_WORDS);
	domain = most_steps(p->tokens + at + 1, p->n - at - 1, DOMAIN_WORDS);
	return local <= RS_LIKE_STEPS && domain <= RS_LIKE_STEPS &&
	    local + domain <= RS_LIKE_STEPS;
}

uint32_t
cf_pattern_emit(const struct cf_pattern *p, struct rs_build *b)
{
	struct rs_token	 tokens[RS_PATTERN_TOKENS];
	size_t		 i;

	memset(tokens, 0, sizeof(tokens));
	for (i = 0; i < p->n; i++) {
		tokens[i].kind = p->tokens[i].kind;
		if (p->tokens[i].kind != RS_TOK_AT)
			tokens[i].string = rs_build_string(b,
			    p->tokens[i].text);
		if (p->tokens[i].sym != NULL)
			tokens[i].index = p->tokens[i].sym->index;
	}
	return rs_build_pattern(b, p->text, tokens, p->n);
}
