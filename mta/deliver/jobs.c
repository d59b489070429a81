/*
 * jobs.c - what the queue asks of deliver: read, given to its kind, answered.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/pool.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"

#include "mta/deliver/job.h"
#include "mta/deliver/jobs.h"

#define PREFIX_MAX	(16u << 10)	/* octets of Return-Path: and the like */
#define ADDRESS_MAX	1024

static struct {
	struct chan	*queue;
	struct pool	*pool;
	unsigned	 open;
	void		(*idle)(void);
} jobs;

static void
job_free(struct job *j)
{
	if (j->mapped != NULL)
		munmap(j->mapped, j->content.n);
	if (j->fd != -1)
		close(j->fd);
	free(j->path);
	free(j->name);
	free(j->octets);
	free(j);
}

/* --- answers */

void
job_fail(struct job *j, unsigned code, const char *status, const char *fmt,
    ...)
{
	va_list	 ap;

	j->answer = JOB_FAILED;
	j->code = (uint16_t)code;
	snprintf(j->status, sizeof(j->status), "%s", status);
	va_start(ap, fmt);
	vsnprintf(j->text, sizeof(j->text), fmt, ap);
	va_end(ap);
}

static void
answer(const struct job *j)
{
	static const uint16_t	 types[] = {
		[JOB_DELIVERED] = MSG_DELIVERED,
		[JOB_PREPARED] = MSG_PREPARED,
		[JOB_FAILED] = MSG_DELIVER_FAILED
	};
	struct chan		*c = jobs.queue;

	chan_begin(c, types[j->answer]);
	chan_u64(c, j->number);
	if (j->answer == JOB_FAILED) {
		chan_u16(c, j->code);
		chan_str(c, j->status);
		chan_str(c, j->text);
	} else if (j->answer == JOB_PREPARED)
		chan_str(c, j->final);
	chan_end(c);
}

void
job_done(struct job *j)
{
	answer(j);
	job_free(j);
	if (--jobs.open == 0 && jobs.idle != NULL)
		jobs.idle();
}

/* --- to its kind */

void
jobs_run(void (*run)(void *), void (*ended)(void *), void *arg)
{
	pool_run(jobs.pool, run, ended, arg);
}

static void
work(void *arg)
{
	struct job	*j = arg;

	j->kind->work(j);
}

static void
done(void *arg)
{
	job_done(arg);
}

static void
begin(struct job *j)
{
	if (j->answer == JOB_FAILED)
		job_done(j);
	else if (j->kind->sane != NULL && !j->kind->sane(j)) {
		job_fail(j, 554, "5.3.5", "no %s can be there",
		    deliver_kind_name(j->kind->number));
		job_done(j);
	} else if (j->kind->start != NULL)
		j->kind->start(j);
	else
		pool_run(jobs.pool, work, done, j);
}

/* --- reading */

/* A field that becomes a C string; NULL: it has a NUL in it. */
static char *
text(struct msg *m, size_t max)
{
	struct span	 s = msg_bytes(m, max);

	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		return NULL;
	return xstrndup(s.n > 0 ? s.p : "", s.n);
}

/* Copies what the job borrows from its message; *at is eaten. */
static void
keep(char **at, struct span *s)
{
	if (s->n > 0)
		memcpy(*at, s->p, s->n);
	s->p = *at;
	*at += s->n;
}

static void
keep_all(struct job *j)
{
	char	*at;

	at = j->octets = xmalloc(j->options.n + j->sender.n + j->recipient.n +
	    j->prefix.n + j->content.n + 1);
	keep(&at, &j->options);
	keep(&at, &j->sender);
	keep(&at, &j->recipient);
	keep(&at, &j->prefix);
	keep(&at, &j->content);
}

/* The content that came by descriptor. */
static void
map_content(struct job *j)
{
	struct stat	 st;
	void		*p;

	if (fstat(j->fd, &st) == -1)
		goto fail;
	if (st.st_size == 0)
		return;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, j->fd, 0);
	if (p == MAP_FAILED)
		goto fail;
	j->mapped = p;
	j->content = span_mem(p, (size_t)st.st_size);
	return;
fail:
	job_fail(j, 451, "4.3.0", "the message cannot be read");
}

/* The fields of DELIVER behind the name. */
static void
read_deliver(struct msg *m, struct job *j)
{
	bool	 has_fd;

	j->sender = msg_bytes(m, ADDRESS_MAX);
	j->recipient = msg_bytes(m, ADDRESS_MAX);
	j->arrived_ms = msg_u64(m);
	j->prefix = msg_bytes(m, PREFIX_MAX);
	j->as_is = msg_u8(m) != 0;
	has_fd = msg_u8(m) != 0;
	j->content = msg_bytes(m, has_fd ? 0 : JOBS_INLINE_MAX);
	if (has_fd)
		j->fd = msg_fd(m);
}

static struct job *
job_read(struct msg *m)
{
	struct job	*j = xcalloc(1, sizeof(*j));

	j->fd = -1;
	j->commit = m->type == MSG_COMMIT;
	j->kind = kind_find(msg_u8(m));
	j->number = msg_u64(m);
	j->path = text(m, PATH_MAX);
	j->options = msg_bytes(m, DELIVER_HOW_MAX);
	j->name = text(m, JOB_FINAL_MAX - 1);
	if (!j->commit)
		read_deliver(m, j);
	if (!msg_end(m) || j->path == NULL || j->name == NULL ||
	    j->kind == NULL || (j->commit && !j->kind->two_steps) ||
	    !deliver_options_ok(j->options)) {
		job_free(j);
		return NULL;
	}
	keep_all(j);
	if (j->fd != -1)
		map_content(j);
	return j;
}

bool
jobs_message(struct msg *m)
{
	struct job	*j;

	if ((m->type != MSG_DELIVER && m->type != MSG_COMMIT) ||
	    jobs.open == JOBS_MAX || (j = job_read(m)) == NULL)
		return false;
	jobs.open++;
	begin(j);
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
