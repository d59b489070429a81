/*
 * chat.c - the hop and the owner of a chat.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/xalloc.h"
#include "mta/spool/envelope.h"
#include "test/unit/relay/chat.h"

#define PAUSE_MS	20

struct play	play;

/* --- the hop */

void
hop_close(void)
{
	watch_clear(&play.watch);
	timer_clear(&play.pause);
	if (play.fd != -1)
		close(play.fd);
	play.fd = -1;
}

/* The chat's next line; false at its end. */
static bool
next_line(struct span *line)
{
	const char	*nl = strchr(play.at, '\n');

	if (nl == NULL)
		return false;
	*line = (struct span){ play.at, (size_t)(nl - play.at) };
	play.at = nl + 1;
	return true;
}

static bool
got_line(struct span wanted)
{
	struct span	in = buf_span(&play.in);
	ptrdiff_t	nl = span_index(in, '\n');

	if (nl < 0)
		return false;
	in.n = (size_t)nl - 1;
	if (!span_eq(in, wanted))
		fail_msg("%s: got \"%.*s\", wanted \"%.*s\"", play.chat->name,
		    SPAN_ARG(in), SPAN_ARG(wanted));
	buf_eat(&play.in, (size_t)nl + 1);
	return true;
}

static bool
got_content(void)
{
	char	*want;

	if (play.in.n < play.length)
		return false;
	want = xmalloc(play.length + 1);
	assert_int_equal(pread(play.content_fd, want, play.length, 0),
	    (ssize_t)play.length);
	assert_memory_equal(play.in.base + play.in.off, want, play.length);
	free(want);
	buf_eat(&play.in, play.length);
	return true;
}

/* A record of a handshake (RFC 8446, 5.1). */
static bool
got_tls(void)
{
	if (play.in.n < 5)
		return false;
	assert_int_equal(play.in.base[play.in.off], 0x16);
	buf_reset(&play.in);
	return true;
}

static void
flush(struct buf *out)
{
	if (out->n > 0)
		assert_int_equal(file_write_all(play.fd, out->base + out->off,
		    out->n), 0);
	buf_clear(out);
}

static void	hop_goes_on(void);
static void	send_job(void);

static void
pause_over(void *arg)
{
	(void)arg;
	hop_goes_on();
}

/* As far as the chat goes without the client. */
static void
hop_goes_on(void)
{
	struct buf	 out = { 0 };
	struct span	 line;
	const char	*here;

	while (play.fd != -1 && !timer_pending(&play.pause) &&
	    (here = play.at, next_line(&line))) {
		if (span_prefix(line, SPAN("S: ")))
			buf_addf(&out, "%.*s\r\n", SPAN_ARG(span_from(line, 3)));
		else if (span_prefix(line, SPAN("L: ")))
			buf_addf(&out, "%.*s\n", SPAN_ARG(span_from(line, 3)));
		else if (span_prefix(line, SPAN("R: ")))
			buf_add_span(&out, span_from(line, 3));
		else if (span_prefix(line, SPAN("C: "))) {
			flush(&out);
			if (!got_line(span_from(line, 3))) {
				play.at = here;
				return;
			}
		} else if (span_eq(line, SPAN("B"))) {
			flush(&out);
			if (!got_content()) {
				play.at = here;
				return;
			}
		} else if (span_eq(line, SPAN("H"))) {
			flush(&out);
			if (!got_tls()) {
				play.at = here;
				return;
			}
		} else if (span_eq(line, SPAN("X"))) {
			flush(&out);
			hop_close();
		} else if (span_eq(line, SPAN("T"))) {
			flush(&out);
			client_tick(play.client, loop_now_ms() + 3600000);
		} else if (span_eq(line, SPAN("W"))) {
			timer_set(&play.pause, PAUSE_MS, pause_over, NULL);
		} else if (span_eq(line, SPAN("N"))) {
			flush(&out);
			send_job();
		}
	}
	flush(&out);
}

static void
hop_readable(void *arg, int what)
{
	char	*room = buf_reserve(&play.in, 65536);
	ssize_t	 n = read(play.fd, room, 65536);

	(void)arg;
	(void)what;
	if (n > 0)
		buf_grown(&play.in, (size_t)n);
	else
		watch_set(&play.watch, play.fd, 0, hop_readable, NULL);
	hop_goes_on();
}

/* --- the owner */

static struct job *
new_job(void)
{
	struct arena	 arena = { 0 };
	struct job	*j = arena_alloc(&arena, sizeof(*j));
	unsigned	 i;

	j->arena = arena;
	j->connected = true;
	j->sender = span_of(play.chat->sender != NULL ? play.chat->sender :
	    "a@x.example");
	j->flags = play.chat->flags;
	j->envid = span_of(play.chat->envid == NULL ? "" : play.chat->envid);
	j->by_ms = clock_wall_ms() + play.chat->by_s * 1000 + 900;
	j->fd = dup(play.content_fd);
	j->length = play.length;
	j->n = play.chat->nrcpts == 0 ? 1 : play.chat->nrcpts;
	j->rcpts = arena_alloc(&j->arena, j->n * sizeof(*j->rcpts));
	for (i = 0; i < j->n; i++) {
		j->rcpts[i].index = i;
		j->rcpts[i].address = arena_printf(&j->arena, "r%u@y", i + 1);
	}
	if (play.chat->rcpt != NULL)
		j->rcpts[0].address = span_of(play.chat->rcpt);
	j->rcpts[0].notify = play.chat->notify;
	if (play.chat->orcpt_type != NULL) {
		j->rcpts[0].orcpt_type = span_of(play.chat->orcpt_type);
		j->rcpts[0].orcpt = span_of(play.chat->orcpt);
	}
	j->origin[XFORWARD_ADDR] = SPAN("192.0.2.9");
	j->origin[XFORWARD_PROTO] = SPAN("ESMTP");
	j->origin[XFORWARD_HELO] = SPAN("a b");
	j->origin[XFORWARD_IDENT] = SPAN("7");
	j->origin[XFORWARD_SOURCE] = SPAN("REMOTE");
	return j;
}

static void
send_job(void)
{
	play.jobs++;
	play.job = new_job();
	client_send(play.client, play.job);
}

static void
on_ready(void *arg)
{
	(void)arg;
	buf_add_str(&play.told, "ready");
	send_job();
}

static void
on_failed(void *arg, const struct outcome *why)
{
	(void)arg;
	if (why == NULL)
		buf_add_str(&play.told, "; ended");
	else
		buf_addf(&play.told, "failed %u %s %s%s", why->code,
		    why->status, why->text,
		    client_wants_clear(play.client) ? "; in the clear" : "");
	client_free(&play.client);
	loop_stop();
}

static void
tell_job(void)
{
	size_t	i;

	for (i = 0; i < play.job->n; i++)
		buf_addf(&play.told, "; %u %.*s %.*s", play.job->rcpts[i].code,
		    SPAN_ARG(play.job->rcpts[i].status),
		    SPAN_ARG(play.job->rcpts[i].text));
	if (!play.job->connected)
		buf_add_str(&play.told, "; unconnected");
}

static void
on_finished(void *arg, enum client_end end)
{
	static const char *const	names[] = { "idle", "closed", "stale" };

	(void)arg;
	tell_job();
	buf_addf(&play.told, "; %s", names[end]);
	job_free(&play.job);
	if (end == CLIENT_IDLE && play.chat->stays)
		return;
	if (end == CLIENT_IDLE && play.jobs <
	    (play.chat->njobs == 0 ? 1 : play.chat->njobs)) {
		send_job();
		return;
	}
	if (end == CLIENT_IDLE) {
		client_quit(play.client);
		return;
	}
	client_free(&play.client);
	loop_stop();
}

static const struct client_ops	ops = { on_ready, on_failed, on_finished };

static void
put_content(const char *text, size_t n)
{
	if (text == NULL)
		text = "Subject: x\r\n\r\n.hi\r\n";
	play.length = n > 0 ? n : strlen(text);
	play.content_fd = memfd_create("content", MFD_CLOEXEC);
	assert_int_equal(file_write_all(play.content_fd, text, play.length), 0);
}

static void
want_tls(const struct chat *c)
{
	const struct tls_connector_options	none = { .trust = NULL };
	const char				*why;
	struct client_tls_want			 want = {
		.level = { .level = c->tls, .plain_after =
		    c->tls == TLS_LEVEL_OPPORTUNISTIC },
		.first = c->tls_first, .no_clear = c->tls_login,
		.clear = c->tls_clear, .why_not = "there is no way"
	};

	if (!c->tls_unable)
		want.connector = tls_connector_new(&none, &why);
	client_want_tls(play.client, &want);
	tls_connector_unref(&want.connector);
}

void
begin(const struct chat *c)
{
	static const struct self_locals	none;
	struct hop_addr			addr = { .port = 25, .name = "mx.y",
	    .lmtp = c->lmtp, .filter = c->filter };
	struct self			*self;
	int				fds[2];

	memset(&play, 0, sizeof(play));
	play.chat = c;
	play.at = c->chat;
	put_content(c->content, c->content_n);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	play.fd = fds[1];
	assert_true(ip_parse(SPAN("192.0.2.1"), &addr.ip));
	self = self_new(SPAN("me.example"), &none);
	self_add_listener(self, SPAN("192.0.2.1:25"));
	play.client = client_new(fds[0], &addr, self, &ops, NULL);
	self_unref(&self);
	want_tls(c);
	watch_set(&play.watch, play.fd, LOOP_READ, hop_readable, NULL);
	hop_goes_on();
}

void
run_chat(const struct chat *c)
{
	alarm(20);
	begin(c);
	loop_run();
	if (strcmp(buf_cstr(&play.told), c->wanted) != 0)
		fail_msg("%s:\n got    %s\n wanted %s", c->name,
		    buf_cstr(&play.told), c->wanted);
	hop_close();
	close(play.content_fd);
	buf_clear(&play.in);
	buf_clear(&play.told);
}

void
run_chats(const struct chat *c, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		run_chat(&c[i]);
}
