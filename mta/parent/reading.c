/*
 * reading.c - the tables of a generation are read by waybill-index, and its
 * certificates by waybill-keys.
 *
 * Two processes side by side: one for tables of accounts, one for all others;
 * neither runs when there is nothing for it.  One that dies is followed by
 * another, which gets what is left; after a few, or when one is too long at a
 * table, the rest is given up.  What serves goes on meanwhile.
 */
#include "config.h"

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/parent/certs.h"
#include "mta/parent/parent.h"
#include "mta/parent/tables.h"

#define TRIES		3
#define BACKOFF_MS	200	/* before the second; four times that before the third */

struct run {
	struct reading	*reading;
	struct slot	 slot;		/* instance: for accounts or not */
	bool		 complete;	/* it has said READY */
	bool		 late;		/* it was ended by us */
	bool		 done;		/* nothing is left for it */
	struct timer	 timer;		/* the time limit, or until the next try */
};

struct reading {
	struct parent		*parent;
	struct generation	*g;
	reading_done		*done;
	struct run		 runs[2];
	struct timer		 certs;		/* the time limit of keys */
};

static bool on_message(struct chan *, struct msg *, void *);
static void on_closed(struct chan *, void *);

static const struct chan_ops	run_ops = { on_message, on_closed };

static bool
is_accounts(const struct run *run)
{
	return run->slot.instance == INDEX_ACCOUNTS;
}

static void
run_clear(struct run *run)
{
	slot_kill(&run->slot);
	chan_free(&run->slot.chan);
	timer_clear(&run->timer);
}

static void
reading_free(struct parent *p)
{
	struct reading	*r = p->reading;

	p->reading = NULL;
	run_clear(&r->runs[0]);
	run_clear(&r->runs[1]);
	timer_clear(&r->certs);
	free(r);
}

void
reading_drop(struct parent *p)
{
	struct generation	*g = p->reading == NULL ? NULL :
				    p->reading->g;

	if (p->reading == NULL)
		return;
	reading_free(p);
	if (g != p->generation)
		generation_free(&g);
}

/* --- a run */

static void
on_time(void *arg)
{
	struct run	*run = arg;

	run->late = true;
	slot_kill(&run->slot);
}

#ifdef WAYBILL_TEST_HOOKS
static int64_t
limit_ms(void)
{
	const char	*env = getenv("WAYBILL_TEST_INDEX_MS");

	return env != NULL ? atoi(env) :
	    (int64_t)msg_timeout_s(MSG_INDEXED) * 1000;
}
#else
static int64_t
limit_ms(void)
{
	return (int64_t)msg_timeout_s(MSG_INDEXED) * 1000;
}
#endif

static void
watch_time(struct run *run)
{
	timer_set(&run->timer, limit_ms(), on_time, run);
}

static void
start(void *arg)
{
	struct run		*run = arg;
	const struct generation	*g = run->reading->g;
	struct slot		*s = &run->slot;
	int			 fds[2];

	run->complete = run->late = false;
	s->pid = slot_fork(s, fds);
	s->chan = chan_new(fds[0], s->name, &run_ops, run);
	generation_send_image(g, s->chan);
	tables_send_files(g, s->chan, is_accounts(run));
	chan_begin(s->chan, MSG_CONFIG_DONE);
	chan_u32(s->chan, generation_number(g));
	chan_end(s->chan);
	watch_time(run);
}

/* It lives until then, so that nothing that it said is lost. */
static bool
on_ready(struct run *run, struct msg *m)
{
	(void)msg_u32(m);
	if (!msg_end(m))
		return false;
	run->complete = true;
	chan_begin(run->slot.chan, MSG_STOP);
	chan_u32(run->slot.chan, 0);
	chan_end(run->slot.chan);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct run	*run = arg;

	(void)c;
	if (m->type == MSG_READY)
		return on_ready(run, m);
	if (m->type != MSG_INDEXED)
		return false;
	watch_time(run);
	return tables_indexed(run->reading->g, m, is_accounts(run));
}

static void
on_closed(struct chan *c, void *arg)
{
	struct run	*run = arg;

	(void)c;
	run->slot.chan = NULL;
	if (!run->complete)
		slot_kill(&run->slot);
}

/* --- its end */

static void
perhaps_done(struct reading *r)
{
	struct parent		*p = r->parent;
	struct generation	*g = r->g;
	reading_done		*done = r->done;

	if (!r->runs[0].done || !r->runs[1].done || certs_waiting(g))
		return;
	reading_free(p);
	done(p, g);
}

static void
describe(const struct run *run, int status, char *out, size_t room)
{
	if (run->late)
		(void)snprintf(out, room, "waybill-index took more than %u "
		    "seconds for it", msg_timeout_s(MSG_INDEXED));
	else if (WIFSIGNALED(status))
		(void)snprintf(out, room, "waybill-index died of signal %d",
		    WTERMSIG(status));
	else if (run->complete)
		(void)snprintf(out, room, "waybill-index did not read it");
	else
		(void)snprintf(out, room, "waybill-index ended with status "
		    "%d", WEXITSTATUS(status));
}

static void
log_end(const struct run *run, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_warnx("process=%s pid=%ld event=died signal=%d%s",
		    run->slot.name, (long)pid, WTERMSIG(status),
		    run->late ? " late=yes" : "");
	else if (!run->complete || WEXITSTATUS(status) != 0)
		log_warnx("process=%s pid=%ld event=ended status=%d",
		    run->slot.name, (long)pid, WEXITSTATUS(status));
}

/* Another try, or the end. */
static void
ended(struct run *run, int status)
{
	struct generation	*g = run->reading->g;
	char			 why[80];

	if (!run->complete && !run->late &&
	    tables_wanted(g, is_accounts(run)) > 0 &&
	    ++run->slot.restarts < TRIES) {
		timer_set(&run->timer, BACKOFF_MS <<
		    2 * (run->slot.restarts - 1), start, run);
		return;
	}
	describe(run, status, why, sizeof(why));
	tables_give_up(g, is_accounts(run), why);
	run->done = true;
	perhaps_done(run->reading);
}

bool
reading_ended(struct parent *p, pid_t pid, int status)
{
	struct run	*run;
	unsigned	 i;

	for (i = 0; p->reading != NULL && i < 2; i++) {
		run = &p->reading->runs[i];
		if (run->slot.pid != pid)
			continue;
		run->slot.pid = 0;
		timer_stop(&run->timer);
		log_end(run, pid, status);
		chan_free(&run->slot.chan);
		ended(run, status);
		return true;
	}
	return false;
}

/* --- certificates */

void
reading_certified(struct parent *p)
{
	if (p->reading != NULL)
		perhaps_done(p->reading);
}

static void
on_certs_time(void *arg)
{
	struct reading	*r = arg;

	certs_give_up(r->g, "the keys process does not answer");
	perhaps_done(r);
}

/* Keys comes first: those who ask it are started when it has answered. */
static void
ask_certs(struct reading *r)
{
	if (!certs_any(r->g))
		return;
	slots_start_keys(r->parent);
	certs_ask(r->g, &r->parent->pairs);
	timer_set(&r->certs, (int64_t)msg_timeout_s(MSG_CERTIFY) * 1000,
	    on_certs_time, r);
}

/* --- all of it */

static void
run_init(struct reading *r, uint32_t which)
{
	struct run	*run = &r->runs[which];

	run->reading = r;
	run->slot.parent = r->parent;
	run->slot.proc = PROC_INDEX;
	run->slot.instance = which;
	(void)snprintf(run->slot.name, sizeof(run->slot.name), "%s[%u]",
	    proc_name(PROC_INDEX), which);
	run->done = tables_wanted(r->g, which == INDEX_ACCOUNTS) == 0;
	if (!run->done)
		start(run);
}

void
reading_start(struct parent *p, struct generation *g, reading_done *done)
{
	struct reading	*r = xcalloc(1, sizeof(*r));

	p->reading = r;
	r->parent = p;
	r->g = g;
	r->done = done;
	ask_certs(r);
	run_init(r, INDEX_TABLES);
	run_init(r, INDEX_ACCOUNTS);
	perhaps_done(r);
}
