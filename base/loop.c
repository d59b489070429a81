/*
 * loop.c - one turn: what is ready, what was wanted soon, hooks, output, log.
 *
 * libevent's change list is not used: it takes a descriptor off epoll only at
 * the next wait, when its owner has closed it already, and a listener that the
 * parent still holds would then stay in epoll for ever.
 */
#include "config.h"

#include <event2/event.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#define SLOW_US		20000	/* longer: named by the test build */

struct soon {
	struct soon	*next;
	void		(*cb)(void *);
	void		*arg;
};

struct signal_cb {
	struct signal_cb	*next;
	struct event		*ev;
	void			(*cb)(void *);
	void			*arg;
};

static struct {
	struct event_base	*base;
	bool			 stop;
	bool			 began;		/* a callback has run */
	int64_t			 began_us;
	struct soon		*soon, **soon_end;
	struct signal_cb	*signals;
	struct turn_hook	*hooks, *closers;
	uint64_t		 lag[LOOP_LAG_BUCKETS];
} lp;

void
loop_init(void)
{
	struct event_config	*cfg;

	loop_clear();
	if ((cfg = event_config_new()) == NULL)
		fatalx("event_config_new");
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_IGNORE_ENV);
	if ((lp.base = event_base_new_with_config(cfg)) == NULL)
		fatalx("event_base_new");
	event_config_free(cfg);
	lp.soon_end = &lp.soon;
	log_gather(true);
}

static void
forget_soon(void)
{
	struct soon	*s;

	while ((s = lp.soon) != NULL) {
		lp.soon = s->next;
		free(s);
	}
}

void
loop_clear(void)
{
	struct signal_cb	*s;

	if (lp.base == NULL)
		return;
	forget_soon();
	while ((s = lp.signals) != NULL) {
		lp.signals = s->next;
		event_free(s->ev);
		free(s);
	}
	event_base_free(lp.base);
	lp.base = NULL;
	log_gather(false);
}

/* The first callback of a turn stamps its start. */
static void
turn_begins(void)
{
	if (lp.began)
		return;
	lp.began = true;
	lp.began_us = clock_boot_us();
}

static void
turn_ends(void)
{
	int64_t		us = clock_boot_us() - lp.began_us;
	unsigned	i = 0;

	while (i + 1 < LOOP_LAG_BUCKETS && us > 1) {
		us >>= 1;
		i++;
	}
	lp.lag[i]++;
	lp.began = false;
}

#ifdef WAYBILL_TEST_HOOKS
static int64_t
stamp(void)
{
	return clock_boot_us();
}

/*
 * Of level info, as it is about our code alone: a server's log has it, the
 * terminal of who gives a command (its children write warnings) has not.
 */
static void
name_slow(const char *name, int64_t since)
{
	int64_t	us = clock_boot_us() - since;

	if (us > SLOW_US)
		log_info("slow callback=%s ms=%lld", name,
		    (long long)us / 1000);
}
#else
static int64_t
stamp(void)
{
	return 0;
}

static void
name_slow(const char *name, int64_t since)
{
	(void)name;
	(void)since;
}
#endif

static void
run_hooks(struct turn_hook *h)
{
	for (; h != NULL; h = h->next)
		h->cb(h->arg);
}

static void
run_soon(void)
{
	struct soon	*s, *next, *list = lp.soon;

	lp.soon = NULL;
	lp.soon_end = &lp.soon;
	for (s = list; s != NULL; s = next) {
		next = s->next;
		turn_begins();
		s->cb(s->arg);
		free(s);
	}
}

static void
end_turn(void)
{
	run_hooks(lp.hooks);
	run_hooks(lp.closers);
	if (lp.began)
		turn_ends();
	log_flush();
}

void
loop_run(void)
{
	bool	hurry;
	int	rc;

	lp.stop = false;
	end_turn();		/* what was written before the loop leaves */
	while (!lp.stop) {
		hurry = lp.soon != NULL;
		rc = event_base_loop(lp.base,
		    EVLOOP_ONCE | (hurry ? EVLOOP_NONBLOCK : 0));
		if (rc == -1)
			fatalx("event_base_loop");
		run_soon();
		end_turn();
		if (rc == 1 && !hurry && lp.soon == NULL)
			break;		/* nothing to wait for */
	}
}

void
loop_stop(void)
{
	lp.stop = true;
}

int64_t
loop_now_ms(void)
{
	return lp.began ? lp.began_us / 1000 : clock_boot_ms();
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct watch	*w = arg;
	const char	*name = w->name;
	int64_t		 since = stamp();

	(void)fd;
	turn_begins();
	w->cb(w->arg, (what & EV_READ ? LOOP_READ : 0) |
	    (what & EV_WRITE ? LOOP_WRITE : 0));
	name_slow(name, since);		/* w may have gone */
}

void
watch_set_named(struct watch *w, int fd, int what, void (*cb)(void *, int),
    void *arg, const char *name)
{
	short	flags = EV_PERSIST;

	w->cb = cb;
	w->arg = arg;
	w->name = name;
	if (w->ev != NULL && w->fd == fd && w->what == what)
		return;
	if (w->ev == NULL)
		w->ev = xcalloc(1, event_get_struct_event_size());
	else if (w->what != 0)
		(void)event_del(w->ev);
	w->fd = fd;
	w->what = (short)what;
	if (what == 0)
		return;
	flags |= what & LOOP_READ ? EV_READ : 0;
	flags |= what & LOOP_WRITE ? EV_WRITE : 0;
	if (event_assign(w->ev, lp.base, fd, flags, on_watch, w) == -1 ||
	    event_add(w->ev, NULL) == -1)
		fatalx("event_add");
}

void
watch_clear(struct watch *w)
{
	if (w->ev == NULL)
		return;
	if (w->what != 0)
		(void)event_del(w->ev);
	free(w->ev);
	*w = (struct watch){ 0 };
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct timer	*t = arg;
	const char	*name = t->name;
	int64_t		 since = stamp();

	(void)fd;
	(void)what;
	turn_begins();
	t->cb(t->arg);
	name_slow(name, since);
}

void
timer_set_named(struct timer *t, int64_t ms, void (*cb)(void *), void *arg,
    const char *name)
{
	struct timeval	tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	t->cb = cb;
	t->arg = arg;
	t->name = name;
	if (t->ev == NULL)
		t->ev = evtimer_new(lp.base, on_timer, t);
	if (t->ev == NULL)
		fatalx("evtimer_new");
	if (evtimer_add(t->ev, &tv) == -1)
		fatalx("evtimer_add");
}

void
timer_stop(struct timer *t)
{
	if (t->ev != NULL)
		(void)evtimer_del(t->ev);
}

void
timer_clear(struct timer *t)
{
	if (t->ev == NULL)
		return;
	event_free(t->ev);
	*t = (struct timer){ 0 };
}

bool
timer_pending(const struct timer *t)
{
	return t->ev != NULL && evtimer_pending(t->ev, NULL);
}

static void
append(struct turn_hook **list, struct turn_hook *h, void (*cb)(void *),
    void *arg)
{
	while (*list != NULL)
		list = &(*list)->next;
	*h = (struct turn_hook){ .cb = cb, .arg = arg };
	*list = h;
}

void
loop_at_turn_end(struct turn_hook *h, void (*cb)(void *), void *arg)
{
	append(&lp.hooks, h, cb, arg);
}

void
loop_at_turn_close(struct turn_hook *h, void (*cb)(void *), void *arg)
{
	append(&lp.closers, h, cb, arg);
}

void
loop_soon(void (*cb)(void *), void *arg)
{
	struct soon	*s = xmalloc(sizeof(*s));

	*s = (struct soon){ .cb = cb, .arg = arg };
	*lp.soon_end = s;
	lp.soon_end = &s->next;
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct signal_cb	*s = arg;

	(void)sig;
	(void)what;
	turn_begins();
	s->cb(s->arg);
}

/* Kept until loop_clear(). */
void
loop_signal(int sig, void (*cb)(void *), void *arg)
{
	struct signal_cb	*s = xmalloc(sizeof(*s));

	*s = (struct signal_cb){ .next = lp.signals, .cb = cb, .arg = arg };
	if ((s->ev = evsignal_new(lp.base, sig, on_signal, s)) == NULL ||
	    evsignal_add(s->ev, NULL) == -1)
		fatalx("evsignal_add");
	lp.signals = s;
}

const uint64_t *
loop_lag(void)
{
	return lp.lag;
}
