/*
 * forwards.c - FORWARD_READ: a forward file is read on a thread, since a
 * folder that is mounted may not answer.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/deliver/forward.h"
#include "mta/deliver/forwards.h"

#define THREADS	2

struct reading {
	uint64_t		 ticket;
	char			*path;
	enum forward_result	 is;
	bool			 commands;
	const char		*why;
	struct buf		 text;
};

static struct {
	struct chan	*queue;
	struct pool	*pool;
	unsigned	 open;
	void		(*idle)(void);
} all;

static void
answer(const struct reading *r)
{
	chan_begin(all.queue, MSG_FORWARD_TEXT);
	chan_u64(all.queue, r->ticket);
	chan_u8(all.queue, (uint8_t)r->is);
	chan_u8(all.queue, r->commands);
	chan_bytes(all.queue, r->is == FORWARD_FOUND ? buf_span(&r->text) :
	    SPAN_NONE);
	chan_end(all.queue);
}

static void
work(void *arg)
{
	struct reading	*r = arg;

	r->is = forward_read(r->path, &r->text, &r->why);
	if (r->is == FORWARD_FOUND)
		r->commands = forward_shell_ok();
}

static void
done(void *arg)
{
	struct reading	*r = arg;

	if (r->is == FORWARD_UNSAFE || r->is == FORWARD_LATER)
		log_warnx("event=forward-%s path=%s why=%s",
		    r->is == FORWARD_UNSAFE ? "unsafe" : "later",
		    log_quote(span_of(r->path)), log_quote(span_of(r->why)));
	answer(r);
	buf_clear(&r->text);
	free(r->path);
	free(r);
	if (--all.open == 0 && all.idle != NULL)
		all.idle();
}

bool
forwards_message(struct msg *m)
{
	struct reading	*r;
	uint64_t	 ticket = msg_u64(m);
	struct span	 path = msg_bytes(m, PATH_MAX - 1);

	if (!msg_end(m) || path.n == 0 || path.p[0] != '/' ||
	    memchr(path.p, '\0', path.n) != NULL)
		return false;
	if (all.open == FORWARDS_MAX) {
		answer(&(struct reading){ .ticket = ticket,
		    .is = FORWARD_LATER });
		return true;
	}
	if (all.pool == NULL)
		all.pool = pool_new(THREADS);
	r = xcalloc(1, sizeof(*r));
	r->ticket = ticket;
	r->path = xstrndup(path.p, path.n);
	r->why = "";
	all.open++;
	pool_run(all.pool, work, done, r);
	return true;
}

void
forwards_begin(struct chan *c)
{
	all.queue = c;
}

unsigned
forwards_open(void)
{
	return all.open;
}

void
forwards_when_idle(void (*idle)(void))
{
	all.idle = idle;
}
