/*
 * msg_test.c - the tables of messages, targets on the wire, asking for DNS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "mta/msg/deliver.h"
#include "mta/msg/dns.h"
#include "mta/msg/msg.h"
#include "mta/msg/relayed.h"
#include "mta/msg/target.h"

#include "test/unit/base/run_loop.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* --- the tables */

static const struct {
	const char	*name, *fields, *again, *duplicate, *meanwhile;
} said[] = {
#define MSG(name, from, to, fields, again, duplicate, timeout_s, meanwhile) \
	{ #name, fields, again, duplicate, meanwhile },
#include "mta/msg/messages.def"
#undef MSG
};

static void
each_message_says_all_that_it_must(void **state)
{
	size_t	i, j;

	(void)state;
	assert_int_equal(COUNT(said), MSG_NTYPES - 1);
	for (i = 0; i < COUNT(said); i++) {
		assert_string_equal(msg_name((unsigned)i + 1), said[i].name);
		assert_true(strlen(said[i].fields) > 0);
		assert_true(strlen(said[i].again) > 0);
		assert_true(strlen(said[i].duplicate) > 0);
		assert_true(strlen(said[i].meanwhile) > 0);
		for (j = 0; j < i; j++)
			assert_string_not_equal(said[i].name, said[j].name);
	}
	assert_string_equal(msg_name(MSG_NTYPES), "?");
	assert_int_equal(msg_timeout_s(MSG_DNS_ASK), 30);
	assert_int_equal(msg_timeout_s(MSG_NTYPES), 0);
}

static void
each_process_has_a_name(void **state)
{
	unsigned	i;

	(void)state;
	for (i = 0; i < PROC_NPROCS; i++)
		assert_string_not_equal(proc_name(i), "?");
	assert_string_equal(proc_name(PROC_NPROCS), "?");
}

static void
the_words_of_tls_are_read_one_by_one(void **state)
{
	static const struct { const char *line, *words; } rows[] = {
		{ "", "" }, { " ", "" }, { "x", "" }, { "=x", "" },
		{ "wanted=dane by=block", "wanted:dane by:block " },
		{ "wanted=  by=", "wanted: by: " },
		{ "reached=clear why=it said: a=b  c", "reached:clear "
		  "why:it said: a=b  c " },
		{ "wanted=a Bad=x by=y", "wanted:a " },
		{ "averyveryverylongkey=x", "" },
	};
	struct buf	b = { 0 };
	struct span	line, key, value;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_reset(&b);
		line = span_of(rows[i].line);
		while (relayed_tls_next(&line, &key, &value))
			buf_addf(&b, "%.*s:%.*s ", SPAN_ARG(key),
			    SPAN_ARG(value));
		assert_string_equal(buf_cstr(&b), rows[i].words);
	}
	buf_clear(&b);
}

/* --- a pair of ends; what arrives is handed to a check of the test */

static bool	(*checker)(struct msg *);
static unsigned	checked;

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)arg;
	checked++;
	loop_stop();
	return checker(m);
}

static void
on_closed(struct chan *c, void *arg)
{
	*(struct chan **)arg = NULL;
	(void)c;
	loop_stop();
}

static const struct chan_ops	ops = { on_message, on_closed };

static struct chan	*near_end, *far_end;

static int
open_ends(void **state)
{
	int	fds[2];

	(void)state;
	loop_init();
	checked = 0;
	chan_pair(fds);
	near_end = chan_new(fds[0], "near", &ops, &near_end);
	far_end = chan_new(fds[1], "far", &ops, &far_end);
	return 0;
}

static int
close_ends(void **state)
{
	(void)state;
	chan_free(&near_end);
	chan_free(&far_end);
	loop_clear();
	return 0;
}

/* --- targets */

static const struct target	targets[] = {
	{ .rcpt = 7, .kind = TARGET_DELIVER, .address = S("ann@example.org"),
	  .mailbox = S("local"), .account = S("ann"),
	  .path = S("/home/ann/Maildir"), .uid = 1000, .gid = 1001 },
	{ .kind = TARGET_DELIVER, .path = S("/var/mail/ann"),
	  .how = S("\2\2\2\0" "9K") },
	{ .kind = TARGET_HOP, .address = S("b@example.net"),
	  .hop = S("host:[192.0.2.1]:25") },
	{ .kind = TARGET_DISCARD, .address = S("c@example.net") },
	{ .kind = TARGET_FAIL, .code = 550, .status = S("5.1.1"),
	  .text = S("no such user") },
	{ .kind = TARGET_LATER, .code = 451, .status = S("4.3.0") },
	{ .rcpt = 3, .kind = TARGET_EXPANDED, .address = S("list@example.org") },
};

static bool
same_targets(struct msg *m)
{
	struct target	t;
	size_t		i;

	for (i = 0; i < COUNT(targets); i++) {
		assert_true(target_get(m, &t));
		assert_int_equal(t.rcpt, targets[i].rcpt);
		assert_int_equal(t.kind, targets[i].kind);
		assert_true(span_eq(t.address, targets[i].address));
		assert_true(span_eq(t.hop, targets[i].hop));
		assert_true(span_eq(t.mailbox, targets[i].mailbox));
		assert_true(span_eq(t.account, targets[i].account));
		assert_true(span_eq(t.path, targets[i].path));
		assert_true(span_eq(t.how, targets[i].how));
		assert_int_equal(t.uid, targets[i].uid);
		assert_int_equal(t.gid, targets[i].gid);
		assert_int_equal(t.code, targets[i].code);
		assert_true(span_eq(t.status, targets[i].status));
		assert_true(span_eq(t.text, targets[i].text));
	}
	return msg_end(m);
}

static void
targets_come_back_as_they_were(void **state)
{
	size_t	i;

	(void)state;
	chan_begin(near_end, MSG_ROUTED);
	for (i = 0; i < COUNT(targets); i++)
		target_put(near_end, &targets[i]);
	chan_end(near_end);
	checker = same_targets;
	run_loop();
	assert_int_equal(checked, 1);
	assert_non_null(far_end);
}

static const struct target	nonsense[] = {
	{ .kind = 0 }, { .kind = TARGET_EXPANDED + 1 },
	{ .kind = TARGET_PIPE - 1, .path = S("/nobody/delivers/so") },
	{ .kind = TARGET_DELIVER },
	{ .kind = TARGET_DELIVER, .path = S("relative") },
	{ .kind = TARGET_DELIVER, .path = S("/with\0nul") },
	{ .kind = TARGET_DELIVER, .path = S("/p"), .how = S("\x7f") },
	{ .kind = TARGET_DELIVER, .path = S("/p"), .how = S("\1\2") },
	{ .kind = TARGET_HOP },
	{ .kind = TARGET_FAIL, .code = 250 },
	{ .kind = TARGET_LATER, .code = 0 },
	{ .kind = TARGET_DISCARD, .status = S("5.1.1.1.1.1.1.1.1.1") },
};

static bool
all_nonsense(struct msg *m)
{
	struct target	t;
	size_t		i;

	for (i = 0; i < COUNT(nonsense); i++) {
		assert_false(target_get(m, &t));
		assert_true(m->bad);
		if (i + 1 < COUNT(nonsense))
			m->bad = false;
	}
	return true;
}

static void
targets_that_make_no_sense_are_refused(void **state)
{
	size_t	i;

	(void)state;
	chan_begin(near_end, MSG_ROUTED);
	for (i = 0; i < COUNT(nonsense); i++)
		target_put(near_end, &nonsense[i]);
	chan_end(near_end);
	checker = all_nonsense;
	run_loop();
	assert_int_equal(checked, 1);
}

/* --- ways to deliver */

static void
options_of_a_delivery_come_back(void **state)
{
	struct buf	 b = { 0 };
	struct span	 v, options;
	unsigned	 kind;

	(void)state;
	buf_add_char(&b, DELIVER_MBOX);
	deliver_option_add(&b, DELIVER_QUOTA, SPAN("1000"));
	deliver_option_add(&b, DELIVER_LOCKS, SPAN_NONE);
	assert_true(deliver_how(buf_span(&b), &kind, &options));
	assert_int_equal(kind, DELIVER_MBOX);
	assert_true(deliver_option(options, DELIVER_QUOTA, &v));
	assert_true(span_eq(v, SPAN("1000")));
	assert_true(deliver_option(options, DELIVER_LOCKS, &v));
	assert_int_equal(v.n, 0);
	assert_false(deliver_option(options, DELIVER_FOLDER, &v));
	buf_clear(&b);
	assert_true(deliver_how(SPAN_NONE, &kind, &options));
	assert_int_equal(kind, DELIVER_MAILDIR);
}

static void
options_that_make_no_sense_are_refused(void **state)
{
	static const struct span	bad[] = {
		S("\0\0\0"), S("\x7f\0\0"), S("\1"), S("\1\0"),
		S("\1\1\0"), S("\1\0\1x"), S("\1\0\0\1\0\0"),
	};
	struct span			v;
	size_t				i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_false(deliver_options_ok(bad[i]));
	assert_false(deliver_option(SPAN("\1\1\0"), DELIVER_FOLDER, &v));
	assert_true(deliver_options_ok(SPAN_NONE));
}

/* --- DNS */

struct heard {
	unsigned		calls;
	enum dns_result		result;
	size_t			n;
	struct dns_record	records[DNS_RECORDS_MAX];
	char			names[DNS_RECORDS_MAX][64];
	uint32_t		ttl_s;
	enum dns_trust		trust;
	char			canonical[64], resolver[64];
};

static void
hear(void *arg, const struct dns_answer *a)
{
	struct heard	*h = arg;
	size_t		 i;

	h->calls++;
	h->result = a->result;
	h->n = a->n;
	h->ttl_s = a->ttl_s;
	h->trust = a->trust;
	if (a->canonical.n > 0 && a->canonical.n < sizeof(h->canonical))
		memcpy(h->canonical, a->canonical.p, a->canonical.n);
	if (a->resolver.n > 0 && a->resolver.n < sizeof(h->resolver))
		memcpy(h->resolver, a->resolver.p, a->resolver.n);
	for (i = 0; i < a->n; i++) {
		h->records[i] = a->records[i];
		assert_true(a->records[i].name.n < sizeof(h->names[i]));
		if (a->records[i].name.n > 0)
			memcpy(h->names[i], a->records[i].name.p,
			    a->records[i].name.n);
	}
	loop_stop();
}

/* The resolve process of these tests: keeps the last question. */
static uint64_t	asked_ticket;
static unsigned	asked_type;
static char	asked_name[300];

static bool
keep_question(struct msg *m)
{
	struct span	name;

	assert_int_equal(m->type, MSG_DNS_ASK);
	asked_ticket = msg_u64(m);
	asked_type = msg_u16(m);
	name = msg_bytes(m, DNS_NAME_MAX);
	memcpy(asked_name, name.p, name.n);
	asked_name[name.n] = '\0';
	return msg_end(m);
}

static struct dns_client *
client_with_far_end(void)
{
	struct dns_client	*d = dns_client_new();
	int			 fds[2];

	chan_pair(fds);
	dns_client_attach(d, fds[0]);
	chan_free(&far_end);
	far_end = chan_new(fds[1], "far", &ops, &far_end);
	checker = keep_question;
	return d;
}

static void
a_question_is_asked_and_answered(void **state)
{
	struct dns_client	*d = client_with_far_end();
	struct dns_record	 mx[] = {
		{ .pref = 10, .name = S("a.example") },
		{ .pref = 65535, .name = S("") },
	};
	struct dns_answer	 a = { .result = DNS_FOUND,
	    .trust = DNS_SECURE, .ttl_s = 300, .n = 2, .records = mx,
	    .canonical = S("org.example") };
	struct heard		 h = { 0 };

	(void)state;
	(void)dns_ask(d, DNS_MX, SPAN("example.org"), hear, &h);
	run_loop();
	assert_int_equal(asked_type, DNS_MX);
	assert_string_equal(asked_name, "example.org");
	dns_answer_put(far_end, asked_ticket, DNS_MX, &a);
	run_loop();
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.result, DNS_FOUND);
	assert_int_equal(h.trust, DNS_SECURE);
	assert_string_equal(h.canonical, "org.example");
	assert_int_equal(h.ttl_s, 300);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.records[0].pref, 10);
	assert_string_equal(h.names[0], "a.example");
	assert_int_equal(h.records[1].pref, 65535);
	assert_int_equal(h.records[1].name.n, 0);
	dns_client_free(&d);
}

static void
tlsa_and_srv_travel(void **state)
{
	struct dns_client	*d = client_with_far_end();
	struct dns_record	 tlsa = { .usage = 3, .selector = 1,
	    .matching = 2, .name = S("digest") };
	struct dns_record	 srv = { .pref = 1, .weight = 258,
	    .port = 587, .name = S("smtp.example") };
	struct dns_answer	 a = { .result = DNS_FOUND,
	    .trust = DNS_CANNOT_SAY, .n = 1, .records = &tlsa,
	    .resolver = S("192.0.2.53@53") };
	struct heard		 h = { 0 };

	(void)state;
	(void)dns_ask(d, DNS_TLSA, SPAN("_25._tcp.a.example"), hear, &h);
	run_loop();
	dns_answer_put(far_end, asked_ticket, DNS_TLSA, &a);
	run_loop();
	assert_int_equal(h.trust, DNS_CANNOT_SAY);
	assert_string_equal(h.resolver, "192.0.2.53@53");
	assert_int_equal(h.records[0].usage, 3);
	assert_int_equal(h.records[0].selector, 1);
	assert_int_equal(h.records[0].matching, 2);
	assert_string_equal(h.names[0], "digest");
	a.records = &srv;
	(void)dns_ask(d, DNS_SRV, SPAN("_submission._tcp.example"), hear, &h);
	run_loop();
	dns_answer_put(far_end, asked_ticket, DNS_SRV, &a);
	run_loop();
	assert_int_equal(h.calls, 2);
	assert_int_equal(h.records[0].pref, 1);
	assert_int_equal(h.records[0].weight, 258);
	assert_int_equal(h.records[0].port, 587);
	assert_string_equal(h.names[0], "smtp.example");
	dns_client_free(&d);
}

static void
addresses_travel(void **state)
{
	struct dns_client	*d = client_with_far_end();
	struct dns_record	 r[3] = { { 0 } };
	struct dns_answer	 a = { .result = DNS_FOUND, .ttl_s = 1,
	    .n = 3, .records = r };
	struct heard		 h = { 0 };

	(void)state;
	assert_true(ip_parse(SPAN("2001:db8::1"), &r[0].ip));
	assert_true(ip_parse(SPAN("192.0.2.7"), &r[1].ip));	/* mapped */
	assert_true(ip_parse(SPAN("::"), &r[2].ip));
	(void)dns_ask(d, DNS_AAAA, SPAN("x.example"), hear, &h);
	run_loop();
	dns_answer_put(far_end, asked_ticket, DNS_AAAA, &a);
	run_loop();
	assert_int_equal(h.n, 3);
	assert_true(ip_eq(&h.records[0].ip, &r[0].ip));
	assert_true(ip_eq(&h.records[1].ip, &r[1].ip));
	assert_true(ip_eq(&h.records[2].ip, &r[2].ip));
	(void)dns_ask(d, DNS_A, SPAN("x.example"), hear, &h);
	run_loop();
	a.records = &r[1];
	a.n = 1;
	dns_answer_put(far_end, asked_ticket, DNS_A, &a);
	run_loop();
	assert_int_equal(h.calls, 2);
	assert_true(ip_eq(&h.records[0].ip, &r[1].ip));
	dns_client_free(&d);
}

static void
an_open_question_is_asked_again_on_a_new_channel(void **state)
{
	struct dns_client	*d = client_with_far_end();
	struct dns_answer	 none = { .result = DNS_NXDOMAIN };
	struct heard		 h = { 0 };
	uint64_t		 first;
	int			 fds[2];

	(void)state;
	(void)dns_ask(d, DNS_TXT, SPAN("again.example"), hear, &h);
	run_loop();
	first = asked_ticket;
	asked_ticket = 0;
	chan_free(&far_end);		/* resolve dies */
	chan_pair(fds);
	dns_client_attach(d, fds[0]);
	far_end = chan_new(fds[1], "far", &ops, &far_end);
	run_loop();
	assert_true(asked_ticket == first);
	dns_answer_put(far_end, asked_ticket, DNS_TXT, &none);
	dns_answer_put(far_end, asked_ticket, DNS_TXT, &none);
	run_loop();
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.result, DNS_NXDOMAIN);
	dns_client_free(&d);
}

static void
a_cancelled_question_calls_nobody(void **state)
{
	struct dns_client	*d = client_with_far_end();
	struct dns_answer	 none = { .result = DNS_NODATA };
	struct heard		 h = { 0 }, other = { 0 };
	uint64_t		 ticket, first;

	(void)state;
	ticket = dns_ask(d, DNS_A, SPAN("a.example"), hear, &h);
	run_loop();
	first = asked_ticket;
	dns_cancel(d, ticket);
	dns_cancel(d, ticket);
	(void)dns_ask(d, DNS_A, SPAN("b.example"), hear, &other);
	run_loop();
	dns_answer_put(far_end, first, DNS_A, &none);
	dns_answer_put(far_end, asked_ticket, DNS_A, &none);
	run_loop();
	assert_int_equal(h.calls, 0);
	assert_int_equal(other.calls, 1);
	assert_int_equal(other.result, DNS_NODATA);
	dns_client_free(&d);
}

static void
a_name_that_is_too_long_fails_from_the_loop(void **state)
{
	struct dns_client	*d = client_with_far_end();
	struct heard		 h = { 0 };
	char			 name[DNS_NAME_MAX + 1];

	(void)state;
	memset(name, 'n', sizeof(name));
	(void)dns_ask(d, DNS_A, span_mem(name, sizeof(name)), hear, &h);
	assert_int_equal(h.calls, 0);
	run_loop();
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.result, DNS_FAILING);
	dns_client_free(&d);
}

/* An answer that lies about itself cuts resolve off; the question stays. */
static void
a_lying_answer_cuts_resolve_off(void **state)
{
	struct dns_client	*d = client_with_far_end();
	struct heard		 h = { 0 };

	(void)state;
	(void)dns_ask(d, DNS_A, SPAN("a.example"), hear, &h);
	run_loop();
	chan_begin(far_end, MSG_DNS_ANSWER);
	chan_u64(far_end, asked_ticket);
	chan_u8(far_end, DNS_FOUND);
	chan_u8(far_end, DNS_INSECURE);
	chan_u32(far_end, 0);
	chan_bytes(far_end, SPAN_NONE);
	chan_bytes(far_end, SPAN_NONE);
	chan_u32(far_end, 1);
	chan_bytes(far_end, SPAN("abc"));	/* no address */
	chan_end(far_end);
	run_loop();
	assert_null(far_end);
	assert_int_equal(h.calls, 0);
	dns_client_free(&d);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, open_ends, close_ends)
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_message_says_all_that_it_must),
		cmocka_unit_test(each_process_has_a_name),
		cmocka_unit_test(the_words_of_tls_are_read_one_by_one),
		T(targets_come_back_as_they_were),
		T(targets_that_make_no_sense_are_refused),
		T(options_of_a_delivery_come_back),
		T(options_that_make_no_sense_are_refused),
		T(a_question_is_asked_and_answered),
		T(tlsa_and_srv_travel),
		T(addresses_travel),
		T(an_open_question_is_asked_again_on_a_new_channel),
		T(a_cancelled_question_calls_nobody),
		T(a_name_that_is_too_long_fails_from_the_loop),
		T(a_lying_answer_cuts_resolve_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
