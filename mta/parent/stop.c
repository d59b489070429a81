/*
 * stop.c - the end, in the order in which mail flows.
 *
 * smtp first, while the queue still takes what is in flight; then who brings
 * mail out, while the queue still hears of it; then the queue; then the rest.
 * Each stage has its time; who is late is killed, which loses nothing.
 */
#include "base/log.h"

#include "mta/parent/parent.h"

#define DRAIN_MS	5000	/* of each stage, told to the processes */
#define KILL_MS		6000	/* then they are killed */

static void enter(struct parent *, enum stage);

static enum stage
stage_of(enum proc proc)
{
	switch (proc) {
	case PROC_SMTP:
	case PROC_PICKUP:
		return STAGE_SMTP;
	case PROC_RELAY:
	case PROC_ROUTE:
	case PROC_SPAWNER:
		return STAGE_HOPS;
	case PROC_QUEUE:
		return STAGE_QUEUE;
	default:
		return STAGE_REST;
	}
}

static bool
anybody_left(const struct parent *p, enum stage stage)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].pid != 0 &&
		    stage_of(p->slots[i].proc) <= stage)
			return true;
	return false;
}

static void
say_stop(struct slot *s)
{
	if (s->chan == NULL)
		return;
	chan_begin(s->chan, MSG_STOP);
	chan_u32(s->chan, DRAIN_MS);
	chan_end(s->chan);
}

static void
kill_late(void *arg)
{
	struct parent	*p = arg;
	size_t		 i;

	for (i = 0; i < p->nslots; i++)
		if (p->slots[i].pid != 0 &&
		    stage_of(p->slots[i].proc) <= p->stage) {
			log_warnx("process=%s pid=%ld event=late",
			    p->slots[i].name, (long)p->slots[i].pid);
			slot_kill(&p->slots[i]);
		}
	timer_set(&p->drain, KILL_MS, kill_late, p);
}

static void
enter(struct parent *p, enum stage stage)
{
	size_t	i;

	p->stage = stage;
	for (i = 0; i < p->nslots; i++)
		if (stage_of(p->slots[i].proc) == stage)
			say_stop(&p->slots[i]);
	timer_set(&p->drain, KILL_MS, kill_late, p);
}

void
stop_slot_gone(struct parent *p)
{
	while (!anybody_left(p, p->stage)) {
		if (p->stage == STAGE_REST) {
			listeners_close(&p->listeners);
			log_info("event=stopped");
			loop_stop();
			return;
		}
		enter(p, p->stage + 1);
	}
}

void
stop_asked(struct parent *p)
{
	size_t	i;

	if (p->stage != STAGE_RUN) {
		for (i = 0; i < p->nslots; i++)
			slot_kill(&p->slots[i]);
		return;
	}
	log_info("event=stopping");
	compile_free(&p->compile);
	reading_drop(p);
	enter(p, STAGE_SMTP);
	stop_slot_gone(p);
}

void
stop_failed(struct parent *p)
{
	log_warnx("event=cannot-start");
	p->status = 1;
	stop_asked(p);
}
