/*
 * sasl.c - what all mechanisms share: base64, "*", memory that is wiped.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/xalloc.h"
#include "mta/sasl/base64.h"
#include "mta/sasl/sasl_int.h"

enum starts { CLIENT, SERVER, EITHER };
enum clear { PROOF, PASSWORD };

static const struct {
	const char		*name;
	const struct sasl_ops	*ops;
	enum starts		 starts;
	enum clear		 clear;
} mechs[SASL_NMECHS] = {
#define MECHANISM(id, n, o, s, c, rfc) [SASL_##id] = { n, &o, s, c },
#include "mta/sasl/mechanisms.def"
#undef MECHANISM
};

struct sasl_block {
	struct sasl_block	*next;
	size_t			 n;
	char			 octets[];
};

/* --- names */

bool
sasl_named(struct span name, enum sasl_mech *out)
{
	for (int i = 0; i < SASL_NMECHS; i++)
		if (span_ieq(name, span_of(mechs[i].name))) {
			*out = (enum sasl_mech)i;
			return true;
		}
	return false;
}

const char *
sasl_name(enum sasl_mech m)
{
	return mechs[m].name;
}

bool
sasl_clear(enum sasl_mech m)
{
	return mechs[m].clear == PASSWORD;
}

void
sasl_list(sasl_mask set, struct buf *out)
{
	for (int i = 0; i < SASL_NMECHS; i++)
		if (set & SASL_BIT(i)) {
			buf_add_char(out, ' ');
			buf_add_str(out, mechs[i].name);
		}
}

/* --- memory */

char *
sasl_room(struct sasl *s, size_t n)
{
	struct sasl_block	*b = xcalloc(1, sizeof(*b) + n);

	b->n = n;
	b->next = s->blocks;
	s->blocks = b;
	return b->octets;
}

struct span
sasl_keep(struct sasl *s, struct span v)
{
	char	*p = sasl_room(s, v.n);

	if (v.n > 0)
		memcpy(p, v.p, v.n);
	return span_mem(p, v.n);
}

struct span
sasl_nonce(struct sasl *s)
{
	uint8_t		 octets[SASL_NONCE_OCTETS];
	struct buf	 text = { 0 };
	struct span	 kept;

	if (s->cx->nonce != NULL)
		return span_of(s->cx->nonce);
	random_bytes(octets, sizeof(octets));
	base64_add(&text, span_mem(octets, sizeof(octets)));
	kept = sasl_keep(s, buf_span(&text));
	buf_clear(&text);
	return kept;
}

struct sasl *
sasl_new(enum sasl_mech mech, const struct sasl_context *cx)
{
	struct sasl	*s = xcalloc(1, sizeof(*s));

	s->mech = mech;
	s->cx = cx;
	return s;
}

void
sasl_free(struct sasl **sp)
{
	struct sasl		*s = *sp;
	struct sasl_block	*b;

	if (s == NULL)
		return;
	*sp = NULL;
	while ((b = s->blocks) != NULL) {
		s->blocks = b->next;
		explicit_bzero(b->octets, b->n);
		free(b);
	}
	free(s);
}

/* --- how a step ends */

enum sasl_step
sasl_says(struct sasl *s, struct span text)
{
	s->say = text;
	return SASL_SAY;
}

enum sasl_step
sasl_asks(struct sasl *s, const struct sasl_question *q)
{
	s->question = *q;
	return SASL_ASK;
}

enum sasl_step
sasl_fails(struct sasl *s, enum sasl_failure f, const char *why)
{
	s->failure = f;
	s->why = why;
	return SASL_FAILED;
}

/*
 * RFC 4422, 3.4.1: nobody acts for somebody else here, but it may name itself,
 * as it did or as its account is called.
 */
enum sasl_step
sasl_in(struct sasl *s, const struct sasl_told *t)
{
	if (s->authzid.n > 0 && !span_eq(s->authzid, t->user) &&
	    !span_eq(s->authzid, s->question.user))
		return sasl_fails(s, SASL_WRONG,
		    "it may not act as somebody else");
	s->user = sasl_keep(s, t->user);
	return SASL_DONE;
}

bool
sasl_name_ok(struct span name)
{
	size_t	n;

	if (name.n == 0 || name.n > SASL_NAME_MAX)
		return false;
	for (; name.n > 0; name = span_from(name, n))
		if ((unsigned char)name.p[0] < ' ' || name.p[0] == 127 ||
		    (n = span_utf8(name)) == 0)
			return false;
	return true;
}

/* --- the calls */

static enum sasl_step
heard(struct sasl *s, struct span digits)
{
	char	*octets = sasl_room(s, BASE64_OCTETS(digits.n));
	size_t	 n;

	if (!base64_read(digits, octets, &n))
		return sasl_fails(s, SASL_ENCODING, "not base64");
	return mechs[s->mech].ops->heard(s, span_mem(octets, n));
}

enum sasl_step
sasl_begin(struct sasl *s, const struct span *initial)
{
	if (initial == NULL)
		return mechs[s->mech].ops->start(s);
	/* RFC 4954, 4 */
	if (mechs[s->mech].starts == SERVER)
		return sasl_fails(s, SASL_NOT_FIRST,
		    "the server begins in this mechanism");
	if (mechs[s->mech].starts == EITHER)
		s->step++;	/* it is the answer to the first challenge */
	if (span_eq(*initial, SPAN("=")))
		return heard(s, SPAN_NONE);
	if (initial->n == 0)
		return sasl_fails(s, SASL_ENCODING, "an empty one is '='");
	return heard(s, *initial);
}

enum sasl_step
sasl_line(struct sasl *s, struct span line)
{
	if (span_eq(line, SPAN("*")))
		return sasl_fails(s, SASL_CANCELLED, "cancelled");
	return heard(s, line);
}

enum sasl_step
sasl_told(struct sasl *s, const struct sasl_told *t)
{
	const struct sasl_ops	*ops = mechs[s->mech].ops;

	switch (t->answer) {
	case SASL_RIGHT:
		return ops->right != NULL ? ops->right(s, t) : sasl_in(s, t);
	case SASL_NOT_RIGHT:
		if (ops->wrong != NULL)
			return ops->wrong(s);
		return sasl_fails(s, SASL_WRONG, "wrong");
	case SASL_DONT_KNOW:
		break;
	}
	return sasl_fails(s, SASL_CANNOT, "it cannot be said just now");
}

void
sasl_say(const struct sasl *s, struct buf *out)
{
	base64_add(out, s->say);
}

const struct sasl_question *
sasl_question(const struct sasl *s)
{
	return &s->question;
}

struct span
sasl_user(const struct sasl *s)
{
	return s->user;
}

struct span
sasl_claimed(const struct sasl *s)
{
	return s->question.user;
}

enum sasl_mech
sasl_mechanism(const struct sasl *s)
{
	return s->mech;
}

enum sasl_failure
sasl_failure(const struct sasl *s)
{
	return s->failure;
}

const char *
sasl_why(const struct sasl *s)
{
	return s->why;
}
