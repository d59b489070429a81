/*
 * validation_test.c - whether a resolver passes signatures on: each event in each state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/resolve/validation.h"

static unsigned	probes, settles, changes;

static void
probe(void *arg)
{
	(void)arg;
	probes++;
}

static void
settled(void *arg)
{
	(void)arg;
	settles++;
}

static void
changed(void *arg)
{
	(void)arg;
	changes++;
}

static const struct validation_ops	ops = { probe, settled, changed };

/* In a state, without a probe under way, whose last yes is long ago. */
static struct validation
in(enum validation_state state)
{
	struct validation	v;

	validation_start(&v, true, "192.0.2.53", &ops, NULL);
	v.probing = false;
	v.state = state;
	probes = settles = changes = 0;
	return v;
}

static void
a_probe_decides(void **state)
{
	static const struct {
		enum validation_state	before;
		enum probe_result	result;
		enum validation_state	after;
	} cases[] = {
		{ VALIDATION_UNKNOWN, PROBE_SECURE, VALIDATION_YES },
		{ VALIDATION_UNKNOWN, PROBE_STRIPPED, VALIDATION_NO },
		{ VALIDATION_UNKNOWN, PROBE_FAILED, VALIDATION_UNKNOWN },
		{ VALIDATION_YES, PROBE_SECURE, VALIDATION_YES },
		{ VALIDATION_YES, PROBE_STRIPPED, VALIDATION_LOST },
		{ VALIDATION_YES, PROBE_FAILED, VALIDATION_YES },
		{ VALIDATION_NO, PROBE_SECURE, VALIDATION_YES },
		{ VALIDATION_NO, PROBE_STRIPPED, VALIDATION_NO },
		{ VALIDATION_NO, PROBE_FAILED, VALIDATION_NO },
		{ VALIDATION_LOST, PROBE_SECURE, VALIDATION_YES },
		{ VALIDATION_LOST, PROBE_STRIPPED, VALIDATION_LOST },
		{ VALIDATION_LOST, PROBE_FAILED, VALIDATION_LOST },
	};
	struct validation	v;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		v = in(cases[i].before);
		v.probing = true;
		validation_probed(&v, cases[i].result);
		assert_int_equal(v.state, cases[i].after);
		assert_int_equal(settles, 1);
		assert_int_equal(changes, cases[i].before != cases[i].after);
		/* While it does not validate it is asked again. */
		assert_int_equal(timer_pending(&v.timer),
		    v.state != VALIDATION_YES);
		validation_stop(&v);
	}
}

static void
a_secure_answer_leads_to_yes_but_from_lost(void **state)
{
	struct validation	v;
	unsigned		s;

	(void)state;
	for (s = VALIDATION_UNKNOWN; s <= VALIDATION_LOST; s++) {
		v = in((enum validation_state)s);
		validation_secure(&v);
		assert_int_equal(v.state, s == VALIDATION_LOST ?
		    VALIDATION_LOST : VALIDATION_YES);
	}
}

static void
a_bogus_answer_is_held_while_it_is_doubted(void **state)
{
	struct validation	v = in(VALIDATION_YES);

	(void)state;
	assert_true(validation_doubt(&v));
	assert_true(validation_doubt(&v));	/* one probe for all */
	assert_int_equal(probes, 1);
	validation_probed(&v, PROBE_SECURE);
	assert_false(validation_doubt(&v));	/* its yes is a moment old */
	assert_int_equal(probes, 1);
	v.trusted_ms -= VALIDATION_TRUST_MS;
	assert_true(validation_doubt(&v));
	assert_int_equal(probes, 2);
	validation_probed(&v, PROBE_STRIPPED);
	assert_false(validation_doubt(&v));
	validation_stop(&v);
	v = in(VALIDATION_NO);
	assert_false(validation_doubt(&v));
	v.probing = true;
	assert_false(validation_doubt(&v));
	v = in(VALIDATION_UNKNOWN);
	v.probing = true;
	assert_true(validation_doubt(&v));
	v.probing = false;
	assert_false(validation_doubt(&v));	/* it answers, but not the probe */
	assert_int_equal(v.state, VALIDATION_NO);
	assert_int_equal(changes, 1);
}

static void
without_an_anchor_there_is_nothing_to_ask(void **state)
{
	struct validation	v;

	(void)state;
	probes = 0;
	validation_start(&v, false, "192.0.2.53", &ops, NULL);
	assert_int_equal(v.state, VALIDATION_NO);
	assert_int_equal(probes, 0);
	assert_false(timer_pending(&v.timer));
	assert_string_equal(validation_name(&v), "no");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_probe_decides),
		cmocka_unit_test(a_secure_answer_leads_to_yes_but_from_lost),
		cmocka_unit_test(a_bogus_answer_is_held_while_it_is_doubted),
		cmocka_unit_test(without_an_anchor_there_is_nothing_to_ask),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
