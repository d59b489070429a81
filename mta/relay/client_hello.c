/*
 * client_hello.c - from the greeting to a session (RFC 5321, 3.1, 3.2, 4.1.1.1;
 * RFC 2033, 4.1).
 */
#include "mta/relay/client_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/relayed.h"

/* The name that its block says, or the server's. */
static struct span
own_name(const struct client *c)
{
	const struct relay_way	*way = c->addr.way;

	return way != NULL && way->helo != NULL ? span_of(way->helo) :
	    self_hostname(c->self);
}

static void
say_hello(struct client *c, const char *verb, enum state to)
{
	buf_addf(&c->out, "%s %.*s\r\n", verb, SPAN_ARG(own_name(c)));
	client_step(c, to, verb);
	client_flush(c);
}

/*
 * Refused before any message: another address may serve.  Only 521 is for
 * good (RFC 7504); other 5yz in this place mostly are a moment's or an
 * administrator's trouble, and are tried again.
 */
static void
refused(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (r->code < 400) {
		client_nonsense(c);
		return;
	}
	outcome_reply(&why, r);
	if (why.code >= 500 && why.code != 521) {
		why.code = (uint16_t)(why.code - 100);
		why.status[0] = '4';
	}
	if (r->code < 500)
		why.trouble = RELAY_TROUBLE_BUSY;
	client_fail(c, &why);
}

void
client_set_mta(struct client *c, struct span name)
{
	char	text[HOP_ADDR_TEXT];

	free(c->mta);
	c->mta = xstrdup(hop_addr_text(&c->addr, name, text));
}

/* The host that greets us is us. */
static bool
is_loop(struct client *c, const struct reply *r)
{
	return self_is_name(c->self, reply_host(r)) &&
	    self_is_address(c->self, &c->addr.ip, c->addr.port);
}

/* Whom we speak with, and what it can; false: the session is over. */
static bool
is_known(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (c->unread > 0) {
		client_surplus(c);
		return false;
	}
	if (is_loop(c, r)) {
		outcome_set(&why, 554, "5.4.6", "mail loops back to this host");
		client_fail(c, &why);
		return false;
	}
	if (hop_addr_name(&c->addr).n == 0)
		client_set_mta(c, reply_host(r));
	return true;
}

void
client_hello(struct client *c)
{
	say_hello(c, c->addr.lmtp ? "LHLO" : "EHLO", EHLO);
}

void
client_ready(struct client *c)
{
	client_step(c, IDLE, "ready");
	c->ops->ready(c->arg);
}

void
client_hello_done(struct client *c)
{
	if (!client_auth_after_ehlo(c))
		client_ready(c);
}

static void
answered(struct client *c, const struct reply *r)
{
	if (is_known(c, r) && !client_tls_after_ehlo(c) &&
	    !client_requiretls_ends(c))
		client_hello_done(c);
}

void
client_greeting_reply(struct client *c, const struct reply *r)
{
	snprintf(c->greeted, sizeof(c->greeted), "%.*s",
	    SPAN_ARG(reply_host(r)));
	if (client_out_of_step(c))
		client_surplus(c);
	else if (r->code == 220)
		client_hello(c);
	else
		refused(c, r);
}

void
client_ehlo_reply(struct client *c, const struct reply *r)
{
	if (r->code == 250) {
		ehlo_parse(r, &c->ext);
		answered(c, r);
	} else if (r->code >= 500 && r->code != 521 && !c->addr.lmtp) {
		if (client_out_of_step(c))
			client_surplus(c);
		else
			say_hello(c, "HELO", HELO);
	} else {
		refused(c, r);
	}
}

void
client_helo_reply(struct client *c, const struct reply *r)
{
	c->ext = (struct ehlo){ 0 };
	if (r->code == 250)
		answered(c, r);
	else
		refused(c, r);
}
