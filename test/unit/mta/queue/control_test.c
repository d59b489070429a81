/*
 * control_test.c - the control socket of a whole queue: which messages are
 * meant, what is done to them, and what is left of it after a kill.
 */
#include "test/unit/mta/queue/cases.h"

#include "base/clock.h"
#include "mta/spool/attributes.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT	(256 << 10)

static bool
contains(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		return true;
	fprintf(stderr, "no %s in %s\n", part, text);
	return false;
}

static unsigned
times(const char *text, const char *part)
{
	unsigned	n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

static const char *
ask_of(struct fakes *f, const char *word, uint64_t qid, const char *rest)
{
	char	id[QID_TEXT], line[256];

	snprintf(line, sizeof(line), "%s %s %s\n", word, qid_format(qid, id),
	    rest);
	return fakes_ask(f, line);
}

static bool
is_quiet(struct fakes *f)
{
	struct message	*m;

	for (m = f->q.index.first; m != NULL; m = m->next)
		if (m->in_state[DEST_WAIT] + m->in_state[DEST_DONE] !=
		    m->ndests)
			return false;
	return f->q.count.accepted >= f->told;
}

/* Three that wait for an hour: to y, to z (twice), from a or b or nobody. */
static struct fakes *
three(const char *dir, uint64_t qid[3])
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*both[2] = { "hop1@z.test", "hop2@w.z.test" };

	f->code = 451;
	fakes_retry(f, 3600000);
	qid[0] = fakes_accept(f, "a@x.test", "hop@y.test", 500);
	qid[1] = fakes_accept_n(f, "b@x.test", both, 2, 700, true);
	qid[2] = fakes_accept(f, "", "hop3@z.test", 900);
	fakes_until(f, is_quiet);
	CHECK(f->q.index.n == 3);
	return f;
}

static void
listed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	uint64_t	 qid;
	char		 id[QID_TEXT];
	const char	*a;

	f->code = 451;
	fakes_retry(f, 3600000);
	qid = fakes_accept(f, "\"a\\\nb\"@x.test", "hop@y.test", 500);
	qid_format(qid, id);
	fakes_until(f, waits);
	a = fakes_ask(f, "list\n");
	CHECK(contains(a, id));
	CHECK(contains(a, "\"sender\":\"\\\"a\\\\\\nb\\\"@x.test\""));
	CHECK(contains(a, "\"state\":\"waiting\""));
	CHECK(contains(a, "\"to\":[\"hop@y.test\"]"));
	CHECK(contains(a, "\"total\":1"));
	a = ask_of(f, "show", qid, "");
	CHECK(contains(a, "\"hop\":\"relay:y.test\""));
	CHECK(contains(a, "\"reply\":\"as the test wants\""));
	CHECK(contains(a, "\"code\":451"));
	CHECK(contains(ask_of(f, "why", qid, ""), "\"why\":\"retry-connect\""));
	CHECK(contains(fakes_ask(f, "show\n"), "\"error\""));
	CHECK(contains(fakes_ask(f, "show 6C396KRDK1000\n"), "\"error\""));
	CHECK(contains(fakes_ask(f, "list x\n"), "\"error\""));
	CHECK(contains(fakes_ask(f, "dance\r\n"), "no such command"));
}

ONE(a_message_is_listed_shown_and_explained, listed)

static void
selected(const char *dir)
{
	static const struct {
		const char	*which;
		unsigned	n;
	} cases[] = {
		{ "", 3 }, { "sender=a@x.test", 1 }, { "sender=@x.test", 2 },
		{ "sender=<>", 1 }, { "sender=A@X.TEST", 1 },
		{ "recipient=hop2@w.z.test", 1 }, { "recipient=hop*", 3 },
		{ "domain=z.test", 2 }, { "domain=.z.test", 1 },
		{ "domain=*z.test", 2 }, { "hop=relay:y.test", 1 },
		{ "hop=y.test", 1 }, { "hop=*.test", 3 }, { "hop=mx:*", 0 },
		{ "older=1h", 0 }, { "newer=1h", 3 }, { "code=4", 3 },
		{ "code=45", 3 }, { "code=452", 0 }, { "status=4.4", 3 },
		{ "status=4.4.1", 3 }, { "status=4.40", 0 },
		{ "text=test%20WANTS", 3 }, { "text=else", 0 },
		{ "state=waiting", 3 }, { "state=active,ready", 0 },
		{ "state=kept", 0 }, { "reason=retry-connect", 3 },
		{ "reason=hop-dead", 0 }, { "priority=normal", 3 },
		{ "priority=high", 0 }, { "tag=spam", 0 },
		/* For one and the same recipient. */
		{ "recipient=hop1@z.test domain=w.z.test", 0 },
		{ "sender=b@x.test domain=w.z.test", 1 },
		{ "limit=2", 2 },
	};
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);
	char		 line[256];
	const char	*a;
	size_t		 i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "list %s\n", cases[i].which);
		a = fakes_ask(f, line);
		if (times(a, "\"id\":") != cases[i].n)
			fprintf(stderr, "%s: %s\n", cases[i].which, a);
		CHECK(times(a, "\"id\":") == cases[i].n);
	}
	CHECK(times(ask_of(f, "list", qid[1], ""), "\"id\":") == 1);
	CHECK(contains(fakes_ask(f, "list limit=2\n"), "\"more\":true"));
	CHECK(contains(fakes_ask(f, "list limit=3\n"), "\"more\":false"));
	snprintf(line, sizeof(line), "list after=");
	qid_format(qid[0], line + strlen(line));
	strcat(line, "\n");
	CHECK(times(fakes_ask(f, line), "\"id\":") == 2);
}

ONE(conditions_say_which_messages_are_meant, selected)

static void
counted(const char *dir)
{
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);
	const char	*a = fakes_ask(f, "count by=domain\n");

	CHECK(contains(a, "\"matched\":3,\"octets\":2100,\"recipients\":4"));
	CHECK(contains(a, "\"groups\":[{\"name\":\"z.test\",\"messages\":2,"
	    "\"recipients\":2}"));
	CHECK(contains(a, "\"others\":0"));
	a = fakes_ask(f, "count by=hop limit=1\n");
	CHECK(times(a, "\"name\":") == 1);
	CHECK(contains(a, "\"others\":2"));
	CHECK(contains(fakes_ask(f, "count by=colour\n"), "\"error\""));
	CHECK(contains(fakes_ask(f, "count domain=y.test\n"),
	    "\"matched\":1,\"octets\":500"));
}

ONE(messages_are_counted_by_what_they_share, counted)

static void
not_without_saying(const char *dir)
{
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);

	CHECK(contains(fakes_ask(f, "remove\n"), "\"error\""));
	CHECK(contains(fakes_ask(f, "bounce limit=1\n"), "\"error\""));
	CHECK(contains(fakes_ask(f, "remove all=yes domain=y.test\n"),
	    "\"error\""));
	CHECK(contains(fakes_ask(f, "reroute all=yes to=nowhere\n"),
	    "no relay 'nowhere'"));
	CHECK(contains(fakes_ask(f, "remove all=yes dry=yes\n"),
	    "\"matched\":3,\"messages\":3,\"recipients\":4"));
	CHECK(f->q.index.n == 3 && f->q.count.removed == 0);
}

ONE(nothing_is_done_to_all_unless_it_is_said, not_without_saying)

static void
removed(const char *dir)
{
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);

	/* One of two recipients, then a whole message. */
	CHECK(contains(fakes_ask(f, "remove domain=w.z.test\n"),
	    "\"matched\":1,\"messages\":1,\"recipients\":1"));
	CHECK(f->q.index.n == 3);
	CHECK(contains(fakes_ask(f, "remove sender=a@x.test\n"),
	    "\"messages\":1"));
	CHECK(f->q.index.n == 2 && index_find(&f->q.index, qid[0]) == NULL);
	CHECK(contains(ask_of(f, "remove", qid[0], ""), "\"error\""));
}

static void
stays_removed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(f->q.index.n == 2);
	CHECK(contains(fakes_ask(f, "count state=waiting\n"),
	    "\"matched\":2,\"octets\":1600,\"recipients\":2"));
	fakes_until(f, is_empty);
	CHECK(f->njobs == 2);
}

STEPS(what_was_removed_by_selection_stays_away, removed, stays_removed)

static bool
all_sent(struct fakes *f)
{
	return f->njobs >= 7 && is_empty(f);
}

static void
retried(const char *dir)
{
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);

	f->code = 250;
	CHECK(contains(fakes_ask(f, "retry domain=*z.test\n"),
	    "\"matched\":2,\"messages\":2,\"recipients\":3"));
	while (f->q.index.n > 1)
		fakes_run_ms(f, 5);
	CHECK(f->q.index.first->qid == qid[0]);
	CHECK(contains(fakes_ask(f, "retry all=yes\n"), "\"messages\":1"));
	fakes_until(f, all_sent);
}

ONE(what_waits_is_tried_at_once, retried)

static bool
one_told(struct fakes *f)
{
	return f->q.count.bounced == 1;
}

static void
returned(const char *dir)
{
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);

	f->code = 250;
	CHECK(contains(fakes_ask(f, "bounce domain=z.test sender=b@x.test "
	    "why=the%20house%20burnt%20down\n"), "\"recipients\":1"));
	fakes_until(f, one_told);
	/* The other recipient waits on. */
	CHECK(index_find(&f->q.index, qid[1])->nopen == 1);
	CHECK(contains(ask_of(f, "bounce", qid[1], ""), "\"recipients\":1"));
	while (index_find(&f->q.index, qid[1]) != NULL)
		fakes_run_ms(f, 5);
	CHECK(f->q.count.bounced >= 2);
	/* Nobody can be told of what nobody sent. */
	CHECK(contains(ask_of(f, "bounce", qid[2], ""), "\"messages\":1"));
	while (index_find(&f->q.index, qid[2]) != NULL)
		fakes_run_ms(f, 5);
	CHECK(f->q.index.first->qid == qid[0]);
}

ONE(what_is_returned_is_told_to_its_sender, returned)

static void
rerouted(const char *dir)
{
	char		*relays[] = { (char *)(uintptr_t)"b" };
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);

	f->q.set.relays = relays;
	f->q.set.nrelays = 1;
	f->code = 0;
	f->njobs = 0;
	CHECK(contains(ask_of(f, "reroute", qid[0], "to=b"),
	    "\"recipients\":1"));
	fakes_until(f, has_jobs);
	CHECK(strcmp(f->jobs[0].hop, "relay:b") == 0);
	CHECK(strcmp(f->jobs[0].first, "hop@y.test") == 0);
	CHECK(contains(ask_of(f, "show", qid[0], ""), "\"pinned\":true"));
	/* In a job: it is left alone. */
	CHECK(contains(ask_of(f, "reroute", qid[0], ""), "\"busy\":1"));
	fakes_relayed(f, 0, 451, "not now");
	fakes_logged(f);
}

static void
rerouted_still(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	uint64_t	 qid = f->q.index.first->qid;
	unsigned	 i, n = 0;

	journal_checkpoint(f->q.journal);
	f->asked = 0;
	CHECK(contains(fakes_ask(f, "retry all=yes\n"),
	    "\"messages\":3"));
	fakes_until(f, is_empty);
	for (i = 0; i < f->njobs; i++)
		if (f->jobs[i].qid == qid) {
			CHECK(strcmp(f->jobs[i].hop, "relay:b") == 0);
			n++;
		}
	CHECK(n == 1);
}

STEPS(what_goes_elsewhere_by_hand_goes_there_after_a_restart, rerouted,
    rerouted_still)

static void
routed_again(const char *dir)
{
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);
	unsigned	 asked = f->asked;

	f->code = 250;
	CHECK(contains(fakes_ask(f, "reroute domain=z.test\n"),
	    "\"recipients\":2"));
	while (f->asked < asked + 2)
		fakes_run_ms(f, 5);
	CHECK(contains(fakes_ask(f, "retry all=yes\n"), "\"matched\""));
	fakes_until(f, is_empty);
}

ONE(what_is_routed_again_is_asked_for_anew, routed_again)

static void
held(const char *dir)
{
	uint64_t	 qid[3];
	struct fakes	*f = three(dir, qid);
	const char	*a;

	CHECK(contains(fakes_ask(f, "hold sender=@x.test why=ask%20Ann\n"),
	    "\"messages\":2,\"recipients\":3"));
	CHECK(times(fakes_ask(f, "list state=held\n"), "\"id\":") == 2);
	CHECK(times(fakes_ask(f, "list state=waiting\n"), "\"id\":") == 1);
	a = ask_of(f, "why", qid[0], "");
	CHECK(contains(a, "\"how\":\"hold\""));
	CHECK(contains(a, "\"why\":\"ask Ann\""));
	CHECK(contains(a, "\"why\":\"held\""));
	CHECK(contains(fakes_ask(f, "retry all=yes\n"), "\"messages\":1"));
}

static void
went_by_tls(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	uint64_t	 qid;

	f->code = 451;
	f->tls = "wanted=verified by=sts reached=encrypted version=TLSv1.3 "
	    "cipher=TLS_AES_256_GCM_SHA384 why=name does not match: mx.test";
	f->login = "SCRAM-SHA-256 ann";
	fakes_retry(f, 3600000);
	qid = fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	CHECK(contains(ask_of(f, "show", qid, ""), "\"tls\":{\"wanted\":"
	    "\"verified\",\"by\":\"sts\",\"reached\":\"encrypted\","
	    "\"version\":\"TLSv1.3\","
	    "\"cipher\":\"TLS_AES_256_GCM_SHA384\","
	    "\"why\":\"name does not match: mx.test\"},"
	    "\"login\":\"SCRAM-SHA-256 ann\""));
	fakes_logged(f);
}

/* A later attempt that ended before TLS takes its place. */
static void
went_without(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	uint64_t	 qid = f->q.index.first->qid;
	const char	*a = ask_of(f, "why", qid, "");

	CHECK(contains(a, "\"tls\":{\"wanted\":\"verified\","));
	CHECK(contains(a, "\"login\":\"SCRAM-SHA-256 ann\""));
	f->code = 451;
	fakes_retry(f, 3600000);
	CHECK(contains(fakes_ask(f, "retry all=yes\n"), "\"matched\":1"));
	while (f->njobs < 1 || !waits(f))
		fakes_run_ms(f, 5);
	CHECK(contains(ask_of(f, "why", qid, ""),
	    "\"tls\":null,\"login\":null"));
}

STEPS(tls_and_login_of_the_last_attempt_are_told_after_a_restart, went_by_tls,
    went_without)

static void
let_go(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	while (f->q.index.n > 2)
		fakes_run_ms(f, 5);
	CHECK(times(fakes_ask(f, "list state=kept\n"), "\"reason\":\"ask "
	    "Ann\"") == 2);
	CHECK(contains(fakes_ask(f, "release state=kept\n"),
	    "\"messages\":2"));
	fakes_until(f, is_empty);
}

STEPS(a_selection_is_held_over_a_restart_and_released, held, let_go)

/* --- contents */

static void
read_content(const char *dir)
{
	struct fakes	*f = fakes_open(dir, 4 << 20);
	uint64_t	 qid, large;
	struct buf	 want = { 0 };
	const char	*a;

	f->code = 451;
	fakes_retry(f, 3600000);
	qid = fakes_accept(f, "a@x.test", "hop@y.test", 300);
	large = fakes_accept_body(f, "a@x.test", "hop@y.test", 700000);
	fakes_until(f, is_quiet);
	fakes_content(qid, 300, &want);
	a = ask_of(f, "content", qid, "");
	CHECK(strncmp(a, "{\"octets\":300}\n", 15) == 0);
	CHECK(memcmp(a + 15, buf_span(&want).p, 300) == 0);
	buf_reset(&want);
	fakes_content(large, 700000, &want);
	a = ask_of(f, "content", large, "");
	CHECK(strncmp(a, "{\"octets\":700000}\n", 18) == 0);
	CHECK(memcmp(a + 18, buf_span(&want).p, 700000) == 0);
	CHECK(contains(ask_of(f, "content", qid, "part=tail"), "\"error\""));
	CHECK(contains(fakes_ask(f, "content 6C396KRDK1000\n"), "\"error\""));
	buf_clear(&want);
}

ONE(a_content_is_read_from_the_spool, read_content)

/* --- many */

#define MANY	20000

static int
dial(struct fakes *f, const char *line)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	int			fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/control", f->dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	CHECK(write(fd, line, strlen(line)) == (ssize_t)strlen(line));
	return fd;
}

static bool
all_there(struct fakes *f)
{
	return f->q.count.accepted == MANY;
}

/* Reads to the end; how many lines there were. */
static unsigned
read_lines(struct fakes *f, int fd)
{
	static char	piece[65536];
	unsigned	n = 0;
	ssize_t		k;

	while ((k = read(fd, piece, sizeof(piece))) != 0) {
		for (ssize_t i = 0; i < k; i++)
			n += piece[i] == '\n';
		if (k < 0)
			fakes_run_ms(f, 1);
	}
	close(fd);
	return n;
}

static void
many(const char *dir)
{
	struct fakes	*f = fakes_open(dir, 16 << 20);
	char		 from[32];
	int		 fd, gone, i;
	int64_t		 began;

	f->route_silent = true;
	for (i = 0; i < MANY; i++) {
		snprintf(from, sizeof(from), "u%d@x.test", i % 10);
		fakes_accept(f, from, "hop@y.test", 300);
	}
	fakes_until(f, all_there);
	fd = dial(f, "list\n");
	gone = dial(f, "hold all=yes\n");
	fakes_run_ms(f, 2);
	close(gone);		/* stops on its way, and walks no further */
	began = clock_boot_ms();
	fakes_run_ms(f, 200);
	/* The reader has not read: the queue holds a piece, and goes on. */
	CHECK(clock_boot_ms() - began < 5000);
	CHECK(fakes_ask(f, "count\n") != NULL);
	CHECK(read_lines(f, fd) == MANY + 1);
	CHECK(contains(fakes_ask(f, "release state=held\n"), "\"matched\""));
	CHECK(contains(fakes_ask(f, "hold sender=u3@x.test\n"),
	    "\"messages\":2000"));
	CHECK(contains(fakes_ask(f, "count state=held\n"),
	    "\"matched\":2000"));
	CHECK(contains(fakes_ask(f, "count by=sender\n"),
	    "\"name\":\"u3@x.test\",\"messages\":2000"));
	CHECK(f->q.nheld == 2000);
}

static void
many_removed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, 16 << 20);

	CHECK(f->q.index.n == MANY && f->q.nheld == 2000);
	f->route_silent = true;
	CHECK(contains(fakes_ask(f, "remove state=held\n"),
	    "\"messages\":2000"));
	CHECK(f->q.index.n == MANY - 2000);
}

static void
many_left(const char *dir)
{
	struct fakes	*f = fakes_open(dir, 16 << 20);

	CHECK(f->q.index.n == MANY - 2000 && f->q.nheld == 0);
}

STEPS(twenty_thousand_are_walked_through_in_slices, many, many_removed,
    many_left)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_a_message_is_listed_shown_and_explained),
		cmocka_unit_test(test_conditions_say_which_messages_are_meant),
		cmocka_unit_test(test_messages_are_counted_by_what_they_share),
		cmocka_unit_test(test_nothing_is_done_to_all_unless_it_is_said),
		cmocka_unit_test(test_what_was_removed_by_selection_stays_away),
		cmocka_unit_test(test_what_waits_is_tried_at_once),
		cmocka_unit_test(test_what_is_returned_is_told_to_its_sender),
		cmocka_unit_test(test_what_goes_elsewhere_by_hand_goes_there_after_a_restart),
		cmocka_unit_test(test_what_is_routed_again_is_asked_for_anew),
		cmocka_unit_test(test_a_selection_is_held_over_a_restart_and_released),
		cmocka_unit_test(test_tls_and_login_of_the_last_attempt_are_told_after_a_restart),
		cmocka_unit_test(test_a_content_is_read_from_the_spool),
		cmocka_unit_test(test_twenty_thousand_are_walked_through_in_slices),
	};

	return cmocka_run_group_tests_name("queue/control", tests, NULL, NULL);
}
