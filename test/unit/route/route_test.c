/*
 * route_test.c - the route process between a parent and a queue that the test
 * plays: questions, answers in pieces, a new configuration, a new queue.
 */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/loop.h"
#include "mta/msg/target.h"
#include "mta/route/route.h"
#include "mta/spool/envelope.h"
#include "test/unit/policy/family.h"

static struct buf		big;	/* a list of 2,500 */
static struct span		aliases[4] = {
	SPAN("family"), SPAN("ann, tim"), SPAN("big"), SPAN_NONE
};
static const struct family	family = { .aliases = aliases, .naliases = 2 };

/* What the queue has heard. */
static struct {
	unsigned	changed, generation;	/* ROUTE_CHANGED */
	unsigned	routed, last;		/* ROUTED */
	uint64_t	ticket;
	size_t		targets;
	struct buf	text;
	bool		closed;
} heard;
static struct chan	*queue;

static const struct policy_dns	no_dns;

/* --- the parent's part */

static int
memory_file(struct span octets)
{
	int	fd = memfd_create("image", MFD_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, octets.p, octets.n), (ssize_t)octets.n);
	return fd;
}

static bool
configure_with(struct span image, uint32_t generation)
{
	struct child_config	cfg = { .generation = generation };
	bool			ok;

	cfg.image_fd = memory_file(image);
	cfg.owners = calloc(1, sizeof(*cfg.owners));
	cfg.nowners = 1;
	cfg.owners[0].object = 1;	/* the mailbox, behind the server */
	cfg.owners[0].uid = 1001;
	cfg.owners[0].gid = 1002;
	ok = route_config(&cfg, &no_dns);
	close(cfg.image_fd);
	free(cfg.owners);
	return ok;
}

/* --- the queue's part */

static void
hear_target(const struct target *t)
{
	heard.targets++;
	if (heard.targets > 20)
		return;
	buf_addf(&heard.text, "%u:%u:%.*s", t->rcpt, t->kind,
	    SPAN_ARG(t->address));
	if (t->kind == TARGET_DELIVER)
		buf_addf(&heard.text, ":%u:%u", t->uid, t->gid);
	buf_add_char(&heard.text, ' ');
}

static bool
hear(struct chan *c, struct msg *m, void *arg)
{
	struct target	t;
	uint32_t	n;

	(void)c;
	(void)arg;
	if (m->type == MSG_ROUTE_CHANGED) {
		heard.changed++;
		heard.generation = msg_u32(m);
		assert_true(msg_end(m));
	} else {
		assert_int_equal(m->type, MSG_ROUTED);
		heard.routed++;
		heard.ticket = msg_u64(m);
		heard.generation = msg_u32(m);
		heard.last += msg_u8(m);
		n = msg_u32(m);
		assert_true(n <= 1000);
		while (n-- > 0) {
			assert_true(target_get(m, &t));
			hear_target(&t);
		}
		assert_true(msg_end(m));
	}
	loop_stop();
	return true;
}

static void
gone(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	heard.closed = true;
	queue = NULL;
	loop_stop();
}

static void
new_queue(void)
{
	static const struct chan_ops	ops = { hear, gone };
	int				fds[2];

	chan_free(&queue);
	chan_pair(fds);
	queue = chan_new(fds[0], "route", &ops, NULL);
	route_queue(fds[1]);
}

static void
forget(void)
{
	buf_clear(&heard.text);
	memset(&heard, 0, sizeof(heard));
}

/* Waits for what comes next. */
static void
wait_until(const unsigned *what, unsigned n)
{
	while (*what < n && !heard.closed)
		loop_run();
}

static void
ask(uint64_t ticket, struct span *rcpts, size_t n, uint32_t first)
{
	struct envelope	 e = { .qid = 7, .sender = SPAN("a@far.example"),
			    .rcpts = rcpts, .nrcpts = n };
	struct buf	 octets = { 0 };
	uint32_t	 i;

	envelope_format(&e, &octets);
	chan_begin(queue, MSG_ROUTE);
	chan_u64(queue, ticket);
	chan_bytes(queue, buf_span(&octets));
	chan_u32(queue, 0);		/* attempts */
	chan_u32(queue, (uint32_t)n - first);
	for (i = first; i < n; i++)
		chan_u32(queue, i);
	chan_end(queue);
	buf_clear(&octets);
}

/* --- */

static int
begin(void **state)
{
	unsigned	i;

	(void)state;
	for (i = 0; i < 2500 && aliases[3].n == 0; i++)
		buf_addf(&big, "a%u@far.example,", i);
	aliases[3] = buf_span(&big);
	assert_true(configure_with(family_image(&family), 1));
	forget();
	new_queue();
	wait_until(&heard.changed, 1);
	assert_int_equal(heard.generation, 1);
	forget();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	route_end();
	chan_free(&queue);
	forget();
	return 0;
}

static void
each_recipient_has_its_targets(void **state)
{
	struct span	rcpts[] = {
		SPAN("x@far.example"), SPAN("tim+a@murphy.example"),
		SPAN("nobody@murphy.example"), SPAN("x@shut.example"),
	};

	(void)state;
	ask(41, rcpts, 4, 0);
	wait_until(&heard.last, 1);
	assert_int_equal(heard.ticket, 41);
	assert_int_equal(heard.generation, 1);
	assert_string_equal(buf_cstr(&heard.text), "0:2:x@far.example "
	    "1:1:tim+a@murphy.example:1001:1002 "
	    "2:4:nobody@murphy.example 3:4:x@shut.example ");
}

/* On a retry only those are asked that still wait. */
static void
only_those_that_are_asked(void **state)
{
	struct span	rcpts[] = {
		SPAN("x@far.example"), SPAN("y@far.example"),
	};

	(void)state;
	ask(1, rcpts, 2, 1);
	wait_until(&heard.last, 1);
	assert_string_equal(buf_cstr(&heard.text), "1:2:y@far.example ");
}

/* ann twice in a message: by name, and in a list. */
static void
one_copy_for_a_place(void **state)
{
	struct span	rcpts[] = {
		SPAN("ann@murphy.example"), SPAN("family@murphy.example"),
		SPAN("Ann@murphy.example"),
	};

	(void)state;
	ask(1, rcpts, 3, 0);
	wait_until(&heard.last, 1);
	assert_string_equal(buf_cstr(&heard.text),
	    "0:1:ann@murphy.example:1001:1002 "
	    "1:1:tim@murphy.example:1001:1002 2:9:Ann@murphy.example ");
}

static void
in_pieces_of_a_thousand(void **state)
{
	struct span	rcpts[] = {
		SPAN("big@murphy.example"), SPAN("tim@murphy.example"),
	};

	(void)state;
	ask(1, rcpts, 2, 0);
	wait_until(&heard.last, 1);
	assert_int_equal(heard.routed, 3);
	assert_int_equal(heard.targets, 2501);
}

static void
a_new_configuration_is_told(void **state)
{
	struct span	rcpts[] = { SPAN("x@far.example") };

	(void)state;
	assert_true(configure_with(family_image(&family), 2));
	wait_until(&heard.changed, 1);
	assert_int_equal(heard.generation, 2);
	/* One that cannot be used changes nothing. */
	assert_false(configure_with(SPAN("no image"), 3));
	ask(1, rcpts, 1, 0);
	wait_until(&heard.last, 1);
	assert_int_equal(heard.generation, 2);
	assert_int_equal(heard.changed, 1);
}

/* What the old queue had asked is not answered to the new one. */
static void
a_new_queue_asks_again(void **state)
{
	struct span	rcpts[] = { SPAN("big@murphy.example") };

	(void)state;
	ask(1, rcpts, 1, 0);
	chan_flush(queue);
	new_queue();
	ask(2, rcpts, 1, 0);
	wait_until(&heard.last, 1);
	assert_int_equal(heard.ticket, 2);
	assert_int_equal(heard.targets, 2500);
}

static void
nonsense_cuts_the_queue_off(void **state)
{
	(void)state;
	chan_begin(queue, MSG_ROUTE);
	chan_u64(queue, 1);
	chan_bytes(queue, SPAN("no envelope"));
	chan_u32(queue, 0);
	chan_u32(queue, 0);
	chan_end(queue);
	while (!heard.closed)
		loop_run();
	assert_int_equal(heard.routed, 0);
}

int
main(void)
{
#define T(name)	cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest	tests[] = {
		T(each_recipient_has_its_targets),
		T(only_those_that_are_asked),
		T(one_copy_for_a_place),
		T(in_pieces_of_a_thousand),
		T(a_new_configuration_is_told),
		T(a_new_queue_asks_again),
		T(nonsense_cuts_the_queue_off),
	};
	int	failed;

	loop_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_clear(&big);
	return failed;
}
