/*
 * tls_test.c - connections: what is agreed on, octets both ways, and those that
 * are no client of TLS.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/xalloc.h"

#include "test/unit/base/tls_peer.h"

static struct made		 rsa, ec;
static struct tls_server	*server;

static int
begin(void **state)
{
	struct tls_options	 o = { .protocol = "smtp" };
	struct tls_certificate	 c = { 0 };
	const char		*why = NULL;

	(void)state;
	ec = made_new(&(struct made_how){ .type = "EC", .common = "ec",
	    .alt = "DNS:mx.example", .days = 9 });
	rsa = made_new(&(struct made_how){ .type = "RSA", .common = "rsa",
	    .alt = "DNS:mx.example", .days = 9 });
	server = tls_server_new(&o, &why);
	assert_non_null(server);
	c.chain = span_of(ec.pem);
	c.key = ec.key;
	assert_true(tls_server_add(server, &c, &why));
	c.chain = span_of(rsa.pem);
	c.key = rsa.key;
	assert_true(tls_server_add(server, &c, &why));
	assert_true(tls_server_ready(server, &why));
	return 0;
}

static int
end(void **state)
{
	(void)state;
	tls_server_unref(&server);
	made_clear(&rsa);
	made_clear(&ec);
	return 0;
}

/* --- versions, ciphers, groups */

static void
test_what_is_agreed_on(void **state)
{
	static const struct {
		int		 version;
		const char	*ciphers, *groups, *cipher, *group;
	} all[] = {
		{ TLS1_3_VERSION, NULL, NULL, "TLS_AES_256_GCM_SHA384", "x25519" },
		{ TLS1_3_VERSION, NULL, "P-384", "TLS_AES_256_GCM_SHA384", "secp384r1" },
		{ TLS1_3_VERSION, NULL, "P-256", "TLS_AES_256_GCM_SHA384", "secp256r1" },
		{ TLS1_2_VERSION, NULL, NULL, "ECDHE-ECDSA-AES256-GCM-SHA384", "x25519" },
		{ TLS1_2_VERSION, "aRSA", NULL, "ECDHE-RSA-AES256-GCM-SHA384", "x25519" },
		{ TLS1_2_VERSION, "CHACHA20", "P-256", "ECDHE-ECDSA-CHACHA20-POLY1305", "secp256r1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		SSL_CTX		*ctx = client_context(all[i].version);
		struct pair	 p;

		if (all[i].ciphers != NULL)
			SSL_CTX_set_cipher_list(ctx, all[i].ciphers);
		if (all[i].groups != NULL)
			SSL_CTX_set1_groups_list(ctx, all[i].groups);
		pair_open(&p, server, ctx, "mx.example", NULL);
		assert_true(pair_shake(&p));
		assert_string_equal(tls_cipher(p.server), all[i].cipher);
		assert_string_equal(tls_group(p.server), all[i].group);
		assert_string_equal(tls_version(p.server),
		    all[i].version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
		assert_false(tls_resumed(p.server));
		assert_false(tls_client_shown(p.server));
		pair_close(&p);
		SSL_CTX_free(ctx);
	}
}

static void
test_what_is_too_old_or_too_weak(void **state)
{
	static const struct {
		int		 version;
		const char	*ciphers, *groups;
	} all[] = {
		{ TLS1_VERSION, NULL, NULL },
		{ TLS1_1_VERSION, NULL, NULL },
		{ TLS1_2_VERSION, "kRSA", NULL },
		{ TLS1_2_VERSION, "DHE:!ECDHE", NULL },
		{ TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", NULL },
		{ TLS1_3_VERSION, NULL, "ffdhe2048" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		SSL_CTX		*ctx = client_context(all[i].version);
		struct pair	 p;

		if (all[i].ciphers != NULL)
			assert_int_equal(SSL_CTX_set_cipher_list(ctx,
			    all[i].ciphers), 1);
		if (all[i].groups != NULL)
			SSL_CTX_set1_groups_list(ctx, all[i].groups);
		pair_open(&p, server, ctx, NULL, NULL);
		assert_false(pair_shake(&p));
		assert_int_equal(p.is, TLS_FAILED);
		assert_int_equal(p.client_is, SSL_ERROR_SSL);
		assert_true(strlen(tls_why(p.server)) > 1);
		pair_close(&p);
		SSL_CTX_free(ctx);
	}
}

static void
test_alpn(void **state)
{
	static const struct {
		const char	*offer;
		bool		 good;
		const char	*chosen;
	} all[] = {
		{ "\4smtp", true, "smtp" },
		{ "\2h2\4smtp", true, "smtp" },
		{ "\10http/1.1", false, NULL },
		{ "\2h2\10http/1.1", false, NULL },
		{ "\3ftp", false, NULL },
		{ "\5smtps", false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		SSL_CTX			*ctx = client_context(TLS1_3_VERSION);
		const unsigned char	*got;
		unsigned		 n;
		struct pair		 p;

		SSL_CTX_set_alpn_protos(ctx,
		    (const unsigned char *)all[i].offer,
		    (unsigned)strlen(all[i].offer));
		pair_open(&p, server, ctx, NULL, NULL);
		assert_int_equal(pair_shake(&p), all[i].good);
		SSL_get0_alpn_selected(p.client, &got, &n);
		if (all[i].good)
			assert_memory_equal(got, all[i].chosen, n);
		else
			assert_string_equal(tls_why(p.server),
			    "no application protocol");
		pair_close(&p);
		SSL_CTX_free(ctx);
	}
}

/* RFC 9266, 2; RFC 5929, 4: both ends have the same. */
static void
test_channel_bindings(void **state)
{
	static const int	versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	uint8_t			mine[TLS_BINDING_MAX], theirs[32], hash[32];
	struct pair		p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		SSL_CTX	*ctx = client_context(versions[i]);

		pair_open(&p, server, ctx, NULL, NULL);
		assert_int_equal(tls_binding(p.server, TLS_BINDING_EXPORTER,
		    mine), 0);
		assert_true(pair_shake(&p));
		assert_int_equal(tls_binding(p.server, TLS_BINDING_EXPORTER,
		    mine), 32);
		assert_int_equal(SSL_export_keying_material(p.client, theirs,
		    32, "EXPORTER-Channel-Binding", 24,
		    (const unsigned char *)"", 0, 1), 1);
		assert_memory_equal(mine, theirs, 32);
		assert_int_equal(tls_binding(p.server, TLS_BINDING_END_POINT,
		    mine), 32);
		X509_digest(ec.cert, EVP_sha256(), hash, NULL);
		assert_memory_equal(mine, hash, 32);
		pair_close(&p);
		SSL_CTX_free(ctx);
	}
}

static void
test_no_exporter_without_extended_master_secret(void **state)
{
	SSL_CTX		*ctx = client_context(TLS1_2_VERSION);
	uint8_t		 out[TLS_BINDING_MAX];
	struct pair	 p;

	(void)state;
	SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	pair_open(&p, server, ctx, NULL, NULL);
	assert_true(pair_shake(&p));
	assert_int_equal(tls_binding(p.server, TLS_BINDING_EXPORTER, out), 0);
	assert_int_equal(tls_binding(p.server, TLS_BINDING_END_POINT, out),
	    32);
	pair_close(&p);
	SSL_CTX_free(ctx);
}

/* --- octets */

static void
shaken(struct pair *p, int version)
{
	SSL_CTX	*ctx = client_context(version);

	pair_open(p, server, ctx, NULL, NULL);
	SSL_CTX_free(ctx);
	assert_true(pair_shake(p));
}

static void
test_octets_both_ways(void **state)
{
	char		buf[64];
	size_t		n;
	struct pair	p;

	(void)state;
	shaken(&p, TLS1_3_VERSION);
	assert_int_equal(tls_read(p.server, buf, sizeof(buf), &n),
	    TLS_WANT_READ);
	assert_int_equal(SSL_write(p.client, "EHLO a\r\n", 8), 8);
	assert_int_equal(tls_read(p.server, buf, sizeof(buf), &n), TLS_DONE);
	assert_int_equal(n, 8);
	assert_memory_equal(buf, "EHLO a\r\n", 8);
	assert_int_equal(tls_write(p.server, "250 ok\r\n", 8, &n), TLS_DONE);
	assert_int_equal(n, 8);
	assert_int_equal(SSL_read(p.client, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "250 ok\r\n", 8);
	pair_close(&p);
}

/* What one recv has brought is announced by no poll. */
static void
test_pending(void **state)
{
	char		buf[64];
	size_t		n;
	struct pair	p;

	(void)state;
	shaken(&p, TLS1_2_VERSION);
	assert_false(tls_pending(p.server));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(SSL_write(p.client, "0123456789", 10), 10);
	assert_int_equal(tls_read(p.server, buf, 4, &n), TLS_DONE);
	assert_int_equal(recv(p.fds[0], buf, 1, MSG_PEEK), -1);
	assert_true(tls_pending(p.server));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(tls_pending(p.server));
		assert_int_equal(tls_read(p.server, buf, 30, &n), TLS_DONE);
		assert_int_equal(n, i == 0 ? 6 : 10);
	}
	assert_false(tls_pending(p.server));
	assert_int_equal(tls_read(p.server, buf, 30, &n), TLS_WANT_READ);
	assert_false(tls_pending(p.server));
	pair_close(&p);
}

/* Half a record is nothing that a read without the rest would give. */
static void
test_half_a_record(void **state)
{
	char		buf[64], record[128];
	ssize_t		got;
	size_t		n;
	struct pair	p;
	int		aside[2];

	(void)state;
	shaken(&p, TLS1_3_VERSION);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, aside), 0);
	SSL_set_fd(p.client, aside[0]);
	assert_int_equal(SSL_write(p.client, "hello", 5), 5);
	got = read(aside[1], record, sizeof(record));
	assert_true(got > 20);
	assert_int_equal(write(p.fds[1], record, 20), 20);
	assert_int_equal(tls_read(p.server, buf, 64, &n), TLS_WANT_READ);
	assert_false(tls_pending(p.server));
	assert_int_equal(write(p.fds[1], record + 20, (size_t)got - 20),
	    got - 20);
	assert_int_equal(tls_read(p.server, buf, 64, &n), TLS_DONE);
	assert_int_equal(n, 5);
	close(aside[0]);
	close(aside[1]);
	pair_close(&p);
}

/* A run ends, also when the client sends for ever; nothing is lost. */
static void
test_a_run_has_an_end(void **state)
{
	static char	octets[16384];
	int		size = 1 << 20;
	size_t		n, run = 0, all = 0, sent = 0;
	struct pair	p;

	(void)state;
	shaken(&p, TLS1_3_VERSION);
	setsockopt(p.fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (sent < 20 * sizeof(octets) &&
	    SSL_write(p.client, octets, sizeof(octets)) > 0)
		sent += sizeof(octets);
	assert_true(sent > TLS_RUN_OCTETS);
	while (tls_read(p.server, octets, sizeof(octets), &n) == TLS_DONE)
		run += n;
	assert_true(run <= TLS_RUN_OCTETS);
	assert_true(run > TLS_RUN_OCTETS / 2);
	for (all = run; all < sent; all += n)
		if (tls_read(p.server, octets, sizeof(octets), &n) !=
		    TLS_DONE && n > 0)
			fail();
	assert_int_equal(all, sent);
	pair_close(&p);
}

static void
test_writes_that_do_not_fit(void **state)
{
	static char	out[1 << 20], in[1 << 16];
	enum tls_result	is;
	size_t		put, n, done = 0, got = 0;
	bool		had_to_wait = false;
	struct pair	p;
	int		r;

	(void)state;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 31 >> 3);
	shaken(&p, TLS1_2_VERSION);
	while (got < sizeof(out)) {
		while (done < sizeof(out)) {
			n = sizeof(out) - done;
			is = tls_write(p.server, out + done, n, &put);
			if (is != TLS_DONE) {
				assert_int_equal(is, TLS_WANT_WRITE);
				had_to_wait = true;
				break;
			}
			done += put;
		}
		while ((r = SSL_read(p.client, in, sizeof(in))) > 0) {
			assert_memory_equal(in, out + got, (size_t)r);
			got += (size_t)r;
		}
	}
	assert_true(had_to_wait);
	pair_close(&p);
}

/* --- ends */

static void
test_close_notify(void **state)
{
	char		c;
	size_t		n;
	struct pair	p;

	(void)state;
	shaken(&p, TLS1_3_VERSION);
	tls_close(p.server);
	tls_close(p.server);
	assert_int_equal(SSL_read(p.client, &c, 1), 0);
	assert_int_equal(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
	SSL_shutdown(p.client);
	assert_int_equal(tls_read(p.server, &c, 1, &n), TLS_CLOSED);
	pair_close(&p);
}

static void
test_end_without_close_notify(void **state)
{
	SSL_CTX		*ctx = client_context(TLS1_3_VERSION);
	char		 c;
	size_t		 n;
	struct pair	 p;

	(void)state;
	shaken(&p, TLS1_2_VERSION);
	shutdown(p.fds[1], SHUT_WR);
	assert_int_equal(tls_read(p.server, &c, 1, &n), TLS_CLOSED);
	pair_close(&p);
	pair_open(&p, server, ctx, NULL, NULL);
	shutdown(p.fds[1], SHUT_WR);
	assert_int_equal(tls_handshake(p.server), TLS_CLOSED);
	pair_close(&p);
	SSL_CTX_free(ctx);
}

/* A client that speaks SMTP where TLS comes first, and other noise. */
static void
test_who_speaks_no_tls(void **state)
{
	static const char *const	says[] = {
		"EHLO me.example\r\n",
		"QUIT\r\nQUIT\r\nQUIT\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
		"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10",
	};
	SSL_CTX				*ctx = client_context(TLS1_3_VERSION);
	struct pair			 p;

	(void)state;
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		size_t	n = i < 3 ? strlen(says[i]) : i == 3 ? 10 : 11;

		pair_open(&p, server, ctx, NULL, NULL);
		assert_int_equal(write(p.fds[1], says[i], n), n);
		p.is = tls_handshake(p.server);
		if (p.is == TLS_WANT_READ) {
			shutdown(p.fds[1], SHUT_WR);
			p.is = tls_handshake(p.server);
			assert_int_equal(p.is, TLS_CLOSED);
		} else
			assert_int_equal(p.is, TLS_FAILED);
		pair_close(&p);
	}
	SSL_CTX_free(ctx);
}

/* Records that never make a handshake: empty pieces of a ClientHello. */
static void
test_handshake_without_an_end(void **state)
{
	char		 record[5 + 4096] = "\x16\x03\x01\x10\x00";
	SSL_CTX		*ctx = client_context(TLS1_3_VERSION);
	struct pair	 p;

	(void)state;
	/* A ClientHello that says it has 120,000 octets. */
	memcpy(record + 5, "\x01\x01\xd4\xc0\x03\x03", 6);
	pair_open(&p, server, ctx, NULL, NULL);
	for (unsigned i = 0; i < 40 && p.is == TLS_WANT_READ; i++) {
		assert_int_equal(write(p.fds[1], record, sizeof(record)),
		    sizeof(record));
		p.is = tls_handshake(p.server);
	}
	assert_int_equal(p.is, TLS_FAILED);
	assert_string_equal(tls_why(p.server),
	    "the peer's handshake is too long");
	assert_int_equal(tls_octets_in(p.server), TLS_HANDSHAKE_OCTETS);
	pair_close(&p);
	SSL_CTX_free(ctx);
}

static void
test_no_renegotiation(void **state)
{
	char		c;
	size_t		n;
	struct pair	p;

	(void)state;
	shaken(&p, TLS1_2_VERSION);
	assert_int_equal(SSL_renegotiate(p.client), 1);
	(void)SSL_do_handshake(p.client);
	assert_int_equal(tls_read(p.server, &c, 1, &n), TLS_WANT_READ);
	assert_int_not_equal(SSL_do_handshake(p.client), 1);
	pair_close(&p);
}

/* RFC 8446, 4.6.3: new keys within a session are nobody's concern. */
static void
test_key_update(void **state)
{
	char		c;
	size_t		n;
	struct pair	p;

	(void)state;
	shaken(&p, TLS1_3_VERSION);
	assert_int_equal(SSL_key_update(p.client,
	    SSL_KEY_UPDATE_REQUESTED), 1);
	assert_int_equal(SSL_write(p.client, "x", 1), 1);
	assert_int_equal(tls_read(p.server, &c, 1, &n), TLS_DONE);
	assert_int_equal(tls_write(p.server, "y", 1, &n), TLS_DONE);
	assert_int_equal(SSL_read(p.client, &c, 1), 1);
	assert_int_equal(c, 'y');
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_what_is_agreed_on),
		cmocka_unit_test(test_what_is_too_old_or_too_weak),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_channel_bindings),
		cmocka_unit_test(
		    test_no_exporter_without_extended_master_secret),
		cmocka_unit_test(test_octets_both_ways),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_half_a_record),
		cmocka_unit_test(test_a_run_has_an_end),
		cmocka_unit_test(test_writes_that_do_not_fit),
		cmocka_unit_test(test_close_notify),
		cmocka_unit_test(test_end_without_close_notify),
		cmocka_unit_test(test_who_speaks_no_tls),
		cmocka_unit_test(test_handshake_without_an_end),
		cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_key_update),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
