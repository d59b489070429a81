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
	size_t			 i;

	says.is = tables_ask(t->asking, t->map, &t->q, &as);
	if (says.is == MAP_WAIT)
		return;
	says.all = xcalloc(as.n + 1, sizeof(*says.all));
	for (i = 0; i < as.n; i++) {
		says.all[i].map = as.all[i].map;
		says.all[i].answer = as.all[i].a;
	}
	says.n = as.n;
	t->cb(t->arg, &says);
	free(says.all);
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
	t->map = map;
	t->q = *q;
	t->cb = cb;
	t->arg = arg;
	ask(t);
}
