/*
 * etrn_test.c - what waits for a node is tried when it asks (RFC 1985).
 */
#include "test/unit/mta/queue/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT	(256 << 10)
#define HOUR_MS	3600000

static unsigned	wanted;		/* answers */

static bool
is_answered(struct fakes *f)
{
	return f->etrns >= wanted;
}

static void
etrn(struct fakes *f, enum etrn_how how, const char *name,
    enum etrn_result result, unsigned messages)
{
	wanted = f->etrns + 1;
	fakes_etrn(f, how, name);
	fakes_until(f, is_answered);
	if (f->etrn_result != result || f->etrn_messages != messages)
		fprintf(stderr, "%s: result %u messages %u\n", name,
		    f->etrn_result, f->etrn_messages);
	CHECK(f->etrn_result == result && f->etrn_messages == messages);
}

static bool
all_wait(struct fakes *f)
{
	const struct message	*m;

	for (m = f->q.index.first; m != NULL; m = m->next)
		if (m->in_state[DEST_WAIT] == 0)
			return false;
	return f->q.count.accepted == f->told;
}

/* These wait for an hour from now on. */
static struct fakes *
with_waiting(const char *dir, const char *const *rcpts, size_t n)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, HOUR_MS);
	for (size_t i = 0; i < n; i++)
		fakes_accept(f, "a@x.test", rcpts[i], 500);
	fakes_until(f, all_wait);
	f->njobs = 0;
	f->code = 250;
	return f;
}

static bool
one_is_left(struct fakes *f)
{
	return f->q.index.n == 1;
}

static void
of_a_node(const char *dir)
{
	static const char *const rcpts[] = {
		"hop1@y.test", "hop2@y.test", "hop@z.test" };
	struct fakes	*f = with_waiting(dir, rcpts, 3);

	etrn(f, ETRN_NODE, "y.test", ETRN_PENDING, 2);
	fakes_until(f, one_is_left);
	CHECK(strcmp(f->jobs[0].hop, "relay:y.test") == 0);
	CHECK(f->q.count.sent == 2);
	/* Within a minute it is not looked for again. */
	etrn(f, ETRN_NODE, "y.test", ETRN_STARTED, 0);
	fakes_run_ms(f, 1200);
	etrn(f, ETRN_NODE, "other.test", ETRN_NONE, 0);
	CHECK(f->q.index.n == 1);
}

static void
below_a_node(const char *dir)
{
	static const char *const rcpts[] = {
		"hop1@y.test", "hop2@a.b.y.test", "hop3@noty.test" };
	struct fakes	*f = with_waiting(dir, rcpts, 3);

	etrn(f, ETRN_SUBDOMAINS, "y.test", ETRN_PENDING, 2);
	fakes_until(f, one_is_left);
}

static void
of_a_relay(const char *dir)
{
	static const char *const rcpts[] = { "hop1@y.test", "hop2@z.test" };
	struct fakes	*f = with_waiting(dir, rcpts, 2);

	etrn(f, ETRN_QUEUE, "z.test", ETRN_PENDING, 1);
	fakes_until(f, one_is_left);
	CHECK(strcmp(f->jobs[0].hop, "relay:z.test") == 0);
}

/* Asked while a walk rests: told at once, done by the next. */
static void
of_many_names(const char *dir)
{
	static const char *const rcpts[] = {
		"hop@a.test", "hop@b.test", "hop@c.test" };
	struct fakes	*f = with_waiting(dir, rcpts, 3);

	etrn(f, ETRN_NODE, "a.test", ETRN_PENDING, 1);
	etrn(f, ETRN_NODE, "b.test", ETRN_STARTED, 0);
	etrn(f, ETRN_NODE, "c.test", ETRN_STARTED, 0);
	fakes_until(f, is_empty);
	CHECK(f->q.count.sent == 3);
}

static void
of_too_many_names(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	char		 name[32];

	etrn(f, ETRN_NODE, "first.test", ETRN_NONE, 0);
	wanted = f->etrns + 64;
	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		fakes_etrn(f, ETRN_NODE, name);
	}
	fakes_until(f, is_answered);
	CHECK(f->etrn_result == ETRN_STARTED);
	etrn(f, ETRN_NODE, "last.test", ETRN_UNABLE, 0);
	fakes_run_ms(f, 1500);
	etrn(f, ETRN_NODE, "last.test", ETRN_STARTED, 0);
}

static bool
is_dead(struct fakes *f)
{
	const struct message	*m = f->q.index.first;

	return m != NULL && m->dests[0].hop != NULL && m->dests[0].hop->site->dead;
}

/* One job probes it, and when that goes well the others follow. */
static void
of_a_dead_hop(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 i;

	f->unconnected = true;
	f->code = 451;
	fakes_retry(f, HOUR_MS);
	for (i = 0; i < 20; i++)
		fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, is_dead);
	f->unconnected = false;
	f->code = 0;
	f->njobs = 0;
	etrn(f, ETRN_NODE, "y.test", ETRN_PENDING, 20);
	fakes_until(f, has_jobs);
	fakes_run_ms(f, 50);
	CHECK(f->njobs == 1);
	f->code = 250;
	fakes_relayed(f, 0, 250, "ok");
	fakes_until(f, is_empty);
}

/* What waits to be routed is due too; a mailbox is not woken by anybody. */
static void
of_others(const char *dir)
{
	static const char *const rcpts[] = { "later@y.test", "box@y.test" };
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->later_until = 1;
	f->deliver_code = 452;
	fakes_retry(f, HOUR_MS);
	for (unsigned i = 0; i < 2; i++)
		fakes_accept(f, "a@x.test", rcpts[i], 500);
	fakes_until(f, all_wait);
	etrn(f, ETRN_NODE, "y.test", ETRN_PENDING, 1);
	fakes_until(f, one_is_left);
	CHECK(f->q.index.first->in_state[DEST_WAIT] == 1);
}

ONE(a_node_gets_what_waits_for_it, of_a_node)
ONE(and_what_waits_below_it, below_a_node)
ONE(a_queue_is_a_relay_of_the_policy, of_a_relay)
ONE(walks_rest_between, of_many_names)
ONE(and_take_so_many_names, of_too_many_names)
ONE(a_dead_hop_is_probed_by_one_job, of_a_dead_hop)
ONE(mailboxes_are_left_alone, of_others)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_a_node_gets_what_waits_for_it),
		cmocka_unit_test(test_and_what_waits_below_it),
		cmocka_unit_test(test_a_queue_is_a_relay_of_the_policy),
		cmocka_unit_test(test_walks_rest_between),
		cmocka_unit_test(test_and_take_so_many_names),
		cmocka_unit_test(test_a_dead_hop_is_probed_by_one_job),
		cmocka_unit_test(test_mailboxes_are_left_alone),
	};

	return cmocka_run_group_tests_name("etrn", tests, NULL, NULL);
}
