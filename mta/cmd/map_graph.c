/*
 * map_graph.c - entries that lead to other entries: loops, and what is
 * expanded too deep.
 *
 * An entry leads to those that the policy would expand its members with, in
 * whichever table.  The walk is depth first with a stack of its own, each
 * entry once: a chain may be as long as the table.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mail/address.h"

#include "mta/cmd/map_check.h"

#define DEPTH_MAX	32	/* of expansions, as routing has it */
#define NAMES_MAX	6	/* of a loop that are told */
#define SAMPLE		"waybill-map-check-nobody"	/* for `@domain` */

/* --- addresses of entries */

bool
checked_member(struct checking *c, struct span text, struct span domain,
    struct address *out)
{
	const unsigned	 flags = ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK;
	const char	*why;

	if (address_parse(text, flags, &c->scratch, out, &why) == -1)
		return false;
	if (out->at == out->whole.n && domain.n > 0)
		out->whole = arena_join(&c->scratch, out->whole, SPAN("@"),
		    domain);
	return true;
}

/* "u+*@d", "u++@d", "@d": something in the place of what may be anything. */
bool
checked_key_address(struct checking *c, uint32_t table, struct span key,
    struct address *out)
{
	ptrdiff_t	 at = span_index(key, '@');
	struct span	 local = at < 0 ? key : span_mem(key.p, (size_t)at);
	const char	*sample = SAMPLE;

	if (c->tables[table].kind == CHECKED_VIRTUSERS && at >= 0) {
		if (local.n > 1 && local.p[local.n - 1] ==
		    local.p[local.n - 2])
			local.n--;
		else if (local.n > 1 && local.p[local.n - 1] == '*')
			local.n--;
		else if (local.n > 0)
			sample = "";
		key = arena_printf(&c->scratch, "%s%.*s%s%.*s", local.n == 1 ?
		    SAMPLE : "", SPAN_ARG(local), sample,
		    SPAN_ARG(span_from(key, (size_t)at)));
	}
	return checked_member(c, key, c->tables[table].domain, out);
}

/* How near the key is tells what %1 is. */
bool
checked_list(struct checking *c, uint32_t table, const struct map_answer *a,
    const struct address *of, struct span *list)
{
	struct map_answer	 as_found = { .rank = MAP_EXACT }, fill = *a;
	struct map_refusal	 refusal;

	*list = a->value;
	if (c->tables[table].kind != CHECKED_VIRTUSERS)
		return true;
	if (map_get_address(c->tables[table].map, of->whole, of->at,
	    c->detail, &as_found) == MAP_FOUND)
		fill.rank = as_found.rank;
	return map_virtuser_fill(&fill, of->whole, of->at, c->detail,
	    &c->scratch, list, &refusal) == 0;
}

static bool
is_list(const struct checked_table *t)
{
	return !t->served && (t->kind == CHECKED_ALIASES ||
	    t->kind == CHECKED_VIRTUSERS);
}

/* A mailbox comes before a key for anybody. */
static bool
has_mailbox(struct checking *c, const struct address *a)
{
	const struct target	*t;
	struct routing		*r;
	size_t			 n;
	bool			 has;

	if (c->policy == NULL)
		return false;
	c->facts.rcpt = a->whole;
	c->facts.rcpt_at = a->at;
	r = policy_route_dry(c->policy, &c->facts, NULL, NULL, NULL);
	t = routing_targets(r, &n);
	has = n == 1 && t[0].kind == TARGET_DELIVER &&
	    span_ieq(t[0].address, a->whole);
	routing_free(&r);
	return has;
}

/*
 * Without a policy nobody knows which domains are ours: of ann@far.example,
 * a member, the alias `ann` says nothing.
 */
static bool
is_elsewhere(const struct checked_table *t, const struct address *a,
    const struct map_answer *ans)
{
	return t->kind == CHECKED_ALIASES && a->at < a->whole.n &&
	    span_index(ans->key, '@') < 0;
}

uint32_t
checked_entry(struct checking *c, uint32_t from, const struct address *a,
    struct map_answer *best)
{
	const struct checked_domain	*d;
	struct map_answer		 ans;
	uint32_t			 i, found = UINT32_MAX;

	d = checked_domain(c, address_domain(a));
	for (i = 0; i < c->n; i++) {
		if (!is_list(&c->tables[i]) || !(d->asks[i] || (i == from &&
		    c->policy == NULL)))
			continue;
		ans = (struct map_answer){ .rank = MAP_EXACT };
		if (map_get_address(c->tables[i].map, a->whole, a->at,
		    c->detail, &ans) != MAP_FOUND)
			continue;
		if (c->policy == NULL && is_elsewhere(&c->tables[i], a, &ans))
			continue;
		if (found != UINT32_MAX && best->rank <= ans.rank)
			continue;
		found = i;
		*best = ans;
	}
	if (found != UINT32_MAX && best->rank >= MAP_PATTERN &&
	    has_mailbox(c, a))
		return UINT32_MAX;
	return found;
}

/* --- the entries, by table and key */

struct node {
	struct span	 key, value;
	uint32_t	 table, line;
	uint8_t		 depth;		/* of what it leads to */
	uint8_t		 state;
};
enum { NEW, OPEN, CLOSED };

/* An entry whose members are being walked. */
struct step {
	uint32_t	 node;
	size_t		 first, next;	/* in edges */
};

struct graph {
	struct checking	*c;
	struct node	*v;
	uint32_t	 n, cap;
	uint32_t	*slots;		/* node + 1; 0: free */
	size_t		 nslots;	/* a power of two */
	uint32_t	 table;		/* that is being walked over */
	uint32_t	*edges;
	size_t		 nedges, cap_edges;
	struct step	*stack;
	size_t		 depth, cap_stack;
};

static void
add_node(void *arg, const struct map_answer *a)
{
	struct graph	*g = arg;

	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 1024 : 2 * g->cap;
		g->v = xreallocarray(g->v, g->cap, sizeof(*g->v));
	}
	g->v[g->n++] = (struct node){ .key = a->key, .value = a->value,
	    .table = g->table, .line = a->line };
}

static size_t
slot_of(const struct graph *g, uint32_t table, struct span key)
{
	char	 folded[1024];
	size_t	 i, n = key.n < sizeof(folded) ? key.n : sizeof(folded);

	for (i = 0; i < n; i++)
		folded[i] = ascii_lower(key.p[i]);
	i = (size_t)(hash_fixed(span_mem(folded, n)) + table) &
	    (g->nslots - 1);
	while (g->slots[i] != 0 && (g->v[g->slots[i] - 1].table != table ||
	    !span_ieq(g->v[g->slots[i] - 1].key, key)))
		i = (i + 1) & (g->nslots - 1);
	return i;
}

static void
index_nodes(struct graph *g)
{
	uint32_t	 i;

	for (g->nslots = 16; g->nslots < 2 * (size_t)g->n; g->nslots *= 2)
		;
	g->slots = xcalloc(g->nslots, sizeof(*g->slots));
	for (i = 0; i < g->n; i++)
		g->slots[slot_of(g, g->v[i].table, g->v[i].key)] = i + 1;
}

/* --- where an entry leads */

static void
add_edge(struct graph *g, const struct address *a, const struct address *from,
    uint32_t table)
{
	struct map_answer	 ans;
	uint32_t		 t, to;

	if (span_ieq(a->whole, from->whole))
		return;		/* a name among its own members is delivered */
	if ((t = checked_entry(g->c, table, a, &ans)) == UINT32_MAX)
		return;
	if ((to = g->slots[slot_of(g, t, ans.key)]) == 0)
		return;
	if (g->nedges == g->cap_edges) {
		g->cap_edges = g->cap_edges == 0 ? 64 : 2 * g->cap_edges;
		g->edges = xreallocarray(g->edges, g->cap_edges,
		    sizeof(*g->edges));
	}
	g->edges[g->nedges++] = to - 1;
}

struct edges {
	struct graph	*g;
	uint32_t	 table;
	struct address	 from;
};

static void
on_member(void *arg, const struct alias_member *m)
{
	struct edges	*e = arg;
	struct address	 a;

	/* `\user` is asked in no table. */
	if (m->kind == ALIAS_ADDRESS && checked_member(e->g->c, m->text,
	    address_domain(&e->from), &a))
		add_edge(e->g, &a, &e->from, e->table);
}

static void
edges_of(struct graph *g, uint32_t node)
{
	const struct node	*n = &g->v[node];
	struct edges		 e = { .g = g, .table = n->table };
	struct map_answer	 a = { .key = n->key, .value = n->value };
	struct span		 list;
	const char		*why;

	arena_reset(&g->c->scratch);
	if (checked_key_address(g->c, n->table, n->key, &e.from) &&
	    checked_list(g->c, n->table, &a, &e.from, &list))
		(void)map_alias_members(g->c->tables[n->table].map, list,
		    on_member, &e, &why);
}

/* --- the walk */

static void
enter(struct graph *g, uint32_t node)
{
	struct step	*s;

	if (g->depth == g->cap_stack) {
		g->cap_stack = g->cap_stack == 0 ? 64 : 2 * g->cap_stack;
		g->stack = xreallocarray(g->stack, g->cap_stack,
		    sizeof(*g->stack));
	}
	s = &g->stack[g->depth++];
	*s = (struct step){ .node = node, .first = g->nedges,
	    .next = g->nedges };
	g->v[node].state = OPEN;
	edges_of(g, node);
}

/* The words for an entry, in its table. */
static struct span
place(struct graph *g, const struct node *n)
{
	return arena_printf(&g->c->scratch, "%.*s (%s:%u)", SPAN_ARG(n->key),
	    g->c->tables[n->table].name, n->line);
}

static void
tell_loop(struct graph *g, uint32_t node)
{
	const struct node		*n = &g->v[node];
	const struct checked_table	*t = &g->c->tables[n->table];
	struct buf			 way = { 0 };
	size_t				 i, told = 0;
	uint32_t			 line = n->line, column;

	for (i = g->depth; i > 0 && g->stack[i - 1].node != node; i--)
		;
	for (i--; i < g->depth; i++, told++)
		if (told < NAMES_MAX)
			buf_addf(&way, "%.*s -> ", SPAN_ARG(place(g,
			    &g->v[g->stack[i].node])));
	if (told > NAMES_MAX)
		buf_addf(&way, "%zu more -> ", told - NAMES_MAX);
	findings_place(g->c->found, t->path, n->key, &line, &column);
	findings_add(g->c->found, FINDING_ERROR, t->path, line, column,
	    "a loop, and mail for it is refused (554 5.4.6): %s%.*s",
	    buf_cstr(&way), SPAN_ARG(n->key));
	buf_clear(&way);
}

static void
tell_deep(struct graph *g, uint32_t node)
{
	const struct node		*n = &g->v[node];
	const struct checked_table	*t = &g->c->tables[n->table];
	uint32_t			 line = n->line, column;

	findings_place(g->c->found, t->path, n->key, &line, &column);
	findings_add(g->c->found, FINDING_ERROR, t->path, line, column,
	    "'%.*s' is expanded more than %d deep, and mail for it is "
	    "refused (554 5.4.6)", SPAN_ARG(n->key), DEPTH_MAX);
}

static bool
is_wanted(const struct graph *g, uint32_t node)
{
	return g->c->tables[g->v[node].table].wanted;
}

/* All that it leads to has been walked. */
static void
leave(struct graph *g)
{
	struct step	*s = &g->stack[g->depth - 1];
	struct node	*n = &g->v[s->node];
	size_t		 i;

	for (i = s->first; i < g->nedges; i++)
		if (g->v[g->edges[i]].depth > n->depth)
			n->depth = g->v[g->edges[i]].depth;
	/* What leads to one that is too deep is not told again. */
	if (n->depth == DEPTH_MAX && is_wanted(g, s->node) &&
	    findings_want(g->c->found, FINDING_ERROR))
		tell_deep(g, s->node);
	if (n->depth <= DEPTH_MAX)
		n->depth++;
	n->state = CLOSED;
	g->nedges = s->first;
	g->depth--;
}

static void
walk(struct graph *g, uint32_t root)
{
	struct step	*s;
	uint32_t	 to;

	enter(g, root);
	while (g->depth > 0) {
		s = &g->stack[g->depth - 1];
		if (s->next == g->nedges) {
			leave(g);
			continue;
		}
		to = g->edges[s->next++];
		if (g->v[to].state == NEW)
			enter(g, to);
		else if (g->v[to].state == OPEN && is_wanted(g, to) &&
		    findings_want(g->c->found, FINDING_ERROR))
			tell_loop(g, to);
	}
}

void
check_graph(struct checking *c)
{
	struct graph	 g = { .c = c };
	uint32_t	 i;

	for (i = 0; i < c->n; i++) {
		g.table = i;
		if (is_list(&c->tables[i]))
			(void)map_walk(c->tables[i].map, add_node, &g);
	}
	index_nodes(&g);
	for (i = 0; i < g.n; i++)
		if (g.v[i].state == NEW)
			walk(&g, i);
	free(g.v);
	free(g.slots);
	free(g.edges);
	free(g.stack);
}
