/*
 * state.c - counting, and the log of it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/limits/state_int.h"

#define WRITE_MS	1000	/* what is pending is written */
#define SYNC_MS		3000	/* and synced: at most WRITE_MS later */
#define LOG_MIN		(1u << 20)	/* octets before a snapshot is worth it */
#define PENDING_MAX	(4u << 20)	/* octets; written at once */

static void	tick(void *);

int64_t
state_wall(void)
{
	return clock_wall_ms() - clock_boot_ms();
}

static void
set_timer(struct state *s)
{
	if (timer_pending(&s->timer))
		return;
	if (s->unsynced || s->pending.n > 0)
		timer_set(&s->timer, WRITE_MS, tick, s);
	else if (s->fd == -1)
		timer_set(&s->timer, STATE_RETRY_MS, tick, s);
}

void
state_failed(struct state *s, const char *what)
{
	log_warn("counters file=%s kept=no", what);
	s->failed++;
	s->retry_ms = clock_boot_ms() + STATE_RETRY_MS;
	set_timer(s);
}

/* --- the log */

static void
close_block(struct state *s)
{
	if (s->open_block)
		store_end(&s->pending, s->began);
	s->open_block = false;
}

/* What a log has missed a snapshot will have. */
static void
give_up_log(struct state *s)
{
	int	error = errno;

	close(s->fd);
	s->fd = -1;
	s->unsynced = false;
	errno = error;
	state_failed(s, "log");
}

void
state_write(struct state *s)
{
	struct span	out;

	close_block(s);
	out = buf_span(&s->pending);
	if (out.n > 0 && s->fd != -1) {
		s->octets += out.n;
		s->unsynced = true;
		if (file_write_all(s->fd, out.p, out.n) == -1)
			give_up_log(s);
	}
	buf_clear(&s->pending);
}

static void
sync_work(void *arg)
{
	struct state	*s = arg;

	s->sync_error = fdatasync(s->sync_fd) == -1 ? errno : 0;
}

static void
sync_done(void *arg)
{
	struct state	*s = arg;

	if ((errno = s->sync_error) != 0)
		log_warn("counters log is not synced");
	s->syncing = false;
	close(s->sync_fd);
	s->sync_fd = -1;
}

/* By a descriptor of the thread's own: the log may change meanwhile. */
static void
sync_log(struct state *s)
{
	if (!s->unsynced || s->syncing || s->fd == -1 ||
	    loop_now_ms() - s->synced_ms < SYNC_MS)
		return;
	if ((s->sync_fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return;		/* the next tick tries again */
	s->unsynced = false;
	s->syncing = true;
	s->synced_ms = loop_now_ms();
	pool_run(s->pool, sync_work, sync_done, s);
}

static bool
snapshot_is_due(const struct state *s)
{
	return s->snapshot.phase == SNAPSHOT_NONE &&
	    loop_now_ms() >= s->retry_ms &&
	    (s->fd == -1 || s->octets > s->snapshot_octets + LOG_MIN);
}

static void
tick(void *arg)
{
	struct state	*s = arg;

	state_write(s);
	sync_log(s);
	if (snapshot_is_due(s))
		snapshot_begin(s);
	set_timer(s);
}

static void
note(struct state *s, const struct counters_change *change)
{
	if (change->what == CHANGED_NOTHING || s->fd == -1)
		return;
	if (s->open_block && !store_room(&s->pending, s->began))
		close_block(s);
	if (!s->open_block) {
		s->began = store_begin(&s->pending);
		s->open_block = true;
	}
	store_put_change(&s->pending, change, state_wall());
	if (s->pending.n > PENDING_MAX)
		state_write(s);
	set_timer(s);
}

/* --- counting */

bool
state_rate(struct state *s, const struct rate_ask *q)
{
	struct counters_change	change;
	bool			over;

	over = counters_rate(&s->counters, q, loop_now_ms(), &change);
	note(s, &change);
	return over;
}

bool
state_greylisted(struct state *s, struct span key, int64_t wait_ms, bool peek)
{
	struct counters_change	change;
	bool			holds;

	holds = counters_greylisted(&s->counters, key, wait_ms, peek,
	    loop_now_ms(), &change);
	note(s, &change);
	return holds;
}

/* --- its life */

struct state *
state_open(int folder)
{
	struct state	*s = xcalloc(1, sizeof(*s));

	counters_init(&s->counters);
	s->folder = folder;
	s->fd = s->sync_fd = -1;
	s->snapshot.fd = s->snapshot.old_log = -1;
	s->lock = folder_lock(folder);
	s->pool = pool_new(1);
	folder_read(s);
	log_info("counters rates=%zu greylist=%zu",
	    aged_count(&s->counters.rates.keys),
	    greylist_count(&s->counters.greylist));
	snapshot_begin(s);
	return s;
}

void
state_close(struct state **sp)
{
	struct state	*s = *sp;

	*sp = NULL;
	pool_free(&s->pool);
	state_write(s);
	if (s->fd != -1) {
		if (fdatasync(s->fd) == -1)
			log_warn("counters log is not synced");
		close(s->fd);
	}
	if (s->sync_fd != -1)
		close(s->sync_fd);
	snapshot_clear(s);
	timer_clear(&s->timer);
	free(s->logs);
	counters_clear(&s->counters);
	close(s->lock);
	close(s->folder);
	free(s);
}

void
state_stats(const struct state *s, struct buf *out)
{
	buf_addf(out, "\"rates\":%zu,\"greylist\":%zu,\"evicted\":%" PRIu64
	    ",\"snapshots\":%" PRIu64 ",\"not_written\":%" PRIu64,
	    aged_count(&s->counters.rates.keys),
	    greylist_count(&s->counters.greylist),
	    s->counters.rates.evicted + s->counters.greylist.evicted,
	    s->snapshots, s->failed);
}
