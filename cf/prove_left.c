/*
 * prove_left.c - what no rule so far has taken.
 *
 * A conjunction of groups, each over variables of its own (found as sets with
 * a representative).  A new condition joins only the groups that it touches.
 *
 * A condition that is too much is left out: what remains is then more than is
 * left in truth.  What meets nothing of it is still nothing; of all else it
 * cannot be said.
 */
#include "base/xalloc.h"
#include "cf/prove_int.h"

#include <stdlib.h>

void
prove_left_begin(struct prove_left *l, struct bdd *bdd)
{
	memset(l, 0, sizeof(*l));
	l->bdd = bdd;
	l->none = BDD_TRUE;
}

void
prove_left_end(struct prove_left *l)
{
	free(l->parent);
	free(l->group);
}

static void
make_room(struct prove_left *l, uint32_t var)
{
	uint32_t	 i, cap = l->cap;

	if (var < cap)
		return;
	l->cap = var * 2 + 64;
	l->parent = xreallocarray(l->parent, l->cap, sizeof(*l->parent));
	l->group = xreallocarray(l->group, l->cap, sizeof(*l->group));
	for (i = cap; i < l->cap; i++) {
		l->parent[i] = i;
		l->group[i] = BDD_TRUE;
	}
}

static uint32_t
group_of(struct prove_left *l, uint32_t var)
{
	make_room(l, var);
	while (l->parent[var] != var) {
		l->parent[var] = l->parent[l->parent[var]];
		var = l->parent[var];
	}
	return var;
}

/* The groups that a condition touches, met one by one. */
struct touching {
	struct prove_left	*left;
	uint32_t		 first;		/* representative, 0: none yet */
	bdd_node		 is;
	uint8_t			*seen;		/* by representative */
	uint32_t		 nseen;
};

static void
touch(void *arg, uint32_t var)
{
	struct touching		*t = arg;
	struct prove_left	*l = t->left;
	uint32_t		 g = group_of(l, var);

	if (g < t->nseen && t->seen[g])
		return;
	if (g >= t->nseen) {
		t->seen = xreallocarray(t->seen, l->cap, 1);
		memset(t->seen + t->nseen, 0, l->cap - t->nseen);
		t->nseen = l->cap;
	}
	t->seen[g] = 1;
	t->is = bdd_and(l->bdd, t->is, l->group[g]);
}

/* The groups that a condition touches become one. */
static void
join(void *arg, uint32_t var)
{
	struct touching	*t = arg;
	uint32_t	 g = group_of(t->left, var);

	if (t->first == 0)
		t->first = g;
	if (g == t->first)
		return;
	t->left->parent[g] = t->first;
	t->left->group[g] = BDD_TRUE;
}

void
prove_left_and(struct prove_left *l, bdd_node f)
{
	struct touching	 t = { .left = l, .is = f };

	if (l->none != BDD_TRUE)
		return;
	bdd_support(l->bdd, f, touch, &t);
	free(t.seen);
	if (t.is == BDD_FALSE) {
		l->none = BDD_FALSE;
	} else if (t.is == BDD_TOO_MUCH) {
		l->lossy = true;
	} else {
		bdd_support(l->bdd, f, join, &t);
		if (t.first != 0)
			l->group[t.first] = t.is;
	}
}

bdd_node
prove_left_meet(struct prove_left *l, bdd_node f)
{
	struct touching	 t = { .left = l, .is = f };

	if (l->none != BDD_TRUE)
		return f == BDD_FALSE ? f : l->none;
	bdd_support(l->bdd, f, touch, &t);
	free(t.seen);
	return l->lossy && t.is != BDD_FALSE ? BDD_TOO_MUCH : t.is;
}

void
prove_left_path(struct prove_left *l, bdd_node f, int8_t *values)
{
	uint32_t	 i;

	/* Groups that f does not touch first: f's own values then stand. */
	for (i = 1; i < l->cap; i++) {
		if (l->parent[i] == i)
			(void)bdd_path(l->bdd, l->group[i], values);
	}
	(void)bdd_path(l->bdd, f, values);
}
