/*
 * certs.c - TLS as a configuration has it.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/tls_bundle.h"
#include "base/xalloc.h"
#include "mta/child/child.h"
#include "mta/smtp/certs.h"

#define PROTOCOL	"smtp"	/* of ALPN, should it ever be registered */

/* What is opened while a configuration is read. */
struct opened {
	uint32_t		object;
	struct tls_bundle	bundle;
};

static struct span
host_of(const struct rs_image *image, uint32_t object)
{
	return rs_string(image, rs_object(image, object)->name);
}

/* The block without `for`: the others have its options too. */
static const struct opened *
main_block(const struct rs_image *image, const struct opened *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (host_of(image, all[i].object).n == 0)
			return &all[i];
	return NULL;
}

static enum tls_clients
clients_of(struct span word)
{
	if (span_eq(word, SPAN("required")))
		return TLS_CLIENTS_REQUIRED;
	return span_eq(word, SPAN("asked")) ? TLS_CLIENTS_ASKED :
	    TLS_CLIENTS_NONE;
}

/* A list of which nothing is known is no reason to do without TLS. */
static char *
ciphers_of(const struct rs_image *image, uint32_t object)
{
	struct span	 text = rs_option_text(image, object,
			    RS_OPT_TLS_ciphers);
	char		*list;

	if (text.n == 0)
		return NULL;
	list = xstrndup(text.p, text.n);
	if (tls_ciphers_known(list))
		return list;
	log_warnx("event=ciphers-not-used ciphers=%s why=\"OpenSSL here knows "
	    "none of them for TLS 1.2; those of doc/tls.md are used\"",
	    log_quote(text));
	free(list);
	return NULL;
}

static struct tls_server *
server_of(const struct rs_image *image, const struct opened *b,
    struct tls_tickets *tickets, const char **why)
{
	char			*list = ciphers_of(image, b->object);
	int64_t			 ms = rs_option_int(image, b->object,
				    RS_OPT_TLS_tickets);
	struct tls_options	 o = {
		.only_1_3 = span_eq(rs_option_text(image, b->object,
		    RS_OPT_TLS_minimum), SPAN("1.3")),
		.clients = clients_of(rs_option_text(image, b->object,
		    RS_OPT_TLS_client_certificates)),
		.authorities = b->bundle.authorities,
		.ciphers = list,
		.tickets = tickets,
		.ticket_s = ms <= 0 ? 0 : (uint32_t)(ms / 1000),
		.protocol = PROTOCOL,
	};
	struct tls_server	*ts = tls_server_new(&o, why);

	free(list);
	return ts;
}

static void
add(struct tls_server *ts, const struct rs_image *image,
    const struct opened *o, const struct tls_signer *signer)
{
	struct tls_certificate	 c = {
		.host = host_of(image, o->object),
		.chain = o->bundle.chain,
		.staple = o->bundle.staple,
		.signer = signer,
	};
	const char		*why = NULL;
	bool			 good = tls_server_add(ts, &c, &why);

	if (!good || why != NULL)
		log_warnx("event=%s host=%s why=%s", good ?
		    "staple-not-used" : "certificate-not-used",
		    c.host.n == 0 ? "-" : log_quote(c.host),
		    log_quote(span_of(why)));
}

static struct opened *
open_all(const struct child_config *c, size_t *n)
{
	struct opened	*all = xcalloc(c->ncerts + 1, sizeof(*all));

	*n = 0;
	for (size_t i = 0; i < c->ncerts; i++) {
		all[*n].object = c->certs[i].object;
		if (tls_bundle_open(c->certs[i].fd, &all[*n].bundle))
			++*n;
		else
			log_warnx("event=certificate-not-used why=bundle");
	}
	return all;
}

/* The default first: of two for one name the first is shown. */
static struct tls_server *
serve(const struct rs_image *image, const struct opened *all, size_t n,
    const struct tls_signer *signer, struct tls_tickets *tickets)
{
	const struct opened	*first = main_block(image, all, n);
	struct tls_server	*ts;
	const char		*why = "there is no certificate for the block "
				    "without a name";

	if (first == NULL || (ts = server_of(image, first, tickets,
	    &why)) == NULL) {
		log_warnx("event=no-tls why=%s", log_quote(span_of(why)));
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (host_of(image, all[i].object).n == 0)
			add(ts, image, &all[i], signer);
	for (size_t i = 0; i < n; i++)
		if (host_of(image, all[i].object).n > 0)
			add(ts, image, &all[i], signer);
	if (!tls_server_ready(ts, &why)) {
		log_warnx("event=no-tls why=%s", log_quote(span_of(why)));
		tls_server_unref(&ts);
	}
	return ts;
}

struct tls_server *
certs_open(const struct rs_image *image, const struct child_config *c,
    const struct tls_signer *signer, struct tls_tickets *tickets)
{
	struct opened		*all;
	struct tls_server	*ts = NULL;
	size_t			 n;

	if (c->ncerts == 0)
		return NULL;
	all = open_all(c, &n);
	if (n > 0)
		ts = serve(image, all, n, signer, tickets);
	while (n > 0)
		tls_bundle_clear(&all[--n].bundle);
	free(all);
	return ts;
}
