/*
 * content.c - content as it comes.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "mail/header.h"
#include "mta/smtp/content.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/received.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/spool/segment.h"

/* Declared sizes are only believed as far as this: no more is set aside. */
#define RESERVE_MAX	(64u << 10)

static struct span
verified_name(const struct session *s)
{
	struct rs_value	v;

	v = policy_fact_get(s->gen->policy, &s->facts,
	    RS_FACT_CLIENT_VERIFIED_NAME);
	return v.type == RS_T_DOMAIN ? v.s : SPAN_NONE;
}

void
content_begin(struct session *s)
{
	struct transaction	*t = s->tx;
	struct received		 r = {
		.helo = s->facts.helo,
		.client_name = verified_name(s),
		.client = &s->facts.client_ip,
		.hostname = s->gen->hostname,
		.esmtp = s->esmtp,
		.utf8 = t->params.smtputf8,
		.lmtp = s->door->kind == DOOR_LMTP,
		.tls = secure_on(s),
		.tls_version = s->facts.tls_version,
		.tls_cipher = s->facts.tls_cipher,
		.login = s->facts.authenticated,
		.program = s->origin.program,
		.uid = s->origin.uid,
		.user = s->facts.user,
		.qid = t->qid_text,
	};

	t->arrival_ms = r.now_ms = clock_wall_ms();
	if (t->nrcpts == 1)
		r.rcpt = t->rcpts[0];
	if (t->params.has_size && t->params.size <= RESERVE_MAX)
		(void)buf_reserve(&t->content, (size_t)t->params.size + 1024);
	received_put(&r, &t->content);
	t->received_n = t->content.n;
	t->dot.line_max = CONTENT_LINE_MAX;
	if (s->gen->asks_parts)
		t->parts = policy_parts_new();
}

/* What the sessions hold together, kept up to date. */
static void
count_held(struct session *s)
{
	struct transaction	*t = s->tx;

	s->server->held -= t->held;
	t->held = t->content.n + t->header.n;
	s->server->held += t->held;
}

static void
fault(struct session *s, enum content_fault f)
{
	struct transaction	*t = s->tx;

	t->fault = f;
	body_close(&t->body, false);
	buf_clear(&t->content);
	buf_clear(&t->header);
	count_held(s);
}

void
content_too_large(struct session *s)
{
	fault(s, CONTENT_SIZE);
}

/* --- into a file */

/* A step of the file's has ended: the client goes on. */
static void
file_step(void *arg, int error)
{
	struct session	*s = arg;

	if (error != 0) {
		errno = error;
		log_warn("body file id=%s", s->tx->qid_text);
		fault(s, error == ENOSPC ? CONTENT_SPACE : CONTENT_FAILED);
	} else
		count_held(s);
	session_resume(s);
}

static void
write_out(struct session *s)
{
	body_write(s->tx->body, &s->tx->content, file_step, s);
	session_park(s);
}

static void
file_there(void *arg, int error)
{
	struct session	*s = arg;

	if (error == 0)
		write_out(s);
	else
		file_step(s, error);
}

static bool
whole_header(struct span content, size_t received_n, size_t *n)
{
	struct span	client = span_from(content, received_n);

	if (client.n >= 2 && memcmp(client.p, "\r\n", 2) == 0) {
		*n = received_n + 2;
		return true;
	}
	*n = received_n + header_size(client);
	return *n < content.n || memmem(client.p, client.n, "\r\n\r\n", 4) !=
	    NULL;
}

/* The header section stays in memory too, for the rules on content. */
static void
spill(struct session *s)
{
	struct transaction	*t = s->tx;
	struct span		 all = buf_span(&t->content);
	size_t			 n;

	if (!whole_header(all, t->received_n, &n) || n > CONTENT_HEADER_MAX) {
		if (all.n > CONTENT_HEADER_MAX)
			fault(s, CONTENT_HEADER);
		return;
	}
	buf_add(&t->header, all.p, n);
	t->header_n = n;
	t->body = body_open(s->server->intake, s->server->bodies, t->qid,
	    file_there, s);
	session_park(s);
}

static void
make_room(struct session *s)
{
	struct transaction	*t = s->tx;
	size_t			 n = t->content.n;

	if (t->body != NULL) {
		if (n >= CONTENT_PIECE)
			write_out(s);
	} else if (n > SEGMENT_BODY_MAX ||
	    (n > SERVER_HELD_SMALL && !server_may_hold(s->server)))
		spill(s);
}

/* What stands behind `before` in the buffer has just come. */
static void
taken(struct session *s, size_t before)
{
	struct transaction	*t = s->tx;

	t->octets += t->content.n - before;
	if (t->parts != NULL && t->fault == CONTENT_GOOD)
		policy_parts_feed(t->parts, span_from(buf_span(&t->content),
		    before));
	if (t->fault == CONTENT_GOOD && !t->discard &&
	    t->octets > filtered_message_max(s))
		fault(s, CONTENT_SIZE);
	else if (t->fault != CONTENT_GOOD || t->discard)
		buf_clear(&t->content);
	count_held(s);
	session_touch(s);
}

static bool
is_kept(const struct transaction *t)
{
	return t->fault == CONTENT_GOOD && !t->discard;
}

size_t
content_take(struct session *s, struct span in)
{
	struct transaction	*t = s->tx;
	size_t			 before = t->content.n, used;
	bool			 end;

	end = dot_in(&t->dot, in, &t->content, &used);
	taken(s, before);
	if (end)
		store_message(s);
	else if (is_kept(t))
		make_room(s);
	return used;
}

void
content_chunk(struct session *s, struct span in, bool last)
{
	struct transaction	*t = s->tx;
	bool			 binary;
	size_t			 before = t->content.n;

	binary = t->params.body == PARAMS_BODY_BINARYMIME;
	dot_chunk(&t->dot, in, binary, &t->content);
	if (last && dot_chunk_end(&t->dot, binary))
		buf_add_str(&t->content, "\r\n");
	taken(s, before);
	if (!last && is_kept(t))
		make_room(s);
}
