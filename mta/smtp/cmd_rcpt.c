/*
 * cmd_rcpt.c - RCPT (RFC 5321, 4.1.1.3).
 */
#include "config.h"

#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/rewrite.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"

/*
 * Octets of all recipients of a message: its envelope stays below ENVELOPE_MAX.
 */
#define RCPTS_OCTETS_MAX	(ENVELOPE_MAX / 2)

static void
rcpt_counted(struct session *s, bool ok)
{
	struct transaction	*t = s->tx;

	if (!ok)
		return;
	if (t->drop_rcpt)
		t->nunkept++;
	else
		transaction_add_rcpt(t, s->facts.rcpt);
	s->facts.rcpts_count++;
	session_reply(s, REPLY_RCPT, SPAN_NONE);
	if (s->state != SMTP_RCPT)
		session_enter(s, SMTP_RCPT, "RCPT");
}

static void
rcpt_decided(struct session *s, const struct rs_verdict *v)
{
	if (session_refused(s, v))
		return;
	s->tx->drop_rcpt = v->kind == RS_V_DISCARD;
	if (s->tx->drop_rcpt)
		session_discarded(s);
	user_limit_ask(s, USER_RECIPIENTS, 1, rcpt_counted);
}

static void
refuse_args(struct session *s, enum args_result r, const char *why)
{
	if (r == ARGS_PATH)
		session_refuse(s, REPLY_RCPT_PATH, span_of(why));
	else if (r == ARGS_UTF8)
		session_refuse(s, REPLY_UTF8, span_of(why));
	else if (r == ARGS_UNKNOWN)
		session_refuse(s, REPLY_PARAM, span_of(why));
	else
		session_refuse(s, REPLY_ARG, span_of(why));
}

static void
rcpt_rewritten(struct session *s, enum rewritten is,
    const struct address *rcpt)
{
	s->facts.rcpt = rcpt->whole;
	s->facts.rcpt_at = rcpt->at;
	s->facts.gateway = origin_doubt(&s->origin, &s->server->gateways,
	    s->gen->policy);
	if (is == REWRITTEN_CANNOT)
		session_refuse(s, REPLY_NOT_REWRITTEN, SPAN_NONE);
	else
		session_ask(s, RS_HOOK_RCPT, rcpt_decided);
}

void
cmd_rcpt(struct session *s, const struct smtp_command *c)
{
	struct transaction	*t = s->tx;
	struct params_place	 place;
	struct smtp_path	 p;
	enum args_result	 r;
	const char		*why = NULL;

	/*
	 * 4.5.3.1.10: those that were accepted are delivered nevertheless.
	 * What was said of those that were put off is held as long as they.
	 */
	if (t->nrcpts + t->nunkept >= s->gen->rcpts_max ||
	    t->nsaid++ >= 2 * (size_t)s->gen->rcpts_max ||
	    t->rcpts_octets > RCPTS_OCTETS_MAX) {
		session_refuse(s, REPLY_RCPTS, SPAN_NONE);
		return;
	}
	place = (struct params_place){ PARAMS_RCPT, extensions_offered(s),
	    t->params.smtputf8, &t->arena };
	r = command_rcpt(c->args, &place, &p, &why);
	if (r != ARGS_OK) {
		refuse_args(s, r, why);
		return;
	}
	t->rcpt_param = p.params.rcpt;
	rewrite_address(s, RS_HOOK_REWRITE_IN_RCPT, &p.path, rcpt_rewritten);
}
