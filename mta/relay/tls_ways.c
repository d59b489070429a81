/*
 * tls_ways.c - connectors for the terms of relay blocks.
 */
#include "mta/relay/tls_ways.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/tls_bundle.h"
#include "base/xalloc.h"
#include "mta/child/child.h"

/* Authorities as they came for a block, or for all (AUTHORITIES_OF_ALL). */
struct authorities {
	uint32_t		 object;
	uint8_t			 digest[32];
	struct tls_trust	*trust;		/* NULL: of no use */
};

struct tls_ways {
	const struct tls_signer	*signer;
	struct tls_sessions	*sessions;
	/* While a configuration is read. */
	const struct child_config *config;
	struct authorities	*all;
	size_t			 n;
};

struct tls_ways *
tls_ways_new(const struct tls_signer *signer)
{
	struct tls_ways	*w = xcalloc(1, sizeof(*w));

	w->signer = signer;
	w->sessions = tls_sessions_new(TLS_WAYS_SESSIONS);
	return w;
}

void
tls_ways_free(struct tls_ways **wp)
{
	struct tls_ways	*w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	tls_sessions_free(&w->sessions);
	free(w);
}

size_t
tls_ways_sessions(const struct tls_ways *w)
{
	return tls_sessions_count(w->sessions);
}

/* --- authorities */

static struct tls_trust *
trust_of(const struct tls_ways *w, const uint8_t digest[32], struct span pem,
    const char **why)
{
	size_t	i;

	for (i = 0; i < w->n; i++)
		if (memcmp(w->all[i].digest, digest, 32) == 0)
			return tls_trust_ref(w->all[i].trust);
	return tls_trust_new(pem, why);
}

static void
take_authorities(struct tls_ways *w, uint32_t object, int fd)
{
	struct authorities	 a = { .object = object };
	struct buf		 pem = { 0 };
	const char		*why = "it is of no use";

	if (file_read_fd(fd, TLS_AUTHORITIES_MAX, &pem) == 0) {
		digest_sha256(buf_span(&pem), a.digest);
		a.trust = trust_of(w, a.digest, buf_span(&pem), &why);
	} else
		why = "it cannot be read, or is larger than 8 MiB";
	if (a.trust == NULL)
		log_warnx("event=authorities-not-used why=%s",
		    log_quote(span_of(why)));
	buf_clear(&pem);
	w->all = xreallocarray(w->all, w->n + 1, sizeof(*w->all));
	w->all[w->n++] = a;
}

static struct tls_trust *
find_trust(const struct tls_ways *w, uint32_t object)
{
	size_t	i;

	for (i = 0; i < w->n; i++)
		if (w->all[i].object == object)
			return w->all[i].trust;
	return NULL;
}

static void
forget_authorities(struct tls_ways *w)
{
	size_t	i;

	for (i = 0; i < w->n; i++)
		tls_trust_unref(&w->all[i].trust);
	free(w->all);
	w->all = NULL;
	w->n = 0;
}

/* --- a block */

/* Its own, and no others when these are of no use. */
static struct tls_trust *
trust_for(const struct tls_ways *w, const struct relay_terms *t)
{
	return find_trust(w, t->authorities != NULL ? t->object :
	    AUTHORITIES_OF_ALL);
}

/* The certificate that is shown; false: there should be one. */
static bool
open_bundle(const struct tls_ways *w, const struct relay_terms *t,
    struct tls_bundle *b)
{
	size_t	i;

	if (t->certificate == NULL)
		return true;
	for (i = 0; i < w->config->ncerts; i++)
		if (w->config->certs[i].object == t->object)
			return tls_bundle_open(w->config->certs[i].fd, b);
	return false;
}

static void
connect_block(struct relay_terms *t, void *arg)
{
	const struct tls_ways		*w = arg;
	struct tls_bundle		 b = { 0 };
	struct tls_connector_options	 o = {
		.only_1_3 = t->tls13, .trust = trust_for(w, t),
		.signer = w->signer, .sessions = w->sessions
	};

	tls_connector_unref(&t->connector);
	t->no_tls = "the certificate that is to be shown cannot be used";
	if (open_bundle(w, t, &b)) {
		o.chain = b.chain;
		t->connector = tls_connector_new(&o, &t->no_tls);
	}
	if (t->connector == NULL)
		log_warnx("event=no-tls relay=%s why=%s", t->name[0] == '\0' ?
		    "-" : t->name, log_quote(span_of(t->no_tls)));
	tls_bundle_clear(&b);
}

void
tls_ways_config(struct tls_ways *w, struct relay_blocks *blocks,
    const struct child_config *c)
{
	size_t	i;

	w->config = c;
	for (i = 0; i < c->nauthorities; i++)
		take_authorities(w, c->authorities[i].object,
		    c->authorities[i].fd);
	relay_blocks_each(blocks, connect_block, w);
	forget_authorities(w);
	w->config = NULL;
}
