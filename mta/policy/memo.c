/*
 * memo.c - what servers' tables have said in an evaluation.
 *
 * A question is asked once: the evaluation is parked, and when it goes on asks
 * again, and finds the answer here.  All is gone when the next one begins.
 */
#include "base/xalloc.h"

#include "mta/policy/policy_int.h"

#define MEMO_OCTETS_MAX	(32u << 20)	/* of one evaluation */

/* A question and its answer; in the arena of the memo. */
struct memo_entry {
	struct memo_entry	*next;
	struct asking		*asking;
	uint32_t		 map;
	struct map_question	 q;
	bool			 in_ask;
	uint64_t		 ticket;
	enum map_result		 is;		/* MAP_WAIT: under way */
	struct map_answer	 answer;
};

static bool
same(const struct map_question *a, const struct map_question *b)
{
	return a->ask == b->ask && a->role == b->role && a->at == b->at &&
	    span_eq(a->key, b->key) && ip_eq(&a->ip, &b->ip) &&
	    span_eq(a->detail_chars, b->detail_chars);
}

static struct memo_entry *
find(const struct memo *m, uint32_t map, const struct map_question *q)
{
	struct memo_entry	*e;

	for (e = m->entries; e != NULL; e = e->next)
		if (e->map == map && same(&e->q, q))
			return e;
	return NULL;
}

/* The evaluation goes on when nothing is under way any more. */
static void
answered(void *arg, enum map_result is, const struct map_answer *answer)
{
	struct memo_entry	*e = arg;
	struct asking		*a = e->asking;
	struct memo		*m = &a->memo;

	e->is = is == MAP_WAIT ? MAP_LATER : is;
	if (is == MAP_FOUND) {
		e->answer = *answer;
		e->answer.key = arena_span(&m->arena, answer->key);
		e->answer.value = arena_span(&m->arena, answer->value);
	} else if (answer != NULL)	/* the cause */
		e->answer.value = arena_span(&m->arena, answer->value);
	m->open--;
	if (!e->in_ask && m->open == 0)
		a->resume(a->arg);
}

static struct memo_entry *
ask(struct asking *a, uint32_t map, const struct map_question *q)
{
	const struct policy_lookup	*l = &a->policy->lookup;
	struct memo			*m = &a->memo;
	struct memo_entry		*e;
	uint64_t			 ticket;

	e = arena_alloc(&m->arena, sizeof(*e));
	e->asking = a;
	e->map = map;
	e->q = *q;
	e->q.key = arena_span(&m->arena, q->key);
	e->q.detail_chars = arena_span(&m->arena, q->detail_chars);
	e->is = MAP_WAIT;
	e->next = m->entries;
	m->entries = e;
	m->open++;
	e->in_ask = true;
	ticket = l->ask(l->ctx, a->policy->generation, map, &e->q, answered,
	    e);
	e->in_ask = false;
	if (e->is == MAP_WAIT)
		e->ticket = ticket;
	return e;
}

enum map_result
memo_ask(struct asking *a, uint32_t map, const struct map_question *q,
    struct map_answer *out)
{
	struct memo_entry	*e = find(&a->memo, map, q);

	if (e == NULL && a->memo.arena.total > MEMO_OCTETS_MAX)
		return MAP_BROKEN;
	if (e == NULL)
		e = ask(a, map, q);
	*out = e->answer;
	return e->is;
}

void
memo_drop(struct memo *m)
{
	const struct policy_lookup	*l;
	struct memo_entry		*e;

	for (e = m->entries; e != NULL && m->open > 0; e = e->next) {
		if (e->is != MAP_WAIT)
			continue;
		l = &e->asking->policy->lookup;
		l->cancel(l->ctx, e->ticket);
		m->open--;
	}
	m->entries = NULL;
	m->open = 0;
	arena_clear(&m->arena);
}

/* --- by the lookup process */

static uint64_t
ask_by(void *ctx, uint32_t generation, uint32_t map,
    const struct map_question *q, lookup_client_cb *cb, void *arg)
{
	return lookup_client_ask(ctx, generation, map, q, cb, arg);
}

static void
cancel_by(void *ctx, uint64_t ticket)
{
	lookup_client_cancel(ctx, ticket);
}

struct policy_lookup
policy_lookup_by(struct lookup_client *c)
{
	return (struct policy_lookup){ ask_by, cancel_by, c };
}
