/*
 * Connections to loopback: from which address they come, and what cannot be.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mta/relay/dial.h"

/* A listener there; its port. */
static int
listener(const char *text, uint16_t *port)
{
	struct sockaddr_storage	sa;
	struct ip		ip;
	socklen_t		n;
	int			fd;

	assert_true(ip_parse(span_of(text), &ip));
	n = ip_to_sockaddr(&ip, 0, &sa);
	fd = socket(sa.ss_family, SOCK_STREAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sa, n) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	assert_int_equal(listen(fd, 5), 0);
	n = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_true(ip_from_sockaddr((struct sockaddr *)&sa, &ip, port));
	return fd;
}

static void
comes_from(const char *host, const char *source)
{
	struct hop_addr		 a = { .name = "" };
	struct sockaddr_storage	 sa;
	struct outcome		 why;
	struct relay_way	 way = { 0 };
	struct ip		 from, seen;
	socklen_t		 n = sizeof(sa);
	int			 at, fd, got;

	if ((at = listener(host, &a.port)) == -1)
		return;		/* no such family here */
	assert_true(ip_parse(span_of(host), &a.ip));
	assert_true(ip_parse(span_of(source), &from));
	*(from.family == 4 ? &way.source4 : &way.source6) = from;
	a.way = &way;
	assert_int_equal(dial(&a, &fd, &why), DIAL_BEGUN);
	got = accept(at, (struct sockaddr *)&sa, &n);
	assert_true(got != -1);
	assert_true(ip_from_sockaddr((struct sockaddr *)&sa, &seen, NULL));
	assert_true(ip_eq(&seen, &from));
	close(got);
	close(fd);
	close(at);
}

static void
it_comes_from_the_source(void **state)
{
	(void)state;
	comes_from("127.0.0.1", "127.0.0.1");
	comes_from("127.0.0.1", "127.0.0.77");
	comes_from("::1", "::1");
}

static void
a_source_that_is_not_ours(void **state)
{
	struct relay_way	way = { 0 };
	struct hop_addr		a = { .name = "", .port = 9, .way = &way };
	struct outcome		why;
	int			fd = -1;

	(void)state;
	assert_true(ip_parse(SPAN("127.0.0.1"), &a.ip));
	assert_true(ip_parse(SPAN("192.0.2.77"), &way.source4));
	assert_int_equal(dial(&a, &fd, &why), DIAL_OURS);
	assert_int_equal(fd, -1);
	assert_int_equal(why.code, 451);
	assert_string_equal(why.status, "4.3.5");
	assert_string_equal(why.text, "cannot send from the address "
	    "192.0.2.77: Cannot assign requested address");
}

static void
a_socket_that_is_not_there(void **state)
{
	struct hop_addr	a = { .name = "/var/tmp/waybill-no-such-socket" };
	struct outcome	why;
	int		fd;

	(void)state;
	assert_int_equal(dial(&a, &fd, &why), DIAL_FAILED);
	assert_string_equal(why.status, "4.4.1");
	assert_string_equal(why.text, "cannot connect to "
	    "[/var/tmp/waybill-no-such-socket]: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(it_comes_from_the_source),
		cmocka_unit_test(a_source_that_is_not_ours),
		cmocka_unit_test(a_socket_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
