/*
 * cmd_xclient.c - XCLIENT (Postfix's XCLIENT_README): who speaks tells that it
 * does so for another client, and the session begins again as that one's.
 *
 * What is told replaces what is known: an address, a name (which is a verified
 * one only if it leads back to the address), HELO, a login.  What is not told
 * stays as a former XCLIENT left it; but an address takes its name and login
 * with it, and HELO is said or told anew.  TLS stays.  Where the server itself
 * was reached (DESTADDR, DESTPORT) is only logged.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/admit.h"
#include "mta/smtp/auth.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/xclient.h"

bool
xclient_may(const struct session *s)
{
	return origin_may(&s->origin, s->door, RS_OPT_LISTEN_xclient,
	    &s->server->gateways, s->gen->policy);
}

static void
log_told(const struct session *s, const struct xattrs *x)
{
	char	ip[IP_TEXT_MAX];

	log_info("xclient session=S%" PRIx64 " client=%s name=%s addr=%s "
	    "port=%s helo=%s login=%s destaddr=%s destport=%s", s->id,
	    ip_format(&s->origin.speaker, ip), xattr_logged(x, XATTR_NAME),
	    xattr_logged(x, XATTR_ADDR), xattr_logged(x, XATTR_PORT),
	    xattr_logged(x, XATTR_HELO), xattr_logged(x, XATTR_LOGIN),
	    xattr_logged(x, XATTR_DESTADDR), xattr_logged(x, XATTR_DESTPORT));
}

/* --- what is known of the client */

static void
tell_address(struct session *s, const struct xattrs *x)
{
	uint16_t	port = s->origin.port;

	if (x->v[XATTR_PORT].is == XATTR_GIVEN)
		port = x->port;
	else if (x->v[XATTR_PORT].is == XATTR_UNAVAILABLE ||
	    x->v[XATTR_ADDR].is != XATTR_ABSENT)
		port = 0;
	if (x->v[XATTR_ADDR].is == XATTR_UNAVAILABLE)
		origin_tell_by_speaker(&s->origin, NULL, 0);
	else
		origin_tell_by_speaker(&s->origin,
		    x->v[XATTR_ADDR].is == XATTR_GIVEN ? &x->addr :
		    &s->facts.client_ip, port);
	s->facts.client_ip = s->origin.ip;
	s->facts.client_port = s->origin.port;
}

/* What was asked about the former client is nothing of this one. */
static void
tell_name(struct session *s, const struct xattrs *x)
{
	enum xattr_is	is = x->v[XATTR_NAME].is;

	if (is == XATTR_ABSENT && x->v[XATTR_ADDR].is == XATTR_ABSENT)
		return;
	policy_names_free(&s->facts.names);
	s->facts.names = policy_names_new();
	if (is != XATTR_ABSENT)
		policy_names_tell(s->facts.names, x->v[XATTR_NAME].text,
		    is == XATTR_TEMPUNAVAIL);
}

/* One that was told stays with its address; one by AUTH is the speaker's. */
static void
tell_login(struct session *s, const struct xattrs *x)
{
	struct span	login = x->v[XATTR_LOGIN].text;

	if (s->told_login && x->v[XATTR_LOGIN].is == XATTR_ABSENT &&
	    x->v[XATTR_ADDR].is == XATTR_ABSENT)
		return;
	session_forget_login(s);
	s->told_login = x->v[XATTR_LOGIN].is == XATTR_GIVEN;
	if (!s->told_login)
		return;
	session_login(s, login, "XCLIENT");
	user_limit_login(s);
}

/* HELO is asked for again, unless it was told with the rest. */
static void
tell_helo(struct session *s, const struct xattrs *x)
{
	struct span	helo = x->v[XATTR_HELO].text;

	free(s->helo);
	s->helo = NULL;
	s->esmtp = false;
	if (x->v[XATTR_HELO].is == XATTR_GIVEN) {
		s->helo = xstrndup(helo.p, helo.n);
		s->asks_esmtp = x->esmtp;
	}
	s->facts.helo = span_of(s->helo);
	s->told_helo = s->helo != NULL;
}

/* What `on connect` and `on helo` have said of the former client. */
static void
forget_rules(struct session *s)
{
	s->edits.n = 0;
	s->hello.from = s->hello.to = 0;
	s->discard = false;
	free(s->kept);
	s->kept = NULL;
	s->hidden = 0;
	arena_reset(&s->arena);
	if (s->tags != NULL)
		s->tags = policy_tags_new(s->gen->policy, &s->arena);
	s->facts.tags = s->tags;
}

/* --- the command */

static void
begin_again(struct session *s, const struct xattrs *x)
{
	struct ip	was = s->facts.client_ip;

	log_told(s, x);
	xforward_clear(s);
	forget_rules(s);
	tell_address(s, x);
	tell_name(s, x);
	tell_helo(s, x);
	session_enter(s, SMTP_GREETING, "XCLIENT");
	tell_login(s, x);
	s->told = true;
	if (s->state != SMTP_CLOSING)
		admit_again(s, &was);
}

void
cmd_xclient(struct session *s, const struct smtp_command *c)
{
	struct arena	 a = { 0 };
	struct xattrs	 x;
	const char	*why;

	if (!xclient_may(s) || extensions_hidden(s, RS_EXT_XCLIENT))
		session_refuse(s, REPLY_NOT_TRUSTED, c->word);
	else if (s->state & SMTP_TRANSACTION)
		session_refuse(s, REPLY_NESTED, SPAN_NONE);
	else if (!xattrs_parse(c->args, XATTR_XCLIENT, &a, &x, &why))
		session_refuse(s, REPLY_ARG, span_of(why));
	else
		begin_again(s, &x);
	arena_clear(&a);
}
