/*
 * pattern.c - matching addresses by their tokens.
 */
#include "ruleset/pattern.h"

/* A part of an address against the tokens of a pattern from first on. */
struct side {
	const struct rs_image		*im;
	const struct rs_like_tables	*tables;
	const struct rs_value		*whole;		/* the address */
	unsigned			 type;		/* of keys */
	uint32_t			 first, end;	/* tokens of the image */
	const struct span		*tokens;	/* of the part */
	size_t				 n;
	struct span			*captures;	/* of token first */
	unsigned			*steps, *asks;
};

static bool
is_special(char c)
{
	return c != '\0' && strchr(".:%!^/[]+()<>,;\\", c) != NULL;
}

size_t
rs_tokenize(struct span part, bool is_local, struct span *tokens, size_t max)
{
	size_t	n = 0, at = 0, len;

	if (is_local && part.n > 0 && part.p[0] == '"') {
		if (max > 0)
			tokens[0] = part;
		return 1;
	}
	for (; at < part.n && n <= max; at += len) {
		for (len = 1; !is_special(part.p[at]) && at + len < part.n &&
		    !is_special(part.p[at + len]);)
			len++;
		if (n < max)
			tokens[n] = span_mem(part.p + at, len);
		n++;
	}
	return n;
}

/* n tokens from `at` on, which lie side by side in the address. */
static struct span
range(const struct side *m, size_t at, size_t n)
{
	const char	*p = m->whole->s.p, *end;

	if (n == 0)
		return span_mem(at < m->n ? m->tokens[at].p : p, 0);
	p = m->tokens[at].p;
	end = m->tokens[at + n - 1].p + m->tokens[at + n - 1].n;
	return span_mem(p, (size_t)(end - p));
}

/* As what a set or table is asked: of a whole address, as an address. */
static struct rs_value
key_of(const struct side *m, struct span s)
{
	struct rs_value	key = { .type = (uint8_t)m->type };

	if (m->type == RS_T_ADDRESS && s.n == m->whole->s.n)
		return *m->whole;
	if (m->type == RS_T_ADDRESS)
		key.type = RS_T_TEXT;
	key.s = s;
	key.tainted = m->whole->tainted;
	return key;
}

static enum rs_like
truth(bool yes)
{
	return yes ? RS_LIKE_YES : RS_LIKE_NO;
}

static enum rs_like
in_map(const struct side *m, uint32_t map, const struct rs_value *key,
    bool wanted)
{
	if (++*m->asks > RS_LIKE_ASKS)
		return RS_LIKE_TOO_MUCH;
	switch (m->tables->has(m->tables->ctx, map, key)) {
	case RS_HAVE:
		return truth(wanted);
	case RS_ABSENT:
		return truth(!wanted);
	case RS_WAIT:
		return RS_LIKE_WAIT;
	default:
		return RS_LIKE_CANNOT;
	}
}

/* Whether the pattern's token may take these. */
static enum rs_like
fits(const struct side *m, const struct rs_token *t, struct span s)
{
	struct rs_value	key = key_of(m, s);

	switch (t->kind) {
	case RS_TOK_TEXT:
		return truth(span_ieq(rs_string(m->im, t->string), s));
	case RS_TOK_IN_SET:
		return truth(rs_set_has(m->im, t->index, &key));
	case RS_TOK_NOT_SET:
		return truth(!rs_set_has(m->im, t->index, &key));
	case RS_TOK_IN_MAP:
	case RS_TOK_NOT_MAP:
		return in_map(m, t->index, &key, t->kind == RS_TOK_IN_MAP);
	default:
		return RS_LIKE_YES;
	}
}

/* {x not in S} that is all of a pattern's domain: of a domain as a whole. */
static bool
is_whole_domain(const struct side *m, uint32_t i)
{
	return m->type == RS_T_DOMAIN && i == m->first && i + 1 == m->end;
}

static void
bounds(const struct side *m, uint32_t i, size_t left, size_t *least,
    size_t *most)
{
	const struct rs_token	*t = rs_token(m->im, i);

	*least = *most = 1;
	if (t->kind == RS_TOK_ANY)
		*least = 0;
	if (t->kind == RS_TOK_ANY || t->kind == RS_TOK_SOME ||
	    t->kind == RS_TOK_IN_SET || t->kind == RS_TOK_IN_MAP)
		*most = left;
	if ((t->kind == RS_TOK_NOT_SET || t->kind == RS_TOK_NOT_MAP) &&
	    is_whole_domain(m, i))
		*most = left;
}

/*
 * The pattern from its token i on against the part's from `at` on.  Calls
 * itself once for each token of the pattern at most.
 */
static enum rs_like
rest(const struct side *m, uint32_t i, size_t at)
{
	const struct rs_token	*t;
	size_t			 least, most, left = m->n - at;

	if (i == m->end)
		return truth(left == 0);
	t = rs_token(m->im, i);
	bounds(m, i, left, &least, &most);
	if (i + 1 == m->end && least < left)
		least = left;		/* the last takes all */
	for (size_t n = least; n <= most && n <= left; n++) {
		struct span	s = range(m, at, n);
		enum rs_like	r;

		if (++*m->steps > RS_LIKE_STEPS)
			return RS_LIKE_TOO_MUCH;
		if ((r = fits(m, t, s)) == RS_LIKE_YES) {
			m->captures[i - m->first] = s;
			r = rest(m, i + 1, at + n);
		}
		if (r != RS_LIKE_NO)
			return r;
	}
	return RS_LIKE_NO;
}

/* The '@' of a pattern, or its end. */
static uint32_t
find_at(const struct rs_image *im, const struct rs_pattern *p)
{
	uint32_t	i = p->first;

	while (i < p->first + p->n && rs_token(im, i)->kind != RS_TOK_AT)
		i++;
	return i;
}

/* The domain's tokens, behind those of the local part and the '@'. */
static enum rs_like
match_domain(struct side m, uint32_t at, size_t nlocal)
{
	m.type = RS_T_DOMAIN;
	m.captures[at - m.first] = m.tokens[nlocal];
	m.captures += at + 1 - m.first;
	m.first = at + 1;
	m.tokens += nlocal + 1;
	m.n -= nlocal + 1;
	return rest(&m, m.first, 0);
}

/*
 * Both parts; nothing that one captures depends on the other.  When one does
 * not match it is all the same what the other would ask: false and unknown is
 * false.  nlocal: tokens of the local part; then '@', then those of the domain.
 */
static enum rs_like
match_parts(struct side m, uint32_t at, size_t nlocal)
{
	enum rs_like	 domain, local;

	domain = match_domain(m, at, nlocal);
	if (domain == RS_LIKE_NO || domain == RS_LIKE_WAIT)
		return domain;
	m.type = RS_T_TEXT;
	m.end = at;
	m.n = nlocal;
	local = rest(&m, m.first, 0);
	return domain == RS_LIKE_YES || local == RS_LIKE_NO ? local : domain;
}

/* Local part, '@', domain; how many in all, and in the local part. */
static size_t
divide(const struct rs_value *v, struct span *tokens, size_t *nlocal)
{
	size_t	n;

	n = rs_tokenize(span_mem(v->s.p, v->at < v->s.n ? v->at : v->s.n),
	    true, tokens, RS_ADDRESS_TOKENS);
	*nlocal = n;
	if (v->at >= v->s.n)
		return n;
	if (n >= RS_ADDRESS_TOKENS)
		return n + 1;
	tokens[n++] = span_mem(v->s.p + v->at, 1);
	return n + rs_tokenize(span_from(v->s, (size_t)v->at + 1), false,
	    tokens + n, RS_ADDRESS_TOKENS - n);
}

enum rs_like
rs_pattern_match(const struct rs_image *im, uint32_t number,
    const struct rs_value *address, const struct rs_like_tables *tables,
    struct span captures[RS_PATTERN_TOKENS])
{
	const struct rs_pattern	*p = rs_pattern(im, number);
	struct span		 tokens[RS_ADDRESS_TOKENS];
	unsigned		 steps = 0, asks = 0;
	size_t			 nlocal;
	uint32_t		 at = find_at(im, p);
	struct side		 m = { .im = im, .tables = tables,
				    .whole = address, .type = RS_T_ADDRESS,
				    .first = p->first, .end = p->first + p->n,
				    .tokens = tokens, .captures = captures,
				    .steps = &steps, .asks = &asks };

	if (address->type != RS_T_ADDRESS || address->s.n == 0)
		return RS_LIKE_NO;
	m.n = divide(address, tokens, &nlocal);
	if (m.n > RS_ADDRESS_TOKENS)
		return RS_LIKE_TOO_MUCH;
	if (at == m.end)
		return rest(&m, m.first, 0);
	return nlocal == m.n ? RS_LIKE_NO : match_parts(m, at, nlocal);
}
