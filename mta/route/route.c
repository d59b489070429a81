/*
 * route.c - a ROUTE of the queue, recipient by recipient, and its ROUTED.
 *
 * Owns: the requests under way, each with the policy that it began with.
 * A request's targets are sent in pieces, and those of a long list between
 * other work; the same place of two recipients of one request (ann, and a list
 * with ann) is taken once.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/msg/target.h"
#include "mta/route/answer.h"
#include "mta/route/before.h"
#include "mta/route/bounce.h"
#include "mta/route/forward.h"
#include "mta/route/frozen.h"
#include "mta/route/route.h"
#include "mta/spool/envelope.h"
#include "mta/spool/qid.h"

#define SLICE_US	2000	/* of one turn for the targets of a request */
#define SLICE_LOOK	16	/* targets between two looks at the clock */
#define BACKLOG_MAX	(1u << 20)	/* octets that the queue has not read yet */
#define BACKLOG_MS	2
#define ALIVE_MS	10000	/* the queue hears of a long request so often */
#define MISSED_MS	10000	/* the parent gives a new channel before */

/* A configuration; requests under way hold the one that they began with. */
struct config {
	unsigned	 refs;
	uint32_t	 generation;
	struct policy	*policy;
	size_t		 nowners;
	struct owner {
		uint32_t	object, uid, gid;
	}		*owners;
	struct htab	 users;		/* struct owner, by name */
	struct arena	 names;
};

struct request {
	TAILQ_ENTRY(request)	 entry;
	struct answer		 answer;
	struct config		*config;
	struct arena		 arena;
	struct envelope		 env;
	struct policy_facts	 facts;
	uint32_t		*rcpts;		/* indices in the envelope */
	size_t			 n, next;
	struct routing		*routing;	/* of rcpts[next] */
	size_t			 at;		/* its next target */
	bool			 kept;		/* one of them was */
	struct before		 before;	/* and `on deliver` of it */
	struct timer		 again;		/* for the next slice */
	uint64_t		 progress;	/* when it was looked at last */
	struct rs_record	*record;	/* of that; NULL: not asked for */
	bool			 in_step;
	struct htab		 places;	/* taken already */
	size_t			 ntargets;	/* so far */
};

static TAILQ_HEAD(, request)	 requests = TAILQ_HEAD_INITIALIZER(requests);
static struct chan		*queue;
static struct timer		 missed;	/* the queue is */
static struct timer		 alive;		/* is said of long requests */
static struct config		*current;
static struct limits_client	*counters;
static struct lookup_client	*lookup;
static bool			 records;	/* go to the log */
static struct {
	uint64_t	requests, recipients, targets, failed, deferred;
}				 count;

static void	routed(void *, struct routing *);

/* --- targets */

static void
answer(struct request *q, const struct target *t)
{
	struct target	mine = *t;

	mine.rcpt = q->rcpts[q->next];
	answer_add(&q->answer, queue, &mine);
	count.targets++;
	count.failed += t->kind == TARGET_FAIL;
	count.deferred += t->kind == TARGET_LATER;
}

/* What makes two targets the same; empty for what never is. */
static struct span
place_of(struct request *q, const struct target *t)
{
	switch (t->kind) {
	case TARGET_DELIVER:
		return arena_printf(&q->arena, "d%.*s", SPAN_ARG(t->path));
	case TARGET_HOP:
		return arena_printf(&q->arena, "h%.*s %.*s",
		    SPAN_ARG(t->hop), SPAN_ARG(t->address));
	case TARGET_PIPE:
	case TARGET_FILE:
		return arena_printf(&q->arena, "p%.*s", SPAN_ARG(t->address));
	default:
		return SPAN_NONE;
	}
}

/* True when another recipient's target goes there already. */
static bool
is_taken(struct request *q, const struct target *t)
{
	struct span	place;

	if (q->env.nrcpts == 1)		/* the routing has merged its own */
		return false;
	place = place_of(q, t);
	if (place.n == 0)
		return false;
	return htab_put(&q->places, place, q) != NULL;
}

/* In the place of a recipient whose lists would be more than is allowed. */
static void
too_many(struct request *q)
{
	struct target	t = { .kind = TARGET_LATER, .code = 451,
	    .status = SPAN("4.3.5"),
	    .text = SPAN("the lists have too many members together") };

	t.address = q->env.rcpts[q->rcpts[q->next]];
	answer(q, &t);
}

static void	step(struct request *);

static void
step_again(void *arg)
{
	step(arg);
}

/* Whether others have their turn now, and the queue time to read. */
static bool
pauses(struct request *q, int64_t until_us)
{
	if (q->at % SLICE_LOOK != 0)
		return false;
	if (chan_backlog(queue) > BACKLOG_MAX)
		timer_set(&q->again, BACKLOG_MS, step_again, q);
	else if (clock_boot_us() > until_us)
		timer_set(&q->again, 0, step_again, q);
	else
		return false;
	return true;
}

static void
take_target(struct request *q, const struct target *t)
{
	if (is_taken(q, t))
		return;
	answer(q, t);
	q->kept = true;
}

/* All targets of the recipient under way have been taken. */
static void
end_rcpt(struct request *q)
{
	struct target	merged = { .kind = TARGET_EXPANDED };

	/* Each recipient has an answer, be it that all goes to others. */
	merged.address = q->env.rcpts[q->rcpts[q->next]];
	if (!q->kept)
		answer(q, &merged);
	answer_hold(&q->answer, q->routing);
	q->routing = NULL;
	before_end(&q->before);
	q->at = 0;
	q->kept = false;
}

/* False: an answer is waited for, or others have their turn. */
static bool
take_targets(struct request *q)
{
	const struct target	*t;
	struct target		 one;
	int64_t			 until_us = clock_boot_us() + SLICE_US;
	size_t			 n;

	t = routing_targets(q->routing, &n);
	if (q->at == 0 && n > ROUTE_TARGETS_MAX - q->ntargets) {
		too_many(q);
		q->kept = true;
		n = 0;
	}
	for (; q->at < n; q->at++) {
		one = t[q->at];
		if ((q->at > 0 && pauses(q, until_us)) ||
		    (before_wanted(q->config->policy) &&
		    !before_done(&q->before, &one, &q->arena)))
			return false;
		take_target(q, &one);
	}
	q->ntargets += n;
	end_rcpt(q);
	return true;
}

static void
config_unref(struct config **cp)
{
	struct config	*c = *cp;

	*cp = NULL;
	if (c == NULL || --c->refs > 0)
		return;
	policy_unref(&c->policy);
	free(c->owners);
	htab_clear(&c->users);
	arena_clear(&c->names);
	free(c);
}

static void
request_free(struct request **qp)
{
	struct request	*q = *qp;

	*qp = NULL;
	TAILQ_REMOVE(&requests, q, entry);
	before_end(&q->before);
	timer_clear(&q->again);
	routing_free(&q->routing);
	policy_record_free(&q->record);
	answer_clear(&q->answer);
	policy_names_free(&q->facts.names);
	config_unref(&q->config);
	htab_clear(&q->places);
	arena_clear(&q->arena);
	free(q);
}

/* --- the walk over the recipients */

static struct rs_record *
record_new(const struct request *q)
{
	struct rs_record	*r;
	char			 id[QID_TEXT];

	if (!records)
		return NULL;
	r = policy_record_new(qid_format(q->env.qid, id));
	r->hook = RS_HOOK_ROUTE;
	return r;
}

/* False: an answer is waited for. */
static bool
route_one(struct request *q)
{
	struct span	whole = q->env.rcpts[q->rcpts[q->next]];

	if (q->routing == NULL) {
		q->facts.rcpt = whole;
		q->facts.rcpt_at = rs_address(whole).at;
		q->record = record_new(q);
		before_begin(&q->before, q->config->policy, &q->facts);
		q->routing = policy_route(q->config->policy, &q->facts,
		    q->record, routed, q);
	}
	return routing_done(q->routing);
}

static void
step(struct request *q)
{
	q->in_step = true;
	while (q->next < q->n) {
		if (!route_one(q) || !take_targets(q)) {
			q->in_step = false;
			return;
		}
		policy_record_log(q->config->policy, &q->record);
		q->next++;
	}
	count.recipients += q->n;
	answer_send(&q->answer, queue, true);
	request_free(&q);
}

static void
decided(void *arg)
{
	struct request	*q = arg;

	if (!q->in_step)
		step(q);
}

static void
routed(void *arg, struct routing *r)
{
	struct request	*q = arg;

	(void)r;
	if (!q->in_step)
		step(q);
}

/* --- requests that take long */

static void	say_alive(void *);

static void
watch_requests(void)
{
	if (TAILQ_EMPTY(&requests))
		timer_stop(&alive);
	else if (!timer_pending(&alive))
		timer_set(&alive, ALIVE_MS, say_alive, NULL);
}

/* An empty piece for each that has come further. */
static void
say_alive(void *arg)
{
	struct request	*q;
	uint64_t	 now;

	(void)arg;
	TAILQ_FOREACH(q, &requests, entry) {
		now = q->next + q->at + (q->routing == NULL ? 0 :
		    routing_steps(q->routing));
		if (queue != NULL && now != q->progress)
			answer_send(&q->answer, queue, false);
		q->progress = now;
	}
	watch_requests();
}

/* --- the question */

static bool
take_rcpts(struct request *q, struct msg *m)
{
	size_t	i;

	q->n = msg_u32(m);
	if (q->n > ROUTE_RCPTS_MAX || q->n * sizeof(uint32_t) != m->left.n)
		return false;
	q->rcpts = arena_alloc(&q->arena, (q->n + 1) * sizeof(*q->rcpts));
	for (i = 0; i < q->n; i++) {
		q->rcpts[i] = msg_u32(m);
		if (q->rcpts[i] >= q->env.nrcpts)
			return false;
	}
	return true;
}

static bool
on_route(struct msg *m)
{
	struct request	*q = xcalloc(1, sizeof(*q));
	struct span	 env;
	uint32_t	 attempts;

	TAILQ_INSERT_TAIL(&requests, q, entry);
	q->answer.ticket = msg_u64(m);
	env = arena_span(&q->arena, msg_bytes(m, ENVELOPE_MAX));
	attempts = msg_u32(m);
	if (current == NULL || m->bad ||
	    envelope_parse(env, &q->arena, &q->env) == -1 ||
	    !take_rcpts(q, m) || !msg_end(m)) {
		log_warnx("event=route a request that makes no sense");
		request_free(&q);
		return false;
	}
	count.requests++;
	q->config = current;
	q->config->refs++;
	q->answer.generation = q->config->generation;
	q->before.resume = decided;
	q->before.arg = q;
	frozen_facts(q->config->policy, &q->env, attempts, &q->arena,
	    &q->facts);
	watch_requests();
	step(q);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)arg;
	if (m->type == MSG_FORWARDED)
		return forward_message(m);
	if (m->type == MSG_BOUNCE_ASK)
		return bounce_asked(queue, current == NULL ? NULL :
		    current->policy, m);
	return m->type == MSG_ROUTE && on_route(m);
}

static void
drop_requests(void)
{
	struct request	*q;

	while ((q = TAILQ_FIRST(&requests)) != NULL)
		request_free(&q);
	bounces_drop();
}

/* A queue that lives has cut us off: only a new process gets a new channel. */
static void
on_missed(void *arg)
{
	(void)arg;
	fatalx("no new channel to the queue: starting again");
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	queue = NULL;
	forward_queue(NULL);
	drop_requests();
	timer_set(&missed, MISSED_MS, on_missed, NULL);
}

static void
say_changed(void)
{
	if (queue == NULL || current == NULL)
		return;
	chan_begin(queue, MSG_ROUTE_CHANGED);
	chan_u32(queue, current->generation);
	chan_end(queue);
}

void
route_queue(int fd)
{
	static const struct chan_ops	ops = { on_message, on_closed };

	drop_requests();
	timer_clear(&missed);
	chan_free(&queue);
	queue = chan_new(fd, "queue", &ops, NULL);
	forward_queue(queue);
	say_changed();
}

/* --- configuration */

static bool
owner_of(void *arg, uint32_t mailbox, uint32_t *uid, uint32_t *gid)
{
	const struct config	*c = arg;
	size_t			 i;

	for (i = 0; i < c->nowners; i++)
		if (c->owners[i].object == mailbox) {
			*uid = c->owners[i].uid;
			*gid = c->owners[i].gid;
			return true;
		}
	return false;
}

/* A system user whom the policy names. */
static bool
user_of(void *arg, struct span name, uint32_t *uid, uint32_t *gid)
{
	const struct config	*c = arg;
	const struct owner	*o = htab_get(&c->users, name);

	if (o == NULL)
		return false;
	*uid = o->uid;
	*gid = o->gid;
	return true;
}

static void
take_users(struct config *c, const struct child_config *cfg)
{
	struct owner	*o;
	size_t		 i;

	for (i = 0; i < cfg->nusers; i++) {
		o = arena_alloc(&c->names, sizeof(*o));
		o->uid = cfg->users[i].uid;
		o->gid = cfg->users[i].gid;
		htab_put(&c->users, span_of(cfg->users[i].name), o);
	}
}

static void
take_owners(struct config *c, const struct child_config *cfg)
{
	size_t	i;

	c->owners = xcalloc(cfg->nowners + 1, sizeof(*c->owners));
	c->nowners = cfg->nowners;
	for (i = 0; i < cfg->nowners; i++) {
		c->owners[i].object = cfg->owners[i].object;
		c->owners[i].uid = cfg->owners[i].uid;
		c->owners[i].gid = cfg->owners[i].gid;
	}
}

bool
route_config(struct child_config *cfg, const struct policy_dns *dns)
{
	struct config		*c = xcalloc(1, sizeof(*c));
	struct policy_source	 src = { .image_fd = cfg->image_fd };
	const char		*why;
	size_t			 i;

	c->refs = 1;
	c->generation = cfg->generation;
	take_owners(c, cfg);
	take_users(c, cfg);
	src.file_fds = &(int){ -1 };
	src.index_fds = cfg->table_fds != NULL ? cfg->table_fds :
	    src.file_fds;
	src.nindexes = cfg->ntables;
	src.dns = *dns;
	src.limits = policy_limits_by(counters);
	if (lookup != NULL)
		src.lookup = policy_lookup_by(lookup);
	src.generation = cfg->generation;
	src.later = loop_soon;
	src.owner = owner_of;
	src.user = user_of;
	src.forward = forward_reader();
	src.owner_arg = c;
	if ((c->policy = policy_open(&src, &why)) == NULL) {
		log_warnx("event=config generation=%u refused: %s",
		    cfg->generation, why);
		config_unref(&c);
		return false;
	}
	for (i = 0; i < cfg->nsecrets; i++)
		if (cfg->secrets[i].option == RS_OPT_SRS_secret)
			policy_srs_file(c->policy, cfg->secrets[i].fd);
	config_unref(&current);
	current = c;
	log_info("event=config generation=%u policy=%s", c->generation,
	    rs_image_hash(policy_image(c->policy)));
	say_changed();
	return true;
}

void
route_asks(struct limits_client *l, struct lookup_client *servers)
{
	counters = l;
	lookup = servers;
}

void
route_records(bool on)
{
	records = on;
}

void
route_stats(struct buf *out)
{
	buf_addf(out, "\"requests\":%llu,\"recipients\":%llu,"
	    "\"targets\":%llu,\"failed\":%llu,\"deferred\":%llu",
	    (unsigned long long)count.requests,
	    (unsigned long long)count.recipients,
	    (unsigned long long)count.targets,
	    (unsigned long long)count.failed,
	    (unsigned long long)count.deferred);
	buf_add_char(out, ',');
	forward_stats(out);
	if (current != NULL) {
		buf_add_char(out, ',');
		policy_tables_stats(current->policy, out);
	}
}

void
route_end(void)
{
	drop_requests();
	forward_queue(NULL);
	timer_clear(&missed);
	timer_clear(&alive);
	chan_free(&queue);
	config_unref(&current);
}
