/*
 * segments.c - the pool of segment files; see segments.h.
 */
#include "mta/queue/segments.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mta/queue/journal_int.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define RETRY_MS	1000	/* after one could not be made */
#define KEEP_FREE	2	/* files kept for reuse beside the spares */

static void
set_state(struct segment *g, enum segment_state state)
{
	struct segments	*p = g->pool;

	p->nstate[g->state]--;
	p->nstate[state]++;
	g->state = (uint8_t)state;
}

static struct segment *
add(struct segments *p, enum segment_state state)
{
	struct segment	*g = xcalloc(1, sizeof(*g));

	g->pool = p;
	g->fd = -1;
	g->state = (uint8_t)state;
	p->nstate[state]++;
	g->next = p->first;
	if (p->first != NULL)
		p->first->prev = g;
	p->first = g;
	return g;
}

static void
drop(struct segment *g)
{
	struct segments	*p = g->pool;

	if (g->prev != NULL)
		g->prev->next = g->next;
	else
		p->first = g->next;
	if (g->next != NULL)
		g->next->prev = g->prev;
	p->nstate[g->state]--;
	if (g->fd != -1)
		close(g->fd);
	free(g);
}

struct segment *
segments_find(const struct segments *p, struct segment_id id)
{
	struct segment	*g;

	for (g = p->first; g != NULL; g = g->next)
		if (g->id.id == id.id && g->id.generation == id.generation)
			return g->state == SEGMENT_FREE ? NULL : g;
	return NULL;
}

struct segment *
segments_adopt(struct segments *p, struct segment_id id, uint64_t size, int fd,
    enum segment_state state)
{
	struct segment	*g = add(p, state);

	g->id = id;
	g->size = size;
	g->fd = fd;
	g->known = SEGMENT_HEAD;
	g->sealed_ms = clock_boot_ms();
	return g;
}

void
segments_clear(struct segments *p)
{
	while (p->first != NULL)
		drop(p->first);
}

/* --- making spares: log, sync, file, spare */

/* On a thread: all in zeros, so that later syncs carry data only. */
static int
make_file(struct segment *g)
{
	char	name[SEGMENT_NAME];

	g->fd = openat(g->pool->dirfd, segment_name(g->id.id, name),
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (g->fd == -1 || logfile_zero(g->fd, 0, g->size) == -1)
		return -1;
	return fsync(g->fd) == -1 ? -1 : fsync(g->pool->dirfd);
}

static void
make_work(void *arg)
{
	struct segment	*g = arg;

	g->error = 0;
	if ((g->fresh && make_file(g) == -1) ||
	    segment_format_head(g->fd, g->id, g->size) == -1)
		g->error = errno;
}

static void
log_freed(struct segment *g)
{
	struct record	r = { .type = REC_FREED, .segment = g->id };

	journal_add(g->pool->journal, &r);
}

static void
make_done(void *arg)
{
	struct segment	*g = arg;
	struct segments	*p = g->pool;
	char		 name[SEGMENT_NAME];

	if (g->error == 0) {
		set_state(g, SEGMENT_SPARE);
		p->ops->spare(p->arg);
		return;
	}
	errno = g->error;
	log_warn("segment %s: cannot be made", segment_name(g->id.id, name));
	unlinkat(p->dirfd, name, 0);
	log_freed(g);
	p->retry_ms = clock_boot_ms() + RETRY_MS;
	if (g->error == ENOSPC || g->error == EDQUOT)
		p->ops->full(p->arg);
	drop(g);
}

static void
make_logged(void *arg)
{
	struct segment	*g = arg;

	pool_run(g->pool->work, make_work, make_done, g);
}

static struct segment *
free_one(struct segments *p)
{
	struct segment	*g;

	for (g = p->first; g != NULL; g = g->next)
		if (g->state == SEGMENT_FREE && g->size == p->size)
			return g;
	return NULL;
}

static void
log_in_use(struct segment *g)
{
	struct record	r = { .type = REC_SEGMENT, .segment = g->id,
	    .offset = SEGMENT_HEAD, .writer = g->writer == SEGMENT_BY_QUEUE ?
	    RECORD_BY_QUEUE : RECORD_BY_SMTP };

	journal_add(g->pool->journal, &r);
}

static void
make_one(struct segments *p)
{
	struct segment	*g = free_one(p);

	if (g == NULL) {
		g = add(p, SEGMENT_MAKING);
		g->id.id = ++p->max_id;
		g->size = p->size;
		g->fresh = true;
	} else {
		g->fresh = false;
		set_state(g, SEGMENT_MAKING);
	}
	g->id.generation = ++p->max_generation;
	g->known = SEGMENT_HEAD;
	g->end = 0;
	g->writer = 0;
	log_in_use(g);
	journal_sync(p->journal, make_logged, g);
}

static unsigned
spares(const struct segments *p)
{
	return p->nstate[SEGMENT_SPARE] + p->nstate[SEGMENT_MAKING];
}

void
segments_fill(struct segments *p)
{
	while (clock_boot_ms() >= p->retry_ms &&
	    spares(p) < p->spares_wanted) {
		if (free_one(p) == NULL) {
			if (p->room < p->size)
				return;
			p->room -= p->size;
		}
		make_one(p);
	}
}

struct segment *
segments_take(struct segments *p, uint32_t writer)
{
	struct segment	*g;

	for (g = p->first; g != NULL && g->state != SEGMENT_SPARE; g = g->next)
		;
	if (g != NULL) {
		set_state(g, SEGMENT_OPEN);
		g->writer = writer;
		if (writer == SEGMENT_BY_QUEUE)
			log_in_use(g);	/* synced with its first PLACED */
	} else if (writer == SEGMENT_BY_QUEUE && spares(p) == 0 &&
	    clock_boot_ms() >= p->retry_ms) {
		make_one(p);	/* the reserve is for the queue's own */
	}
	segments_fill(p);
	return g;
}

/* --- sealing and freeing */

/*
 * On a thread; the descriptor is closed later, by drop().  Synced, because the
 * log forgets a segment that is gone: a name that came back would be read.
 */
static void
unlink_work(void *arg)
{
	struct segment	*g = arg;
	char		 name[SEGMENT_NAME];

	g->error = 0;
	if (unlinkat(g->pool->dirfd, segment_name(g->id.id, name), 0) == -1 ||
	    fsync(g->pool->dirfd) == -1)
		g->error = errno;
}

static void
unlink_done(void *arg)
{
	struct segment	*g = arg;

	if (g->error != 0) {
		errno = g->error;
		log_warn("segment %08x: cannot be removed", g->id.id);
	}
	drop(g);
}

static void
freed_logged(void *arg)
{
	struct segment	*g = arg;
	struct segments	*p = g->pool;

	if (!g->doubtful && g->size == p->size &&
	    p->nstate[SEGMENT_FREE] < KEEP_FREE) {
		set_state(g, SEGMENT_FREE);
		return;
	}
	pool_run(p->work, unlink_work, unlink_done, g);
}

static void
free_if_done(struct segment *g)
{
	if (g->state != SEGMENT_SEALED || g->live > 0 || g->pins > 0 ||
	    g->copying)
		return;
	set_state(g, SEGMENT_FREEING);
	g->pool->ops->gone(g->pool->arg, g);
	log_freed(g);
	journal_sync(g->pool->journal, freed_logged, g);
}

void
segments_seal(struct segment *g, uint64_t end)
{
	struct record	r = { .type = REC_SEALED, .segment = g->id,
	    .end = end };

	if (g->state != SEGMENT_OPEN && g->state != SEGMENT_LOST)
		return;
	g->doubtful = g->state == SEGMENT_LOST;
	g->end = end;
	g->sealed_ms = clock_boot_ms();
	set_state(g, SEGMENT_SEALED);
	if (!g->doubtful)
		journal_add(g->pool->journal, &r);
	free_if_done(g);
}

void
segments_lose(struct segment *g)
{
	if (g->state != SEGMENT_OPEN)
		return;
	g->sealed_ms = clock_boot_ms();
	set_state(g, SEGMENT_LOST);
}

bool
segments_resume(struct segment *g, uint32_t writer)
{
	if (g->state == SEGMENT_OPEN)
		return g->writer == writer;
	/* Given up too early, it is there until it is freed. */
	if (g->state != SEGMENT_LOST &&
	    (g->state != SEGMENT_SEALED || !g->doubtful))
		return false;
	set_state(g, SEGMENT_OPEN);
	g->writer = writer;
	g->end = 0;
	return true;
}

void
segment_live(struct segment *g, uint64_t octets)
{
	g->live++;
	g->live_octets += octets;
}

void
segment_dead(struct segment *g, uint64_t octets)
{
	assert(g->live > 0 && g->live_octets >= octets);
	g->live--;
	g->live_octets -= octets;
	free_if_done(g);
}

void
segment_pin(struct segment *g)
{
	g->pins++;
}

void
segment_unpin(struct segment *g)
{
	assert(g->pins > 0);
	g->pins--;
	free_if_done(g);
}

int
segment_open_read(struct segment *g)
{
	char	name[SEGMENT_NAME];

	return openat(g->pool->dirfd, segment_name(g->id.id, name),
	    O_RDONLY | O_CLOEXEC);
}
