/*
 * secure.c - TLS of a session: handshakes, octets.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/server.h"
#include "mta/smtp/session_int.h"

struct secure {
	struct session		*session;
	struct tls		*tls;		/* NULL: no octet has come yet */
	TAILQ_ENTRY(secure)	 entry;		/* of the line, or under way */
	int64_t			 began_ms;
	int64_t			 slow_ms;	/* from then on it gives way */
	int			 wants;		/* LOOP_READ, LOOP_WRITE */
	bool			 waits;		/* stands in the line */
	bool			 shakes;	/* is counted */
	bool			 on;
	struct buf		 refusal;	/* of `on starttls` */
};

static void	shake(struct session *);
static void	failed(struct session *, const char *, bool);
static void	call_next(void *);

/* --- whether */

bool
secure_on(const struct session *s)
{
	return s->secure != NULL && s->secure->on;
}

const struct tls *
secure_tls(const struct session *s)
{
	return secure_on(s) ? s->secure->tls : NULL;
}

bool
secure_offered(const struct session *s)
{
	return s->secure == NULL && s->gen->tls != NULL &&
	    s->door->tls != DOOR_TLS_NONE;
}

bool
secure_first(const struct session *s, enum smtp_verb verb)
{
	if (secure_on(s) || s->door->tls != DOOR_TLS_REQUIRED)
		return false;
	switch (verb) {
	case VERB_EHLO:
	case VERB_LHLO:
	case VERB_NOOP:
	case VERB_QUIT:
	case VERB_STARTTLS:
		return false;
	default:
		return true;
	}
}

/* --- a worker's handshakes, and who waits for one */

void
secure_server_init(struct secure_server *sv)
{
	sv->tickets = tls_tickets_new();
	TAILQ_INIT(&sv->line);
	TAILQ_INIT(&sv->under_way);
}

void
secure_stats(const struct secure_server *sv, struct buf *out)
{
	buf_addf(out, "\"tls_handshakes\":%" PRIu64 ",\"tls_resumed\":%" PRIu64
	    ",\"tls_failed\":%" PRIu64 ",\"tls_refused\":%" PRIu64
	    ",\"tls_gave_way\":%" PRIu64 ",\"tls_under_way\":%u",
	    sv->count.done, sv->count.resumed, sv->count.failed,
	    sv->count.refused, sv->count.gave_way, sv->shaking);
}

/* Who began first, and has us wait for him; NULL: all wait for us. */
static struct secure *
slowest(const struct secure_server *sv)
{
	struct secure	*c;

	TAILQ_FOREACH(c, &sv->under_way, entry)
		if (c->wants != 0)
			return c;
	return NULL;
}

bool
secure_has_room(const struct session *s)
{
	return s->server->secure.waiting < SECURE_LINE_MAX;
}

/* False: nobody has to, yet. */
static bool
one_gives_way(struct secure_server *sv)
{
	struct secure	*c = slowest(sv);
	struct session	*s;
	int64_t		 now = loop_now_ms();

	if (c == NULL || c->slow_ms > now) {
		timer_set(&sv->next, c == NULL ? SECURE_SLOW_MS :
		    c->slow_ms - now, call_next, sv);
		return false;
	}
	s = c->session;
	sv->count.gave_way++;
	failed(s, "slow, and others waited", false);
	session_settle(s);
	return true;
}

/* In a turn of its own: others are not called from within a session. */
static void
call_next(void *arg)
{
	struct secure_server	*sv = arg;
	struct secure		*c;
	struct session		*s;

	while ((c = TAILQ_FIRST(&sv->line)) != NULL) {
		if (sv->shaking >= SECURE_HANDSHAKES_MAX && !one_gives_way(sv))
			return;
		s = c->session;
		shake(s);
		session_settle(s);
	}
}

static void
stand_in_line(struct secure_server *sv, struct secure *c)
{
	c->wants = 0;
	if (c->waits)
		return;
	c->waits = true;
	sv->waiting++;
	TAILQ_INSERT_TAIL(&sv->line, c, entry);
	if (!timer_pending(&sv->next))
		timer_set(&sv->next, 0, call_next, sv);
}

static void
leave_line(struct secure *c)
{
	struct secure_server	*sv = &c->session->server->secure;

	if (!c->waits)
		return;
	c->waits = false;
	sv->waiting--;
	TAILQ_REMOVE(&sv->line, c, entry);
}

/* False: it has to wait. */
static bool
enter(struct session *s)
{
	struct secure_server	*sv = &s->server->secure;
	struct secure		*c = s->secure;

	if (sv->shaking >= SECURE_HANDSHAKES_MAX) {
		stand_in_line(sv, c);
		return false;
	}
	leave_line(c);
	c->shakes = true;
	c->slow_ms = loop_now_ms() + SECURE_SLOW_MS;
	TAILQ_INSERT_TAIL(&sv->under_way, c, entry);
	sv->shaking++;
	return true;
}

static void
leave(struct session *s)
{
	struct secure_server	*sv = &s->server->secure;

	leave_line(s->secure);
	if (!s->secure->shakes)
		return;
	s->secure->shakes = false;
	TAILQ_REMOVE(&sv->under_way, s->secure, entry);
	sv->shaking--;
	if (!TAILQ_EMPTY(&sv->line))
		timer_set(&sv->next, 0, call_next, sv);
}

/* --- the handshake */

static void
log_done(const struct session *s)
{
	const struct tls	*t = s->secure->tls;
	char			 ip[IP_TEXT_MAX];

	log_info("tls session=S%" PRIx64 " client=%s listener=%.*s version=%s "
	    "cipher=%s group=%s resumed=%s sni=%s certificate=%s why=%s "
	    "ms=%" PRId64, s->id, ip_format(&s->facts.client_ip, ip),
	    SPAN_ARG(s->door->name), tls_version(t), tls_cipher(t),
	    tls_group(t), tls_resumed(t) ? "yes" : "no",
	    tls_sni(t).n == 0 ? "-" : log_quote(tls_sni(t)),
	    !tls_client_shown(t) ? "none" : !tls_client_verified(t) ?
	    "unverified" : log_quote(tls_client_name(t)),
	    log_quote(span_of(tls_client_why(t))),
	    loop_now_ms() - s->secure->began_ms);
}

static void
log_failed(const struct session *s, const char *why)
{
	const struct tls	*t = s->secure->tls;
	struct span		 sni = t == NULL ? SPAN_NONE : tls_sni(t);
	char			 ip[IP_TEXT_MAX];

	log_info("tls-failed session=S%" PRIx64 " client=%s listener=%.*s "
	    "sni=%s octets=%" PRIu64 " ms=%" PRId64 " why=%s", s->id,
	    ip_format(&s->facts.client_ip, ip), SPAN_ARG(s->door->name),
	    sni.n == 0 ? "-" : log_quote(sni), t == NULL ? 0 :
	    tls_octets_in(t), loop_now_ms() - s->secure->began_ms,
	    log_quote(span_of(why)));
}

/* The alert has been said; who still writes is read away. */
static void
failed(struct session *s, const char *why, bool gone)
{
	s->server->secure.count.failed++;
	log_failed(s, why);
	leave(s);
	s->linger = !gone;
	session_close(s, "no TLS");
}

/*
 * RFC 3207 has no greeting after the handshake in which a refusal could be
 * said: it is the answer to what comes next.
 */
static void
starttls_decided(struct session *s, const struct rs_verdict *v)
{
	if (session_refused(s, v)) {
		if (s->state == SMTP_CLOSING)
			return;
		buf_take(&s->secure->refusal, &s->out);
		session_enter(s, SMTP_REFUSED, "refused after STARTTLS");
		return;
	}
	s->discard |= v->kind == RS_V_DISCARD;
}

static void
done(struct session *s)
{
	struct secure		*c = s->secure;
	struct policy_facts	*f = &s->facts;

	assert(s->out.n == 0);
	leave(s);
	c->on = true;
	c->wants = 0;
	s->server->secure.count.done++;
	s->server->secure.count.resumed += tls_resumed(c->tls);
	f->tls_version = span_of(tls_version(c->tls));
	f->tls_cipher = span_of(tls_cipher(c->tls));
	f->tls_verified = tls_client_verified(c->tls);
	f->certificate = tls_client_name(c->tls);
	log_done(s);
	s->stage = "starttls";
	if (s->door->tls_first) {
		session_enter(s, SMTP_GREETING, "TLS");
		session_touch(s);
		session_greet(s);
	} else {
		session_enter(s, SMTP_FRESH, "TLS");
		session_touch(s);
		session_ask(s, RS_HOOK_STARTTLS, starttls_decided);
	}
}

/* The signature is there, or will not be. */
static void
ready(void *arg)
{
	struct session	*s = arg;

	shake(s);
	session_settle(s);
}

static void
shake(struct session *s)
{
	struct secure	*c = s->secure;

	if (!c->shakes && !enter(s))
		return;
	assert(s->in.n == 0);	/* nothing of the clear is left */
	if (c->tls == NULL)
		c->tls = tls_new(s->gen->tls, s->fd, ready, s);
	switch (tls_handshake(c->tls)) {
	case TLS_DONE:
		done(s);
		break;
	case TLS_WANT_READ:
		c->wants = LOOP_READ;
		break;
	case TLS_WANT_WRITE:
		c->wants = LOOP_WRITE;
		break;
	case TLS_PARKED:
		c->wants = 0;
		break;
	case TLS_CLOSED:
		failed(s, "closed by client", true);
		break;
	case TLS_FAILED:
		failed(s, tls_why(c->tls), false);
		break;
	}
}

void
secure_begin(struct session *s)
{
	int64_t	ms = s->gen->idle_ms < SECURE_HANDSHAKE_MS ?
		    s->gen->idle_ms : SECURE_HANDSHAKE_MS;

	assert(s->secure == NULL && s->gen->tls != NULL);
	s->secure = xcalloc(1, sizeof(*s->secure));
	s->secure->session = s;
	s->secure->wants = LOOP_READ;
	s->secure->began_ms = loop_now_ms();
	session_enter(s, SMTP_HANDSHAKE, "TLS");
	s->deadline_ms = s->secure->began_ms + ms;
}

void
secure_event(struct session *s)
{
	if (s->secure->wants != 0)
		shake(s);
}

int
secure_watch(const struct session *s)
{
	return s->secure == NULL ? 0 : s->secure->wants;
}

/* --- octets */

static enum secure_io
io(const struct session *s, enum tls_result is)
{
	switch (is) {
	case TLS_DONE:
		return SECURE_DONE;
	case TLS_CLOSED:
		return SECURE_END;
	case TLS_FAILED:
		log_failed(s, tls_why(s->secure->tls));
		return SECURE_BROKEN;
	default:
		return SECURE_WAIT;
	}
}

enum secure_io
secure_read(struct session *s, char *to, size_t n, size_t *got)
{
	enum tls_result	is;
	size_t		one;

	*got = 0;
	do {
		if ((is = tls_read(s->secure->tls, to + *got, n - *got,
		    &one)) != TLS_DONE)
			break;
		*got += one;
	} while (*got < n && tls_pending(s->secure->tls));
	/* An answer of TLS itself, to new keys, has no room just now. */
	s->secure->wants = is == TLS_WANT_WRITE ? LOOP_WRITE : 0;
	return io(s, is);
}

enum secure_io
secure_write(struct session *s, struct span octets, size_t *put)
{
	return io(s, tls_write(s->secure->tls, octets.p, octets.n, put));
}

bool
secure_pending(const struct session *s)
{
	return secure_on(s) && tls_pending(s->secure->tls);
}

void
secure_bye(struct session *s)
{
	if (secure_on(s))
		tls_close(s->secure->tls);
}

/* --- its end */

bool
secure_refusal(struct session *s)
{
	if (s->secure == NULL || s->secure->refusal.n == 0)
		return false;
	buf_take(&s->out, &s->secure->refusal);
	return true;
}

void
secure_free(struct session *s)
{
	if (s->secure == NULL)
		return;
	leave(s);
	tls_free(&s->secure->tls);
	buf_clear(&s->secure->refusal);
	free(s->secure);
	s->secure = NULL;
}
