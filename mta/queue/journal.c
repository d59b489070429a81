/*
 * journal.c - reading and writing the status log; see journal.h.
 */
#include "mta/queue/journal_int.h"

#include "base/clock.h"
#include "base/crc.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mta/spool/octets.h"

#include <sys/mman.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FORMAT_VERSION	1
#define FRAME		8		/* length, checksum */
#define WRITE_MS	20		/* records wait so long in memory */
#define SYNC_MS		1000		/* then for a sync, unless asked */

static const char head_magic[8] = "WBSTAT1\n";

static uint32_t
crc_at(const void *p, size_t n, uint64_t generation, uint64_t offset)
{
	uint8_t		where[20];

	octets_store(where, generation, 8);
	octets_store(where + 8, offset, 8);
	octets_store(where + 16, n, 4);
	return crc32c(crc32c(0, where, sizeof(where)), p, n);
}

void
logfile_head(struct logfile *f)
{
	uint8_t		h[JOURNAL_HEAD] = { 0 };

	memcpy(h, head_magic, 8);
	octets_store(h + 8, FORMAT_VERSION, 4);
	octets_store(h + 16, f->generation, 8);
	octets_store(h + 60, crc32c(0, h, 60), 4);
	buf_add(&f->pending, h, sizeof(h));
	f->at = sizeof(h);
}

void
logfile_put(struct logfile *f, const struct record *r)
{
	size_t		start = f->pending.n, n;
	uint8_t		*frame;

	buf_grown(&f->pending, (buf_reserve(&f->pending, FRAME), FRAME));
	record_format(r, &f->pending);
	n = f->pending.n - start - FRAME;
	assert(n <= RECORD_MAX);
	frame = (uint8_t *)f->pending.base + f->pending.off + start;
	octets_store(frame, n, 4);
	octets_store(frame + 4,
	    crc_at(frame + FRAME, n, f->generation, f->at), 4);
	f->at += FRAME + n;
}

/* --- reading */

static bool
scan_head(struct span file, uint64_t *generation)
{
	const uint8_t	*h = (const uint8_t *)file.p;

	if (file.n < JOURNAL_HEAD || memcmp(h, head_magic, 8) != 0 ||
	    octets_load(h + 8, 4) != FORMAT_VERSION ||
	    octets_load(h + 60, 4) != crc32c(0, h, 60))
		return false;
	*generation = octets_load(h + 16, 8);
	return true;
}

uint64_t
journal_scan(struct span file, uint64_t *generation, journal_cb *cb, void *arg)
{
	const uint8_t	*p = (const uint8_t *)file.p;
	struct record	 r;
	uint64_t	 at = JOURNAL_HEAD;
	size_t		 n;

	if (!scan_head(file, generation))
		return 0;
	while (file.n - at >= FRAME) {
		n = (size_t)octets_load(p + at, 4);
		if (n == 0 || n > file.n - at - FRAME ||
		    octets_load(p + at + 4, 4) !=
		    crc_at(p + at + FRAME, n, *generation, at))
			break;
		if (record_parse(span_mem(p + at + FRAME, n), &r) == -1)
			break;
		cb(arg, &r, span_mem(p + at + FRAME, n));
		at += FRAME + n;
	}
	return at;
}

/* A large one is not worth as much memory as it has octets. */
int
journal_map(int dirfd, struct span *out)
{
	int	 fd, saved;
	off_t	 size;
	void	*p = NULL;

	*out = SPAN_NONE;
	if ((fd = openat(dirfd, JOURNAL_NAME, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	size = lseek(fd, 0, SEEK_END);
	if (size > 0)
		p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	saved = errno;
	close(fd);
	errno = saved;
	if (size == -1 || p == MAP_FAILED)
		return -1;
	if (size > 0) {
		(void)madvise(p, (size_t)size, MADV_SEQUENTIAL);
		*out = span_mem(p, (size_t)size);
	}
	return 0;
}

void
journal_unmap(struct span *s)
{
	if (s->n > 0)
		munmap((void *)(uintptr_t)s->p, s->n);
	*s = SPAN_NONE;
}

/* --- opening */

int
logfile_zero(int fd, uint64_t from, uint64_t to)
{
	static const char	zeros[65536];
	size_t			n;

	for (; from < to; from += n) {
		n = to - from < sizeof(zeros) ? (size_t)(to - from) :
		    sizeof(zeros);
		if (file_pwrite_all(fd, zeros, n, from) == -1)
			return -1;
	}
	return 0;
}

/* A first log: complete before it has its name. */
static int
make_first(struct journal *j)
{
	struct logfile	*f = &j->now;

	logfile_head(f);
	f->fd = openat(j->dirfd, JOURNAL_NEW,
	    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (f->fd == -1 ||
	    file_pwrite_all(f->fd, f->pending.base, f->pending.n, 0) == -1 ||
	    logfile_zero(f->fd, f->at, JOURNAL_CHUNK) == -1 ||
	    fdatasync(f->fd) == -1 ||
	    renameat(j->dirfd, JOURNAL_NEW, j->dirfd, JOURNAL_NAME) == -1 ||
	    fsync(j->dirfd) == -1)
		return -1;
	buf_clear(&f->pending);
	f->room = JOURNAL_CHUNK;
	return 0;
}

/* What a torn write has left behind its end must not come back. */
static int
go_on(struct journal *j, uint64_t end)
{
	struct logfile	*f = &j->now;
	off_t		 size;

	f->fd = openat(j->dirfd, JOURNAL_NAME, O_RDWR | O_CLOEXEC);
	if (f->fd == -1 || (size = lseek(f->fd, 0, SEEK_END)) == -1)
		return -1;
	f->at = end;
	f->room = (uint64_t)size < end ? end : (uint64_t)size;
	if (logfile_zero(f->fd, end, f->room) == -1)
		return -1;
	return fdatasync(f->fd);
}

struct journal *
journal_open(int dirfd, uint64_t generation, uint64_t end, struct pool *syncs,
    struct pool *work, const struct journal_ops *ops, void *arg)
{
	struct journal	*j = xcalloc(1, sizeof(*j));

	j->dirfd = dirfd;
	j->syncs = syncs;
	j->work = work;
	j->ops = ops;
	j->arg = arg;
	j->next.fd = -1;
	j->now.generation = generation == 0 ? 1 : generation;
	if ((end == 0 ? make_first(j) : go_on(j, end)) == -1) {
		if (j->now.fd != -1)
			close(j->now.fd);
		buf_clear(&j->now.pending);
		free(j);
		return NULL;
	}
	j->now.written = j->base = j->now.at;
	return j;
}

/* --- writing */

static void fill(struct journal *);

/*
 * Writes what gathered; false when some of it has to wait, because the space
 * behind room is being filled or the disk has none.
 */
static bool
flush(struct journal *j)
{
	struct logfile	*f = &j->now;
	size_t		 n = f->pending.n;

	timer_stop(&j->write_timer);
	if (n == 0)
		return true;
	if (j->filling && f->written + n > f->room)
		return false;
	if (file_pwrite_all(f->fd, buf_span(&f->pending).p, n,
	    f->written) == -1) {
		log_warn("status log: cannot write");
		return false;
	}
	f->written += n;
	if (f->written > f->room)
		f->room = f->written;
	buf_reset(&f->pending);
	fill(j);
	return true;
}

static void
fill_work(void *arg)
{
	struct journal	*j = arg;
	uint64_t	 from = j->now.room;

	if (logfile_zero(j->now.fd, from, from + JOURNAL_CHUNK) == -1 ||
	    fdatasync(j->now.fd) == -1)
		j->fill_error = errno;
}

static void
fill_done(void *arg)
{
	struct journal	*j = arg;

	j->filling = false;
	if (j->fill_error != 0) {
		errno = j->fill_error;
		log_warn("status log: no new space");
		j->fill_error = 0;
	} else
		j->now.room += JOURNAL_CHUNK;
	flush(j);
	checkpoint_proceed(j);
}

/* Keeps half a chunk of zeros ahead. */
static void
fill(struct journal *j)
{
	struct logfile	*f = &j->now;

	if (j->filling || j->state >= CHECKPOINT_WAITING ||
	    f->room - f->written >= JOURNAL_CHUNK / 2)
		return;
	j->filling = true;
	pool_run(j->work, fill_work, fill_done, j);
}

static void
write_due(void *arg)
{
	struct journal	*j = arg;

	if (!flush(j))
		timer_set(&j->write_timer, SYNC_MS, write_due, j);
}

static void
sync_due(void *arg)
{
	struct journal	*j = arg;

	if (j->unsynced)
		journal_sync(j, NULL, NULL);
}

void
journal_write_soon(struct journal *j)
{
	if (j->now.pending.n > 0 && !timer_pending(&j->write_timer))
		timer_set(&j->write_timer, WRITE_MS, write_due, j);
}

void
journal_add(struct journal *j, const struct record *r)
{
	logfile_put(&j->now, r);
	if (j->next.fd != -1)
		logfile_put(&j->next, r);
	journal_write_soon(j);
	if (!j->unsynced) {
		j->unsynced = true;
		timer_set(&j->sync_timer, SYNC_MS, sync_due, j);
	}
}

/* --- syncs */

void
journal_sync(struct journal *j, void (*cb)(void *), void *arg)
{
	struct waiters	*w = &j->waiting;

	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 16 : 2 * w->cap;
		w->list = xreallocarray(w->list, w->cap, sizeof(*w->list));
	}
	w->list[w->n++] = (struct waiter){ cb, arg };
}

static void
answer(struct journal *j)
{
	struct waiters	w = j->covered;
	size_t		i;

	memset(&j->covered, 0, sizeof(j->covered));
	for (i = 0; i < w.n; i++)
		if (w.list[i].cb != NULL)
			w.list[i].cb(w.list[i].arg);
	free(w.list);
}

static void
sync_work(void *arg)
{
	struct journal	*j = arg;

	j->sync_error = fdatasync(j->now.fd) == -1 ? errno : 0;
}

static void
sync_done(void *arg)
{
	struct journal	*j = arg;

	/* What the kernel could not write it may have dropped: recovery. */
	if (j->sync_error != 0) {
		errno = j->sync_error;
		fatal("status log: cannot sync");
	}
	j->syncing = false;
	answer(j);
	checkpoint_proceed(j);
}

void
journal_turn(struct journal *j)
{
	if (j->now.at > 2 * j->base && j->now.at > 4 * JOURNAL_CHUNK &&
	    clock_boot_ms() >= j->retry_ms)
		journal_checkpoint(j);
	if (j->syncing || j->waiting.n == 0 ||
	    j->state >= CHECKPOINT_WAITING)
		return;
	if (!flush(j)) {
		timer_set(&j->write_timer, SYNC_MS, write_due, j);
		return;
	}
	j->covered = j->waiting;
	memset(&j->waiting, 0, sizeof(j->waiting));
	j->syncing = true;
	j->unsynced = false;
	timer_stop(&j->sync_timer);
	j->stats.syncs++;
	pool_run(j->syncs, sync_work, sync_done, j);
}

struct journal_stats
journal_stats(const struct journal *j)
{
	struct journal_stats	s = j->stats;

	s.size = j->now.at;
	return s;
}

void
journal_close(struct journal **jp)
{
	struct journal	*j = *jp;

	*jp = NULL;
	if (j == NULL)
		return;
	if (flush(j))
		fdatasync(j->now.fd);
	close(j->now.fd);
	if (j->next.fd != -1)
		close(j->next.fd);
	buf_clear(&j->now.pending);
	buf_clear(&j->next.pending);
	buf_clear(&j->bulk);
	timer_clear(&j->write_timer);
	timer_clear(&j->sync_timer);
	free(j->waiting.list);
	free(j->covered.list);
	free(j);
}
