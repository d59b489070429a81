/*
 * sts_domains.c - the domains of which something is remembered.
 *
 * Two lists, those with a policy and the others, each in the order in which
 * somebody asked for them, so that what is not used goes first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/fetch/sts_int.h"

static void
enlist(struct sts_domain *d)
{
	struct sts	*s = d->sts;

	if (d->kept != NULL) {
		TAILQ_INSERT_TAIL(&s->kept, d, entry);
		s->nkept++;
		s->octets += d->kept->text.n;
	} else {
		TAILQ_INSERT_TAIL(&s->others, d, entry);
		s->nothers++;
	}
}

static void
delist(struct sts_domain *d)
{
	struct sts	*s = d->sts;

	if (d->kept != NULL) {
		TAILQ_REMOVE(&s->kept, d, entry);
		s->nkept--;
		s->octets -= d->kept->text.n;
	} else {
		TAILQ_REMOVE(&s->others, d, entry);
		s->nothers--;
	}
}

void
sts_domain_used(struct sts_domain *d)
{
	delist(d);
	d->asked_ms = loop_now_ms();
	enlist(d);
}

void
sts_domain_keep(struct sts_domain *d, struct sts_kept *k)
{
	delist(d);
	sts_kept_free(&d->kept);
	d->kept = k;
	enlist(d);
}

void
sts_domain_free(struct sts_domain *d)
{
	struct sts		*s = d->sts;
	struct sts_question	*q;

	while ((q = TAILQ_FIRST(&d->questions)) != NULL) {
		TAILQ_REMOVE(&d->questions, q, entry);
		free(q);
	}
	if (d->ticket != 0)
		dns_cancel(s->how.dns, d->ticket);
	transfer_cancel(&d->transfer);
	s->refreshing -= d->refreshing;
	delist(d);
	(void)htab_del(&s->by_name, span_of(d->name));
	sts_kept_free(&d->kept);
	free(d->why);
	free(d);
}

/* The first of a list that nothing is under way for; NULL: there is none. */
static struct sts_domain *
oldest_idle(struct sts_list *list)
{
	struct sts_domain	*d;

	TAILQ_FOREACH(d, list, entry)
		if (d->state == STS_IDLE)
			return d;
	return NULL;
}

void
sts_domains_trim(struct sts *s)
{
	struct sts_domain	*d;

	while ((s->nkept > STS_KEPT_MAX || s->octets > STS_KEPT_OCTETS) &&
	    (d = oldest_idle(&s->kept)) != NULL) {
		if (s->evicted++ == 0)
			log_warnx("event=sts-full kept=%zu octets=%zu "
			    "why=\"policies that nobody asks for are "
			    "forgotten\"", s->nkept, s->octets);
		if (s->how.disk != NULL)
			sts_disk_remove(s->how.disk, d->name);
		sts_domain_free(d);
	}
}

static bool
make_room(struct sts *s)
{
	struct sts_domain	*d;

	while (s->nothers + s->nkept >= STS_DOMAINS_MAX) {
		if ((d = oldest_idle(&s->others)) == NULL)
			return false;
		sts_domain_free(d);
	}
	return true;
}

struct sts_domain *
sts_domain_get(struct sts *s, const char *name)
{
	struct sts_domain	*d = htab_get(&s->by_name, span_of(name));

	if (d != NULL || !make_room(s))
		return d;
	d = xcalloc(1, sizeof(*d));
	d->sts = s;
	memcpy(d->name, name, strlen(name) + 1);
	TAILQ_INIT(&d->questions);
	(void)htab_put(&s->by_name, span_of(d->name), d);
	enlist(d);
	return d;
}
