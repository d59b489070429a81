/*
 * turns_test.c - each address in turn, and who has most waiting gives way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mta/auth/turns.h"

#define NAMES_MAX	64

struct named {
	struct turn	 turn;
	char		 name;
};

static struct turns	 turns;
static struct named	 all[NAMES_MAX];
static size_t		 n;
static char		 started[NAMES_MAX + 1], refused[NAMES_MAX + 1];

static void
note(char *list, struct turn *t)
{
	size_t	 len = strlen(list);

	list[len] = ((struct named *)t)->name;
	list[len + 1] = '\0';
}

static void
on_start(struct turn *t)
{
	note(started, t);
}

static void
on_refused(struct turn *t)
{
	note(refused, t);
}

static void
add(char name, const char *client)
{
	struct ip	 ip;

	assert_true(ip_parse(span_of(client), &ip));
	all[n].name = name;
	turns_add(&turns, &ip, &all[n++].turn);
}

static int
setup(void **state)
{
	(void)state;
	turns_init(&turns, 1, 4, on_start, on_refused);
	n = 0;
	started[0] = refused[0] = '\0';
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	turns_clear(&turns);
	return 0;
}

static void
addresses_take_turns(void **state)
{
	int	 i;

	(void)state;
	add('a', "192.0.2.1");
	add('b', "192.0.2.1");
	add('c', "192.0.2.1");
	add('x', "192.0.2.2");
	add('y', "192.0.2.2");
	assert_string_equal(started, "a");
	for (i = 0; i < 5; i++)
		turns_ended(&turns);
	assert_string_equal(started, "abxcy");
	assert_string_equal(refused, "");
	assert_int_equal(turns.running, 0);
	assert_int_equal(turns.waiting, 0);
}

static void
who_has_most_gives_way(void **state)
{
	int	 i;

	(void)state;
	add('a', "2001:db8::1");
	add('b', "2001:db8::2");	/* the same network */
	add('c', "2001:db8::3");
	add('d', "2001:db8::4");
	add('e', "2001:db8::5");
	add('f', "2001:db8::6");	/* four wait already */
	assert_string_equal(refused, "f");
	add('x', "192.0.2.1");
	add('y', "192.0.2.2");
	assert_string_equal(refused, "fed");
	for (i = 0; i < 5; i++)
		turns_ended(&turns);
	assert_string_equal(started, "abxyc");
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		T(addresses_take_turns),
		T(who_has_most_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
