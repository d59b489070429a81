/*
 * groups.c - counts by hop, domain, ...; groups.h.
 */
#include "mta/queue/groups.h"

#include "base/xalloc.h"
#include "mta/queue/reasons.h"

#include <stdio.h>
#include <stdlib.h>

struct group {
	uint64_t	messages, targets;
	uint64_t	last;		/* message that was counted last */
	char		*name;
	size_t		 n;
};

struct groups {
	struct span	(*of)(const struct selection *, const struct dest *);
	struct htab	 by_name;
	struct group	*v[GROUPS_MAX];
	size_t		 n;
	uint64_t	 others;	/* targets of no group */
};

/* --- by what; the text lives until the next call */

static struct span
by_hop(const struct selection *s, const struct dest *d)
{
	(void)s;
	return d->hop == NULL ? SPAN("-") :
	    span_mem(d->hop->text, d->hop->text_n);
}

static struct span
by_domain(const struct selection *s, const struct dest *d)
{
	struct span	domain = selection_domain(dest_address(d, &s->e));

	return domain.n == 0 ? SPAN("-") : domain;
}

static struct span
by_sender(const struct selection *s, const struct dest *d)
{
	(void)d;
	return s->e.sender.n == 0 ? SPAN("<>") : s->e.sender;
}

static struct span
by_state(const struct selection *s, const struct dest *d)
{
	return span_of(selection_state(s->m, d));
}

static struct span
by_why(const struct selection *s, const struct dest *d)
{
	return span_of(reason_word(reason_of_dest(s->q, s->m, d)));
}

static struct span
by_code(const struct selection *s, const struct dest *d)
{
	static char	text[32];
	struct answer	an;

	(void)s;
	if (!dest_answer(d, &an))
		return SPAN("-");
	(void)snprintf(text, sizeof(text), "%u %.*s", (unsigned)an.code,
	    SPAN_ARG(an.status));
	return span_of(text);
}

static const struct {
	const char	*word;
	struct span	(*of)(const struct selection *, const struct dest *);
} kinds[] = {
	{ "hop", by_hop }, { "domain", by_domain }, { "sender", by_sender },
	{ "state", by_state }, { "why", by_why }, { "code", by_code },
};

const char *
groups_new(struct span by, struct groups **gp)
{
	size_t	i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_eq(by, span_of(kinds[i].word))) {
			*gp = xcalloc(1, sizeof(**gp));
			(*gp)->of = kinds[i].of;
			return NULL;
		}
	return "by what?  hop, domain, sender, state, why or code";
}

void
groups_free(struct groups **gp)
{
	struct groups	*g = *gp;

	*gp = NULL;
	if (g == NULL)
		return;
	while (g->n > 0) {
		free(g->v[--g->n]->name);
		free(g->v[g->n]);
	}
	htab_clear(&g->by_name);
	free(g);
}

static struct group *
group_of(struct groups *g, struct span name)
{
	struct group	*p = htab_get(&g->by_name, name);

	if (p != NULL || g->n == GROUPS_MAX)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->name = xstrndup(name.p, name.n);
	p->n = name.n;
	htab_put(&g->by_name, name, p);
	g->v[g->n++] = p;
	return p;
}

void
groups_add(struct groups *g, const struct selection *s, const struct dest *d)
{
	struct group	*p = group_of(g, g->of(s, d));

	if (p == NULL) {
		g->others++;
		return;
	}
	p->targets++;
	p->messages += p->last != s->m->qid;
	p->last = s->m->qid;
}

static int
larger(const void *a, const void *b)
{
	const struct group	*x = *(struct group *const *)a;
	const struct group	*y = *(struct group *const *)b;

	if (x->messages != y->messages)
		return x->messages > y->messages ? -1 : 1;
	return span_cmp(span_mem(x->name, x->n), span_mem(y->name, y->n));
}

void
groups_put(struct groups *g, struct json *j, uint64_t limit)
{
	size_t	i;

	qsort(g->v, g->n, sizeof(g->v[0]), larger);
	json_array(j, "groups");
	for (i = 0; i < g->n; i++) {
		if (limit > 0 && i >= limit) {
			g->others += g->v[i]->targets;
			continue;
		}
		json_object(j, NULL);
		json_text(j, "name", span_mem(g->v[i]->name, g->v[i]->n));
		json_uint(j, "messages", g->v[i]->messages);
		json_uint(j, "recipients", g->v[i]->targets);
		json_object_end(j);
	}
	json_array_end(j);
	json_uint(j, "others", g->others);
}
