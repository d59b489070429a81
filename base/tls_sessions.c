/*
 * tls_sessions.c - sessions that can be taken up again (RFC 8446, 2.2; RFC
 * 5246, 7.3; RFC 5077).
 *
 * A ticket of TLS 1.3 is used more than once, where RFC 8446, C.4 would have it
 * used once: that is against being recognized, and a mail server has one
 * address anyway.  Who lets it be used once answers with a full handshake.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "base/hash.h"
#include "base/tls_connect_int.h"
#include "base/xalloc.h"

struct kept {
	TAILQ_ENTRY(kept)	 entry;
	uint8_t			 key[32];
	SSL_SESSION		*session;
};

struct tls_sessions {
	TAILQ_HEAD(kept_list, kept) used;	/* the latest first */
	struct htab		 by_key;	/* struct kept */
	size_t			 max;
};

static struct span
key_span(const uint8_t *key)
{
	return span_mem(key, 32);
}

struct tls_sessions *
tls_sessions_new(size_t max)
{
	struct tls_sessions	*s = xcalloc(1, sizeof(*s));

	assert(max > 0);
	s->max = max;
	TAILQ_INIT(&s->used);
	return s;
}

static void
forget(struct tls_sessions *s, struct kept *k)
{
	(void)htab_del(&s->by_key, key_span(k->key));
	TAILQ_REMOVE(&s->used, k, entry);
	SSL_SESSION_free(k->session);
	free(k);
}

void
tls_sessions_free(struct tls_sessions **sp)
{
	struct tls_sessions	*s = *sp;
	struct kept		*k;

	*sp = NULL;
	if (s == NULL)
		return;
	while ((k = TAILQ_FIRST(&s->used)) != NULL)
		forget(s, k);
	htab_clear(&s->by_key);
	free(s);
}

size_t
tls_sessions_count(const struct tls_sessions *s)
{
	return s->by_key.n;
}

void
tls_sessions_drop(struct tls_sessions *s, const uint8_t key[32])
{
	struct kept	*k = htab_get(&s->by_key, key_span(key));

	if (k != NULL)
		forget(s, k);
}

void
tls_sessions_put(struct tls_sessions *s, const uint8_t key[32],
    SSL_SESSION *session)
{
	struct kept	*k;

	tls_sessions_drop(s, key);
	if (s->by_key.n >= s->max)
		forget(s, TAILQ_LAST(&s->used, kept_list));
	k = xcalloc(1, sizeof(*k));
	memcpy(k->key, key, sizeof(k->key));
	k->session = session;
	(void)htab_put(&s->by_key, key_span(key), k);
	TAILQ_INSERT_HEAD(&s->used, k, entry);
}

/* Neither it nor the certificate that it stands for has run out. */
static bool
is_good(const SSL_SESSION *session)
{
	time_t	now = time(NULL), at = (time_t)SSL_SESSION_get_time(session);
	time_t	most = (time_t)SSL_SESSION_get_timeout(session);
	X509	*x = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);

	if (most > TLS_SESSION_S)
		most = TLS_SESSION_S;
	return at <= now && now - at < most && (x == NULL ||
	    X509_cmp_current_time(X509_get0_notAfter(x)) > 0);
}

SSL_SESSION *
tls_sessions_get(struct tls_sessions *s, const uint8_t key[32])
{
	struct kept	*k = htab_get(&s->by_key, key_span(key));

	if (k == NULL)
		return NULL;
	if (!is_good(k->session)) {
		forget(s, k);
		return NULL;
	}
	TAILQ_REMOVE(&s->used, k, entry);
	TAILQ_INSERT_HEAD(&s->used, k, entry);
	SSL_SESSION_up_ref(k->session);
	return k->session;
}
