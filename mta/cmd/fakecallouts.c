/*
 * fakecallouts.c - callouts that say what a test or the command line has given.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/cmd/play.h"

void
fakecallouts_add(struct fakecallouts *k, struct span address,
    enum callout_answer answer)
{
	k->v = xreallocarray(k->v, k->n + 1, sizeof(*k->v));
	k->v[k->n++] = (struct fakecallout){ arena_span(&k->arena, address),
	    answer };
}

int
fakecallouts_add_text(struct fakecallouts *k, const char *text)
{
	static const struct {
		const char		*word;
		enum callout_answer	 answer;
	} words[] = {
		{ "yes", CALLOUT_YES }, { "no", CALLOUT_NO },
		{ "failing", CALLOUT_CANNOT }
	};
	const char	*eq = strrchr(text, '=');
	size_t		 i;

	for (i = 0; eq != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(eq + 1, words[i].word) != 0)
			continue;
		fakecallouts_add(k, span_mem(text, (size_t)(eq - text)),
		    words[i].answer);
		return 0;
	}
	return -1;
}

void
fakecallouts_clear(struct fakecallouts *k)
{
	free(k->v);
	arena_clear(&k->arena);
	memset(k, 0, sizeof(*k));
}

static uint64_t
ask(void *ctx, struct span hop, struct span address, callout_cb *cb,
    void *arg)
{
	struct fakecallouts	*k = ctx;
	size_t			 i;

	(void)hop;	/* whoever is asked says the same */
	for (i = 0; i < k->n; i++)
		if (span_ieq(k->v[i].address, address)) {
			cb(arg, k->v[i].answer);
			return 0;
		}
	if (k->unsaid.n == 0)
		k->unsaid = arena_span(&k->arena, address);
	cb(arg, CALLOUT_CANNOT);
	return 0;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;	/* all is answered at once */
	(void)ticket;
}

struct policy_callouts
fakecallouts_policy(struct fakecallouts *k)
{
	return (struct policy_callouts){ ask, cancel, k };
}
