/*
 * envelope_test.c - what is written is read; what is torn or lies is refused.
 */
#include "mta/spool/attributes.h"
#include "mta/spool/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NFACTS	8

static void
some_facts(struct envelope_fact *f)
{
	struct ip	ip4 = { .family = 4, .a = { 192, 0, 2, 1 } };
	struct ip	ip6 = { .family = 6, .a = { 0x20, 1, 0xd, 0xb8 } };
	struct ipnet	net = { .ip = { .family = 4, .a = { 10 } }, .bits = 8 };

	f[0] = (struct envelope_fact){ 0, { .type = RS_T_IP, .ip = ip4 } };
	f[1] = (struct envelope_fact){ 1, { .type = RS_T_IP, .ip = ip6 } };
	f[2] = (struct envelope_fact){ 2, { .type = RS_T_NET, .bits = net.bits,
	    .ip = net.ip } };
	f[3] = (struct envelope_fact){ 3, { .type = RS_T_TEXT, .tainted = true,
	    .s = SPAN("mail\r\nfrom \0 there") } };
	f[4] = (struct envelope_fact){ 4, { .type = RS_T_ADDRESS, .at = 1,
	    .s = SPAN("a@example.org") } };
	f[5] = (struct envelope_fact){ 0x8001, { .type = RS_T_INT, .i = -7 } };
	f[6] = (struct envelope_fact){ 0x8002, { .type = RS_T_NONE } };
	f[7] = (struct envelope_fact){ 7, { .type = RS_T_BOOL, .i = 1 } };
}

static void
make(struct buf *out)
{
	struct span		rcpts[2] = {
		SPAN("b@example.net"), SPAN("\"c d\"@example.com")
	};
	struct envelope_fact	facts[NFACTS];
	struct envelope		e = {
		.qid = UINT64_C(0x0123456789abcdef), .arrival_ms = 1795255200123,
		.flags = ENV_8BIT, .size = 10240, .sender = SPAN("a@example.org"),
		.policy = SPAN("0123456789abcdef"), .nrcpts = 2,
		.rcpts = rcpts, .nfacts = NFACTS, .facts = facts
	};

	some_facts(facts);
	envelope_format(&e, out);
}

/* As make(), with parameters of the message and of its second recipient. */
static void
make_params(struct buf *out, uint32_t flags)
{
	struct span		rcpts[3] = { SPAN("b@example.net"),
		SPAN("c@example.net"), SPAN("d@example.net") };
	struct envelope_param	params[3] = {
		{ 0 },
		{ .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
		  .orcpt_type = SPAN("rfc822"),
		  .orcpt = SPAN("\"c+d=\"@example.com") },
		{ 0 },
	};
	struct envelope		e = {
		.qid = 7, .arrival_ms = 1795255200123, .flags = flags,
		.size = 10240, .sender = SPAN("a@example.org"),
		.policy = SPAN("0123456789abcdef"), .nrcpts = 3,
		.rcpts = rcpts, .envid = SPAN("QQ314159\1"),
		.by_ms = 1795255320123, .params = params
	};

	envelope_format(&e, out);
}

static void
test_parameters_are_read_as_they_were_written(void **state)
{
	const uint32_t	flags = ENV_BINARY | ENV_REQUIRETLS | ENV_RET_FULL |
			    ENV_BY_RETURN | ENV_BY_TRACE | ENV_TLS_NOT_REQUIRED;
	struct arena	a = { 0 };
	struct envelope	e;
	struct buf	b = { 0 };

	(void)state;
	make_params(&b, flags);
	assert_int_equal(b.base[b.off], 2);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), 0);
	assert_int_equal(e.flags, flags);
	assert_true(span_eq(e.envid, SPAN("QQ314159\1")));
	assert_true(e.by_ms == 1795255320123);
	assert_non_null(e.params);
	assert_int_equal(e.params[0].notify, 0);
	assert_int_equal(e.params[1].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	assert_true(span_eq(e.params[1].orcpt_type, SPAN("rfc822")));
	assert_true(span_eq(e.params[1].orcpt, SPAN("\"c+d=\"@example.com")));
	assert_int_equal(e.params[2].orcpt_type.n, 0);
	arena_clear(&a);
	buf_clear(&b);
}

/* So that a spool without parameters is one that older programs read. */
static void
test_without_parameters_it_is_the_first_version(void **state)
{
	struct arena	a = { 0 };
	struct envelope	e;
	struct buf	b = { 0 };

	(void)state;
	make(&b);
	assert_int_equal(b.base[b.off], 1);
	assert_int_equal(b.base[b.off + 1], 0);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), 0);
	assert_null(e.params);
	assert_int_equal(e.envid.n, 0);
	assert_true(e.by_ms == 0);
	/* A first version knows no other flags, and no version knows these. */
	b.base[b.off + 2] |= ENV_REQUIRETLS;
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), -1);
	buf_reset(&b);
	make_params(&b, 0);
	b.base[b.off + 4] |= 1;
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), -1);
	arena_clear(&a);
	buf_clear(&b);
}

/* As make(), with all attributes, and one of a later program. */
static void
make_attrs(struct buf *out)
{
	struct envelope_attr	later = { 900, SPAN("later") };
	struct span		rcpt = SPAN("b@example.net");
	struct arena		a = { 0 };
	struct envelope		e = {
		.qid = 8, .arrival_ms = 1795255200123, .size = 10,
		.sender = SPAN("a@example.org"), .nrcpts = 1, .rcpts = &rcpt,
		.nattrs = 1, .attrs = &later
	};

	attr_put_language(&e, &a, SPAN("de-AT"));
	attr_put_priority(&e, &a, PRIORITY_HIGH);
	attr_put_program(&e, &a, 1000, SPAN("ann"));
	attr_put_kept(&e, &a, KEPT_HOLD, SPAN("first"));
	attr_put_filtered(&e, &a, SPAN("amavis"));
	attr_put_origin(&e, &a, SPAN("ADDR=192.0.2.1\nHELO=x\n"));
	attr_put_kept(&e, &a, KEPT_QUARANTINE, SPAN("a virus"));
	attr_put_priority(&e, &a, PRIORITY_LOW);
	assert_int_equal(e.nattrs, 7);
	envelope_format(&e, out);
	arena_clear(&a);
}

static void
test_attributes_are_read_as_they_were_written(void **state)
{
	struct arena	a = { 0 };
	struct envelope	e;
	struct buf	b = { 0 };
	struct span	text;
	uint32_t	uid;

	(void)state;
	make_attrs(&b);
	assert_int_equal(b.base[b.off], 3);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), 0);
	assert_int_equal(attr_priority(&e), PRIORITY_LOW);
	assert_int_equal(attr_kept(&e, &text), KEPT_QUARANTINE);
	assert_true(span_eq(text, SPAN("a virus")));
	assert_true(span_eq(attr_filtered(&e), SPAN("amavis")));
	assert_true(attr_program(&e, &uid, &text));
	assert_int_equal(uid, 1000);
	assert_true(span_eq(text, SPAN("ann")));
	assert_true(span_eq(attr_language(&e), SPAN("de-AT")));
	assert_true(span_eq(attr_origin(&e), SPAN("ADDR=192.0.2.1\nHELO=x\n")));
	assert_int_equal(e.nattrs, 7);
	assert_int_equal(e.attrs[6].id, 900);
	assert_true(span_eq(e.attrs[6].value, SPAN("later")));
	arena_clear(&a);
	buf_clear(&b);
}

static void
test_without_attributes_it_says_what_is_usual(void **state)
{
	struct arena	a = { 0 };
	struct envelope	e;
	struct buf	b = { 0 };

	(void)state;
	make_params(&b, 0);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), 0);
	assert_int_equal(e.nattrs, 0);
	assert_int_equal(attr_priority(&e), PRIORITY_NORMAL);
	assert_int_equal(attr_kept(&e, NULL), KEPT_NOT);
	assert_int_equal(attr_filtered(&e).n, 0);
	assert_false(attr_program(&e, NULL, NULL));
	assert_int_equal(attr_language(&e).n, 0);
	arena_clear(&a);
	buf_clear(&b);
}

static void
test_nonsense_in_attributes_is_refused(void **state)
{
	/* Behind its two octets of id, each begins with 4 of its length. */
	const struct envelope_attr	bad[] = {
		{ ATTR_PRIORITY, SPAN("\3") },
		{ ATTR_PRIORITY, SPAN("") },
		{ ATTR_PRIORITY, SPAN("\1\1") },
		{ ATTR_KEPT, SPAN("") },
		{ ATTR_KEPT, SPAN("\3why") },
		{ ATTR_KEPT, SPAN("\0why") },
		{ ATTR_FILTERED, SPAN("") },
		{ ATTR_PROGRAM, SPAN("\1\1\1") },
		{ ATTR_LANGUAGE, SPAN("123456789012345678901234567890123456") },
	};
	struct span	rcpt = SPAN("b@example.net");
	struct arena	a = { 0 };
	struct buf	b = { 0 };
	struct envelope	e;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct envelope_attr	at = bad[i];

		e = (struct envelope){ .nrcpts = 1, .rcpts = &rcpt,
		    .nattrs = 1, .attrs = &at };
		envelope_format(&e, &b);
		assert_int_equal(envelope_parse(buf_span(&b), &a, &e), -1);
		buf_reset(&b);
		arena_reset(&a);
	}
	arena_clear(&a);
	buf_clear(&b);
}

static void
test_attributes_stand_in_their_order_and_once(void **state)
{
	struct envelope_attr	twice[2] = { { 900, SPAN("a") },
				    { 900, SPAN("b") } };
	struct span		rcpt = SPAN("b@example.net");
	struct envelope		e = { .nrcpts = 1, .rcpts = &rcpt,
				    .nattrs = 2, .attrs = twice };
	struct arena		a = { 0 };
	struct buf		b = { 0 };

	(void)state;
	envelope_format(&e, &b);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), -1);
	buf_reset(&b);
	e.nattrs = 2;
	e.attrs = twice;
	twice[1].id = 899;
	envelope_format(&e, &b);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), -1);
	arena_clear(&a);
	buf_clear(&b);
}

#define TEXTS	(2 + 6 + 2 + 18)	/* octets of ORCPT at the end */

static void
test_nonsense_in_parameters_is_refused(void **state)
{
	static const struct {
		size_t	from_end;
		uint8_t	octet;
	} changes[] = {
		{ TEXTS + 1 + 4, 3 },		/* the index of no recipient */
		{ TEXTS + 1, 0x10 },		/* an unknown bit of NOTIFY */
		{ TEXTS + 1 + 4 + 4, 2 },	/* more than there are */
		{ TEXTS + 1 + 4 + 4, 4 },	/* and than recipients */
		{ TEXTS, 41 },			/* a type beyond its limit */
	};
	struct arena	a = { 0 };
	struct envelope	e;
	struct buf	b = { 0 };
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		make_params(&b, 0);
		assert_int_equal(envelope_parse(buf_span(&b), &a, &e), 0);
		b.base[b.off + b.n - changes[i].from_end] =
		    (char)changes[i].octet;
		assert_int_equal(envelope_parse(buf_span(&b), &a, &e), -1);
		buf_reset(&b);
		arena_reset(&a);
	}
	arena_clear(&a);
	buf_clear(&b);
}

static void
test_it_is_read_as_it_was_written(void **state)
{
	struct envelope_fact	want[NFACTS];
	struct arena		a = { 0 };
	struct envelope		e;
	struct buf		b = { 0 };
	size_t			i;

	(void)state;
	make(&b);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), 0);
	assert_true(e.qid == UINT64_C(0x0123456789abcdef));
	assert_true(e.arrival_ms == 1795255200123);
	assert_int_equal(e.flags, ENV_8BIT);
	assert_int_equal(e.size, 10240);
	assert_true(span_eq(e.sender, SPAN("a@example.org")));
	assert_true(span_eq(e.policy, SPAN("0123456789abcdef")));
	assert_int_equal(e.nrcpts, 2);
	assert_true(span_eq(e.rcpts[1], SPAN("\"c d\"@example.com")));
	some_facts(want);
	assert_int_equal(e.nfacts, NFACTS);
	for (i = 0; i < NFACTS; i++) {
		assert_int_equal(e.facts[i].fact, want[i].fact);
		assert_int_equal(e.facts[i].value.type, want[i].value.type);
		assert_int_equal(e.facts[i].value.tainted,
		    want[i].value.tainted);
	}
	assert_true(ip_eq(&e.facts[1].value.ip, &want[1].value.ip));
	assert_int_equal(e.facts[2].value.bits, 8);
	assert_true(span_eq(e.facts[3].value.s, want[3].value.s));
	assert_int_equal(e.facts[4].value.at, 1);
	assert_true(e.facts[5].value.i == -7);
	arena_clear(&a);
	buf_clear(&b);
}

static void
test_the_sender_stands_where_the_header_says(void **state)
{
	struct buf	b = { 0 };
	struct span	s;

	(void)state;
	make(&b);
	s = span_from(buf_span(&b), ENVELOPE_SENDER_AT);
	assert_int_equal((uint8_t)s.p[0], strlen("a@example.org"));
	assert_memory_equal(s.p + 2, "a@example.org", strlen("a@example.org"));
	buf_clear(&b);
}

static void
shorter_forms_are_refused(struct buf *b)
{
	struct arena	a = { 0 };
	struct envelope	e;
	struct span	s;
	size_t		n;

	for (n = 0; n < b->n; n++) {
		s = buf_span(b);
		s.n = n;
		assert_int_equal(envelope_parse(s, &a, &e), -1);
		arena_reset(&a);
	}
	buf_add_char(b, '\0');
	assert_int_equal(envelope_parse(buf_span(b), &a, &e), -1);
	arena_clear(&a);
}

static void
test_every_shorter_form_is_refused(void **state)
{
	struct buf	b = { 0 };

	(void)state;
	make(&b);
	shorter_forms_are_refused(&b);
	buf_reset(&b);
	make_params(&b, ENV_RET_HDRS);
	shorter_forms_are_refused(&b);
	buf_reset(&b);
	make_attrs(&b);
	shorter_forms_are_refused(&b);
	buf_clear(&b);
}

static void
is_within(const struct buf *b, struct span s)
{
	assert_true(s.n == 0 || (s.p >= b->base &&
	    s.p + s.n <= b->base + b->off + b->n));
}

static void
changed_octets_stay_within_bounds(struct buf *b)
{
	struct arena	a = { 0 };
	struct envelope	e;
	size_t		i, k;
	unsigned	bit, read = 0;

	for (i = 0; i < b->n; i++)
		for (bit = 0; bit < 8; bit++) {
			b->base[b->off + i] ^= (char)(1 << bit);
			if (envelope_parse(buf_span(b), &a, &e) == 0) {
				for (k = 0; k < e.nrcpts; k++) {
					is_within(b, e.rcpts[k]);
					if (e.params != NULL)
						is_within(b,
						    e.params[k].orcpt);
				}
				is_within(b, e.envid);
				for (k = 0; k < e.nattrs; k++)
					is_within(b, e.attrs[k].value);
				read++;
			}
			b->base[b->off + i] ^= (char)(1 << bit);
			arena_reset(&a);
		}
	assert_true(read > 0);	/* the values of fields are anybody's */
	arena_clear(&a);
}

/* Whatever an octet becomes, spans stay inside of what was given. */
static void
test_every_changed_octet_is_read_within_bounds(void **state)
{
	struct buf	b = { 0 };

	(void)state;
	make(&b);
	changed_octets_stay_within_bounds(&b);
	buf_reset(&b);
	make_params(&b, ENV_RET_HDRS);
	changed_octets_stay_within_bounds(&b);
	buf_reset(&b);
	make_attrs(&b);
	changed_octets_stay_within_bounds(&b);
	buf_clear(&b);
}

static void
test_a_count_that_lies_takes_no_memory(void **state)
{
	struct arena	a = { 0 };
	struct envelope	e;
	struct buf	b = { 0 };
	size_t		at = ENVELOPE_SENDER_AT + 2 + 13 + 2 + 16;

	(void)state;
	make(&b);
	memset(b.base + b.off + at, 0xff, 4);
	assert_int_equal(envelope_parse(buf_span(&b), &a, &e), -1);
	assert_true(a.total < 4096);
	arena_clear(&a);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_it_is_read_as_it_was_written),
		cmocka_unit_test(
		    test_parameters_are_read_as_they_were_written),
		cmocka_unit_test(
		    test_without_parameters_it_is_the_first_version),
		cmocka_unit_test(test_nonsense_in_parameters_is_refused),
		cmocka_unit_test(test_attributes_are_read_as_they_were_written),
		cmocka_unit_test(test_without_attributes_it_says_what_is_usual),
		cmocka_unit_test(test_nonsense_in_attributes_is_refused),
		cmocka_unit_test(test_attributes_stand_in_their_order_and_once),
		cmocka_unit_test(test_the_sender_stands_where_the_header_says),
		cmocka_unit_test(test_every_shorter_form_is_refused),
		cmocka_unit_test(test_every_changed_octet_is_read_within_bounds),
		cmocka_unit_test(test_a_count_that_lies_takes_no_memory),
	};

	return cmocka_run_group_tests_name("spool/envelope", tests, NULL, NULL);
}
