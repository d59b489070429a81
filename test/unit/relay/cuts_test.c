/*
 * cuts_test.c - CUT from a session's channel, and what becomes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fileio.h"
#include "mta/msg/msg.h"
#include "mta/relay/cuts.h"
#include "../base/run_loop.h"

#define CONTENT	"Subject: t\r\n\r\n.dot\r\n"

/* A hop that says as much as it is told to, to its one visitor after the other. */
static struct {
	int		 fd, visitor;
	int		 old[8];	/* visitors that are not heard any more */
	unsigned	 nold, port, visitors, messages;
	struct watch	 watch, said;
	const char	*dot;		/* its answer to the final dot; NULL: silence */
	bool		 mute;		/* not even a greeting */
	bool		 data;
	struct buf	 in;
}			 hop;

static struct conns		*conns;
static struct cuts		*cuts;
static struct chan		*near_end, *far_end;
static struct job		*queued[4];
static size_t			 nqueued;
static struct hops		 hops;
static struct self_locals	 locals;
static struct buf		 told;

/* --- the hop */

static void
hop_line(struct span line)
{
	const char	*reply = "250 2.0.0 ok\r\n";

	if (hop.data) {
		if (!span_eq(line, SPAN(".")))
			return;
		hop.data = false;
		hop.messages++;
		if ((reply = hop.dot) == NULL)
			return;
	} else if (span_eq(line, SPAN("DATA"))) {
		hop.data = true;
		reply = "354 go on\r\n";
	}
	assert_int_equal(file_write_all(hop.visitor, reply, strlen(reply)), 0);
}

static void
hop_hears(void *arg, int what)
{
	char		room[4096];
	ssize_t		n = read(hop.visitor, room, sizeof(room));
	ptrdiff_t	lf;

	(void)what;
	(void)arg;
	if (n <= 0) {
		watch_clear(&hop.said);
		return;
	}
	buf_add(&hop.in, room, (size_t)n);
	while ((lf = span_index(buf_span(&hop.in), '\n')) >= 0) {
		hop_line(span_mem(buf_span(&hop.in).p, (size_t)lf - 1));
		buf_eat(&hop.in, (size_t)lf + 1);
	}
}

static void
hop_visited(void *arg, int what)
{
	(void)what;
	(void)arg;
	if (hop.visitor != -1) {
		watch_clear(&hop.said);
		assert_true(hop.nold < 8);
		hop.old[hop.nold++] = hop.visitor;
	}
	hop.visitor = accept(hop.fd, NULL, NULL);
	hop.visitors++;
	buf_reset(&hop.in);
	watch_set(&hop.said, hop.visitor, LOOP_READ, hop_hears, NULL);
	if (!hop.mute)
		assert_int_equal(file_write_all(hop.visitor,
		    "220 hop.example\r\n", 17), 0);
}

static void
hop_open(void)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		n = sizeof(sin);

	hop.visitor = -1;
	hop.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(hop.fd, (struct sockaddr *)&sin, n), 0);
	assert_int_equal(getsockname(hop.fd, (struct sockaddr *)&sin, &n), 0);
	assert_int_equal(listen(hop.fd, 8), 0);
	hop.port = ntohs(sin.sin_port);
	hop.dot = "250 2.0.0 taken\r\n";
	watch_set(&hop.watch, hop.fd, LOOP_READ, hop_visited, NULL);
}

/* --- relay's side */

static void
job_ended(void *arg, struct job *j)
{
	(void)arg;
	cuts_ended(cuts, j->hop);
	if (j->cut) {
		cuts_done(cuts, j);
		return;
	}
	assert_true(nqueued < 4);
	queued[nqueued++] = j;
	loop_stop();
}

static bool
on_cut(struct chan *c, struct msg *m, void *arg)
{
	(void)arg;
	return m->type == MSG_CUT && cuts_ask(cuts, c, m);
}

static void
far_closed(struct chan *c, void *arg)
{
	(void)arg;
	cuts_gone(cuts, c);
	far_end = NULL;
	loop_stop();
}

/* "ticket: code status text, ..." */
static bool
on_done(struct chan *c, struct msg *m, void *arg)
{
	uint32_t	n, i, index;

	(void)c;
	(void)arg;
	assert_int_equal(m->type, MSG_CUT_DONE);
	buf_addf(&told, "%llu:", (unsigned long long)msg_u64(m));
	(void)msg_bytes(m, 1000);
	(void)msg_bytes(m, 1000);
	(void)msg_bytes(m, 1000);
	n = msg_u32(m);
	for (i = 0; i < n; i++) {
		struct span	status, text;
		unsigned	code;

		index = msg_u32(m);
		code = msg_u16(m);
		status = msg_bytes(m, 1000);
		text = msg_bytes(m, 1000);
		(void)msg_bytes(m, 1000);
		buf_addf(&told, " %u=%u %.*s %.*s;", index, code,
		    SPAN_ARG(status), SPAN_ARG(text));
	}
	assert_true(msg_end(m));
	loop_stop();
	return true;
}

static void
near_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	near_end = NULL;
	loop_stop();
}

static int
set_up(void **state)
{
	static const struct chan_ops	 far = { on_cut, far_closed };
	static const struct chan_ops	 near = { on_done, near_closed };
	int				 fds[2];

	(void)state;
	loop_init();
	memset(&hop, 0, sizeof(hop));
	hop_open();
	nqueued = 0;
	hops.self = self_new(SPAN("localhost"), &locals);
	hops.mx_port = 25;
	hops.blocks = relay_blocks_read(NULL);
	conns = conns_new(&hops, job_ended, NULL);
	cuts = cuts_new(conns);
	chan_pair(fds);
	far_end = chan_new(fds[0], "smtp", &far, NULL);
	near_end = chan_new(fds[1], "relay", &near, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	cuts_free(&cuts);
	conns_free(&conns);
	chan_free(&near_end);
	chan_free(&far_end);
	while (nqueued > 0)
		job_free(&queued[--nqueued]);
	self_unref(&hops.self);
	relay_blocks_free(&hops.blocks);
	watch_clear(&hop.watch);
	watch_clear(&hop.said);
	close(hop.fd);
	if (hop.visitor != -1)
		close(hop.visitor);
	while (hop.nold > 0)
		close(hop.old[--hop.nold]);
	buf_clear(&hop.in);
	buf_clear(&told);
	loop_clear();
	return 0;
}

static void
stop_now(void *arg)
{
	(void)arg;
	loop_stop();
}

static void
run_for_ms(int64_t ms)
{
	struct timer	t = { 0 };

	timer_set(&t, ms, stop_now, NULL);
	loop_run();
	timer_clear(&t);
}

/* --- what a worker says */

static char *
hop_text(void)
{
	static char	text[64];

	snprintf(text, sizeof(text), "host:[127.0.0.1]:%u", hop.port);
	return text;
}

/* One recipient for each address, one blank between. */
static void
ask_with(uint64_t ticket, const char *to, struct span content)
{
	struct span	left = span_of(to), one;
	ptrdiff_t	blank;
	uint32_t	n = 1, i;

	for (i = 0; i < left.n; i++)
		n += left.p[i] == ' ';
	chan_begin(near_end, MSG_CUT);
	chan_u64(near_end, ticket);
	chan_u64(near_end, 7);
	chan_str(near_end, hop_text());
	chan_u32(near_end, 2);
	chan_u32(near_end, 100);
	chan_u32(near_end, 0);
	chan_str(near_end, "a@sender.example");
	chan_str(near_end, "");
	chan_u32(near_end, n);
	for (i = 0; i < n; i++) {
		blank = span_index(left, ' ');
		one = blank < 0 ? left : span_mem(left.p, (size_t)blank);
		left = span_from(left, one.n + (blank >= 0));
		chan_u32(near_end, i);
		chan_bytes(near_end, one);
		chan_u8(near_end, 0);
		chan_str(near_end, "");
		chan_str(near_end, "");
	}
	chan_u8(near_end, 0);
	chan_bytes(near_end, content);
	chan_end(near_end);
}

static void
ask(uint64_t ticket, const char *to)
{
	ask_with(ticket, to, SPAN(CONTENT));
}

static const char *
answer(void)
{
	buf_reset(&told);
	while (told.n == 0)
		run_loop();
	buf_add_char(&told, '\0');
	return buf_span(&told).p;
}

static void
wait_messages(unsigned n)
{
	while (hop.messages < n)
		run_for_ms(5);
}

/* As the queue gives one. */
static void
give_queued(void)
{
	struct job	*j = job_probe(1, span_of(hop_text()), SPAN("q@x.example"));

	if (!cuts_hold(cuts, j))
		conns_take(conns, j);
}

/* --- tests */

static void
taken(void **state)
{
	(void)state;
	ask(1, "x@far.example y@far.example");
	assert_string_equal(answer(), "1: 0=250 2.0.0 taken; 1=250 2.0.0 taken;");
	ask(2, "x@far.example");
	assert_string_equal(answer(), "2: 0=250 2.0.0 taken;");
	assert_int_equal(hop.visitors, 1);	/* the connection is kept */
	assert_int_equal(cuts_counters(cuts)->taken, 2);
}

static void
refused_by_the_hop_in_its_words(void **state)
{
	(void)state;
	hop.dot = "554 5.7.1 never\r\n";
	ask(1, "x@far.example");
	assert_string_equal(answer(), "1: 0=554 5.7.1 never;");
	ask(2, "x@far.example");	/* that was no trouble */
	assert_string_equal(answer(), "2: 0=554 5.7.1 never;");
}

static void
nonsense_cuts_the_worker_off(void **state)
{
	(void)state;
	ask_with(1, "x@far.example", SPAN(""));
	while (near_end != NULL)
		run_loop();
	assert_int_equal(hop.visitors, 0);
}

static void
no_connection_in_time(void **state)
{
	(void)state;
	hop.mute = true;
	ask(1, "x@far.example");
	while (hop.visitors == 0)
		run_for_ms(5);
	cuts_tick(cuts, loop_now_ms() + CUT_BEGIN_MS - 1000);
	assert_int_equal(conns_busy(conns, span_of(hop_text())), 1);
	cuts_tick(cuts, loop_now_ms() + CUT_BEGIN_MS);
	assert_string_equal(answer(), "1: 0=451 4.4.5 no connection to the "
	    "next hop in time;");
	assert_int_equal(conns_busy(conns, span_of(hop_text())), 0);
	ask(2, "x@far.example");	/* it rests */
	assert_string_equal(answer(), "2: 0=451 4.4.5 the next hop was in "
	    "trouble;");
}

static void
a_dot_that_is_not_answered(void **state)
{
	(void)state;
	hop.dot = NULL;
	ask(1, "x@far.example");
	wait_messages(1);
	cuts_tick(cuts, loop_now_ms() + CUT_SENT_MS);	/* it has left */
	assert_int_equal(told.n, 0);
	cuts_tick(cuts, loop_now_ms() + CUT_ANSWER_MS);
	assert_string_equal(answer(), "1: 0=451 4.4.5 the next hop has not "
	    "answered in time;");
	/* The session goes on: what comes then is told to nobody. */
	assert_int_equal(conns_busy(conns, span_of(hop_text())), 1);
	assert_int_equal(file_write_all(hop.visitor, "250 2.0.0 late\r\n", 16),
	    0);
	while (conns_busy(conns, span_of(hop_text())) > 0)
		run_for_ms(5);
	assert_int_equal(cuts_counters(cuts)->late, 1);
}

static void
two_connections_and_no_more(void **state)
{
	(void)state;
	hop.mute = true;
	ask(1, "x@far.example");
	give_queued();
	while (conns_busy(conns, span_of(hop_text())) < 2)
		run_for_ms(5);
	ask(2, "x@far.example");
	assert_string_equal(answer(), "2: 0=451 4.4.5 all connections to the "
	    "next hop are in use;");
	give_queued();		/* waits for the end of one */
	run_for_ms(20);
	assert_int_equal(conns_busy(conns, span_of(hop_text())), 2);
	cuts_tick(cuts, loop_now_ms() + CUT_BEGIN_MS);
	while (conns_busy(conns, span_of(hop_text())) < 2)
		run_for_ms(5);
	assert_int_equal(nqueued, 0);
}

static void
the_queue_takes_its_jobs_back(void **state)
{
	(void)state;
	hop.mute = true;
	ask(1, "x@far.example");
	give_queued();
	while (conns_busy(conns, span_of(hop_text())) < 2)
		run_for_ms(5);
	give_queued();
	cuts_forget_queue(cuts);
	cuts_tick(cuts, loop_now_ms() + CUT_BEGIN_MS);
	assert_string_equal(answer(), "1: 0=451 4.4.5 no connection to the "
	    "next hop in time;");
	run_for_ms(20);
	assert_int_equal(conns_busy(conns, span_of(hop_text())), 1);
}

static void
a_worker_that_dies_takes_back_what_was_not_sent(void **state)
{
	(void)state;
	hop.mute = true;
	ask(1, "x@far.example");
	while (conns_busy(conns, span_of(hop_text())) == 0)
		run_for_ms(5);
	chan_free(&near_end);
	while (far_end != NULL)
		run_loop();
	assert_int_equal(conns_busy(conns, span_of(hop_text())), 0);
}

static void
a_stop_begins_nothing(void **state)
{
	(void)state;
	hop.dot = NULL;
	ask(1, "x@far.example");
	wait_messages(1);
	cuts_stop(cuts);
	ask(2, "x@far.example");
	assert_string_equal(answer(), "2: 0=451 4.4.5 the server is closing "
	    "down;");
	assert_int_equal(file_write_all(hop.visitor, "250 2.0.0 ok\r\n", 14),
	    0);
	assert_string_equal(answer(), "1: 0=250 2.0.0 ok;");
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(taken),
		TEST(refused_by_the_hop_in_its_words),
		TEST(nonsense_cuts_the_worker_off),
		TEST(no_connection_in_time),
		TEST(a_dot_that_is_not_answered),
		TEST(two_connections_and_no_more),
		TEST(the_queue_takes_its_jobs_back),
		TEST(a_worker_that_dies_takes_back_what_was_not_sent),
		TEST(a_stop_begins_nothing),
	};

	return cmocka_run_group_tests_name("cuts", tests, NULL, NULL);
}
