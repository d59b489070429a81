/*
 * cmd_xforward.c - XFORWARD (Postfix's XFORWARD_README): where the next message
 * came from, as a filter in between has been told.  For the log alone: no rule
 * and no limit ever sees it; but where a content filter of the policy gives mail
 * back (filtered.h), route sees in it the client.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/xclient.h"

struct forwarded {
	struct xattrs	x;
	char		texts[XATTR_NATTRS][XATTR_VALUE_MAX];
};

bool
xforward_may(const struct session *s)
{
	return origin_may(&s->origin, s->door, RS_OPT_LISTEN_xforward,
	    &s->server->gateways, s->gen->policy);
}

const char *
xattr_logged(const struct xattrs *x, enum xattr attr)
{
	return x->v[attr].is == XATTR_GIVEN ? log_quote(x->v[attr].text) : "-";
}

void
xforward_log(const struct session *s)
{
	const struct xattrs	*x;

	if (s->forwarded == NULL)
		return;
	x = &s->forwarded->x;
	log_info("forwarded session=S%" PRIx64 " id=%s name=%s addr=%s port=%s "
	    "proto=%s helo=%s ident=%s source=%s", s->id, s->tx->qid_text,
	    xattr_logged(x, XATTR_NAME), xattr_logged(x, XATTR_ADDR),
	    xattr_logged(x, XATTR_PORT), xattr_logged(x, XATTR_PROTO),
	    xattr_logged(x, XATTR_HELO), xattr_logged(x, XATTR_IDENT),
	    xattr_logged(x, XATTR_SOURCE));
}

const struct xattrs *
xforward_given(const struct session *s)
{
	return s->forwarded == NULL ? NULL : &s->forwarded->x;
}

void
xforward_clear(struct session *s)
{
	free(s->forwarded);
	s->forwarded = NULL;
}

/* What is not named keeps its value; [UNAVAILABLE] takes one away. */
static void
take_over(struct session *s, const struct xattrs *x)
{
	struct forwarded	*f = s->forwarded;
	struct span		 text;

	if (f == NULL)
		f = s->forwarded = xcalloc(1, sizeof(*f));
	for (unsigned i = 0; i < XATTR_NATTRS; i++) {
		if (x->v[i].is == XATTR_ABSENT)
			continue;
		text = x->v[i].text;
		if (text.n > 0)
			memcpy(f->texts[i], text.p, text.n);
		f->x.v[i].is = x->v[i].is;
		f->x.v[i].text = span_mem(f->texts[i], text.n);
	}
}

void
cmd_xforward(struct session *s, const struct smtp_command *c)
{
	struct arena	 a = { 0 };
	struct xattrs	 x;
	const char	*why;

	if (!xforward_may(s) || extensions_hidden(s, RS_EXT_XFORWARD))
		session_refuse(s, REPLY_NOT_TRUSTED, c->word);
	else if (s->state & SMTP_TRANSACTION)
		session_refuse(s, REPLY_NESTED, SPAN_NONE);
	else if (!xattrs_parse(c->args, XATTR_XFORWARD, &a, &x, &why))
		session_refuse(s, REPLY_ARG, span_of(why));
	else {
		take_over(s, &x);
		session_reply(s, REPLY_NOOP, SPAN_NONE);
	}
	arena_clear(&a);
}
