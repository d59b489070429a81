/*
 * bodies.c - contents with a file of their own: body/QID.
 *
 * The queue makes the file, so that smtp needs no folder; its name is durable
 * before the descriptor goes out.  Syncs of the folder are shared.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beyond the longest transaction. */
#define GRACE_MS	(10 * 60 * 1000)

struct waiting {
	struct waiting	*next;
	void		(*cb)(void *, int fd);
	void		*arg;
	int		 fd;
};

struct bodies {
	struct queue	*q;
	struct waiting	*waiting;	/* for the next sync of the folder */
	struct waiting	*covered;	/* by the one that runs */
	bool		 syncing;
	int		 error;
};

void
bodies_open(struct queue *q)
{
	q->bodies = xcalloc(1, sizeof(*q->bodies));
	q->bodies->q = q;
}

static void start_sync(struct bodies *);

static void
sync_work(void *arg)
{
	struct bodies	*b = arg;

	b->error = fsync(b->q->body_fd) == -1 ? errno : 0;
}

static void
sync_done(void *arg)
{
	struct bodies	*b = arg;
	struct waiting	*w;

	b->syncing = false;
	if (b->error != 0) {
		errno = b->error;
		log_warn("folder of bodies: cannot sync");
	}
	while ((w = b->covered) != NULL) {
		b->covered = w->next;
		if (b->error != 0) {
			close(w->fd);
			w->fd = -1;
		}
		w->cb(w->arg, w->fd);
		free(w);
	}
	start_sync(b);
}

static void
start_sync(struct bodies *b)
{
	if (b->syncing || b->waiting == NULL)
		return;
	b->covered = b->waiting;
	b->waiting = NULL;
	b->syncing = true;
	pool_run(b->q->work, sync_work, sync_done, b);
}

void
body_make(struct queue *q, uint64_t qid, void (*cb)(void *, int fd), void *arg)
{
	struct bodies	*b = q->bodies;
	struct waiting	*w;
	char		 name[QID_TEXT];
	int		 fd;

	fd = openat(q->body_fd, qid_format(qid, name),
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		log_warn("body %s: cannot be made", name);
		cb(arg, -1);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct waiting){ b->waiting, cb, arg, fd };
	b->waiting = w;
	start_sync(b);
}

void
body_remove(struct queue *q, uint64_t qid)
{
	char	name[QID_TEXT];

	if (unlinkat(q->body_fd, qid_format(qid, name), 0) == -1 &&
	    errno != ENOENT)
		log_warn("body %s: cannot be removed", name);
}

struct finished {
	struct queue	*q;
	uint64_t	 qid;
};

static void
finished_logged(void *arg)
{
	struct finished	*f = arg;

	body_remove(f->q, f->qid);
	free(f);
}

void
body_finished(struct queue *q, uint64_t qid)
{
	struct finished	*f = xcalloc(1, sizeof(*f));

	*f = (struct finished){ q, qid };
	journal_sync(q->journal, finished_logged, f);
}

int
body_open_read(const struct queue *q, uint64_t qid)
{
	char	name[QID_TEXT];

	return openat(q->body_fd, qid_format(qid, name), O_RDONLY | O_CLOEXEC);
}

/* Microseconds of wall time stand in a queue id: when its transaction began. */
static bool
is_old(const struct queue *q, uint64_t qid)
{
	int64_t	began_ms = (int64_t)((qid >> QID_LOW_BITS) / 1000);

	return clock_wall_ms() - began_ms > q->set.transaction_ms + GRACE_MS;
}

void
bodies_sweep(struct queue *q)
{
	struct dirent	*e;
	uint64_t	 qid;
	DIR		*d;
	int		 fd;

	fd = openat(q->body_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		log_warn("folder of bodies");
		if (fd != -1)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (qid_parse(span_of(e->d_name), &qid) &&
		    index_find(&q->index, qid) == NULL && is_old(q, qid))
			body_remove(q, qid);
	closedir(d);
}
