/*
 * dial_test.c - streams to servers: addresses one after the other, words for
 * what goes wrong, and ends in the middle; and threads that nobody waits for.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/loop.h"
#include "maps/asked/dial.h"
#include "maps/asked/thread.h"

/* --- name servers: slow.test never answers */

static int	cancelled;

static uint64_t
ask(void *ctx, const char *type, struct span name, asked_records_cb *cb,
    void *arg)
{
	static const struct span	v4[] = {
		{ "127.0.0.1", 9 }, { "no address", 10 }
	};
	static const struct span	v6[] = { { "::1", 3 } };
	bool				is_v6 = strcmp(type, "AAAA") == 0;

	(void)ctx;
	if (span_eq(name, SPAN("slow.test")))
		return is_v6 ? 1 : 2;
	if (span_eq(name, SPAN("fails.test")))
		cb(arg, MAP_LATER, NULL, 0, 0);
	else if (span_eq(name, SPAN("half.test")))
		cb(arg, is_v6 ? MAP_LATER : MAP_FOUND, v4, is_v6 ? 0 : 1, 0);
	else if (span_eq(name, SPAN("here.test")))
		cb(arg, MAP_FOUND, is_v6 ? v6 : v4, is_v6 ? 1 : 2, 0);
	else
		cb(arg, MAP_NONE, NULL, 0, 0);
	return 0;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	assert_in_range(ticket, 1, 2);
	cancelled++;
}

static const struct asked_names	names = { ask, cancel, NULL };

/* --- addresses */

struct told {
	size_t		 n;
	struct ip	 ips[ASKED_ADDRESSES_MAX];
	enum map_result	 result;
	int		 fd;
	char		 why[ASKED_WHY_MAX];
};

static void
on_hosts(void *arg, const struct ip *ips, size_t n, enum map_result result,
    const char *why)
{
	struct told	*t = arg;

	if (n > 0)
		memcpy(t->ips, ips, n * sizeof(*ips));
	t->n = n;
	t->result = result;
	snprintf(t->why, sizeof(t->why), "%s", why);
	loop_stop();
}

static void
hosts_are(const char *host, const struct asked_names *by, size_t n,
    enum map_result result, struct told *t)
{
	struct asked_hosts	*h;

	*t = (struct told){ .n = 99 };
	h = asked_hosts_new(host, by, on_hosts, t);
	assert_int_equal(t->n, 99);		/* not from inside */
	loop_run();
	asked_hosts_free(&h);
	assert_int_equal(t->n, n);
	assert_int_equal(t->result, result);
}

static void
test_addresses(void **state)
{
	struct told	 t;
	char		 text[IP_TEXT_MAX];

	(void)state;
	hosts_are("192.0.2.1", NULL, 1, MAP_FOUND, &t);
	hosts_are("2001:db8::1", NULL, 1, MAP_FOUND, &t);
	hosts_are("here.test", &names, 2, MAP_FOUND, &t);
	assert_string_equal(ip_format(&t.ips[0], text), "::1");
	assert_string_equal(ip_format(&t.ips[1], text), "127.0.0.1");
	hosts_are("half.test", &names, 1, MAP_FOUND, &t);
	hosts_are("no.test", &names, 0, MAP_NONE, &t);
	assert_non_null(strstr(t.why, "no.test has no address"));
	hosts_are("fails.test", &names, 0, MAP_LATER, &t);
	assert_non_null(strstr(t.why, "for now"));
	hosts_are("here.test", NULL, 0, MAP_LATER, &t);
}

static void
test_given_up(void **state)
{
	struct told		 t;
	struct asked_hosts	*h;

	(void)state;
	cancelled = 0;
	h = asked_hosts_new("slow.test", &names, on_hosts, &t);
	asked_hosts_free(&h);
	assert_null(h);
	assert_int_equal(cancelled, 2);
	asked_hosts_free(&h);
}

/* --- streams */

static void
on_dialled(void *arg, int fd, const char *why)
{
	struct told	*t = arg;

	t->fd = fd;
	snprintf(t->why, sizeof(t->why), "%s", why == NULL ? "" : why);
	loop_stop();
}

/* A listener on 127.0.0.1 and its port. */
static int
listener(uint16_t *port)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		 n = sizeof(sin);
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, n), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
dial(const char *where, uint16_t port, struct told *t)
{
	struct asked_place	 p;
	struct asked_dial	*d;
	const char		*why;

	assert_int_equal(asked_place_parse(span_of(where), port, &p, &why), 0);
	*t = (struct told){ .fd = -2 };
	d = asked_dial_new(&p, &names, 1000, on_dialled, t);
	assert_int_equal(t->fd, -2);
	loop_run();
	asked_dial_free(&d);
	asked_place_clear(&p);
}

static void
test_dial(void **state)
{
	struct told	 t;
	uint16_t	 port;
	int		 fd = listener(&port);

	(void)state;
	dial("127.0.0.1", port, &t);
	assert_int_not_equal(t.fd, -1);
	close(t.fd);
	/* Nobody listens on ::1; the next address is tried. */
	dial("here.test", port, &t);
	assert_int_not_equal(t.fd, -1);
	close(t.fd);
	close(fd);
	dial("127.0.0.1", port, &t);
	assert_int_equal(t.fd, -1);
	assert_non_null(strstr(t.why, strerror(ECONNREFUSED)));
	dial("no.test", port, &t);
	assert_non_null(strstr(t.why, "has no address"));
	dial("unix:/nowhere/at/all", 0, &t);
	assert_int_equal(t.fd, -1);
	assert_non_null(strstr(t.why, "unix:/nowhere/at/all: "));
}

static void
test_dial_given_up(void **state)
{
	struct asked_place	 p;
	struct asked_dial	*d;
	struct told		 t;
	const char		*why;

	(void)state;
	assert_int_equal(asked_place_parse(SPAN("slow.test:1"), 0, &p, &why),
	    0);
	cancelled = 0;
	d = asked_dial_new(&p, &names, 1000, on_dialled, &t);
	asked_dial_free(&d);
	assert_int_equal(cancelled, 2);
	asked_place_clear(&p);
}

/* --- threads */

struct work {
	atomic_int	 begun, may_end, ended;
	int		 done;		/* of the loop */
};

static void
nap(void)
{
	struct timespec	 ts = { .tv_nsec = 1000000 };

	nanosleep(&ts, NULL);
}

static void
work(void *arg)
{
	struct work	*w = arg;

	atomic_fetch_add(&w->begun, 1);
	while (!atomic_load(&w->may_end))
		nap();
}

static void
end(void *arg)
{
	atomic_fetch_add(&((struct work *)arg)->ended, 1);
}

static void
on_done(void *owner)
{
	((struct work *)owner)->done++;
	loop_stop();
}

static void
test_thread_works(void **state)
{
	struct work		 w = { .may_end = 1 };
	struct asked_thread	*t = asked_thread_new(end, &w);
	int			 i;

	(void)state;
	assert_non_null(t);
	for (i = 1; i <= 100; i++) {
		asked_thread_run(t, work, on_done, &w);
		loop_run();
		assert_int_equal(w.done, i);
		assert_int_equal(atomic_load(&w.begun), i);
	}
	assert_int_equal(atomic_load(&w.ended), 0);
	asked_thread_leave(&t);
	assert_null(t);
	while (atomic_load(&w.ended) == 0)
		nap();
}

/* Who leaves does not wait; what hangs on it ends when the work has. */
static void
test_thread_is_left(void **state)
{
	struct work		 w = { .may_end = 0 };
	struct asked_thread	*t = asked_thread_new(end, &w);

	(void)state;
	asked_thread_run(t, work, on_done, &w);
	while (atomic_load(&w.begun) == 0)
		nap();
	asked_thread_leave(&t);
	assert_int_equal(atomic_load(&w.ended), 0);
	atomic_store(&w.may_end, 1);
	while (atomic_load(&w.ended) == 0)
		nap();
	assert_int_equal(w.done, 0);
}

static int
set_up(void **state)
{
	(void)state;
	loop_init();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_clear();
	return 0;
}

#define LOOP_TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		LOOP_TEST(test_addresses),
		LOOP_TEST(test_given_up),
		LOOP_TEST(test_dial),
		LOOP_TEST(test_dial_given_up),
		LOOP_TEST(test_thread_works),
		LOOP_TEST(test_thread_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
