/*
 * conns_test.c - sessions over real sockets: reuse, other addresses, the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/relay/conns.h"
#include "ruleset/build.h"

/* --- a hop that takes all */

struct visitor {
	struct hop	*hop;
	struct watch	 watch;
	int		 fd;
	struct buf	 in;
	bool		 data;
	unsigned	 messages;
};

struct hop {
	struct watch	watch;
	int		fd;
	uint16_t	port;
	unsigned	visits, messages, open;
	bool		forgets;	/* closes at the second message's MAIL */
	bool		silent;		/* does not answer the dot */
	const char	*greeting;
	struct visitor	*latest;
};

static void
leave(struct visitor *v)
{
	watch_clear(&v->watch);
	close(v->fd);
	buf_clear(&v->in);
	v->hop->open--;
	if (v->hop->latest == v)
		v->hop->latest = NULL;
	free(v);
}

static void
say(struct visitor *v, const char *text)
{
	assert_int_equal(file_write_all(v->fd, text, strlen(text)), 0);
}

/* One line; false: the visitor is gone. */
static bool
serve_line(struct visitor *v, struct span line)
{
	if (v->data) {
		if (!span_eq(line, SPAN(".")))
			return true;
		v->data = false;
		v->messages++;
		v->hop->messages++;
		if (!v->hop->silent)
			say(v, "250 2.0.0 taken\r\n");
	} else if (span_prefix(line, SPAN("EHLO"))) {
		say(v, "250-hop.example\r\n250 PIPELINING\r\n");
	} else if (span_prefix(line, SPAN("MAIL")) && v->hop->forgets &&
	    v->messages > 0) {
		leave(v);
		return false;
	} else if (span_eq(line, SPAN("DATA"))) {
		v->data = true;
		say(v, "354 go\r\n");
	} else if (span_eq(line, SPAN("QUIT"))) {
		say(v, "221 bye\r\n");
		leave(v);
		return false;
	} else {
		say(v, "250 ok\r\n");
	}
	return true;
}

static void
visitor_readable(void *arg, int what)
{
	struct visitor	*v = arg;
	char		*room = buf_reserve(&v->in, 65536);
	ssize_t		 n = read(v->fd, room, 65536), nl;
	struct span	 line;

	(void)what;
	if (n <= 0) {
		leave(v);
		return;
	}
	buf_grown(&v->in, (size_t)n);
	while ((nl = span_index(buf_span(&v->in), '\n')) > 0) {
		line = (struct span){ buf_span(&v->in).p, (size_t)nl - 1 };
		if (!serve_line(v, line))
			return;
		buf_eat(&v->in, (size_t)nl + 1);
	}
}

static void
hop_readable(void *arg, int what)
{
	struct hop	*h = arg;
	struct visitor	*v = xcalloc(1, sizeof(*v));

	(void)what;
	v->hop = h;
	v->fd = accept(h->fd, NULL, NULL);
	assert_true(v->fd != -1);
	h->visits++;
	h->open++;
	h->latest = v;
	watch_set(&v->watch, v->fd, LOOP_READ, visitor_readable, v);
	say(v, h->greeting);
}

static uint16_t
bind_port(int fd)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		n = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
	return ntohs(sin.sin_port);
}

static void
hop_open(struct hop *h)
{
	memset(h, 0, sizeof(*h));
	h->greeting = "220 hop.example\r\n";
	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	h->port = bind_port(h->fd);
	assert_int_equal(listen(h->fd, 16), 0);
	watch_set(&h->watch, h->fd, LOOP_READ, hop_readable, h);
}

static void
hop_close(struct hop *h)
{
	watch_clear(&h->watch);
	close(h->fd);
}

/* --- the owner */

static struct {
	struct hops		 hops;
	struct conns		*conns;
	struct hop		 hop;
	struct rs_image		*image;
	struct buf		 octets, told;
	int			 content;
	unsigned		 wanted;	/* answers */
	struct timer		 timer;
} t;

static void
on_done(void *arg, struct job *j)
{
	(void)arg;
	buf_addf(&t.told, "%s%llu: %u %.*s%s", t.told.n > 0 ? "; " : "",
	    (unsigned long long)j->id, j->rcpts[0].code,
	    SPAN_ARG(j->rcpts[0].status), j->connected ? "" : " unconnected");
	job_free(&j);
	if (--t.wanted == 0)
		loop_stop();
}

static void
put_object(struct rs_build *b, enum rs_object_kind kind, const char *name,
    enum rs_option option, const uint16_t *ports, size_t n)
{
	uint32_t	o = rs_build_object(b, kind, span_of(name), 1);
	struct rs_value	v;
	struct rs_place	p[2];
	size_t		i;

	v = rs_text(RS_T_TEXT, SPAN("127.0.0.1"));
	p[0] = (struct rs_place){ .index = rs_build_const(b, &v) };
	for (i = 0; i < n; i++) {
		v = rs_int(RS_T_INT, ports[i]);
		p[1] = (struct rs_place){ .index = rs_build_const(b, &v) };
		rs_build_option(b, o, option, false, 1, p, ports[i] ? 2 : 1);
	}
	if (kind != RS_O_RELAY)
		return;
	v = rs_text(RS_T_TEXT, SPAN("connect"));
	p[0] = (struct rs_place){ .index = rs_build_const(b, &v) };
	rs_build_option(b, o, RS_OPT_RELAY_move_on, true, 1, p, 1);
}

/* relay hub: first a port where nobody listens, then the hop's. */
static void
make_image(void)
{
	struct rs_build	*b = rs_build_new();
	const uint16_t	 none[1] = { 0 };
	uint16_t	 ports[2];
	int		 fd = socket(AF_INET, SOCK_STREAM, 0);
	const char	*why = "";

	ports[0] = bind_port(fd);
	ports[1] = t.hop.port;
	close(fd);
	put_object(b, RS_O_SERVER, "", RS_OPT_SERVER_hostname, none, 1);
	put_object(b, RS_O_RELAY, "hub", RS_OPT_RELAY_host, ports, 2);
	put_object(b, RS_O_RELAY, "nobody", RS_OPT_RELAY_host, ports, 1);
	if (rs_build_finish(b, &t.octets, &why) == -1 ||
	    (t.image = rs_image_open_mem(buf_span(&t.octets).p, t.octets.n,
	    &why)) == NULL)
		fail_msg("%s", why);
	rs_build_free(&b);
}

static int
set_up(void **state)
{
	static const struct self_locals	none;

	(void)state;
	alarm(20);
	memset(&t, 0, sizeof(t));
	hop_open(&t.hop);
	make_image();
	t.hops.self = self_new(SPAN("me.example"), &none);
	t.hops.image = t.image;
	t.hops.blocks = relay_blocks_read(t.image);
	t.conns = conns_new(&t.hops, on_done, NULL);
	t.content = memfd_create("content", MFD_CLOEXEC);
	assert_int_equal(file_write_all(t.content, "a: b\r\n", 6), 0);
	return 0;
}

static void
stop_loop(void *arg)
{
	(void)arg;
	loop_stop();
}

static void
run_for_ms(int64_t ms)
{
	timer_set(&t.timer, ms, stop_loop, NULL);
	loop_run();
}

static void
ended(void *arg)
{
	(void)arg;
}

static int
tear_down(void **state)
{
	(void)state;
	conns_stop(t.conns, ended);
	while (conns_counters(t.conns)->sessions > 0)
		run_for_ms(10);
	conns_free(&t.conns);
	while (t.hop.open > 0)
		leave(t.hop.latest);
	hop_close(&t.hop);
	close(t.content);
	self_unref(&t.hops.self);
	relay_blocks_free(&t.hops.blocks);
	rs_image_free(&t.image);
	buf_clear(&t.octets);
	buf_clear(&t.told);
	timer_clear(&t.timer);
	return 0;
}

static void
give(uint64_t id, const char *hop)
{
	struct arena	 arena = { 0 };
	struct job	*j = arena_alloc(&arena, sizeof(*j));

	j->arena = arena;
	j->id = id;
	j->connected = true;
	j->hop = arena_span(&j->arena, span_of(hop));
	j->sender = SPAN("a@x");
	j->fd = dup(t.content);
	j->length = 6;
	j->n = 1;
	j->rcpts = arena_alloc(&j->arena, sizeof(*j->rcpts));
	j->rcpts[0].address = SPAN("b@y");
	conns_take(t.conns, j);
}

/* Until n jobs have been answered. */
static const char *
answers(unsigned n)
{
	t.wanted = n;
	loop_run();
	return buf_cstr(&t.told);
}

/* --- tests */

static void
the_next_address_is_tried(void **state)
{
	(void)state;
	give(1, "relay:hub");
	assert_string_equal(answers(1), "1: 250 2.0.0");
	assert_int_equal(conns_counters(t.conns)->connects, 2);
}

static void
a_dead_address_is_passed_over_for_a_while(void **state)
{
	(void)state;
	give(1, "relay:hub");
	(void)answers(1);
	conns_renew(t.conns);
	give(2, "relay:hub");
	assert_string_equal(answers(1), "1: 250 2.0.0; 2: 250 2.0.0");
	assert_int_equal(conns_counters(t.conns)->connects, 3);
}

static void
when_all_are_dead_they_are_tried_all_the_same(void **state)
{
	(void)state;
	give(1, "relay:nobody");
	(void)answers(1);
	give(2, "relay:nobody");
	assert_string_equal(answers(1),
	    "1: 451 4.4.1 unconnected; 2: 451 4.4.1 unconnected");
	assert_int_equal(conns_counters(t.conns)->connects, 2);
	assert_int_equal(conns_counters(t.conns)->deferred, 2);
}

static void
a_session_takes_one_message_after_the_other(void **state)
{
	(void)state;
	give(1, "relay:hub");
	(void)answers(1);
	give(2, "relay:hub");
	(void)answers(1);
	give(3, "relay:hub");
	assert_string_equal(answers(1),
	    "1: 250 2.0.0; 2: 250 2.0.0; 3: 250 2.0.0");
	assert_int_equal(t.hop.visits, 1);
	assert_int_equal(t.hop.messages, 3);
	assert_int_equal(conns_counters(t.conns)->reused, 2);
	assert_int_equal(conns_counters(t.conns)->idle, 1);
}

static void
two_at_once_have_two_sessions(void **state)
{
	(void)state;
	give(1, "relay:hub");
	give(2, "relay:hub");
	(void)answers(2);
	assert_int_equal(t.hop.visits, 2);
	assert_int_equal(conns_counters(t.conns)->idle, 2);
}

static void
a_stale_session_is_no_failure(void **state)
{
	(void)state;
	t.hop.forgets = true;
	give(1, "relay:hub");
	(void)answers(1);
	give(2, "relay:hub");
	assert_string_equal(answers(1), "1: 250 2.0.0; 2: 250 2.0.0");
	assert_int_equal(t.hop.visits, 2);
}

/* It lies unread in the socket when the next message comes. */
static void
a_session_that_spoke_while_idle_is_not_used_again(void **state)
{
	const int	on = 1;

	(void)state;
	give(1, "relay:hub");
	(void)answers(1);
	assert_int_equal(setsockopt(t.hop.latest->fd, IPPROTO_TCP, TCP_NODELAY,
	    &on, sizeof(on)), 0);
	say(t.hop.latest, "250 2.0.0 surplus\r\n");
	(void)poll(NULL, 0, 20);
	give(2, "relay:hub");
	assert_string_equal(answers(1), "1: 250 2.0.0; 2: 250 2.0.0");
	assert_int_equal(t.hop.visits, 2);
	assert_int_equal(t.hop.messages, 2);
}

static void
other_hops_have_other_sessions(void **state)
{
	char	hop[64];

	(void)state;
	snprintf(hop, sizeof(hop), "host:[127.0.0.1]:%u", t.hop.port);
	give(1, "relay:hub");
	(void)answers(1);
	give(2, hop);
	(void)answers(1);
	assert_int_equal(t.hop.visits, 2);
}

static void
a_new_policy_ends_idle_sessions(void **state)
{
	(void)state;
	give(1, "relay:hub");
	(void)answers(1);
	conns_renew(t.conns);
	run_for_ms(50);
	assert_int_equal(t.hop.open, 0);
	assert_int_equal(conns_counters(t.conns)->sessions, 0);
}

static void
an_idle_session_ends_after_a_while(void **state)
{
	(void)state;
	give(1, "relay:hub");
	(void)answers(1);
	conns_tick(t.conns, loop_now_ms() + CONNS_IDLE_MS / 2);
	assert_int_equal(conns_counters(t.conns)->idle, 1);
	conns_tick(t.conns, loop_now_ms() + CONNS_IDLE_MS + 1);
	assert_int_equal(conns_counters(t.conns)->idle, 0);
	run_for_ms(50);
	assert_int_equal(t.hop.open, 0);
}

static void
a_hop_that_does_not_answer_holds_a_message_for_a_time(void **state)
{
	(void)state;
	t.hop.silent = true;
	give(1, "relay:hub");
	while (t.hop.messages == 0)
		run_for_ms(10);
	conns_tick(t.conns, loop_now_ms() + 599000);
	assert_int_equal(t.told.n, 0);
	t.wanted = 1;
	conns_tick(t.conns, loop_now_ms() + 601000);
	assert_string_equal(buf_cstr(&t.told), "1: 451 4.4.2 unconnected");
}

static void
a_refused_greeting_leads_to_the_next_address(void **state)
{
	(void)state;
	t.hop.greeting = "554 no\r\n";
	give(1, "relay:hub");
	assert_string_equal(answers(1), "1: 454 4.0.0 unconnected");
	t.hop.greeting = "521 no\r\n";
	give(2, "relay:hub");	/* the other address may be there tomorrow */
	buf_reset(&t.told);
	assert_string_equal(answers(1), "2: 451 4.4.1 unconnected");
}

static bool
any_job(const struct job *j)
{
	return j != NULL;
}

static void
what_was_not_sent_is_dropped_with_its_owner(void **state)
{
	(void)state;
	give(1, "relay:hub");
	conns_abandon(t.conns, any_job);
	run_for_ms(50);
	assert_int_equal(t.told.n, 0);
	assert_int_equal(t.hop.messages, 0);
	assert_int_equal(conns_counters(t.conns)->sessions, 0);
}

static void
what_was_sent_is_waited_for(void **state)
{
	(void)state;
	t.hop.silent = true;
	give(1, "relay:hub");
	while (t.hop.messages == 0)
		run_for_ms(10);
	conns_abandon(t.conns, any_job);
	assert_int_equal(conns_counters(t.conns)->sessions, 1);
	say(t.hop.latest, "250 2.6.0 late\r\n");
	assert_string_equal(answers(1), "1: 250 2.6.0");
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(the_next_address_is_tried),
		TEST(a_dead_address_is_passed_over_for_a_while),
		TEST(when_all_are_dead_they_are_tried_all_the_same),
		TEST(a_session_takes_one_message_after_the_other),
		TEST(two_at_once_have_two_sessions),
		TEST(a_stale_session_is_no_failure),
		TEST(a_session_that_spoke_while_idle_is_not_used_again),
		TEST(other_hops_have_other_sessions),
		TEST(a_new_policy_ends_idle_sessions),
		TEST(an_idle_session_ends_after_a_while),
		TEST(a_hop_that_does_not_answer_holds_a_message_for_a_time),
		TEST(a_refused_greeting_leads_to_the_next_address),
		TEST(what_was_not_sent_is_dropped_with_its_owner),
		TEST(what_was_sent_is_waited_for),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
