/*
 * login.c - one login: its secret, its turn, its exchange, its end.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/credentials/login.h"
#include "mta/credentials/secrets.h"
#include "mta/spool/envelope.h"

static void	find_secret(struct login *);

/* --- ends */

static void
wipe(struct buf *b)
{
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	buf_clear(b);
}

static void
leave_gate(struct login *l, enum gate_end how, const char *told)
{
	if (!l->holds)
		return;
	l->holds = false;
	gate_leave(l->all->gate, l->key, how, told);
}

void
login_drop(struct login *l)
{
	l->state = LOGIN_ENDED;
	gate_give_up(&l->wait);
	leave_gate(l, GATE_UNKNOWN, "");
	place_free(&l->place);
	policy_names_free(&l->facts.names);
	policy_unref(&l->policy);
	tokens_cancel(&l->token);
	sasl_client_free(&l->sasl);
	source_unref(&l->source);
	wipe(&l->secret);
	arena_clear(&l->arena);
	free(l);
}

static void
add_mechs(struct buf *b, const char *what, unsigned mask)
{
	unsigned	m;

	if (mask == 0)
		return;
	buf_addf(b, "; %s", what);
	for (m = 0; m < MECH_N; m++)
		if (mask & MECH_BIT(m))
			buf_addf(b, " %s", mech_name((enum mech)m));
}

/* What was offered, tried, refused and passed over. */
static void
add_story(const struct login *l, struct buf *b)
{
	struct buf	over = { 0 };

	buf_addf(b, "; offered %.*s", l->asks.mechanisms.n == 0 ? 7 :
	    (int)l->asks.mechanisms.n, l->asks.mechanisms.n == 0 ?
	    "nothing" : l->asks.mechanisms.p);
	add_mechs(b, "tried", l->tried);
	add_mechs(b, "refused", l->refused_mechs);
	choice_why(&l->choice, l->tried, &over);
	if (over.n > 0)
		buf_addf(b, "; passed over %.*s", SPAN_ARG(buf_span(&over)));
	buf_clear(&over);
}

static void
end(struct login *l, enum login_end how, const char *why)
{
	struct buf	told = { 0 };

	buf_addf(&told, "%.*s: %s", SPAN_ARG(l->login.n > 0 ? l->login :
	    SPAN("(no login)")), why);
	add_story(l, &told);
	logins_ended(l, how, buf_span(&told));
	buf_clear(&told);
}

/* One clear line; the queue holds the hop back. */
static void
refused(struct login *l, const char *reply)
{
	char	text[GATE_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s", reply);
	leave_gate(l, GATE_WRONG, text);
	end(l, LOGIN_REFUSED, text);
}

static void
good(struct login *l)
{
	struct buf	told = { 0 };

	leave_gate(l, GATE_RIGHT, "");
	buf_addf(&told, "%s as %.*s", mech_name(l->mech), SPAN_ARG(l->login));
	logins_ended(l, LOGIN_OK, buf_span(&told));
	buf_clear(&told);
}

/* --- the exchange */

static void
say(struct login *l, enum login_say what, struct buf *octets, bool has)
{
	struct login_step	s = { .say = what, .has_octets = has,
	    .octets = buf_span(octets) };

	if (what == LOGIN_SAY_AUTH)
		s.mechanism = span_of(mech_name(l->mech));
	if (l->all->chan != NULL)
		login_step_put(l->all->chan, l->ticket, &s);
	wipe(octets);
}

static void
begin_exchange(struct login *l)
{
	struct sasl_who	 who = { .login = l->login,
	    .secret = buf_span(&l->secret), .host = l->asks.host,
	    .port = l->asks.port };
	struct buf	 first = { 0 };
	const char	*why;
	bool		 has;

	/*
	 * Not to the others: GNU SASL's client (2.2) cannot tell a hop that it
	 * could have bound (RFC 5802, 6: "y"), and fails when it is given one.
	 */
	if (mech_binds(l->mech))
		who.binding = l->asks.binding;
	sasl_client_free(&l->sasl);
	l->cancelled = false;
	l->tried |= MECH_BIT(l->mech);
	if ((l->sasl = sasl_client_new(l->mech, &who, &why)) == NULL) {
		leave_gate(l, GATE_UNKNOWN, "");
		end(l, LOGIN_UNFIT, why);
		return;
	}
	l->state = LOGIN_EXCHANGE;
	(void)buf_reserve(&first, 2 * SASL_SECRET_MAX);
	has = sasl_client_begin(l->sasl, &first);
	say(l, LOGIN_SAY_AUTH, &first, has);
}

void
login_challenged(struct login *l, struct span octets)
{
	struct buf	answer = { 0 };

	if (l->state != LOGIN_EXCHANGE || l->cancelled)
		return;
	(void)buf_reserve(&answer, 2 * SASL_SECRET_MAX);
	if (sasl_client_step(l->sasl, octets, &answer) == SASL_SAY) {
		say(l, LOGIN_SAY_ANSWER, &answer, true);
		return;
	}
	l->cancelled = true;
	buf_reset(&answer);
	say(l, LOGIN_SAY_CANCEL, &answer, false);
}

/* RFC 4954, 4 and 6: what is wrong is the mechanism, or its form. */
static bool
is_of_mechanism(unsigned code)
{
	return code == 504 || code == 534 || code == 538 || code == 500 ||
	    code == 501 || code == 502 || code == 503;
}

static void
next_mechanism(struct login *l, const char *reply)
{
	l->refused_mechs |= MECH_BIT(l->mech);
	l->mech = choice_next(&l->choice, l->tried);
	if (l->mech < MECH_N) {
		begin_exchange(l);
		return;
	}
	leave_gate(l, GATE_UNKNOWN, "");
	end(l, LOGIN_UNFIT, reply);
}

static bool
may_renew(const struct login *l)
{
	return source_gives(l->source) == GIVEN_TOKEN && !l->renewed;
}

/*
 * It may have expired on its way: once a newer one is asked for.  Who waits for
 * what comes of this one asks for a newer one too, and does not try it.
 */
static void
renew_token(struct login *l, const char *reply)
{
	l->renewed = true;
	sasl_client_free(&l->sasl);
	tokens_refused(l->all->tokens, l->source, l->login,
	    buf_span(&l->secret));
	leave_gate(l, GATE_WRONG, reply);
	find_secret(l);
}

static void
is_in(struct login *l)
{
	if (!l->cancelled && sasl_client_is_done(l->sasl)) {
		good(l);
		return;
	}
	leave_gate(l, GATE_UNKNOWN, "");
	end(l, LOGIN_UNFIT, "the hop has not proven that it knows the "
	    "password");
}

void
login_answered(struct login *l, unsigned code, struct span status,
    struct span text)
{
	char		 reply[GATE_TEXT_MAX];
	const char	*error;

	if (l->state != LOGIN_EXCHANGE)
		return;
	if (code == 235) {
		is_in(l);
		return;
	}
	error = sasl_client_error(l->sasl);
	(void)snprintf(reply, sizeof(reply), "%s: %u%s%.*s %.*s%s%s",
	    mech_name(l->mech), code, status.n > 0 ? " " : "",
	    SPAN_ARG(status), SPAN_ARG(text), error[0] != '\0' ?
	    ", token status " : "", error);
	if (l->cancelled)
		next_mechanism(l, "the hop's challenge does not fit the "
		    "mechanism, or its proof is wrong");
	else if (code < 500) {
		leave_gate(l, GATE_UNKNOWN, "");
		end(l, LOGIN_LATER, reply);
	} else if (is_of_mechanism(code))
		next_mechanism(l, reply);
	else if (may_renew(l))
		renew_token(l, reply);
	else
		refused(l, reply);
}

/* --- its turn */

/* The same hop, login and secret. */
static void
make_key(const struct login *l, uint8_t key[GATE_KEY])
{
	struct buf	all = { 0 };

	(void)buf_reserve(&all, l->asks.relay.n + l->login.n +
	    l->asks.host.n + l->secret.n + 16);
	buf_addf(&all, "%.*s%c%.*s%c%.*s:%u%c", SPAN_ARG(l->asks.relay), 0,
	    SPAN_ARG(l->login), 0, SPAN_ARG(l->asks.host), l->asks.port, 0);
	buf_add_span(&all, buf_span(&l->secret));
	digest_sha256(buf_span(&all), key);
	wipe(&all);
}

static void
gate_said(void *arg, enum gate_says says, const char *told)
{
	struct login	*l = arg;

	l->quiet = says != GATE_GO;
	if (says == GATE_GO) {
		l->holds = true;
		begin_exchange(l);
	} else if (may_renew(l))
		renew_token(l, told);
	else
		end(l, LOGIN_REFUSED, told);
}

/* A token that was asked for anew and is the same has been refused. */
static void
has_secret(struct login *l, struct span secret)
{
	uint8_t		before[GATE_KEY];
	const char	*told;

	if (secret.n == 0) {
		end(l, LOGIN_UNFIT, "there is no password for this login");
		return;
	}
	wipe(&l->secret);
	(void)buf_reserve(&l->secret, secret.n);
	buf_add_span(&l->secret, secret);
	memcpy(before, l->key, sizeof(before));
	make_key(l, l->key);
	if (l->renewed && memcmp(before, l->key, sizeof(before)) == 0) {
		refused(l, "the hop refuses the token, and there is no newer "
		    "one");
		return;
	}
	l->state = LOGIN_GATE;
	l->wait.cb = gate_said;
	l->wait.arg = l;
	switch (gate_enter(l->all->gate, l->key, &l->wait, &told)) {
	case GATE_GO:
		gate_said(l, GATE_GO, "");
		break;
	case GATE_REFUSED:
		gate_said(l, GATE_REFUSED, told);
		break;
	case GATE_WAIT:
		break;
	}
}

/* --- the secret */

static void
place_said(void *arg, const struct rs_value *v)
{
	struct login	*l = arg;
	struct buf	 text = { 0 };

	l->place = NULL;
	if (v->type == RS_T_UNKNOWN) {
		end(l, LOGIN_LATER, "a table cannot say the password now");
		return;
	}
	if (v->type != RS_T_NONE)
		buf_add_span(&text, rs_format(v, &l->arena));
	has_secret(l, buf_span(&text));
	wipe(&text);
}

static bool
take_facts(struct login *l)
{
	struct policy_facts	*f = &l->facts;
	struct envelope		 e;
	size_t			 i;

	if (envelope_parse(l->asks.facts, &l->arena, &e) == -1)
		return false;
	f->names = policy_names_new();
	f->tags = policy_tags_new(l->policy, &l->arena);
	f->sender = e.sender;
	f->sender_at = rs_address(e.sender).at;
	f->size = e.size;
	if (e.nrcpts > 0) {
		f->rcpt = e.rcpts[0];
		f->rcpt_at = rs_address(f->rcpt).at;
	}
	for (i = 0; i < e.nfacts; i++)
		policy_fact_set(l->policy, f, e.facts[i].fact,
		    &e.facts[i].value);
	return true;
}

static void
ask_policy(struct login *l)
{
	struct place	*p;

	if (l->all->policy == NULL) {
		end(l, LOGIN_LATER, "the policy cannot be asked now");
		return;
	}
	l->policy = policy_ref(l->all->policy);
	if (!take_facts(l)) {
		end(l, LOGIN_LATER, "what the password's expression names is "
		    "not known");
		return;
	}
	/* It may be said, and the login over, before this returns. */
	p = place_ask(l->policy, l->source->object, RS_OPT_RELAY_auth, 1,
	    &l->facts, place_said, l);
	if (p != NULL)
		l->place = p;
}

static void
token_said(void *arg, enum token_result is, struct span token,
    const char *why)
{
	struct login	*l = arg;

	l->token = NULL;
	if (is == TOKEN_HAVE)
		has_secret(l, token);
	else if (is == TOKEN_REFUSED)
		end(l, LOGIN_REFUSED, why);
	else
		end(l, LOGIN_LATER, why);
}

static void
ask_token(struct login *l)
{
	struct token_wait	*w;

	w = tokens_get(l->all->tokens, l->source, l->login, token_said, l);
	if (w != NULL)
		l->token = w;
}

static void
find_secret(struct login *l)
{
	struct source	*s = l->source;
	struct span	 secret = SPAN_NONE;

	l->state = LOGIN_SECRET;
	switch (s->kind) {
	case SOURCE_PASSWORD:
	case SOURCE_PASSWORDS:
		if (s->kind == SOURCE_PASSWORD)
			secret = secrets_first(buf_span(&s->secret));
		else
			(void)secrets_of(buf_span(&s->secret), l->login,
			    &secret);
		if (s->secret.n == 0)
			end(l, LOGIN_UNFIT, "the file of its password is "
			    "empty, or cannot be read");
		else
			has_secret(l, secret);
		break;
	case SOURCE_EXPRESSION:
		ask_policy(l);
		break;
	case SOURCE_TOKEN_FILE:
	case SOURCE_TOKEN_COMMAND:
	case SOURCE_OAUTH:
		ask_token(l);
		break;
	case SOURCE_NONE:
		has_secret(l, SPAN_NONE);
		break;
	}
}

/* --- the beginning */

static void
take_choice(struct login *l)
{
	const struct source	*s = l->source;

	l->choice = (struct choice){
		.offered = mech_mask(l->asks.mechanisms),
		.given = source_gives(s),
		.wanted = s->nwanted > 0 ? s->wanted : NULL,
		.nwanted = s->nwanted,
		.encrypted = (l->asks.flags & LOGIN_ENCRYPTED) != 0,
		.verified = (l->asks.flags & LOGIN_VERIFIED) != 0,
		.binding = l->asks.binding.n > 0,
		.clear_ok = s->clear_ok,
		.unverified_ok = s->unverified_ok
	};
}

void
login_start(struct login *l)
{
	l->source = sources_find(&l->all->sources, l->asks.relay);
	if (l->source == NULL) {
		end(l, LOGIN_UNFIT, "the policy has no login for this relay "
		    "block");
		return;
	}
	l->login = l->asks.login;
	if (l->login.n == 0 && l->source->login != NULL)
		l->login = span_of(l->source->login);
	if (l->login.n == 0) {
		end(l, LOGIN_UNFIT, "there is no login for this sender");
		return;
	}
	take_choice(l);
	l->mech = choice_next(&l->choice, 0);
	if (l->mech == MECH_N)
		end(l, LOGIN_UNFIT, "no mechanism that both have, and may be "
		    "used");
	else
		find_secret(l);
}
