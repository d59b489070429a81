/*
 * messages.c - what an outcome means for a message, and its end.
 */
#include "mta/msg/relayed.h"
#include "mta/queue/fallback.h"
#include "mta/queue/lifetimes.h"
#include "mta/queue/kept.h"
#include "mta/queue/way.h"

#include "base/clock.h"
#include "base/log.h"
#include "mta/spool/attributes.h"
#include "ruleset/op.h"

#include <stdlib.h>

#define EXPIRE_SLICE	1000	/* targets of one message in a second */
#define WARN_AGAIN_S	60	/* what could not be notified is tried again */

uint32_t
index_now_s(void)
{
	return (uint32_t)(clock_boot_ms() / 1000) + 1;	/* 0 means none */
}

int64_t
dest_next_ms(const struct dest *d)
{
	if (d->state != DEST_WAIT)
		return 0;
	return clock_wall_ms() +
	    ((int64_t)d->next_s - (int64_t)index_now_s()) * 1000;
}

/* --- logs */

static void
client_of(const struct envelope *e, char out[IP_TEXT_MAX])
{
	size_t	i;

	strcpy(out, "-");
	for (i = 0; i < e->nfacts; i++)
		if (e->facts[i].value.type == RS_T_IP &&
		    e->facts[i].fact == RS_FACT_CLIENT_IP &&
		    e->facts[i].value.ip.family != 0)
			ip_format(&e->facts[i].value.ip, out);
}

/* The login of who sent it; empty without one. */
static struct span
user_of(const struct envelope *e)
{
	for (size_t i = 0; i < e->nfacts; i++)
		if (e->facts[i].value.type == RS_T_TEXT &&
		    e->facts[i].fact == RS_FACT_CLIENT_USER)
			return e->facts[i].value.s;
	return SPAN("");
}

static void
log_kept(const struct message *m, const struct envelope *e)
{
	struct span	why;
	unsigned	how = attr_kept(e, &why);
	char		id[QID_TEXT];

	log_info("kept id=%s how=%s by=policy why=%s", qid_format(m->qid, id),
	    kept_name(how), log_quote(why));
}

void
message_log_accepted(const struct message *m)
{
	struct arena	 a = { 0 };
	struct envelope	 e;
	struct span	 user;
	char		 id[QID_TEXT], client[IP_TEXT_MAX];

	message_envelope(m, &a, &e);
	client_of(&e, client);
	user = user_of(&e);
	log_info("accepted id=%s from=%s size=%llu nrcpt=%zu client=%s user=%s "
	    "policy=%.*s", qid_format(m->qid, id), log_quote(e.sender),
	    (unsigned long long)e.size, e.nrcpts, client,
	    user.n == 0 ? "-" : log_quote(user), SPAN_ARG(e.policy));
	if (m->flags & M_HELD)
		log_kept(m, &e);
	arena_clear(&a);
}

static void
log_outcome(const char *event, const struct message *m, const struct dest *d,
    const struct answer *an)
{
	struct arena	 a = { 0 };
	struct envelope	 e;
	struct target	 t;
	char		 id[QID_TEXT];
	bool		 local = dest_place(d, &t) && target_is_local(&t);

	message_envelope(m, &a, &e);
	log_info("%s id=%s to=%s hop=%s mta=%s%s code=%u status=%.*s "
	    "attempts=%u reply=%s%s%s", event, qid_format(m->qid, id),
	    log_quote(dest_recipient(d, &e)),
	    d->hop == NULL ? "-" : d->hop->text,
	    an->mta.n == 0 ? "-" : log_quote(an->mta),
	    relayed_log(an->tls, an->login), an->code,
	    SPAN_ARG(an->status), d->attempts, log_quote(an->text),
	    local ? " file=" : "", local ? log_quote(t.path) : "");
	arena_clear(&a);
}

/* --- records */

static void
log_record(struct queue *q, unsigned type, uint64_t qid)
{
	struct record	r = { .type = (uint8_t)type, .qid = qid };

	journal_add(q->journal, &r);
}

static void
record_deferred(struct queue *q, const struct message *m,
    const struct dest *d, const struct answer *an)
{
	struct record	r = { .type = REC_DEFERRED, .qid = m->qid,
	    .rcpt = d->rcpt, .sub = d->sub, .attempts = d->attempts,
	    .next_ms = dest_next_ms(d), .code = an->code,
	    .status = an->status, .mta = an->mta, .text = an->text };

	journal_add(q->journal, &r);
	if (way_record(m, d, an, &r))
		journal_add(q->journal, &r);
}

/* --- coming and going */

struct record
message_record(const struct message *m, const struct segment *g,
    uint64_t offset)
{
	return (struct record){ .type = REC_MESSAGE, .qid = m->qid,
	    .segment = g->id, .offset = offset,
	    .flags = m->flags & M_BODY ? SEGMENT_F_BODY : 0,
	    .envelope = span_mem(m->env, m->env_n) };
}

void
message_move(struct message *m, struct segment *g, uint64_t offset)
{
	uint64_t	octets = message_record_length(m);

	segment_live(g, octets);
	if (m->seg != NULL)
		segment_dead(m->seg, octets);
	m->seg = g;
	m->offset8 = (uint32_t)(offset / 8);
}

bool
message_admit(struct queue *q, struct message *m, struct segment *g,
    uint64_t offset)
{
	if (!index_add(&q->index, m)) {
		message_free(&m);
		return false;
	}
	message_move(m, g, offset);
	kept_enter(q, m);
	if (m->qid > q->max_qid)
		q->max_qid = m->qid;
	return true;
}

static void
finish(struct queue *q, struct message *m)
{
	struct segment	*g = m->seg;
	uint64_t	 octets = message_record_length(m);
	uint32_t	 i;

	log_record(q, REC_FINISHED, m->qid);
	kept_leave(q, m);
	sched_forget(&q->sched, m);
	for (i = 0; i < m->ndests; i++)
		hop_unref(&q->sched, &m->dests[i].hop);
	if (m->flags & M_BODY)
		body_finished(q, m->qid);
	index_del(&q->index, m);
	message_free(&m);
	segment_dead(g, octets);
}

/* --- outcomes */

void
dest_done(struct queue *q, struct message *m, struct dest *d)
{
	struct record	r = { .type = REC_DONE, .qid = m->qid,
	    .rcpt = d->rcpt, .sub = d->sub };

	dest_set_state(m, d, DEST_DONE);
	hop_unref(&q->sched, &d->hop);
	dest_set_answer(d, NULL);
	if (--m->nopen > 0)
		journal_add(q->journal, &r);	/* else FINISHED says it */
}

void
dest_defer(struct queue *q, struct message *m, struct dest *d,
    const struct answer *an)
{
	enum error_class	 class = error_class_of(an->code, an->status);
	const struct terms	*t = d->hop == NULL ? &q->sched.general :
	    d->hop->terms;
	int64_t			 wait_ms = terms_retry_ms(t, class,
	    d->attempts, m->qid + d->rcpt + (uint64_t)d->attempts * 31);

	struct buf		 both = { 0 };
	struct answer		 said;
	uint32_t		 end;

	if (d->hop != NULL)
		sched_failed(d->hop, class);

	if (d->attempts < UINT16_MAX)
		d->attempts++;
	said = fallback_answer(d, an, &both);
	dest_wait(m, d, index_now_s() + (uint32_t)((wait_ms + 999) / 1000));
	dest_set_answer(d, &said);
	end = message_aged_s(m, dest_lifetime_ms(q, d));
	if (end < d->next_s)	/* then it has expired */
		dest_wait(m, d, end);
	record_deferred(q, m, d, &said);
	q->count.deferred++;
	log_outcome("deferred", m, d, &said);
	(void)fallback_deferred(q, m, d);
	buf_clear(&both);
}

void
dest_fail(struct queue *q, struct message *m, struct dest *d,
    const struct answer *an)
{
	struct buf	both = { 0 };
	struct answer	said = fallback_answer(d, an, &both);

	dest_set_state(m, d, DEST_FAILED);
	dest_set_answer(d, &said);
	q->count.failed++;
	log_outcome("failed", m, d, &said);
	buf_clear(&both);
}

void
dest_refused(struct queue *q, struct message *m, struct dest *d,
    const struct answer *an)
{
	if (q->set.soft_bounce)
		dest_defer(q, m, d, an);
	else
		dest_fail(q, m, d, an);
}

uint8_t
dest_how(const struct dest *d)
{
	struct target	t;

	if (d->flags & DEST_RELAYED)
		return RECORD_RELAYED;
	return dest_place(d, &t) && t.kind == TARGET_EXPANDED ?
	    RECORD_WAS_EXPANDED : RECORD_DELIVERED;
}

void
dest_arrive(struct queue *q, struct message *m, struct dest *d,
    const struct answer *an, bool relayed)
{
	struct record	r = { .type = REC_ARRIVED, .qid = m->qid,
	    .rcpt = d->rcpt, .sub = d->sub,
	    .code = an->code, .status = an->status, .mta = an->mta,
	    .text = an->text };

	if (relayed)
		d->flags |= DEST_RELAYED;
	dest_set_state(m, d, DEST_ARRIVED);
	hop_unref(&q->sched, &d->hop);
	dest_set_answer(d, an);
	r.how = dest_how(d);
	journal_add(q->journal, &r);
	if (way_record(m, d, an, &r))
		journal_add(q->journal, &r);
}

/* --- times of a message */

static uint32_t
earlier_of(uint32_t a, uint32_t b)
{
	return b == 0 || (a != 0 && a < b) ? a : b;
}

static uint32_t
in_s(int64_t left)
{
	return index_now_s() + (left < 0 ? 0 : (uint32_t)left);
}

int64_t
message_by_ms(const struct message *m)
{
	struct arena	a = { 0 };
	struct envelope	e;

	if (!(m->flags & (M_BY_RETURN | M_BY_NOTIFY)))
		return 0;
	message_envelope(m, &a, &e);
	arena_clear(&a);
	return e.by_ms;
}

bool
message_too_late(const struct message *m)
{
	return (m->flags & M_BY_RETURN) && message_by_ms(m) <= clock_wall_ms();
}

/* The deadline of BY=, if it has a mode of these flags that is open; 0: none. */
static uint32_t
by_s(const struct message *m, unsigned mode)
{
	int64_t	left;

	if (!(m->flags & mode) || (mode == M_BY_NOTIFY && m->flags & M_LATE))
		return 0;
	left = (message_by_ms(m) - clock_wall_ms() + 999) / 1000;
	return in_s(left > INT32_MAX ? INT32_MAX : left);
}

/* What has not arrived by then may not any more. */
static uint32_t
expiry_s(const struct queue *q, const struct message *m)
{
	return earlier_of(lifetime_next_s(q, m), by_s(m, M_BY_RETURN));
}

/* The n-th time at which the sender is told that it takes long; 0: there is none. */
static uint32_t
warn_at_s(const struct queue *q, const struct message *m, unsigned n)
{
	if (n >= q->set.nwarns || m->flags & M_DSN ||
	    q->set.warns_ms[n] >= q->sched.general.lifetime_ms[CLASS_OTHER])
		return 0;
	return message_aged_s(m, q->set.warns_ms[n]);
}

/* The next of them; 0: the sender has been told, or is not to be. */
static uint32_t
warn_s(const struct queue *q, const struct message *m)
{
	return warn_at_s(q, m, m->warned);
}

/* The end of its quarantine; 0: it is kept until somebody releases it. */
static uint32_t
kept_end_s(const struct queue *q, const struct message *m)
{
	int64_t	until = kept_until_ms(q, m), left;

	if (until == 0)
		return 0;
	left = (until - clock_wall_ms() + 999) / 1000;
	if (left > q->set.quarantine_ms / 1000 + 1)
		left = q->set.quarantine_ms / 1000 + 1;	/* a wrong clock */
	return in_s(left);
}

/* When something of it is due by itself; 0: never, it is kept. */
static uint32_t
due_s(const struct queue *q, const struct message *m)
{
	uint32_t	due;

	if (m->flags & M_HELD)
		return kept_end_s(q, m);
	due = earlier_of(expiry_s(q, m), warn_s(q, m));
	due = earlier_of(due, by_s(m, M_BY_NOTIFY));
	due = earlier_of(due, fallback_wake_s(q, m));
	if (m->in_state[DEST_WAIT] > 0)
		due = earlier_of(due, m->soonest_s);
	return due;
}

/*
 * The next time to look at it, at least a second on: what was due may not
 * have come to anything yet.
 */
static void
set_wake(struct queue *q, struct message *m)
{
	uint32_t	wake = due_s(q, m);

	if (m->in_state[DEST_FAILED] + m->in_state[DEST_ARRIVED] > 0)
		wake = earlier_of(wake, index_now_s() + WARN_AGAIN_S);
	if (wake != 0 && wake <= index_now_s())
		wake = index_now_s() + 1;
	index_wake_at(&q->index, m, wake);
}

/* --- what is due */

/*
 * Nothing of it is on its way: what failed can be told together.  What is kept
 * is not on its way.
 */
static bool
is_quiet(const struct message *m)
{
	const uint32_t	*n = m->in_state;

	return n[DEST_ROUTING] + n[DEST_LOGGING] + n[DEST_ACTIVE] == 0 &&
	    (m->flags & M_HELD || n[DEST_NEW] + n[DEST_READY] == 0);
}

/* Those without a hop are routed, those with one get into line there. */
static void
go_on(struct queue *q, struct message *m)
{
	if (m->in_state[DEST_NEW] > 0)
		router_want(q, m);
	if (m->in_state[DEST_READY] > 0) {
		fallback_ready(q, m);
		sched_ready(&q->sched, m);
	}
}

void
message_settle(struct queue *q, struct message *m)
{
	const uint32_t	*n = m->in_state;

	if (m->flags & M_GONE || m->nopen == 0) {
		if (m->jobs == 0 && n[DEST_LOGGING] == 0 &&
		    !(m->flags & M_NOTIFYING))
			finish(q, m);
		return;
	}
	if (m->flags & M_HELD)
		kept_settle(q, m);
	else
		go_on(q, m);
	set_wake(q, m);
	if (n[DEST_FAILED] + n[DEST_ARRIVED] > 0 && is_quiet(m) &&
	    !(m->flags & M_NOTIFYING))
		bounce_ended(q, m);
}

/* What is said of one that has expired. */
static struct answer
expired(const struct message *m)
{
	if (message_too_late(m))
		return (struct answer){ .code = 554, .status = SPAN("5.4.7"),
		    .text = SPAN("could not be delivered by the time that its "
		    "sender has set") };
	return (struct answer){ .code = 451, .status = SPAN("4.4.7"),
	    .text = SPAN("could not be delivered within its lifetime") };
}

/* Not just being tried, and over: by its lifetime, or with all of the message. */
static bool
is_over(const struct queue *q, const struct message *m, const struct dest *d,
    bool all)
{
	if (d->state != DEST_WAIT && d->state != DEST_READY &&
	    d->state != DEST_NEW)
		return false;
	return all || dest_expired(q, m, d);
}

static void
expire_dest(struct queue *q, struct message *m, struct dest *d)
{
	struct answer	 an, why = expired(m);

	why.when_ms = clock_wall_ms();
	if (why.code < 500 && dest_answer(d, &an)) {
		an.status = why.status;	/* its last answer says more */
		log_outcome("expired", m, d, &an);
		dest_set_state(m, d, DEST_FAILED);
		q->count.failed++;
	} else
		dest_fail(q, m, d, &why);
}

/*
 * What is over has failed.  Of a long list a part at a time; false: there is
 * more.
 */
static bool
expire(struct queue *q, struct message *m)
{
	bool		all = message_too_late(m);
	uint32_t	i, n = 0;

	for (i = 0; i < m->ndests && !is_over(q, m, &m->dests[i], all); i++)
		;
	if (i == m->ndests)
		return true;
	sched_forget(&q->sched, m);
	for (; i < m->ndests && n < EXPIRE_SLICE; i++)
		if (is_over(q, m, &m->dests[i], all)) {
			expire_dest(q, m, &m->dests[i]);
			n++;
		}
	for (n = 0; n < m->ndests && m->in_state[DEST_READY] > 0; n++)
		if (m->dests[n].state == DEST_READY)
			dest_set_state(m, &m->dests[n], DEST_READY);
	return i == m->ndests;
}

/* Those that wait are due: routed, where their hop is not known. */
void
dest_wake(struct message *m, struct dest *d)
{
	dest_set_state(m, d, d->hop == NULL ? DEST_NEW : DEST_READY);
}

static void
wake_dests(struct message *m, uint32_t now_s)
{
	uint32_t	i, soonest = 0;

	if (m->in_state[DEST_WAIT] == 0 || m->soonest_s > now_s)
		return;
	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->state != DEST_WAIT)
			continue;
		if (d->next_s <= now_s)
			dest_wake(m, d);
		else
			soonest = earlier_of(d->next_s, soonest);
	}
	m->soonest_s = soonest;
}

/* Whom to tell that it takes long, or longer than it should. */
static void
tell_delays(struct queue *q, struct message *m, uint32_t now)
{
	uint32_t	warn = warn_s(q, m), by = by_s(m, M_BY_NOTIFY);

	if (by != 0 && by <= now) {
		m->flags |= M_LATE;
		log_record(q, REC_LATE, m->qid);
		bounce_late(q, m);
	}
	if (warn == 0 || warn > now)
		return;
	/* Times that have passed together, as while we were away: once. */
	for (; warn != 0 && warn <= now; warn = warn_s(q, m)) {
		m->warned++;
		log_record(q, REC_WARNED, m->qid);
	}
	bounce_delayed(q, m);
}

static void
message_due(struct queue *q, struct message *m)
{
	uint32_t	now = index_now_s();

	if (m->flags & M_HELD) {
		if (!kept_expire(q, m))
			message_settle(q, m);
		return;
	}
	if ((message_too_late(m) || lifetime_began(q, m)) && !expire(q, m)) {
		index_wake_at(&q->index, m, now + 1);	/* told when all of it has failed */
		return;
	}
	wake_dests(m, now);
	fallback_waiting(q, m);
	tell_delays(q, m, now);
	message_settle(q, m);
}

void
messages_tick(struct queue *q)
{
	struct message	*m;
	uint32_t	 now = index_now_s();
	unsigned	 n = 0;

	/* A flood that is due at once must not stop the loop. */
	while (n++ < 5000 && (m = index_due(&q->index, now)) != NULL)
		message_due(q, m);
}

/* --- by hand */

void
message_retry(struct queue *q, struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_WAIT)
			dest_wake(m, &m->dests[i]);
	message_settle(q, m);
}

void
message_remove(struct queue *q, struct message *m, const char *by)
{
	char	id[QID_TEXT];

	log_info("removed id=%s by=%s", qid_format(m->qid, id),
	    log_quote(span_of(by)));
	q->count.removed++;
	m->flags |= M_GONE;
	index_wake_at(&q->index, m, 0);	/* nothing of it is due any more */
	sched_forget(&q->sched, m);
	log_record(q, REC_FINISHED, m->qid);
	message_settle(q, m);
}
