/*
 * relay_jobs.c - jobs for the relay process: a message, a hop, some recipients.
 *
 * A job is open until RELAYED answers it.  When relay is new all open jobs
 * are sent again.  A job pins the segment that it reads.
 */
#include "mta/msg/relayed.h"
#include "mta/queue/login.h"
#include "mta/queue/notify.h"
#include "mta/queue/probe.h"
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/hop.h"
#include "mta/spool/attributes.h"

#include <stdlib.h>
#include <unistd.h>

#define REPLY_MAX	2000

struct job {
	struct job	*prev, *next;	/* open ones, oldest first */
	uint64_t	 id;
	struct message	*m;
	struct hop	*hop;		/* a reference */
	struct segment	*seg;		/* pinned */
	uint64_t	 content_offset;
	int64_t		 since_ms;
	uint32_t	 slot;
	uint32_t	 n;
	uint8_t		 sched;		/* enum sched_job */
	uint32_t	 dests[];
};

struct relay_jobs {
	struct queue	*q;
	struct chan	*chan;
	struct job	*first, *last;
	struct job	**slots;	/* by the low half of the id */
	uint32_t	*free_slots;
	uint32_t	 nfree, nslots;
	uint32_t	 serial;
};

void
relay_open(struct queue *q)
{
	q->relay = xcalloc(1, sizeof(*q->relay));
	q->relay->q = q;
}

/* --- the table of jobs */

static void
more_slots(struct relay_jobs *r)
{
	uint32_t	i, n = r->nslots == 0 ? 64 : 2 * r->nslots;

	r->slots = xreallocarray(r->slots, n, sizeof(struct job *));
	r->free_slots = xreallocarray(r->free_slots, n, sizeof(uint32_t));
	for (i = n; i > r->nslots; i--) {
		r->slots[i - 1] = NULL;
		r->free_slots[r->nfree++] = i - 1;
	}
	r->nslots = n;
}

static struct job *
job_new(struct relay_jobs *r, struct hop *h, struct message *m,
    const uint32_t *dests, uint32_t n)
{
	struct job	*j = xcalloc(1, sizeof(*j) + n * sizeof(*dests));

	if (r->nfree == 0)
		more_slots(r);
	j->slot = r->free_slots[--r->nfree];
	j->id = (uint64_t)++r->serial << 32 | j->slot;
	j->m = m;
	j->hop = hop_ref(h);
	j->sched = (uint8_t)sched_starting(&r->q->sched);
	j->seg = m->seg;
	j->content_offset = m->flags & M_BODY ? 0 : message_content_offset(m);
	j->n = n;
	memcpy(j->dests, dests, n * sizeof(*dests));
	r->slots[j->slot] = j;
	segment_pin(j->seg);
	m->jobs++;
	j->prev = r->last;
	if (r->last != NULL)
		r->last->next = j;
	else
		r->first = j;
	r->last = j;
	return j;
}

static void
job_free(struct relay_jobs *r, struct job *j)
{
	if (j->prev != NULL)
		j->prev->next = j->next;
	else
		r->first = j->next;
	if (j->next != NULL)
		j->next->prev = j->prev;
	else
		r->last = j->prev;
	r->slots[j->slot] = NULL;
	r->free_slots[r->nfree++] = j->slot;
	j->m->jobs--;
	segment_unpin(j->seg);
	hop_unref(&r->q->sched, &j->hop);
	free(j);
}

static struct job *
job_find(const struct relay_jobs *r, uint64_t id)
{
	uint32_t	slot = (uint32_t)id;

	if (slot >= r->nslots || r->slots[slot] == NULL ||
	    r->slots[slot]->id != id)
		return NULL;
	return r->slots[slot];
}

/* --- sending */

static bool
show_segment(struct relay_jobs *r, struct segment *g)
{
	int	fd;

	if (g->relay_has)
		return true;
	if ((fd = segment_open_read(g)) == -1) {
		log_warn("segment %08x: cannot be opened for relay", g->id.id);
		return false;
	}
	chan_begin(r->chan, MSG_SEGMENT_FD);
	chan_u32(r->chan, g->id.id);
	chan_u32(r->chan, g->id.generation);
	chan_fd(r->chan, fd);
	chan_end(r->chan);
	g->relay_has = true;
	return true;
}

void
relay_segment_gone(struct queue *q, struct segment *g)
{
	struct relay_jobs	*r = q->relay;

	if (!g->relay_has || r->chan == NULL)
		return;
	g->relay_has = false;
	chan_begin(r->chan, MSG_SEGMENT_GONE);
	chan_u32(r->chan, g->id.id);
	chan_u32(r->chan, g->id.generation);
	chan_end(r->chan);
}

/* What MAIL says; the members of a list get a message of its owner. */
static void
put_message(struct relay_jobs *r, const struct dest *d,
    const struct envelope *e)
{
	uint32_t	flags = e->flags;
	bool		list = notify_is_list(d);

	if (list)
		flags &= ~(uint32_t)(ENV_RET_FULL | ENV_RET_HDRS);
	chan_u32(r->chan, flags);
	chan_bytes(r->chan, dest_mail_from(d, e->sender));
	chan_bytes(r->chan, list ? SPAN_NONE : e->envid);
	chan_u64(r->chan, (uint64_t)e->by_ms);
}

static void
put_rcpt(struct relay_jobs *r, const struct dest *d, const struct envelope *e)
{
	struct envelope_param	p = notify_param(d, e);

	chan_bytes(r->chan, dest_rcpt_to(d, e));
	chan_u8(r->chan, p.notify);
	chan_bytes(r->chan, p.orcpt_type);
	chan_bytes(r->chan, p.orcpt);
}

/* A filter is told where it came from, and its name here. */
static struct span
origin_of(const struct job *j, const struct envelope *e, struct arena *a)
{
	char	id[QID_TEXT];

	if (!hop_is(span_mem(j->hop->text, j->hop->text_n), HOP_TO_FILTER))
		return SPAN_NONE;
	return arena_printf(a, "%.*sIDENT=%s\n", SPAN_ARG(attr_origin(e)),
	    qid_format(j->m->qid, id));
}

static void
put_job(struct relay_jobs *r, const struct job *j, int body_fd)
{
	const struct message	*m = j->m;
	struct arena		 a = { 0 };
	struct envelope		 e;
	struct chan		*c = r->chan;
	uint32_t		 i;

	message_envelope(m, &a, &e);
	chan_begin(c, MSG_RELAY);
	chan_u64(c, j->id);
	chan_u64(c, m->qid);
	chan_bytes(c, span_mem(j->hop->text, j->hop->text_n));
	chan_u8(c, body_fd != -1);
	chan_u32(c, j->seg->id.id);
	chan_u32(c, j->seg->id.generation);
	chan_u64(c, j->content_offset);
	chan_u64(c, m->size);
	put_message(r, &m->dests[j->dests[0]], &e);
	chan_u32(c, j->n);
	for (i = 0; i < j->n; i++) {
		chan_u32(c, j->dests[i]);
		put_rcpt(r, &m->dests[j->dests[i]], &e);
	}
	chan_u32(c, j->hop->terms->messages);
	chan_bytes(c, origin_of(j, &e, &a));
	chan_bytes(c, login_facts(r->q, j->hop, &e,
	    dest_address(&m->dests[j->dests[0]], &e), &a));
	if (body_fd != -1)
		chan_fd(c, body_fd);
	chan_end(c);
	arena_clear(&a);
}

static bool
send_job(struct relay_jobs *r, struct job *j)
{
	int	body_fd = -1;

	if (j->m->flags & M_BODY) {
		if ((body_fd = body_open_read(r->q, j->m->qid)) == -1) {
			log_warn("body of %016llx",
			    (unsigned long long)j->m->qid);
			return false;
		}
	} else if (!show_segment(r, j->seg))
		return false;
	j->since_ms = clock_boot_ms();
	put_job(r, j, body_fd);
	return true;
}

/* --- ends */

static void
end_job(struct relay_jobs *r, struct job *j, enum sched_outcome outcome)
{
	struct queue	*q = r->q;
	struct message	*m = j->m;

	sched_ended(&q->sched, j->hop, outcome, j->sched);
	job_free(r, j);
	message_settle(q, m);
}

/* All targets that have no answer yet are tried again later. */
static void
defer_rest(struct relay_jobs *r, struct job *j, const char *why)
{
	struct answer	 an = { .code = 451, .status = SPAN("4.3.0"),
	    .text = span_of(why), .when_ms = clock_wall_ms() };
	uint32_t	 i;

	for (i = 0; i < j->n; i++)
		if (j->m->dests[j->dests[i]].state == DEST_ACTIVE)
			dest_defer(r->q, j->m, &j->m->dests[j->dests[i]], &an);
}

struct unsendable {
	struct relay_jobs	*r;
	uint64_t		 id;
};

/* In a turn of its own: the scheduler is in the middle of its own. */
static void
give_up(void *arg)
{
	struct unsendable	*u = arg;
	struct job		*j = job_find(u->r, u->id);

	if (j != NULL) {
		defer_rest(u->r, j, "the content cannot be read");
		end_job(u->r, j, SCHED_NONE);
	}
	free(u);
}

bool
relay_start(struct queue *q, struct hop *h, struct message *m,
    const uint32_t *dests, uint32_t n)
{
	struct relay_jobs	*r = q->relay;
	struct unsendable	*u;
	struct job		*j;

	if (r->chan == NULL)
		return false;
	j = job_new(r, h, m, dests, n);
	if (!send_job(r, j)) {
		j->since_ms = clock_boot_ms();
		u = xcalloc(1, sizeof(*u));
		*u = (struct unsendable){ r, j->id };
		loop_soon(give_up, u);
	}
	return true;
}

/* --- answers */

/* A recipient too many, in the arena. */
struct excess {
	struct excess	*next;
	uint32_t	 dest;
	struct answer	 an;
};

/* What RELAYED says, while it is read. */
struct relayed {
	struct job	*j;		/* NULL: nobody waits for it */
	struct span	 login;		/* how its session has logged in */
	struct arena	 arena;
	struct envelope	 e;
	unsigned	 offers;
	unsigned	 trouble;	/* enum relay_trouble */
	struct span	 tls;		/* wanted and reached */
	bool		 busy;		/* 421 */
	bool		 nonsense;	/* what the hop said was no SMTP */
	uint32_t	 taken, tried;	/* recipients */
	bool		 limited;	/* some were not tried: the hop has said how many it takes */
	struct excess	*excess;	/* refused as too many, or not tried */
};

/*
 * Whether the sender is told that it is relayed: the hop will not say what
 * becomes of it (RFC 3461, 5.2.2), or not whether that is in time; or BY asks
 * for a trace (RFC 2852, 4.1.4).
 */
static bool
is_told(const struct dest *d, const struct envelope *e, unsigned offers)
{
	if (notify_is_list(d))
		return notify_success(d, e);
	if (notify_success(d, e) && !(offers & RELAYED_DSN))
		return true;
	if (e->sender.n == 0 || notify_never(d, e))
		return false;
	return (e->flags & ENV_BY_TRACE) || ((e->flags & ENV_BY_NOTIFY) &&
	    !(offers & RELAYED_DELIVERBY));
}

/* LMTP is spoken to who delivers (RFC 2033, 1): it has arrived. */
static bool
is_mailbox(const struct hop *h)
{
	return hop_is(span_mem(h->text, h->text_n), HOP_TO_LMTP);
}

static void
sent(struct relay_jobs *r, const struct relayed *all, struct dest *d,
    const struct answer *an)
{
	const struct job	*j = all->j;
	char			 id[QID_TEXT];

	log_info("sent id=%s to=%s hop=%.*s mta=%s%s code=%u reply=%s",
	    qid_format(j->m->qid, id), log_quote(dest_address(d, &all->e)),
	    (int)j->hop->text_n, j->hop->text, log_quote(an->mta),
	    relayed_log(an->tls, an->login), an->code, log_quote(an->text));
	r->q->count.sent++;
	if (is_told(d, &all->e, all->offers))
		dest_arrive(r->q, j->m, d, an, !notify_is_list(d) &&
		    !is_mailbox(j->hop));
	else
		dest_done(r->q, j->m, d);
}

static bool
in_job(const struct job *j, uint32_t dest)
{
	uint32_t	i;

	for (i = 0; i < j->n; i++)
		if (j->dests[i] == dest)
			return true;
	return false;
}

static void
outcome_of(struct relay_jobs *r, const struct relayed *all, uint32_t dest,
    const struct answer *an)
{
	struct job	*j = all->j;
	struct dest	*d;

	if (!in_job(j, dest))
		return;
	d = &j->m->dests[dest];
	if (d->state != DEST_ACTIVE)
		return;
	if (an->code / 100 == 2)
		sent(r, all, d, an);
	else if (an->code / 100 == 5)
		dest_refused(r->q, j->m, d, an);
	else
		dest_defer(r->q, j->m, d, an);
}

/*
 * RFC 5321, 4.5.3.1.10: one recipient too many.  A full mailbox or disk says
 * so by its status.
 */
static bool
is_excess(const struct answer *an)
{
	return an->code == 452 && (span_eq(an->status, SPAN("4.5.3")) ||
	    span_eq(an->status, SPAN("4.0.0")) || an->status.n == 0);
}

/* Relay has ended the session for it; told once for the job. */
static void
look_for_nonsense(struct relay_jobs *r, struct relayed *all,
    const struct answer *an)
{
	if (all->nonsense || all->trouble != RELAY_TROUBLE_CONNECT ||
	    !span_eq(an->status, SPAN("4.5.0")))
		return;
	all->nonsense = true;
	postmaster_nonsense(r->q, all->j->hop, an);
}

static void
one_result(struct relay_jobs *r, struct relayed *all, uint32_t dest,
    const struct answer *an)
{
	struct excess	*x;

	all->busy |= an->code == 421;
	all->taken += an->code / 100 == 2;
	all->tried += an->code != 0;
	all->limited |= an->code == 0;
	if (all->j == NULL)
		return;
	look_for_nonsense(r, all, an);
	if ((an->code != 0 && !is_excess(an)) || !in_job(all->j, dest)) {
		outcome_of(r, all, dest, an);
		return;
	}
	x = arena_alloc(&all->arena, sizeof(*x));
	*x = (struct excess){ all->excess, dest, *an };
	all->excess = x;
}

/*
 * Those that the transaction had no room for go in the next, at once; if it has
 * brought others to something.
 */
static void
excess_results(struct relay_jobs *r, struct relayed *all)
{
	struct job		*j = all->j;
	const struct excess	*x;
	uint32_t		 room = all->limited ? all->tried : all->taken;
	struct dest		*d;

	if (all->excess != NULL && room > 0)
		sched_takes(j->hop, room);
	for (x = all->excess; x != NULL; x = x->next) {
		d = &j->m->dests[x->dest];
		if (x->an.code != 0 && all->taken == 0)
			outcome_of(r, all, x->dest, &x->an);
		else if (d->state == DEST_ACTIVE && room > 0)
			dest_set_state(j->m, d, DEST_READY);
	}
}

/* They stand in line at the hop, which is held: they go as soon as it is not. */
static void
back_in_line(struct job *j)
{
	struct dest	*d;
	uint32_t	 i;

	for (i = 0; i < j->n; i++) {
		d = &j->m->dests[j->dests[i]];
		if (d->state == DEST_WAIT && d->hop == j->hop)
			dest_wake(j->m, d);
	}
}

static enum sched_outcome
outcome_for_hop(const struct relayed *all, bool connected, bool held)
{
	if (held)
		return SCHED_REFUSED;
	return connected && !all->busy ? SCHED_OK : SCHED_BAD;
}

static void
read_results(struct relay_jobs *r, struct relayed *all, struct msg *msg,
    struct span mta)
{
	struct span	his;
	struct answer	an = { .tls = all->tls,
			    .login = all->login, .when_ms = clock_wall_ms() };
	uint32_t	n = msg_u32(msg), i, dest;

	for (i = 0; i < n && !msg->bad; i++) {
		dest = msg_u32(msg);
		an.code = msg_u16(msg);
		an.status = msg_bytes(msg, REPLY_MAX);
		an.text = msg_bytes(msg, REPLY_MAX);
		his = msg_bytes(msg, REPLY_MAX);
		an.mta = his.n > 0 ? his : mta;
		if (!msg->bad)
			one_result(r, all, dest, &an);
	}
}

/* What relay has learnt of where it goes; digests of another length are nobody's. */
static void
learn(struct relay_jobs *r, struct job *j, struct span mx, bool connected)
{
	if (mx.n == SCHED_SET)
		sched_learned(&r->q->sched, j->hop, (const uint8_t *)mx.p);
	else if (mx.n == 0 && connected)
		sched_learned(&r->q->sched, j->hop, NULL);
}

static bool
take_relayed(struct relay_jobs *r, struct msg *msg)
{
	struct relayed		 all = { 0 };
	struct job		*j = job_find(r, msg_u64(msg));
	struct span		 mta = msg_bytes(msg, REPLY_MAX), mx;
	bool			 connected = msg_u8(msg) != 0, held;

	all.j = j;
	all.offers = msg_u8(msg);
	all.trouble = msg_u8(msg);
	all.tls = msg_bytes(msg, RELAYED_TLS_MAX);
	all.login = msg_bytes(msg, REPLY_MAX);
	held = msg_u8(msg) != 0;
	if (j != NULL)
		message_envelope(j->m, &all.arena, &all.e);
	read_results(r, &all, msg, mta);
	mx = msg_bytes(msg, REPLY_MAX);
	if (!msg_end(msg)) {
		arena_clear(&all.arena);
		return false;
	}
	if (j != NULL) {
		excess_results(r, &all);
		defer_rest(r, j, "relay has said nothing of this recipient");
		learn(r, j, mx, connected);
		if (held)
			back_in_line(j);
		end_job(r, j, outcome_for_hop(&all, connected, held));
	}
	arena_clear(&all.arena);
	return true;
}

static bool
relay_message(struct chan *c, struct msg *msg, void *arg)
{
	(void)c;
	if (msg->type == MSG_PROBED)
		return probe_answered(((struct relay_jobs *)arg)->q, msg);
	return msg->type == MSG_RELAYED && take_relayed(arg, msg);
}

static void
relay_closed(struct chan *c, void *arg)
{
	struct relay_jobs	*r = arg;

	(void)c;
	r->chan = NULL;
	probe_gone(r->q);
}

struct chan *
relay_chan(struct queue *q)
{
	return q->relay == NULL ? NULL : q->relay->chan;
}

void
relay_peer(struct queue *q, int fd)
{
	static const struct chan_ops	 ops = { relay_message, relay_closed };
	struct relay_jobs		*r = q->relay;
	struct segment			*g;
	struct job			*j, *next;

	if (r->chan != NULL) {
		chan_free(&r->chan);
		probe_gone(q);
	}
	r->chan = chan_new(fd, "relay", &ops, r);
	for (g = q->segments.first; g != NULL; g = g->next)
		g->relay_has = false;
	for (j = r->first; j != NULL; j = next) {
		next = j->next;
		if (!send_job(r, j)) {
			defer_rest(r, j, "the content cannot be read");
			end_job(r, j, SCHED_NONE);
		}
	}
	sched_unblock_all(&q->sched, false);
}

/* Oldest first, unless relay was new meanwhile: then none is old. */
void
relay_tick(struct queue *q)
{
	struct relay_jobs	*r = q->relay;
	int64_t			 old = clock_boot_ms() -
	    (int64_t)msg_timeout_s(MSG_RELAY) * 1000;
	struct job		*j;

	while (r->chan != NULL && (j = r->first) != NULL &&
	    j->since_ms < old) {
		log_warnx("relay has not answered in time");
		defer_rest(r, j, "no answer from the relay process");
		end_job(r, j, SCHED_NONE);
	}
}
