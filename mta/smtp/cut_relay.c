/*
 * cut_relay.c - messages that relay has, in the order in which it got them.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/queue.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/msg/relayed.h"
#include "mta/smtp/cut_relay.h"
#include "mta/spool/qid.h"

#define MTA_MAX		2000
#define REPLY_MAX	2000

struct sent {
	TAILQ_ENTRY(sent)	 entry;
	uint64_t		 ticket, qid;
	int64_t			 until_ms;
	size_t			 n;		/* recipients */
	cut_answer_cb		*cb;		/* NULL: nobody waits any more */
	void			*arg;
};

struct cut_relay {
	struct callout_client	*relay;
	TAILQ_HEAD(, sent)	 open;		/* the first runs out first */
	struct timer		 timer;
	uint64_t		 last_ticket;
};

static void	on_time(void *);

/* --- sending */

/* A memory file that nobody can change any more; -1. */
static int
sealed(struct span content)
{
	const int	seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
			    F_SEAL_WRITE;
	int		fd = memfd_create("message", MFD_CLOEXEC |
			    MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (file_write_all(fd, content.p, content.n) == 0 &&
	    fcntl(fd, F_ADD_SEALS, seals) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
put_rcpts(struct chan *c, const struct cut_message *m)
{
	static const struct envelope_param	 none;
	const struct envelope_param		*p;
	size_t					 i;

	chan_u32(c, (uint32_t)m->n);
	for (i = 0; i < m->n; i++) {
		p = m->params != NULL ? &m->params[i] : &none;
		chan_u32(c, (uint32_t)i);
		chan_bytes(c, m->rcpts[i]);
		chan_u8(c, (uint8_t)p->notify);
		chan_bytes(c, p->orcpt_type);
		chan_bytes(c, p->orcpt);
	}
}

/* fd is taken; -1: the content stands in the message. */
static void
put(struct chan *c, uint64_t ticket, const struct cut_message *m, int fd)
{
	chan_begin(c, MSG_CUT);
	chan_u64(c, ticket);
	chan_u64(c, m->qid);
	chan_bytes(c, m->hop);
	chan_u32(c, m->terms->connections);
	chan_u32(c, m->terms->messages);
	chan_u32(c, m->flags);
	chan_bytes(c, m->sender);
	chan_bytes(c, m->envid);
	put_rcpts(c, m);
	chan_u8(c, fd != -1);
	chan_bytes(c, fd != -1 ? SPAN_NONE : m->content);
	if (fd != -1)
		chan_fd(c, fd);
	chan_end(c);
}

static void
set_timer(struct cut_relay *k)
{
	struct sent	*s = TAILQ_FIRST(&k->open);

	if (s == NULL)
		timer_stop(&k->timer);
	else if (!timer_pending(&k->timer))
		timer_set(&k->timer, s->until_ms - loop_now_ms(), on_time, k);
}

static struct sent *
note(struct cut_relay *k, const struct cut_message *m, cut_answer_cb *cb,
    void *arg)
{
	struct sent	*s = xcalloc(1, sizeof(*s));

	s->ticket = ++k->last_ticket;
	s->qid = m->qid;
	s->until_ms = loop_now_ms() +
	    (int64_t)msg_timeout_s(MSG_CUT) * 1000;
	s->n = m->n;
	s->cb = cb;
	s->arg = arg;
	TAILQ_INSERT_TAIL(&k->open, s, entry);
	set_timer(k);
	return s;
}

uint64_t
cut_relay_send(struct cut_relay *k, const struct cut_message *m,
    cut_answer_cb *cb, void *arg)
{
	struct chan	*c = callout_client_chan(k->relay);
	struct sent	*s;
	int		 fd = -1;

	if (c == NULL || m->content.n == 0 ||
	    chan_backlog(c) > CUT_BACKLOG_MAX)
		return 0;
	if (m->content.n > CUT_INLINE_MAX &&
	    (fd = sealed(m->content)) == -1)
		return 0;
	s = note(k, m, cb, arg);
	put(c, s->ticket, m, fd);
	return s->ticket;
}

/* --- answers */

static struct sent *
find(struct cut_relay *k, uint64_t ticket)
{
	struct sent	*s;

	TAILQ_FOREACH(s, &k->open, entry)
		if (s->ticket == ticket)
			break;
	return s;
}

/* Its client had gone, and the hop has it: that is known only here. */
static void
log_unclaimed(const struct sent *s, const struct cut_answer *a)
{
	char	id[QID_TEXT];
	size_t	i;

	for (i = 0; a != NULL && i < a->n; i++)
		if (a->rcpts[i].code / 100 == 2)
			break;
	if (a != NULL && i < a->n)
		log_info("event=cut-unclaimed id=%s mta=%s code=%u",
		    qid_format(s->qid, id), log_quote(a->mta),
		    a->rcpts[i].code);
}

static void
answer(struct cut_relay *k, struct sent *s, const struct cut_answer *a)
{
	TAILQ_REMOVE(&k->open, s, entry);
	if (s->cb != NULL)
		s->cb(s->arg, a);
	else
		log_unclaimed(s, a);
	free(s);
}

static void
on_time(void *arg)
{
	struct cut_relay	*k = arg;
	struct sent		*s;

	while ((s = TAILQ_FIRST(&k->open)) != NULL &&
	    s->until_ms <= loop_now_ms())
		answer(k, s, NULL);
	set_timer(k);
}

/* What relay says of recipient i; a second word of it is nonsense. */
static void
read_results(struct msg *m, struct cut_result *all, size_t n)
{
	uint32_t	count = msg_u32(m), i, at;

	for (i = 0; i < count && !m->bad; i++) {
		at = msg_u32(m);
		if (m->bad || at >= n || all[at].code != 0) {
			m->bad = true;
			return;
		}
		all[at].code = msg_u16(m);
		all[at].status = msg_bytes(m, REPLY_MAX);
		all[at].text = msg_bytes(m, REPLY_MAX);
		(void)msg_bytes(m, MTA_MAX);	/* the log has the message's */
	}
}

static bool
on_message(void *arg, struct msg *m)
{
	struct cut_relay	*k = arg;
	struct cut_answer	 a = { 0 };
	struct cut_result	*all;
	struct sent		*s;
	bool			 good;

	if (m->type != MSG_CUT_DONE)
		return false;
	if ((s = find(k, msg_u64(m))) == NULL)	/* too late */
		return !m->bad;
	a.mta = msg_bytes(m, MTA_MAX);
	a.tls = msg_bytes(m, RELAYED_TLS_MAX);
	a.login = msg_bytes(m, REPLY_MAX);
	a.n = s->n;
	a.rcpts = all = xcalloc(s->n, sizeof(*all));
	read_results(m, all, s->n);
	if ((good = msg_end(m)))
		answer(k, s, &a);
	free(all);
	set_timer(k);
	return good;
}

/* The hop may have some of them: they go there once more, from the spool. */
static void
on_closed(void *arg)
{
	struct cut_relay	*k = arg;
	struct sent		*s;

	while ((s = TAILQ_FIRST(&k->open)) != NULL)
		answer(k, s, NULL);
	set_timer(k);
}

void
cut_relay_forget(struct cut_relay *k, uint64_t ticket)
{
	struct sent	*s = find(k, ticket);

	if (s != NULL)
		s->cb = NULL;
}

struct cut_relay *
cut_relay_new(struct callout_client *relay)
{
	static const struct callout_share	 share = {
		on_message, on_closed
	};
	struct cut_relay			*k = xcalloc(1, sizeof(*k));

	k->relay = relay;
	TAILQ_INIT(&k->open);
	callout_client_share(relay, &share, k);
	return k;
}

void
cut_relay_free(struct cut_relay **kp)
{
	struct cut_relay	*k = *kp;
	struct sent		*s;

	*kp = NULL;
	if (k == NULL)
		return;
	callout_client_share(k->relay, NULL, NULL);
	while ((s = TAILQ_FIRST(&k->open)) != NULL) {
		TAILQ_REMOVE(&k->open, s, entry);
		free(s);
	}
	timer_clear(&k->timer);
	free(k);
}
