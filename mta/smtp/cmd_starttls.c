/*
 * cmd_starttls.c - STARTTLS (RFC 3207).
 */
#include "config.h"

#include "mta/smtp/commands.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"

/* False: has said why not. */
static bool
may_begin(struct session *s, const struct smtp_command *c)
{
	if (secure_on(s))
		session_refuse(s, REPLY_TLS_IS_ON, SPAN_NONE);
	else if (s->door->tls == DOOR_TLS_NONE)
		session_refuse(s, REPLY_NOT_SERVED, c->word);
	else if (!s->esmtp)
		session_refuse(s, REPLY_HELO_FIRST, SPAN_NONE);
	else if (c->args.n > 0)
		session_refuse(s, REPLY_NO_ARGS, c->word);
	else if (!secure_offered(s) || !secure_has_room(s)) {
		s->server->secure.count.refused++;
		session_refuse(s, REPLY_TLS_NOT_NOW, SPAN_NONE);
	} else
		return true;
	return false;
}

/*
 * What stood behind the command in the clear could be somebody else's, who wants
 * it to be taken for the client's, inside TLS (CVE-2011-0411).  No client that
 * keeps to 4 sends any: the session ends.
 */
static bool
is_injected(struct session *s)
{
	if (!s->more)
		return false;
	s->linger = true;
	session_refuse(s, REPLY_TLS_EARLY, SPAN_NONE);
	session_close(s, "octets behind STARTTLS");
	return true;
}

/*
 * 4.2: all that the client has said is forgotten, EHLO too.  Octets of the
 * clear that still come are no handshake, and end it.
 */
void
cmd_starttls(struct session *s, const struct smtp_command *c)
{
	if (!may_begin(s, c) || is_injected(s))
		return;
	session_forget(s);
	session_reply(s, REPLY_TLS, SPAN_NONE);
	secure_begin(s);
}
