/*
 * keys.c - the messages of the keys process, and who asks it for signatures.
 */
#include "mta/msg/keys.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/xalloc.h"
#include "mta/msg/asker.h"
#include "mta/msg/msg.h"

/* --- a worker's questions */

struct signature {
	struct question	 q;
	tls_signed_cb	*cb;
	void		*arg;
	uint8_t		 key_id[TLS_KEY_ID_SIZE];
	uint16_t	 scheme;
	size_t		 n;
	uint8_t		 digest[64];
};

struct keys_client {
	struct asker		 asker;
	struct tls_signer	 signer;
	keys_tickets_cb		*tickets;
	void			*arg;
};

static void
send_question(struct chan *c, const struct question *q)
{
	const struct signature	*s = (const struct signature *)q;

	chan_begin(c, MSG_KEY_SIGN);
	chan_u64(c, q->ticket);
	chan_bytes(c, span_mem(s->key_id, sizeof(s->key_id)));
	chan_u16(c, s->scheme);
	chan_bytes(c, span_mem(s->digest, s->n));
	chan_end(c);
}

static void
give_up(struct question *q)
{
	struct signature	*s = (struct signature *)q;

	s->cb(s->arg, SPAN_NONE);
}

static bool
on_signed(struct keys_client *c, struct msg *m)
{
	uint64_t		 ticket = msg_u64(m);
	bool			 ok = msg_u8(m) != 0;
	struct span		 octets = msg_bytes(m, TLS_SIGNATURE_MAX);
	struct signature	*s;

	if (!msg_end(m) || ok != (octets.n > 0))
		return false;
	s = (struct signature *)asker_take(&c->asker, ticket);
	if (s != NULL)		/* else cancelled, or too late */
		s->cb(s->arg, octets);
	free(s);
	return true;
}

static void
get_octets(struct msg *m, uint8_t *out, size_t n)
{
	struct span	s = msg_bytes(m, n);

	if (s.n == n)
		memcpy(out, s.p, n);
	else
		m->bad = true;
}

static bool
on_tickets(struct keys_client *c, struct msg *m)
{
	struct tls_ticket_key	keys[TLS_TICKET_KEYS_MAX];
	uint32_t		i, n = msg_u32(m);
	bool			ok;

	if (n > TLS_TICKET_KEYS_MAX)
		return false;
	for (i = 0; i < n; i++) {
		get_octets(m, keys[i].name, sizeof(keys[i].name));
		get_octets(m, keys[i].aes, sizeof(keys[i].aes));
		get_octets(m, keys[i].hmac, sizeof(keys[i].hmac));
	}
	ok = msg_end(m);
	if (ok && c->tickets != NULL)
		c->tickets(c->arg, keys, n);
	OPENSSL_cleanse(keys, sizeof(keys));
	return ok;
}

static bool
on_message(void *client, struct msg *m)
{
	switch (m->type) {
	case MSG_KEY_SIGNED:
		return on_signed(client, m);
	case MSG_TICKET_KEYS:
		return on_tickets(client, m);
	}
	return false;
}

static uint64_t
ask(void *ctx, const struct tls_question *q, tls_signed_cb *cb, void *arg)
{
	struct keys_client	*c = ctx;
	struct signature	*s;

	if (q->digest.n > sizeof(s->digest) || q->scheme > UINT16_MAX)
		return 0;
	s = xcalloc(1, sizeof(*s));
	s->cb = cb;
	s->arg = arg;
	s->scheme = (uint16_t)q->scheme;
	memcpy(s->key_id, q->key_id, sizeof(s->key_id));
	memcpy(s->digest, q->digest.p, q->digest.n);
	s->n = q->digest.n;
	return asker_ask(&c->asker, &s->q);
}

static void
cancel(void *ctx, uint64_t ticket)
{
	struct keys_client	*c = ctx;

	asker_cancel(&c->asker, ticket);
}

struct keys_client *
keys_client_new(keys_tickets_cb *tickets, void *arg)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message
	};
	struct keys_client		*c = xcalloc(1, sizeof(*c));

	asker_init(&c->asker, "keys",
	    (int64_t)msg_timeout_s(MSG_KEY_SIGN) * 1000, &ops, c);
	c->signer = (struct tls_signer){ ask, cancel, c };
	c->tickets = tickets;
	c->arg = arg;
	return c;
}

void
keys_client_attach(struct keys_client *c, int fd)
{
	asker_attach(&c->asker, fd);
	chan_secret(c->asker.chan);	/* the keys of tickets */
}

void
keys_client_free(struct keys_client **cp)
{
	struct keys_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	asker_clear(&c->asker);
	free(c);
}

const struct tls_signer *
keys_client_signer(struct keys_client *c)
{
	return &c->signer;
}

/* --- what keys reads and says */

bool
keys_question_read(struct msg *m, uint64_t *ticket, struct tls_question *q)
{
	struct span	id;

	*ticket = msg_u64(m);
	id = msg_bytes(m, TLS_KEY_ID_SIZE);
	q->key_id = (const uint8_t *)id.p;
	q->scheme = msg_u16(m);
	q->digest = msg_bytes(m, 64);
	return msg_end(m) && id.n == TLS_KEY_ID_SIZE;
}

void
keys_signed_put(struct chan *c, uint64_t ticket, struct span signature)
{
	chan_begin(c, MSG_KEY_SIGNED);
	chan_u64(c, ticket);
	chan_u8(c, signature.n > 0);
	chan_bytes(c, signature);
	chan_end(c);
}

void
keys_tickets_put(struct chan *c, const struct tls_ticket_key *keys, size_t n)
{
	chan_begin(c, MSG_TICKET_KEYS);
	chan_u32(c, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		chan_bytes(c, span_mem(keys[i].name, sizeof(keys[i].name)));
		chan_bytes(c, span_mem(keys[i].aes, sizeof(keys[i].aes)));
		chan_bytes(c, span_mem(keys[i].hmac, sizeof(keys[i].hmac)));
	}
	chan_end(c);
}

/* --- certificates */

static struct span
cut(struct span s)
{
	return s.n <= KEYS_TEXT_MAX ? s : span_mem(s.p, KEYS_TEXT_MAX);
}

void
keys_certified_put(struct chan *c, const struct keys_certified *k)
{
	chan_begin(c, MSG_CERTIFIED);
	chan_u64(c, k->ticket);
	chan_u8(c, k->ok);
	chan_u8(c, k->unfit);
	chan_u8(c, (uint8_t)k->part);
	chan_bytes(c, cut(k->why));
	chan_u8(c, (uint8_t)k->warned_part);
	chan_bytes(c, cut(k->warning));
	chan_bytes(c, cut(k->names));
	chan_bytes(c, cut(k->algorithm));
	chan_u64(c, (uint64_t)k->not_before_s);
	chan_u64(c, (uint64_t)k->not_after_s);
	chan_u64(c, (uint64_t)k->staple_until_s);
	if (k->ok)
		chan_fd(c, k->fd);
	chan_end(c);
}

bool
keys_certified_read(struct msg *m, struct keys_certified *k)
{
	*k = (struct keys_certified){ .fd = -1 };
	k->ticket = msg_u64(m);
	k->ok = msg_u8(m) != 0;
	k->unfit = msg_u8(m) != 0;
	k->part = msg_u8(m);
	k->why = msg_bytes(m, KEYS_TEXT_MAX);
	k->warned_part = msg_u8(m);
	k->warning = msg_bytes(m, KEYS_TEXT_MAX);
	k->names = msg_bytes(m, KEYS_TEXT_MAX);
	k->algorithm = msg_bytes(m, KEYS_TEXT_MAX);
	k->not_before_s = (int64_t)msg_u64(m);
	k->not_after_s = (int64_t)msg_u64(m);
	k->staple_until_s = (int64_t)msg_u64(m);
	if (k->ok)
		k->fd = msg_fd(m);
	if (msg_end(m) && k->part < KEYS_NPARTS &&
	    k->warned_part < KEYS_NPARTS)
		return true;
	if (k->fd != -1)
		close(k->fd);
	k->fd = -1;
	return false;
}
