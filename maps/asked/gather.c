/*
 * gather.c - rows while they arrive.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "maps/asked/gather.h"

void
asked_gather_add(struct asked_gather *g, struct span value)
{
	if (g->over || g->n == ASKED_VALUES_MAX ||
	    value.n > ASKED_OCTETS_MAX - g->octets) {
		g->over = true;
		return;
	}
	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 16 : g->cap * 2;
		g->values = xreallocarray(g->values, g->cap,
		    sizeof(*g->values));
	}
	g->octets += value.n;
	g->values[g->n++] = value.p == NULL ? SPAN_NONE :
	    arena_span(&g->arena, value);
}

void
asked_gather_rows(const struct asked_gather *g, const char *const *names,
    size_t ncolumns, struct asked_rows *rows)
{
	*rows = (struct asked_rows){ .ncolumns = ncolumns, .names = names,
	    .values = g->values };
	rows->nrows = ncolumns == 0 ? 0 : g->n / ncolumns;
}

void
asked_gather_reset(struct asked_gather *g)
{
	arena_reset(&g->arena);
	g->n = g->octets = 0;
	g->over = false;
}

void
asked_gather_clear(struct asked_gather *g)
{
	arena_clear(&g->arena);
	free(g->values);
	*g = (struct asked_gather){ 0 };
}
