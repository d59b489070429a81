/*
 * checkpoint.c - a new status log that begins with the whole live state.
 *
 * DUMPING: slices of the state go into status.new, what happens meanwhile to
 * both files.  SYNCING: the bulk is synced while all goes on.  WAITING, then
 * INSTALLING: the rest is written, synced, renamed; no sync of the old file
 * begins, because a record that was promised there alone would be lost with
 * its name.
 */
#include "mta/queue/journal_int.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SLICE_OCTETS	(1u << 18)	/* written at a time */
#define RETRY_MS	60000

static void next_slice(void *);

static void
begin_bulk(struct journal *j, void (*work)(void *), void (*done)(void *))
{
	struct logfile	*f = &j->next;

	buf_reset(&j->bulk);
	buf_take(&j->bulk, &f->pending);
	j->bulk_at = f->written;
	f->written += j->bulk.n;
	pool_run(j->work, work, done, j);
}

static int
write_bulk(struct journal *j)
{
	return file_pwrite_all(j->next.fd, buf_span(&j->bulk).p, j->bulk.n,
	    j->bulk_at);
}

/* The old log stays in force; later again. */
static void
give_up(struct journal *j, int error)
{
	errno = error;
	log_warn("status log: no checkpoint");
	close(j->next.fd);
	j->next.fd = -1;
	buf_clear(&j->next.pending);
	buf_clear(&j->bulk);
	unlinkat(j->dirfd, JOURNAL_NEW, 0);
	j->state = CHECKPOINT_NONE;
	j->retry_ms = clock_boot_ms() + RETRY_MS;
}

/* --- installing */

static void
install_work(void *arg)
{
	struct journal	*j = arg;
	struct logfile	*f = &j->next;
	uint64_t	 end = f->written + JOURNAL_CHUNK;

	j->bulk_error = 0;
	if (write_bulk(j) == -1 ||
	    logfile_zero(f->fd, f->written, end) == -1 ||
	    fdatasync(f->fd) == -1 ||
	    renameat(j->dirfd, JOURNAL_NEW, j->dirfd, JOURNAL_NAME) == -1) {
		j->bulk_error = errno;
		return;
	}
	/* Renamed: from here on it cannot be taken back. */
	if (fsync(j->dirfd) == -1)
		fatal("status log: cannot sync its folder");
	f->room = end;
}

static void
install_done(void *arg)
{
	struct journal	*j = arg;

	if (j->bulk_error != 0) {
		give_up(j, j->bulk_error);
		journal_turn(j);
		return;
	}
	close(j->now.fd);
	buf_clear(&j->now.pending);
	j->now = j->next;
	j->next = (struct logfile){ .fd = -1 };
	j->base = j->now.at;
	j->state = CHECKPOINT_NONE;
	j->stats.checkpoints++;
	buf_clear(&j->bulk);
	journal_write_soon(j);
	journal_turn(j);	/* for those who waited meanwhile */
}

void
checkpoint_proceed(struct journal *j)
{
	if (j->state != CHECKPOINT_WAITING || j->syncing || j->filling)
		return;
	j->state = CHECKPOINT_INSTALLING;
	begin_bulk(j, install_work, install_done);
}

/* --- the bulk */

static void
bulk_sync_work(void *arg)
{
	struct journal	*j = arg;

	j->bulk_error = write_bulk(j) == -1 || fdatasync(j->next.fd) == -1 ?
	    errno : 0;
}

static void
bulk_sync_done(void *arg)
{
	struct journal	*j = arg;

	if (j->bulk_error != 0)
		give_up(j, j->bulk_error);
	else {
		j->state = CHECKPOINT_WAITING;
		checkpoint_proceed(j);
	}
}

static void
bulk_work(void *arg)
{
	struct journal	*j = arg;

	j->bulk_error = write_bulk(j) == -1 ? errno : 0;
}

static void
bulk_done(void *arg)
{
	struct journal	*j = arg;

	if (j->bulk_error != 0)
		give_up(j, j->bulk_error);
	else
		next_slice(j);
}

static void
next_slice(void *arg)
{
	struct journal	*j = arg;

	if (!j->dumped)
		j->dumped = !j->ops->slice(j->arg, j, j->step++);
	if (j->dumped) {
		j->state = CHECKPOINT_SYNCING;
		begin_bulk(j, bulk_sync_work, bulk_sync_done);
	} else if (j->next.pending.n >= SLICE_OCTETS)
		begin_bulk(j, bulk_work, bulk_done);
	else
		loop_soon(next_slice, j);
}

void
journal_dump(struct journal *j, const struct record *r)
{
	assert(j->state == CHECKPOINT_DUMPING);
	logfile_put(&j->next, r);
}

void
journal_checkpoint(struct journal *j)
{
	struct logfile	*f = &j->next;

	if (j->state != CHECKPOINT_NONE)
		return;
	*f = (struct logfile){ .generation = j->now.generation + 1 };
	f->fd = openat(j->dirfd, JOURNAL_NEW,
	    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (f->fd == -1) {
		log_warn("status log: no checkpoint");
		j->retry_ms = clock_boot_ms() + RETRY_MS;
		return;
	}
	logfile_head(f);
	j->state = CHECKPOINT_DUMPING;
	j->step = 0;
	j->dumped = false;
	next_slice(j);
}
