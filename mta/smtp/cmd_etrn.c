/*
 * cmd_etrn.c - ETRN (RFC 1985): who has come up asks for his mail.
 */
#include "config.h"

#include <stdio.h>

#include "mail/domain.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"

bool
etrn_may(const struct session *s)
{
	return origin_may(&s->origin, s->door, RS_OPT_LISTEN_etrn,
	    &s->server->gateways, s->gen->policy);
}

/* The listener has networks that may, and this client is in none of them. */
static bool
others_may(const struct session *s)
{
	const struct rs_optval	*v;

	return s->door->object != UINT32_MAX && rs_option(s->door->image,
	    s->door->object, RS_OPT_LISTEN_etrn, 0, &v);
}

/* --- the argument (5.1, 5.3): a node, behind "@" or "#" perhaps */

static bool
is_queue_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    (unsigned char)s.p[i] > '~')
			return false;
	return s.n > 0 && s.n <= ETRN_NAME_MAX;
}

static bool
node(struct span args, struct arena *a, enum etrn_how *how, struct span *name)
{
	const char	*why;

	*how = ETRN_NODE;
	if (args.n > 0 && (args.p[0] == '@' || args.p[0] == '#')) {
		*how = args.p[0] == '@' ? ETRN_SUBDOMAINS : ETRN_QUEUE;
		args = span_from(args, 1);
	}
	if (*how == ETRN_QUEUE) {
		*name = args;
		return is_queue_name(args);
	}
	return domain_normalise(args, a, name, &why) == 0 &&
	    name->n <= ETRN_NAME_MAX;
}

/* --- the answer (5.3) */

static void
started(void *arg, enum etrn_result r, uint32_t messages)
{
	struct session	*s = arg;
	char		 text[48];

	s->etrn = 0;
	switch (r) {
	case ETRN_STARTED:
		session_reply(s, REPLY_ETRN, SPAN_NONE);
		break;
	case ETRN_NONE:
		session_reply(s, REPLY_ETRN_NONE, SPAN_NONE);
		break;
	case ETRN_PENDING:
		snprintf(text, sizeof(text), "%u", (unsigned)messages);
		session_reply(s, REPLY_ETRN_PENDING, span_of(text));
		break;
	default:
		session_refuse(s, REPLY_ETRN_UNABLE, SPAN_NONE);
		break;
	}
	session_touch(s);
	session_resume(s);
}

void
cmd_etrn(struct session *s, const struct smtp_command *c)
{
	struct arena	a = { 0 };
	enum etrn_how	how;
	struct span	name;

	if (!others_may(s) || extensions_hidden(s, RS_EXT_ETRN))
		session_refuse(s, REPLY_NOT_SERVED, c->word);
	else if (!node(c->args, &a, &how, &name))
		session_refuse(s, REPLY_ETRN_ARG, SPAN_NONE);
	else if (!etrn_may(s))
		session_refuse(s, REPLY_ETRN_NOT_ALLOWED, c->args);
	else {
		s->etrn = intake_etrn(s->server->intake, how, name, started,
		    s);
		session_park(s);
	}
	arena_clear(&a);
}
