/*
 * site.c - what a site may take: its concurrency, its death, its probes.
 */
#include "mta/queue/schedule_int.h"

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/deliver.h"

#include <assert.h>
#include <stdlib.h>

#define LOCAL_CONCURRENCY	64	/* jobs of one deliverer; programs: deliver.h */
#define PROBES_MAX		200
#define HELD_MS			(60 * 60 * 1000)	/* until a login that was refused is tried again */
#define MOVE_MS			(5 * 60 * 1000)	/* a hop changes its site so often */

struct site *
site_new(struct sched *s, bool local)
{
	struct site	*site = xcalloc(1, sizeof(*site));

	(void)s;
	LIST_INIT(&site->hops);
	site->local = local;
	return site;
}

static struct span
set_of(const struct site *site)
{
	return span_mem(site->set, sizeof(site->set));
}

/* --- who has it */

/* Of "uid:U:G", or of "run:U:G", which may take long. */
static uint32_t
local_concurrency(const struct hop *h)
{
	return h->text[0] == 'r' ? DELIVER_PROGRAMS_MAX : LOCAL_CONCURRENCY;
}

/* Of two rates the one that lets less through. */
static bool
is_slower(const struct terms *a, const struct terms *b)
{
	return a->rate > 0 && (b == NULL ||
	    a->rate * (double)b->rate_ms < b->rate * (double)a->rate_ms);
}

static void
set_pace(struct site *site)
{
	const struct terms	*least = NULL;
	const struct hop	*h;

	LIST_FOREACH(h, &site->hops, entry)
		if (is_slower(h->terms, least))
			least = h->terms;
	if (LIST_EMPTY(&site->hops) || (least == NULL && site->pace == NULL))
		return;
	if (site->pace == NULL)
		site->pace = xcalloc(1, sizeof(*site->pace));
	pace_set(site->pace, least == NULL ? 0 : least->rate,
	    least == NULL ? site->pace->ms : least->rate_ms,
	    LIST_FIRST(&site->hops)->sched->now_ms);
}

void
site_limit(struct site *site)
{
	struct hop	*h;
	uint32_t	 limit = UINT32_MAX;

	LIST_FOREACH(h, &site->hops, entry)
		if (h->terms->concurrency < limit)
			limit = h->terms->concurrency;
	site->limit = site->local ?
	    local_concurrency(LIST_FIRST(&site->hops)) : limit;
	if (site->concurrency > site->limit)
		site->concurrency = site->limit;
	set_pace(site);
}

static uint32_t
first_concurrency(const struct hop *h)
{
	return h->local ? local_concurrency(h) : h->terms->start;
}

void
site_enter(struct hop *h, struct site *site)
{
	h->site = site;
	LIST_INSERT_HEAD(&site->hops, h, entry);
	if (site->concurrency == 0)
		site->concurrency = first_concurrency(h);
	site->outstanding += h->outstanding;
	site->retries += h->retries;
	site_limit(site);
}

static void
site_free(struct sched *s, struct site *site)
{
	assert(site->wants == 0);
	if (site->shared)
		htab_del(&s->sets, set_of(site));
	if (site->dead)
		TAILQ_REMOVE(&s->dead, site, dead_entry);
	if (site->waits)
		TAILQ_REMOVE(&s->paced, site, paced_entry);
	free(site->pace);
	free(site);
}

static void
take_out(struct hop *h)
{
	struct site	*site = h->site;

	LIST_REMOVE(h, entry);
	site->outstanding -= h->outstanding;
	site->retries -= h->retries;
	if (site->together > site->outstanding)
		site->together = site->outstanding;
	h->site = NULL;
}

/* A hop has left it: perhaps the last. */
static void
release(struct sched *s, struct site *site)
{
	if (!LIST_EMPTY(&site->hops)) {
		site_limit(site);
		return;
	}
	site_park(s, site, SITE_NOWHERE);
	site_free(s, site);
}

void
site_leave(struct sched *s, struct hop *h)
{
	struct site	*site = h->site;

	take_out(h);
	release(s, site);
}

/* --- sets of hosts */

static void
change_over(struct sched *s, struct hop *h, struct site *to)
{
	struct site	*from = h->site;

	take_out(h);
	site_enter(h, to);
	if (from->pace != NULL && LIST_EMPTY(&from->hops))
		site_pace_take(s, to, pace_gone(from->pace, s->now_ms));
	h->moved_ms = s->now_ms;
	flows_move(s, h, from);	/* while both are there */
	release(s, from);
	site_consider(s, to);
}

/* Its site is known by this set from now on. */
static void
name_site(struct sched *s, struct site *site, const uint8_t *set)
{
	memcpy(site->set, set, sizeof(site->set));
	site->shared = true;
	htab_put(&s->sets, set_of(site), site);
}

void
sched_learned(struct sched *s, struct hop *h, const uint8_t *set)
{
	struct site	*to;
	bool		 alone;

	if (h->local || (set == NULL && !h->site->shared) ||
	    (set != NULL && h->site->shared &&
	    memcmp(h->site->set, set, SCHED_SET) == 0))
		return;
	if (h->moved_ms != 0 && s->now_ms < h->moved_ms + MOVE_MS)
		return;
	to = set == NULL ? NULL : htab_get(&s->sets, span_mem(set, SCHED_SET));
	alone = LIST_NEXT(LIST_FIRST(&h->site->hops), entry) == NULL;
	if (to == NULL && alone && !h->site->shared) {
		name_site(s, h->site, set);
		h->moved_ms = s->now_ms;
		return;
	}
	if (to == NULL) {
		to = site_new(s, false);
		if (set != NULL)
			name_site(s, to, set);
	}
	change_over(s, h, to);
}

/* --- whether it may run */

static uint32_t
kept_for_new(const struct site *site)
{
	if (site->concurrency >= 4)
		return site->concurrency / 4;
	return site->concurrency > 1 ? 1 : 0;
}

/*
 * While new mail waits a quarter of the jobs, rounded up, may be retries;
 * otherwise all but a quarter, so that new mail finds a place when it comes.
 */
bool
site_takes_again(const struct site *site)
{
	uint32_t	most;

	if (site->local || site->dead)
		return true;
	if (site->flows[RING_NEW] == 0)
		most = site->concurrency - kept_for_new(site);
	else
		most = (site->concurrency + 3) / 4;
	return site->retries < most;
}

bool
site_in_trouble(const struct site *site)
{
	return site->dead || site->bad_windows > 0;
}

static bool
may_run(const struct sched *s, const struct site *site)
{
	if (site->blocked || site->wants == 0)
		return false;
	if (site->dead)
		return site->outstanding == 0 && s->now_ms >= site->probe_ms;
	if (site->outstanding >= site->concurrency)
		return false;
	return site->flows[RING_NEW] > 0 || site_takes_again(site);
}

static struct sites *
list_of(struct sched *s, enum site_place place)
{
	switch (place) {
	case SITE_RUNNABLE:
		return &s->runnable;
	case SITE_PARKED:
		return &s->parked;
	case SITE_PARKED_OLD:
		return &s->parked_old;
	default:
		return NULL;
	}
}

void
site_park(struct sched *s, struct site *site, enum site_place place)
{
	struct sites	*list = list_of(s, site->place);

	if (list != NULL)
		TAILQ_REMOVE(list, site, entry);
	site->place = (uint8_t)place;
	if ((list = list_of(s, place)) != NULL)
		TAILQ_INSERT_TAIL(list, site, entry);
}

/* --- pace */

uint32_t
site_pace_left(const struct sched *s, const struct site *site)
{
	return site->pace == NULL ? UINT32_MAX :
	    pace_left(site->pace, s->now_ms);
}

void
site_pace_take(const struct sched *s, struct site *site, uint32_t n)
{
	if (site->pace != NULL)
		pace_take(site->pace, n, s->now_ms);
}

bool
sched_is_paced(const struct sched *s, const struct site *site)
{
	return site_pace_left(s, site) == 0;
}

static void
wait_for_pace(struct sched *s, struct site *site)
{
	if (site->waits)
		return;
	site->waits = true;
	TAILQ_INSERT_TAIL(&s->paced, site, paced_entry);
}

void
site_tick_paced(struct sched *s)
{
	struct site	*site, *next;

	for (site = TAILQ_FIRST(&s->paced); site != NULL; site = next) {
		next = TAILQ_NEXT(site, paced_entry);
		s->steps++;
		if (sched_is_paced(s, site))
			continue;
		site->waits = false;
		TAILQ_REMOVE(&s->paced, site, paced_entry);
		site_consider(s, site);
	}
}

void
site_consider(struct sched *s, struct site *site)
{
	if (site->place != SITE_NOWHERE || !may_run(s, site))
		return;
	if (sched_is_paced(s, site))
		wait_for_pace(s, site);
	else
		site_park(s, site, SITE_RUNNABLE);
}

struct site *
site_next(struct sched *s)
{
	struct site	*site = TAILQ_FIRST(&s->runnable);

	if (site != NULL)
		site_park(s, site, SITE_NOWHERE);
	return site;
}

static void
unpark_one(struct sched *s, struct sites *list)
{
	struct site	*site = TAILQ_FIRST(list);

	if (site == NULL)
		return;
	site_park(s, site, SITE_NOWHERE);
	site_consider(s, site);
}

/* Whoever was let out before may have had nothing to send. */
void
site_unpark_all(struct sched *s)
{
	while (!TAILQ_EMPTY(&s->parked) && s->remote < s->remote_max)
		unpark_one(s, &s->parked);
	while (!TAILQ_EMPTY(&s->parked_old) && sched_room_for_old(s))
		unpark_one(s, &s->parked_old);
}

void
site_unpark(struct sched *s)
{
	unpark_one(s, &s->parked);
	unpark_one(s, &s->parked_old);
}

/* --- outcomes */

static const char *
name_of(const struct site *site)
{
	return LIST_EMPTY(&site->hops) ? "-" : LIST_FIRST(&site->hops)->text;
}

static void
set_dead(struct sched *s, struct site *site, bool dead)
{
	if (site->dead == dead)
		return;
	site->dead = dead;
	site->held &= dead;
	if (dead)
		TAILQ_INSERT_TAIL(&s->dead, site, dead_entry);
	else
		TAILQ_REMOVE(&s->dead, site, dead_entry);
	log_info("event=%s hop=%s waiting=%u class=%s",
	    site->held ? "hop-held" : dead ? "hop-dead" : "hop-alive",
	    name_of(site), site->wants, site->held ? "login" :
	    error_class_name(site->last_class));
}

void
site_revive(struct sched *s, struct site *site)
{
	set_dead(s, site, false);
}

static void
went_well(struct sched *s, struct site *site)
{
	site->bad_windows = 0;
	site->probes = 0;
	set_dead(s, site, false);
	if (++site->good < site->concurrency)
		return;
	site->good = 0;
	if (site->concurrency < site->limit)
		site->concurrency++;
}

static const struct terms *
terms_of(const struct sched *s, const struct site *site)
{
	return LIST_EMPTY(&site->hops) ? &s->general :
	    LIST_FIRST(&site->hops)->terms;
}

static void
went_badly(struct sched *s, struct site *site)
{
	site->good = 0;
	site->concurrency = site->concurrency > 1 ? site->concurrency / 2 : 1;
	site->together = site->outstanding;
	if (site->bad_windows < SCHED_BAD_WINDOWS)
		site->bad_windows++;
	if (site->bad_windows < SCHED_BAD_WINDOWS && !site->dead)
		return;
	site->held = false;
	set_dead(s, site, true);
	site->probe_ms = s->now_ms + terms_retry_ms(terms_of(s, site),
	    CLASS_CONNECT, site->probes,
	    (uintptr_t)site ^ (uint64_t)s->now_ms);
	if (site->probes < PROBES_MAX)
		site->probes++;
}

/* One is enough: the next one would only be refused too. */
static void
refused(struct sched *s, struct site *site)
{
	site->held = true;
	set_dead(s, site, true);
	site->good = 0;
	site->probe_ms = s->now_ms + HELD_MS;
}

/* Those that were under way when a window failed count once, with it. */
void
site_went(struct sched *s, struct site *site, enum sched_outcome outcome)
{
	if (!site->local && outcome == SCHED_OK)
		went_well(s, site);
	if (outcome == SCHED_REFUSED)
		refused(s, site);
	if (site->together > 0)
		site->together--;
	else if (!site->local && outcome == SCHED_BAD)
		went_badly(s, site);
}
