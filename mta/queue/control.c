/*
 * control.c - the control socket's clients; control.h.
 *
 * Who may connect is said by the socket's mode.  A client that is slow to ask
 * or to read holds only its own answer, and not for ever.
 */
#include "mta/queue/control.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CLIENTS_MAX	32
#define PATIENCE_MS	120000	/* for all of a conversation */

/* For what a client's answer waits. */
enum waits { WAITS_NOT, WAITS_STATUS, WAITS_RELOAD, WAITS_SYNC };

struct client {
	struct client	*next;
	struct control	*control;
	int		 fd;
	struct watch	 watch;
	struct buf	 in, out;
	struct json	 json;
	uint64_t	 ticket;
	uint8_t		 waits;		/* enum waits */
	int64_t		 since_ms;
};

struct control {
	struct queue	*q;
	struct watch	 watch;
	struct client	*first;
	unsigned	 n;
	uint64_t	 tickets;
};

static void on_client(void *, int);

static void
client_free(struct client *c)
{
	struct client	**at = &c->control->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->n--;
	watch_clear(&c->watch);
	close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
}

/* --- answering */

static void
on_writable(struct client *c)
{
	ssize_t	n;

	while (c->out.n > 0) {
		n = send(c->fd, buf_span(&c->out).p, c->out.n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			client_free(c);
			return;
		}
		buf_eat(&c->out, (size_t)n);
	}
	client_free(c);
}

static void
answer_begin(struct client *c)
{
	json_init(&c->json, &c->out);
	json_object(&c->json, NULL);
}

static void
answer_end(struct client *c)
{
	json_object_end(&c->json);
	buf_add_char(&c->out, '\n');
	c->waits = WAITS_NOT;
	watch_set(&c->watch, c->fd, LOOP_WRITE, on_client, c);
}

/* --- what the parent has to say */

/* Nothing is read from a client that waits, nor can it go meanwhile. */
static uint64_t
wait_for(struct client *c, enum waits what)
{
	c->ticket = ++c->control->tickets;
	c->waits = (uint8_t)what;
	watch_set(&c->watch, c->fd, 0, on_client, c);
	return c->ticket;
}

static void
ask_parent(struct client *c, enum waits what)
{
	struct chan	*p = child_parent();

	if (p == NULL) {	/* it ends, and so shall we */
		client_free(c);
		return;
	}
	chan_begin(p, what == WAITS_RELOAD ? MSG_RELOAD : MSG_STATUS);
	chan_u64(p, wait_for(c, what));
	chan_end(p);
}

static struct client *
by_ticket(struct control *k, uint64_t ticket, enum waits what)
{
	struct client	*c;

	for (c = k->first; c != NULL; c = c->next)
		if (c->ticket == ticket && c->waits == what)
			return c;
	return NULL;
}

static bool
take_reloaded(struct control *k, struct msg *msg)
{
	struct client	*c = by_ticket(k, msg_u64(msg), WAITS_RELOAD);
	bool		 ok = msg_u8(msg) != 0;
	struct span	 text = msg_bytes(msg, CHAN_MSG_MAX);

	if (!msg_end(msg))
		return false;
	if (c != NULL) {
		json_bool(&c->json, "ok", ok);
		json_text(&c->json, "text", text);
		answer_end(c);
	}
	return true;
}

/* The fields after ticket and last, as one process of the answer. */
static void
put_process(struct json *j, struct msg *msg)
{
	struct span	counters;
	unsigned	i;

	json_object(j, NULL);
	json_str(j, "name", proc_name(msg_u8(msg)));
	json_uint(j, "instance", msg_u32(msg));
	json_uint(j, "pid", msg_u32(msg));
	json_uint(j, "restarts", msg_u32(msg));
	json_bool(j, "answered", msg_u8(msg) != 0);
	json_array(j, "lag");
	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		json_uint(j, NULL, msg_u64(msg));
	json_array_end(j);
	counters = msg_bytes(msg, CHAN_MSG_MAX);	/* empty: no answer */
	json_raw(j, "counters", counters.n > 0 ? counters : SPAN("{}"));
	json_object_end(j);
}

static bool
take_status_part(struct control *k, struct msg *msg)
{
	struct client	*c = by_ticket(k, msg_u64(msg), WAITS_STATUS);
	bool		 last = msg_u8(msg) != 0;
	struct buf	 nowhere = { 0 };
	struct json	 unwanted;

	if (c == NULL) {	/* has gone meanwhile */
		json_init(&unwanted, &nowhere);
		put_process(&unwanted, msg);
		buf_clear(&nowhere);
		return msg_end(msg);
	}
	put_process(&c->json, msg);
	if (!msg_end(msg))
		return false;
	if (last) {
		json_array_end(&c->json);
		answer_end(c);
	}
	return true;
}

bool
control_message(struct queue *q, struct msg *msg)
{
	switch (msg->type) {
	case MSG_RELOADED:
		return take_reloaded(q->control, msg);
	case MSG_STATUS_PART:
		return take_status_part(q->control, msg);
	default:
		return false;
	}
}

/* --- asking */

/* synced: what was done is durable before the answer says so. */
static const struct {
	const char	*word;
	void		(*answer)(struct queue *, struct json *, struct span);
	bool		 synced;
} commands[] = {
	{ "list", answer_list, false },
	{ "show", answer_show, false },
	{ "retry", answer_retry, false },
	{ "remove", answer_remove, true },
};

struct synced {
	struct control	*control;
	uint64_t	 ticket;
};

static void
on_synced(void *arg)
{
	struct synced	*s = arg;
	struct client	*c = by_ticket(s->control, s->ticket, WAITS_SYNC);

	if (c != NULL)
		answer_end(c);
	free(s);
}

static void
answer_when_synced(struct client *c)
{
	struct synced	*s = xcalloc(1, sizeof(*s));

	*s = (struct synced){ c->control, wait_for(c, WAITS_SYNC) };
	journal_sync(c->control->q->journal, on_synced, s);
}

static void
obey(struct client *c, struct span line)
{
	struct span	word = answer_word(&line);
	struct queue	*q = c->control->q;
	size_t		i;

	answer_begin(c);
	if (span_eq(word, SPAN("status"))) {
		answer_queue(q, &c->json);
		json_array(&c->json, "processes");
		ask_parent(c, WAITS_STATUS);
		return;
	}
	if (span_eq(word, SPAN("reload"))) {
		ask_parent(c, WAITS_RELOAD);
		return;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (span_eq(word, span_of(commands[i].word))) {
			commands[i].answer(q, &c->json, line);
			if (commands[i].synced)
				answer_when_synced(c);
			else
				answer_end(c);
			return;
		}
	answer_error(&c->json, "no such command");
	answer_end(c);
}

static void
on_readable(struct client *c)
{
	struct span	in;
	ssize_t		n;
	ptrdiff_t	end;

	n = recv(c->fd, buf_reserve(&c->in, CONTROL_LINE_MAX),
	    CONTROL_LINE_MAX, MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_free(c);
		return;
	}
	buf_grown(&c->in, (size_t)n);
	in = buf_span(&c->in);
	if ((end = span_index(in, '\n')) != -1) {
		in.n = (size_t)end;
		if (in.n > 0 && in.p[in.n - 1] == '\r')
			in.n--;
		obey(c, in);
	} else if (in.n > CONTROL_LINE_MAX)
		client_free(c);
}

static void
on_client(void *arg, int what)
{
	struct client	*c = arg;

	if (what & LOOP_WRITE)
		on_writable(c);
	else
		on_readable(c);
}

static void
on_connection(void *arg, int what)
{
	struct control	*k = arg;
	struct client	*c;
	int		 fd;

	(void)what;
	fd = accept4(k->q->control_fd, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1)
		return;
	if (k->n >= CLIENTS_MAX) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->control = k;
	c->fd = fd;
	c->since_ms = clock_boot_ms();
	c->next = k->first;
	k->first = c;
	k->n++;
	watch_set(&c->watch, fd, LOOP_READ, on_client, c);
}

void
control_tick(struct queue *q)
{
	struct client	*c, *next;

	for (c = q->control->first; c != NULL; c = next) {
		next = c->next;
		if (clock_boot_ms() - c->since_ms > PATIENCE_MS)
			client_free(c);
	}
}

void
control_open(struct queue *q)
{
	struct control	*k = xcalloc(1, sizeof(*k));

	k->q = q;
	q->control = k;
	watch_set(&k->watch, q->control_fd, LOOP_READ, on_connection, k);
}
