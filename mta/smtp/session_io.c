/*
 * session_io.c - octets in, octets out.
 *
 * One recv of a turn goes into a buffer that all sessions share, and is parsed
 * there; only what cannot be taken yet is copied to the session.  One send of
 * a turn carries all its replies.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "mta/smtp/auth.h"
#include "mta/smtp/chunk.h"
#include "mta/smtp/content.h"
#include "mta/smtp/notes.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/session_int.h"

#define RECV_MAX	(64u << 10)	/* octets of one recv */
#define OUT_MAX		(32u << 10)	/* replies that may wait for the client to read them */

bool
session_takes(const struct session *s)
{
	return !s->parked && s->out.n < OUT_MAX && s->state != SMTP_GREETING &&
	    !(s->state & (SMTP_CLOSING | SMTP_STORING | SMTP_HANDSHAKE));
}

/* The rest of a line that has been answered already. */
static size_t
skip(struct session *s, struct span in)
{
	size_t	n;

	if (line_skip(in, &n))
		s->skipping = false;
	return n;
}

/* A line that spoils what it would have been part of. */
static void
spoiled(struct session *s, struct span in, bool is_long, bool of_auth)
{
	enum smtp_reply	reply = !is_long ? REPLY_BARE :
			    of_auth ? REPLY_AUTH_LONG : REPLY_LONG;

	s->skipping = true;
	notes_spoiled(s, is_long ? "a line that is too long" :
	    "a line with a CR or LF that stands alone");
	if (s->state == SMTP_LOGIN)
		auth_spoiled(s, is_long ? reply : REPLY_AUTH_BARE);
	else {
		session_refuse(s, reply, SPAN_NONE);
		bdat_spoiled(s, in);
	}
}

/* A command, or what a client says inside of AUTH (RFC 4954, 4). */
static void
run_line(struct session *s, struct span line)
{
	notes_line(s, line);
	if (s->state == SMTP_LOGIN)
		auth_response(s, line);
	else
		session_command(s, line);
}

/* One line, or nothing when it is not whole. */
static size_t
take_line(struct session *s, struct span in)
{
	size_t	n, max = s->state == SMTP_LOGIN ? SASL_LINE_MAX :
		    command_line_max(in);
	bool	of_auth = max >= SASL_LINE_MAX;

	s->secret |= of_auth;
	switch (line_scan(in, max, &n)) {
	case LINE_WHOLE:
		s->more = n < in.n;
		run_line(s, span_mem(in.p, n - 2));
		break;
	case LINE_PART:
		break;
	case LINE_BARE:
	case LINE_LONG:
		spoiled(s, in, n == 0, of_auth);
		break;
	}
	return n;
}

size_t
session_take(struct session *s, struct span in)
{
	size_t	used = 0, n;
	bool	was_skipping;

	while (used < in.n && session_takes(s)) {
		was_skipping = s->skipping;
		if (s->chunk_left > 0)
			n = chunk_take(s, span_from(in, used));
		else if (s->state == SMTP_CONTENT)
			n = content_take(s, span_from(in, used));
		else if (s->skipping)
			n = skip(s, span_from(in, used));
		else
			n = take_line(s, span_from(in, used));
		used += n;
		if (n == 0 && s->skipping == was_skipping)
			break;
	}
	return used;
}

/* What waits in the session first; what is still not taken stays there. */
static void
take_kept(struct session *s)
{
	size_t	n;

	s->busy = true;
	while (s->in.n > 0 && (n = session_take(s, buf_span(&s->in))) > 0)
		buf_eat(&s->in, n);
	s->busy = false;
	if (s->in.n == 0)
		buf_wipe(&s->in);
}

static void
take_new(struct session *s, struct span in)
{
	size_t	n;

	s->busy = true;
	n = session_take(s, in);
	s->busy = false;
	if (n < in.n)
		buf_add_span(&s->in, span_from(in, n));
}

/* The client has closed, or the connection is broken. */
static void
gone(struct session *s, const char *how)
{
	s->eof = true;
	if (s->state != SMTP_CLOSING)
		session_close(s, how);
	s->linger = false;
}

/* Octets of the client into to; the end, when there are none. */
static size_t
read_clear(struct session *s, char *to)
{
	ssize_t	n = recv(s->fd, to, RECV_MAX, 0);

	if (n > 0)
		return (size_t)n;
	if (n == 0)
		gone(s, "closed by client");
	else if (errno != EAGAIN && errno != EINTR)
		gone(s, "connection broken");
	return 0;
}

/* What came before the end is taken first: the end is there next time, too. */
static size_t
read_secure(struct session *s, char *to)
{
	size_t	n;

	switch (secure_read(s, to, RECV_MAX, &n)) {
	case SECURE_END:
		if (n == 0)
			gone(s, "closed by client");
		break;
	case SECURE_BROKEN:
		if (n == 0)
			gone(s, "TLS broken");
		break;
	default:
		break;
	}
	return n;
}

static void
receive(struct session *s)
{
	static char	scratch[COMMAND_LINE_MAX + RECV_MAX];
	size_t		kept = s->in.n, n;

	/* Between turns no more than a part of a line is kept. */
	assert(kept <= COMMAND_LINE_MAX);
	n = secure_on(s) ? read_secure(s, scratch + kept) :
	    read_clear(s, scratch + kept);
	if (n == 0)
		return;
	if (kept > 0) {
		memcpy(scratch, buf_span(&s->in).p, kept);
		buf_wipe(&s->in);
	}
	take_new(s, span_mem(scratch, kept + n));
	if (s->secret)
		explicit_bzero(scratch, kept + n);
	s->secret = false;
}

/*
 * After the last reply: the client's octets are read away, so that its stack
 * does not throw our reply away with a reset.
 */
static void
drain(struct session *s)
{
	char	away[4096];
	ssize_t	n;

	n = recv(s->fd, away, sizeof(away), 0);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		s->linger = false;
}

static void
send_secure(struct session *s)
{
	enum secure_io	is;
	size_t		n;

	while (s->out.n > 0 && !s->dead) {
		is = secure_write(s, buf_span(&s->out), &n);
		if (is == SECURE_WAIT)
			return;
		if (is == SECURE_DONE)
			buf_eat(&s->out, n);
		else
			s->dead = true;
	}
	buf_clear(&s->out);
}

static void
send_clear(struct session *s)
{
	ssize_t	n;

	while (s->out.n > 0 && !s->dead) {
		n = send(s->fd, buf_span(&s->out).p, s->out.n, MSG_NOSIGNAL);
		if (n >= 0)
			buf_eat(&s->out, (size_t)n);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			s->dead = true;
	}
	buf_clear(&s->out);
}

static void
send_out(struct session *s)
{
	notes_replies(s);
	if (secure_on(s))
		send_secure(s);
	else
		send_clear(s);
	notes_sent(s);
}

/*
 * Input that waited because too many replies did goes on when they have left,
 * and so does what lies inside TLS, which no poll announces.
 */
static void
push(struct session *s)
{
	bool	full;

	do {
		full = s->out.n >= OUT_MAX;
		send_out(s);
		if (!session_takes(s) || !(full || secure_pending(s)))
			return;
		if (full)
			take_kept(s);
		while (session_takes(s) && secure_pending(s))
			receive(s);
	} while (s->out.n > 0);
}

static void
set_watch(struct session *s, int what)
{
	if (s->watched == what)
		return;
	s->watched = what;
	watch_set(&s->watch, s->fd, what, session_watch_cb, s);
}

static void
watch_what_matters(struct session *s)
{
	int	what = s->out.n > 0 ? LOOP_WRITE : 0;

	if (s->state == SMTP_HANDSHAKE) {
		/* The 220 of STARTTLS leaves before it. */
		set_watch(s, what != 0 ? what : secure_watch(s));
		return;
	}
	if (s->state == SMTP_CLOSING)
		what |= s->linger && s->out.n == 0 ? LOOP_READ : 0;
	else if (session_takes(s))
		what |= LOOP_READ | secure_watch(s);
	else if (s->watched & LOOP_READ)
		/*
		 * Mostly nothing comes while it is parked: taken off only when
		 * something does.
		 */
		what |= LOOP_READ;
	set_watch(s, what);
}

bool
session_settle(struct session *s)
{
	if (s->server->stopping || s->over != LIMITS_OK)
		session_last_word(s);
	push(s);
	if (s->dead && s->state != SMTP_CLOSING)
		session_close(s, "connection broken");
	if (s->state == SMTP_CLOSING && s->out.n == 0) {
		if (!s->dead)
			secure_bye(s);
		if (s->linger && !s->dead && !s->shut) {
			s->shut = true;
			(void)shutdown(s->fd, SHUT_WR);
		}
		if (!s->linger || s->dead) {
			session_free(&s);
			return false;
		}
	}
	watch_what_matters(s);
	return true;
}

void
session_watch_cb(void *arg, int what)
{
	struct session	*s = arg;

	if (s->state == SMTP_HANDSHAKE && s->out.n == 0) {
		secure_event(s);
		session_settle(s);
		return;
	}
	if (what & LOOP_WRITE)
		push(s);
	if ((what & LOOP_READ) || secure_watch(s) != 0) {
		if (s->state == SMTP_CLOSING)
			drain(s);
		else if (session_takes(s))
			receive(s);
		else
			set_watch(s, s->watched & ~LOOP_READ);
	}
	session_settle(s);
}

void
session_resume(struct session *s)
{
	s->parked = false;
	if (s->busy)
		return;		/* session_take() goes on by itself */
	take_kept(s);
	session_settle(s);
}
