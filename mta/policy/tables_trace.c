/*
 * tables_trace.c - which tables had an answer: behind a table that is made of
 * others, or that a server has.
 */
#include "mta/policy/policy_int.h"

void
trace_add(struct asking *a, enum map_result is, const struct map_question *q,
    const struct table_answer *said)
{
	struct trace	*t = &a->trace;
	struct traced	*v;

	if (!t->on)
		return;
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 8 : 2 * t->cap;
		v = arena_alloc(rs_eval_arena(a->eval), t->cap * sizeof(*v));
		if (t->n > 0)
			memcpy(v, t->v, t->n * sizeof(*v));
		t->v = v;
	}
	v = &t->v[t->n++];
	*v = (struct traced){ *said, is };
	if (is != MAP_FOUND)
		v->said.a.key = q->key;
}

void
trace_drop(struct asking *a, size_t from, size_t to)
{
	struct trace	*t = &a->trace;

	if (to == from)
		return;
	memmove(&t->v[from], &t->v[to], (t->n - to) * sizeof(*t->v));
	t->n -= to - from;
}

bool
world_answered(void *ctx, unsigned i, struct rs_step *step)
{
	const struct asking	*a = ctx;
	const struct policy	*p = a->policy;
	const struct traced	*t;
	bool			 accounts;

	if (i >= a->trace.n)
		return false;
	t = &a->trace.v[i];
	*step = (struct rs_step){ .kind = RS_STEP_ANSWER,
	    .number = t->said.map, .line = t->said.a.line };
	accounts = span_eq(map_kind(p->maps[t->said.map]), SPAN("accounts"));
	if (t->said.a.key.n > 0)
		step->key = rs_text(RS_T_TEXT, t->said.a.key);
	if (t->is == MAP_FOUND)
		step->value = rs_text(RS_T_TEXT, accounts ? t->said.a.key :
		    t->said.a.value);
	else if (t->is != MAP_NONE)
		step->value = rs_unknown(RS_WHY_TABLE);
	return true;
}

void
trace_record(struct asking *a, struct rs_record *record)
{
	struct rs_step	step;
	unsigned	i;

	for (i = 0; record != NULL && world_answered(a, i, &step); i++)
		rs_record_add(record, &step);
}
