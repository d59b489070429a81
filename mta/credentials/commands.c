/*
 * commands.c - token commands, run by a process of their user.
 *
 * A process is asked for when the first command of its user is to run, and
 * kept as long as it stays; it ends by itself when it has nothing to do.
 */
#include "config.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chan.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/credentials/commands.h"
#include "mta/credentials/reply.h"

#define WHY_MAX	1000

struct command {
	TAILQ_ENTRY(command)	 entry;
	struct runner		*runner;
	uint64_t		 ticket;
	char			*text, *login;
	bool			 sent;
	int64_t			 until_ms;
	token_run_cb		*cb;
	void			*arg;
};

/* A user's process. */
struct runner {
	TAILQ_ENTRY(runner)	 entry;
	struct commands		*all;
	uint32_t		 uid, gid;
	struct chan		*chan;		/* NULL: it is not there */
	bool			 wanted;	/* it has been asked for */
};

struct commands {
	struct chan		*spawner;
	TAILQ_HEAD(, runner)	 runners;
	TAILQ_HEAD(, command)	 open;
	uint64_t		 last_ticket;
	struct timer		 timer;
};

struct commands *
commands_new(void)
{
	struct commands	*all = xcalloc(1, sizeof(*all));

	TAILQ_INIT(&all->runners);
	TAILQ_INIT(&all->open);
	return all;
}

static void
command_free(struct command *c, struct commands *all)
{
	TAILQ_REMOVE(&all->open, c, entry);
	free(c->text);
	free(c->login);
	free(c);
	if (TAILQ_EMPTY(&all->open))
		timer_stop(&all->timer);
}

static void
end(struct commands *all, struct command *c, bool ok, struct span output,
    const char *why)
{
	token_run_cb	*cb = c->cb;
	void		*arg = c->arg;

	command_free(c, all);
	cb(arg, ok, output, why);
}

void
commands_free(struct commands **allp)
{
	struct commands	*all = *allp;
	struct runner	*r;

	*allp = NULL;
	if (all == NULL)
		return;
	while (!TAILQ_EMPTY(&all->open))
		command_free(TAILQ_FIRST(&all->open), all);
	while ((r = TAILQ_FIRST(&all->runners)) != NULL) {
		TAILQ_REMOVE(&all->runners, r, entry);
		chan_free(&r->chan);
		free(r);
	}
	timer_clear(&all->timer);
	chan_free(&all->spawner);
	free(all);
}

/* --- a user's process */

static struct command *
find(struct commands *all, uint64_t ticket)
{
	struct command	*c;

	TAILQ_FOREACH(c, &all->open, entry)
		if (c->ticket == ticket)
			return c;
	return NULL;
}

static bool
on_said(struct chan *chan, struct msg *m, void *arg)
{
	struct runner	*r = arg;
	uint64_t	 ticket = msg_u64(m);
	bool		 ok = msg_u8(m) != 0;
	struct span	 output = msg_bytes(m, REPLY_JSON_MAX);
	struct span	 said = msg_bytes(m, WHY_MAX);
	struct command	*c;
	char		*why;

	(void)chan;
	if (m->type != MSG_TOKEN_SAID || !msg_end(m))
		return false;
	if ((c = find(r->all, ticket)) == NULL || c->runner != r)
		return true;
	why = xstrndup(said.n > 0 ? said.p : "", said.n);
	end(r->all, c, ok, output, why);
	free(why);
	return true;
}

static struct command *
sent_one(struct runner *r)
{
	struct command	*c;

	TAILQ_FOREACH(c, &r->all->open, entry)
		if (c->runner == r && c->sent)
			return c;
	return NULL;
}

static void
on_gone(struct chan *chan, void *arg)
{
	struct runner	*r = arg;
	struct command	*c;

	(void)chan;
	r->chan = NULL;
	while ((c = sent_one(r)) != NULL)
		end(r->all, c, false, SPAN_NONE, "its process has ended");
}

static void
send_commands(struct runner *r)
{
	struct command	*c;

	TAILQ_FOREACH(c, &r->all->open, entry) {
		if (c->runner != r || c->sent)
			continue;
		c->sent = true;
		chan_begin(r->chan, MSG_TOKEN_RUN);
		chan_u64(r->chan, c->ticket);
		chan_str(r->chan, c->text);
		chan_str(r->chan, c->login);
		chan_end(r->chan);
	}
}

static void
want(struct runner *r)
{
	struct chan	*s = r->all->spawner;

	if (r->chan != NULL) {
		send_commands(r);
		return;
	}
	if (r->wanted || s == NULL)
		return;
	r->wanted = true;
	chan_begin(s, MSG_DELIVERER_WANTED);
	chan_u32(s, r->uid);
	chan_u32(s, r->gid);
	chan_u8(s, true);
	chan_end(s);
}

static struct runner *
runner_of(struct commands *all, uint32_t uid, uint32_t gid)
{
	struct runner	*r;

	TAILQ_FOREACH(r, &all->runners, entry)
		if (r->uid == uid && r->gid == gid)
			return r;
	return NULL;
}

/* --- the spawner */

static void
none_there(struct runner *r, const char *why)
{
	struct command	*c, *next;

	for (c = TAILQ_FIRST(&r->all->open); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->runner == r)
			end(r->all, c, false, SPAN_NONE, why);
	}
}

static void
is_there(struct runner *r, int fd)
{
	static const struct chan_ops	ops = { on_said, on_gone };

	if (r->chan != NULL)
		chan_free(&r->chan);
	r->chan = chan_new(fd, "deliver", &ops, r);
	chan_secret(r->chan);
	send_commands(r);
}

static bool
on_deliverer(struct commands *all, struct msg *m)
{
	uint32_t	 uid = msg_u32(m), gid = msg_u32(m);
	bool		 programs = msg_u8(m) != 0, ok = msg_u8(m) != 0;
	struct span	 said = msg_bytes(m, WHY_MAX);
	int		 fd = ok ? msg_fd(m) : -1;
	struct runner	*r = runner_of(all, uid, gid);
	char		*why;

	if (!msg_end(m) || !programs || r == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	r->wanted = false;
	if (ok) {
		is_there(r, fd);
		return true;
	}
	why = xstrndup(said.n > 0 ? said.p : "", said.n);
	none_there(r, why);
	free(why);
	return true;
}

static bool
on_message(struct chan *chan, struct msg *m, void *arg)
{
	(void)chan;
	return m->type == MSG_DELIVERER && on_deliverer(arg, m);
}

static void
on_closed(struct chan *chan, void *arg)
{
	struct commands	*all = arg;
	struct runner	*r;

	(void)chan;
	all->spawner = NULL;
	TAILQ_FOREACH(r, &all->runners, entry)
		r->wanted = false;
}

void
commands_attach(struct commands *all, int fd)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	struct command			*c;

	if (all->spawner != NULL) {
		chan_free(&all->spawner);
		on_closed(NULL, all);
	}
	all->spawner = chan_new(fd, "spawner", &ops, all);
	TAILQ_FOREACH(c, &all->open, entry)
		want(c->runner);
}

/* --- asking */

static struct command *
late_one(struct commands *all)
{
	struct command	*c;

	TAILQ_FOREACH(c, &all->open, entry)
		if (c->until_ms <= loop_now_ms())
			return c;
	return NULL;
}

static void
on_time(void *arg)
{
	struct commands	*all = arg;
	struct command	*c;

	while ((c = late_one(all)) != NULL)
		end(all, c, false, SPAN_NONE, "no answer in time");
	if (!TAILQ_EMPTY(&all->open))
		timer_set(&all->timer, 1000, on_time, all);
}

static struct runner *
runner_new(struct commands *all, uint32_t uid, uint32_t gid)
{
	struct runner	*r = xcalloc(1, sizeof(*r));

	r->all = all;
	r->uid = uid;
	r->gid = gid;
	TAILQ_INSERT_TAIL(&all->runners, r, entry);
	return r;
}

void
commands_run(void *ctx, const struct source *s, struct span login,
    token_run_cb *cb, void *arg)
{
	struct commands	*all = ctx;
	struct command	*c = xcalloc(1, sizeof(*c));

	c->runner = runner_of(all, s->uid, s->gid);
	if (c->runner == NULL)
		c->runner = runner_new(all, s->uid, s->gid);
	c->ticket = ++all->last_ticket;
	c->text = xstrdup(s->command);
	c->login = xstrndup(login.n > 0 ? login.p : "", login.n);
	c->until_ms = loop_now_ms() + COMMANDS_WAIT_MS;
	c->cb = cb;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&all->open, c, entry);
	if (!timer_pending(&all->timer))
		timer_set(&all->timer, 1000, on_time, all);
	want(c->runner);
}
