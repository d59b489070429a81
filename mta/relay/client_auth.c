/*
 * client_auth.c - AUTH, from the answer to EHLO to a session that has logged in.
 */
#include "mta/relay/client_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mta/msg/relayed.h"
#include "mta/relay/terms.h"
#include "mta/sasl/base64.h"

/*
 * RFC 4954, 4: AUTH keeps to the length of a command's line (RFC 5321,
 * 4.5.3.1.4); what does not fit follows the first 334.
 */
#define AUTH_LINE_MAX	510	/* octets without CRLF */

/* --- what is wanted */

void
client_want_login(struct client *c, struct login_client *logins,
    const struct job *first)
{
	const struct relay_way	*way = c->addr.way;

	if (way == NULL || !way->terms->auth || logins == NULL)
		return;
	c->auth.logins = logins;
	buf_add_span(&c->auth.facts, first->facts);
}

void
client_tell_login(const struct client *c, struct job *j)
{
	if (c->auth.told.n > 0)
		job_set_login(j, buf_span(&c->auth.told), c->auth.held);
}

static void
wipe(struct buf *b)
{
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	buf_clear(b);
}

void
client_auth_end(struct client *c)
{
	login_free(&c->auth.login);
	wipe(&c->auth.initial);
	buf_clear(&c->auth.told);
	buf_clear(&c->auth.tried);
	buf_clear(&c->auth.facts);
}

/* --- lines */

/* What has left was secret; what has not stays until it has. */
static void
wipe_output(struct client *c)
{
	if (c->out.n == 0)
		wipe(&c->out);
}

static void
send_line(struct client *c)
{
	buf_add_str(&c->out, "\r\n");
	c->auth.awaits = true;
	client_step(c, AUTH, "login");
	client_flush(c);
	wipe_output(c);
}

/* AUTH MECHANISM [initial]; "=" is an empty one. */
static void
say_auth(struct client *c, const struct login_step *s)
{
	struct client_auth	*a = &c->auth;
	size_t			 line = 5 + s->mechanism.n + 1 +
				    (s->octets.n + 2) / 3 * 4;

	(void)buf_reserve(&c->out, line + 16);
	buf_addf(&c->out, "AUTH %.*s", SPAN_ARG(s->mechanism));
	buf_addf(&a->tried, " %.*s", SPAN_ARG(s->mechanism));
	a->cancelled = false;
	wipe(&a->initial);
	if (s->has_octets && line > AUTH_LINE_MAX) {
		(void)buf_reserve(&a->initial, s->octets.n);
		buf_add_span(&a->initial, s->octets);
	} else if (s->has_octets && s->octets.n == 0) {
		buf_add_str(&c->out, " =");
	} else if (s->has_octets) {
		buf_add_char(&c->out, ' ');
		base64_add(&c->out, s->octets);
	}
	send_line(c);
}

static void
say_answer(struct client *c, struct span octets)
{
	(void)buf_reserve(&c->out, (octets.n + 2) / 3 * 4 + 16);
	base64_add(&c->out, octets);
	send_line(c);
}

static void
say_cancel(struct client *c)
{
	c->auth.cancelled = true;
	buf_add_char(&c->out, '*');
	send_line(c);
}

/* --- what credentials says */

static void
on_step(void *arg, const struct login_step *s)
{
	struct client	*c = arg;

	if (c->state != AUTH || c->auth.awaits)
		return;
	client_call_begin(c);
	if (client_out_of_step(c))
		client_surplus(c);
	else if (s->say == LOGIN_SAY_AUTH)
		say_auth(c, s);
	else if (s->say == LOGIN_SAY_ANSWER)
		say_answer(c, s->octets);
	else
		say_cancel(c);
	client_call_end(c);
}

/* Not the mail's fault: it is tried again, and where the login is refused waits for that. */
static void
no_login(struct client *c, enum login_end how, struct span told)
{
	struct outcome	why;

	outcome_set(&why, 454, how == LOGIN_REFUSED ? "4.7.8" : "4.7.0",
	    "%s %.*s", how == LOGIN_REFUSED ? "login refused:" :
	    "no login:", SPAN_ARG(told));
	why.trouble = RELAY_TROUBLE_LOGIN;
	buf_add_str(&c->out, "QUIT\r\n");
	client_flush(c);
	client_fail(c, &why);
}

static void
on_ended(void *arg, enum login_end how, struct span told)
{
	struct client	*c = arg;

	login_free(&c->auth.login);
	if (c->state != AUTH)
		return;
	buf_reset(&c->auth.told);
	buf_add_span(&c->auth.told, told);
	c->auth.held = how == LOGIN_REFUSED;
	client_call_begin(c);
	if (how == LOGIN_OK && client_out_of_step(c))
		client_surplus(c);
	else if (how == LOGIN_OK)
		client_ready(c);
	else
		no_login(c, how, told);
	client_call_end(c);
}

static unsigned
flags_of(const struct client *c)
{
	return (client_tls_on(c) != NULL ? LOGIN_ENCRYPTED : 0) |
	    (client_tls_verified(c) ? LOGIN_VERIFIED : 0);
}

bool
client_auth_after_ehlo(struct client *c)
{
	static const struct login_ops	 ops = { on_step, on_ended };
	const struct tls_connect	*tls = client_tls_on(c);
	struct client_auth		*a = &c->auth;
	uint8_t				 binding[TLS_BINDING_MAX];
	struct login_ask		 ask = {
		.facts = buf_span(&a->facts), .host = hop_addr_name(&c->addr),
		.port = c->addr.port, .mechanisms = span_of(c->ext.auth),
		.flags = flags_of(c)
	};

	if (a->logins == NULL)
		return false;
	ask.relay = span_of(c->addr.way->terms->name);
	if (c->addr.way->login != NULL)
		ask.login = span_of(c->addr.way->login);
	if (ask.host.n == 0)
		ask.host = span_of(c->mta);
	if (tls != NULL)
		ask.binding = span_mem((char *)binding, tls_connect_binding(
		    tls, TLS_BINDING_EXPORTER, binding));
	client_step(c, AUTH, "login");
	a->awaits = false;
	a->login = login_begin(a->logins, &ask, &ops, c);
	return true;
}

/* --- what the hop says */

/* 334: base64 behind the code, perhaps nothing. */
static void
challenge(struct client *c, const struct reply *r)
{
	struct client_auth	*a = &c->auth;
	struct span		 text = SPAN_NONE;
	char			*octets;
	size_t			 pos = 0, n;

	(void)reply_line(r, &pos, &text);
	text = span_trim(text);
	if (a->initial.n > 0) {
		say_answer(c, buf_span(&a->initial));
		wipe(&a->initial);
		return;
	}
	octets = xcalloc(1, BASE64_OCTETS(text.n) + 1);
	if (text.n > LOGIN_OCTETS_MAX || !base64_read(text, octets, &n))
		say_cancel(c);
	else
		login_challenge(a->login, span_mem(octets, n));
	explicit_bzero(octets, BASE64_OCTETS(text.n) + 1);
	free(octets);
}

void
client_auth_reply(struct client *c, const struct reply *r)
{
	struct client_auth	*a = &c->auth;
	char			 text[REPLY_TEXT_MAX + 1];

	if (!a->awaits || a->login == NULL) {
		client_surplus(c);
		return;
	}
	a->awaits = false;
	wipe_output(c);
	if (r->code == 334 && !a->cancelled)	/* 4954, 4: 501 answers "*" */
		challenge(c, r);
	else if (r->code == 235 || r->code >= 400)
		login_result(a->login, r->code, r->status,
		    span_of(reply_text(r, text)));
	else
		client_nonsense(c);
}
