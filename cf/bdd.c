/*
 * bdd.c - reduced, ordered decision diagrams (Bryant, 1986), with if-then-else
 * as the one operation from which the others are made.
 */
#include "base/xalloc.h"
#include "cf/bdd.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_BITS	17

struct node {
	uint32_t	var;		/* 0: one of the two constants */
	bdd_node	no, yes;
};

struct answer {
	bdd_node	f, g, h, is;	/* f 0: empty */
};

struct bdd {
	struct node	*nodes;
	uint32_t	 n, cap, max;
	uint32_t	*table;		/* node + 1 by hash; a power of two */
	uint32_t	 table_cap;
	struct answer	*cache;
	uint32_t	*marks;		/* by node: last walk that saw it */
	uint32_t	 walk;
	uint64_t	 steps;		/* that are left */
};

struct bdd *
bdd_new(uint32_t max_nodes, uint64_t max_steps)
{
	struct bdd	*b = xcalloc(1, sizeof(*b));

	b->max = max_nodes;
	b->steps = max_steps;
	b->cap = 256;
	b->nodes = xcalloc(b->cap, sizeof(*b->nodes));
	b->marks = xcalloc(b->cap, sizeof(*b->marks));
	b->nodes[BDD_TRUE].no = b->nodes[BDD_TRUE].yes = BDD_TRUE;
	b->n = 2;
	b->table_cap = 512;
	b->table = xcalloc(b->table_cap, sizeof(*b->table));
	b->cache = xcalloc((size_t)1 << CACHE_BITS, sizeof(*b->cache));
	return b;
}

void
bdd_free(struct bdd **bp)
{
	struct bdd	*b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	free(b->nodes);
	free(b->table);
	free(b->cache);
	free(b->marks);
	free(b);
}

static uint32_t
mix(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t	 x = a * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 29) ^ c) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x >> 32);
}

static void
enter(struct bdd *b, uint32_t i)
{
	const struct node	*n = &b->nodes[i];
	uint32_t		 at = mix(n->var, n->no, n->yes);

	while (b->table[at &= b->table_cap - 1] != 0)
		at++;
	b->table[at] = i + 1;
}

static void
grow(struct bdd *b)
{
	uint32_t	 i;

	b->cap *= 2;
	b->nodes = xreallocarray(b->nodes, b->cap, sizeof(*b->nodes));
	free(b->marks);
	b->marks = xcalloc(b->cap, sizeof(*b->marks));
	b->walk = 0;
	free(b->table);
	b->table_cap = b->cap * 2;
	b->table = xcalloc(b->table_cap, sizeof(*b->table));
	for (i = 2; i < b->n; i++)
		enter(b, i);
}

static bdd_node
make(struct bdd *b, uint32_t var, bdd_node no, bdd_node yes)
{
	uint32_t	 at = mix(var, no, yes), i;

	if (no == yes)
		return no;
	for (; (i = b->table[at &= b->table_cap - 1]) != 0; at++) {
		if (b->nodes[i - 1].var == var && b->nodes[i - 1].no == no &&
		    b->nodes[i - 1].yes == yes)
			return i - 1;
	}
	if (b->n == b->max)
		return BDD_TOO_MUCH;
	if (b->n == b->cap)
		grow(b);
	b->nodes[b->n] = (struct node){ var, no, yes };
	enter(b, b->n);
	return b->n++;
}

bdd_node
bdd_var(struct bdd *b, uint32_t var)
{
	assert(var > 0);
	return var > BDD_VARS_MAX ? BDD_TOO_MUCH :
	    make(b, var, BDD_FALSE, BDD_TRUE);
}

/* f where the variable is known to be so. */
static bdd_node
branch(const struct bdd *b, bdd_node f, uint32_t var, bool yes)
{
	if (b->nodes[f].var != var)
		return f;
	return yes ? b->nodes[f].yes : b->nodes[f].no;
}

static uint32_t
top_of(const struct bdd *b, bdd_node f, bdd_node g, bdd_node h)
{
	uint32_t	 var = b->nodes[f].var;

	if (b->nodes[g].var > var)
		var = b->nodes[g].var;
	return b->nodes[h].var > var ? b->nodes[h].var : var;
}

static bdd_node
ite(struct bdd *b, bdd_node f, bdd_node g, bdd_node h)
{
	struct answer	*a;
	bdd_node	 yes, no, is;
	uint32_t	 var;

	if (f == BDD_TRUE || g == h)
		return g;
	if (f == BDD_FALSE)
		return h;
	if (g == BDD_TRUE && h == BDD_FALSE)
		return f;
	a = &b->cache[mix(f, g, h) >> (32 - CACHE_BITS)];
	if (a->f == f && a->g == g && a->h == h)
		return a->is;
	if (b->steps == 0)
		return BDD_TOO_MUCH;
	b->steps--;
	var = top_of(b, f, g, h);
	yes = ite(b, branch(b, f, var, true), branch(b, g, var, true),
	    branch(b, h, var, true));
	if (yes == BDD_TOO_MUCH)
		return yes;
	no = ite(b, branch(b, f, var, false), branch(b, g, var, false),
	    branch(b, h, var, false));
	if (no == BDD_TOO_MUCH || (is = make(b, var, no, yes)) == BDD_TOO_MUCH)
		return BDD_TOO_MUCH;
	*a = (struct answer){ f, g, h, is };
	return is;
}

bdd_node
bdd_ite(struct bdd *b, bdd_node f, bdd_node g, bdd_node h)
{
	if (f == BDD_TOO_MUCH || g == BDD_TOO_MUCH || h == BDD_TOO_MUCH)
		return BDD_TOO_MUCH;
	return ite(b, f, g, h);
}

bdd_node
bdd_not(struct bdd *b, bdd_node f)
{
	return bdd_ite(b, f, BDD_FALSE, BDD_TRUE);
}

bdd_node
bdd_and(struct bdd *b, bdd_node f, bdd_node g)
{
	return bdd_ite(b, f, g, BDD_FALSE);
}

bdd_node
bdd_or(struct bdd *b, bdd_node f, bdd_node g)
{
	return bdd_ite(b, f, BDD_TRUE, g);
}

bool
bdd_path(const struct bdd *b, bdd_node f, int8_t *values)
{
	if (f == BDD_FALSE || f == BDD_TOO_MUCH)
		return false;
	/* In a reduced diagram each node but FALSE leads to TRUE. */
	while (f != BDD_TRUE) {
		const struct node	*n = &b->nodes[f];
		bool			 yes = n->no == BDD_FALSE;

		values[n->var] = yes;
		f = yes ? n->yes : n->no;
	}
	return true;
}

bool
bdd_eval(const struct bdd *b, bdd_node f, const int8_t *values)
{
	if (f == BDD_TOO_MUCH)
		return false;
	while (f > BDD_TRUE)
		f = values[b->nodes[f].var] == 1 ? b->nodes[f].yes :
		    b->nodes[f].no;
	return f == BDD_TRUE;
}

/* Each node once: those of this walk have its number as their mark. */
static void
support(struct bdd *b, bdd_node f, uint8_t *vars)
{
	while (f > BDD_TRUE && b->marks[f] != b->walk) {
		b->marks[f] = b->walk;
		vars[b->nodes[f].var] = 1;
		support(b, b->nodes[f].no, vars);
		f = b->nodes[f].yes;
	}
}

void
bdd_support(struct bdd *b, bdd_node f, bdd_support_cb *cb, void *arg)
{
	uint8_t		*vars;
	uint32_t	 i, top;

	if (f <= BDD_TRUE || f == BDD_TOO_MUCH)
		return;
	top = b->nodes[f].var;
	vars = xcalloc((size_t)top + 1, 1);
	b->walk++;
	support(b, f, vars);
	for (i = 1; i <= top; i++) {
		if (vars[i])
			cb(arg, i);
	}
	free(vars);
}

/* What bdd_depends() looks for. */
struct wanted {
	uint32_t	 var;
	bool		 found;
};

static void
compare(void *arg, uint32_t var)
{
	struct wanted	*w = arg;

	w->found |= var == w->var;
}

bool
bdd_depends(struct bdd *b, bdd_node f, uint32_t var)
{
	struct wanted	 w = { var, false };

	bdd_support(b, f, compare, &w);
	return w.found;
}
