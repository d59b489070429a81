/*
 * client.c - the session: its states, its replies, its end.
 */
#include "config.h"

#include "mta/relay/client_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/relayed.h"

#define OUT_KEEP	(16u << 10)	/* larger output buffers are given back */

const struct client_state client_states[] = {
#define STATE(name, seconds, meaning) { #name, seconds, meaning },
	STATES(STATE)
#undef STATE
};

/* --- states and ends */

#ifdef WAYBILL_TEST_HOOKS
/* No time-out is longer than the environment says. */
static int
shorter(int seconds)
{
	const char	*env = getenv("WAYBILL_SMTP_SECONDS");
	int		 most = env == NULL ? 0 : atoi(env);

	return most > 0 && most < seconds ? most : seconds;
}
#else
static int
shorter(int seconds)
{
	return seconds;
}
#endif

int64_t
client_deadline(int seconds)
{
	return seconds == 0 ? 0 :
	    loop_now_ms() + shorter(seconds) * (int64_t)1000;
}

void
client_step(struct client *c, enum state to, const char *event)
{
	log_debug("session=%p mta=%s state=%s event=%s to=%s", (void *)c,
	    c->mta, client_states[c->state].name, event, client_states[to].name);
	c->state = to;
	c->deadline_ms = client_deadline(client_states[to].seconds);
}

static void
destroy(struct client *c)
{
	client_io_close(c);
	client_convert_end(c);
	self_unref(&c->self);
	hop_addr_clear(&c->addr);
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

void
client_fail(struct client *c, const struct outcome *why)
{
	client_step(c, GONE, "failed");
	client_io_stop(c);
	c->ops->failed(c->arg, why);
}

void
client_finish(struct client *c, enum client_end end)
{
	if (end == CLIENT_IDLE && c->unread > 0)
		end = CLIENT_CLOSED;	/* replies to nothing: out of step */
	client_step(c, end == CLIENT_IDLE ? IDLE : GONE, "finished");
	if (end != CLIENT_IDLE)
		client_io_stop(c);
	client_convert_end(c);
	c->job = NULL;
	c->used = true;
	if (c->out.n == 0 && c->out.cap > OUT_KEEP)
		buf_clear(&c->out);
	c->ops->finished(c->arg, end);
}

void
client_stale(struct client *c)
{
	log_debug("session=%p mta=%s event=stale", (void *)c, c->mta);
	job_reset(c->job);
	client_finish(c, CLIENT_STALE);
}

/* The session had been idle, and the hop has not answered MAIL. */
static bool
is_stale(const struct client *c)
{
	return c->used && (c->state == LOOKING || (c->state == ENVELOPE &&
	    c->next <= (c->wants_rset ? 1u : 0u) + c->nxforward));
}

void
client_break_off(struct client *c, const struct outcome *why)
{
	if (c->job == NULL) {
		client_fail(c, c->state < IDLE ? why : NULL);
		return;
	}
	c->job->connected = false;
	c->job->trouble = why->code == 421 ? RELAY_TROUBLE_BUSY :
	    RELAY_TROUBLE_CONNECT;
	job_result_rest(c->job, why);
	client_finish(c, CLIENT_CLOSED);
}

static const char *
waits_for(const struct client *c)
{
	return client_at_data(c) ? "the answer to DATA" :
	    client_states[c->state].waits_for;
}

/* The connection has ended without a reply. */
static void
lost(struct client *c, const char *error)
{
	struct outcome	why;
	char		port[HOP_PORT_TEXT];

	if (c->job != NULL && is_stale(c)) {
		client_stale(c);
		return;
	}
	if (client_tls_broken(c, error))
		return;
	if (c->state == CONNECTING)
		outcome_set(&why, 451, "4.4.1", "cannot connect to %s%s: %s",
		    c->mta, hop_port_text(&c->addr, port), error);
	else
		outcome_set(&why, 451, "4.4.2",
		    "connection lost while waiting for %s%s%s",
		    waits_for(c), error == NULL ? "" : ": ",
		    error == NULL ? "" : error);
	client_break_off(c, &why);
}

void
client_nonsense(struct client *c)
{
	struct outcome	why;

	outcome_set(&why, 451, "4.5.0", "not understood instead of %s",
	    waits_for(c));
	client_break_off(c, &why);
}

bool
client_out_of_step(const struct client *c)
{
	return c->unread > 0 || client_io_waiting(c);
}

void
client_surplus(struct client *c)
{
	struct outcome	why;

	outcome_set(&why, 451, "4.5.0", "more replies than commands");
	client_break_off(c, &why);
}

/* --- replies */

/* 421 may come at any time (3.8, 4.2.1): the hop closes. */
static void
closing_reply(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (c->job != NULL && is_stale(c)) {
		client_stale(c);
		return;
	}
	outcome_reply(&why, r);
	client_break_off(c, &why);
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
		client_greeting_reply(c, r);
		break;
	case EHLO:
		client_ehlo_reply(c, r);
		break;
	case HELO:
		client_helo_reply(c, r);
		break;
	case STARTTLS:
		client_starttls_reply(c, r);
		break;
	case AUTH:
		client_auth_reply(c, r);
		break;
	case ENVELOPE:
		client_envelope_reply(c, r);
		break;
	case CONTENT:
		client_early_reply(c, r);
		break;
	case DOT:
		client_dot_reply(c, r);
		break;
	case LOOKING:
		client_surplus(c);
		break;
	case LONE_DOT:
		c->wants_rset = false;
		client_finish(c, CLIENT_IDLE);
		break;
	case CONNECTING:
	case HANDSHAKE:
	case IDLE:
	case QUIT:
	case GONE:
		client_fail(c, NULL);
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
		if (got == REPLY_MORE) {
			c->unread = in.n;
			break;
		}
		if (got == REPLY_NONSENSE) {
			client_nonsense(c);
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
	static char	 input[REPLY_MAX];
	const char	*why;
	size_t		 n;

	do {
		switch (client_io_read(c, input, sizeof(input), &n, &why)) {
		case IO_OCTETS:
			take_input(c, span_mem(input, n));
			break;
		case IO_ENDED:
			lost(c, why);
			break;
		case IO_LATER:
			break;
		}
	} while (!c->freed && c->state != GONE && client_io_pending(c));
}

static void
on_connected(struct client *c)
{
	int	error = client_io_connected(c);

	if (error != 0)
		lost(c, strerror(error));
	else if (client_tls_first(c))
		client_tls_begin(c);
	else
		client_step(c, GREETING, "connected");
}

/* What came with the last of it no poll announces. */
static void
on_handshake(struct client *c)
{
	client_tls_proceed(c);
	if (!c->freed && client_io_pending(c))
		on_readable(c);
}

static void
on_writable(struct client *c)
{
	if (c->state == CONTENT)
		client_proceed(c);
	else
		client_flush(c);
}

static void
serve(struct client *c, int what)
{
	bool	turned = c->tls.turned;

	if (c->state == CONNECTING) {
		on_connected(c);
		return;
	}
	if (c->state == HANDSHAKE) {
		on_handshake(c);
		return;
	}
	if (what & LOOP_READ)
		on_readable(c);
	if (((what & LOOP_WRITE) || turned) && !c->freed &&
	    c->state > GREETING && c->state != HANDSHAKE && c->state != GONE)
		on_writable(c);
}

void
client_call_begin(struct client *c)
{
	c->busy = true;
}

void
client_call_end(struct client *c)
{
	c->busy = false;
	if (c->freed)
		destroy(c);
}

void
client_on_ready(void *arg, int what)
{
	struct client	*c = arg;

	client_call_begin(c);
	serve(c, what);
	client_call_end(c);
}

/* --- what the owner calls */

struct client *
client_new(int fd, const struct hop_addr *addr, struct self *self,
    const struct client_ops *ops, void *arg)
{
	struct client	*c = xcalloc(1, sizeof(*c));

	c->ops = ops;
	c->arg = arg;
	hop_addr_copy(&c->addr, addr);
	c->self = self_ref(self);
	client_set_mta(c, hop_addr_name(addr));
	c->state = CONNECTING;
	c->deadline_ms = client_deadline(client_states[CONNECTING].seconds);
	client_io_open(c, fd);
	return c;
}

void
client_quit(struct client *c)
{
	buf_add_str(&c->out, "QUIT\r\n");
	client_step(c, QUIT, "idle for long");
	client_flush(c);
}

void
client_rest(struct client *c)
{
	c->used = true;
}

bool
client_is_spent(const struct client *c)
{
	return c->ext.mail_max > 0 && c->mails >= c->ext.mail_max;
}

const struct hop_addr *
client_addr(const struct client *c)
{
	return &c->addr;
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

	if (c->state == HANDSHAKE) {
		client_tls_late(c);
		return;
	}
	outcome_set(&why, 451, c->state == CONNECTING ? "4.4.1" : "4.4.2",
	    "timed out while waiting for %s", waits_for(c));
	client_break_off(c, &why);
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
