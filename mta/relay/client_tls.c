/*
 * client_tls.c - STARTTLS (RFC 3207), TLS first (RFC 8314, 3.3), the levels.
 */
#include "mta/relay/client_int.h"

#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/relayed.h"
#include "mta/relay/tls_report.h"

static struct client_tls_counters	counters;

const struct client_tls_counters *
client_tls_counters(void)
{
	return &counters;
}

/* --- what is wanted */

void
client_want_tls(struct client *c, const struct client_tls_want *want)
{
	c->tls.want = *want;
	c->tls.want.facts = hop_tls_ref(want->facts);
	if (want->connector != NULL)
		(void)tls_connector_ref(want->connector);
}

void
client_tls_end(struct client *c)
{
	struct hop_tls	*facts = (struct hop_tls *)(uintptr_t)
			    c->tls.want.facts;

	if (c->tls.on)
		tls_connect_close(c->tls.conn);
	tls_connect_free(&c->tls.conn);
	c->tls.on = false;
	hop_tls_unref(&facts);
	c->tls.want.facts = NULL;
	if (c->tls.want.connector != NULL)
		tls_connector_unref(&c->tls.want.connector);
}

/* Without it no session. */
static bool
is_must(const struct client_tls *t)
{
	return t->want.level.level > TLS_LEVEL_OPPORTUNISTIC ||
	    t->want.no_clear || t->want.first;
}

static bool
is_wanted(const struct client_tls *t)
{
	return is_must(t) || (t->want.level.level == TLS_LEVEL_OPPORTUNISTIC &&
	    !t->want.clear);
}

bool
client_tls_first(const struct client *c)
{
	return c->tls.want.first;
}

bool
client_tls_serves(const struct client *c, const struct level *want)
{
	if (want->level > TLS_LEVEL_OPPORTUNISTIC && !c->tls.on)
		return false;
	return level_serves(&c->tls.want.level, want);
}

const struct tls_connect *
client_tls_on(const struct client *c)
{
	return c->tls.on ? c->tls.conn : NULL;
}

bool
client_tls_verified(const struct client *c)
{
	return c->tls.on &&
	    tls_connect_reached(c->tls.conn) >= TLS_REACHED_VERIFIED;
}

enum tls_class
client_tls_class(const struct client *c)
{
	return c->tls.class;
}

/* --- no TLS as it is wanted */

static void
note(struct client *c, enum tls_class class, const char *why)
{
	c->tls.class = class;
	if (why != c->tls.why)
		snprintf(c->tls.why, sizeof(c->tls.why), "%s", why);
}

static void
log_failure(const struct client *c, const char *event)
{
	const struct level	*l = &c->tls.want.level;

	log_info("event=%s mta=%s wanted=%s by=%s class=%s why=%s", event,
	    c->mta, tls_level_name(l->level), level_by_name(l->by),
	    tls_class_name(c->tls.class), log_quote(span_of(c->tls.why)));
}

/* The session ends; where it may the same host is tried in the clear. */
static void
no_session(struct client *c, enum tls_class class, const char *why)
{
	struct outcome	o;

	note(c, class, why);
	c->tls.back = c->tls.tried && c->tls.want.level.plain_after &&
	    !is_must(&c->tls);
	log_failure(c, c->tls.back ? "tls-fell-back" : "tls-failed");
	if (c->tls.back)
		counters.fell_back++;
	else
		counters.refused++;
	/* What no later attempt mends is told at once (RFC 8689, 4.2.1). */
	if (class != TLS_CLASS_FAILURE &&
	    c->tls.want.level.requires_requiretls)
		client_lacks_requiretls(c, &o);
	else
		outcome_set(&o, 451, "4.7.5", "TLS (%s) with %s: %s",
		    tls_level_name(c->tls.want.level.level), c->mta,
		    c->tls.why);
	o.trouble = RELAY_TROUBLE_TLS;
	client_fail(c, &o);
}

bool
client_wants_clear(const struct client *c)
{
	return c->tls.back;
}

/* It goes on in the clear, when it may: true. */
static bool
do_without(struct client *c, enum tls_class class, const char *why)
{
	if (is_must(&c->tls)) {
		no_session(c, class, why);
		return false;
	}
	counters.clear++;
	note(c, class, why);
	return true;
}

/* --- the handshake */

static enum tls_check
check_of(const struct level *l)
{
	switch (l->level) {
	case TLS_LEVEL_DANE:
		return TLS_CHECK_DANE;
	case TLS_LEVEL_VERIFIED:
		return TLS_CHECK_NAMES;
	default:
		return TLS_CHECK_NONE;
	}
}

/*
 * The name by which the hop is known, or its address: its certificate has to
 * have it where it is to be verified; else it is told whether it has.
 */
static struct span
reference(const struct client *c, char ip[IP_TEXT_MAX])
{
	const struct hop_tls	*f = c->tls.want.facts;

	if (f != NULL && f->host[0] != '\0')
		return span_of(f->host);
	if (hop_addr_name(&c->addr).n > 0)
		return hop_addr_name(&c->addr);
	return hop_is_local(&c->addr) ? SPAN_NONE :
	    span_of(ip_format(&c->addr.ip, ip));
}

static void
on_signed(void *arg)
{
	client_on_ready(arg, LOOP_READ);
}

static bool
open_tls(struct client *c, const char **why)
{
	const struct client_tls_want	*w = &c->tls.want;
	char				 ip[IP_TEXT_MAX];
	char				 text[HOP_ADDR_TEXT];
	char				 peer[HOP_ADDR_TEXT + 8];
	struct span			 name = reference(c, ip);
	struct tls_target		 to = {
		.check = check_of(&w->level), .names = &name,
		.nnames = name.n > 0,
		.sni = w->facts != NULL ? span_of(w->facts->sni) :
		    hop_addr_name(&c->addr),
	};
	int				 n;

	if (to.check == TLS_CHECK_DANE) {
		to.names = w->facts->names;
		to.nnames = w->facts->nnames;
		to.tlsa = w->facts->tlsa;
		to.ntlsa = w->facts->ntlsa;
	}
	n = snprintf(peer, sizeof(peer), "%s:%u", hop_addr_text(&c->addr,
	    hop_addr_name(&c->addr), text), (unsigned)c->addr.port);
	if (n > 0 && (size_t)n < sizeof(peer))
		to.peer = span_mem(peer, (size_t)n);
	c->tls.conn = tls_connect_new(w->connector, c->fd, &to, on_signed, c,
	    why);
	if (c->tls.conn == NULL || to.check != TLS_CHECK_DANE ||
	    tls_connect_usable(c->tls.conn) > 0)
		return c->tls.conn != NULL;
	*why = "no TLSA record can be used";	/* level.h has let one pass */
	return false;
}

void
client_tls_begin(struct client *c)
{
	const char	*why = c->tls.want.why_not;

	c->tls.tried = true;
	if (c->tls.want.connector == NULL || !open_tls(c, &why)) {
		no_session(c, TLS_CLASS_FAILURE, why != NULL ? why :
		    "there is no way to speak it");
		return;
	}
	client_step(c, HANDSHAKE, "TLS");
	client_tls_proceed(c);
}

/*
 * What was said in the clear is forgotten: the hop's name and extensions come
 * anew (RFC 3207, 4.2).
 */
static void
is_on(struct client *c)
{
	counters.done++;
	counters.resumed += tls_connect_resumed(c->tls.conn);
	c->tls.on = true;
	if (c->tls.want.level.sts_testing &&
	    tls_connect_reached(c->tls.conn) < TLS_REACHED_VERIFIED)
		note(c, tls_connect_lacks(c->tls.conn),
		    tls_connect_unverified(c->tls.conn));
	log_debug("session=%p mta=%s event=tls version=%s cipher=%s "
	    "resumed=%s reached=%s", (void *)c, c->mta,
	    tls_connect_version(c->tls.conn), tls_connect_cipher(c->tls.conn),
	    tls_connect_resumed(c->tls.conn) ? "yes" : "no",
	    tls_reached_name(tls_connect_reached(c->tls.conn)));
	client_io_want(c, LOOP_READ);
	if (c->tls.want.first)
		client_step(c, GREETING, "TLS");
	else
		client_hello(c);
}

void
client_tls_proceed(struct client *c)
{
	switch (tls_connect_handshake(c->tls.conn)) {
	case TLS_DONE:
		is_on(c);
		break;
	case TLS_WANT_READ:
		client_io_want(c, LOOP_READ);
		break;
	case TLS_WANT_WRITE:
		client_io_want(c, LOOP_WRITE);
		break;
	case TLS_PARKED:
		client_io_want(c, 0);
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		counters.failed++;
		no_session(c, tls_connect_class(c->tls.conn),
		    tls_connect_why(c->tls.conn));
		break;
	}
}

void
client_tls_late(struct client *c)
{
	counters.failed++;
	no_session(c, TLS_CLASS_FAILURE, "no end of the handshake in time");
}

/* With TLS 1.3 a hop that does not like our certificate says so only now. */
bool
client_tls_broken(struct client *c, const char *why)
{
	if (!c->tls.on || c->state >= IDLE || why == NULL ||
	    tls_connect_class(c->tls.conn) == TLS_CLASS_NONE)
		return false;
	counters.failed++;
	no_session(c, tls_connect_class(c->tls.conn), why);
	return true;
}

/* --- STARTTLS */

bool
client_tls_after_ehlo(struct client *c)
{
	if (c->tls.on)
		return false;
	if (!is_wanted(&c->tls)) {
		counters.clear += c->tls.want.clear;
		if (c->tls.want.clear)
			note(c, TLS_CLASS_NONE, "a handshake has failed "
			    "there a short while ago");
		return false;
	}
	if (!c->ext.starttls)
		return !do_without(c, TLS_CLASS_STARTTLS_MISSING,
		    "the hop does not offer STARTTLS");
	buf_add_str(&c->out, "STARTTLS\r\n");
	client_step(c, STARTTLS, "offered");
	client_flush(c);
	return true;
}

/*
 * What stands behind the answer in the clear was put there by who could not
 * say it under TLS (RFC 3207, 6): nothing of this connection is believed.
 */
void
client_starttls_reply(struct client *c, const struct reply *r)
{
	char	why[sizeof(c->tls.why)], text[REPLY_TEXT_MAX + 1];

	if (r->code == 220 && client_out_of_step(c)) {
		counters.plaintext++;
		no_session(c, TLS_CLASS_FAILURE,
		    "octets in the clear behind the answer to STARTTLS");
		return;
	}
	if (r->code == 220) {
		c->ext = (struct ehlo){ 0 };
		client_tls_begin(c);
		return;
	}
	if (r->code < 400) {
		client_nonsense(c);
		return;
	}
	snprintf(why, sizeof(why), "STARTTLS was answered by %u %s", r->code,
	    reply_text(r, text));
	if (do_without(c, TLS_CLASS_STARTTLS_MISSING, why) &&
	    !client_requiretls_ends(c))
		client_hello_done(c);
}

/* --- what is told */

/* Our end of it. */
static struct ip
source_of(const struct client *c)
{
	struct sockaddr_storage	sa;
	socklen_t		n = sizeof(sa);
	struct ip		ip = { .family = 0 };

	if (getsockname(c->fd, (struct sockaddr *)&sa, &n) == 0)
		(void)ip_from_sockaddr((struct sockaddr *)&sa, &ip, NULL);
	return ip;
}

/*
 * The second connection to a host whose handshake failed is not counted again, nor one
 * that was to have no TLS.
 */
void
client_tls_report(const struct client *c, struct span hop, uint32_t flags)
{
	const struct tls_report	r = {
		.hop = hop, .flags = flags, .facts = c->tls.want.facts,
		.addr = &c->addr, .source = source_of(c),
		.class = c->tls.class, .why = c->tls.why
	};

	if (!c->tls.want.clear && (c->tls.on || c->tls.class != TLS_CLASS_NONE))
		tls_report(&r);
}

static void
put_reached(const struct client *c, struct buf *out)
{
	const struct tls_connect	*t = c->tls.conn;
	enum tls_reached		 is = c->tls.on ?
					    tls_connect_reached(t) :
					    TLS_REACHED_CLEAR;

	buf_addf(out, " reached=%s", tls_reached_name(is));
	if (!c->tls.on)
		return;
	buf_addf(out, " version=%s cipher=%s", tls_connect_version(t),
	    tls_connect_cipher(t));
	if (tls_connect_resumed(t))
		buf_add_str(out, " resumed=yes");
	if (c->tls.why[0] == '\0' && is == TLS_REACHED_ENCRYPTED)
		buf_addf(out, " why=%s", tls_connect_unverified(t));
}

void
client_tell_tls(const struct client *c, struct job *j)
{
	struct buf	line = { 0 };

	client_tls_line(c, &line);
	job_set_tls(j, buf_span(&line));
	buf_clear(&line);
}

void
client_tls_line(const struct client *c, struct buf *out)
{
	const struct level	*l = &c->tls.want.level;

	if (l->level == TLS_LEVEL_NONE && !c->tls.want.first && !c->tls.on)
		return;
	buf_addf(out, "wanted=%s by=%s", tls_level_name(l->level),
	    level_by_name(l->by));
	if (l->dane_cannot_say)
		buf_add_str(out, " dane=cannot-say");
	put_reached(c, out);
	if (c->tls.why[0] != '\0')
		buf_addf(out, " why=%s", c->tls.why);
	if (out->n > RELAYED_TLS_MAX)
		buf_cut(out, RELAYED_TLS_MAX);
}
