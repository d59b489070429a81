/*
 * cmd_auth.c - AUTH (RFC 4954).
 *
 * Between 334 and the last reply of the exchange lines are no commands: they
 * go to mta/sasl.  Whether what they say is right, the auth process knows; the
 * session is parked meanwhile.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/auth.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/login.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"

#define WRONG_MAX	3	/* logins of a session that may be wrong */

static void	step(struct session *, enum sasl_step);

/* --- who it is */

void
session_login(struct session *s, struct span user, const char *mechanism)
{
	session_forget_login(s);
	s->account = xstrndup(user.p, user.n);
	s->mechanism = mechanism;
	s->facts.user = span_of(s->account);
	s->facts.authenticated = true;
}

/* RFC 4954, 6; the list of RFC 3207, 4 for 530 with a login in its place. */
bool
session_needs_login(const struct session *s, enum smtp_verb verb)
{
	if (s->door->auth != DOOR_AUTH_REQUIRED || s->facts.authenticated)
		return false;
	switch (verb) {
	case VERB_EHLO:
	case VERB_HELO:
	case VERB_LHLO:
	case VERB_XCLIENT:	/* it may bring a login */
	case VERB_NOOP:
	case VERB_RSET:
	case VERB_QUIT:
	case VERB_STARTTLS:
	case VERB_AUTH:
		return false;
	default:
		return true;
	}
}

/* --- what is offered */

uint32_t
session_mechanisms(const struct session *s)
{
	return login_offers(s->server->auth, s->door, secure_tls(s),
	    secure_tls(s) != NULL);
}

/* --- the end of an exchange */

void
auth_end(struct session *s)
{
	login_free(&s->login);
}

/* RFC 4954, 4: as if AUTH had not been said. */
static void
leave(struct session *s, const char *event)
{
	auth_end(s);
	if (s->state != SMTP_CLOSING)
		session_enter(s, SMTP_READY, event);
}

/* Whoever looks for users learns nothing from the others. */
static bool
tells_error(const char *why)
{
	return strncmp(why, "e=", 2) == 0 &&
	    strcmp(why, "e=invalid-proof") != 0;
}

static enum smtp_reply
reply_of(const struct login *l)
{
	switch (sasl_failure(login_sasl(l))) {
	case SASL_ENCODING:
		return REPLY_AUTH_ENCODING;
	case SASL_SYNTAX:
		return REPLY_AUTH_SYNTAX;
	case SASL_NOT_FIRST:
		return REPLY_AUTH_NOT_FIRST;
	case SASL_CANCELLED:
		return REPLY_AUTH_CANCELLED;
	case SASL_WRONG:
		return tells_error(sasl_why(login_sasl(l))) ?
		    REPLY_AUTH_SCRAM : REPLY_AUTH_WRONG;
	case SASL_CANNOT:
		break;
	}
	return login_slow(l) ? REPLY_AUTH_SLOW : REPLY_AUTH_CANNOT;
}

static void
log_login(const struct session *s, const char *what, const char *why)
{
	const struct sasl	*sasl = login_sasl(s->login);
	const char		*which = login_which(s->login);
	struct span		 user = sasl_user(sasl);
	char			 ip[IP_TEXT_MAX], ref[32];

	if (user.n == 0)
		user = sasl_claimed(sasl);
	log_info("login %s user=%s mechanism=%s app=%s client=%s listener=%.*s "
	    "tls=%s why=%s ref=%s policy=%s", what,
	    user.n == 0 ? "-" : log_quote(user),
	    sasl_name(sasl_mechanism(sasl)),
	    which[0] == '\0' ? "-" : log_quote(span_of(which)),
	    ip_format(&s->facts.client_ip, ip), SPAN_ARG(s->door->name),
	    secure_tls(s) == NULL ? "-" : tls_version(secure_tls(s)),
	    why == NULL ? "-" : log_quote(span_of(why)), session_ref(s, ref),
	    rs_image_hash(policy_image(s->gen->policy)));
}

static void
failed(struct session *s)
{
	const struct sasl	*sasl = login_sasl(s->login);

	if (sasl_failure(sasl) == SASL_WRONG)
		s->wrong_logins++;
	log_login(s, "refused", sasl_why(sasl));
	session_refuse(s, reply_of(s->login), span_of(sasl_why(sasl)));
	leave(s, "AUTH failed");
}

static void
decided(struct session *s, const struct rs_verdict *v)
{
	if (session_refused(s, v)) {
		log_login(s, "refused", "a rule");
		session_forget_login(s);
		leave(s, "AUTH refused");
		return;
	}
	s->discard |= v->kind == RS_V_DISCARD;
	log_login(s, "accepted", NULL);
	s->server->count.logins++;
	session_reply(s, REPLY_AUTH_RIGHT, SPAN_NONE);
	leave(s, "AUTH");
	user_limit_login(s);
}

static void
right(struct session *s)
{
	const struct sasl	*sasl = login_sasl(s->login);

	session_login(s, sasl_user(sasl), sasl_name(sasl_mechanism(sasl)));
	s->facts.user_map = login_map(s->login) + 1;
	session_ask(s, RS_HOOK_AUTH, decided);
}

/* --- its steps */

/* RFC 4954, 4: 334, a blank, and the challenge, which may be empty. */
static void
challenge(struct session *s)
{
	if (s->more) {
		/* It could not have known what it would be asked. */
		s->linger = true;
		session_refuse(s, REPLY_AUTH_STEP, SPAN_NONE);
		session_close(s, "spoke out of step");
		auth_end(s);
		return;
	}
	buf_add_str(&s->out, "334 ");
	sasl_say(login_sasl(s->login), &s->out);
	buf_add_str(&s->out, "\r\n");
	session_touch(s);
}

static void
step(struct session *s, enum sasl_step st)
{
	switch (st) {
	case SASL_SAY:
		challenge(s);
		break;
	case SASL_ASK:
		session_park(s);
		break;
	case SASL_DONE:
		right(s);
		break;
	case SASL_FAILED:
		failed(s);
		break;
	}
}

static void
answered(void *arg, enum sasl_step st)
{
	struct session	*s = arg;

	session_unpark(s);
	step(s, st);
	session_go_on(s);
}

void
auth_response(struct session *s, struct span line)
{
	assert(s->state == SMTP_LOGIN && s->login != NULL);
	s->stage = "auth";
	step(s, login_line(s->login, line));
}

void
auth_spoiled(struct session *s, enum smtp_reply reply)
{
	s->stage = "auth";
	log_login(s, "refused", "a line that is none");
	session_refuse(s, reply, SPAN_NONE);
	leave(s, "AUTH spoiled");
}

/* --- the command */

/* "MECHANISM" or "MECHANISM initial"; false: neither. */
static bool
take_args(struct span args, struct span *name, struct span *initial)
{
	ptrdiff_t	blank = span_index(args, ' ');

	*name = args;
	*initial = SPAN_NONE;
	if (blank == -1)
		return args.n > 0;
	name->n = (size_t)blank;
	*initial = span_from(args, (size_t)blank + 1);
	return name->n > 0 && initial->n > 0 && span_index(*initial, ' ') == -1;
}

/* False: has said why it may not be tried at all. */
static bool
may_try(struct session *s)
{
	if (!s->esmtp)
		session_refuse(s, REPLY_HELO_FIRST, SPAN_NONE);
	else if (s->facts.authenticated)
		session_refuse(s, REPLY_AUTH_TWICE, SPAN_NONE);
	else if (s->wrong_logins >= WRONG_MAX) {
		s->linger = true;
		session_refuse(s, REPLY_AUTH_TOO_OFTEN, s->gen->hostname);
		session_close(s, "too many failed logins");
	} else
		return true;
	return false;
}

/* Why a mechanism is not to be had; RFC 4954, 4 and 6. */
static enum smtp_reply
not_offered(const struct session *s, sasl_mask all, enum sasl_mech mech)
{
	sasl_mask	hidden;

	hidden = login_offers(s->server->auth, s->door, secure_tls(s), true);
	if (all == 0 && (hidden & SASL_BIT(mech)) != 0)
		return REPLY_AUTH_CLEAR;
	return REPLY_AUTH_MECHANISM;
}

static void
begin(struct session *s, enum sasl_mech mech, sasl_mask offered,
    struct span initial)
{
	struct login_from	from = {
		.auth = s->server->auth, .door = s->door, .tls = secure_tls(s),
		.client = s->facts.client_ip, .hostname = s->gen->hostname,
		.offered = offered
	};

	s->login = login_new(&from, mech, answered, s);
	session_enter(s, SMTP_LOGIN, "AUTH");
	step(s, login_begin(s->login, initial.n > 0 ? &initial : NULL));
}

void
cmd_auth(struct session *s, const struct smtp_command *c)
{
	sasl_mask	offered = session_mechanisms(s);
	struct span	name, initial;
	enum sasl_mech	mech;

	if (s->door->auth == DOOR_AUTH_NONE)
		session_refuse(s, REPLY_NOT_SERVED, c->word);
	else if (!may_try(s))
		return;
	else if (!take_args(c->args, &name, &initial))
		session_refuse(s, REPLY_AUTH_ARG, SPAN_NONE);
	else if (!sasl_named(name, &mech))
		session_refuse(s, REPLY_AUTH_MECHANISM, SPAN_NONE);
	else if ((offered & SASL_BIT(mech)) == 0)
		session_refuse(s, not_offered(s, offered, mech), SPAN_NONE);
	else
		begin(s, mech, offered, initial);
}
