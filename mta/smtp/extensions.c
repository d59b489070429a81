/*
 * extensions.c - each extension: when it is offered, what stands behind its
 * keyword.
 */
#include "config.h"

#include <inttypes.h>

#include "mta/smtp/auth.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/programs.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/xclient.h"

typedef bool when_fn(const struct session *);
typedef void more_fn(const struct session *, struct buf *out);

static bool
always(const struct session *s)
{
	(void)s;
	return true;
}

/* RFC 3030, 3: binary content can only come in chunks. */
static bool
chunking(const struct session *s)
{
	return !extensions_hidden(s, RS_EXT_CHUNKING);
}

/* RFC 6531, 3.1: who offers SMTPUTF8 offers 8BITMIME too. */
static bool
eightbit(const struct session *s)
{
	return !extensions_hidden(s, RS_EXT_8BITMIME);
}

/* RFC 8689, 2: never without TLS. */
static bool
inside_tls(const struct session *s)
{
	return s->facts.tls_version.n > 0;
}

/* Without the hook nothing is told, and nothing offered. */
static bool
has_vrfy(const struct session *s)
{
	return policy_has(s->gen->policy, RS_HOOK_VRFY);
}

static bool
has_expn(const struct session *s)
{
	return policy_has(s->gen->policy, RS_HOOK_EXPN);
}

/* --- what stands behind keywords */

static void
size_octets(const struct session *s, struct buf *out)
{
	buf_addf(out, " %" PRIu64, filtered_message_max(s));
}

static void
xclient_words(const struct session *s, struct buf *out)
{
	(void)s;
	buf_addf(out, " %s", xattrs_words(XATTR_XCLIENT));
}

static void
xforward_words(const struct session *s, struct buf *out)
{
	(void)s;
	buf_addf(out, " %s", xattrs_words(XATTR_XFORWARD));
}

static bool
has_logins(const struct session *s)
{
	return session_mechanisms(s) != 0;
}

static void
mechanisms(const struct session *s, struct buf *out)
{
	sasl_list(session_mechanisms(s), out);
}

/* RFC 9422, 4: numbers have six digits at most. */
static unsigned
six_digits(unsigned n)
{
	return n < 999999 ? n : 999999;
}

/*
 * RFC 9422, 5: no session has more messages than commands for them, and each
 * takes three.
 */
static void
limits(const struct session *s, struct buf *out)
{
	buf_addf(out, " MAILMAX=%u RCPTMAX=%u",
	    six_digits(s->gen->commands_max / 3),
	    six_digits(s->gen->rcpts_max));
}

/* --- the table */

static const struct {
	when_fn		*when;		/* besides not being hidden */
	more_fn		*more;
} table[RS_NEXTENSIONS] = {
	[RS_EXT_PIPELINING]	= { always,	NULL },
	[RS_EXT_SIZE]		= { always,	size_octets },
	[RS_EXT_8BITMIME]	= { always,	NULL },
	[RS_EXT_BINARYMIME]	= { chunking,	NULL },
	[RS_EXT_CHUNKING]	= { always,	NULL },
	[RS_EXT_DSN]		= { always,	NULL },
	[RS_EXT_ENHANCEDSTATUSCODES] = { always,	NULL },
	[RS_EXT_STARTTLS]	= { secure_offered, NULL },
	[RS_EXT_AUTH]		= { has_logins,	mechanisms },
	[RS_EXT_SMTPUTF8]	= { eightbit,	NULL },
	[RS_EXT_DELIVERBY]	= { always,	NULL },
	[RS_EXT_REQUIRETLS]	= { inside_tls,	NULL },
	[RS_EXT_LIMITS]		= { always,	limits },
	[RS_EXT_ETRN]		= { etrn_may,	NULL },
	[RS_EXT_XCLIENT]	= { xclient_may, xclient_words },
	[RS_EXT_XFORWARD]	= { xforward_may, xforward_words },
	[RS_EXT_VRFY]		= { has_vrfy,	NULL },
	[RS_EXT_EXPN]		= { has_expn,	NULL },
	[RS_EXT_HELP]		= { always,	NULL },
};

bool
extensions_hidden(const struct session *s, enum rs_extension e)
{
	return (s->door->hidden | s->hidden) >> e & 1;
}

uint32_t
extensions_offered(const struct session *s)
{
	uint32_t	set = 0;

	if (!s->esmtp)
		return 0;
	for (unsigned e = 0; e < RS_NEXTENSIONS; e++)
		if (!extensions_hidden(s, e) && table[e].when(s))
			set |= UINT32_C(1) << e;
	return set;
}

/* The service extensions, each on a line (RFC 5321, 4.1.1.1). */
void
extensions_say(struct session *s)
{
	uint32_t	left = extensions_offered(s);

	buf_addf(&s->out, "250%c%.*s", left != 0 ? '-' : ' ',
	    SPAN_ARG(s->gen->hostname));
	if (s->origin.program)
		buf_addf(&s->out, " for=%.*s",
		    SPAN_ARG(programs_domain(s)));
	buf_add_str(&s->out, "\r\n");
	for (unsigned e = 0; e < RS_NEXTENSIONS; e++) {
		if (!(left >> e & 1))
			continue;
		left &= ~(UINT32_C(1) << e);
		buf_addf(&s->out, "250%c%s", left != 0 ? '-' : ' ',
		    rs_extensions[e].keyword);
		if (table[e].more != NULL)
			table[e].more(s, &s->out);
		buf_add_str(&s->out, "\r\n");
	}
}
