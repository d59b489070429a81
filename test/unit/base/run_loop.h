/*
 * run_loop.h - the loop in a unit test: until loop_stop(), but not for ever.
 */
#ifndef WB_TEST_RUN_LOOP_H
#define WB_TEST_RUN_LOOP_H

#include "base/loop.h"

static inline void
run_loop_over(void *arg)
{
	(void)arg;
	fail_msg("the loop has waited for 10 s");
}

static inline void
run_loop(void)
{
	struct timer	t = { 0 };

	timer_set(&t, 10000, run_loop_over, NULL);
	loop_run();
	timer_clear(&t);
}

#endif
