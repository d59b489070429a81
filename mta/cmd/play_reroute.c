/*
 * play_reroute.c - routes that are asked again, once the content is there.
 *
 * A route that reads a tag may come out otherwise when `on data` or `on
 * content` has set it; then it is what counts, and a message of which no
 * recipient is left to go anywhere is refused at the final dot.
 */
#include "config.h"

#include <assert.h>

#include "mta/cmd/play.h"

struct rs_value *
play_tags(struct play *pl)
{
	size_t		 n = rs_ntag(policy_image(pl->policy));
	struct rs_value	*tags = arena_alloc(&pl->arena, (n + 1) *
	    sizeof(*tags));

	memcpy(tags, pl->facts.tags, n * sizeof(*tags));
	return tags;
}

static bool
same(const struct rs_value *a, const struct rs_value *b)
{
	return (rs_is_void(a) && rs_is_void(b)) || rs_compare(a, b) == 0;
}

static bool
needed(const struct play *pl, const struct rs_value *before)
{
	uint32_t	i, n = rs_ntag(policy_image(pl->policy));

	for (i = 0; i < n; i++)
		if (policy_route_tag(pl->policy, i) &&
		    !same(&before[i], &pl->facts.tags[i]))
			return true;
	return false;
}

/* The route of a recipient who was accepted; true: it goes somewhere. */
static bool
again(struct play *pl, struct span rcpt)
{
	const struct rs_verdict	 v = { .kind = RS_V_ACCEPT,
	    .rule = UINT32_MAX };
	struct played		*p;

	p = play_new(pl, RS_HOOK_ROUTE, arena_printf(&pl->arena,
	    "route of <%.*s> again", SPAN_ARG(rcpt)));
	play_keep(pl, p, &v);
	p->rcpt = rcpt;
	pl->facts.rcpt = rcpt;
	pl->facts.rcpt_at = rs_address(rcpt).at;
	p->route_record.hook = RS_HOOK_ROUTE;
	p->routing = policy_route(pl->policy, &pl->facts, &p->route_record,
	    NULL, NULL);
	assert(routing_done(p->routing));
	return routing_refusal(p->routing) < 0;
}

/* The last of them says it for all. */
static void
refuse(struct play *pl)
{
	struct played		*p = &pl->v[pl->n - 1];
	const struct target	*t;
	struct rs_verdict	 v = { .rule = UINT32_MAX };
	size_t			 n;

	t = &routing_targets(p->routing, &n)[routing_refusal(p->routing)];
	v.kind = t->kind == TARGET_LATER ? RS_V_DEFER : RS_V_REJECT;
	v.code = t->code;
	v.status = t->status;
	v.text = t->text;
	play_keep(pl, p, &v);
	p->by_route = true;
	pl->refused = (ptrdiff_t)pl->n - 1;
}

void
play_reroute(struct play *pl, const struct rs_value *before)
{
	struct span	last = pl->facts.rcpt;
	size_t		last_at = pl->facts.rcpt_at, i, n = pl->n;
	bool		goes = false;

	if (!needed(pl, before) || play_fate(pl, RS_V_DISCARD) != NULL)
		return;
	for (i = 0; i < n; i++) {
		if (!pl->v[i].taken)
			continue;
		goes |= again(pl, pl->v[i].rcpt);
		if ((ptrdiff_t)i == pl->last_rcpt)
			pl->last_route = (ptrdiff_t)pl->n - 1;
	}
	pl->facts.rcpt = last;
	pl->facts.rcpt_at = last_at;
	if (pl->n > n && !goes)
		refuse(pl);
}
