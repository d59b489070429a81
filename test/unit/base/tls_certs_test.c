/*
 * tls_certs_test.c - which certificate is shown, staples, tickets, certificates
 * of clients.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/xalloc.h"

#include "test/unit/base/tls_peer.h"

static struct made	ca, other_ca, mx_ec, mx_rsa, wild, apart, ann, bob, old,
			served, named, unclean;
static SSL_CTX		*tls12, *tls13;

static struct made
make(const char *type, const char *common, const char *alt,
    const struct made *by, const char *usage, int days)
{
	return made_new(&(struct made_how){ .type = type, .common = common,
	    .alt = alt, .by = by, .usage = usage, .days = days });
}

static int
begin(void **state)
{
	(void)state;
	ca = made_new(&(struct made_how){ .type = "EC", .common = "ca",
	    .ca = true, .days = 9 });
	other_ca = made_new(&(struct made_how){ .type = "EC",
	    .common = "ca", .ca = true, .days = 9 });
	mx_ec = make("EC", "mx", "DNS:mx.example,DNS:MAIL.example", &ca, NULL, 9);
	mx_rsa = make("RSA", "mx", "DNS:mx.example", &ca, NULL, 9);
	wild = make("EC", "wild", "DNS:*.wild.example,DNS:wild.example", &ca,
	    NULL, 9);
	apart = make("RSA", "apart", "DNS:one.wild.example", &ca, NULL, 9);
	ann = make("EC", "Ann", "DNS:host.example,email:ann@here.example", &ca,
	    NULL, 9);
	bob = make("EC", "Bob", "email:ann@here.example", &other_ca, NULL, 9);
	old = make("EC", "Old", "email:ann@here.example", &ca, NULL, -1);
	served = make("EC", "Served", "email:ann@here.example", &ca,
	    "serverAuth", 9);
	named = make("EC", "Zo\303\253", NULL, &ca, NULL, 9);
	unclean = make("EC", "a\nb", "email:clean@here.example", &ca, NULL, 9);
	tls12 = client_context(TLS1_2_VERSION);
	tls13 = client_context(TLS1_3_VERSION);
	return 0;
}

static int
end(void **state)
{
	struct made	*const all[] = { &ca, &other_ca, &mx_ec, &mx_rsa, &wild,
			    &apart, &ann, &bob, &old, &served, &named,
			    &unclean };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		made_clear(all[i]);
	SSL_CTX_free(tls12);
	SSL_CTX_free(tls13);
	return 0;
}

static void
add(struct tls_server *ts, const struct made *m, const char *host,
    struct span staple, const char *wanted)
{
	struct tls_certificate	 c = { .host = span_of(host),
				    .chain = span_of(m->pem), .key = m->key,
				    .staple = staple };
	const char		*why = NULL;

	assert_true(tls_server_add(ts, &c, &why));
	if (wanted == NULL)
		assert_null(why);
	else
		assert_string_equal(why, wanted);
}

static struct tls_server *
serve(struct tls_options *o)
{
	const char		*why = NULL;
	struct tls_server	*ts = tls_server_new(o, &why);

	assert_non_null(ts);
	return ts;
}

static void
ready(struct tls_server *ts)
{
	const char	*why = NULL;

	assert_true(tls_server_ready(ts, &why));
}

/* --- names */

static void
test_which_certificate_a_name_gets(void **state)
{
	static const struct {
		const char		*sni;
		bool			 rsa;	/* a client that can only that */
		const struct made	*want;
	} all[] = {
		{ NULL, false, &mx_ec },
		{ NULL, true, &mx_rsa },
		{ "mx.example", false, &mx_ec },
		{ "mx.example", true, &mx_rsa },
		{ "MX.Example", true, &mx_rsa },
		{ "mail.example", false, &mx_ec },
		{ "unknown.example", false, &mx_ec },
		{ "a.wild.example", false, &wild },
		{ "A.WILD.EXAMPLE", false, &wild },
		{ "wild.example", false, &wild },
		{ "a.b.wild.example", false, &mx_ec },
		{ "awild.example", false, &mx_ec },
		{ ".wild.example", false, &mx_ec },
		{ "*.wild.example", false, &mx_ec },
		{ "one.wild.example", false, &wild },
		{ "one.wild.example", true, &apart },
		{ "by-block.example", true, &apart },
		{ "x.block.example", true, &apart },
	};
	struct tls_options	 o = { .clients = TLS_CLIENTS_NONE };
	struct tls_server	*ts = serve(&o);
	SSL_CTX			*rsa = client_context(TLS1_2_VERSION);
	X509			*got;
	struct pair		 p;

	(void)state;
	SSL_CTX_set_cipher_list(rsa, "aRSA");
	add(ts, &mx_ec, "", SPAN_NONE, NULL);
	add(ts, &mx_rsa, "", SPAN_NONE, NULL);
	add(ts, &wild, "", SPAN_NONE, NULL);
	add(ts, &apart, "By-Block.example", SPAN_NONE, NULL);
	add(ts, &apart, "*.block.example", SPAN_NONE, NULL);
	assert_int_equal(tls_server_count(ts), 5);
	ready(ts);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		pair_open(&p, ts, all[i].rsa ? rsa : tls13, all[i].sni, NULL);
		assert_true(pair_shake(&p));
		got = SSL_get1_peer_certificate(p.client);
		if (X509_cmp(got, all[i].want->cert) != 0)
			fail_msg("%s gets another", all[i].sni);
		X509_free(got);
		pair_close(&p);
	}
	tls_server_unref(&ts);
	SSL_CTX_free(rsa);
}

/* The block without a name has but one type, its names have the other, too. */
static void
test_the_default_is_widened(void **state)
{
	struct tls_options	 o = { .clients = TLS_CLIENTS_NONE };
	struct tls_server	*ts = serve(&o);
	SSL_CTX			*rsa = client_context(TLS1_2_VERSION);
	struct pair		 p;

	(void)state;
	SSL_CTX_set_cipher_list(rsa, "aRSA");
	add(ts, &mx_ec, "", SPAN_NONE, NULL);
	add(ts, &mx_rsa, "mx.example", SPAN_NONE, NULL);
	ready(ts);
	pair_open(&p, ts, rsa, NULL, NULL);
	assert_true(pair_shake(&p));
	assert_int_equal(tls_sni(p.server).n, 0);
	pair_close(&p);
	pair_open(&p, ts, tls13, "Other.Example", NULL);
	assert_true(pair_shake(&p));
	assert_memory_equal(tls_sni(p.server).p, "other.example", 13);
	pair_close(&p);
	tls_server_unref(&ts);
	SSL_CTX_free(rsa);
}

static void
test_certificates_that_cannot_be_used(void **state)
{
	struct tls_options	 o = { .clients = TLS_CLIENTS_NONE };
	struct tls_server	*ts = serve(&o);
	struct tls_certificate	 c = { .chain = span_of(mx_ec.pem),
				    .key = mx_rsa.key };
	const char		*why = NULL;

	(void)state;
	assert_false(tls_server_add(ts, &c, &why));
	assert_string_equal(why, "the key does not belong to the certificate");
	c.key = mx_ec.key;
	c.chain = SPAN("");
	assert_false(tls_server_add(ts, &c, &why));
	assert_string_equal(why, "there is no certificate in it");
	c.chain = span_mem(mx_ec.pem, strlen(mx_ec.pem) / 2);
	assert_false(tls_server_add(ts, &c, &why));
	assert_string_equal(why, "a certificate cannot be read");
	assert_false(tls_server_ready(ts, &why));
	assert_string_equal(why, "there is no certificate");
	tls_server_unref(&ts);
	o.clients = TLS_CLIENTS_REQUIRED;
	assert_null(tls_server_new(&o, &why));
	o.clients = TLS_CLIENTS_ASKED;
	o.authorities = SPAN("nonsense");
	assert_null(tls_server_new(&o, &why));
}

static void
test_a_list_of_ciphers(void **state)
{
	struct tls_options	 o = { .ciphers = "no-such-thing" };
	struct tls_server	*ts = serve(&o);
	struct tls_certificate	 c = { .chain = span_of(mx_ec.pem),
				    .key = mx_ec.key };
	const char		*why = NULL;

	(void)state;
	assert_false(tls_server_add(ts, &c, &why));
	assert_string_equal(why, "no cipher of the list is known");
	tls_server_unref(&ts);
	assert_false(tls_ciphers_known("no-such-thing"));
	assert_false(tls_ciphers_known("TLS_AES_128_GCM_SHA256"));
	assert_true(tls_ciphers_known("no-such-thing:ECDHE+AESGCM"));
}

static void
test_only_1_3(void **state)
{
	struct tls_options	 o = { .only_1_3 = true };
	struct tls_server	*ts = serve(&o);
	struct pair		 p;

	(void)state;
	add(ts, &mx_ec, "", SPAN_NONE, NULL);
	ready(ts);
	pair_open(&p, ts, tls12, NULL, NULL);
	assert_false(pair_shake(&p));
	pair_close(&p);
	pair_open(&p, ts, tls13, NULL, NULL);
	assert_true(pair_shake(&p));
	pair_close(&p);
	tls_server_unref(&ts);
}

/* A connection holds the configuration that it began with. */
static void
test_renewal(void **state)
{
	struct tls_options	 o = { .clients = TLS_CLIENTS_NONE };
	struct tls_server	*ts = serve(&o);
	size_t			 n;
	char			 c;
	struct pair		 p;

	(void)state;
	add(ts, &mx_ec, "", SPAN_NONE, NULL);
	ready(ts);
	pair_open(&p, ts, tls13, "mx.example", NULL);
	tls_server_unref(&ts);
	assert_true(pair_shake(&p));
	assert_int_equal(SSL_write(p.client, "x", 1), 1);
	assert_int_equal(tls_read(p.server, &c, 1, &n), TLS_DONE);
	pair_close(&p);
}

/* --- staples */

/* What ca says of a certificate; until: seconds from now. */
static struct span
staple(const struct made *m, int status, long until, unsigned char **der)
{
	OCSP_BASICRESP	*b = OCSP_BASICRESP_new();
	OCSP_CERTID	*id = OCSP_cert_to_id(EVP_sha1(), m->cert, ca.cert);
	ASN1_TIME	*from = X509_gmtime_adj(NULL, -86400);
	ASN1_TIME	*next = X509_gmtime_adj(NULL, until);
	ASN1_TIME	*revoked = X509_gmtime_adj(NULL, -3600);
	OCSP_RESPONSE	*r;
	int		 n;

	assert_non_null(OCSP_basic_add1_status(b, id, status, 0, status ==
	    V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from, next));
	assert_int_equal(OCSP_basic_sign(b, ca.cert, ca.key, EVP_sha256(),
	    NULL, 0), 1);
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, b);
	*der = NULL;
	n = i2d_OCSP_RESPONSE(r, der);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(b);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(next);
	ASN1_TIME_free(revoked);
	return span_mem(*der, (size_t)n);
}

static void
test_staples(void **state)
{
	static const struct {
		const struct made	*of;
		int			 status;
		long			 until;
		const char		*why;
	} all[] = {
		{ &mx_ec, V_OCSP_CERTSTATUS_GOOD, 3600, NULL },
		{ &mx_ec, V_OCSP_CERTSTATUS_GOOD, -60, "the staple is too old" },
		{ &mx_rsa, V_OCSP_CERTSTATUS_GOOD, 3600,
		    "the staple is for another certificate" },
		{ &mx_ec, V_OCSP_CERTSTATUS_REVOKED, 3600,
		    "the staple does not say that the certificate is good" },
	};
	struct tls_options	 o = { .clients = TLS_CLIENTS_NONE };
	const unsigned char	*got;
	unsigned char		*der;
	struct span		 s;
	struct pair		 p;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tls_server	*ts = serve(&o);

		s = staple(all[i].of, all[i].status, all[i].until, &der);
		add(ts, &mx_ec, "", s, all[i].why);
		ready(ts);
		for (unsigned k = 0; k < 3; k++) {
			pair_open(&p, ts, k == 0 ? tls12 : tls13, NULL, NULL);
			if (k < 2)
				SSL_set_tlsext_status_type(p.client,
				    TLSEXT_STATUSTYPE_ocsp);
			assert_true(pair_shake(&p));
			long n = SSL_get_tlsext_status_ocsp_resp(p.client,
			    &got);
			if (k < 2 && all[i].why == NULL) {
				assert_int_equal(n, s.n);
				assert_memory_equal(got, s.p, s.n);
			} else
				assert_int_equal(n, -1);
			pair_close(&p);
		}
		OPENSSL_free(der);
		tls_server_unref(&ts);
	}
}

static void
test_a_staple_that_is_none(void **state)
{
	struct tls_options	 o = { .clients = TLS_CLIENTS_NONE };
	struct tls_server	*ts = serve(&o);

	(void)state;
	add(ts, &mx_ec, "", SPAN("nonsense"), "the staple is no OCSP answer");
	tls_server_unref(&ts);
}

/* --- tickets */

static SSL_SESSION	*kept;

static int
keep_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = s;
	return 1;
}

/* RFC 5929, 4: both ends think of the certificate that the client was shown. */
static void
assert_bound(const struct pair *p)
{
	uint8_t	mine[TLS_BINDING_MAX], theirs[EVP_MAX_MD_SIZE];

	assert_int_equal(X509_digest(SSL_get0_peer_certificate(p->client),
	    EVP_sha256(), theirs, NULL), 1);
	assert_int_equal(tls_binding(p->server, TLS_BINDING_END_POINT, mine),
	    32);
	assert_memory_equal(mine, theirs, 32);
}

/* One connection, with the session that was kept; whether it was taken up. */
static bool
connect_once(struct tls_server *ts, SSL_CTX *ctx, const struct made *client,
    const char *name)
{
	struct pair	p;
	bool		resumed;
	char		c;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	pair_open(&p, ts, ctx, NULL, kept);
	if (client != NULL) {
		SSL_use_certificate(p.client, client->cert);
		SSL_use_PrivateKey(p.client, client->key);
	}
	assert_true(pair_shake(&p));
	(void)SSL_read(p.client, &c, 1);	/* the ticket of 1.3 */
	resumed = tls_resumed(p.server);
	assert_int_equal(resumed, SSL_session_reused(p.client));
	assert_bound(&p);
	if (name == NULL)
		assert_false(tls_client_verified(p.server));
	else {
		assert_true(tls_client_verified(p.server));
		assert_int_equal(tls_client_name(p.server).n, strlen(name));
		assert_memory_equal(tls_client_name(p.server).p, name,
		    strlen(name));
	}
	/* Of 1.2 no callback tells a ticket that follows another. */
	if (SSL_version(p.client) == TLS1_2_VERSION)
		keep_session(NULL, SSL_get1_session(p.client));
	/* Otherwise the client takes its session for spoiled. */
	SSL_set_shutdown(p.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	pair_close(&p);
	return resumed;
}

static struct tls_server *
showing(const struct made *one, const struct made *other,
    struct tls_tickets *tickets)
{
	struct tls_options	 o = { .tickets = tickets, .ticket_s = 3600 };
	struct tls_server	*ts = serve(&o);

	add(ts, one, "", SPAN_NONE, NULL);
	if (other != NULL)
		add(ts, other, "", SPAN_NONE, NULL);
	ready(ts);
	return ts;
}

/* Whatever would be shown now: two types of keys, or what was renewed since. */
static void
test_a_session_keeps_its_certificate(void **state)
{
	static const struct tls_ticket_key	 key = { "name", "aes", "mac" };
	struct tls_tickets	*t = tls_tickets_new();
	struct tls_server	*both = showing(&mx_ec, &mx_rsa, t);
	struct tls_server	*renewed = showing(&wild, NULL, t);

	(void)state;
	tls_tickets_set(t, &key, 1);
	for (unsigned i = 0; i < 2; i++) {
		SSL_CTX	*ctx = i == 0 ? tls12 : tls13;

		assert_false(connect_once(both, ctx, NULL, NULL));
		assert_true(connect_once(both, ctx, NULL, NULL));
		assert_true(connect_once(renewed, ctx, NULL, NULL));
		assert_true(connect_once(both, ctx, NULL, NULL));
		SSL_SESSION_free(kept);
		kept = NULL;
	}
	tls_server_unref(&both);
	tls_server_unref(&renewed);
	tls_tickets_free(&t);
}

static struct tls_server *
with_tickets(struct tls_tickets *tickets, enum tls_clients clients,
    const struct made *authority)
{
	struct tls_options	 o = { .clients = clients, .tickets = tickets,
				    .ticket_s = 3600 };
	struct tls_server	*ts;

	if (authority != NULL)
		o.authorities = span_of(authority->pem);
	ts = serve(&o);
	add(ts, &mx_ec, "", SPAN_NONE, NULL);
	ready(ts);
	return ts;
}

static void
forget(void)
{
	SSL_SESSION_free(kept);
	kept = NULL;
}

/* Two configurations with the same keys are two workers, or an old and a new one. */
static void
test_tickets_open_sessions_of_others(void **state)
{
	static const struct tls_ticket_key	keys[3] = {
		{ "first", "aes1", "mac1" }, { "second", "aes2", "mac2" },
		{ "third", "aes3", "mac3" } };
	struct tls_tickets	*one = tls_tickets_new(), *two = tls_tickets_new();
	struct tls_server	*a = with_tickets(one, TLS_CLIENTS_NONE, NULL);
	struct tls_server	*b = with_tickets(two, TLS_CLIENTS_NONE, NULL);
	struct tls_ticket_key	 both[2] = { keys[1], keys[0] };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		SSL_CTX	*ctx = i == 0 ? tls12 : tls13;

		forget();
		assert_true(tls_tickets_set(one, keys, 0));
		assert_false(connect_once(a, ctx, NULL, NULL));
		assert_true(kept == NULL || !SSL_SESSION_has_ticket(kept));
		forget();
		tls_tickets_set(one, &keys[0], 1);
		tls_tickets_set(two, &keys[0], 1);
		assert_false(connect_once(a, ctx, NULL, NULL));
		assert_true(connect_once(a, ctx, NULL, NULL));
		assert_true(connect_once(b, ctx, NULL, NULL));
		/* Old ones are still good, and are followed by new ones. */
		tls_tickets_set(two, both, 2);
		assert_true(connect_once(b, ctx, NULL, NULL));
		tls_tickets_set(two, &keys[1], 1);
		assert_true(connect_once(b, ctx, NULL, NULL));
		/* Keys that are gone open nothing. */
		tls_tickets_set(two, &keys[2], 1);
		assert_false(connect_once(b, ctx, NULL, NULL));
	}
	forget();
	assert_false(tls_tickets_set(one, both, TLS_TICKET_KEYS_MAX + 1));
	tls_server_unref(&a);
	tls_server_unref(&b);
	tls_tickets_free(&one);
	tls_tickets_free(&two);
}

/* What was verified stays so, and what was not does not become so. */
static void
test_tickets_and_certificates_of_clients(void **state)
{
	static const struct tls_ticket_key	 key = { "name", "aes", "mac" };
	struct tls_tickets	*t = tls_tickets_new();
	struct tls_server	*asked = with_tickets(t, TLS_CLIENTS_ASKED, &ca);
	struct tls_server	*same = with_tickets(t, TLS_CLIENTS_ASKED, &ca);
	struct tls_server	*none = with_tickets(t, TLS_CLIENTS_NONE, NULL);
	struct tls_server	*others = with_tickets(t, TLS_CLIENTS_ASKED,
				    &other_ca);

	(void)state;
	tls_tickets_set(t, &key, 1);
	for (unsigned i = 0; i < 2; i++) {
		SSL_CTX	*ctx = i == 0 ? tls12 : tls13;

		forget();
		assert_false(connect_once(asked, ctx, &ann, "ann@here.example"));
		assert_true(connect_once(same, ctx, &ann, "ann@here.example"));
		/* Nobody asks there, and another is trusted there. */
		assert_false(connect_once(none, ctx, &ann, NULL));
		forget();
		assert_false(connect_once(asked, ctx, &ann, "ann@here.example"));
		assert_false(connect_once(others, ctx, &ann, NULL));
		forget();
		assert_false(connect_once(asked, ctx, &bob, NULL));
		assert_true(connect_once(same, ctx, &bob, NULL));
		forget();
		assert_false(connect_once(none, ctx, NULL, NULL));
		assert_false(connect_once(asked, ctx, &ann, "ann@here.example"));
	}
	forget();
	tls_server_unref(&asked);
	tls_server_unref(&same);
	tls_server_unref(&none);
	tls_server_unref(&others);
	tls_tickets_free(&t);
}

/* --- certificates of clients */

struct told {
	char		text[256];
};

static void
tell(void *arg, enum tls_name kind, struct span name)
{
	static const char	 kinds[] = "edc";
	struct told		*to = arg;
	size_t			 n = strlen(to->text);

	snprintf(to->text + n, sizeof(to->text) - n, "%c:%.*s ",
	    kinds[kind], SPAN_ARG(name));
}

static void
test_certificates_of_clients(void **state)
{
	static const struct {
		const struct made	*client;
		bool			 verified;
		const char		*names;
	} all[] = {
		{ NULL, false, "" },
		{ &ann, true, "e:ann@here.example d:host.example c:Ann " },
		{ &named, true, "c:Zo\303\253 " },
		{ &unclean, true, "e:clean@here.example " },
		{ &bob, false, "" },
		{ &old, false, "" },
		{ &served, false, "" },
	};
	struct tls_options	 o = { .authorities = span_of(ca.pem) };
	struct pair		 p;

	(void)state;
	for (unsigned k = 0; k < 6; k++) {
		struct tls_server	*ts;

		o.clients = k % 3 == 0 ? TLS_CLIENTS_NONE : k % 3 == 1 ?
		    TLS_CLIENTS_ASKED : TLS_CLIENTS_REQUIRED;
		ts = serve(&o);
		add(ts, &mx_ec, "", SPAN_NONE, NULL);
		ready(ts);
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			bool		good = k % 3 > 0 && all[i].verified;
			struct told	to = { "" };

			pair_open(&p, ts, k < 3 ? tls12 : tls13, NULL, NULL);
			if (all[i].client != NULL) {
				SSL_use_certificate(p.client,
				    all[i].client->cert);
				SSL_use_PrivateKey(p.client,
				    all[i].client->key);
			}
			(void)pair_shake(&p);
			assert_int_equal(p.is, k % 3 == 2 && !good ?
			    TLS_FAILED : TLS_DONE);
			assert_int_equal(tls_client_verified(p.server), good);
			if (p.is == TLS_DONE)
				assert_int_equal(tls_client_shown(p.server),
				    k % 3 == 1 && all[i].client != NULL ?
				    true : good);
			if (p.is == TLS_DONE)
				tls_client_names(p.server, tell, &to);
			assert_string_equal(to.text, good ? all[i].names : "");
			pair_close(&p);
		}
		tls_server_unref(&ts);
	}
}

/* Asked without authorities: one is looked at by no rule. */
static void
test_asked_without_authorities(void **state)
{
	struct tls_options	 o = { .clients = TLS_CLIENTS_ASKED };
	struct tls_server	*ts = serve(&o);
	struct pair		 p;

	(void)state;
	add(ts, &mx_ec, "", SPAN_NONE, NULL);
	ready(ts);
	pair_open(&p, ts, tls13, NULL, NULL);
	SSL_use_certificate(p.client, ann.cert);
	SSL_use_PrivateKey(p.client, ann.key);
	assert_true(pair_shake(&p));
	assert_true(tls_client_shown(p.server));
	assert_false(tls_client_verified(p.server));
	assert_int_equal(tls_client_name(p.server).n, 0);
	assert_string_not_equal(tls_client_why(p.server), "-");
	pair_close(&p);
	tls_server_unref(&ts);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_which_certificate_a_name_gets),
		cmocka_unit_test(test_the_default_is_widened),
		cmocka_unit_test(test_certificates_that_cannot_be_used),
		cmocka_unit_test(test_a_list_of_ciphers),
		cmocka_unit_test(test_only_1_3),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_staples),
		cmocka_unit_test(test_a_staple_that_is_none),
		cmocka_unit_test(test_a_session_keeps_its_certificate),
		cmocka_unit_test(test_tickets_open_sessions_of_others),
		cmocka_unit_test(test_tickets_and_certificates_of_clients),
		cmocka_unit_test(test_certificates_of_clients),
		cmocka_unit_test(test_asked_without_authorities),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
