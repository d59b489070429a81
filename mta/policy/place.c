/*
 * place.c - the value of an option's place.
 */
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/policy/place.h"
#include "mta/policy/policy_int.h"

struct place {
	struct asking	*asking;
	place_cb	*cb;
	void		*arg;
};

static void
say(struct place *p, const struct rs_verdict *v)
{
	struct rs_value	out = { .type = RS_T_NONE };
	place_cb	*cb = p->cb;
	void		*arg = p->arg;

	if (v->kind == RS_V_VALUE)
		out = v->value;
	else if (v->kind == RS_V_DEFER)	/* a table failed in the expression */
		out = rs_unknown(RS_WHY_TABLE);
	cb(arg, &out);
}

static void
resumed(void *arg)
{
	struct place		*p = arg;
	struct rs_verdict	 v;

	if (asking_resume(p->asking, &v) == RS_PENDING)
		return;
	say(p, &v);
	asking_free(&p->asking);
	free(p);
}

/* The value of a place that is no expression. */
static struct rs_value
constant(const struct rs_image *im, const struct rs_place *pl)
{
	return pl->index == UINT32_MAX ?
	    (struct rs_value){ .type = RS_T_NONE } : rs_const(im, pl->index);
}

struct place *
place_ask(struct policy *policy, uint32_t object, enum rs_option option,
    unsigned n, struct policy_facts *facts, place_cb *cb, void *arg)
{
	const struct rs_optval	*o;
	struct rs_value		 none = { .type = RS_T_NONE };
	struct rs_verdict	 v;
	struct rs_place		 pl;
	struct place		*p;

	if (!rs_option(policy->image, object, option, 0, &o) ||
	    n >= o->nplaces) {
		cb(arg, &none);
		return NULL;
	}
	pl = rs_option_place(policy->image, o, n);
	if (!pl.is_func) {
		none = constant(policy->image, &pl);
		cb(arg, &none);
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct place){ asking_new(policy), cb, arg };
	p->asking->peeks = true;
	p->asking->resume = resumed;
	p->asking->arg = p;
	asking_reset(p->asking, facts, NULL);
	if (asking_run(p->asking, pl.index, &v) == RS_PENDING)
		return p;
	say(p, &v);
	place_free(&p);
	return NULL;
}

void
place_free(struct place **pp)
{
	struct place	*p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	asking_free(&p->asking);
	free(p);
}
