/*
 * expand.c - what route has said of a message's recipients becomes targets.
 *
 * One target for a recipient is kept in memory alone: it is asked again after
 * a restart.  Several are an expansion, which the status log has before
 * anything is sent, so that those who have it do not get it again.
 *
 * A list may have 100,000 members: so all of this goes on in slices, and the
 * log gets parts of an expansion (PART) and its end (WHOLE).  Until that is
 * durable the targets are LOGGING.  What was expanded before is found again by
 * its address: it stays as it is, the log gets only what is new or has
 * changed, and what the list does not name any more is done.  Where a member
 * cannot be told now (LATER), what is not named may be behind it, and waits.
 */
#include "mta/queue/members.h"
#include "mta/queue/notify.h"
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>

#define LOOK		16	/* steps between two looks at the clock */
#define LOGGED_SLICE	10000	/* targets that become ready in one turn */
#define PART_OCTETS	65536	/* of a part in the log, and what the last target is more */

/* What comes next. */
enum phase {
	NEXT,		/* the next recipient of the answer */
	KNOWN,		/* targets that it has: what it expanded to before */
	MEMBERS,	/* targets of the answer: its members */
	OTHERS,		/* targets that it has: those not named are done */
	LATER,		/* targets that it has: all that wait for route go on waiting */
	REST,		/* of the message: route has said nothing of them */
	OVER
};

struct applying {
	struct queue		*q;
	uint64_t		 qid;
	const struct answered	*piece;
	struct msg		 in;		/* rest of the piece */
	struct target		 t;		/* the one under way */
	enum phase		 phase;
	uint32_t		 i;		/* a target of the message */
	/* The recipient that is being expanded: */
	bool			 expanding;
	bool			 again;		/* it was before */
	uint32_t		 rcpt;
	struct members		 by_address;	/* its targets */
	uint32_t		 next_sub;
	struct buf		 list;		/* of the next part */
	uint32_t		 nlist;
	uint32_t		 members;	/* in the log so far */
	bool			 said;		/* it has a target that says so */
	bool			 owned;		/* all of them are of a list with an owner */
	bool			 gaps;		/* one of them is LATER: */
	struct target		 gap;		/* this one */
};

/* An expansion whose records are on the way to the disk. */
struct expansion {
	struct queue	*q;
	uint64_t	 qid;
	uint32_t	 rcpt;
	uint32_t	 members;	/* that are new or have moved */
	uint32_t	 next;		/* target of the message */
};

/* --- the answer */

static void
open_piece(struct applying *ap)
{
	ap->in = (struct msg){ .fd = -1 };
	if (ap->piece != NULL)
		ap->in.left = span_mem(ap->piece->octets, ap->piece->n);
}

/* The next target into ap->t; false: there is none. */
static bool
take_target(struct applying *ap)
{
	while (ap->piece != NULL && ap->in.left.n == 0) {
		ap->piece = ap->piece->next;
		open_piece(ap);
	}
	/* route.c has read it before. */
	return ap->piece != NULL && target_get(&ap->in, &ap->t);
}

/* Whether the next target is one of this recipient too. */
static bool
is_followed(const struct applying *ap)
{
	const struct answered	*p = ap->piece;
	struct msg		 m = ap->in;

	while (p != NULL && m.left.n == 0 && (p = p->next) != NULL)
		m.left = span_mem(p->octets, p->n);
	return p != NULL && msg_u32(&m) == ap->t.rcpt && !m.bad;
}

/* --- a recipient's targets in the log */

static void
part_end(struct applying *ap)
{
	struct record	r = { .type = REC_PART, .qid = ap->qid,
	    .rcpt = ap->rcpt };

	if (ap->nlist == 0)
		return;
	record_list_counted(&ap->list, ap->nlist);
	r.list = buf_span(&ap->list);
	journal_add(ap->q->journal, &r);
	ap->members += ap->nlist;
	ap->nlist = 0;
	buf_reset(&ap->list);
}

static void
part_add(struct applying *ap, uint32_t sub, const struct target *t)
{
	if (ap->nlist++ == 0)
		record_list_begin(&ap->list, 0);
	record_list_add(&ap->list, sub, t);
	if (ap->list.n >= PART_OCTETS)
		part_end(ap);
}

static void
log_expanded(const struct expansion *x, const struct message *m)
{
	struct arena	a = { 0 };
	struct envelope	e;
	char		id[QID_TEXT];

	message_envelope(m, &a, &e);
	log_info("expanded id=%s to=%s members=%u", qid_format(m->qid, id),
	    log_quote(e.rcpts[x->rcpt]), x->members);
	arena_clear(&a);
}

/* Not one that it goes to, but what its sender is told of that. */
static bool
is_said(const struct dest *d)
{
	struct target	t;

	return dest_place(d, &t) && t.kind == TARGET_EXPANDED;
}

/* Durable: now they may be sent. */
static void
expansion_logged(void *arg)
{
	struct expansion *x = arg;
	struct queue	*q = x->q;
	struct message	*m = index_find(&q->index, x->qid);
	uint32_t	 n;

	if (m != NULL && x->members > 0 && x->next == 0)
		log_expanded(x, m);
	for (n = 0; m != NULL && x->next < m->ndests && n < LOGGED_SLICE;
	    x->next++, n++) {
		struct dest	*d = &m->dests[x->next];

		if (d->rcpt == x->rcpt && d->state == DEST_LOGGING)
			dest_set_state(m, d, is_said(d) ? DEST_ARRIVED :
			    d->hop != NULL ? DEST_READY : DEST_NEW);
	}
	if (m != NULL && x->next < m->ndests)
		loop_soon(expansion_logged, x);
	else
		free(x);
	if (m != NULL)
		message_settle(q, m);
}

/* For a sender who wants to know: one target more, which goes nowhere. */
static void
say(struct applying *ap, struct message *m, const struct envelope *e)
{
	struct target	 t = { .rcpt = ap->rcpt, .kind = TARGET_EXPANDED,
	    .address = e->rcpts[ap->rcpt], .owned = ap->owned };
	struct answer	 an = { .code = 250, .status = SPAN("2.1.5"),
	    .when_ms = clock_wall_ms() };
	struct dest	*d;

	if (ap->said || !notify_expanded(ap->rcpt, e))
		return;
	d = message_add_dests(m, 1);
	d->rcpt = ap->rcpt;
	d->sub = ap->next_sub++;
	d->flags |= DEST_EXPANDED;
	dest_set_place(d, &t);
	dest_set_answer(d, &an);
	dest_set_state(m, d, DEST_LOGGING);
	part_add(ap, d->sub, &t);
}

static void
whole(struct applying *ap)
{
	struct record	 r = { .type = REC_WHOLE, .qid = ap->qid,
	    .rcpt = ap->rcpt };
	struct expansion *x = xcalloc(1, sizeof(*x));

	part_end(ap);
	*x = (struct expansion){ .q = ap->q, .qid = ap->qid,
	    .rcpt = ap->rcpt, .members = ap->members };
	if (ap->members > 0) {
		journal_add(ap->q->journal, &r);
		journal_sync(ap->q->journal, expansion_logged, x);
	} else
		loop_soon(expansion_logged, x);
}

/* --- one recipient */

/* Route may say where it goes; what is in line goes where it is. */
static bool
is_open(const struct dest *d)
{
	if (d->flags & DEST_IN_LINE)
		return false;
	return d->state == DEST_ROUTING || d->state == DEST_NEW ||
	    d->state == DEST_WAIT || d->state == DEST_READY;
}

static void
expand(struct applying *ap, const struct dest *first)
{
	ap->rcpt = ap->t.rcpt;
	ap->expanding = true;
	ap->members = 0;
	ap->next_sub = 1;
	ap->said = false;
	ap->owned = true;
	ap->gaps = false;
	ap->again = first->flags & DEST_EXPANDED;
	ap->phase = ap->again ? KNOWN : MEMBERS;
	ap->i = 0;
}

static void
next_rcpt(struct applying *ap, struct message *m, const struct envelope *e)
{
	const struct target	*t = &ap->t;
	struct dest		*d;

	ap->i = 0;
	if (!take_target(ap)) {
		ap->phase = REST;
		return;
	}
	d = t->rcpt < e->nrcpts ? message_first_dest(m, t->rcpt) : NULL;
	if (d == NULL || (!(d->flags & DEST_EXPANDED) && !is_open(d)))
		return;
	if (is_followed(ap))
		expand(ap, d);
	else if (!(d->flags & DEST_EXPANDED))
		target_apply(ap->q, m, d, t, e->rcpts[t->rcpt], DEST_READY);
	else if (t->kind != TARGET_LATER)
		expand(ap, d);
	else {
		ap->rcpt = t->rcpt;
		ap->phase = LATER;
	}
}

static void
note_known(struct applying *ap, const struct dest *d, const struct envelope *e)
{
	if (d->rcpt != ap->rcpt)
		return;
	if (d->sub >= ap->next_sub)
		ap->next_sub = d->sub + 1;
	if (is_said(d))
		ap->said = true;
	else if (d->flags & DEST_EXPANDED)
		members_add(&ap->by_address, ap->i, dest_address(d, e));
}

/* A target that the recipient did not have: its first, or one more. */
static struct dest *
add_member(struct applying *ap, struct message *m)
{
	struct dest	*d = message_first_dest(m, ap->rcpt);

	if (d->flags & DEST_EXPANDED) {
		d = message_add_dests(m, 1);
		d->rcpt = ap->rcpt;
		d->sub = ap->next_sub++;
	}
	d->flags |= DEST_EXPANDED;
	dest_set_place(d, &ap->t);
	part_add(ap, d->sub, &ap->t);
	members_add(&ap->by_address, (uint32_t)(d - m->dests),
	    ap->t.address);
	return d;
}

/* Another place than before. */
static bool
is_moved(const struct dest *d, const struct target *t)
{
	struct target	old;

	return !dest_place(d, &old) ||
	    old.kind != t->kind || old.uid != t->uid || old.gid != t->gid ||
	    old.owned != t->owned || !span_eq(old.hop, t->hop) ||
	    !span_eq(old.mail_from, t->mail_from) ||
	    !span_eq(old.rcpt_to, t->rcpt_to) ||
	    !span_eq(old.mailbox, t->mailbox) ||
	    !span_eq(old.account, t->account) || !span_eq(old.path, t->path) ||
	    !span_eq(old.how, t->how);
}

/* One that waits goes on waiting, and then goes there. */
static void
redirect_waiting(struct applying *ap, struct dest *d, const struct target *t)
{
	struct sched	*s = &ap->q->sched;
	char		 text[32];

	hop_unref(s, &d->hop);
	if (target_is_local(t))
		d->hop = sched_hop(s, span_of(local_hop(t, text)));
	else
		d->hop = sched_hop(s, t->hop);
}

static bool
goes(const struct target *t)
{
	return target_is_local(t) || t->kind == TARGET_HOP;
}

static void
one_member(struct applying *ap, struct message *m, const struct envelope *e)
{
	const struct target	*t = &ap->t;
	int64_t			 at;
	struct dest		*d;

	ap->owned = ap->owned && t->owned;
	if (t->kind == TARGET_LATER) {
		ap->gaps = true;
		ap->gap = *t;
	}
	at = members_find(&ap->by_address, m, e, t->address);
	d = at >= 0 ? &m->dests[at] : add_member(ap, m);
	if ((d->flags & DEST_NAMED) || !is_open(d)) {
		d->flags |= DEST_NAMED;		/* twice, has it, or gets it now */
		return;
	}
	d->flags |= DEST_NAMED;
	if (is_moved(d, t)) {
		part_add(ap, d->sub, t);
		dest_set_place(d, t);
	}
	if (d->state == DEST_WAIT && goes(t))
		redirect_waiting(ap, d, t);
	else if (d->state != DEST_WAIT || t->kind != TARGET_LATER)
		target_apply(ap->q, m, d, t, SPAN_NONE, DEST_LOGGING);
}

/* Of an earlier expansion, and not among the new targets: no more. */
static void
one_other(struct applying *ap, struct message *m, struct dest *d)
{
	if (d->rcpt != ap->rcpt)
		return;
	if (!(d->flags & DEST_NAMED) && is_open(d)) {
		if (!ap->gaps)
			dest_done(ap->q, m, d);
		else if (d->state == DEST_ROUTING)
			target_refuse(ap->q, m, d, &ap->gap);
	}
	d->flags &= (uint8_t)~DEST_NAMED;
}

static void
expanded(struct applying *ap, struct message *m, const struct envelope *e)
{
	say(ap, m, e);
	whole(ap);
	ap->expanding = false;
	members_clear(&ap->by_address);
	ap->phase = NEXT;
}

/* What was asked and has no target: there is nowhere that it goes. */
static void
one_rest(struct applying *ap, struct message *m, struct dest *d,
    const struct envelope *e)
{
	struct target	none = { .kind = TARGET_DISCARD };

	if (d->state != DEST_ROUTING)
		return;
	if (d->flags & DEST_EXPANDED)
		dest_done(ap->q, m, d);
	else
		target_apply(ap->q, m, d, &none, e->rcpts[d->rcpt],
		    DEST_READY);
}

/* --- the walk */

/* The phases that look at each target that the message has. */
static void
step_dest(struct applying *ap, struct message *m, const struct envelope *e)
{
	struct dest	*d = &m->dests[ap->i];

	switch (ap->phase) {
	case KNOWN:
		note_known(ap, d, e);
		break;
	case OTHERS:
		one_other(ap, m, d);
		break;
	case LATER:
		if (d->rcpt == ap->rcpt && d->state == DEST_ROUTING)
			target_refuse(ap->q, m, d, &ap->t);
		break;
	default:
		one_rest(ap, m, d, e);
		break;
	}
	ap->i++;
}

/* All targets have been looked at. */
static void
dests_end(struct applying *ap, struct message *m, const struct envelope *e)
{
	ap->i = 0;
	switch (ap->phase) {
	case KNOWN:
		ap->phase = MEMBERS;
		break;
	case OTHERS:
		expanded(ap, m, e);
		break;
	case LATER:
		ap->phase = NEXT;
		break;
	default:
		ap->phase = OVER;
		break;
	}
}

static void
step(struct applying *ap, struct message *m, const struct envelope *e)
{
	if (ap->phase == NEXT)
		next_rcpt(ap, m, e);
	else if (ap->phase == MEMBERS) {
		one_member(ap, m, e);
		if (!is_followed(ap) || !take_target(ap))
			ap->phase = OTHERS;
	} else if (ap->i == m->ndests)
		dests_end(ap, m, e);
	else
		step_dest(ap, m, e);
}

/* Removed by hand in the middle of it: nothing is sent any more. */
static void
give_up(struct applying *ap, struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (ap->expanding && m->dests[i].rcpt == ap->rcpt &&
		    m->dests[i].state == DEST_LOGGING)
			dest_set_state(m, &m->dests[i], DEST_NEW);
	ap->phase = OVER;
}

bool
targets_step(struct applying *ap, int64_t until_us)
{
	struct message	*m = index_find(&ap->q->index, ap->qid);
	struct arena	 a = { 0 };
	struct envelope	 e;
	unsigned	 n;

	if (m == NULL)
		return true;
	if (m->flags & M_GONE)
		give_up(ap, m);
	message_envelope(m, &a, &e);
	for (n = 1; ap->phase != OVER; n++) {
		step(ap, m, &e);
		if (n % LOOK == 0 && until_us != INT64_MAX &&
		    clock_boot_us() >= until_us)
			break;
	}
	arena_clear(&a);
	return ap->phase == OVER;
}

struct applying *
targets_begin(struct queue *q, struct message *m, const struct answered *piece)
{
	struct applying	*ap = xcalloc(1, sizeof(*ap));

	ap->q = q;
	ap->qid = m->qid;
	ap->piece = piece;
	open_piece(ap);
	/* What is READY may get another place: it gets into line again. */
	if (m->in_state[DEST_READY] > 0)
		sched_forget(&q->sched, m);
	return ap;
}

bool
targets_expands(const struct applying *ap, uint32_t rcpt)
{
	return ap->expanding && ap->rcpt == rcpt;
}

void
targets_end(struct applying **app)
{
	struct applying	*ap = *app;
	struct message	*m;

	*app = NULL;
	if (ap == NULL)
		return;
	m = index_find(&ap->q->index, ap->qid);
	if (m != NULL && m->in_state[DEST_READY] > 0)
		message_line_up(m, 0);
	members_clear(&ap->by_address);
	buf_clear(&ap->list);
	free(ap);
}
