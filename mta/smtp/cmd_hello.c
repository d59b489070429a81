/*
 * cmd_hello.c - the greeting (RFC 5321, 3.1), EHLO and HELO (4.1.1.1).
 */
#include "config.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"

/* --- greeting */

/* Only asked when the client had to wait: has it spoken meanwhile? */
static bool
early_talker(const struct session *s)
{
	char	c;

	return secure_pending(s) ||
	    recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void
refuse_all(struct session *s)
{
	if (s->state != SMTP_CLOSING)
		session_enter(s, SMTP_REFUSED, "refused in the greeting");
}

static void
greet(struct session *s, enum smtp_state next)
{
	session_reply(s, s->door->kind == DOOR_LMTP ? REPLY_GREETING_LMTP :
	    REPLY_GREETING, s->gen->hostname);
	session_enter(s, next, "greeting");
	session_touch(s);
}

/* What XCLIENT's HELO leads to; the client need not say it again. */
static void
told_helo_decided(struct session *s, const struct rs_verdict *v)
{
	bool	refused = session_refused(s, v);

	session_hello_end(s, !refused);
	if (refused) {
		refuse_all(s);
		return;
	}
	s->discard |= v->kind == RS_V_DISCARD;
	s->esmtp = s->asks_esmtp;
	greet(s, SMTP_READY);
}

static void
go_on(struct session *s)
{
	if (s->told_helo) {
		session_hello_begin(s);
		session_ask(s, RS_HOOK_HELO, told_helo_decided);
	} else
		greet(s, SMTP_FRESH);
}

/* RFC 8314: TLS was first, and `on starttls` is asked before the greeting. */
static void
secured(struct session *s, const struct rs_verdict *v)
{
	if (session_refused(s, v)) {
		refuse_all(s);
		return;
	}
	s->discard |= v->kind == RS_V_DISCARD;
	go_on(s);
}

/* RFC 5321, 3.1: 554 (or another refusal) is the greeting, then only QUIT. */
static void
connect_decided(struct session *s, const struct rs_verdict *v)
{
	if (session_refused(s, v)) {
		refuse_all(s);
		return;
	}
	/* XCLIENT may be pipelined. */
	if (s->waited && !s->told && early_talker(s)) {
		session_refuse(s, REPLY_EARLY, s->gen->hostname);
		refuse_all(s);
		return;
	}
	s->discard = v->kind == RS_V_DISCARD;
	session_remember(s);
	if (secure_on(s))
		session_ask(s, RS_HOOK_STARTTLS, secured);
	else
		go_on(s);
}

/* Where TLS comes first all of it is said inside. */
void
session_greet(struct session *s)
{
	if (!s->door->tls_first || secure_on(s))
		session_ask(s, RS_HOOK_CONNECT, connect_decided);
	else if (s->gen->tls != NULL)
		secure_begin(s);
	else {
		log_warnx("refused stage=starttls listener=%.*s why=\"no "
		    "certificate\"", SPAN_ARG(s->door->name));
		session_close(s, "no certificate");
	}
}

/* --- EHLO, HELO */

/* 4.1.4: what is refused leaves everything as it was. */
static void
forget_new_name(struct session *s)
{
	free(s->helo);
	s->helo = s->old_helo;
	s->old_helo = NULL;
	s->facts.helo = span_of(s->helo);
}

static void
hello_decided(struct session *s, const struct rs_verdict *v)
{
	bool	refused = session_refused(s, v);

	session_hello_end(s, !refused);
	if (refused) {
		forget_new_name(s);
		return;
	}
	free(s->old_helo);
	s->old_helo = NULL;
	s->discard |= v->kind == RS_V_DISCARD;
	s->esmtp = s->asks_esmtp;
	transaction_end(s);		/* 4.1.4: as RSET does */
	if (s->esmtp)
		extensions_say(s);
	else
		session_reply(s, REPLY_HELO, s->gen->hostname);
	session_enter(s, SMTP_READY, s->esmtp ? "EHLO" : "HELO");
}

static void
hello(struct session *s, const struct smtp_command *c, bool esmtp)
{
	if (!helo_ok(c->args)) {
		session_refuse(s, REPLY_HELO_ARG, c->word);
		return;
	}
	s->old_helo = s->helo;
	s->helo = xstrndup(c->args.p, c->args.n);
	s->facts.helo = span_of(s->helo);
	s->asks_esmtp = esmtp;
	session_hello_begin(s);
	session_ask(s, RS_HOOK_HELO, hello_decided);
}

/* RFC 2033, 4.1: EHLO and HELO have no positive answer where LMTP is spoken. */
static bool
spoken(struct session *s, enum door_kind kind, enum smtp_reply refusal)
{
	if ((s->door->kind == DOOR_LMTP) == (kind == DOOR_LMTP))
		return true;
	session_refuse(s, refusal, SPAN_NONE);
	return false;
}

void
cmd_ehlo(struct session *s, const struct smtp_command *c)
{
	if (spoken(s, DOOR_SMTP, REPLY_LMTP_HERE))
		hello(s, c, true);
}

void
cmd_helo(struct session *s, const struct smtp_command *c)
{
	if (spoken(s, DOOR_SMTP, REPLY_LMTP_HERE))
		hello(s, c, false);
}

/* RFC 2033, 4.1: as EHLO. */
void
cmd_lhlo(struct session *s, const struct smtp_command *c)
{
	if (spoken(s, DOOR_LMTP, REPLY_UNKNOWN))
		hello(s, c, true);
}
