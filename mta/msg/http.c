/*
 * http.c - asking the fetch process, and how questions and answers travel.
 */
#include <openssl/crypto.h>

#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/msg/asker.h"
#include "mta/msg/http.h"
#include "mta/msg/msg.h"

struct asked {
	struct question		 q;
	struct http_question	*asks;
	http_cb			*cb;
	void			*arg;
};

struct http_client {
	struct asker	asker;
	bool		secret;
};

static const char *const	results[HTTP_NRESULTS] = {
	[HTTP_DONE] = "done",
	[HTTP_NO_HOST] = "no-host",
	[HTTP_NO_CONNECT] = "no-connect",
	[HTTP_TLS] = "tls",
	[HTTP_UNTRUSTED] = "untrusted",
	[HTTP_SLOW] = "slow",
	[HTTP_LARGE] = "large",
	[HTTP_BROKEN] = "broken",
	[HTTP_REFUSED] = "refused",
	[HTTP_CANNOT] = "cannot",
};

const char *
http_result_name(enum http_result r)
{
	return r < HTTP_NRESULTS ? results[r] : "?";
}

/* --- questions */

bool
http_question_fits(const struct http_question *q)
{
	return q->url.n <= HTTP_URL_MAX && q->type.n <= HTTP_TYPE_MAX &&
	    q->headers.n <= HTTP_HEADERS_MAX && q->body.n <= HTTP_BODY_MAX;
}

static size_t
texts_octets(const struct http_question *q)
{
	return q->url.n + q->type.n + q->headers.n + q->body.n;
}

static void
move(struct span *s, char **to)
{
	if (s->n > 0)
		memcpy(*to, s->p, s->n);
	s->p = *to;
	*to += s->n;
}

struct http_question *
http_question_keep(const struct http_question *q)
{
	struct http_question	*k = xmalloc(sizeof(*k) + texts_octets(q) + 1);
	char			*to = (char *)(k + 1);

	*k = *q;
	move(&k->url, &to);
	move(&k->type, &to);
	move(&k->headers, &to);
	move(&k->body, &to);
	return k;
}

void
http_question_wipe(struct http_question *k)
{
	OPENSSL_cleanse(k + 1, texts_octets(k));
}

void
http_question_put(struct chan *c, uint64_t ticket,
    const struct http_question *q)
{
	chan_begin(c, MSG_HTTP_ASK);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)q->method);
	chan_bytes(c, q->url);
	chan_bytes(c, q->type);
	chan_bytes(c, q->headers);
	chan_bytes(c, q->body);
	chan_u32(c, q->octets_max);
	chan_u32(c, q->seconds);
	chan_u8(c, q->redirects);
	chan_end(c);
}

bool
http_question_read(struct msg *m, uint64_t *ticket, struct http_question *q)
{
	unsigned	method;

	*ticket = msg_u64(m);
	method = msg_u8(m);
	q->method = (enum http_method)method;
	q->url = msg_bytes(m, HTTP_URL_MAX);
	q->type = msg_bytes(m, HTTP_TYPE_MAX);
	q->headers = msg_bytes(m, HTTP_HEADERS_MAX);
	q->body = msg_bytes(m, HTTP_BODY_MAX);
	q->octets_max = msg_u32(m);
	q->seconds = msg_u32(m);
	q->redirects = msg_u8(m);
	return msg_end(m) && method <= HTTP_POST;
}

/* --- answers */

void
http_answer_put(struct chan *c, uint64_t ticket, const struct http_answer *a)
{
	struct span	type = a->type, why = a->why;

	if (type.n > HTTP_TYPE_MAX)
		type.n = HTTP_TYPE_MAX;
	if (why.n > HTTP_WHY_MAX)
		why.n = HTTP_WHY_MAX;
	chan_begin(c, MSG_HTTP_ANSWER);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)a->result);
	chan_u16(c, (uint16_t)a->status);
	chan_bytes(c, type);
	chan_bytes(c, a->body);
	chan_bytes(c, why);
	chan_end(c);
}

bool
http_answer_read(struct msg *m, uint64_t *ticket, struct http_answer *a)
{
	unsigned	result;

	*ticket = msg_u64(m);
	result = msg_u8(m);
	a->result = (enum http_result)result;
	a->status = msg_u16(m);
	a->type = msg_bytes(m, HTTP_TYPE_MAX);
	a->body = msg_bytes(m, HTTP_BODY_MAX);
	a->why = msg_bytes(m, HTTP_WHY_MAX);
	return msg_end(m) && result < HTTP_NRESULTS;
}

/* --- who asks */

static void
send_question(struct chan *c, const struct question *q)
{
	const struct asked	*a = (const struct asked *)q;

	http_question_put(c, q->ticket, a->asks);
}

static void
give_up(struct question *q)
{
	struct asked			*a = (struct asked *)q;
	const struct http_answer	 refused = { .result = HTTP_REFUSED,
	    .why = SPAN("the question is too long") };
	const struct http_answer	 cannot = { .result = HTTP_CANNOT,
	    .why = SPAN("fetch does not answer") };

	a->cb(a->arg, q->unsent ? &refused : &cannot);
}

/* Whether it is secret or not: this costs nothing. */
static void
wipe(struct question *q)
{
	struct asked	*a = (struct asked *)q;

	if (a->asks != NULL)
		http_question_wipe(a->asks);
	free(a->asks);
	a->asks = NULL;
}

static bool
on_message(void *client, struct msg *m)
{
	struct http_client	*c = client;
	struct http_answer	 answer;
	struct question		*q;
	uint64_t		 ticket;

	if (m->type != MSG_HTTP_ANSWER ||
	    !http_answer_read(m, &ticket, &answer))
		return false;
	if ((q = asker_take(&c->asker, ticket)) == NULL)
		return true;	/* cancelled, or too late */
	((struct asked *)q)->cb(((struct asked *)q)->arg, &answer);
	wipe(q);
	free(q);
	return true;
}

struct http_client *
http_client_new(bool secret)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message, .wipe = wipe
	};
	struct http_client		*c = xcalloc(1, sizeof(*c));

	c->secret = secret;
	asker_init(&c->asker, "fetch",
	    (int64_t)msg_timeout_s(MSG_HTTP_ASK) * 1000, &ops, c);
	return c;
}

void
http_client_attach(struct http_client *c, int fd)
{
	if (c->secret)
		asker_attach_secret(&c->asker, fd);
	else
		asker_attach(&c->asker, fd);
}

void
http_client_free(struct http_client **cp)
{
	struct http_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	asker_clear(&c->asker);
	free(c);
}

uint64_t
http_client_ask(struct http_client *c, const struct http_question *asks,
    http_cb *cb, void *arg)
{
	struct asked	*a = xcalloc(1, sizeof(*a));

	a->cb = cb;
	a->arg = arg;
	a->q.unsent = !http_question_fits(asks);
	if (!a->q.unsent)
		a->asks = http_question_keep(asks);
	return asker_ask(&c->asker, &a->q);
}

void
http_client_cancel(struct http_client *c, uint64_t ticket)
{
	asker_cancel(&c->asker, ticket);
}
