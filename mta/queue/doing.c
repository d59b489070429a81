/*
 * doing.c - acts by hand; doing.h.
 */
#include "mta/queue/doing.h"

#include "base/clock.h"
#include "base/log.h"
#include "mta/msg/hop.h"
#include "mta/queue/kept.h"

#include <stdio.h>

#define WHY_DFLT	"returned to its sender by the administrator"

/* A message and who does what. */
struct doing {
	struct selection	*s;
	struct queue		*q;
	struct message		*m;
	const struct request	*r;
	struct done		*done;
	uint32_t		 uid;
	uint32_t		 n;		/* targets that it was done to */
};

const char *
act_name(enum act act)
{
	static const char *const	names[ACT_N] = {
		[ACT_HOLD] = "hold", [ACT_RELEASE] = "release",
		[ACT_RETRY] = "retry", [ACT_REROUTE] = "reroute",
		[ACT_REMOVE] = "remove", [ACT_BOUNCE] = "bounce"
	};

	return names[act];
}

/* --- targets */

static bool
is_at_rest(const struct dest *d)
{
	return d->state == DEST_NEW || d->state == DEST_READY ||
	    d->state == DEST_WAIT;
}

/* One that stands in a mailbox's tmp/ only needs to be renamed. */
static bool
may_be_moved(const struct dest *d)
{
	return is_at_rest(d) && !(d->flags & DEST_PREPARED);
}

static bool
may_be_tried(const struct dest *d)
{
	return d->state == DEST_WAIT || (d->state == DEST_READY &&
	    d->hop->site->dead);
}

static bool
may(enum act act, const struct dest *d)
{
	switch (act) {
	case ACT_RETRY:
		return may_be_tried(d);
	case ACT_REROUTE:
		return may_be_moved(d);
	default:
		return is_at_rest(d);
	}
}

static void
try_now(struct doing *g, struct dest *d)
{
	if (d->state == DEST_WAIT)
		dest_wake(g->m, d);
	if (d->hop != NULL)
		sched_probe(&g->q->sched, d->hop);
}

static void
fail(struct doing *g, struct dest *d)
{
	struct answer	an = { .code = 554, .status = SPAN("5.0.0"),
	    .text = g->r->why.n > 0 ? g->r->why : SPAN(WHY_DFLT),
	    .when_ms = clock_wall_ms() };

	dest_fail(g->q, g->m, d, &an);
}

/* --- routing by hand */

static void
log_rerouted(struct doing *g, const struct dest *d, const struct target *t)
{
	struct record	r = { .type = REC_REROUTED, .qid = g->m->qid,
	    .rcpt = d->rcpt, .sub = d->sub, .target = *t };

	journal_add(g->q->journal, &r);
}

/* To a relay: its place says so from now on, also after a reload. */
static void
send_to(struct doing *g, struct dest *d)
{
	struct target	 old = { .kind = TARGET_HOP }, t = { .kind = TARGET_HOP };
	struct arena	*a = &g->s->arena;
	struct message	*m = g->m;

	(void)dest_place(d, &old);
	t.address = arena_span(a, dest_address(d, &g->s->e));
	t.mail_from = arena_span(a, old.mail_from);
	t.rcpt_to = arena_span(a, old.rcpt_to);
	t.owned = old.owned;
	t.hop = hop_format(a, HOP_TO_RELAY, g->r->to);
	hop_unref(&g->q->sched, &d->hop);
	dest_set_place(d, &t);
	d->hop = sched_hop(&g->q->sched, t.hop);
	d->flags = (uint8_t)((d->flags & ~DEST_FALLBACK) | DEST_PINNED);
	log_rerouted(g, d, &t);
	dest_set_state(m, d, DEST_READY);
}

static void
route_again(struct doing *g, struct dest *d)
{
	struct target	none = { .kind = TARGET_HOP };

	hop_unref(&g->q->sched, &d->hop);
	if (d->flags & DEST_PINNED) {
		d->flags &= (uint8_t)~DEST_PINNED;
		log_rerouted(g, d, &none);
	}
	dest_set_state(g->m, d, DEST_NEW);
}

void
reroute_replay(struct queue *q, struct dest *d, const struct record *r)
{
	hop_unref(&q->sched, &d->hop);
	d->flags &= (uint8_t)~DEST_PINNED;
	if (r->target.hop.n > 0) {
		dest_set_place(d, &r->target);
		d->hop = sched_hop(&q->sched, r->target.hop);
		d->flags |= DEST_PINNED;
	}
}

/* --- the targets that are meant */

static void
do_one(struct doing *g, enum act act, struct dest *d)
{
	switch (act) {
	case ACT_RETRY:
		try_now(g, d);
		break;
	case ACT_REROUTE:
		if (g->r->to.n > 0)
			send_to(g, d);
		else
			route_again(g, d);
		break;
	case ACT_REMOVE:
		dest_done(g->q, g->m, d);
		break;
	default:
		fail(g, d);
		break;
	}
}

/* How many of those that are meant it can be done to; others are busy. */
static uint32_t
count_targets(struct doing *g, enum act act)
{
	uint32_t	i, n = 0;

	for (i = 0; i < g->m->ndests; i++) {
		const struct dest	*d = &g->m->dests[i];

		if (!selection_takes_dest(g->s, d))
			continue;
		if (may(act, d))
			n++;
		else if (act != ACT_RETRY || !is_at_rest(d))
			g->done->busy++;
	}
	return n;
}

static void
do_targets(struct doing *g, enum act act)
{
	struct message	*m = g->m;
	uint32_t	 i;

	if (act != ACT_RETRY && m->in_state[DEST_READY] > 0)
		sched_forget(&g->q->sched, m);
	for (i = 0; i < m->ndests; i++)
		if (selection_takes_dest(g->s, &m->dests[i]) &&
		    may(act, &m->dests[i]))
			do_one(g, act, &m->dests[i]);
	if (act != ACT_RETRY)
		message_line_up(m, 0);
	message_settle(g->q, m);
}

/* --- whole messages */

/* Nothing of it would be left. */
static bool
is_all_of_it(const struct doing *g)
{
	uint32_t	i;

	if (!g->s->by_target)
		return true;
	for (i = 0; i < g->m->ndests; i++)
		if (g->m->dests[i].state != DEST_DONE &&
		    !selection_takes_dest(g->s, &g->m->dests[i]))
			return false;
	return true;
}

static void
log_act(const struct doing *g, enum act act)
{
	char	id[QID_TEXT];

	log_info("admin id=%s act=%s by=uid:%u recipients=%u to=%s why=%s",
	    qid_format(g->m->qid, id), act_name(act), (unsigned)g->uid,
	    (unsigned)g->n, g->r->to.n > 0 ? log_quote(g->r->to) : "-",
	    g->r->why.n > 0 ? log_quote(g->r->why) : "-");
}

static void
remove_all(struct doing *g)
{
	char	by[32];

	(void)snprintf(by, sizeof(by), "uid:%u", (unsigned)g->uid);
	message_remove(g->q, g->m, by);
}

/* hold, release: what they say of it themselves is in the log. */
static bool
keep_or_let_go(struct doing *g, enum act act)
{
	bool	held = (g->m->flags & (M_HELD | M_QUARANTINED)) == M_HELD;

	if (g->r->dry)
		return act == ACT_HOLD ? !held :
		    (g->m->flags & M_HELD) != 0;
	return act == ACT_HOLD ?
	    message_hold(g->q, g->m, g->uid, g->r->why) :
	    message_release(g->q, g->m, g->uid);
}

static void
act_on_targets(struct doing *g, enum act act)
{
	bool	all = act == ACT_REMOVE && is_all_of_it(g);

	if (act == ACT_RETRY && g->m->flags & M_HELD)
		return;		/* it is to be released first */
	g->n = all ? g->m->nopen : count_targets(g, act);
	if (g->n == 0)
		return;
	g->done->messages++;
	g->done->targets += g->n;
	if (g->r->dry)
		return;
	log_act(g, act);
	if (all)
		remove_all(g);
	else
		do_targets(g, act);
}

void
act_on(struct selection *s, enum act act, uint32_t uid, struct done *done)
{
	struct doing	g = { .s = s, .q = s->q, .m = s->m, .r = s->r,
	    .done = done, .uid = uid };
	uint32_t	open = s->m->nopen;

	done->matched++;
	if (act != ACT_HOLD && act != ACT_RELEASE) {
		act_on_targets(&g, act);
		return;
	}
	if (keep_or_let_go(&g, act)) {
		done->messages++;
		done->targets += open;
	}
}
