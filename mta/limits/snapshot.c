/*
 * snapshot.c - all counters into one file, while counting goes on.
 *
 * A new log begins first, so that snapshot and log together have everything;
 * what is in both is known by its number (store.h).  A slice is formatted on
 * the loop and written on the thread, one after the other.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"

#include "mta/limits/state_int.h"

static void	next_slice(struct state *);

/* --- the new log */

static int
open_new(struct state *s, const char *name)
{
	return openat(s->folder, name, O_WRONLY | O_CREAT | O_TRUNC |
	    O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void
put_head(struct state *s, struct buf *out)
{
	size_t	at = store_begin(out);

	store_put_head(out, s->number, s->counters.seq, clock_wall_ms());
	store_end(out, at);
}

/* The old one is synced first of all; without a new one nothing is kept. */
static void
begin_log(struct state *s)
{
	char	name[32];

	state_write(s);
	s->snapshot.old_log = s->fd;
	s->number++;
	folder_log_name(s->number, name);
	if ((s->fd = open_new(s, name)) == -1) {
		state_failed(s, name);
		return;
	}
	folder_add_log(s, s->number);
	s->unsynced = false;
	s->octets = 0;
	put_head(s, &s->pending);
	state_write(s);
}

/* --- the snapshot */

void
snapshot_clear(struct state *s)
{
	struct snapshot	*sn = &s->snapshot;

	if (sn->fd != -1)
		close(sn->fd);
	if (sn->old_log != -1)
		close(sn->old_log);
	buf_clear(&sn->slice);
	*sn = (struct snapshot){ .fd = -1, .old_log = -1 };
}

/* The old one stays, and so do the logs since: nothing is lost. */
static void
give_up(struct state *s, int error)
{
	snapshot_clear(s);
	(void)unlinkat(s->folder, STATE_NEW, 0);
	errno = error;
	state_failed(s, "snapshot");
}

static void
installed(struct state *s)
{
	s->snapshot_octets = s->snapshot.octets;
	s->snapshots++;
	snapshot_clear(s);
	folder_remove_logs(s, s->number);
}

static void
sync_old_log(struct snapshot *sn)
{
	if (sn->old_log == -1)
		return;
	sn->old_error = fdatasync(sn->old_log) == -1 ? errno : 0;
	close(sn->old_log);
	sn->old_log = -1;
}

static void
write_work(void *arg)
{
	struct state	*s = arg;
	struct snapshot	*sn = &s->snapshot;
	struct span	 out = buf_span(&sn->slice);

	sn->error = 0;
	sync_old_log(sn);
	if (file_write_all(sn->fd, out.p, out.n) == -1)
		sn->error = errno;
	else if (sn->phase == SNAPSHOT_SYNC && (fdatasync(sn->fd) == -1 ||
	    renameat(s->folder, STATE_NEW, s->folder, STATE_NAME) == -1 ||
	    fsync(s->folder) == -1))
		sn->error = errno;
}

static void
write_done(void *arg)
{
	struct state	*s = arg;
	struct snapshot	*sn = &s->snapshot;

	if ((errno = sn->old_error) != 0)
		log_warn("counters log is not synced");
	sn->old_error = 0;
	sn->octets += sn->slice.n;
	if (sn->error != 0)
		give_up(s, sn->error);
	else if (sn->phase == SNAPSHOT_SYNC)
		installed(s);
	else
		next_slice(s);
}

/* One record into the block; false when this phase has no more. */
static bool
put_next(struct state *s)
{
	struct snapshot		*sn = &s->snapshot;
	int64_t			 now = s->counters.now_ms;
	const struct rate	*r;
	const struct grey	*g;
	uint64_t		 seen;

	switch (sn->phase) {
	case SNAPSHOT_RATES:
		if ((r = rates_next(&s->counters.rates, now)) != NULL)
			store_put_rate(&sn->slice, r, state_wall());
		return r != NULL;
	case SNAPSHOT_GREYS:
		if ((g = greylist_next(&s->counters.greylist, now)) != NULL)
			store_put_grey(&sn->slice, g, state_wall());
		return g != NULL;
	case SNAPSHOT_SEEN:
		if (!rates_seen(&s->counters.rates, sn->next_seen, &seen))
			return false;
		sn->next_seen++;
		store_put_seen(&sn->slice, seen);
		return true;
	default:
		return false;
	}
}

/* One block: a fraction of a millisecond of the loop's time. */
static void
next_slice(struct state *s)
{
	struct snapshot	*sn = &s->snapshot;
	size_t		 at;

	buf_reset(&sn->slice);
	at = store_begin(&sn->slice);
	while (sn->phase != SNAPSHOT_SYNC && store_room(&sn->slice, at))
		if (!put_next(s))
			sn->phase++;
	store_end(&sn->slice, at);
	pool_run(s->pool, write_work, write_done, s);
}

void
snapshot_begin(struct state *s)
{
	struct snapshot	*sn = &s->snapshot;

	begin_log(s);
	if ((sn->fd = open_new(s, STATE_NEW)) == -1) {
		give_up(s, errno);
		return;
	}
	(void)counters_now(&s->counters, loop_now_ms());
	sn->phase = SNAPSHOT_RATES;
	put_head(s, &sn->slice);
	aged_walk(&s->counters.rates.keys);
	greylist_walk(&s->counters.greylist);
	pool_run(s->pool, write_work, write_done, s);
}
