/*
 * loop.h - the event loop of a process (libevent: loop and timers only).
 *
 * Callbacks run to their end; what waits is data.  After the callbacks of one
 * turn the end-of-turn hooks run (messages and logs leave there, batched).
 * The loop keeps a histogram of its lag: microseconds that one turn's
 * callbacks took, in powers of two.
 */
#ifndef WB_BASE_LOOP_H
#define WB_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event;
#define LOOP_LAG_BUCKETS	24	/* bucket i: turns of 2^i .. 2^(i+1) us */

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* A watched descriptor; lies in its owner's struct, zeroed before first use. */
struct watch {
	struct event	*ev;
	int		 fd;
	short		 what;
	void		(*cb)(void *arg, int what);
	void		*arg;
	const char	*name;		/* of cb: the test build names slow ones */
};

/* A timer; one shot.  Zeroed before first use. */
struct timer {
	struct event	*ev;
	void		(*cb)(void *arg);
	void		*arg;
	const char	*name;
};

struct turn_hook {
	struct turn_hook	*next;
	void			(*cb)(void *arg);
	void			*arg;
};

void	loop_init(void);
/* Frees it; watches and timers were cleared before.  Hooks stay for the next. */
void	loop_clear(void);
/* Until loop_stop(), or until nothing is left to wait for. */
void	loop_run(void);
void	loop_stop(void);
/* CLOCK_BOOTTIME in ms as of the start of this turn. */
int64_t	loop_now_ms(void);

/*
 * (Re)sets what is watched; what == 0 only takes it off the loop.  Setting
 * what is set already costs no system call.  Clear before closing fd.
 */
#define watch_set(w, fd, what, cb, arg) \
	watch_set_named((w), (fd), (what), (cb), (arg), #cb)
void	watch_set_named(struct watch *, int fd, int what,
	    void (*)(void *, int), void *, const char *name);
/* Off the loop, memory freed; the descriptor stays open. */
void	watch_clear(struct watch *);
/* In ms from now (the start of this turn); sets it anew when it runs. */
#define timer_set(t, ms, cb, arg) \
	timer_set_named((t), (ms), (cb), (arg), #cb)
void	timer_set_named(struct timer *, int64_t ms, void (*)(void *), void *,
	    const char *name);
void	timer_stop(struct timer *);
void	timer_clear(struct timer *);
bool	timer_pending(const struct timer *);

/* Runs at the end of each turn, in the order of adding; never removed. */
void	loop_at_turn_end(struct turn_hook *, void (*)(void *), void *);
/* After all of those: for what carries their output out (channels). */
void	loop_at_turn_close(struct turn_hook *, void (*)(void *), void *);
/* Once, in the next turn, which does not wait for anything else. */
void	loop_soon(void (*)(void *), void *);

/* Signals as callbacks (SIGTERM, SIGHUP, SIGCHLD). */
void	loop_signal(int sig, void (*)(void *), void *);

const uint64_t	*loop_lag(void);	/* LOOP_LAG_BUCKETS counters */

#endif
