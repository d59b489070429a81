/*
 * service.c - the queue as a whole: its parts, its turns, its time.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"

#include <stdlib.h>

#define TICK_MS		1000
#define RUN_MAX		100	/* jobs started in one turn, 100 targets each */
#define SWEEP_TICKS	600	/* bodies that nobody names */
#define SWEEP_FIRST	60

/* --- what the parts ask of each other */

static bool
start_job(void *arg, struct hop *h, struct message *m, const uint32_t *dests,
    uint32_t n)
{
	struct queue	*q = arg;

	return h->local ? local_start(q, h, m, dests[0]) :
	    relay_start(q, h, m, dests, n);
}

static const struct terms *
hop_terms(void *arg, struct span hop)
{
	const struct queue	*q = arg;

	return terms_of_hop(q->terms, hop);
}

static void
on_spare(void *arg)
{
	struct queue	*q = arg;

	own_go_on(q->own);
	intake_spare(q);
}

static void
on_gone(void *arg, struct segment *g)
{
	relay_segment_gone(arg, g);
}

static void
on_full(void *arg)
{
	space_check(arg);
}

void
queue_init(struct queue *q)
{
	static const struct sched_ops		sched_ops = {
		start_job, hop_terms
	};
	static const struct segments_ops	segments_ops = {
		on_spare, on_gone, on_full
	};

	q->syncs = pool_new(1);
	q->work = pool_new(2);
	q->qids.instance = QID_QUEUE;
	q->resume_ms = QUEUE_RESUME_MS;
	if (q->copy_after_ms == 0)
		q->copy_after_ms = QUEUE_COPY_AFTER_MS;
	sched_init(&q->sched, &sched_ops, q);
	q->sched.run_max = RUN_MAX;
	q->segments.ops = &segments_ops;
	q->segments.arg = q;
	q->segments.work = q->work;
	q->segments.spares_wanted = 1;
	q->segments.room = UINT64_MAX;
	q->own = own_new(&q->segments, q->work);
	router_open(q);
	relay_open(q);
	local_open(q);
	forwards_open(q);
	bodies_open(q);
	etrn_open(q);
	asks_open(q);
	postmaster_open(q);
}

/* --- time */

static void
on_tick(void *arg)
{
	struct queue	*q = arg;

	timer_set(&q->tick, TICK_MS, on_tick, q);
	q->sched.now_ms = clock_boot_ms();
	space_tick(q);
	sched_tick(&q->sched);
	messages_tick(q);
	router_tick(q);
	asks_tick(q);
	relay_tick(q);
	local_tick(q);
	forwards_tick(q);
	intake_tick(q);
	deferred_tick(q);
	if (q->control != NULL)
		control_tick(q);
	if (++q->ticks % SWEEP_TICKS == SWEEP_FIRST)
		bodies_sweep(q);
}

static void
stop_if_idle(struct queue *q)
{
	if (!q->stopping || (q->sched.jobs > 0 &&
	    clock_boot_ms() < q->stop_ms))
		return;
	q->stopping = false;
	log_info("stopped messages=%zu", q->index.n);
	if (q->journal != NULL)
		journal_close(&q->journal);
	child_done();
}

/* Another turn: there is more to start. */
static void
again(void *arg)
{
	(void)arg;
}

/* What the turn has gathered goes on its way. */
static void
on_turn(void *arg)
{
	struct queue	*q = arg;

	if (q->journal == NULL)
		return;
	q->sched.now_ms = clock_boot_ms();
	router_turn(q);
	if (sched_run(&q->sched))
		loop_soon(again, q);
	journal_turn(q->journal);
	space_turn(q);
	stop_if_idle(q);
}

void
queue_start(struct queue *q)
{
	recover(q);
	q->running = true;
	space_begin(q);
	loop_at_turn_end(&q->turn, on_turn, q);
	timer_set(&q->tick, TICK_MS, on_tick, q);
}

/* No new jobs; those under way may end, so that nobody gets a message twice. */
void
queue_stop(struct queue *q, uint32_t drain_ms)
{
	q->stopping = true;
	q->stop_ms = clock_boot_ms() + drain_ms * 9 / 10;
	q->sched.jobs_max = 0;
	if (!q->running)
		child_done();
}
