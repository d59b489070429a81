/*
 * pool.h - a few threads for what blocks (sync, rename, password hashes).
 *
 * work() runs on a thread and touches nothing but its argument; done() runs
 * on the loop.  Jobs start in order, and may end in another.
 */
#ifndef WB_BASE_POOL_H
#define WB_BASE_POOL_H

struct pool;

struct pool	*pool_new(unsigned threads);
void		 pool_run(struct pool *, void (*work)(void *), void (*done)(void *), void *arg);
/* Waits for all that runs, then frees; done() of the rest is not called. */
void		 pool_free(struct pool **);

#endif
