/*
 * control.c - the control socket's clients; control.h.
 *
 * Who may connect is said by the socket's mode.  A client that is slow to ask
 * or to read holds only its own answer, and not for ever.
 */
#include "mta/queue/control_int.h"
#include "mta/queue/probe.h"
#include "mta/queue/tls_reports.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CLIENTS_MAX	32
#define PATIENCE_MS	(2 * 60 * 1000)		/* for a line, and for others' answers */
#define READER_MS	(30 * 60 * 1000)	/* for who reads it page by page */
#define AGAIN_BELOW	(CLIENT_OUT_MAX / 4)	/* so little is left to read */

static void on_client(void *, int);

void
client_free(struct client *c)
{
	struct client	**at = &c->control->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->n--;
	walk_end(c);
	content_end(c);
	watch_clear(&c->watch);
	close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	arena_clear(&c->arena);
	free(c);
}

struct client *
client_by_ticket(struct control *k, uint64_t ticket, enum waits what)
{
	struct client	*c;

	for (c = k->first; c != NULL; c = c->next)
		if (c->ticket == ticket && c->waits == what)
			return c;
	return NULL;
}

/* --- answering */

void
client_begin(struct client *c)
{
	json_init(&c->json, &c->out);
	json_object(&c->json, NULL);
}

void
client_end(struct client *c)
{
	json_object_end(&c->json);
	buf_add_char(&c->out, '\n');
}

bool
client_is_full(const struct client *c)
{
	return c->out.n >= CLIENT_OUT_MAX;
}

uint64_t
client_wait(struct client *c, enum waits what)
{
	c->ticket = ++c->control->tickets;
	c->waits = (uint8_t)what;
	c->since_ms = clock_boot_ms();
	watch_set(&c->watch, c->fd, 0, on_client, c);
	return c->ticket;
}

void
client_flush(struct client *c, void (*more)(struct client *))
{
	c->more = more;
	c->waits = WAITS_READER;
	c->since_ms = clock_boot_ms();
	watch_set(&c->watch, c->fd, LOOP_WRITE, on_client, c);
}

void
client_finish(struct client *c)
{
	client_flush(c, NULL);
}

void
client_error(struct client *c, const char *why)
{
	client_begin(c);
	answer_error(&c->json, why);
	client_end(c);
	client_finish(c);
}

void
client_error_all(struct control *k, enum waits what, const char *why)
{
	struct client	*c;

	for (c = k->first; c != NULL; c = c->next) {
		if (c->waits != what)
			continue;
		buf_eat(&c->out, c->out.n);	/* half an answer */
		client_error(c, why);
	}
}

static void
on_writable(struct client *c)
{
	void	(*more)(struct client *) = c->more;
	ssize_t	  n;

	while (c->out.n > 0) {
		n = send(c->fd, buf_span(&c->out).p, c->out.n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1) {
			client_free(c);
			return;
		}
		c->since_ms = clock_boot_ms();
		buf_eat(&c->out, (size_t)n);
	}
	if (more != NULL && c->out.n <= AGAIN_BELOW)
		more(c);
	else if (more == NULL && c->out.n == 0)
		client_free(c);
}

/* --- what was done is durable */

struct synced {
	struct control	*control;
	uint64_t	 ticket;
};

static void
on_synced(void *arg)
{
	struct synced	*s = arg;
	struct client	*c = client_by_ticket(s->control, s->ticket,
			    WAITS_SYNC);

	if (c != NULL) {
		client_end(c);
		client_finish(c);
	}
	free(s);
}

void
client_finish_synced(struct client *c)
{
	struct synced	*s = xcalloc(1, sizeof(*s));

	*s = (struct synced){ c->control, client_wait(c, WAITS_SYNC) };
	journal_sync(c->control->q->journal, on_synced, s);
}

/* --- asking */

static bool
has_asked(const struct client *c)
{
	return c->waits != WAITS_NOT;
}

static const struct {
	const char	*word;
	void		(*answer)(struct queue *, struct json *, const struct request *);
} documents[] = {
	{ "show", answer_show },
	{ "why", answer_why },
};

static bool
answer_document(struct client *c)
{
	size_t	i;

	for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		if (span_eq(c->request.word, span_of(documents[i].word))) {
			client_begin(c);
			documents[i].answer(c->control->q, &c->json,
			    &c->request);
			client_end(c);
			client_finish(c);
			return true;
		}
	return false;
}

static bool
ask_others(struct client *c)
{
	if (span_eq(c->request.word, SPAN("status"))) {
		client_begin(c);
		answer_queue(c->control->q, &c->json);
		json_array(&c->json, "processes");
		parent_ask(c, WAITS_STATUS);
		return true;
	}
	if (span_eq(c->request.word, SPAN("tls-report"))) {
		tls_reports_ask(c, c->request.day);
		return true;
	}
	if (span_eq(c->request.word, SPAN("probe"))) {
		probe_ask(c);
		return true;
	}
	if (span_eq(c->request.word, SPAN("reload"))) {
		client_begin(c);
		parent_ask(c, WAITS_RELOAD);
		return true;
	}
	return false;
}

static void
obey(struct client *c, struct span line)
{
	const char	*why;

	if (request_parse(line, &c->arena, &c->request, &why) == -1)
		client_error(c, why);
	else if (span_eq(c->request.word, SPAN("content")))
		content_begin(c);
	else if (!ask_others(c) && !answer_document(c) && !walk_begin(c))
		client_error(c, "no such command");
}

static void
on_readable(struct client *c)
{
	struct span	in;
	ssize_t		n;
	ptrdiff_t	end;

	n = recv(c->fd, buf_reserve(&c->in, REQUEST_LINE_MAX),
	    REQUEST_LINE_MAX, MSG_DONTWAIT);
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
	} else if (in.n > REQUEST_LINE_MAX)
		client_error(c, "the line is too long");
}

static void
on_client(void *arg, int what)
{
	struct client	*c = arg;

	if (what & LOOP_WRITE)
		on_writable(c);
	else if (has_asked(c))
		client_free(c);		/* it has gone; what else it said does not count */
	else
		on_readable(c);
}

static uint32_t
uid_of(int fd)
{
	struct ucred	cred = { .uid = UINT32_MAX };
	socklen_t	n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1)
		log_warn("control: who is it?");
	return (uint32_t)cred.uid;
}

/* Room for one more: who has long been silent goes; false: all are being answered. */
static bool
make_room(struct control *k)
{
	struct client	*c, *oldest = NULL;

	if (k->n < CLIENTS_MAX)
		return true;
	for (c = k->first; c != NULL; c = c->next)
		if (!has_asked(c))
			oldest = c;	/* the last that is met */
	if (oldest == NULL)
		return false;
	client_free(oldest);
	return true;
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
	if (!make_room(k)) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->control = k;
	c->fd = fd;
	c->uid = uid_of(fd);
	c->since_ms = clock_boot_ms();
	c->next = k->first;
	k->first = c;
	k->n++;
	watch_set(&c->watch, fd, LOOP_READ, on_client, c);
}

static int64_t
patience_ms(const struct client *c)
{
	return c->waits == WAITS_READER ? READER_MS : PATIENCE_MS;
}

void
control_tick(struct queue *q)
{
	struct client	*c, *next;

	for (c = q->control->first; c != NULL; c = next) {
		next = c->next;
		if (clock_boot_ms() - c->since_ms > patience_ms(c))
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
