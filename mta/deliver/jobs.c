/*
 * jobs.c - what the queue asks of deliver, done on threads.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/pool.h"
#include "base/xalloc.h"

#include "mailbox/store/store.h"

#include "mta/msg/msg.h"

#include "mta/deliver/jobs.h"

#define PREFIX_MAX	(16u << 10)	/* octets of Return-Path: and the like */

/* One job; a thread has it between pool_run() and its answer. */
struct job {
	uint16_t		 type;		/* DELIVER, COMMIT */
	uint64_t		 number;
	char			*maildir;
	char			*name;		/* DELIVER: its base */
	char			*octets;	/* prefix, then content */
	size_t			 prefix_n, content_n;
	int			 fd;		/* -1, or the content */
	bool			 as_is;		/* its line ends stay */
	char			 final[STORE_NAME_MAX];
	enum store_result	 result;
	struct store_error	 error;
};

static struct {
	struct chan	*queue;
	struct pool	*pool;
	unsigned	 open;
	void		(*idle)(void);
} jobs;

static void
job_free(struct job *j)
{
	if (j->fd != -1)
		close(j->fd);
	free(j->maildir);
	free(j->name);
	free(j->octets);
	free(j);
}

/* --- on a thread */

static enum store_result
prepare(struct job *j)
{
	struct span	 base = span_of(j->name);
	struct span	 prefix = span_mem(j->octets, j->prefix_n);
	struct span	 content;
	off_t		 size;

	if (j->fd == -1) {
		content = span_mem(j->octets + j->prefix_n, j->content_n);
		return store_prepare(j->maildir, base, prefix, content,
		    j->as_is, j->final, &j->error);
	}
	size = lseek(j->fd, 0, SEEK_END);
	return store_prepare_fd(j->maildir, base, prefix, j->fd,
	    size < 0 ? UINT64_MAX : (uint64_t)size, j->as_is, j->final,
	    &j->error);
}

static void
work(void *arg)
{
	struct job	*j = arg;

	j->result = j->type == MSG_DELIVER ? prepare(j) :
	    store_commit(j->maildir, j->name, &j->error);
}

/* --- on the loop */

/* The reply code that a server would give with this status. */
static uint16_t
code_of(const struct job *j)
{
	if (j->result == STORE_NEVER)
		return 554;
	return strcmp(j->error.status, "4.3.0") == 0 ? 451 : 452;
}

static void
answer(const struct job *j)
{
	struct chan	*c = jobs.queue;

	chan_begin(c, j->result != STORE_OK ? MSG_DELIVER_FAILED :
	    j->type == MSG_DELIVER ? MSG_PREPARED : MSG_DELIVERED);
	chan_u64(c, j->number);
	if (j->result != STORE_OK) {
		chan_u16(c, code_of(j));
		chan_str(c, j->error.status);
		chan_str(c, j->error.text);
	} else if (j->type == MSG_DELIVER)
		chan_str(c, j->final);
	chan_end(c);
}

static void
done(void *arg)
{
	struct job	*j = arg;

	answer(j);
	job_free(j);
	if (--jobs.open == 0 && jobs.idle != NULL)
		jobs.idle();
}

/* A field that becomes a C string; NULL: it has a NUL in it. */
static char *
text(struct msg *m, size_t max)
{
	struct span	 s = msg_bytes(m, max);

	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		return NULL;
	return xstrndup(s.n > 0 ? s.p : "", s.n);
}

/* DELIVER: prefix and content, or its descriptor. */
static void
read_octets(struct msg *m, struct job *j)
{
	struct span	 prefix = msg_bytes(m, PREFIX_MAX), content;
	bool		 has_fd;

	j->as_is = msg_u8(m) != 0;
	has_fd = msg_u8(m) != 0;
	content = msg_bytes(m, has_fd ? 0 : JOBS_INLINE_MAX);
	if (has_fd)
		j->fd = msg_fd(m);
	j->prefix_n = prefix.n;
	j->content_n = content.n;
	j->octets = xmalloc(prefix.n + content.n + 1);
	if (prefix.n > 0)
		memcpy(j->octets, prefix.p, prefix.n);
	if (content.n > 0)
		memcpy(j->octets + prefix.n, content.p, content.n);
}

static struct job *
job_read(struct msg *m)
{
	struct job	*j = xcalloc(1, sizeof(*j));

	j->fd = -1;
	j->type = m->type;
	j->number = msg_u64(m);
	j->maildir = text(m, PATH_MAX);
	j->name = text(m, STORE_NAME_MAX - 1);
	if (m->type == MSG_DELIVER)
		read_octets(m, j);
	if (msg_end(m) && j->maildir != NULL && j->name != NULL)
		return j;
	job_free(j);
	return NULL;
}

bool
jobs_message(struct msg *m)
{
	struct job	*j;

	if ((m->type != MSG_DELIVER && m->type != MSG_COMMIT) ||
	    jobs.open == JOBS_MAX || (j = job_read(m)) == NULL)
		return false;
	jobs.open++;
	pool_run(jobs.pool, work, done, j);
	return true;
}

void
jobs_begin(struct chan *c)
{
	jobs.queue = c;
	jobs.pool = pool_new(JOBS_THREADS);
}

unsigned
jobs_open(void)
{
	return jobs.open;
}

void
jobs_when_idle(void (*idle)(void))
{
	jobs.idle = idle;
}

void
jobs_end(void)
{
	pool_free(&jobs.pool);
}
