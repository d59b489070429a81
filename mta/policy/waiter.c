/*
 * waiter.c - who waits for an answer, told once when it is there.
 */
#include "mta/policy/policy_int.h"

void
waiter_add(struct waiter **list, struct waiter *w)
{
	waiter_stop(w);
	w->list = list;
	w->next = *list;
	*list = w;
}

void
waiter_stop(struct waiter *w)
{
	struct waiter	**at;

	if (w->list == NULL)
		return;
	for (at = w->list; *at != NULL; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	w->list = NULL;
}

void
waiters_tell(struct waiter **list)
{
	struct waiter	*w;
	bool		 last;

	while ((w = *list) != NULL) {
		last = w->next == NULL;
		*list = w->next;
		w->list = NULL;
		w->cb(w->arg);
		if (last)
			return;
	}
}

void
waiters_stop(struct waiter **list)
{
	while (*list != NULL)
		waiter_stop(*list);
}
