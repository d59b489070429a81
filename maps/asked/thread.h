/*
 * thread.h - a thread for a connection whose library blocks.
 *
 * One piece of work at a time.  Who has no more use for it leaves it: that
 * never waits, whatever the thread is doing; the thread then ends what hangs
 * on it by itself, when its work has come back.
 */
#ifndef WB_MAPS_ASKED_THREAD_H
#define WB_MAPS_ASKED_THREAD_H

struct asked_thread;

/*
 * end(arg) frees arg; it is called on the thread, after asked_thread_leave().
 * NULL: no thread can be had.
 */
struct asked_thread	*asked_thread_new(void (*end)(void *), void *arg);
/* work(arg) on the thread, then done(owner) on the loop, unless it was left. */
void			 asked_thread_run(struct asked_thread *, void (*work)(void *), void (*done)(void *), void *owner);
void			 asked_thread_leave(struct asked_thread **);

#endif
