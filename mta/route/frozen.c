/*
 * frozen.c - facts of a message that has been accepted; frozen.h.
 */
#include "mta/route/frozen.h"

#include "base/clock.h"
#include "mta/spool/attributes.h"

void
frozen_facts(struct policy *p, const struct envelope *e, uint32_t attempts,
    struct arena *ar, struct policy_facts *f)
{
	int64_t	age = clock_wall_ms() - e->arrival_ms;
	size_t	i;

	f->names = policy_names_new();	/* and what else DNS is asked */
	f->tx = e->qid;		/* a rate counts once for each message */
	f->tags = policy_tags_new(p, ar);
	f->sender = e->sender;
	f->sender_at = rs_address(e->sender).at;
	f->size = e->size;
	f->filtered = attr_filtered(e);
	for (i = 0; i < e->nfacts; i++)
		policy_fact_set(p, f, e->facts[i].fact, &e->facts[i].value);
	/* `on deliver` and `on bounce` may ask how old it is. */
	f->queue_age_ms = age < 0 ? 0 : age;
	f->queue_attempts = attempts;
}
