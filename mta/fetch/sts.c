/*
 * sts.c - what is asked of a domain, and when its record and its policy are
 * looked at again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/fetch/sts_int.h"
#include "mta/fetch/sts_record.h"

#define SWEEP_MS	60000

uint64_t
sts_now_s(void)
{
	return (uint64_t)clock_wall_ms() / 1000;
}

bool
sts_holds(const struct sts_kept *k)
{
	return k != NULL && sts_now_s() < sts_kept_expires_s(k);
}

/* Somebody would be served by what is kept: it holds, and is the newest. */
static bool
is_current(const struct sts_domain *d)
{
	return sts_holds(d->kept) && strcmp(d->kept->id, d->id) == 0;
}

/* It should be fetched again, though it holds. */
static bool
is_due(const struct sts_kept *k)
{
	uint64_t	life = sts_kept_expires_s(k) - k->fetched_s;
	uint64_t	now = sts_now_s();
	uint64_t	age = now > k->fetched_s ? now - k->fetched_s : 0;

	return age >= (life / 2 < STS_REFRESH_S ? life / 2 : STS_REFRESH_S);
}

/* --- answers */

static void
answer(const struct sts_domain *d, sts_answer *cb, void *arg)
{
	const struct sts_kept	*k = d->kept;
	struct sts_policy	 p = { .result = STS_NONE,
	    .trouble = d->trouble, .why = span_of(d->why) };

	if (sts_holds(k)) {
		p.result = STS_FOUND;
		p.mode = k->policy.mode;
		p.id = span_of(k->id);
		p.fetched_s = k->fetched_s;
		p.expires_s = sts_kept_expires_s(k);
		p.text = k->text;
		p.n = k->policy.n;
		p.mx = k->policy.mx;
		d->sts->found++;
	}
	cb(arg, &p);
}

static void
answer_none(sts_answer *cb, void *arg, enum sts_result result,
    const char *why)
{
	const struct sts_policy	p = { .result = result,
	    .why = span_of(why) };

	cb(arg, &p);
}

static void
answer_all(struct sts_domain *d)
{
	struct sts_question	*q;

	while ((q = TAILQ_FIRST(&d->questions)) != NULL) {
		TAILQ_REMOVE(&d->questions, q, entry);
		answer(d, q->cb, q->arg);
		free(q);
	}
}

static void
drop_expired(struct sts_domain *d)
{
	if (d->kept == NULL || sts_holds(d->kept))
		return;
	log_info("event=sts-expired domain=%s id=%s", d->name, d->kept->id);
	if (d->sts->how.disk != NULL)
		sts_disk_remove(d->sts->how.disk, d->name);
	sts_domain_keep(d, NULL);
}

/* Nothing is under way for it any more. */
static void
settle(struct sts_domain *d)
{
	d->state = STS_IDLE;
	d->sts->refreshing -= d->refreshing;
	d->refreshing = false;
	answer_all(d);
	drop_expired(d);
}

/* --- the policy */

static void
set_trouble(struct sts_domain *d, enum sts_trouble trouble, const char *why)
{
	free(d->why);
	d->why = why == NULL ? NULL : xstrdup(why);
	d->trouble = trouble;
}

static void
log_policy(const struct sts_kept *k)
{
	log_info("event=sts-policy domain=%s id=%s mode=%s max_age=%u mx=%zu",
	    k->domain, k->id, sts_mode_name(k->policy.mode),
	    (unsigned)k->policy.max_age_s, k->policy.n);
}

/* RFC 8461, 10.2: the administrator is told, unless the mode is none. */
static void
log_trouble(const struct sts_domain *d)
{
	bool	holds = sts_holds(d->kept);

	if (holds && d->kept->policy.mode == STS_MODE_NONE)
		return;
	log_warnx("event=%s domain=%s id=%s kept=%s why=%s",
	    sts_trouble_name(d->trouble), d->name, d->id,
	    holds ? d->kept->id : "none", log_quote(span_of(d->why)));
}

/* The record is asked for again then, and what it promises. */
static void
believe_until(struct sts_domain *d, int64_t seconds)
{
	int64_t	until_ms = loop_now_ms() + seconds * 1000;

	if (d->checked_until_ms > until_ms)
		d->checked_until_ms = until_ms;
}

void
sts_fetched(struct sts_domain *d, struct sts_kept *k,
    enum sts_trouble trouble, const char *why)
{
	struct sts	*s = d->sts;

	set_trouble(d, trouble, why);
	if (k == NULL) {
		s->failed++;
		log_trouble(d);
		believe_until(d, STS_RETRY_S);
	} else {
		s->fetched++;
		if (d->kept == NULL || strcmp(d->kept->id, k->id) != 0)
			log_policy(k);
		sts_domain_keep(d, k);
		if (s->how.disk != NULL)
			sts_disk_put(s->how.disk, k);
	}
	settle(d);
	sts_domains_trim(s);
}

void
sts_unasked(struct sts_domain *d, const char *why)
{
	struct sts_question	*q;

	d->checked_until_ms = loop_now_ms();
	d->tried_id[0] = '\0';
	while (!sts_holds(d->kept) &&
	    (q = TAILQ_FIRST(&d->questions)) != NULL) {
		TAILQ_REMOVE(&d->questions, q, entry);
		answer_none(q->cb, q->arg, STS_LATER, why);
		free(q);
	}
	settle(d);
}

/* Not again and again, while the record says nothing new. */
static bool
may_fetch(const struct sts_domain *d)
{
	int64_t	wait_s = is_current(d) ? STS_RETRY_KEPT_S : STS_RETRY_S;

	return d->trouble == STS_FINE || strcmp(d->id, d->tried_id) != 0 ||
	    loop_now_ms() - d->tried_ms >= wait_s * 1000;
}

static void
begin_fetch(struct sts_domain *d)
{
	memcpy(d->tried_id, d->id, sizeof(d->tried_id));
	d->tried_ms = loop_now_ms();
	if (is_current(d))
		answer_all(d);		/* nobody has to wait for a refresh */
	sts_fetch(d);
}

/* --- the record */

static bool
find_record(const struct dns_answer *a, struct span *id, const char **why)
{
	struct span	texts[DNS_RECORDS_MAX];
	size_t		i;

	for (i = 0; i < a->n; i++)
		texts[i] = a->records[i].name;
	return sts_record_find(texts, a->n, id, why);
}

static int64_t
believed_ms(const struct dns_answer *a)
{
	uint32_t	s = a->result == DNS_FAILING ? STS_TTL_LEAST_S :
			    a->ttl_s;

	if (s < STS_TTL_LEAST_S)
		s = STS_TTL_LEAST_S;
	return (int64_t)(s > STS_TTL_MOST_S ? STS_TTL_MOST_S : s) * 1000;
}

/* No record, or none that can be asked for: what is kept holds (RFC 8461, 5.1). */
static void
no_record(struct sts_domain *d, const char *why)
{
	if (why != NULL)
		log_info("event=sts-no-record domain=%s why=%s", d->name,
		    log_quote(span_of(why)));
	d->id[0] = '\0';
	set_trouble(d, STS_FINE, NULL);
	settle(d);
}

static void
on_record(void *arg, const struct dns_answer *a)
{
	struct sts_domain	*d = arg;
	const char		*why = NULL;
	struct span		 id;

	d->ticket = 0;
	d->checked_until_ms = loop_now_ms() + believed_ms(a);
	if (a->result == DNS_FAILING)
		settle(d);
	else if (a->result != DNS_FOUND || !find_record(a, &id, &why))
		no_record(d, why);
	else {
		(void)snprintf(d->id, sizeof(d->id), "%.*s", SPAN_ARG(id));
		if (is_current(d) && !is_due(d->kept)) {
			set_trouble(d, STS_FINE, NULL);
			settle(d);
		} else if (may_fetch(d))
			begin_fetch(d);
		else
			settle(d);
	}
}

static void
ask_record(struct sts_domain *d)
{
	char	name[sizeof("_mta-sts.") + STS_DOMAIN_MAX];

	(void)snprintf(name, sizeof(name), "_mta-sts.%s", d->name);
	d->state = STS_ASKS;
	d->ticket = dns_ask(d->sts->how.dns, DNS_TXT, span_of(name),
	    on_record, d);
}

/* --- questions */

/* What is known will do: nothing has to be asked for. */
static bool
is_known(const struct sts_domain *d)
{
	switch (d->state) {
	case STS_IDLE:
		return loop_now_ms() < d->checked_until_ms &&
		    (d->kept == NULL || sts_holds(d->kept));
	case STS_ASKS:
		return false;
	case STS_FETCHES:
		return is_current(d);
	}
	return false;
}

struct sts_question *
sts_ask(struct sts *s, struct span domain, sts_answer *cb, void *arg)
{
	char			 name[STS_DOMAIN_MAX + 1];
	struct sts_domain	*d;
	struct sts_question	*q;

	s->asked++;
	if (!sts_domain(domain, name)) {
		answer_none(cb, arg, STS_NONE, NULL);
		return NULL;
	}
	if ((d = sts_domain_get(s, name)) == NULL) {
		answer_none(cb, arg, STS_LATER, "too many domains are asked "
		    "for at once");
		return NULL;
	}
	sts_domain_used(d);
	if (is_known(d)) {
		answer(d, cb, arg);
		return NULL;
	}
	q = xcalloc(1, sizeof(*q));
	*q = (struct sts_question){ .domain = d, .cb = cb, .arg = arg };
	TAILQ_INSERT_TAIL(&d->questions, q, entry);
	if (d->state == STS_IDLE)
		ask_record(d);
	return q;
}

void
sts_cancel(struct sts_question **qp)
{
	struct sts_question	*q = *qp;

	*qp = NULL;
	if (q == NULL)
		return;
	TAILQ_REMOVE(&q->domain->questions, q, entry);
	free(q);
}

/* --- refreshing what is kept (RFC 8461, 10.2) */

static bool
wants_refresh(const struct sts_domain *d)
{
	int64_t	now = loop_now_ms();

	return d->state == STS_IDLE && now >= d->sweep_ms &&
	    now - d->asked_ms < INT64_C(1000) * STS_UNUSED_S &&
	    is_due(d->kept);
}

static void
refresh(struct sts_domain *d)
{
	d->sweep_ms = loop_now_ms() + INT64_C(1000) * STS_RETRY_KEPT_S;
	d->refreshing = true;
	d->sts->refreshing++;
	ask_record(d);
}

static void
sweep(void *arg)
{
	struct sts		*s = arg;
	struct sts_domain	*d, *next;

	for (d = TAILQ_FIRST(&s->kept); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (d->state == STS_IDLE && !sts_holds(d->kept))
			drop_expired(d);
		else if (s->refreshing < STS_REFRESHING_MAX &&
		    wants_refresh(d))
			refresh(d);
	}
	timer_set(&s->sweep, SWEEP_MS, sweep, s);
}

/* --- its beginning and end */

/* What says that it is from the future was written by a clock that was wrong. */
static void
take_kept(void *arg, struct sts_kept *k)
{
	struct sts		*s = arg;
	struct sts_domain	*d = sts_domain_get(s, k->domain);
	uint64_t		 now = sts_now_s();

	if (d == NULL || !sts_holds(k)) {
		sts_disk_remove(s->how.disk, k->domain);
		sts_kept_free(&k);
		return;
	}
	if (k->fetched_s > now)
		k->fetched_s = now;
	sts_domain_keep(d, k);
	sts_domain_used(d);
	sts_domains_trim(s);
}

struct sts *
sts_new(const struct sts_how *how)
{
	struct sts	*s = xcalloc(1, sizeof(*s));

	s->how = *how;
	TAILQ_INIT(&s->kept);
	TAILQ_INIT(&s->others);
	if (how->disk != NULL)
		sts_disk_load(how->disk, take_kept, s);
	timer_set(&s->sweep, SWEEP_MS, sweep, s);
	return s;
}

void
sts_free(struct sts **sp)
{
	struct sts		*s = *sp;
	struct sts_domain	*d;

	*sp = NULL;
	if (s == NULL)
		return;
	while ((d = TAILQ_FIRST(&s->kept)) != NULL ||
	    (d = TAILQ_FIRST(&s->others)) != NULL)
		sts_domain_free(d);
	htab_clear(&s->by_name);
	timer_clear(&s->sweep);
	free(s);
}

void
sts_stats(const struct sts *s, struct buf *out)
{
	buf_addf(out, "\"sts_kept\":%zu,\"sts_octets\":%zu,"
	    "\"sts_asked\":%llu,\"sts_found\":%llu,\"sts_fetched\":%llu,"
	    "\"sts_failed\":%llu,\"sts_evicted\":%llu,\"sts_unwritten\":%lu",
	    s->nkept, s->octets, (unsigned long long)s->asked,
	    (unsigned long long)s->found, (unsigned long long)s->fetched,
	    (unsigned long long)s->failed, (unsigned long long)s->evicted,
	    s->how.disk == NULL ? 0 : sts_disk_failures(s->how.disk));
}
