/*
 * sts_domains_test.c - how much is remembered: what was asked for longest ago
 * goes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"
#include "mta/fetch/sts_int.h"

static struct sts	*sts;

static struct sts_domain *
domain(const char *form, unsigned i)
{
	char	name[64];

	snprintf(name, sizeof(name), form, i);
	return sts_domain_get(sts, name);
}

static void
keep(struct sts_domain *d, struct span text)
{
	const char	*why;
	struct sts_kept	*k = sts_kept_new(d->name, SPAN("1"), sts_now_s(),
			    text, &why);

	assert_non_null(k);
	sts_domain_keep(d, k);
}

static int
set_up(void **state)
{
	static const struct sts_how	how = { .port = 443 };

	(void)state;
	sts = sts_new(&how);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sts_free(&sts);
	return 0;
}

static bool
is_known(const char *name)
{
	return htab_get(&sts->by_name, span_of(name)) != NULL;
}

static void
domains_are_bounded(void **state)
{
	struct sts_domain	*busy;
	unsigned		 i;

	(void)state;
	busy = domain("busy%u.example", 0);
	busy->state = STS_ASKS;
	for (i = 1; i < STS_DOMAINS_MAX; i++)
		assert_non_null(domain("d%u.example", i));
	sts_domain_used(domain("d%u.example", 1));
	assert_non_null(domain("d%u.example", i));
	assert_int_equal(sts->nothers, STS_DOMAINS_MAX);
	assert_true(is_known("busy0.example"));
	assert_true(is_known("d1.example"));
	assert_false(is_known("d2.example"));
	busy->state = STS_IDLE;
}

/* When all are under way a new one has to wait, and nobody is thrown out. */
static void
who_is_waited_for_stays(void **state)
{
	unsigned	i;

	(void)state;
	for (i = 0; i < STS_DOMAINS_MAX; i++)
		domain("d%u.example", i)->state = STS_ASKS;
	assert_null(domain("more%u.example", 0));
	assert_int_equal(sts->nothers, STS_DOMAINS_MAX);
}

static void
policies_are_bounded(void **state)
{
	const struct span	text = SPAN("version: STSv1\nmode: none\n"
				    "max_age: 86400\n");
	unsigned		i;

	(void)state;
	for (i = 0; i < STS_KEPT_MAX; i++)
		keep(domain("d%u.example", i), text);
	sts_domains_trim(sts);
	assert_int_equal(sts->nkept, STS_KEPT_MAX);
	sts_domain_used(domain("d%u.example", 0));
	keep(domain("more%u.example", 0), text);
	sts_domains_trim(sts);
	assert_int_equal(sts->nkept, STS_KEPT_MAX);
	assert_int_equal(sts->evicted, 1);
	assert_true(is_known("d0.example"));
	assert_false(is_known("d1.example"));
	assert_true(is_known("more0.example"));
}

static void
octets_are_bounded(void **state)
{
	struct buf	text = { 0 };
	unsigned	i, most;

	(void)state;
	buf_add_str(&text, "version: STSv1\nmode: none\nmax_age: 86400\nx: ");
	while (text.n < STS_POLICY_MAX)
		buf_add_char(&text, 'y');
	most = STS_KEPT_OCTETS / STS_POLICY_MAX;
	for (i = 0; i < most + 3; i++) {
		keep(domain("d%u.example", i), buf_span(&text));
		sts_domains_trim(sts);
	}
	assert_int_equal(sts->nkept, most);
	assert_int_equal(sts->octets, STS_KEPT_OCTETS);
	assert_false(is_known("d2.example"));
	assert_true(is_known("d3.example"));
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(domains_are_bounded, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(who_is_waited_for_stays,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(policies_are_bounded, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(octets_are_bounded, set_up,
		    tear_down),
	};

	log_open("test", 2, LOG_L_ERROR);
	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
