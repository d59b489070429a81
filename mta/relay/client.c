/*
 * client.c - the session's states.
 *
 *   CONNECTING -> GREETING -> EHLO (-> HELO) -> IDLE
 *   IDLE -> ENVELOPE -> CONTENT -> DOT -> IDLE
 *           ENVELOPE -> LONE_DOT -> IDLE	nobody accepted, yet 354 came
 *   IDLE -> QUIT -> GONE
 *
 * In ENVELOPE the commands RSET, MAIL, RCPT ..., DATA are numbered: `sent` is
 * how many left, `next` the one whose reply comes next.
 */
#include "mta/relay/client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/relay/content.h"
#include "mta/spool/envelope.h"

#define OUT_KEEP	(16u << 10)	/* larger output buffers are given back */

/* RFC 5321, 4.5.3.2; what it leaves open is marked. */
#define STATES(X)						\
	X(CONNECTING,	30,	"the connection")		/* open */	\
	X(GREETING,	300,	"the greeting")				\
	X(EHLO,		300,	"the answer to EHLO")	/* open */	\
	X(HELO,		300,	"the answer to HELO")	/* open */	\
	X(IDLE,		0,	"-")			/* the owner's */ \
	X(ENVELOPE,	300,	"the answer to MAIL or RCPT")		\
	X(CONTENT,	180,	"sending the content")			\
	X(DOT,		600,	"the answer to the final dot")		\
	X(LONE_DOT,	600,	"the answer to the final dot")		\
	X(QUIT,		5,	"-")			/* open */	\
	X(GONE,		0,	"-")

enum state {
#define STATE(name, seconds, meaning) name,
	STATES(STATE)
#undef STATE
};

static const struct {
	const char	*name;
	int		 seconds;
	const char	*waits_for;
} states[] = {
#define STATE(name, seconds, meaning) { #name, seconds, meaning },
	STATES(STATE)
#undef STATE
};

#define DATA_S	120	/* 4.5.3.2.4 */

enum command { C_RSET, C_MAIL, C_RCPT, C_DATA };

struct client {
	const struct client_ops	*ops;
	void			*arg;
	int			 fd;
	struct watch		 watch;
	enum state		 state;
	int64_t			 deadline_ms;	/* 0: none */
	struct hop_addr		 addr;
	struct self		*self;
	char			*mta;		/* "name[address]" */
	struct ehlo		 ext;
	struct buf		 in, out;
	struct reply_pos	 pos;
	size_t			 unread;	/* octets behind the reply at hand: none where we speak next */
	struct job		*job;
	bool			 used;		/* has sent a message before this one */
	bool			 wants_rset;	/* a transaction was left open */
	bool			 mail_ok;
	size_t			 sent, next, accepted;
	struct content		 content;
	bool			 content_done;	/* the final dot is in out or has left */
	bool			 busy, freed;	/* in a callback; freed after it */
};

static void	on_ready(void *, int);
static void	proceed(struct client *);

/* --- states and ends */

static int64_t
deadline(int seconds)
{
	return seconds == 0 ? 0 : loop_now_ms() + seconds * (int64_t)1000;
}

static void
step(struct client *c, enum state to, const char *event)
{
	log_debug("session=%p mta=%s state=%s event=%s to=%s", (void *)c,
	    c->mta, states[c->state].name, event, states[to].name);
	c->state = to;
	c->deadline_ms = deadline(states[to].seconds);
}

static void
destroy(struct client *c)
{
	watch_clear(&c->watch);
	close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	self_unref(&c->self);
	free(c->mta);
	free(c);
}

void
client_free(struct client **cp)
{
	struct client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	c->freed = true;
	if (!c->busy)
		destroy(c);
}

/* No session, or none any more. */
static void
fail(struct client *c, const struct outcome *why)
{
	step(c, GONE, "failed");
	watch_set(&c->watch, c->fd, 0, on_ready, c);
	c->ops->failed(c->arg, why);
}

/* The job has its results. */
static void
finish(struct client *c, enum client_end end)
{
	if (end == CLIENT_IDLE && c->unread > 0)
		end = CLIENT_CLOSED;	/* replies to nothing: out of step */
	step(c, end == CLIENT_IDLE ? IDLE : GONE, "finished");
	if (end != CLIENT_IDLE)
		watch_set(&c->watch, c->fd, 0, on_ready, c);
	c->job = NULL;
	c->used = true;
	if (c->out.n == 0 && c->out.cap > OUT_KEEP)
		buf_clear(&c->out);
	c->ops->finished(c->arg, end);
}

static void
finish_stale(struct client *c)
{
	log_debug("session=%p mta=%s event=stale", (void *)c, c->mta);
	finish(c, CLIENT_STALE);
}

/* The session had been idle, and the hop has not answered MAIL. */
static bool
is_stale(const struct client *c)
{
	return c->used && c->state == ENVELOPE &&
	    c->next <= (c->wants_rset ? 1u : 0u);
}

/* The session broke: those without an answer are to be tried again. */
static void
break_off(struct client *c, const struct outcome *why)
{
	if (c->job == NULL) {
		fail(c, c->state < IDLE ? why : NULL);
		return;
	}
	c->job->connected = false;
	job_result_rest(c->job, why);
	finish(c, CLIENT_CLOSED);
}

/* The connection has ended without a reply. */
static void
lost(struct client *c, int error)
{
	struct outcome	why;

	if (c->job != NULL && is_stale(c)) {
		finish_stale(c);
		return;
	}
	if (c->state == CONNECTING)
		outcome_set(&why, 451, "4.4.1", "cannot connect to %s: %s",
		    c->mta, strerror(error));
	else
		outcome_set(&why, 451, "4.4.2",
		    "connection lost while waiting for %s%s%s",
		    states[c->state].waits_for, error == 0 ? "" : ": ",
		    error == 0 ? "" : strerror(error));
	break_off(c, &why);
}

/* No SMTP, or more replies than commands: nothing after it can be trusted. */
static void
nonsense(struct client *c)
{
	struct outcome	why;

	outcome_set(&why, 451, "4.5.0", "not understood instead of %s",
	    states[c->state].waits_for);
	break_off(c, &why);
}

/* --- output */

/* A broken connection is noticed by the reader, who may find a reply first. */
static void
flush(struct client *c)
{
	ssize_t	n;

	while (c->out.n > 0) {
		n = send(c->fd, c->out.base + c->out.off, c->out.n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			buf_eat(&c->out, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			buf_reset(&c->out);
	}
	watch_set(&c->watch, c->fd,
	    LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0), on_ready, c);
}

/* --- greeting and EHLO (RFC 5321, 3.1, 3.2, 4.1.1.1) */

static void
say_hello(struct client *c, const char *verb, enum state to)
{
	buf_addf(&c->out, "%s %.*s\r\n", verb,
	    SPAN_ARG(self_hostname(c->self)));
	step(c, to, verb);
	flush(c);
}

/*
 * Refused before any message: another address may serve.  Only 521 is for
 * good (RFC 7504); other 5yz in this place mostly are a moment's or an
 * administrator's trouble, and are tried again.
 */
static void
refused(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (r->code < 400) {
		nonsense(c);
		return;
	}
	outcome_reply(&why, r);
	if (why.code >= 500 && why.code != 521) {
		why.code = (uint16_t)(why.code - 100);
		why.status[0] = '4';
	}
	fail(c, &why);
}

static void
set_mta(struct client *c, struct span name)
{
	char	ip[IP_TEXT_MAX];

	free(c->mta);
	ip_format(&c->addr.ip, ip);
	c->mta = name.n > 0 ? xasprintf("%.*s[%s]", SPAN_ARG(name), ip) :
	    xasprintf("[%s]", ip);
}

/* The host that greets us is us. */
static bool
is_loop(struct client *c, const struct reply *r)
{
	return self_is_name(c->self, reply_host(r)) &&
	    self_is_address(c->self, &c->addr.ip, c->addr.port);
}

static void
hello_done(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (c->unread > 0) {
		nonsense(c);
		return;
	}
	if (is_loop(c, r)) {
		outcome_set(&why, 554, "5.4.6", "mail loops back to this host");
		fail(c, &why);
		return;
	}
	if (c->addr.name[0] == '\0')
		set_mta(c, reply_host(r));
	step(c, IDLE, "ready");
	c->ops->ready(c->arg);
}

static void
greeting_reply(struct client *c, const struct reply *r)
{
	if (c->unread > 0)
		nonsense(c);
	else if (r->code == 220)
		say_hello(c, "EHLO", EHLO);
	else
		refused(c, r);
}

static void
ehlo_reply(struct client *c, const struct reply *r)
{
	if (r->code == 250) {
		ehlo_parse(r, &c->ext);
		hello_done(c, r);
	} else if (r->code >= 500 && r->code != 521) {
		say_hello(c, "HELO", HELO);
	} else {
		refused(c, r);
	}
}

static void
helo_reply(struct client *c, const struct reply *r)
{
	c->ext = (struct ehlo){ 0 };
	if (r->code == 250)
		hello_done(c, r);
	else
		refused(c, r);
}

/* --- MAIL, RCPT, DATA (3.3, 4.1.1.2-4) */

/* Commands of this transaction are [RSET] MAIL RCPT... DATA. */
static enum command
command_at(const struct client *c, size_t i, size_t *rcpt)
{
	if (!c->wants_rset)
		i++;
	if (i == 0)
		return C_RSET;
	if (i == 1)
		return C_MAIL;
	*rcpt = i - 2;
	return *rcpt < c->job->n ? C_RCPT : C_DATA;
}

static void
put_mail(struct client *c)
{
	const struct job	*j = c->job;

	buf_addf(&c->out, "MAIL FROM:<%.*s>", SPAN_ARG(j->sender));
	if (c->ext.size)
		buf_addf(&c->out, " SIZE=%llu", (unsigned long long)j->length);
	if (c->ext.eightbitmime && (j->flags & ENV_8BIT))
		buf_add_str(&c->out, " BODY=8BITMIME");
	if (c->ext.smtputf8 && job_needs_utf8(j))
		buf_add_str(&c->out, " SMTPUTF8");
	buf_add_str(&c->out, "\r\n");
}

/* Adds the next command; returns it. */
static enum command
put_command(struct client *c)
{
	size_t		rcpt = 0;
	enum command	what = command_at(c, c->sent++, &rcpt);

	switch (what) {
	case C_RSET:
		buf_add_str(&c->out, "RSET\r\n");
		break;
	case C_MAIL:
		put_mail(c);
		break;
	case C_RCPT:
		buf_addf(&c->out, "RCPT TO:<%.*s>\r\n",
		    SPAN_ARG(c->job->rcpts[rcpt].address));
		break;
	case C_DATA:
		buf_add_str(&c->out, "DATA\r\n");
		break;
	}
	return what;
}

static void
send_commands(struct client *c)
{
	enum command	what;

	do
		what = put_command(c);
	while (c->ext.pipelining && what != C_DATA);
	flush(c);
}

/* What the hop cannot take, before anything is said; true: *why is set. */
static bool
cannot_take(const struct client *c, struct outcome *why)
{
	const struct job	*j = c->job;

	if (j->fd == -1)
		outcome_set(why, 451, "4.3.0", "the content is not there");
	else if (c->ext.size_max > 0 && j->length > c->ext.size_max)
		outcome_set(why, 552, "5.3.4", "%llu octets are more than %s "
		    "takes (%llu)", (unsigned long long)j->length, c->mta,
		    (unsigned long long)c->ext.size_max);
	else if (!c->ext.smtputf8 && job_needs_utf8(j))
		outcome_set(why, 553, "5.6.7", "%s does not offer SMTPUTF8, "
		    "which the addresses or the header need", c->mta);
	else if (!c->ext.eightbitmime && (j->flags & ENV_8BIT) &&
	    content_is_8bit(j->fd, j->offset, j->length))
		outcome_set(why, 554, "5.6.3", "%s does not offer 8BITMIME, "
		    "which the content needs", c->mta);
	else
		return false;
	return true;
}

void
client_send(struct client *c, struct job *j)
{
	struct outcome	why;

	assert(c->state == IDLE && c->job == NULL);
	c->job = j;
	c->sent = c->next = c->accepted = 0;
	c->mail_ok = c->content_done = false;
	job_set_mta(j, span_of(c->mta));
	if (cannot_take(c, &why)) {
		job_result_rest(j, &why);
		finish(c, CLIENT_IDLE);
		return;
	}
	step(c, ENVELOPE, "message");
	send_commands(c);
}

/* The transaction is over before the content. */
static void
no_content(struct client *c)
{
	c->wants_rset = c->mail_ok;
	finish(c, CLIENT_IDLE);
}

static void
mail_reply(struct client *c, const struct reply *r)
{
	struct outcome	why;

	c->mail_ok = r->code / 100 == 2;
	if (c->mail_ok)
		return;
	outcome_reply(&why, r);
	job_result_rest(c->job, &why);
}

static void
rcpt_reply(struct client *c, size_t rcpt, const struct reply *r)
{
	struct outcome	why;

	if (!c->mail_ok)
		return;		/* all have MAIL's answer */
	if (r->code / 100 == 2) {
		c->job->rcpts[rcpt].accepted = true;
		c->accepted++;
		return;
	}
	outcome_reply(&why, r);
	job_result(c->job, rcpt, &why);
}

static void
data_reply(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (r->code == 354 && c->accepted > 0) {
		step(c, CONTENT, "354");
		content_start(&c->content, c->job->fd, c->job->offset,
		    c->job->length);
		proceed(c);
	} else if (r->code == 354) {	/* RFC 2920, 3.1 */
		step(c, LONE_DOT, "354");
		buf_add_str(&c->out, ".\r\n");
		flush(c);
	} else if (r->code < 400) {
		nonsense(c);
	} else {
		outcome_reply(&why, r);
		job_result_accepted(c->job, &why);
		no_content(c);
	}
}

/* Without PIPELINING: what comes after the reply to `what`. */
static void
next_command(struct client *c, enum command what)
{
	size_t	rcpt;

	if (c->unread > 0)
		nonsense(c);
	else if (what == C_MAIL && !c->mail_ok)
		no_content(c);
	else if (command_at(c, c->sent, &rcpt) == C_DATA && c->accepted == 0)
		no_content(c);
	else
		send_commands(c);
}

static void
envelope_reply(struct client *c, const struct reply *r)
{
	size_t		rcpt = 0;
	enum command	what = command_at(c, c->next++, &rcpt);

	if (r->code / 100 == 3 && what != C_DATA) {
		nonsense(c);
		return;
	}
	c->deadline_ms = deadline(states[ENVELOPE].seconds);
	switch (what) {
	case C_RSET:
		break;
	case C_MAIL:
		mail_reply(c, r);
		break;
	case C_RCPT:
		rcpt_reply(c, rcpt, r);
		break;
	case C_DATA:
		data_reply(c, r);
		return;
	}
	if (c->next == c->sent)
		next_command(c, what);
	else if (command_at(c, c->next, &rcpt) == C_DATA)
		c->deadline_ms = deadline(DATA_S);
}

/* --- the content (4.1.1.4, 4.5.2) */

/* An unfinished message must not look like a whole one: no dot, only the end. */
static void
content_broken(struct client *c)
{
	struct outcome	why;

	log_warn("job=%llu event=content-unreadable",
	    (unsigned long long)c->job->id);
	outcome_set(&why, 451, "4.3.0", "the content cannot be read");
	job_result_rest(c->job, &why);
	finish(c, CLIENT_CLOSED);
}

/* A piece for each turn, so that one large message does not hold others up. */
static void
proceed(struct client *c)
{
	enum content_got	got;

	if (!c->content_done) {
		got = content_next(&c->content, &c->out);
		if (got == CONTENT_BROKEN) {
			content_broken(c);
			return;
		}
		c->content_done = got == CONTENT_LAST;
	}
	flush(c);
	if (c->content_done && c->out.n == 0) {
		c->wants_rset = false;
		step(c, DOT, "content sent");
	} else {
		c->deadline_ms = deadline(states[CONTENT].seconds);
		watch_set(&c->watch, c->fd, LOOP_READ | LOOP_WRITE, on_ready,
		    c);
	}
}

static void
dot_reply(struct client *c, const struct reply *r)
{
	struct outcome	o;

	if (r->code / 100 == 3) {
		nonsense(c);
		return;
	}
	outcome_reply(&o, r);
	job_result_accepted(c->job, &o);
	finish(c, CLIENT_IDLE);
}

/* A reply before the dot can only be a refusal; the rest is not sent. */
static void
early_reply(struct client *c, const struct reply *r)
{
	struct outcome	o;

	if (r->code < 400) {
		nonsense(c);
		return;
	}
	outcome_reply(&o, r);
	job_result_accepted(c->job, &o);
	finish(c, CLIENT_CLOSED);
}

/* --- input */

/* 421 may come at any time (3.8, 4.2.1): the hop closes. */
static void
closing_reply(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (c->job != NULL && is_stale(c)) {
		finish_stale(c);
		return;
	}
	outcome_reply(&why, r);
	break_off(c, &why);
}

static void
take_reply(struct client *c, const struct reply *r)
{
	if (r->code == 421) {
		closing_reply(c, r);
		return;
	}
	switch (c->state) {
	case GREETING:
		greeting_reply(c, r);
		break;
	case EHLO:
		ehlo_reply(c, r);
		break;
	case HELO:
		helo_reply(c, r);
		break;
	case ENVELOPE:
		envelope_reply(c, r);
		break;
	case CONTENT:
		early_reply(c, r);
		break;
	case DOT:
		dot_reply(c, r);
		break;
	case LONE_DOT:
		c->wants_rset = false;
		finish(c, CLIENT_IDLE);
		break;
	case CONNECTING:
	case IDLE:
	case QUIT:
	case GONE:
		fail(c, NULL);
		break;
	}
}

/*
 * Takes all whole replies; the octets that are left stay the caller's.  Ends
 * early when the session is over.
 */
static struct span
take_replies(struct client *c, struct span in)
{
	struct reply	r;
	enum reply_got	got;

	while (in.n > 0 && !c->freed && c->state != GONE) {
		got = reply_parse(in, &c->pos, &r);
		if (got == REPLY_MORE)
			break;
		if (got == REPLY_NONSENSE) {
			nonsense(c);
			break;
		}
		in = span_from(in, r.raw.n);
		c->unread = in.n;
		take_reply(c, &r);
	}
	return in;
}

/* Most replies come whole; only a part of one is kept for the next read. */
static void
take_input(struct client *c, struct span got)
{
	struct span	in = got, rest;

	if (c->in.n > 0) {
		buf_add_span(&c->in, got);
		in = buf_span(&c->in);
	}
	rest = take_replies(c, in);
	if (c->freed || c->state == GONE)
		return;
	if (c->in.n > 0)
		buf_eat(&c->in, c->in.n - rest.n);
	else if (rest.n > 0)
		buf_add_span(&c->in, rest);
	if (c->in.n == 0)
		buf_clear(&c->in);
}

static void
on_readable(struct client *c)
{
	static char	input[REPLY_MAX];
	ssize_t		n;

	n = recv(c->fd, input, sizeof(input), MSG_DONTWAIT);
	if (n > 0)
		take_input(c, span_mem(input, (size_t)n));
	else if (n == 0)
		lost(c, 0);
	else if (errno != EAGAIN && errno != EINTR)
		lost(c, errno);
}

static void
on_connected(struct client *c)
{
	int		error = 0, on = 1;
	socklen_t	n = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		error = errno;
	if (error != 0) {
		lost(c, error);
		return;
	}
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	step(c, GREETING, "connected");
	watch_set(&c->watch, c->fd, LOOP_READ, on_ready, c);
}

static void
on_writable(struct client *c)
{
	if (c->state == CONTENT)
		proceed(c);
	else
		flush(c);
}

static void
serve(struct client *c, int what)
{
	if (c->state == CONNECTING)
		on_connected(c);
	else if (what & LOOP_READ)
		on_readable(c);
	if ((what & LOOP_WRITE) && !c->freed && c->state > GREETING &&
	    c->state != GONE)
		on_writable(c);
}

static void
on_ready(void *arg, int what)
{
	struct client	*c = arg;

	c->busy = true;
	serve(c, what);
	c->busy = false;
	if (c->freed)
		destroy(c);
}

/* --- what the owner calls */

struct client *
client_new(int fd, const struct hop_addr *addr, struct self *self,
    const struct client_ops *ops, void *arg)
{
	struct client	*c = xcalloc(1, sizeof(*c));

	c->ops = ops;
	c->arg = arg;
	c->fd = fd;
	c->addr = *addr;
	c->self = self_ref(self);
	set_mta(c, span_of(addr->name));
	c->state = CONNECTING;
	c->deadline_ms = deadline(states[CONNECTING].seconds);
	watch_set(&c->watch, fd, LOOP_WRITE, on_ready, c);
	return c;
}

void
client_quit(struct client *c)
{
	buf_add_str(&c->out, "QUIT\r\n");
	step(c, QUIT, "idle for long");
	flush(c);
}

bool
client_at_dot(const struct client *c)
{
	return c->state == DOT || c->state == LONE_DOT;
}

static void
timed_out(struct client *c)
{
	struct outcome	why;

	outcome_set(&why, 451, c->state == CONNECTING ? "4.4.1" : "4.4.2",
	    "timed out while waiting for %s", states[c->state].waits_for);
	break_off(c, &why);
}

void
client_expire(struct client *c)
{
	c->busy = true;
	timed_out(c);
	c->busy = false;
	if (c->freed)
		destroy(c);
}

void
client_tick(struct client *c, int64_t now_ms)
{
	if (c->deadline_ms != 0 && now_ms >= c->deadline_ms)
		client_expire(c);
}
