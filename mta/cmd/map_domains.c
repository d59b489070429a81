/*
 * map_domains.c - what the policy's route does with a domain's addresses.
 *
 * It is asked where an address of the domain goes that nobody has; the
 * decision record says which tables were looked into.
 */
#include "config.h"

#include "mta/cmd/map_check.h"

#define NOBODY	"waybill-map-check-nobody"

/* The table, and those that it is made of. */
static void
mark(struct checking *c, struct checked_domain *d, uint32_t map)
{
	const struct rs_image	*im = policy_image(c->policy);
	uint32_t		 i, member;

	if (map >= c->n || d->asks[map])
		return;
	d->asks[map] = true;
	if (c->tables[map].kind == CHECKED_ALIASES ||
	    c->tables[map].kind == CHECKED_VIRTUSERS)
		d->local = true;
	for (i = 0; (member = rs_map_member(im, map, i)) != UINT32_MAX; i++)
		mark(c, d, member);
}

static bool
is_delivered(struct routing *r)
{
	const struct target	*t;
	size_t			 i, n;

	t = routing_targets(r, &n);
	for (i = 0; i < n; i++)
		if (t[i].kind == TARGET_DELIVER)
			return true;
	return routing_unknown(r) == 1;
}

static void
ask(struct checking *c, struct span whole, struct checked_domain *d)
{
	struct rs_record	 record = { .hook = RS_HOOK_ROUTE };
	const struct rs_step	*s;
	struct routing		*r;
	size_t			 i;

	c->facts.rcpt = whole;
	c->facts.rcpt_at = rs_address(whole).at;
	r = policy_route_dry(c->policy, &c->facts, &record, NULL, NULL);
	for (i = 0; i < record.n; i++) {
		s = &record.steps[i];
		if (s->kind == RS_STEP_MAP && s->key.type == RS_T_ADDRESS &&
		    span_ieq(s->key.s, whole))
			mark(c, d, s->number);
	}
	if (routing_done(r) && is_delivered(r))
		d->local = true;
	routing_free(&r);
	rs_record_clear(&record);
}

/* By itself a table is asked for names without a domain, and whole ones. */
const struct checked_domain *
checked_domain(struct checking *c, struct span domain)
{
	struct checked_domain	*d;
	uint32_t		 i;

	if ((d = htab_get(&c->domains, domain)) != NULL)
		return d;
	d = arena_alloc(&c->arena, sizeof(*d) + c->n * sizeof(d->asks[0]));
	d->local = false;
	for (i = 0; i < c->n; i++)
		d->asks[i] = c->policy == NULL;
	htab_put(&c->domains, domain, d);
	if (c->policy != NULL && domain.n > 0)
		ask(c, arena_join(&c->arena, SPAN(NOBODY), SPAN("@"), domain),
		    d);
	return d;
}

void
checked_domain_try(struct checking *c, struct span domain)
{
	if (domain.n > 0)
		(void)checked_domain(c, arena_span(&c->arena, domain));
}

/* The shortest: the same one each time. */
static bool
is_better(struct span a, struct span than)
{
	if (than.n == 0 || a.n != than.n)
		return than.n == 0 || a.n < than.n;
	return memcmp(a.p, than.p, a.n) < 0;
}

void
checked_domains_give(struct checking *c)
{
	const struct checked_domain	*d;
	struct span			 name;
	size_t				 pos = 0;
	uint32_t			 i;
	void				*v;

	while (htab_next(&c->domains, &pos, &name, &v)) {
		d = v;
		for (i = 0; i < c->n; i++)
			if (d->asks[i] && is_better(name,
			    c->tables[i].domain))
				c->tables[i].domain =
				    arena_span(&c->arena, name);
	}
}
