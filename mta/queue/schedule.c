/*
 * schedule.c - next hops, jobs, time; see schedule.h.
 */
#include "mta/queue/schedule_int.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

#define JOBS_MAX	4096
#define LOOK_MAX	1000	/* targets looked at for one job */
#define IDLE_MS		120000	/* an unused hop is kept so long */
#define IDLE_BATCH	256	/* and so many go at a time */

void
sched_init(struct sched *s, const struct sched_ops *ops, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->ops = ops;
	s->arg = arg;
	s->jobs_max = JOBS_MAX;
	s->remote_max = SCHED_REMOTE_MAX;
	TAILQ_INIT(&s->runnable);
	TAILQ_INIT(&s->parked);
	TAILQ_INIT(&s->parked_old);
	TAILQ_INIT(&s->dead);
	TAILQ_INIT(&s->paced);
	TAILQ_INIT(&s->idle);
}

/* --- hops */

static const struct terms *
terms_of(const struct sched *s, struct span hop)
{
	const struct terms	*t = NULL;

	if (s->ops != NULL && s->ops->terms != NULL)
		t = s->ops->terms(s->arg, hop);
	return t == NULL ? &s->general : t;
}

static struct hop *
hop_new(struct sched *s, struct span text)
{
	struct hop	*h = xcalloc(1, sizeof(*h));

	h->text = xstrndup(text.p, text.n);
	h->text_n = (uint16_t)text.n;
	h->sched = s;
	h->local = span_prefix(text, SPAN("uid:")) ||
	    span_prefix(text, SPAN("run:"));
	h->terms = terms_of(s, text);
	site_enter(h, site_new(s, h->local));
	htab_put(&s->hops, text, h);
	TAILQ_INSERT_TAIL(&s->idle, h, idle_entry);
	h->idle_ms = s->now_ms;
	return h;
}

struct hop *
sched_hop(struct sched *s, struct span text)
{
	struct hop	*h = htab_get(&s->hops, text);

	return hop_ref(h != NULL ? h : hop_new(s, text));
}

struct hop *
hop_ref(struct hop *h)
{
	if (h->refs++ == 0)
		TAILQ_REMOVE(&h->sched->idle, h, idle_entry);
	return h;
}

/* What is known of it outlives the last message for some time: sched_tick(). */
void
hop_unref(struct sched *s, struct hop **hp)
{
	struct hop	*h = *hp;

	*hp = NULL;
	if (h == NULL)
		return;
	assert(h->refs > 0);
	if (--h->refs > 0)
		return;
	h->idle_ms = s->now_ms;
	TAILQ_INSERT_TAIL(&s->idle, h, idle_entry);
}

static void
hop_free(struct sched *s, struct hop *h)
{
	TAILQ_REMOVE(&s->idle, h, idle_entry);
	htab_del(&s->hops, span_mem(h->text, h->text_n));
	site_leave(s, h);
	free(h->text);
	free(h);
}

void
sched_renew(struct sched *s)
{
	size_t		 pos = 0;
	struct span	 key;
	void		*v;

	while (htab_next(&s->hops, &pos, &key, &v)) {
		struct hop	*h = v;

		h->terms = terms_of(s, key);
	}
	for (pos = 0; htab_next(&s->hops, &pos, &key, &v);) {
		struct hop	*h = v;

		site_limit(h->site);
		site_consider(s, h->site);
	}
}

uint32_t
hop_recipients(const struct hop *h)
{
	uint32_t	most = h->terms->recipients;

	if (h->local)
		return 1;
	if (h->recipients != 0 && h->recipients < most)
		most = h->recipients;
	return most < SCHED_JOB_RCPTS ? most : SCHED_JOB_RCPTS;
}

void
sched_takes(struct hop *h, uint32_t recipients)
{
	assert(recipients > 0);
	h->recipients = (uint16_t)(recipients < UINT16_MAX ? recipients :
	    UINT16_MAX);
}

/* --- jobs */

/*
 * The next targets of the message at this hop, of one sender (a job has one
 * MAIL), at most max; the others keep their places.
 */
static uint32_t
gather(struct sched *s, struct want *w, uint32_t max, uint32_t *out)
{
	struct message	 *m = w->m;
	struct dest_line  rest = { 0, 0 };
	uint32_t	  n = 0, looked, i;

	for (looked = 0; w->line.first != 0 && n < max && looked < LOOK_MAX;
	    looked++) {
		s->steps++;
		i = dest_line_take(m, &w->line);
		if (n > 0 && !dest_same_sender(&m->dests[out[0]],
		    &m->dests[i]))
			dest_line_add(m, &rest, i);
		else
			out[n++] = i;
	}
	if (rest.first != 0) {
		m->dests[rest.last - 1].next = w->line.first;
		w->line.first = rest.first;
		if (w->line.last == 0)
			w->line.last = rest.last;
	}
	return n;
}

static void
mark(struct message *m, const uint32_t *dests, uint32_t n, unsigned state)
{
	uint32_t	i;

	for (i = 0; i < n; i++)
		dest_set_state(m, &m->dests[dests[i]], state);
}

/* The job was not to be: they are the first again. */
static void
give_back(struct want *w, const uint32_t *dests, uint32_t n)
{
	uint32_t	i;

	for (i = n; i > 0; i--)
		dest_line_push(w->m, &w->line, dests[i - 1]);
	mark(w->m, dests, n, DEST_READY);
}

/* The books: by > 0 one more is under way, < 0 one less. */
static void
count_job(struct sched *s, struct hop *h, unsigned job, int by)
{
	h->outstanding += (uint32_t)by;
	h->site->outstanding += (uint32_t)by;
	s->jobs += (uint32_t)by;
	if (h->local)
		return;
	if (job & SCHED_AGAIN) {
		h->retries += (uint32_t)by;
		h->site->retries += (uint32_t)by;
	}
	s->remote += (uint32_t)by;
	if (job & SCHED_OLD)
		s->old += (uint32_t)by;
}

unsigned
sched_starting(const struct sched *s)
{
	return (s->starting_again ? SCHED_AGAIN : 0u) |
	    (s->starting_old ? SCHED_OLD : 0u);
}

/* false: the site is blocked. */
static bool
start_job(struct sched *s, struct want *w, const uint32_t *dests, uint32_t n)
{
	struct hop	*h = w->hop;
	unsigned	 job = sched_starting(s);

	mark(w->m, dests, n, DEST_ACTIVE);
	count_job(s, h, job, 1);
	if (s->ops->start(s->arg, h, w->m, dests, n)) {
		site_pace_take(s, h->site, n);
		return true;
	}
	count_job(s, h, job, -1);
	h->site->blocked = true;
	give_back(w, dests, n);
	return false;
}

/* One job for the site, if somebody still wants one. */
static void
start_one(struct sched *s, struct site *site, bool again)
{
	uint32_t	 dests[SCHED_JOB_RCPTS], n = 0, left, most;
	struct flow	*f;
	struct want	*w;

	if ((left = site_pace_left(s, site)) == 0)
		return;
	if ((f = flows_turn(s, site, again)) == NULL)
		return;
	w = f->first;
	s->starting_again = f->key.again == RING_AGAIN;
	s->starting_old = s->starting_again || site_in_trouble(site);
	most = hop_recipients(w->hop);
	if (w->m != NULL)
		n = gather(s, w, most < left ? most : left, dests);
	if (n > 0 && !start_job(s, w, dests, n))
		return;
	if (w->line.first == 0)
		flows_pop(s, f);
}

bool
sched_room_for_old(const struct sched *s)
{
	return s->old < s->remote_max - s->remote_max / 4;
}

bool
sched_is_full(const struct sched *s, const struct site *site)
{
	return s->jobs >= s->jobs_max || (!site->local &&
	    (s->remote >= s->remote_max || site->place == SITE_PARKED_OLD));
}

static void
run_site(struct sched *s, struct site *site)
{
	bool	again = site_takes_again(site), old = true;

	if (!site->local) {
		old = sched_room_for_old(s);
		if (s->remote >= s->remote_max) {
			site_park(s, site, SITE_PARKED);
			return;
		}
		if (!old && (site_in_trouble(site) ||
		    site->flows[RING_NEW] == 0)) {
			site_park(s, site, SITE_PARKED_OLD);
			return;
		}
	}
	if (site->wants > 0 && !site->blocked)
		start_one(s, site, again && old);
	site_consider(s, site);
}

bool
sched_run(struct sched *s)
{
	struct site	*site;
	uint32_t	 n = 0;

	while (s->jobs < s->jobs_max && !TAILQ_EMPTY(&s->runnable)) {
		if (s->run_max != 0 && n++ == s->run_max)
			return true;
		s->steps++;
		site = site_next(s);
		run_site(s, site);
	}
	return false;
}

void
sched_ended(struct sched *s, struct hop *h, enum sched_outcome outcome,
    unsigned job)
{
	assert(h->outstanding > 0);
	count_job(s, h, job, -1);
	site_went(s, h->site, outcome);
	site_consider(s, h->site);
	if (!h->local)
		site_unpark(s);
}

void
sched_failed(struct hop *h, enum error_class class)
{
	h->site->last_class = (uint8_t)class;
	h->site->failed = true;
}

/* --- by hand, and by peers that come and go */

void
sched_unblock(struct sched *s, struct hop *h)
{
	h->site->blocked = false;
	site_consider(s, h->site);
}

void
sched_unblock_all(struct sched *s, bool local)
{
	size_t		 pos = 0;
	struct span	 key;
	void		*v;

	while (htab_next(&s->hops, &pos, &key, &v)) {
		struct hop	*h = v;

		if (h->local == local)
			sched_unblock(s, h);
	}
}

void
sched_probe(struct sched *s, struct hop *h)
{
	if (!h->site->dead)
		return;
	h->site->probe_ms = 0;
	site_consider(s, h->site);
}

void
sched_revive(struct sched *s)
{
	struct site	*site;

	TAILQ_FOREACH(site, &s->dead, dead_entry) {
		site->probe_ms = 0;
		site_consider(s, site);
	}
}

void
sched_release(struct sched *s)
{
	struct site	*site;

	TAILQ_FOREACH(site, &s->dead, dead_entry) {
		if (!site->held)
			continue;
		site->probe_ms = 0;
		site_consider(s, site);
	}
}

/* --- time */

static bool
is_unused(const struct site *site)
{
	const struct hop	*h;

	LIST_FOREACH(h, &site->hops, entry)
		if (h->refs > 0)
			return false;
	return true;
}

static void
tick_dead(struct sched *s)
{
	struct site	*site, *next;

	for (site = TAILQ_FIRST(&s->dead); site != NULL; site = next) {
		next = TAILQ_NEXT(site, dead_entry);
		s->steps++;
		if (s->now_ms < site->probe_ms)
			continue;
		if (site->wants > 0)
			site_consider(s, site);
		else if (is_unused(site))	/* nobody to probe it with */
			site_revive(s, site);
	}
}

/* What its rate has let through counts for longer than a hop is kept. */
static bool
remembers(const struct sched *s, const struct hop *h)
{
	return h->site->pace != NULL && h->site->pace->most > 0 &&
	    pace_gone(h->site->pace, s->now_ms) > 0;
}

static void
keep_idle(struct sched *s, struct hop *h)
{
	TAILQ_REMOVE(&s->idle, h, idle_entry);
	TAILQ_INSERT_TAIL(&s->idle, h, idle_entry);
	h->idle_ms = s->now_ms;
}

void
sched_tick(struct sched *s)
{
	struct hop	*h, *next;
	unsigned	 n = 0;

	tick_dead(s);
	site_tick_paced(s);
	site_unpark_all(s);
	for (h = TAILQ_FIRST(&s->idle); h != NULL && n < IDLE_BATCH &&
	    h->idle_ms + IDLE_MS < s->now_ms; h = next, n++) {
		next = TAILQ_NEXT(h, idle_entry);
		s->steps++;
		if (remembers(s, h))
			keep_idle(s, h);
		else if (!h->site->dead)
			hop_free(s, h);
	}
}

/* Flows and wants go with their messages' hops; nothing is under way. */
static void
drop_wants(struct sched *s, struct site *site)
{
	struct flow	*f;
	unsigned	 p, again;

	for (p = 0; p < NPRIORITIES; p++)
		for (again = RING_NEW; again <= RING_AGAIN; again++)
			while ((f = site->rings[p][again].head) != NULL)
				flows_pop(s, f);
}

void
sched_clear(struct sched *s)
{
	struct hop	*h;
	struct span	 key;
	size_t		 pos;
	void		*v;

	while (pos = 0, htab_next(&s->hops, &pos, &key, &v)) {
		h = v;
		drop_wants(s, h->site);
		if (h->refs > 0) {
			h->refs = 0;
			TAILQ_INSERT_TAIL(&s->idle, h, idle_entry);
		}
		hop_free(s, h);
	}
	htab_clear(&s->hops);
	htab_clear(&s->sets);
	htab_clear(&s->flows);
}
