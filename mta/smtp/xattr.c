/*
 * xattr.c - attributes of XCLIENT and XFORWARD.
 */
#include "config.h"

#include "mail/domain.h"
#include "mail/xtext.h"
#include "mta/smtp/command.h"
#include "mta/smtp/xattr.h"

/* What is being read. */
struct reading {
	enum xattr_of	 of;
	struct arena	*arena;
	struct xattrs	*out;
	const char	*why;
};

/* Takes a value that is GIVEN; false: it is none of these. */
typedef bool value_fn(struct reading *, enum xattr, struct span);

static value_fn	take_name, take_addr, take_port, take_proto, take_helo,
		take_login, take_word, take_protocol, take_source;

/* In the order in which EHLO names them. */
static const struct {
	const char	*word;
	enum xattr	 attr;
	value_fn	*of[2];		/* XCLIENT's, XFORWARD's; NULL: not there */
} attributes[] = {
	{ "NAME",	XATTR_NAME,	{ take_name,	take_word } },
	{ "ADDR",	XATTR_ADDR,	{ take_addr,	take_word } },
	{ "PORT",	XATTR_PORT,	{ take_port,	take_port } },
	{ "PROTO",	XATTR_PROTO,	{ take_proto,	take_protocol } },
	{ "HELO",	XATTR_HELO,	{ take_helo,	take_word } },
	{ "LOGIN",	XATTR_LOGIN,	{ take_login,	NULL } },
	{ "DESTADDR",	XATTR_DESTADDR,	{ take_addr,	NULL } },
	{ "DESTPORT",	XATTR_DESTPORT,	{ take_port,	NULL } },
	{ "IDENT",	XATTR_IDENT,	{ NULL,		take_word } },
	{ "SOURCE",	XATTR_SOURCE,	{ NULL,		take_source } },
};

#define NATTRIBUTES	(sizeof(attributes) / sizeof(attributes[0]))

const char *
xattrs_words(enum xattr_of of)
{
	return of == XATTR_XCLIENT ?
	    "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT" :
	    "NAME ADDR PORT PROTO HELO IDENT SOURCE";
}

const char *
xattr_word(enum xattr attr)
{
	return attributes[attr].word;
}

/* --- values */

/* A domain, and no address. */
static bool
take_name(struct reading *r, enum xattr attr, struct span v)
{
	const char	*why;
	struct ip	 ip;

	return !ip_parse(v, &ip) && domain_normalise(v, r->arena,
	    &r->out->v[attr].text, &why) == 0;
}

/* IPv4, or IPv6 behind its prefix; without brackets. */
static bool
take_addr(struct reading *r, enum xattr attr, struct span v)
{
	struct ip	*ip = attr == XATTR_ADDR ? &r->out->addr :
			    &r->out->destaddr;

	if (span_iprefix(v, SPAN("IPV6:")))
		return span_index(span_from(v, 5), ':') >= 0 &&
		    ip_parse(span_from(v, 5), ip);
	return span_index(v, ':') < 0 && ip_parse(v, ip);
}

static bool
take_port(struct reading *r, enum xattr attr, struct span v)
{
	uint64_t	n;

	if ((v.n > 1 && v.p[0] == '0') || !span_u64(v, 65535, &n))
		return false;
	*(attr == XATTR_PORT ? &r->out->port : &r->out->destport) =
	    (uint16_t)n;
	return true;
}

static bool
take_proto(struct reading *r, enum xattr attr, struct span v)
{
	(void)attr;
	r->out->esmtp = span_ieq(v, SPAN("ESMTP"));
	return r->out->esmtp || span_ieq(v, SPAN("SMTP"));
}

static bool
take_helo(struct reading *r, enum xattr attr, struct span v)
{
	(void)r;
	(void)attr;
	return helo_ok(v);
}

/* Any name of an account; xtext has no control characters. */
static bool
take_login(struct reading *r, enum xattr attr, struct span v)
{
	(void)r;
	(void)attr;
	(void)v;
	return true;
}

/* XFORWARD_README, note 1. */
static bool
take_word(struct reading *r, enum xattr attr, struct span v)
{
	(void)r;
	(void)attr;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~' ||
		    span_index(SPAN("()<>\\\",;"), v.p[i]) >= 0)
			return false;
	return true;
}

static bool
take_protocol(struct reading *r, enum xattr attr, struct span v)
{
	return v.n <= XATTR_PROTO_MAX && take_word(r, attr, v);
}

static bool
take_source(struct reading *r, enum xattr attr, struct span v)
{
	(void)r;
	(void)attr;
	return span_ieq(v, SPAN("LOCAL")) || span_ieq(v, SPAN("REMOTE"));
}

/* --- attributes */

static bool
take_value(struct reading *r, size_t row, struct span raw)
{
	enum xattr	 attr = attributes[row].attr;
	struct span	*text = &r->out->v[attr].text;
	enum xattr_is	*is = &r->out->v[attr].is;

	r->why = "a value is xtext of 1 to 255 characters";
	if (!xtext_decode(raw, r->arena, text) || text->n == 0 ||
	    text->n > XATTR_VALUE_MAX)
		return false;
	r->why = "a value is none of its attribute";
	if (span_ieq(*text, SPAN("[UNAVAILABLE]")))
		*is = XATTR_UNAVAILABLE;
	else if (r->of == XATTR_XCLIENT && attr == XATTR_NAME &&
	    span_ieq(*text, SPAN("[TEMPUNAVAIL]")))
		*is = XATTR_TEMPUNAVAIL;
	else {
		*is = XATTR_GIVEN;
		return attributes[row].of[r->of](r, attr, *text);
	}
	*text = SPAN_NONE;
	return true;
}

static bool
take_attribute(struct reading *r, struct span word)
{
	ptrdiff_t	eq = span_index(word, '=');
	struct span	name = span_mem(word.p, eq < 0 ? 0 : (size_t)eq);
	size_t		i;

	r->why = "syntax is ATTRIBUTE=VALUE";
	if (eq <= 0)
		return false;
	for (i = 0; i < NATTRIBUTES; i++)
		if (attributes[i].of[r->of] != NULL &&
		    span_ieq(name, span_of(attributes[i].word)))
			break;
	r->why = "no such attribute";
	if (i == NATTRIBUTES)
		return false;
	r->why = "an attribute is given twice";
	if (r->out->v[attributes[i].attr].is != XATTR_ABSENT)
		return false;
	return take_value(r, i, span_from(word, (size_t)eq + 1));
}

bool
xattrs_parse(struct span args, enum xattr_of of, struct arena *a,
    struct xattrs *out, const char **why)
{
	struct reading	r = { of, a, out, "an attribute is needed" };
	size_t		i = 0, start, n = 0;

	memset(out, 0, sizeof(*out));
	while (i < args.n) {
		while (i < args.n && args.p[i] == ' ')
			i++;
		for (start = i; i < args.n && args.p[i] != ' '; i++)
			continue;
		if (i == start)
			break;
		n++;
		if (!take_attribute(&r, span_mem(args.p + start, i - start))) {
			*why = r.why;
			return false;
		}
	}
	*why = r.why;
	return n > 0;
}
