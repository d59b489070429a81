/*
 * index_sort.c - the oldest first, once, when the spool has been read: log and
 * segments tell of messages in another order.
 */
#include "mta/queue/index.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

/* The id beside it: messages lie all over the memory. */
struct entry {
	uint64_t	 qid;
	struct message	*m;
};

static int
compare(const void *a, const void *b)
{
	const struct entry	*x = a, *y = b;

	return x->qid < y->qid ? -1 : x->qid > y->qid;
}

static bool
is_sorted(const struct index *ix)
{
	const struct message	*m;

	for (m = ix->first; m != NULL && m->next != NULL; m = m->next)
		if (m->qid > m->next->qid)
			return false;
	return true;
}

static void
chain(struct index *ix, const struct entry *all)
{
	size_t	i;

	for (i = 0; i < ix->n; i++) {
		all[i].m->prev = i == 0 ? NULL : all[i - 1].m;
		all[i].m->next = i + 1 == ix->n ? NULL : all[i + 1].m;
	}
	ix->first = all[0].m;
	ix->last = all[ix->n - 1].m;
}

void
index_sort(struct index *ix)
{
	struct entry	*all;
	struct message	*m;
	size_t		 n = 0;

	assert(ix->walks == NULL);
	if (is_sorted(ix))
		return;
	all = xreallocarray(NULL, ix->n, sizeof(*all));
	for (m = ix->first; m != NULL; m = m->next)
		all[n++] = (struct entry){ m->qid, m };
	assert(n == ix->n);
	qsort(all, n, sizeof(*all), compare);
	chain(ix, all);
	free(all);
}
