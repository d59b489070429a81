/*
 * control_walk.c - list, count, hold, ... remove: a walk over the queue, some
 * messages at a time, between other work.
 *
 * All who walk take turns of SLICE_US.  Who lists stops while its reader has
 * enough to read; who has gone meanwhile walks no further.
 */
#include "mta/queue/control_int.h"
#include "mta/queue/doing.h"
#include "mta/queue/groups.h"

#include "base/clock.h"
#include "base/xalloc.h"

#include <poll.h>
#include <stdlib.h>

#define SLICE_MESSAGES	64	/* between two looks at the clock */
#define SLICE_US	2000

enum walk_kind { WALK_LIST, WALK_COUNT, WALK_ACT };

struct walking {
	struct index_walk	 walk;
	struct selection	 selection;
	struct groups		*groups;	/* count by; or NULL */
	enum walk_kind		 kind;
	enum act		 act;
	struct done		 done;
	uint64_t		 octets;	/* of what was meant */
	uint64_t		 limit;
	bool			 more;		/* the limit was reached */
};

static void	walk_slices(void *);

void
walk_end(struct client *c)
{
	struct walking	*w = c->walking;

	c->walking = NULL;
	if (w == NULL)
		return;
	index_walk_end(&c->control->q->index, &w->walk);
	selection_end(&w->selection);
	groups_free(&w->groups);
	free(w);
}

/* --- ends */

static void
end_list(struct client *c, const struct walking *w)
{
	client_begin(c);
	json_object(&c->json, "end");
	json_uint(&c->json, "matched", w->done.matched);
	json_uint(&c->json, "octets", w->octets);
	json_uint(&c->json, "total", c->control->q->index.n);
	json_bool(&c->json, "more", w->more);
	json_object_end(&c->json);
	client_end(c);
	client_finish(c);
}

static void
end_count(struct client *c, const struct walking *w)
{
	client_begin(c);
	json_uint(&c->json, "matched", w->done.matched);
	json_uint(&c->json, "octets", w->octets);
	json_uint(&c->json, "recipients", w->done.targets);
	json_uint(&c->json, "total", c->control->q->index.n);
	if (w->groups != NULL)
		groups_put(w->groups, &c->json, c->request.limit);
	client_end(c);
	client_finish(c);
}

static void
end_act(struct client *c, const struct walking *w)
{
	bool	dry = c->request.dry;

	if (w->done.messages > 0 && w->act == ACT_RETRY && !dry &&
	    !request_selects(&c->request))
		sched_revive(&c->control->q->sched);
	client_begin(c);
	json_uint(&c->json, "matched", w->done.matched);
	json_uint(&c->json, "messages", w->done.messages);
	json_uint(&c->json, "recipients", w->done.targets);
	json_uint(&c->json, "busy", w->done.busy);
	json_bool(&c->json, "dry", dry);
	json_bool(&c->json, "more", w->more);
	if (!dry)
		client_finish_synced(c);
	else {
		client_end(c);
		client_finish(c);
	}
}

static void
end(struct client *c)
{
	struct walking	*w = c->walking;

	if (w->kind == WALK_LIST)
		end_list(c, w);
	else if (w->kind == WALK_COUNT)
		end_count(c, w);
	else
		end_act(c, w);
	walk_end(c);
}

/* --- slices */

static void
count_message(struct walking *w)
{
	const struct selection	*s = &w->selection;
	uint32_t		 i;

	for (i = 0; i < s->m->ndests; i++) {
		const struct dest	*d = &s->m->dests[i];

		if (!selection_takes_dest(s, d))
			continue;
		w->done.targets++;
		if (w->groups != NULL)
			groups_add(w->groups, s, d);
	}
}

static void
look_at(struct client *c, struct message *m)
{
	struct walking	*w = c->walking;

	if (!selection_takes(&w->selection, m))
		return;
	if (w->limit > 0 && w->done.matched == w->limit) {
		w->more = true;
		return;
	}
	w->octets += m->size;
	if (w->kind == WALK_ACT) {
		act_on(&w->selection, w->act, c->uid, &w->done);
		return;
	}
	w->done.matched++;
	if (w->kind == WALK_COUNT)
		count_message(w);
	else {
		json_init(&c->json, &c->out);
		answer_summary(&c->json, &w->selection);
		buf_add_char(&c->out, '\n');
	}
}

/* True: it is over. */
static bool
walk_some(struct client *c)
{
	struct walking	*w = c->walking;
	int64_t		 until_us = clock_boot_us() + SLICE_US;
	struct message	*m;
	unsigned	 n;

	for (n = 1; !client_is_full(c); n++) {
		if (w->more || (m = index_walk_next(&w->walk)) == NULL)
			return true;
		look_at(c, m);
		if (n % SLICE_MESSAGES == 0 && clock_boot_us() >= until_us)
			return false;
	}
	return false;
}

static bool
has_gone(const struct client *c)
{
	struct pollfd	p = { .fd = c->fd };

	return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

static void
go_on(struct client *c)
{
	(void)client_wait(c, WAITS_WALK);
	loop_soon(walk_slices, c->control);
}

static void
slice(struct client *c)
{
	if (has_gone(c))
		client_free(c);
	else if (walk_some(c))
		end(c);
	else if (c->out.n > 0)
		client_flush(c, go_on);
	else
		go_on(c);
}

/* For each who waits for a turn once: it is that of who waits longest. */
static void
walk_slices(void *arg)
{
	struct control	*k = arg;
	struct client	*c, *first = NULL;

	for (c = k->first; c != NULL; c = c->next)
		if (c->waits == WAITS_WALK &&
		    (first == NULL || c->ticket < first->ticket))
			first = c;
	if (first != NULL)
		slice(first);
}

/* --- beginning */

static bool
is_relay(const struct queue *q, struct span name)
{
	size_t	i;

	for (i = 0; i < q->set.nrelays; i++)
		if (span_eq(name, span_of(q->set.relays[i])))
			return true;
	return false;
}

static bool
find_act(struct span word, enum act *act)
{
	unsigned	i;

	for (i = 0; i < ACT_N; i++)
		if (span_eq(word, span_of(act_name((enum act)i))))
			break;
	*act = (enum act)i;
	return i < ACT_N;
}

/* Whether it makes sense; NULL: it does. */
static const char *
fault_of(struct client *c, const struct walking *w)
{
	const struct request	*r = &c->request;

	if (w->kind == WALK_ACT && !request_selects(r) && !r->all)
		return "which messages?  Name an id or conditions, or all=yes";
	if (request_selects(r) && r->all)
		return "all=yes and conditions exclude each other";
	if (r->to.n > 0 && w->act != ACT_REROUTE)
		return "only reroute has to=";
	if (r->to.n > 0 && !is_relay(c->control->q, r->to))
		return arena_printf(&c->arena, "the policy has no relay '%.*s'",
		    SPAN_ARG(r->to)).p;
	if (r->has_id && answer_is_gone(c->control->q, r->id))
		return "no such message in the queue";
	return NULL;
}

/* One message is found, and not looked for. */
static void
set_out(struct client *c, struct walking *w)
{
	const struct request	*r = &c->request;
	struct index		*ix = &c->control->q->index;

	w->limit = w->kind == WALK_COUNT ? 0 : r->limit;	/* there of groups */
	index_walk_begin(ix, &w->walk, r->after);
	if (r->has_id) {
		w->walk.at = index_find(ix, r->id);
		w->walk.left = 1;
	}
}

static bool
set_kind(struct client *c, struct walking *w)
{
	if (span_eq(c->request.word, SPAN("list")))
		w->kind = WALK_LIST;
	else if (span_eq(c->request.word, SPAN("count")))
		w->kind = WALK_COUNT;
	else {
		w->kind = WALK_ACT;
		return find_act(c->request.word, &w->act);
	}
	w->act = ACT_N;
	return true;
}

bool
walk_begin(struct client *c)
{
	struct walking	*w = xcalloc(1, sizeof(*w));
	const char	*why = NULL;

	if (!set_kind(c, w)) {
		free(w);
		return false;
	}
	if ((why = fault_of(c, w)) == NULL && c->request.by.n > 0)
		why = groups_new(c->request.by, &w->groups);
	if (why != NULL) {
		free(w);
		client_error(c, why);
		return true;
	}
	c->walking = w;
	selection_begin(&w->selection, c->control->q, &c->request);
	set_out(c, w);
	go_on(c);
	return true;
}
