/*
 * tls_connect_test.c - the client's side of TLS against the server's: what is
 * asked of a certificate, sessions that are taken up again, and peers that
 * speak no TLS, or not to the end.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/digest.h"
#include "base/tls_connect.h"
#include "base/xalloc.h"

#include "test/unit/base/tls_peer.h"

#define NAME(s)	((struct span){ s, sizeof(s) - 1 })

static struct made	 both, ca, other, good, wild, old, alone, address, common, ann;
static struct tls_trust	*trust;

static int
begin(void **state)
{
	const char	*why;

	(void)state;
	ca = made_new(&(struct made_how){ .type = "EC", .common = "ca",
	    .ca = true, .days = 9 });
	other = made_new(&(struct made_how){ .type = "EC", .common = "other",
	    .ca = true, .days = 9 });
	good = made_new(&(struct made_how){ .type = "EC", .common = "good",
	    .alt = "DNS:mx.example,DNS:mail.example", .by = &ca, .days = 9 });
	wild = made_new(&(struct made_how){ .type = "RSA", .common = "wild",
	    .alt = "DNS:*.at.example,DNS:m*.part.example", .by = &ca, .days = 9 });
	both = good;		/* with its issuer behind it */
	both.pem = xasprintf("%s%s", good.pem, ca.pem);
	old = made_new(&(struct made_how){ .type = "EC", .common = "old",
	    .alt = "DNS:mx.example", .by = &ca, .days = -1 });
	alone = made_new(&(struct made_how){ .type = "EC", .common = "alone",
	    .alt = "DNS:mx.example", .days = 9 });
	address = made_new(&(struct made_how){ .type = "EC", .common = "a",
	    .alt = "IP:192.0.2.1", .by = &ca, .days = 9 });
	common = made_new(&(struct made_how){ .type = "EC",
	    .common = "mx.example", .by = &ca, .days = 9 });
	ann = made_new(&(struct made_how){ .type = "EC", .common = "ann",
	    .by = &ca, .days = 9 });
	trust = tls_trust_new(span_of(ca.pem), &why);
	assert_non_null(trust);
	assert_int_equal(tls_trust_count(trust), 1);
	return 0;
}

static int
end(void **state)
{
	struct made	*all[] = { &ca, &other, &good, &wild, &old, &alone,
			    &address, &common, &ann };

	(void)state;
	tls_trust_unref(&trust);
	free(both.pem);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		made_clear(all[i]);
	return 0;
}

/* --- both ends */

struct ends {
	int			 fds[2];
	struct tls		*server;
	struct tls_connect	*client;
	enum tls_result		 server_is, is;
};

static void
ready(void *arg)
{
	(void)arg;
}

static struct tls_server *
server_new(const struct made *m, const struct tls_options *o)
{
	struct tls_certificate	 c = { .chain = span_of(m->pem),
				    .key = m->key };
	const char		*why = NULL;
	struct tls_server	*ts = tls_server_new(o, &why);

	assert_non_null(ts);
	assert_true(tls_server_add(ts, &c, &why));
	assert_true(tls_server_ready(ts, &why));
	return ts;
}

static struct tls_connector *
connector_new(struct tls_trust *t, struct tls_sessions *sessions)
{
	struct tls_connector_options	 o = { .trust = t,
					    .sessions = sessions };
	const char			*why;
	struct tls_connector		*c = tls_connector_new(&o, &why);

	assert_non_null(c);
	return c;
}

static void
ends_open(struct ends *e, struct tls_server *ts, struct tls_connector *c,
    const struct tls_target *to)
{
	const char	*why = NULL;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    e->fds), 0);
	e->server = ts == NULL ? NULL : tls_new(ts, e->fds[0], ready, NULL);
	e->client = tls_connect_new(c, e->fds[1], to, ready, NULL, &why);
	assert_non_null(e->client);
	e->is = e->server_is = TLS_WANT_READ;
}

static bool
ends_shake(struct ends *e)
{
	for (unsigned i = 0; i < 20; i++) {
		if (e->is == TLS_WANT_READ || e->is == TLS_WANT_WRITE)
			e->is = tls_connect_handshake(e->client);
		if (e->server_is == TLS_WANT_READ ||
		    e->server_is == TLS_WANT_WRITE)
			e->server_is = tls_handshake(e->server);
	}
	return e->is == TLS_DONE;
}

static void
ends_close(struct ends *e)
{
	tls_free(&e->server);
	tls_connect_free(&e->client);
	close(e->fds[0]);
	close(e->fds[1]);
	ERR_clear_error();
}

/* From the server to the client; tickets come before it. */
static void
ends_say(struct ends *e, const char *text)
{
	char		got[64];
	size_t		n;

	assert_int_equal(tls_write(e->server, text, strlen(text), &n),
	    TLS_DONE);
	assert_int_equal(tls_connect_read(e->client, got, sizeof(got), &n),
	    TLS_DONE);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
}

/* --- names and authorities */

static void
test_what_is_asked_of_a_certificate(void **state)
{
	static const struct {
		const struct made	*shown;
		struct span		 name;
		enum tls_class		 class;	/* NONE: verified */
	} all[] = {
		{ &good, NAME("mx.example"), TLS_CLASS_NONE },
		{ &good, NAME("MAIL.Example"), TLS_CLASS_NONE },
		{ &good, NAME("mx2.example"), TLS_CLASS_HOST_MISMATCH },
		{ &good, NAME("192.0.2.1"), TLS_CLASS_HOST_MISMATCH },
		{ &wild, NAME("mx.at.example"), TLS_CLASS_NONE },
		{ &wild, NAME("a.mx.at.example"), TLS_CLASS_HOST_MISMATCH },
		{ &wild, NAME("at.example"), TLS_CLASS_HOST_MISMATCH },
		{ &wild, NAME("mx.part.example"), TLS_CLASS_HOST_MISMATCH },
		{ &old, NAME("mx.example"), TLS_CLASS_EXPIRED },
		{ &alone, NAME("mx.example"), TLS_CLASS_NOT_TRUSTED },
		{ &address, NAME("192.0.2.1"), TLS_CLASS_NONE },
		{ &address, NAME("192.0.2.2"), TLS_CLASS_HOST_MISMATCH },
		{ &common, NAME("mx.example"), TLS_CLASS_HOST_MISMATCH },
	};
	struct tls_connector	*c = connector_new(trust, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tls_options	 o = { 0 };
		struct tls_server	*ts = server_new(all[i].shown, &o);
		struct tls_target	 to = { .check = TLS_CHECK_NAMES,
			.sni = all[i].name, .names = &all[i].name,
			.nnames = 1 };
		struct ends		 e;

		ends_open(&e, ts, c, &to);
		assert_int_equal(ends_shake(&e),
		    all[i].class == TLS_CLASS_NONE);
		assert_int_equal(tls_connect_class(e.client), all[i].class);
		if (all[i].class == TLS_CLASS_NONE)
			assert_int_equal(tls_connect_reached(e.client),
			    TLS_REACHED_VERIFIED);
		else
			assert_string_not_equal(tls_connect_why(e.client),
			    "-");
		ends_close(&e);

		/* Who asks for nothing is told whether it would have done. */
		to.check = TLS_CHECK_NONE;
		ends_open(&e, ts, c, &to);
		assert_true(ends_shake(&e));
		assert_int_equal(tls_connect_reached(e.client),
		    all[i].class == TLS_CLASS_NONE ? TLS_REACHED_VERIFIED :
		    TLS_REACHED_ENCRYPTED);
		assert_int_equal(strcmp(tls_connect_unverified(e.client),
		    "-") == 0, all[i].class == TLS_CLASS_NONE);
		ends_close(&e);
		tls_server_unref(&ts);
	}
	tls_connector_unref(&c);
}

static void
test_one_of_several_names_is_enough(void **state)
{
	static const struct span	 names[] = { NAME("a.example"),
		NAME("mail.example") };
	struct tls_connector		*c = connector_new(trust, NULL);
	struct tls_options		 o = { 0 };
	struct tls_server		*ts = server_new(&good, &o);
	struct tls_target		 to = { .check = TLS_CHECK_NAMES,
		.names = names, .nnames = 2 };
	struct ends			 e;

	(void)state;
	ends_open(&e, ts, c, &to);
	assert_true(ends_shake(&e));
	ends_close(&e);
	tls_server_unref(&ts);
	tls_connector_unref(&c);
}

static void
test_names_that_are_none_are_not_taken(void **state)
{
	static const struct span	 bad[] = { NAME(".example"), NAME(""),
		NAME("a\0b") };
	struct tls_connector		*c = connector_new(trust, NULL);
	const char			*why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tls_target	to = { .check = TLS_CHECK_NAMES,
			.names = &bad[i], .nnames = 1 };

		why = NULL;
		assert_null(tls_connect_new(c, 0, &to, ready, NULL, &why));
		assert_non_null(why);
	}
	assert_null(tls_connect_new(c, 0, &(struct tls_target){
	    .check = TLS_CHECK_NAMES }, ready, NULL, &why));
	assert_null(tls_connect_new(c, 0, &(struct tls_target){
	    .check = TLS_CHECK_DANE }, ready, NULL, &why));
	tls_connector_unref(&c);
}

static void
test_without_authorities_nobody_is_trusted(void **state)
{
	static const struct span name = NAME("mx.example");
	struct tls_connector	*c = connector_new(NULL, NULL);
	struct tls_options	 o = { 0 };
	struct tls_server	*ts = server_new(&good, &o);
	struct tls_target	 to = { .check = TLS_CHECK_NAMES,
		.names = &name, .nnames = 1 };
	struct ends		 e;
	const char		*why;

	(void)state;
	ends_open(&e, ts, c, &to);
	assert_false(ends_shake(&e));
	assert_int_equal(tls_connect_class(e.client), TLS_CLASS_NOT_TRUSTED);
	ends_close(&e);
	assert_null(tls_trust_new(SPAN("nothing"), &why));
	tls_server_unref(&ts);
	tls_connector_unref(&c);
}

/* --- DANE (RFC 7672) */

static struct span
certificate_der(const struct made *m, unsigned char **der)
{
	int	n;

	*der = NULL;
	n = i2d_X509(m->cert, der);
	assert_true(n > 0);
	return span_mem(*der, (size_t)n);
}

static struct span
key_der(const struct made *m, unsigned char **der)
{
	int	n;

	*der = NULL;
	n = i2d_PUBKEY(m->key, der);
	assert_true(n > 0);
	return span_mem(*der, (size_t)n);
}

/* usage, 1 (the key), 1 (SHA-256) of whose key. */
static struct tls_tlsa
tlsa_of(uint8_t usage, const struct made *m, uint8_t digest[32])
{
	unsigned char	*der;

	digest_sha256(key_der(m, &der), digest);
	OPENSSL_free(der);
	return (struct tls_tlsa){ usage, 1, 1, span_mem(digest, 32) };
}

static void
test_what_a_tlsa_record_lets_in(void **state)
{
	static const struct {
		const struct made	*shown;
		uint8_t			 usage;
		const struct made	*of;
		struct span		 name;
		enum tls_class		 class;
	} all[] = {
		{ &good, 3, &good, NAME("mx.example"), TLS_CLASS_NONE },
		/* DANE-EE: neither names nor dates count (3.1.1). */
		{ &good, 3, &good, NAME("other.example"), TLS_CLASS_NONE },
		{ &old, 3, &old, NAME("mx.example"), TLS_CLASS_NONE },
		{ &alone, 3, &alone, NAME("mx.example"), TLS_CLASS_NONE },
		{ &good, 3, &alone, NAME("mx.example"), TLS_CLASS_TLSA_INVALID },
		/* DANE-TA: they do (3.1.2). */
		{ &both, 2, &ca, NAME("mx.example"), TLS_CLASS_NONE },
		{ &both, 2, &ca, NAME("other.example"), TLS_CLASS_HOST_MISMATCH },
		{ &both, 2, &other, NAME("mx.example"), TLS_CLASS_TLSA_INVALID },
		{ &good, 2, &ca, NAME("mx.example"), TLS_CLASS_TLSA_INVALID },
	};
	struct tls_connector	*c = connector_new(NULL, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint8_t			 digest[32];
		struct tls_tlsa		 r = tlsa_of(all[i].usage, all[i].of,
					    digest);
		struct tls_options	 o = { 0 };
		struct tls_server	*ts = server_new(all[i].shown, &o);
		struct tls_target	 to = { .check = TLS_CHECK_DANE,
			.sni = all[i].name, .names = &all[i].name,
			.nnames = 1, .tlsa = &r, .ntlsa = 1 };
		struct ends		 e;

		ends_open(&e, ts, c, &to);
		assert_int_equal(tls_connect_usable(e.client), 1);
		(void)ends_shake(&e);
		assert_int_equal(tls_connect_class(e.client), all[i].class);
		if (all[i].class == TLS_CLASS_NONE)
			assert_int_equal(tls_connect_reached(e.client),
			    TLS_REACHED_DANE);
		ends_close(&e);
		tls_server_unref(&ts);
	}
	tls_connector_unref(&c);
}

static void
test_tlsa_of_a_whole_certificate(void **state)
{
	static const struct span name = NAME("mx.example");
	unsigned char		*der;
	struct tls_tlsa		 r = { 3, 0, 0, certificate_der(&alone,
				    &der) };
	struct tls_connector	*c = connector_new(NULL, NULL);
	struct tls_options	 o = { 0 };
	struct tls_server	*ts = server_new(&alone, &o);
	struct tls_target	 to = { .check = TLS_CHECK_DANE,
		.names = &name, .nnames = 1, .tlsa = &r, .ntlsa = 1 };
	struct ends		 e;

	(void)state;
	ends_open(&e, ts, c, &to);
	assert_true(ends_shake(&e));
	ends_close(&e);
	assert_true(tls_tlsa_usable(&r));
	r.data.n--;
	assert_false(tls_tlsa_usable(&r));
	OPENSSL_free(der);
	tls_server_unref(&ts);
	tls_connector_unref(&c);
}

/* RFC 7672, 2.2: records, none of use: TLS, not verified. */
static void
test_records_of_no_use_want_encryption_alone(void **state)
{
	static const struct span name = NAME("mx.example");
	uint8_t			 digest[32];
	struct tls_tlsa		 r[5];
	struct tls_connector	*c = connector_new(NULL, NULL);
	struct tls_options	 o = { 0 };
	struct tls_server	*ts = server_new(&alone, &o);
	struct tls_target	 to = { .check = TLS_CHECK_DANE,
		.names = &name, .nnames = 1, .tlsa = r, .ntlsa = 5 };
	struct ends		 e;

	(void)state;
	r[0] = tlsa_of(1, &alone, digest);	/* PKIX-EE */
	r[1] = tlsa_of(3, &alone, digest);
	r[1].matching = 9;
	r[2] = tlsa_of(3, &alone, digest);
	r[2].data.n = 31;
	r[3] = r[4] = tlsa_of(3, &alone, digest);
	r[3].matching = r[4].matching = 0;	/* neither a key ... */
	r[4].selector = 0;			/* ... nor a certificate */
	for (size_t i = 0; i < 5; i++)
		assert_false(tls_tlsa_usable(&r[i]));
	ends_open(&e, ts, c, &to);
	assert_int_equal(tls_connect_usable(e.client), 0);
	assert_true(ends_shake(&e));
	assert_int_equal(tls_connect_reached(e.client),
	    TLS_REACHED_ENCRYPTED);
	ends_close(&e);
	tls_server_unref(&ts);
	tls_connector_unref(&c);
}

/* --- sessions */

static struct tls_tickets *
tickets_new(void)
{
	struct tls_tickets	*t = tls_tickets_new();
	struct tls_ticket_key	 k;

	random_bytes(&k, sizeof(k));
	assert_true(tls_tickets_set(t, &k, 1));
	return t;
}

/* A connection to peer; whether it took up an earlier session. */
static bool
resumes(struct tls_server *ts, struct tls_connector *c,
    const struct tls_target *to)
{
	struct ends	e;
	bool		resumed;

	ends_open(&e, ts, c, to);
	assert_true(ends_shake(&e));
	assert_int_equal(e.server_is, TLS_DONE);
	ends_say(&e, "220 ready\r\n");
	resumed = tls_connect_resumed(e.client);
	assert_int_equal(resumed, tls_resumed(e.server));
	if (to->check == TLS_CHECK_NAMES)
		assert_int_equal(tls_connect_reached(e.client),
		    TLS_REACHED_VERIFIED);
	ends_close(&e);
	return resumed;
}

static void
test_sessions_are_taken_up_for_the_same_demand_alone(void **state)
{
	static const struct span names[] = { NAME("mx.example"),
		NAME("mail.example") };
	struct tls_tickets	*keys = tickets_new();
	struct tls_options	 o = { .tickets = keys, .ticket_s = 600 };
	struct tls_server	*ts = server_new(&good, &o);
	struct tls_sessions	*sessions = tls_sessions_new(3);
	struct tls_connector	*c = connector_new(trust, sessions);
	struct tls_connector	*d = connector_new(NULL, sessions);
	struct tls_target	 to = { .check = TLS_CHECK_NONE,
		.sni = SPAN("mx.example"), .names = names, .nnames = 1,
		.peer = SPAN("a:25") };
	struct tls_target	 named = to, other_name = to, elsewhere = to;

	(void)state;
	named.check = TLS_CHECK_NAMES;
	other_name.check = TLS_CHECK_NAMES;
	other_name.names = names + 1;
	elsewhere.peer = SPAN("b:25");
	assert_false(resumes(ts, c, &to));
	assert_true(resumes(ts, c, &to));
	assert_true(resumes(ts, c, &to));
	assert_int_equal(tls_sessions_count(sessions), 1);
	assert_false(resumes(ts, c, &named));
	assert_false(resumes(ts, c, &other_name));
	assert_true(resumes(ts, c, &named));
	/* A fourth one: what was not used for longest goes. */
	assert_false(resumes(ts, c, &elsewhere));
	assert_int_equal(tls_sessions_count(sessions), 3);
	assert_false(resumes(ts, c, &to));
	/* Others whom to trust: nobody's. */
	assert_false(resumes(ts, d, &to));
	to.peer = SPAN_NONE;
	assert_false(resumes(ts, d, &to));
	assert_false(resumes(ts, d, &to));
	tls_connector_unref(&c);
	tls_connector_unref(&d);
	tls_sessions_free(&sessions);
	tls_server_unref(&ts);
	tls_tickets_free(&keys);
}

/* New keys of tickets: the old one is refused, and the handshake goes on in full. */
static void
test_a_ticket_that_is_refused_costs_a_handshake(void **state)
{
	static const struct span name = NAME("mx.example");
	struct tls_tickets	*keys = tickets_new();
	struct tls_options	 o = { .tickets = keys, .ticket_s = 600 };
	struct tls_server	*ts = server_new(&good, &o);
	struct tls_sessions	*sessions = tls_sessions_new(9);
	struct tls_connector	*c = connector_new(trust, sessions);
	struct tls_target	 to = { .check = TLS_CHECK_NAMES,
		.names = &name, .nnames = 1, .peer = SPAN("a:25") };
	struct tls_ticket_key	 k;

	(void)state;
	assert_false(resumes(ts, c, &to));
	random_bytes(&k, sizeof(k));
	assert_true(tls_tickets_set(keys, &k, 1));
	assert_false(resumes(ts, c, &to));
	assert_true(resumes(ts, c, &to));
	tls_connector_unref(&c);
	tls_sessions_free(&sessions);
	tls_server_unref(&ts);
	tls_tickets_free(&keys);
}

/* --- certificates of ours */

static void
test_our_certificate(void **state)
{
	struct tls_connector_options	 o = { .trust = trust,
		.chain = span_of(ann.pem), .key = ann.key };
	struct tls_options		 so = { .clients = TLS_CLIENTS_REQUIRED,
		.authorities = span_of(ca.pem) };
	struct tls_server		*ts = server_new(&good, &so);
	const char			*why = NULL;
	struct tls_connector		*c = tls_connector_new(&o, &why);
	struct tls_connector		*without = connector_new(trust, NULL);
	struct tls_target		 to = { .check = TLS_CHECK_NONE };
	struct ends			 e;
	char				 octet;
	size_t				 n;

	(void)state;
	assert_non_null(c);
	ends_open(&e, ts, c, &to);
	assert_true(ends_shake(&e));
	assert_true(tls_connect_asked(e.client));
	assert_true(tls_connect_shown(e.client));
	assert_true(tls_client_verified(e.server));
	ends_close(&e);

	/* With TLS 1.3 who has none learns of it when he reads. */
	ends_open(&e, ts, without, &to);
	assert_true(ends_shake(&e));
	assert_true(tls_connect_asked(e.client));
	assert_false(tls_connect_shown(e.client));
	assert_int_equal(tls_connect_read(e.client, &octet, 1, &n),
	    TLS_FAILED);
	assert_int_equal(tls_connect_class(e.client), TLS_CLASS_FAILURE);
	ends_close(&e);

	o.key = good.key;
	assert_null(tls_connector_new(&o, &why));
	assert_string_equal(why, "the key does not belong to the certificate");
	tls_connector_unref(&c);
	tls_connector_unref(&without);
	tls_server_unref(&ts);
}

/* --- octets */

static void
test_octets_and_what_waits(void **state)
{
	struct tls_options	 o = { 0 };
	struct tls_server	*ts = server_new(&good, &o);
	struct tls_connector	*c = connector_new(trust, NULL);
	struct ends		 e;
	char			 got[16];
	size_t			 n;

	(void)state;
	ends_open(&e, ts, c, &(struct tls_target){ .check = TLS_CHECK_NONE });
	assert_true(ends_shake(&e));
	assert_false(tls_connect_waiting(e.client));
	assert_int_equal(tls_connect_write(e.client, "EHLO\r\n", 6, &n),
	    TLS_DONE);
	assert_int_equal(tls_read(e.server, got, sizeof(got), &n), TLS_DONE);
	assert_int_equal(n, 6);
	assert_int_equal(tls_write(e.server, "250 a\r\n", 7, &n), TLS_DONE);
	assert_true(tls_connect_waiting(e.client));
	/* What was looked at is still there, and said to be. */
	assert_true(tls_connect_pending(e.client));
	assert_int_equal(tls_connect_read(e.client, got, 3, &n), TLS_DONE);
	assert_int_equal(n, 3);
	assert_true(tls_connect_pending(e.client));
	assert_int_equal(tls_connect_read(e.client, got, sizeof(got), &n),
	    TLS_DONE);
	assert_int_equal(n, 4);
	assert_int_equal(tls_connect_read(e.client, got, sizeof(got), &n),
	    TLS_WANT_READ);
	assert_false(tls_connect_pending(e.client));
	tls_close(e.server);
	assert_int_equal(tls_connect_read(e.client, got, sizeof(got), &n),
	    TLS_CLOSED);
	tls_connect_close(e.client);
	ends_close(&e);
	tls_connector_unref(&c);
	tls_server_unref(&ts);
}

static void
test_binding_is_the_same_at_both_ends(void **state)
{
	uint8_t			 a[TLS_BINDING_MAX], b[TLS_BINDING_MAX];
	struct tls_options	 o = { 0 };
	struct tls_server	*ts = server_new(&good, &o);
	struct tls_connector	*c = connector_new(trust, NULL);
	struct ends		 e;
	size_t			 n;

	(void)state;
	ends_open(&e, ts, c, &(struct tls_target){ .check = TLS_CHECK_NONE });
	assert_int_equal(tls_connect_binding(e.client, TLS_BINDING_EXPORTER,
	    a), 0);
	assert_true(ends_shake(&e));
	for (int which = TLS_BINDING_EXPORTER; which <= TLS_BINDING_END_POINT;
	    which++) {
		n = tls_connect_binding(e.client, (enum tls_binding)which, a);
		assert_true(n > 0);
		assert_int_equal(tls_binding(e.server,
		    (enum tls_binding)which, b), n);
		assert_memory_equal(a, b, n);
	}
	ends_close(&e);
	tls_connector_unref(&c);
	tls_server_unref(&ts);
}

/* --- peers that speak no TLS, or an old one */

static void
test_who_speaks_no_tls(void **state)
{
	static const struct {
		const char	*said;	/* NULL: it closes */
		enum tls_result	 is;
	} all[] = {
		{ NULL, TLS_CLOSED },
		{ "500 what is that?\r\n", TLS_FAILED },
		{ "\x15\x03\x03\x00\x02\x02\x28", TLS_FAILED },	/* handshake_failure */
	};
	struct tls_connector	*c = connector_new(trust, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ends	 e;
		size_t		 n = i == 2 ? 7 : all[i].said == NULL ? 0 :
				    strlen(all[i].said);

		ends_open(&e, NULL, c, &(struct tls_target){
		    .check = TLS_CHECK_NONE });
		assert_int_equal(tls_connect_handshake(e.client),
		    TLS_WANT_READ);
		if (n > 0)
			assert_int_equal(write(e.fds[0], all[i].said, n), n);
		else
			shutdown(e.fds[0], SHUT_WR);
		assert_int_equal(tls_connect_handshake(e.client), all[i].is);
		assert_int_equal(tls_connect_class(e.client),
		    TLS_CLASS_FAILURE);
		assert_string_not_equal(tls_connect_why(e.client), "-");
		ends_close(&e);
	}
	tls_connector_unref(&c);
}

/* Records of a handshake that has no end. */
static void
test_a_handshake_has_an_end(void **state)
{
	static unsigned char	 record[5 + 8192] = {
		0x16, 0x03, 0x03, 0x20, 0x00, 0x02, 0xff, 0xff, 0xff
	};
	struct tls_connector	*c = connector_new(trust, NULL);
	struct ends		 e;
	unsigned		 i;

	(void)state;
	ends_open(&e, NULL, c, &(struct tls_target){
	    .check = TLS_CHECK_NONE });
	for (i = 0; i < 64 && e.is == TLS_WANT_READ; i++) {
		e.is = tls_connect_handshake(e.client);
		if (e.is == TLS_WANT_READ)
			assert_int_equal(write(e.fds[0], record,
			    sizeof(record)), sizeof(record));
	}
	assert_int_equal(e.is, TLS_FAILED);
	ends_close(&e);
	tls_connector_unref(&c);
}

static void
test_too_old_for_us(void **state)
{
	SSL_CTX			*old_ctx = SSL_CTX_new(TLS_server_method());
	struct tls_connector	*c = connector_new(trust, NULL);
	struct ends		 e;
	SSL			*ssl;

	(void)state;
	SSL_CTX_set_security_level(old_ctx, 0);
	SSL_CTX_set_min_proto_version(old_ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(old_ctx, TLS1_VERSION);
	SSL_CTX_use_certificate(old_ctx, good.cert);
	SSL_CTX_use_PrivateKey(old_ctx, good.key);
	ends_open(&e, NULL, c, &(struct tls_target){
	    .check = TLS_CHECK_NONE });
	ssl = SSL_new(old_ctx);
	SSL_set_fd(ssl, e.fds[0]);
	SSL_set_accept_state(ssl);
	assert_int_equal(tls_connect_handshake(e.client), TLS_WANT_READ);
	assert_true(SSL_do_handshake(ssl) <= 0);
	assert_int_equal(tls_connect_handshake(e.client), TLS_FAILED);
	assert_int_equal(tls_connect_class(e.client), TLS_CLASS_FAILURE);
	SSL_free(ssl);
	SSL_CTX_free(old_ctx);
	ends_close(&e);
	tls_connector_unref(&c);
}

static void
test_classes_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(tls_class_name(TLS_CLASS_NONE), "");
	assert_string_equal(tls_class_name(TLS_CLASS_EXPIRED),
	    "certificate-expired");
	assert_string_equal(tls_class_name(TLS_CLASS_STS_WEBPKI),
	    "sts-webpki-invalid");
	assert_string_equal(tls_reached_name(TLS_REACHED_DANE), "dane");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_what_is_asked_of_a_certificate),
		cmocka_unit_test(test_one_of_several_names_is_enough),
		cmocka_unit_test(test_names_that_are_none_are_not_taken),
		cmocka_unit_test(test_without_authorities_nobody_is_trusted),
		cmocka_unit_test(test_what_a_tlsa_record_lets_in),
		cmocka_unit_test(test_tlsa_of_a_whole_certificate),
		cmocka_unit_test(test_records_of_no_use_want_encryption_alone),
		cmocka_unit_test(test_sessions_are_taken_up_for_the_same_demand_alone),
		cmocka_unit_test(test_a_ticket_that_is_refused_costs_a_handshake),
		cmocka_unit_test(test_our_certificate),
		cmocka_unit_test(test_octets_and_what_waits),
		cmocka_unit_test(test_binding_is_the_same_at_both_ends),
		cmocka_unit_test(test_who_speaks_no_tls),
		cmocka_unit_test(test_a_handshake_has_an_end),
		cmocka_unit_test(test_too_old_for_us),
		cmocka_unit_test(test_classes_have_their_names),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
