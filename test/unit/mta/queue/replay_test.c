/*
 * replay_test.c - written lists of events are played to the scheduler; what it
 * holds of the hop is compared after each (hop/ *.events).
 *
 *	start N, limit N	terms of the hop; before all else
 *	mail N SENDER [again]	N messages get into line (as retries)
 *	ok N, bad N, none N	the N jobs that are out longest end so
 *	clock S			S seconds pass
 *	EVENT | concurrency jobs good failed state
 */
#include "mta/queue/schedule.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MESSAGES_MAX	2000
#define LINE_OCTETS	200

static struct {
	struct sched	 s;
	struct message	*m[MESSAGES_MAX];
	size_t		 n;
	struct hop	*hop;
	struct { struct hop *hop; unsigned job; } out[MESSAGES_MAX];
	size_t		 first_out, nout;	/* jobs, oldest first */
} t;

static bool
start(void *arg, struct hop *h, struct message *m, const uint32_t *dests,
    uint32_t n)
{
	(void)arg;
	(void)m;
	(void)dests;
	(void)n;
	t.out[t.nout].hop = h;
	t.out[t.nout++].job = sched_starting(&t.s);
	return true;
}

static const struct sched_ops	ops = { start, NULL };

static void
mail(const char *sender, bool again)
{
	struct span	 rcpt = SPAN("b@example.net");
	struct envelope	 e = { .qid = t.n + 1, .size = 1000,
	    .sender = span_of(sender), .nrcpts = 1, .rcpts = &rcpt };
	struct buf	 b = { 0 };
	struct message	*m;

	assert_true(t.n < MESSAGES_MAX);
	envelope_format(&e, &b);
	m = t.m[t.n++] = message_new(buf_span(&b));
	buf_clear(&b);
	m->dests[0].hop = sched_hop(&t.s, SPAN("relay:hop"));
	m->dests[0].attempts = again;
	dest_set_state(m, &m->dests[0], DEST_READY);
	sched_ready(&t.s, m);
}

static void
end_oldest(enum sched_outcome o)
{
	assert_true(t.first_out < t.nout);
	sched_ended(&t.s, t.out[t.first_out].hop, o, t.out[t.first_out].job);
	t.first_out++;
	sched_run(&t.s);
}

static void
repeat(const char *word, unsigned n)
{
	while (n-- > 0)
		end_oldest(strcmp(word, "ok") == 0 ? SCHED_OK :
		    strcmp(word, "bad") == 0 ? SCHED_BAD : SCHED_NONE);
}

static void
play(const char *line)
{
	char		word[20] = "", sender[20] = "", how[20] = "";
	unsigned	n = 0;

	if (sscanf(line, "%19s %u %19s %19s", word, &n, sender, how) < 2)
		fail_msg("no event: %s", line);
	if (strcmp(word, "start") == 0)
		t.s.general.start = n;
	else if (strcmp(word, "limit") == 0)
		t.s.general.concurrency = n;
	else if (strcmp(word, "mail") == 0)
		while (n-- > 0)
			mail(sender, strcmp(how, "again") == 0);
	else if (strcmp(word, "clock") == 0)
		t.s.now_ms += n * (int64_t)1000;
	else if (strcmp(word, "ok") == 0 || strcmp(word, "bad") == 0 ||
	    strcmp(word, "none") == 0)
		repeat(word, n);
	else
		fail_msg("no event: %s", line);
	sched_tick(&t.s);
	sched_run(&t.s);
}

static void
compare(const char *name, unsigned number, const char *want)
{
	const struct hop	*h = htab_get(&t.s.hops, SPAN("relay:hop"));
	const struct site	*site = h->site;
	char			 got[100];

	snprintf(got, sizeof(got), " %u %u %u %u %s\n", site->concurrency,
	    site->outstanding, site->good, site->bad_windows,
	    site->dead ? "dead" : site->bad_windows > 0 ? "failing" : "good");
	if (strcmp(got, want) != 0)
		fail_msg("%s:%u: is%s        not%s", name, number, got, want);
}

static void
one_list(void **state)
{
	const char	*name = *state;
	char		 line[LINE_OCTETS], *bar;
	unsigned	 number = 0, compared = 0;
	FILE		*fp = fopen(name, "r");

	assert_non_null(fp);
	while (fgets(line, sizeof(line), fp) != NULL) {
		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if ((bar = strchr(line, '|')) != NULL)
			*bar = '\0';
		play(line);
		if (bar == NULL)
			continue;
		compare(name, number, bar + 1);
		compared++;
	}
	assert_true(compared > 0);
	fclose(fp);
}

static int
setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	sched_init(&t.s, &ops, NULL);
	t.s.general = (struct terms){ .recipients = 100 };
	terms_set_retry(&t.s.general,
	    &(struct retry_waits){ .n = 2, .ms = { 60000, 120000 } });
	t.s.now_ms = 1000000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	while (t.n > 0) {
		sched_forget(&t.s, t.m[--t.n]);
		hop_unref(&t.s, &t.m[t.n]->dests[0].hop);
		message_free(&t.m[t.n]);
	}
	sched_clear(&t.s);
	return 0;
}

#define LIST(name) cmocka_unit_test_prestate_setup_teardown(one_list, setup, \
	teardown, (void *)(uintptr_t)(SOURCES "/test/unit/mta/queue/hop/" name))

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		LIST("growth.events"), LIST("halving.events"),
		LIST("death.events"), LIST("flapping.events"),
		LIST("room.events"),
	};

	return cmocka_run_group_tests_name("queue/replay", tests, NULL, NULL);
}
