/*
 * chan_test.c - messages between processes: order, bounds, descriptors, death.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/chan.h"
#include "base/loop.h"

#include "test/unit/base/run_loop.h"

#define MANY	20000

/* What one end has heard. */
struct ear {
	unsigned	heard;
	uint32_t	next;		/* number that must come */
	unsigned	stop_after;	/* the loop ends with this message */
	unsigned	free_after;	/* freed in the callback */
	bool		closed;
	bool		fields_ok;
	struct chan	*chan;
	int		fds[600];
	unsigned	nfds;
	size_t		octets;
};

static bool
hear(struct chan *c, struct msg *m, void *arg)
{
	struct ear	*e = arg;
	struct span	 s;

	assert_ptr_equal(c, e->chan);
	e->fields_ok = msg_u32(m) == e->next++;
	s = msg_bytes(m, CHAN_MSG_MAX);
	e->octets += s.n;
	if (m->type == 2)
		e->fds[e->nfds++] = msg_fd(m);
	e->fields_ok = e->fields_ok && msg_end(m);
	assert_true(e->fields_ok);
	e->heard++;
	if (e->heard == e->free_after)
		chan_free(&e->chan);
	if (e->heard == e->stop_after)
		loop_stop();
	return true;
}

static void
gone(struct chan *c, void *arg)
{
	struct ear	*e = arg;

	assert_ptr_equal(c, e->chan);
	e->chan = NULL;
	e->closed = true;
	loop_stop();
}

static const struct chan_ops	ops = { hear, gone };

static struct chan *
pair(struct ear *e, int *raw)
{
	int	fds[2];

	chan_pair(fds);
	*e = (struct ear){ 0 };
	e->chan = chan_new(fds[1], "ear", &ops, e);
	if (raw != NULL) {
		*raw = fds[0];
		return NULL;
	}
	return chan_new(fds[0], "mouth", &ops, NULL);
}

static void
say(struct chan *c, uint32_t n, struct span s, int fd)
{
	chan_begin(c, fd == -1 ? 1 : 2);
	chan_u32(c, n);
	chan_bytes(c, s);
	if (fd != -1)
		chan_fd(c, fd);
	chan_end(c);
}

static void
many_messages_keep_their_order(void **state)
{
	struct ear	 e;
	struct chan	*c = pair(&e, NULL);
	char		 text[300];
	uint32_t	 i;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (i = 0; i < MANY; i++)
		say(c, i, span_mem(text, i % sizeof(text)), -1);
	assert_true(chan_backlog(c) > MANY * 100);
	e.stop_after = MANY;
	run_loop();
	assert_int_equal(e.heard, MANY);
	assert_int_equal(chan_backlog(c), 0);
	chan_free(&c);
	chan_free(&e.chan);
}

static void
all_kinds_of_fields_come_back(void **state)
{
	static const char	wire[] = "\x01\x02\x03\x04\x05\x06\x07\x08"
	    "\x09\x0a\x0b\x0c\x0d\x0e\x0f\x02\x00\x00\x00hi";
	struct msg		m = {
		.left = { wire, sizeof(wire) - 1 }, .fd = -1
	};

	(void)state;
	assert_int_equal(msg_u8(&m), 0x01);
	assert_int_equal(msg_u16(&m), 0x0302);
	assert_int_equal(msg_u32(&m), 0x07060504);
	assert_true(msg_u64(&m) == 0x0f0e0d0c0b0a0908u);
	assert_false(msg_end(&m));		/* leftovers */
	m.bad = false;
	assert_true(span_eq(msg_bytes(&m, 2), SPAN("hi")));
	assert_true(msg_end(&m));
	assert_int_equal(msg_u32(&m), 0);	/* nothing there */
	assert_false(msg_end(&m));
}

static void
a_field_that_is_too_long_is_bad(void **state)
{
	static const char	long_one[] = "\x03\x00\x00\x00xyz";
	static const char	lying[] = "\xff\xff\xff\xffxyz";
	struct msg		m = { .left = { long_one, 7 }, .fd = -1 };

	(void)state;
	assert_int_equal(msg_bytes(&m, 2).n, 0);
	assert_true(m.bad);
	m = (struct msg){ .left = { lying, 7 }, .fd = -1 };
	assert_int_equal(msg_bytes(&m, SIZE_MAX).n, 0);
	assert_true(m.bad);
	m = (struct msg){ .left = { lying, 7 }, .fd = -1 };
	assert_int_equal(msg_fd(&m), -1);
	assert_true(m.bad);
}

static int
numbered_file(unsigned n)
{
	char	path[] = "/tmp/chan_test.XXXXXX";
	int	fd = mkstemp(path);

	assert_int_not_equal(fd, -1);
	(void)unlink(path);
	assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
	return fd;
}

static unsigned
number_in(int fd)
{
	unsigned	n = 0;

	assert_int_equal(pread(fd, &n, sizeof(n), 0), sizeof(n));
	return n;
}

static void
descriptors_come_with_their_messages(void **state)
{
	struct ear	 e;
	struct chan	*c = pair(&e, NULL);
	static char	 big[300000];
	unsigned	 i, with_fd = 0;

	(void)state;
	for (i = 0; i < 300; i++)
		if (i % 3 == 0)
			say(c, i, SPAN_NONE, -1);
		else
			say(c, i, span_mem(big, i % 50 == 1 ? sizeof(big) : 9),
			    numbered_file(with_fd++));
	e.stop_after = 300;
	run_loop();
	assert_int_equal(e.nfds, with_fd);
	for (i = 0; i < with_fd; i++) {
		assert_int_equal(number_in(e.fds[i]), i);
		assert_true(fcntl(e.fds[i], F_GETFD) & FD_CLOEXEC);
		close(e.fds[i]);
	}
	chan_free(&c);
	chan_free(&e.chan);
}

static void
the_largest_message_passes(void **state)
{
	struct ear	 e;
	struct chan	*c = pair(&e, NULL);
	size_t		 n = CHAN_MSG_MAX - 8;
	char		*text = malloc(n);

	(void)state;
	assert_non_null(text);
	memset(text, 7, n);
	say(c, 0, span_mem(text, n), -1);
	say(c, 1, SPAN("after"), -1);
	e.stop_after = 2;
	run_loop();
	assert_true(e.octets == n + 5);
	free(text);
	chan_free(&c);
	chan_free(&e.chan);
}

/* Octets that arrive one by one, each in a turn of its own. */
struct dribble {
	int		 fd;
	struct span	 left;
	struct timer	 t;
};

static void
drip(void *arg)
{
	struct dribble	*d = arg;

	if (d->left.n == 0)
		return;
	assert_int_equal(write(d->fd, d->left.p, 1), 1);
	d->left = span_from(d->left, 1);
	timer_set(&d->t, 0, drip, d);
}

static void
a_message_may_arrive_octet_by_octet(void **state)
{
	static const char	wire[] = "\x0a\0\0\0\x01\0\0\0" "\0\0\0\0"
	    "\x02\0\0\0hi" "\x08\0\0\0\x01\0\0\0" "\x01\0\0\0" "\0\0\0\0";
	struct ear		e;
	struct dribble		d = { .left = { wire, sizeof(wire) - 1 } };

	(void)state;
	(void)pair(&e, &d.fd);
	e.stop_after = 2;
	loop_soon(drip, &d);
	run_loop();
	assert_int_equal(e.heard, 2);
	assert_int_equal(e.octets, 2);
	timer_clear(&d.t);
	close(d.fd);
	chan_free(&e.chan);
}

static const struct { const char *name; struct span wire; } nonsense[] = {
	{ "longer than any message", { "\1\0\x80\0\1\0\0\0xx", 10 } },
	{ "unknown flags", { "\0\0\0\0\1\0\2\0", 8 } },
	{ "a descriptor announced, none sent",
	    { "\x08\0\0\0\2\0\1\0" "\0\0\0\0" "\0\0\0\0", 16 } },
};

static void
nonsense_is_cut_off(void **state)
{
	struct ear	e;
	size_t		i;
	int		raw;

	(void)state;
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		print_message("%s\n", nonsense[i].name);
		(void)pair(&e, &raw);
		assert_int_equal(write(raw, nonsense[i].wire.p,
		    nonsense[i].wire.n), nonsense[i].wire.n);
		run_loop();
		assert_true(e.closed);
		assert_int_equal(e.heard, 0);
		close(raw);
	}
}

static bool
refuse(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
	return false;
}

static void
what_the_owner_refuses_is_cut_off(void **state)
{
	static const struct chan_ops	refusing = { refuse, gone };
	struct ear			e = { 0 };
	struct chan			*c;
	int				fds[2];

	(void)state;
	chan_pair(fds);
	c = chan_new(fds[0], "mouth", &ops, NULL);
	e.chan = chan_new(fds[1], "ear", &refusing, &e);
	say(c, 0, SPAN("x"), numbered_file(0));
	run_loop();
	assert_true(e.closed);
	chan_free(&c);
}

static void
what_was_sent_before_death_is_heard(void **state)
{
	struct ear	 e;
	struct chan	*c = pair(&e, NULL);

	(void)state;
	say(c, 0, SPAN("last"), -1);
	say(c, 1, SPAN("words"), numbered_file(1));
	chan_free(&c);
	run_loop();
	assert_int_equal(e.heard, 2);
	assert_true(e.closed);
	assert_int_equal(number_in(e.fds[0]), 1);
	close(e.fds[0]);
}

static void
a_channel_may_be_freed_in_its_callback(void **state)
{
	struct ear	 e;
	struct chan	*c = pair(&e, NULL);
	unsigned	 i;

	(void)state;
	e.free_after = e.stop_after = 3;
	for (i = 0; i < 10; i++)
		say(c, i, SPAN("x"), -1);
	run_loop();
	assert_int_equal(e.heard, 3);
	assert_null(e.chan);
	assert_false(e.closed);
	chan_free(&c);
}

static void
writing_to_the_dead_is_harmless(void **state)
{
	struct ear	 e, dead;
	struct chan	*c;
	int		 fds[2], i;

	(void)state;
	chan_pair(fds);
	e = dead = (struct ear){ 0 };
	c = e.chan = chan_new(fds[0], "mouth", &ops, &e);
	close(fds[1]);
	for (i = 0; i < 100; i++) {
		say(c, 0, SPAN("x"), i == 50 ? numbered_file(0) : -1);
		chan_flush(c);
	}
	assert_int_equal(chan_backlog(c), 0);
	run_loop();
	assert_true(e.closed);
}

static int
start_loop(void **state)
{
	(void)state;
	loop_init();
	return 0;
}

static int
end_loop(void **state)
{
	(void)state;
	loop_clear();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(all_kinds_of_fields_come_back),
		cmocka_unit_test(a_field_that_is_too_long_is_bad),
		cmocka_unit_test(many_messages_keep_their_order),
		cmocka_unit_test(descriptors_come_with_their_messages),
		cmocka_unit_test(the_largest_message_passes),
		cmocka_unit_test(a_message_may_arrive_octet_by_octet),
		cmocka_unit_test(nonsense_is_cut_off),
		cmocka_unit_test(what_the_owner_refuses_is_cut_off),
		cmocka_unit_test(what_was_sent_before_death_is_heard),
		cmocka_unit_test(a_channel_may_be_freed_in_its_callback),
		cmocka_unit_test(writing_to_the_dead_is_harmless),
	};

	return cmocka_run_group_tests(tests, start_loop, end_loop);
}
