/*
 * service_test.c - keys as its parent and its workers have it: certified,
 * asked for signatures, dropped, gone in between; and the keys of tickets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/tls_bundle.h"
#include "mta/keys/service.h"
#include "mta/keys/sign.h"
#include "mta/msg/msg.h"

#include "test/unit/base/run_loop.h"
#include "test/unit/keys/made.h"

#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

enum { RSA2048, P256, P384, NPAIRS };

static struct {
	EVP_PKEY	*key;
	X509		*cert;
	uint8_t		 id[TLS_KEY_ID_SIZE];
} pairs[NPAIRS];

static struct keys_service	 service;
static struct pool		*pool;
static struct chan		*parent, *keys_end;	/* both ends */

/* What the parent has heard. */
static struct {
	unsigned	n;
	uint64_t	ticket;
	bool		ok, unfit, bundle_good;
	char		why[128], algorithm[32];
} heard;

static bool
on_parent(struct chan *c, struct msg *m, void *arg)
{
	struct keys_certified	k;
	struct tls_bundle	b;

	(void)c;
	(void)arg;
	assert_int_equal(m->type, MSG_CERTIFIED);
	assert_true(keys_certified_read(m, &k));
	heard.n++;
	heard.ticket = k.ticket;
	heard.ok = k.ok;
	heard.unfit = k.unfit;
	snprintf(heard.why, sizeof(heard.why), "%.*s", SPAN_ARG(k.why));
	snprintf(heard.algorithm, sizeof(heard.algorithm), "%.*s",
	    SPAN_ARG(k.algorithm));
	heard.bundle_good = false;
	if (k.ok) {
		heard.bundle_good = (fcntl(k.fd, F_GET_SEALS) & SEALS) ==
		    SEALS && tls_bundle_open(k.fd, &b);
		tls_bundle_clear(&b);
		close(k.fd);
	}
	loop_stop();
	return true;
}

static bool
on_keys(struct chan *c, struct msg *m, void *arg)
{
	(void)arg;
	return keys_service_message(&service, c, m);
}

static void
on_gone(struct chan *c, void *arg)
{
	(void)arg;
	*(c == parent ? &parent : &keys_end) = NULL;
	loop_stop();
}

static int
start(void **state)
{
	static const struct chan_ops	parent_ops = { on_parent, on_gone };
	static const struct chan_ops	keys_ops = { on_keys, on_gone };
	int				fds[2];

	(void)state;
	memset(&heard, 0, sizeof(heard));
	pool = pool_new(2);
	keys_service_init(&service, pool);
	chan_pair(fds);
	parent = chan_new(fds[0], "keys", &parent_ops, NULL);
	keys_end = chan_new(fds[1], "parent", &keys_ops, NULL);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	chan_free(&parent);
	chan_free(&keys_end);
	pool_free(&pool);
	keys_service_clear(&service);
	return 0;
}

/* --- the parent's part */

/* Whose the next certificates are, and who asks. */
static enum keys_owner	owner = KEYS_OF_SMTP, peer = KEYS_OF_SMTP;

static void
certify_octets(uint64_t ticket, struct span cert, struct span key, int seals,
    uint32_t more)
{
	int	fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(write(fd, cert.p, cert.n), cert.n);
	assert_int_equal(write(fd, key.p, key.n), key.n);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	chan_begin(parent, MSG_CERTIFY);
	chan_u64(parent, ticket);
	chan_u8(parent, (uint8_t)owner);
	chan_u32(parent, (uint32_t)cert.n);
	chan_u32(parent, (uint32_t)key.n + more);
	chan_u32(parent, 0);
	chan_u32(parent, 0);
	chan_fd(parent, fd);
	chan_end(parent);
	run_loop();
	if (keys_end != NULL)
		assert_int_equal(heard.ticket, ticket);
}

static void
certify(uint64_t ticket, unsigned cert, unsigned key)
{
	struct buf	c = { 0 }, k = { 0 };

	made_pem(&c, pairs[cert].cert);
	made_key_pem(&k, pairs[key].key, NULL);
	certify_octets(ticket, buf_span(&c), buf_span(&k), SEALS, 0);
	buf_clear(&c);
	buf_clear(&k);
}

static void
drop(uint64_t ticket)
{
	chan_begin(parent, MSG_KEY_DROP);
	chan_u64(parent, ticket);
	chan_end(parent);
}

static void
live(int64_t ms)
{
	chan_begin(parent, MSG_KEY_TICKETS);
	chan_u64(parent, (uint64_t)ms);
	chan_end(parent);
}

/* --- a worker */

static struct {
	unsigned		 n, lists;
	size_t			 signature_n;
	uint8_t			 signature[TLS_SIGNATURE_MAX];
	size_t			 nkeys;
	struct tls_ticket_key	 keys[TLS_TICKET_KEYS_MAX];
} worker;

static void
on_signed(void *arg, struct span s)
{
	(void)arg;
	worker.n++;
	worker.signature_n = s.n;
	if (s.n > 0)
		memcpy(worker.signature, s.p, s.n);
	loop_stop();
}

static void
on_tickets(void *arg, const struct tls_ticket_key *k, size_t n)
{
	bool	*stops = arg;

	worker.lists++;
	worker.nkeys = n;
	memcpy(worker.keys, k, n * sizeof(*k));
	if (stops != NULL && *stops)
		loop_stop();
}

static struct keys_client *
worker_new(bool *stops)
{
	struct keys_client	*c = keys_client_new(on_tickets, stops);
	int			 fds[2];

	memset(&worker, 0, sizeof(worker));
	chan_pair(fds);
	keys_client_attach(c, fds[0]);
	keys_service_peer(&service, fds[1], peer);
	return c;
}

static void
ask(struct keys_client *c, unsigned which, unsigned scheme, size_t digest_n)
{
	static const uint8_t		 digest[64] = { 7 };
	const struct tls_signer		*s = keys_client_signer(c);
	const struct tls_question	 q = { pairs[which].id, scheme,
					     span_mem(digest, digest_n) };

	assert_int_not_equal(s->sign(s->ctx, &q, on_signed, NULL), 0);
	worker.signature_n = 0;
	worker.n = 0;
	run_loop();
	assert_int_equal(worker.n, 1);
	if (worker.signature_n > 0)
		assert_true(key_verify(X509_get0_pubkey(pairs[which].cert),
		    scheme, q.digest, span_mem(worker.signature,
		    worker.signature_n)));
}

/* --- tests */

static void
test_certified_and_signed(void **state)
{
	static const struct { unsigned which, scheme; size_t n; } t[] = {
		{ RSA2048, TLS_RSA_PSS_SHA256, 32 },
		{ RSA2048, TLS_RSA_PSS_SHA512, 64 },
		{ RSA2048, TLS_RSA_PKCS1_SHA384, 48 },
		{ P256, TLS_ECDSA_SHA256, 32 },
		{ P256, TLS_ECDSA_SHA512, 64 },
		{ P384, TLS_ECDSA_SHA384, 48 },
	};
	struct keys_client	*c = worker_new(NULL);

	(void)state;
	for (unsigned i = 0; i < NPAIRS; i++) {
		certify(i + 1, i, i);
		assert_true(heard.ok && heard.bundle_good);
	}
	assert_string_equal(heard.algorithm, "P-384");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ask(c, t[i].which, t[i].scheme, t[i].n);
		assert_true(worker.signature_n > 0);
	}
	assert_int_equal(service.rsa, 3);
	assert_int_equal(service.ecdsa, 3);
	assert_int_equal(service.failed, 0);
	keys_client_free(&c);
}

/* Only digests as long as the algorithm's, and only what fits the key. */
static void
test_what_is_not_signed(void **state)
{
	static const struct { unsigned which, scheme; size_t n; } t[] = {
		{ RSA2048, TLS_RSA_PSS_SHA256, 31 },
		{ RSA2048, TLS_RSA_PSS_SHA256, 64 },
		{ RSA2048, TLS_RSA_PSS_SHA256, 0 },
		{ RSA2048, TLS_ECDSA_SHA256, 32 },
		{ RSA2048, 0x0201, 20 },	/* SHA-1 */
		{ RSA2048, 0, 32 },
		{ P256, TLS_RSA_PSS_SHA256, 32 },
		{ P256, TLS_ECDSA_SHA384, 32 },
		{ P256, 0x0807, 64 },		/* Ed25519 */
		{ P384, TLS_ECDSA_SHA384, 48 },	/* not held */
	};
	struct keys_client	*c = worker_new(NULL);

	(void)state;
	certify(1, RSA2048, RSA2048);
	certify(2, P256, P256);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ask(c, t[i].which, t[i].scheme, t[i].n);
		assert_int_equal(worker.signature_n, 0);
	}
	assert_int_equal(service.unknown, 1);
	keys_client_free(&c);
}

/* Signatures of its own certificates' keys alone, and no keys of tickets. */
static void
test_each_has_his_own_keys(void **state)
{
	struct keys_client	*smtp = worker_new(NULL), *relay;

	(void)state;
	peer = KEYS_OF_RELAY;
	relay = worker_new(NULL);
	peer = KEYS_OF_SMTP;
	certify(1, RSA2048, RSA2048);
	owner = KEYS_OF_RELAY;
	certify(2, P256, P256);
	owner = KEYS_OF_SMTP;
	assert_int_equal(worker.lists, 1);	/* smtp's */
	ask(relay, RSA2048, TLS_RSA_PSS_SHA256, 32);
	assert_int_equal(worker.signature_n, 0);
	ask(smtp, P256, TLS_ECDSA_SHA256, 32);
	assert_int_equal(worker.signature_n, 0);
	ask(relay, P256, TLS_ECDSA_SHA256, 32);
	assert_true(worker.signature_n > 0);
	ask(smtp, RSA2048, TLS_RSA_PSS_SHA256, 32);
	assert_true(worker.signature_n > 0);
	/* The same key for both; when one has gone it is the other's still. */
	owner = KEYS_OF_RELAY;
	certify(3, RSA2048, RSA2048);
	owner = KEYS_OF_SMTP;
	ask(relay, RSA2048, TLS_RSA_PSS_SHA256, 32);
	assert_true(worker.signature_n > 0);
	drop(1);
	ask(relay, RSA2048, TLS_RSA_PSS_SHA256, 32);
	assert_true(worker.signature_n > 0);
	ask(smtp, RSA2048, TLS_RSA_PSS_SHA256, 32);
	assert_int_equal(worker.signature_n, 0);
	keys_client_free(&smtp);
	keys_client_free(&relay);
}

static void
test_refused(void **state)
{
	struct buf	c = { 0 };

	(void)state;
	certify(1, P256, P384);
	assert_true(!heard.ok && heard.unfit);
	assert_int_equal(service.by_id.n, 0);
	certify(2, P256, P256);
	assert_true(heard.ok);
	certify(2, P384, P384);
	assert_false(heard.ok);
	assert_string_equal(heard.why, "asked twice");
	made_pem(&c, pairs[P256].cert);
	certify_octets(3, buf_span(&c), SPAN("nothing"), 0, 0);
	assert_string_equal(heard.why, "cannot be read");	/* not sealed */
	certify_octets(4, buf_span(&c), SPAN("nothing"), SEALS, 1);
	assert_string_equal(heard.why, "cannot be read");	/* too short */
	certify_octets(5, buf_span(&c), SPAN("nothing"), SEALS, 0);
	assert_string_equal(heard.why, "no private key in PEM");
	certify_octets(6, buf_span(&c), SPAN_NONE, SEALS, KEYS_PART_MAX + 1);
	assert_null(keys_end);		/* nonsense: cut off */
	if (parent != NULL)
		run_loop();
	assert_null(parent);
	buf_clear(&c);
}

/* A key is held until the last certificate that brought it is dropped. */
static void
test_dropped(void **state)
{
	struct keys_client	*c = worker_new(NULL);

	(void)state;
	certify(1, P256, P256);
	certify(2, P256, P256);
	assert_int_equal(service.by_id.n, 1);
	drop(1);
	certify(3, P384, P384);		/* it has read what was before */
	ask(c, P256, TLS_ECDSA_SHA256, 32);
	assert_true(worker.signature_n > 0);
	drop(2);
	drop(77);
	certify(4, P384, P384);
	ask(c, P256, TLS_ECDSA_SHA256, 32);
	assert_int_equal(worker.signature_n, 0);
	assert_int_equal(service.by_id.n, 1);
	keys_client_free(&c);
}

/* keys has died with the question: the next one gets it again. */
static void
test_asked_again_of_the_next(void **state)
{
	struct keys_client		*c = worker_new(NULL);
	const struct tls_signer		*s = keys_client_signer(c);
	static const uint8_t		 digest[32] = { 7 };
	const struct tls_question	 q = { pairs[RSA2048].id,
					     TLS_RSA_PSS_SHA256,
					     span_mem(digest, 32) };
	int				 fds[2];

	(void)state;
	chan_pair(fds);
	keys_client_attach(c, fds[0]);
	assert_int_not_equal(s->sign(s->ctx, &q, on_signed, NULL), 0);
	close(fds[1]);
	certify(1, RSA2048, RSA2048);
	assert_int_equal(worker.n, 0);
	chan_pair(fds);
	keys_client_attach(c, fds[0]);
	keys_service_peer(&service, fds[1], peer);
	run_loop();
	assert_int_equal(worker.n, 1);
	assert_true(worker.signature_n > 0);
	keys_client_free(&c);
}

/* The worker has died while a thread signed for it. */
static void
test_worker_gone_meanwhile(void **state)
{
	struct keys_client		*c = worker_new(NULL);
	const struct tls_signer		*s = keys_client_signer(c);
	static const uint8_t		 digest[32] = { 7 };
	const struct tls_question	 q = { pairs[RSA2048].id,
					     TLS_RSA_PSS_SHA256,
					     span_mem(digest, 32) };

	(void)state;
	certify(1, RSA2048, RSA2048);
	for (int i = 0; i < 20; i++)
		(void)s->sign(s->ctx, &q, on_signed, NULL);
	keys_client_free(&c);		/* sends what it has, and closes */
	certify(2, P256, P256);
	c = worker_new(NULL);
	do {	/* with two threads the last may overtake the one before */
		ask(c, RSA2048, TLS_RSA_PSS_SHA256, 32);
		assert_true(worker.signature_n > 0);
	} while (service.waiting > 0);
	assert_int_equal(service.failed, 0);
	keys_client_free(&c);
}

static void
test_cancelled(void **state)
{
	struct keys_client		*c = worker_new(NULL);
	const struct tls_signer		*s = keys_client_signer(c);
	static const uint8_t		 digest[32] = { 7 };
	const struct tls_question	 q = { pairs[P256].id,
					     TLS_ECDSA_SHA256,
					     span_mem(digest, 32) };

	(void)state;
	certify(1, P256, P256);
	s->cancel(s->ctx, s->sign(s->ctx, &q, on_signed, NULL));
	ask(c, P256, TLS_ECDSA_SHA256, 32);	/* and no other answer */
	keys_client_free(&c);
}

/* Each worker has the same list, from its first message on. */
static void
test_tickets(void **state)
{
	static bool		 stops = true;
	struct keys_client	*c = worker_new(&stops), *d;
	struct tls_ticket_key	 first, second;

	(void)state;
	run_loop();
	assert_int_equal(worker.lists, 1);
	assert_int_equal(worker.nkeys, 0);	/* none yet */
	live(200);
	run_loop();
	assert_int_equal(worker.nkeys, 1);
	first = worker.keys[0];
	run_loop();				/* 200 ms later */
	assert_int_equal(worker.nkeys, 2);
	assert_memory_equal(&worker.keys[1], &first, sizeof(first));
	assert_memory_not_equal(&worker.keys[0], &first, sizeof(first));
	second = worker.keys[0];
	d = worker_new(&stops);			/* one that has been started again */
	run_loop();
	assert_int_equal(worker.nkeys, 2);
	assert_memory_equal(&worker.keys[0], &second, sizeof(second));
	keys_client_free(&d);
	run_loop();
	assert_int_equal(worker.nkeys, 2);	/* the first is gone */
	assert_memory_equal(&worker.keys[1], &second, sizeof(second));
	live(0);
	run_loop();
	assert_int_equal(worker.nkeys, 0);
	keys_client_free(&c);
}

static int
setup(void **state)
{
	static const struct made	made = {
		.names = "DNS:mail.example.org", .common_name = "mail",
		.from_s = -60, .until_s = 86400
	};

	(void)state;
	loop_init();
	(void)signal(SIGPIPE, SIG_IGN);
	pairs[RSA2048].key = EVP_RSA_gen(2048);
	pairs[P256].key = EVP_EC_gen("prime256v1");
	pairs[P384].key = EVP_EC_gen("secp384r1");
	for (unsigned i = 0; i < NPAIRS; i++) {
		pairs[i].cert = made_cert(&made, pairs[i].key, NULL, NULL);
		assert_true(tls_key_id(pairs[i].cert, pairs[i].id));
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NPAIRS; i++) {
		EVP_PKEY_free(pairs[i].key);
		X509_free(pairs[i].cert);
	}
	loop_clear();
	return 0;
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(test_certified_and_signed),
		TEST(test_what_is_not_signed),
		TEST(test_each_has_his_own_keys),
		TEST(test_refused),
		TEST(test_dropped),
		TEST(test_asked_again_of_the_next),
		TEST(test_worker_gone_meanwhile),
		TEST(test_cancelled),
		TEST(test_tickets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
