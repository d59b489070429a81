/*
 * hooks.h - the questions that hooks.c puts to a policy.
 */
#ifndef WB_TEST_BENCH_HOOKS_H
#define WB_TEST_BENCH_HOOKS_H

#include "base/arena.h"

#include "mta/policy/policy.h"

struct question {
	unsigned		 hook;		/* enum rs_hook */
	struct policy_facts	 facts;
};

struct questions {
	struct arena	 arena;		/* in which all texts lie */
	struct question	*v;
	size_t		 n;
};

/*
 * Reads the file: a line `ask HOOK WORD=VALUE ...` is a question, a line
 * `map NAME KEY VALUE` one more line of the policy's table NAME (of a record
 * `column=value` for each, with blanks between).  HOOK is its name without
 * "on", with "-" for blanks.  Exits with a message when it cannot.
 */
void	questions_read(struct questions *, const char *path, struct policy *);
void	questions_clear(struct questions *);

#endif
