/*
 * service.c - KEY_SIGN: a signature for a handshake of a worker.
 */
#include "mta/keys/service.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/keys/held.h"
#include "mta/keys/sign.h"

/* A worker; lives until its channel and its questions are gone. */
struct keys_peer {
	LIST_ENTRY(keys_peer)	 entry;
	struct keys_service	*service;
	struct chan		*chan;		/* NULL: it has gone */
	enum keys_owner		 owner;
	size_t			 waiting;
};

/* A question on a thread; it has a reference of its own to the key. */
struct job {
	struct keys_peer	*peer;
	uint64_t		 ticket;
	EVP_PKEY		*key;
	unsigned		 scheme;
	size_t			 digest_n, n;
	uint8_t			 digest[64];
	uint8_t			 signature[TLS_SIGNATURE_MAX];
};

static void
peer_release(struct keys_peer *k)
{
	if (k->chan == NULL && k->waiting == 0)
		free(k);
}

static void
answer(struct keys_peer *k, uint64_t ticket, struct span signature)
{
	if (signature.n == 0)
		k->service->failed++;
	if (k->chan != NULL)
		keys_signed_put(k->chan, ticket, signature);
}

/* --- on a thread */

static void
job_work(void *arg)
{
	struct job	*j = arg;

	j->n = key_sign(j->key, j->scheme, span_mem(j->digest, j->digest_n),
	    j->signature);
	ERR_clear_error();
}

static void
job_done(void *arg)
{
	struct job		*j = arg;
	struct keys_peer	*k = j->peer;

	answer(k, j->ticket, span_mem(j->signature, j->n));
	k->waiting--;
	k->service->waiting--;
	EVP_PKEY_free(j->key);
	free(j);
	peer_release(k);
}

static void
job_start(struct keys_peer *k, uint64_t ticket, EVP_PKEY *key,
    const struct tls_question *q)
{
	struct job	*j = xcalloc(1, sizeof(*j));

	j->peer = k;
	j->ticket = ticket;
	if (EVP_PKEY_up_ref(key) != 1)
		abort();
	j->key = key;
	j->scheme = q->scheme;
	memcpy(j->digest, q->digest.p, q->digest.n);
	j->digest_n = q->digest.n;
	k->waiting++;
	k->service->waiting++;
	pool_run(k->service->pool, job_work, job_done, j);
}

/* --- on the loop */

static void
sign_now(struct keys_peer *k, uint64_t ticket, EVP_PKEY *key,
    const struct tls_question *q)
{
	uint8_t	out[TLS_SIGNATURE_MAX];
	size_t	n = key_sign(key, q->scheme, q->digest, out);

	ERR_clear_error();
	answer(k, ticket, span_mem(out, n));
}

static void
sign(struct keys_peer *k, uint64_t ticket, const struct tls_question *q)
{
	struct keys_service	*s = k->service;
	const struct held	*h = held_find(s, k->owner, q->key_id);

	if (h == NULL) {
		s->unknown++;
		answer(k, ticket, SPAN_NONE);
	} else if (q->digest.n == 0 ||
	    q->digest.n != tls_scheme_digest(q->scheme))
		answer(k, ticket, SPAN_NONE);
	else if (s->waiting >= KEYS_WAITING_MAX) {
		s->busy++;
		answer(k, ticket, SPAN_NONE);
	} else {
		*(tls_scheme_is_rsa(q->scheme) ? &s->rsa : &s->ecdsa) += 1;
		if (h->quick)
			sign_now(k, ticket, h->key, q);
		else
			job_start(k, ticket, h->key, q);
	}
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct tls_question	 q;
	uint64_t		 ticket;

	(void)c;
	if (m->type != MSG_KEY_SIGN || !keys_question_read(m, &ticket, &q))
		return false;
	sign(arg, ticket, &q);
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct keys_peer	*k = arg;

	(void)c;
	LIST_REMOVE(k, entry);
	k->chan = NULL;
	peer_release(k);
}

/* They open what clients' sessions have: nobody else's business. */
static void
tell_tickets_to(struct keys_peer *k)
{
	const struct tickets	*t = &k->service->tickets;

	if (k->owner == KEYS_OF_SMTP)
		keys_tickets_put(k->chan, t->keys, t->n);
}

void
keys_service_peer(struct keys_service *s, int fd, enum keys_owner owner)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct keys_peer		*k = xcalloc(1, sizeof(*k));

	k->service = s;
	k->owner = owner;
	k->chan = chan_new(fd, owner == KEYS_OF_SMTP ? "smtp" : "relay", &ops,
	    k);
	chan_secret(k->chan);
	LIST_INSERT_HEAD(&s->peers, k, entry);
	tell_tickets_to(k);
}

/* --- the keys of tickets */

static void
tell_tickets(void *arg)
{
	struct keys_service	*s = arg;
	struct keys_peer	*k;

	log_debug("event=ticket-keys n=%zu", s->tickets.n);
	LIST_FOREACH(k, &s->peers, entry)
		tell_tickets_to(k);
}

static bool
on_lifetime(struct keys_service *s, struct msg *m)
{
	uint64_t	ms = msg_u64(m);

	if (!msg_end(m) || ms > INT64_MAX)
		return false;
	tickets_live(&s->tickets, (int64_t)ms);
	return true;
}

/* --- the parent */

bool
keys_service_message(struct keys_service *s, struct chan *parent,
    struct msg *m)
{
	switch (m->type) {
	case MSG_CERTIFY:
		return held_certify(s, parent, m);
	case MSG_KEY_DROP:
		return held_drop(s, m);
	case MSG_KEY_TICKETS:
		return on_lifetime(s, m);
	}
	return false;
}

void
keys_service_init(struct keys_service *s, struct pool *pool)
{
	*s = (struct keys_service){ .pool = pool };
	LIST_INIT(&s->peers);
	tickets_init(&s->tickets, tell_tickets, s);
}

void
keys_service_clear(struct keys_service *s)
{
	struct keys_peer	*k;

	while ((k = LIST_FIRST(&s->peers)) != NULL) {
		LIST_REMOVE(k, entry);
		chan_free(&k->chan);
		k->waiting = 0;		/* the pool is gone */
		peer_release(k);
	}
	tickets_clear(&s->tickets);
	held_clear(s);
}
