/*
 * cmd_mail.c - MAIL (RFC 5321, 4.1.1.2); its parameters: params.h.
 */
#include "config.h"

#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/rewrite.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/xclient.h"

static void
mail_taken(struct session *s)
{
	session_reply(s, REPLY_SENDER, SPAN_NONE);
	session_enter(s, SMTP_MAIL, "MAIL");
	xforward_log(s);
}

static void
mail_delayed(void *arg)
{
	struct session	*s = arg;

	session_unpark(s);
	mail_taken(s);
	session_go_on(s);
}

/* Where more comes than goes, clients wait a little before they go on. */
static void
mail_counted(struct session *s, bool ok)
{
	uint32_t	delay_ms = intake_delay_ms(s->server->intake);

	if (!ok) {
		transaction_end(s);
	} else if (delay_ms == 0) {
		mail_taken(s);
	} else {
		timer_set(&s->tx->delay, delay_ms, mail_delayed, s);
		session_park(s);
	}
}

static void
mail_decided(struct session *s, const struct rs_verdict *v)
{
	if (session_refused(s, v)) {
		transaction_end(s);
		return;
	}
	s->tx->discard |= v->kind == RS_V_DISCARD;
	if (v->kind == RS_V_DISCARD)
		session_discarded(s);
	user_limit_ask(s, USER_MESSAGES, 1, mail_counted);
}

/* Who has logged in, and programs of this machine. */
static bool
is_user(const struct session *s)
{
	return s->facts.authenticated ||
	    (s->origin.local && s->origin.via.family == 0);
}

/* Whether mail can be taken just now; has said why not. */
static bool
have_room(struct session *s)
{
	switch (intake_state(s->server->intake, is_user(s))) {
	case INTAKE_NO_SPACE:
		session_refuse(s, REPLY_FULL, SPAN_NONE);
		return false;
	case INTAKE_BUSY:
		session_refuse(s, REPLY_BUSY, SPAN_NONE);
		return false;
	case INTAKE_NOT_NOW:
		session_refuse(s, REPLY_NOT_NOW, SPAN_NONE);
		return false;
	case INTAKE_READY:
		break;
	}
	return true;
}

/* False: has said why. */
static bool
args_good(struct session *s, enum args_result r, const struct smtp_path *p,
    const char *why)
{
	switch (r) {
	case ARGS_SYNTAX:
	case ARGS_PARAM:
		session_refuse(s, REPLY_ARG, span_of(why));
		return false;
	case ARGS_PATH:
		session_refuse(s, REPLY_SENDER_PATH, span_of(why));
		return false;
	case ARGS_UNKNOWN:
		session_refuse(s, REPLY_PARAM, span_of(why));
		return false;
	case ARGS_TLS:
		session_refuse(s, REPLY_TLS_PARAM, span_of(why));
		return false;
	case ARGS_UTF8:
		session_refuse(s, REPLY_UTF8, span_of(why));
		return false;
	case ARGS_OK:
		break;
	}
	if (p->params.has_size && p->params.size > filtered_message_max(s)) {
		session_refuse(s, REPLY_SIZE, SPAN_NONE);
		return false;
	}
	return true;
}

static void
sender_rewritten(struct session *s, enum rewritten is,
    const struct address *sender)
{
	s->tx->sender = *sender;
	s->facts.sender = sender->whole;
	s->facts.sender_at = sender->at;
	if (is == REWRITTEN_CANNOT) {
		session_refuse(s, REPLY_NOT_REWRITTEN, SPAN_NONE);
		transaction_end(s);
	} else
		session_ask(s, RS_HOOK_MAIL, mail_decided);
}

void
cmd_mail(struct session *s, const struct smtp_command *c)
{
	struct transaction	*t;
	struct params_place	 place;
	struct smtp_path	 p;
	enum args_result	 r;
	const char		*why = NULL;

	if (!have_room(s))
		return;
	t = transaction_begin(s);
	place = (struct params_place){ PARAMS_MAIL, extensions_offered(s),
	    false, &t->arena };
	r = command_mail(c->args, &place, &p, &why);
	if (!args_good(s, r, &p, why)) {
		transaction_end(s);
		return;
	}
	t->params = p.params;
	s->facts.size = p.params.has_size ? p.params.size : 0;
	rewrite_address(s, RS_HOOK_REWRITE_IN_SENDER, &p.path,
	    sender_rewritten);
}
