/*
 * listeners_test.c - addresses to listen on, and what a reload does to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mta/parent/listeners.h"

#include "test/unit/parent/image.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	struct span	 in;
	unsigned	 n;		/* addresses */
	const char	*ip;
	unsigned	 port;
} texts[] = {
	{ S("*:25"), 2, "0.0.0.0", 25 },
	{ S("192.0.2.1:2525"), 1, "192.0.2.1", 2525 },
	{ S("[2001:db8::1]:587"), 1, "2001:db8::1", 587 },
	{ S("[::]:25"), 1, "::", 25 },
	{ S("25"), 0, NULL, 0 }, { S(":25"), 0, NULL, 0 },
	{ S("*:0"), 0, NULL, 0 }, { S("*:65536"), 0, NULL, 0 },
	{ S("*:"), 0, NULL, 0 }, { S(""), 0, NULL, 0 },
	{ S("::1:25"), 0, NULL, 0 }, { S("[192.0.2.1]:25"), 0, NULL, 0 },
	{ S("[]:25"), 0, NULL, 0 }, { S("host:25"), 0, NULL, 0 },
};

static void
addresses_with_ports(void **state)
{
	struct ip	ip[2];
	char		text[IP_TEXT_MAX];
	uint16_t	port;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(listeners_parse(texts[i].in, ip, &port),
		    texts[i].n);
		if (texts[i].n == 0)
			continue;
		assert_string_equal(ip_format(&ip[0], text), texts[i].ip);
		assert_int_equal(port, texts[i].port);
	}
}

/* --- sockets */

/* A port that was free a moment ago. */
static unsigned
free_port(void)
{
	struct sockaddr_in	in = { .sin_family = AF_INET };
	socklen_t		n = sizeof(in);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	close(fd);
	return ntohs(in.sin_port);
}

static bool
connects(unsigned port)
{
	struct sockaddr_in	in = { .sin_family = AF_INET };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);
	bool			ok;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)port);
	ok = connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;
	close(fd);
	return ok;
}

static int
set(struct listeners *ls, const unsigned *ports, size_t n, char **why)
{
	char		 texts_[4][40];
	const char	*list[4];
	struct buf	 octets = { 0 };
	struct rs_image	*image;
	const char	*bad;
	size_t		 i;
	int		 rc;

	for (i = 0; i < n; i++) {
		(void)snprintf(texts_[i], sizeof(texts_[i]), "127.0.0.1:%u",
		    ports[i]);
		list[i] = texts_[i];
	}
	image_build(&octets, list, n, "spool", "/policy", NULL);
	image = rs_image_open_mem(octets.base, octets.n, &bad);
	assert_non_null(image);
	rc = listeners_set(ls, image, why);
	rs_image_free(&image);
	buf_clear(&octets);
	return rc;
}

static void
a_reload_keeps_what_it_still_wants(void **state)
{
	struct listeners	ls = { .workers = 2 };
	unsigned		first[2] = { free_port(), 0 }, second[2];
	char			*why = NULL;
	int			waiting;
	struct sockaddr_in	in = { .sin_family = AF_INET };

	(void)state;
	first[1] = free_port();
	assert_int_equal(set(&ls, first, 2, &why), 0);
	assert_true(connects(first[0]));
	assert_true(connects(first[1]));
	/* A connection that waits in the backlog survives the reload. */
	waiting = socket(AF_INET, SOCK_STREAM, 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)first[0]);
	assert_int_equal(connect(waiting, (struct sockaddr *)&in, sizeof(in)),
	    0);
	second[0] = first[0];
	second[1] = free_port();
	assert_int_equal(set(&ls, second, 2, &why), 0);
	assert_int_equal(send(waiting, "x", 1, MSG_NOSIGNAL), 1);
	assert_true(connects(second[0]));
	assert_true(connects(second[1]));
	assert_false(connects(first[1]));
	close(waiting);
	listeners_close(&ls);
	assert_false(connects(second[0]));
}

static void
a_port_in_use_is_told_and_changes_nothing(void **state)
{
	struct listeners	mine = { .workers = 1 };
	struct listeners	theirs = { .workers = 1 };
	unsigned		a = free_port(), b, both[2];
	char			*why = NULL;

	(void)state;
	assert_int_equal(set(&theirs, &a, 1, &why), 0);
	b = free_port();
	assert_int_equal(set(&mine, &b, 1, &why), 0);
	both[0] = free_port();
	both[1] = a;
	assert_int_equal(set(&mine, both, 2, &why), -1);
	assert_non_null(strstr(why, "Address already in use"));
	assert_non_null(strstr(why, "(line 7)"));
	free(why);
	assert_true(connects(b));
	assert_false(connects(both[0]));
	listeners_close(&mine);
	listeners_close(&theirs);
}

static void
an_address_that_is_not_ours_is_told(void **state)
{
	struct listeners	ls = { .workers = 1 };
	const char *const	list[] = { "203.0.113.77:2525" };
	struct buf		octets = { 0 };
	struct rs_image		*image;
	const char		*bad;
	char			*why = NULL;

	(void)state;
	image_build(&octets, list, 1, "spool", "/policy", NULL);
	image = rs_image_open_mem(octets.base, octets.n, &bad);
	assert_non_null(image);
	assert_int_equal(listeners_set(&ls, image, &why), -1);
	assert_non_null(strstr(why, "203.0.113.77:2525"));
	free(why);
	rs_image_free(&image);
	buf_clear(&octets);
}

/* --- sockets in the file system */

static int
set_text(struct listeners *ls, const char *text, char **why)
{
	struct buf	 octets = { 0 };
	struct rs_image	*image;
	const char	*bad;
	int		 rc;

	image_build(&octets, &text, 1, "spool", "/policy", NULL);
	image = rs_image_open_mem(octets.base, octets.n, &bad);
	assert_non_null(image);
	rc = listeners_set(ls, image, why);
	rs_image_free(&image);
	buf_clear(&octets);
	return rc;
}

static bool
connects_local(const char *path)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool			ok;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	ok = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	close(fd);
	return ok;
}

static char	folder[] = "/tmp/waybill-listeners-XXXXXX";

static void
sockets_have_their_mode_and_go(void **state)
{
	struct listeners	ls = { .workers = 2 };
	char			text[100], *why = NULL;
	const char		*path;
	struct stat		st;
	ino_t			ino;

	(void)state;
	snprintf(text, sizeof(text), "unix:%s/lmtp", folder);
	path = text + 5;
	umask(0);
	assert_int_equal(set_text(&ls, text, &why), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_true(connects_local(path));
	ino = st.st_ino;
	/* A reload keeps it; a policy without it takes it away. */
	assert_int_equal(set_text(&ls, text, &why), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_ino, ino);
	assert_true(connects_local(path));
	assert_int_equal(set(&ls, &(unsigned){ free_port() }, 1, &why), 0);
	assert_int_equal(lstat(path, &st), -1);
	listeners_close(&ls);
}

static void
what_is_stale_makes_way_and_nothing_else(void **state)
{
	struct listeners	ls = { .workers = 1 }, other = { .workers = 1 };
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	char			text[200], *why = NULL;
	int			fd;

	(void)state;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/lmtp", folder);
	snprintf(text, sizeof(text), "unix:%s", sun.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);			/* killed */
	assert_int_equal(set_text(&ls, text, &why), 0);
	assert_true(connects_local(sun.sun_path));
	/* Somebody listens: he keeps it. */
	assert_int_equal(set_text(&other, text, &why), -1);
	assert_non_null(strstr(why, "another program listens there"));
	free(why);
	assert_true(connects_local(sun.sun_path));
	listeners_close(&ls);
	/* A file of somebody's, or a link to one. */
	assert_int_equal(symlink("/etc/passwd", sun.sun_path), 0);
	assert_int_equal(set_text(&ls, text, &why), -1);
	assert_non_null(strstr(why, "is there, and no socket"));
	free(why);
	assert_int_equal(unlink(sun.sun_path), 0);
	memset(text + 5, 'x', 150);
	text[5] = '/';
	text[155] = '\0';
	assert_int_equal(set_text(&ls, text, &why), -1);
	assert_non_null(strstr(why, "at most 107 octets"));
	free(why);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(addresses_with_ports),
		cmocka_unit_test(a_reload_keeps_what_it_still_wants),
		cmocka_unit_test(a_port_in_use_is_told_and_changes_nothing),
		cmocka_unit_test(an_address_that_is_not_ours_is_told),
		cmocka_unit_test(sockets_have_their_mode_and_go),
		cmocka_unit_test(what_is_stale_makes_way_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
