/*
 * reroute.c - one recipient after the other.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/reroute.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"

struct reroute {
	struct session		*session;
	struct routing		*routing;
	size_t			 next;		/* recipient */
	bool			 asking, answered;
	bool			 goes;		/* one of them does */
	struct rs_verdict	 refusal;	/* texts lie in the transaction's arena */
	session_step		*step;
};

bool
reroute_needed(const struct session *s)
{
	uint32_t	n = rs_ntag(policy_image(s->gen->policy));

	if (filtered_door(s))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (policy_route_tag(s->gen->policy, i))
			return true;
	return false;
}

static void
keep_refusal(struct reroute *r)
{
	struct arena		*a = &r->session->tx->arena;
	const struct target	*t;
	ptrdiff_t		 at = routing_refusal(r->routing);
	size_t			 n;

	if (at < 0) {
		r->goes = true;
		return;
	}
	t = &routing_targets(r->routing, &n)[at];
	r->refusal = (struct rs_verdict){
		.kind = t->kind == TARGET_LATER ? RS_V_DEFER : RS_V_REJECT,
		.code = t->code,
		.status = arena_span(a, t->status),
		.text = arena_span(a, t->text),
		.rule = UINT32_MAX,
	};
}

static void	routed(void *, struct routing *);

/* True when all have been asked that have to be. */
static bool
ask_on(struct reroute *r)
{
	struct session		*s = r->session;
	struct transaction	*t = s->tx;

	while (!r->goes && r->next < t->nrcpts) {
		s->facts.rcpt = t->rcpts[r->next];
		s->facts.rcpt_at = rs_address(s->facts.rcpt).at;
		r->next++;
		r->answered = false;
		r->asking = true;
		r->routing = policy_route_dry(s->gen->policy, &s->facts,
		    NULL, routed, r);
		r->asking = false;
		if (!r->answered)
			return false;
		keep_refusal(r);
		routing_free(&r->routing);
	}
	return true;
}

static void
over(struct reroute *r)
{
	struct session		*s = r->session;
	struct rs_verdict	 v = { .kind = RS_V_ACCEPT, .rule = UINT32_MAX };
	session_step		*step = r->step;

	if (!r->goes)
		v = r->refusal;
	s->facts.rcpt = SPAN_NONE;
	s->facts.tx = s->id;
	s->decided_line = 0;
	s->by_gateway = false;
	reroute_free(&s->reroute);
	step(s, &v);
}

static void
routed(void *arg, struct routing *routing)
{
	struct reroute	*r = arg;
	struct session	*s = r->session;

	(void)routing;
	r->answered = true;
	if (r->asking)
		return;		/* ask_on() goes on */
	keep_refusal(r);
	routing_free(&r->routing);
	if (!ask_on(r))
		return;
	session_unpark(s);
	over(r);
	session_go_on(s);
}

void
reroute_ask(struct session *s, session_step *step)
{
	struct reroute	*r = xcalloc(1, sizeof(*r));

	r->session = s;
	r->step = step;
	s->reroute = r;
	s->facts.tx = 0;	/* the real route counts */
	if (ask_on(r))
		over(r);
	else
		session_park(s);
}

void
reroute_free(struct reroute **rp)
{
	struct reroute	*r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	routing_free(&r->routing);
	free(r);
}
