/*
 * tls_sign_test.c - handshakes whose keys another process holds: RSA and EC,
 * TLS 1.2 and 1.3, many at once, and what becomes of them when that process
 * refuses, is silent, or dies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/chan.h"
#include "base/loop.h"
#include "base/tls_sign.h"
#include "base/xalloc.h"

#include "test/unit/base/run_loop.h"

#define MANY	100	/* handshakes at once */

enum { ASK = 1, ANSWER };

/* --- the process that has the keys */

enum manner { SIGNS, REFUSES, IS_SILENT, DIES };

static struct {
	EVP_PKEY	*key;
	X509		*cert;
	uint8_t		 id[TLS_KEY_ID_SIZE];
} pairs[3];

enum { RSA2048, P256, P384, NPAIRS };

static EVP_PKEY *
key_by_id(struct span id)
{
	for (size_t i = 0; i < NPAIRS; i++) {
		if (span_eq(id, span_mem(pairs[i].id, TLS_KEY_ID_SIZE)))
			return pairs[i].key;
	}
	return NULL;
}

static size_t
sign(EVP_PKEY *key, unsigned scheme, struct span digest, uint8_t *out)
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new(key, NULL);
	EVP_MD		*md = EVP_MD_fetch(NULL, tls_scheme_hash(scheme), NULL);
	size_t		 n = TLS_SIGNATURE_MAX;

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
	if (tls_scheme_is_pss(scheme)) {
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
	}
	if (EVP_PKEY_sign(ctx, out, &n, (const uint8_t *)digest.p,
	    digest.n) != 1)
		n = 0;
	EVP_MD_free(md);
	EVP_PKEY_CTX_free(ctx);
	return n;
}

static bool
on_question(struct chan *c, struct msg *m, void *arg)
{
	enum manner	*manner = arg;
	uint64_t	 ticket = msg_u64(m);
	struct span	 id = msg_bytes(m, TLS_KEY_ID_SIZE);
	unsigned	 scheme = msg_u16(m);
	struct span	 digest = msg_bytes(m, 64);
	uint8_t		 out[TLS_SIGNATURE_MAX];
	size_t		 n = 0;

	if (!msg_end(m) || *manner == DIES)
		_exit(1);
	if (*manner == IS_SILENT)
		return true;
	if (*manner == SIGNS)
		n = sign(key_by_id(id), scheme, digest, out);
	chan_begin(c, ANSWER);
	chan_u64(c, ticket);
	chan_bytes(c, span_mem(out, n));
	chan_end(c);
	return true;
}

static void
on_parent_gone(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	_exit(0);
}

static void
keys_process(int fd, enum manner manner)
{
	static const struct chan_ops	ops = { on_question, on_parent_gone };

	loop_init();
	(void)chan_new(fd, "test", &ops, &manner);
	loop_run();
	_exit(1);
}

/* --- the signer that asks it */

struct open_question {
	tls_signed_cb	*cb;
	void		*arg;
};

static struct {
	struct chan		*chan;
	pid_t			 pid;
	uint64_t		 last;
	struct open_question	 open[4 * MANY];	/* by ticket */
	unsigned		 asked, cancelled, most, now;
} asker;

static void
answer(uint64_t ticket, struct span signature)
{
	struct open_question	*q = &asker.open[ticket];
	struct open_question	 it = *q;

	q->cb = NULL;
	if (it.cb != NULL) {
		asker.now--;
		it.cb(it.arg, signature);
	}
}

static bool
on_answer(struct chan *c, struct msg *m, void *arg)
{
	uint64_t	ticket = msg_u64(m);
	struct span	signature = msg_bytes(m, TLS_SIGNATURE_MAX);

	(void)c;
	(void)arg;
	assert_true(msg_end(m));
	answer(ticket, signature);
	return true;
}

/* As a real one: what is open has failed. */
static void
on_keys_gone(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	asker.chan = NULL;
	for (uint64_t t = 1; t <= asker.last; t++)
		answer(t, SPAN_NONE);
}

static uint64_t
ask(void *ctx, const struct tls_question *q, tls_signed_cb *cb, void *arg)
{
	(void)ctx;
	if (asker.chan == NULL)
		return 0;
	assert_true(asker.last + 1 < sizeof(asker.open) / sizeof(asker.open[0]));
	assert_int_equal(q->digest.n, tls_scheme_digest(q->scheme));
	asker.open[++asker.last] = (struct open_question){ cb, arg };
	asker.asked++;
	if (++asker.now > asker.most)
		asker.most = asker.now;
	chan_begin(asker.chan, ASK);
	chan_u64(asker.chan, asker.last);
	chan_bytes(asker.chan, span_mem(q->key_id, TLS_KEY_ID_SIZE));
	chan_u16(asker.chan, (uint16_t)q->scheme);
	chan_bytes(asker.chan, q->digest);
	chan_end(asker.chan);
	return asker.last;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	assert_non_null(asker.open[ticket].cb);
	asker.open[ticket].cb = NULL;
	asker.now--;
	asker.cancelled++;
}

static const struct tls_signer	signer = { ask, cancel, NULL };

static void
start_keys(enum manner manner)
{
	static const struct chan_ops	ops = { on_answer, on_keys_gone };
	int				fds[2];

	memset(&asker, 0, sizeof(asker));
	chan_pair(fds);
	asker.pid = fork();
	assert_true(asker.pid >= 0);
	if (asker.pid == 0) {
		close(fds[0]);
		keys_process(fds[1], manner);
	}
	close(fds[1]);
	asker.chan = chan_new(fds[0], "keys", &ops, NULL);
}

static void
stop_keys(void)
{
	int	status;

	chan_free(&asker.chan);
	assert_int_equal(waitpid(asker.pid, &status, 0), asker.pid);
}

/* --- connections: both ends here, BIO pairs between */

struct conn {
	struct tls_wait	 wait;
	SSL		*server, *client;
	int		 got;		/* of the server's handshake */
	int		 error;
	unsigned	 parked;	/* how often */
	bool		 over;
};

static struct conn	conns[MANY];
static unsigned		left;

static void
finish(struct conn *c)
{
	c->over = true;
	if (--left == 0)
		loop_stop();
}

static void
step(struct conn *c)
{
	int	rc;

	do {
		rc = SSL_do_handshake(c->client);
		c->got = tls_wait_handshake(&c->wait, c->server);
		c->error = SSL_get_error(c->server, c->got);
		if (c->error == SSL_ERROR_WANT_ASYNC) {
			assert_true(tls_wait_parked(&c->wait));
			c->parked++;
			return;
		}
	} while (c->error == SSL_ERROR_WANT_READ);
	assert_false(tls_wait_parked(&c->wait));
	if (c->got == 1 && rc != 1)
		assert_int_equal(SSL_do_handshake(c->client), 1);
	finish(c);
}

static void
on_ready(void *arg)
{
	struct conn	*c = arg;

	assert_false(c->over);
	assert_false(tls_wait_parked(&c->wait));
	step(c);
}

static SSL_CTX *
server_ctx(const unsigned *which, size_t n, int version)
{
	SSL_CTX		*ctx = SSL_CTX_new(TLS_server_method());
	const char	*why;

	for (size_t i = 0; i < n; i++) {
		EVP_PKEY	*key = tls_remote_key(pairs[which[i]].cert,
				    &signer, &why);

		assert_non_null(key);
		assert_int_equal(SSL_CTX_use_certificate(ctx,
		    pairs[which[i]].cert), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
		EVP_PKEY_free(key);
	}
	assert_int_equal(SSL_CTX_check_private_key(ctx), 1);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	return ctx;
}

static void
conn_begin(struct conn *c, SSL_CTX *server, SSL_CTX *client)
{
	BIO	*one, *other;

	memset(c, 0, sizeof(*c));
	tls_wait_init(&c->wait, on_ready, c);
	c->server = SSL_new(server);
	c->client = SSL_new(client);
	assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
	SSL_set_bio(c->server, one, one);
	SSL_set_bio(c->client, other, other);
	SSL_set_accept_state(c->server);
	SSL_set_connect_state(c->client);
}

static void
conn_end(struct conn *c)
{
	tls_wait_end(&c->wait, c->server);
	SSL_free(c->server);
	SSL_free(c->client);
}

static void
begin_many(unsigned n, SSL_CTX *server, SSL_CTX *client)
{
	left = n;
	for (unsigned i = 0; i < n; i++)
		conn_begin(&conns[i], server, client);
	for (unsigned i = 0; i < n; i++)
		step(&conns[i]);
}

static void
end_many(unsigned n, SSL_CTX *server, SSL_CTX *client)
{
	for (unsigned i = 0; i < n; i++)
		conn_end(&conns[i]);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	ERR_clear_error();
}

/* The client verifies the certificate: the signature is checked by OpenSSL. */
static SSL_CTX *
client_ctx(unsigned which)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_client_method());

	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx),
	    pairs[which].cert), 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

/* --- tests */

static void
pass_octets(struct conn *c)
{
	char	got[4];

	assert_int_equal(SSL_write(c->client, "ping", 4), 4);
	assert_int_equal(SSL_read(c->server, got, 4), 4);
	assert_memory_equal(got, "ping", 4);
	assert_int_equal(SSL_write(c->server, "pong", 4), 4);
	assert_int_equal(SSL_read(c->client, got, 4), 4);
	assert_memory_equal(got, "pong", 4);
}

/* Each of n handshakes is parked once, all at the same time, and then done. */
static void
shake_many(unsigned which, int version, const char *sigalgs, unsigned n)
{
	SSL_CTX	*server = server_ctx(&which, 1, version);
	SSL_CTX	*client = client_ctx(which);

	if (sigalgs != NULL)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(client, sigalgs), 1);
	start_keys(SIGNS);
	begin_many(n, server, client);
	assert_int_equal(left, n);
	run_loop();
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(conns[i].got, 1);
		assert_int_equal(conns[i].parked, 1);
		pass_octets(&conns[i]);
	}
	assert_int_equal(asker.asked, n);
	assert_int_equal(asker.most, n);
	end_many(n, server, client);
	stop_keys();
}

static void
test_each_scheme(void **state)
{
	static const struct { unsigned which; int version; const char *algs; } t[] = {
		{ RSA2048, TLS1_2_VERSION, "rsa_pkcs1_sha256" },
		{ RSA2048, TLS1_2_VERSION, "rsa_pkcs1_sha384" },
		{ RSA2048, TLS1_2_VERSION, "rsa_pkcs1_sha512" },
		{ RSA2048, TLS1_2_VERSION, "rsa_pss_rsae_sha256:RSA+SHA256" },
		{ RSA2048, TLS1_3_VERSION, "rsa_pss_rsae_sha256:RSA+SHA256" },
		{ RSA2048, TLS1_3_VERSION, "rsa_pss_rsae_sha384:RSA+SHA256" },
		{ RSA2048, TLS1_3_VERSION, "rsa_pss_rsae_sha512:RSA+SHA256" },
		{ P256, TLS1_2_VERSION, "ECDSA+SHA256" },
		{ P256, TLS1_2_VERSION, "ECDSA+SHA384:ECDSA+SHA256" },
		{ P256, TLS1_2_VERSION, "ECDSA+SHA512:ECDSA+SHA256" },
		{ P256, TLS1_3_VERSION, "ECDSA+SHA256" },
		{ P384, TLS1_2_VERSION, "ECDSA+SHA384:ECDSA+SHA256" },
		{ P384, TLS1_3_VERSION, "ECDSA+SHA384:ECDSA+SHA256" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		shake_many(t[i].which, t[i].version, t[i].algs, 1);
}

static void
test_many_at_once(void **state)
{
	(void)state;
	shake_many(P256, TLS1_3_VERSION, NULL, MANY);
	shake_many(P256, TLS1_2_VERSION, NULL, MANY);
	shake_many(RSA2048, TLS1_3_VERSION, NULL, MANY);
}

/* An RSA and an EC certificate side by side: each client gets what it takes. */
static void
test_side_by_side(void **state)
{
	static const struct { const char *algs; unsigned which; } t[] = {
		{ "rsa_pss_rsae_sha256", RSA2048 }, { "ECDSA+SHA256", P256 }
	};
	const unsigned	both[] = { RSA2048, P256 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_CTX	*server = server_ctx(both, 2, TLS1_3_VERSION);
		SSL_CTX	*client = client_ctx(t[i].which);
		X509	*shown;

		SSL_CTX_set1_sigalgs_list(client, t[i].algs);
		start_keys(SIGNS);
		begin_many(1, server, client);
		run_loop();
		assert_int_equal(conns[0].got, 1);
		shown = SSL_get1_peer_certificate(conns[0].client);
		assert_int_equal(X509_cmp(shown, pairs[t[i].which].cert), 0);
		X509_free(shown);
		end_many(1, server, client);
		stop_keys();
	}
}

/* Only those handshakes fail, by an alert. */
static void
fails(enum manner manner)
{
	unsigned	 which = P256;
	SSL_CTX		*server = server_ctx(&which, 1, TLS1_3_VERSION);
	SSL_CTX		*client = client_ctx(which);

	start_keys(manner);
	begin_many(3, server, client);
	run_loop();
	for (unsigned i = 0; i < 3; i++) {
		assert_true(conns[i].got <= 0);
		assert_int_equal(conns[i].error, SSL_ERROR_SSL);
		assert_true(SSL_do_handshake(conns[i].client) <= 0);
		assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()),
		    SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
		ERR_clear_error();
	}
	end_many(3, server, client);
	stop_keys();
}

static void
test_refused(void **state)
{
	(void)state;
	fails(REFUSES);
}

static void
test_killed_between_question_and_answer(void **state)
{
	(void)state;
	fails(DIES);
}

/* There is nobody to ask: it fails at once and is not parked. */
static void
test_not_there(void **state)
{
	unsigned	 which = RSA2048;
	SSL_CTX		*server = server_ctx(&which, 1, TLS1_2_VERSION);
	SSL_CTX		*client = client_ctx(which);

	(void)state;
	memset(&asker, 0, sizeof(asker));
	begin_many(1, server, client);
	assert_int_equal(left, 0);
	assert_int_equal(conns[0].parked, 0);
	assert_int_equal(conns[0].error, SSL_ERROR_SSL);
	end_many(1, server, client);
}

/* A session that ends while its handshake is parked gives all of it back. */
static void
test_ended_while_parked(void **state)
{
	unsigned	 which = P256;
	SSL_CTX		*server = server_ctx(&which, 1, TLS1_3_VERSION);
	SSL_CTX		*client = client_ctx(which);

	(void)state;
	start_keys(IS_SILENT);
	begin_many(MANY, server, client);
	assert_int_equal(left, MANY);
	assert_int_equal(asker.now, MANY);
	end_many(MANY, server, client);
	assert_int_equal(asker.cancelled, MANY);
	assert_int_equal(asker.now, 0);
	stop_keys();
}

/* Whoever asks again before the answer is there is parked again. */
static void
test_asked_too_early(void **state)
{
	unsigned	 which = P256;
	SSL_CTX		*server = server_ctx(&which, 1, TLS1_3_VERSION);
	SSL_CTX		*client = client_ctx(which);

	(void)state;
	start_keys(SIGNS);
	begin_many(1, server, client);
	assert_true(tls_wait_handshake(&conns[0].wait, conns[0].server) <= 0);
	assert_int_equal(asker.asked, 1);
	run_loop();
	assert_int_equal(conns[0].got, 1);
	end_many(1, server, client);
	stop_keys();
}

/* Outside of tls_wait_handshake() nothing is signed and nothing waits. */
static void
test_not_in_a_handshake(void **state)
{
	const char	*why;
	EVP_PKEY	*key = tls_remote_key(pairs[P256].cert, &signer, &why);
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	uint8_t		 sig[256];
	size_t		 n = sizeof(sig);

	(void)state;
	start_keys(SIGNS);
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL,
	    key, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, sig, 10), 0);
	assert_int_equal(asker.asked, 0);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	stop_keys();
}

/* The private half is not there, whoever asks. */
static void
test_no_private_half(void **state)
{
	const char	*why;

	(void)state;
	for (unsigned i = 0; i < NPAIRS; i++) {
		EVP_PKEY	*key = tls_remote_key(pairs[i].cert, &signer, &why);
		BIGNUM		*d = NULL;

		assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 0);
		assert_int_equal(EVP_PKEY_get_bn_param(key, "d", &d), 0);
		assert_int_equal(i2d_PrivateKey(key, NULL), -1);
		assert_int_equal(EVP_PKEY_eq(key, pairs[i].key), 1);
		assert_int_not_equal(EVP_PKEY_eq(key,
		    pairs[(i + 1) % NPAIRS].key), 1);
		EVP_PKEY_free(key);
		ERR_clear_error();
	}
}

static void
test_pairs_that_do_not_fit(void **state)
{
	const char	*why;
	SSL_CTX		*ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY	*key = tls_remote_key(pairs[P384].cert, &signer, &why);

	(void)state;
	assert_int_equal(SSL_CTX_use_certificate(ctx, pairs[P256].cert), 1);
	assert_int_not_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	EVP_PKEY_free(key);
	SSL_CTX_free(ctx);
	ERR_clear_error();
}

/* --- certificates to test with */

static X509 *
certify(EVP_PKEY *key)
{
	X509		*x = X509_new();
	X509_NAME	*name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"mail.example.org", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void
test_other_keys(void **state)
{
	EVP_PKEY	*keys[] = { EVP_RSA_gen(1024), EVP_EC_gen("secp521r1"),
			    EVP_EC_gen("secp256k1") };
	const char	*why;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		X509	*cert = certify(keys[i]);

		assert_null(tls_remote_key(cert, &signer, &why));
		assert_string_equal(why, i == 0 ?
		    "an RSA key has 2048 to 8192 bits" :
		    "neither an RSA key nor one of P-256 or P-384");
		X509_free(cert);
		EVP_PKEY_free(keys[i]);
	}
}

static int
setup(void **state)
{
	(void)state;
	loop_init();
	(void)signal(SIGPIPE, SIG_IGN);
	pairs[RSA2048].key = EVP_RSA_gen(2048);
	pairs[P256].key = EVP_EC_gen("prime256v1");
	pairs[P384].key = EVP_EC_gen("secp384r1");
	for (size_t i = 0; i < NPAIRS; i++) {
		pairs[i].cert = certify(pairs[i].key);
		assert_true(tls_key_id(pairs[i].cert, pairs[i].id));
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < NPAIRS; i++) {
		EVP_PKEY_free(pairs[i].key);
		X509_free(pairs[i].cert);
	}
	loop_clear();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_each_scheme),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_killed_between_question_and_answer),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_ended_while_parked),
		cmocka_unit_test(test_asked_too_early),
		cmocka_unit_test(test_not_in_a_handshake),
		cmocka_unit_test(test_no_private_half),
		cmocka_unit_test(test_pairs_that_do_not_fit),
		cmocka_unit_test(test_other_keys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
