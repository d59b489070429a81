/*
 * table_says.c - a table is asked from outside of rules: `waybill map query`.
 */
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/policy/policy_int.h"

struct table_question {
	struct asking		*asking;
	uint32_t		 map;
	struct map_question	 q;
	table_says_cb		*cb;
	void			*arg;
};

static void
ask(void *arg)
{
	struct table_question	*t = arg;
	struct table_answers	 as;
	struct table_says	 says = { .is = MAP_NONE };
	const struct trace	*tr = &t->asking->trace;
	size_t			 i;

	says.is = tables_ask(t->asking, t->map, &t->q, &as);
	if (says.is == MAP_WAIT)
		return;
	says.n = as.n;
	if (says.is != MAP_FOUND && says.is != MAP_NONE)
		says.why = as.all[0].a.value;
	says.all = xcalloc(as.n + 1, sizeof(*says.all));
	for (i = 0; i < as.n; i++)
		says.all[i] = (struct table_said){ as.all[i].map, MAP_FOUND,
		    as.all[i].a };
	says.nby = tr->n;
	says.by = xcalloc(tr->n + 1, sizeof(*says.by));
	for (i = 0; i < tr->n; i++)
		says.by[i] = (struct table_said){ tr->v[i].said.map,
		    tr->v[i].is, tr->v[i].said.a };
	t->cb(t->arg, &says);
	free(says.all);
	free(says.by);
	asking_free(&t->asking);
	free(t);
}

void
policy_table_ask(struct policy *p, uint32_t map, const struct map_question *q,
    table_says_cb *cb, void *arg)
{
	struct table_question	*t = xcalloc(1, sizeof(*t));

	t->asking = asking_new(p);
	t->asking->resume = ask;
	t->asking->arg = t;
	asking_reset(t->asking, NULL, NULL);
	t->asking->trace.on = true;
	t->map = map;
	t->q = *q;
	t->cb = cb;
	t->arg = arg;
	ask(t);
}
