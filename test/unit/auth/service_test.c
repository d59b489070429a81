/*
 * service_test.c - AUTH_VERIFY over a channel: the tables of an image, the
 * threads, the bound on what waits, PAM by way of the parent.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include <fcntl.h>
#include <pthread.h>

#include "base/loop.h"
#include "mta/auth/pam.h"
#include "mta/auth/service.h"
#include "mta/msg/msg.h"
#include "ruleset/build.h"
#include "test/unit/maps/map_fixture.h"

#define THREADS	2

static struct auth_service	 service;
static int			 service_fd;	/* its end of the client's channel */
static struct chan		*client;	/* who asks */
static struct chan		*to_parent;	/* of auth */
static struct chan		*parent;	/* its other end */

static struct {
	unsigned		 n;
	uint64_t		 ticket;
	struct auth_verdict	 v;
	unsigned		 right, wrong, cannot;
} got;
static struct auth_offer	 offers[AUTH_OFFERS_MAX];
static bool	 client_closed;
static unsigned	 pam_asked;

/* --- the image: tables of accounts, one that is none, one made of others */

static int
image(void)
{
	static const uint8_t	 none[32];
	struct rs_build		*b = rs_build_new();
	struct buf		 out = { 0 };
	const char		*why;
	static const struct span made[] = {
		SPAN("1"), SPAN("users"), SPAN("2"), SPAN("system") };
	uint32_t		 file, passwd;
	int			 fd = memfd_create("image", MFD_CLOEXEC);

	(void)rs_build_file(b, SPAN("/p.conf"), 0, none);
	file = rs_build_file(b, SPAN("/users"), 2, none);
	passwd = rs_build_file(b, SPAN("/etc/passwd"), 2, none);
	(void)rs_build_map(b, SPAN("users"), SPAN("text"), SPAN("accounts"),
	    file, 1, NULL, 0);
	(void)rs_build_map(b, SPAN("system"), SPAN("passwd"),
	    SPAN("accounts"), passwd, 2, NULL, 0);
	(void)rs_build_map(b, SPAN("all"), SPAN("first"), SPAN("accounts"),
	    UINT32_MAX, 2, made, 2);
	(void)rs_build_map(b, SPAN("far"), SPAN("ldap"), SPAN("accounts"),
	    UINT32_MAX, 3, NULL, 0);
	(void)rs_build_map(b, SPAN("words"), SPAN("text"), SPAN("plain"),
	    file, 4, NULL, 0);
	assert_int_equal(rs_build_finish(b, &out, &why), 0);
	assert_int_equal(file_write_all(fd, out.base + out.off, out.n), 0);
	buf_clear(&out);
	rs_build_free(&b);
	return fd;
}

static void
open_tables(const char *users)
{
	int		 files[3] = { -1, -1, -1 }, fd = image();
	struct rs_image	*im;
	const char	*why;
	struct auth_tables old;

	if (users != NULL)
		files[1] = fixture_fd(span_of(users));
	files[2] = fixture_fd(SPAN("Root:x:0:0::/root:/bin/sh\n"
	    "sam:x:1000:1000::/home/sam:/bin/sh\n"));
	im = rs_image_open_settings(fd, &why);
	assert_non_null(im);
	old = service.tables;
	auth_tables_open(&service.tables, &(struct auth_sources){
	    .image = im, .files = files, .nfiles = 3 }, &old);
	auth_tables_clear(&old);
	auth_service_changed(&service);
	rs_image_free(&im);
	close(fd);
	close(files[2]);
	if (files[1] != -1)
		close(files[1]);
}

/* --- the ends */

static bool
on_verdict(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)arg;
	if (m->type == MSG_AUTH_OFFERS) {
		assert_int_not_equal(auth_offers_read(m, offers), -1);
		return true;
	}
	assert_true(auth_verdict_read(m, &got.ticket, &got.v));
	got.n++;
	got.right += got.v.result == AUTH_RIGHT;
	got.wrong += got.v.result == AUTH_WRONG;
	got.cannot += got.v.result == AUTH_CANNOT;
	loop_stop();
	return true;
}

/* What the parent is asked: "user/password" is right when both are the same. */
static bool
on_pam_wanted(struct chan *c, struct msg *m, void *arg)
{
	uint64_t	 ticket = msg_u64(m);
	int		 fd = msg_fd(m);
	char		 text[64] = "";
	ssize_t		 n;

	(void)arg;
	assert_true(msg_end(m));
	pam_asked++;
	n = read(fd, text, sizeof(text));
	close(fd);
	assert_true(n > 0 && text[n - 1] == '\0');
	chan_begin(c, MSG_PAM_DONE);
	chan_u64(c, ticket);
	chan_u8(c, strcmp(text, text + strlen(text) + 1) == 0 ? AUTH_RIGHT :
	    AUTH_WRONG);
	chan_end(c);
	return true;
}

static bool
on_pam_done(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)arg;
	return m->type == MSG_PAM_DONE && pam_done(m);
}

static void
on_closed(struct chan *c, void *arg)
{
	if (c == client) {
		client = NULL;
		client_closed = true;
		loop_stop();
	}
	(void)arg;
}

static struct chan *
parent_of(void)
{
	return to_parent;
}

static int
setup(void **state)
{
	static const struct chan_ops	 ops = { on_verdict, on_closed };

	int	 ends[2];

	(void)state;
	loop_init();
	chan_pair(ends);
	service_fd = ends[0];
	auth_service_init(&service, THREADS);
	service.parent = parent_of;
	service.pool = pool_new(THREADS);
	auth_service_peer(&service, ends[0], "test");
	client = chan_new(ends[1], "auth", &ops, NULL);
	memset(&got, 0, sizeof(got));
	client_closed = false;
	pam_asked = 0;
	return 0;
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop();
}

static void
turns(int ms)
{
	struct timer	 t = { 0 };

	timer_set(&t, ms, stop, NULL);
	loop_run();
	timer_clear(&t);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* The service's end of the channel closes in a turn after. */
static int
teardown(void **state)
{
	(void)state;
	chan_free(&client);
	while (is_open(service_fd))
		turns(1);
	chan_free(&to_parent);
	chan_free(&parent);
	pam_clear();
	pool_free(&service.pool);
	auth_service_clear(&service);
	loop_clear();
	return 0;
}

static void
have_parent(void)
{
	static const struct chan_ops	 ours = { on_pam_done, on_closed };
	static const struct chan_ops	 theirs = { on_pam_wanted, on_closed };
	int				 ends[2];

	chan_pair(ends);
	to_parent = chan_new(ends[0], "parent", &ours, NULL);
	parent = chan_new(ends[1], "auth", &theirs, NULL);
}

/* false: too long. */
static bool
send_question(uint64_t ticket, const char *map, struct span user,
    struct span password)
{
	const struct auth_question	 q = {
		.ask = AUTH_ASK_PASSWORD, .map = span_of(map), .user = user,
		.service = SPAN("test"), .secret = password
	};

	return auth_question_put(client, ticket, &q);
}

static enum auth_result
ask(const char *map, const char *user, const char *password)
{
	static uint64_t	 ticket;
	unsigned	 before = got.n;

	assert_true(send_question(++ticket, map, span_of(user),
	    span_of(password)));
	while (got.n == before)
		loop_run();
	assert_int_equal(got.ticket, ticket);
	return got.v.result;
}

/* --- the tests */

static void
verdicts_of_a_file(void **state)
{
	(void)state;
	open_tables("ann:{PLAIN}one\n app tea {PLAIN}two\nbob {PLAIN}x\n");
	assert_int_equal(ask("users", "ann", "one"), AUTH_RIGHT);
	assert_string_equal(got.v.which, "");
	assert_int_equal(ask("users", "ann", "two"), AUTH_RIGHT);
	assert_string_equal(got.v.which, "tea");
	assert_int_equal(ask("users", "ann", "three"), AUTH_WRONG);
	assert_string_equal(got.v.which, "");
	assert_int_equal(ask("users", "eve", "one"), AUTH_WRONG);
	assert_int_equal(ask("users", "bob", "x"), AUTH_CANNOT);
	assert_int_equal(service.counts.right, 2);
	assert_int_equal(service.counts.wrong, 2);
	assert_int_equal(service.counts.cannot, 1);
	assert_int_equal(service.waiting, 0);
}

static void
tables_that_cannot_say(void **state)
{
	(void)state;
	open_tables(NULL);
	assert_int_equal(ask("users", "ann", "one"), AUTH_CANNOT);
	assert_int_equal(ask("far", "ann", "one"), AUTH_CANNOT);
	assert_int_equal(ask("words", "ann", "one"), AUTH_CANNOT);
	assert_int_equal(ask("nothing", "ann", "one"), AUTH_CANNOT);
	assert_int_equal(ask("system", "sam", "one"), AUTH_CANNOT);
	assert_int_equal(ask("all", "sam", "one"), AUTH_CANNOT);
}

static void
pam_is_asked_by_the_parent(void **state)
{
	(void)state;
	have_parent();
	open_tables("ann:x\n");
	assert_int_equal(ask("system", "sam", "sam"), AUTH_RIGHT);
	assert_int_equal(ask("system", "SAM", "sam"), AUTH_RIGHT);
	assert_int_equal(ask("system", "sam", "one"), AUTH_WRONG);
	assert_int_equal(ask("system", "sam", ""), AUTH_WRONG);
	assert_int_equal(pam_asked, 2);		/* one was right before */
	assert_int_equal(service.counts.cached, 1);
	/* He is no user of the system; somebody is asked for all the same. */
	assert_int_equal(ask("system", "ann", "no-such-user"), AUTH_WRONG);
	assert_int_equal(pam_asked, 3);
	assert_int_equal(service.waiting, 0);
}

static void
the_first_table_that_has_the_user_decides(void **state)
{
	(void)state;
	have_parent();
	open_tables("ann:{PLAIN}one\nsam:{PLAIN}two\n");
	assert_int_equal(ask("all", "ann", "one"), AUTH_RIGHT);
	assert_int_equal(ask("users,system", "ann", "one"), AUTH_RIGHT);
	assert_int_equal(ask("users,nothing", "eve", "one"), AUTH_CANNOT);
	assert_int_equal(ask("all", "sam", "two"), AUTH_RIGHT);
	assert_int_equal(ask("all", "sam", "sam"), AUTH_WRONG);
	assert_int_equal(ask("all", "eve", "eve"), AUTH_WRONG);
	assert_int_equal(pam_asked, 0);
	auth_tables_clear(&service.tables);
	open_tables("ann:{PLAIN}one\n");
	assert_int_equal(ask("all", "sam", "sam"), AUTH_RIGHT);
	assert_int_equal(pam_asked, 1);
}

#define ZEROS	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SLOW	"{SCRAM-SHA-256}4096,bm9ib2R5bm9ib2R5bm9ibw==," ZEROS "," ZEROS

/* The threads do nothing else until the test lets them. */
static pthread_mutex_t	 held = PTHREAD_MUTEX_INITIALIZER;

static void
hold(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&held);
	pthread_mutex_unlock(&held);
}

static void
held_no_more(void *arg)
{
	(void)arg;
}

static void
only_so_many_wait(void **state)
{
	unsigned	 i, n = AUTH_WAITING_MAX + THREADS + 10;

	(void)state;
	open_tables("ann:{PLAIN}one\n");
	pthread_mutex_lock(&held);
	for (i = 0; i < THREADS; i++)
		pool_run(service.pool, hold, held_no_more, NULL);
	for (i = 0; i < n; i++)
		assert_true(send_question(i, "users", SPAN("ann"), SPAN("one")));
	while (got.n < 10)
		loop_run();
	assert_int_equal(got.cannot, 10);
	assert_int_equal(service.counts.busy, 10);
	pthread_mutex_unlock(&held);
	while (got.n < n)
		loop_run();
	assert_int_equal(got.wrong, 0);
	assert_int_equal(got.cannot, 10);
	assert_int_equal(got.right, AUTH_WAITING_MAX + THREADS);
}

static void
who_has_gone_is_not_answered(void **state)
{
	(void)state;
	open_tables("ann:{PLAIN}one\n");
	assert_true(send_question(1, "users", SPAN("ann"), SPAN("one")));
	chan_free(&client);
	do
		turns(10);
	while (service.waiting > 0 || service.counts.right == 0);
	assert_int_equal(got.n, 0);
}

static void
nonsense_is_cut_off(void **state)
{
	(void)state;
	open_tables("ann:{PLAIN}one\n");
	chan_begin(client, MSG_AUTH_VERIFY);
	chan_u64(client, 1);
	chan_str(client, "users");
	chan_end(client);
	while (!client_closed)
		loop_run();
	assert_int_equal(got.n, 0);
}

static void
what_is_too_long_is_not_asked(void **state)
{
	char	 many[AUTH_PASSWORD_MAX + 1];

	(void)state;
	memset(many, 'x', sizeof(many));
	assert_false(send_question(1, "users", SPAN("ann"),
	    span_mem(many, sizeof(many))));
	assert_false(send_question(1, "users",
	    span_mem(many, sizeof(many)), SPAN("one")));
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		T(verdicts_of_a_file),
		T(tables_that_cannot_say),
		T(pam_is_asked_by_the_parent),
		T(the_first_table_that_has_the_user_decides),
		T(only_so_many_wait),
		T(who_has_gone_is_not_answered),
		T(nonsense_is_cut_off),
		T(what_is_too_long_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
