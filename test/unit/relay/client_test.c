/*
 * client_test.c - the client's states against a scripted hop.
 *
 * A chat is lines: "S: " the hop says, "C: " it waits for that line, "R: " it
 * says without a line's end, "L: " with LF alone, "X" it closes, "T" time runs
 * out, "W" it waits until the client has read all, "N" the owner sends the next
 * message, "B" it waits for the content, octet by octet.
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
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/relay/client.h"
#include "mta/spool/envelope.h"

#define PAUSE_MS	20

struct chat {
	const char	*name;
	const char	*chat;
	const char	*wanted;	/* what the owner was told */
	unsigned	 nrcpts;	/* of each message; 0: 1 */
	unsigned	 njobs;		/* messages one after the other; 0: 1 */
	unsigned	 flags;
	const char	*content;	/* NULL: "Subject: x\r\n\r\n.hi\r\n" */
	size_t		 content_n;	/* 0: to its NUL */
	const char	*sender;	/* NULL: a@x.example */
	const char	*rcpt;		/* the first; NULL: r1@y */
	const char	*envid;
	int		 by_s;		/* seconds from now, and some */
	uint8_t		 notify;	/* of the first recipient */
	const char	*orcpt_type, *orcpt;
	bool		 stays;		/* idle, until "N" */
};

static struct {
	const struct chat	*chat;
	const char		*at;	/* in the chat's text */
	int			 fd;	/* the hop's end; -1: closed */
	struct watch		 watch;
	struct timer		 pause;	/* "W" */
	struct buf		 in, told;
	struct client		*client;
	struct job		*job;
	unsigned		 jobs;
	int			 content_fd;
	uint64_t		 length;
} t;

/* --- the hop */

static void
hop_close(void)
{
	watch_clear(&t.watch);
	timer_clear(&t.pause);
	if (t.fd != -1)
		close(t.fd);
	t.fd = -1;
}

/* The chat's next line; false at its end. */
static bool
next_line(struct span *line)
{
	const char	*nl = strchr(t.at, '\n');

	if (nl == NULL)
		return false;
	*line = (struct span){ t.at, (size_t)(nl - t.at) };
	t.at = nl + 1;
	return true;
}

static bool
got_line(struct span wanted)
{
	struct span	in = buf_span(&t.in);
	ptrdiff_t	nl = span_index(in, '\n');

	if (nl < 0)
		return false;
	in.n = (size_t)nl - 1;
	if (!span_eq(in, wanted))
		fail_msg("%s: got \"%.*s\", wanted \"%.*s\"", t.chat->name,
		    SPAN_ARG(in), SPAN_ARG(wanted));
	buf_eat(&t.in, (size_t)nl + 1);
	return true;
}

static bool
got_content(void)
{
	char	*want;

	if (t.in.n < t.length)
		return false;
	want = xmalloc(t.length + 1);
	assert_int_equal(pread(t.content_fd, want, t.length, 0),
	    (ssize_t)t.length);
	assert_memory_equal(t.in.base + t.in.off, want, t.length);
	free(want);
	buf_eat(&t.in, t.length);
	return true;
}

static void
flush(struct buf *out)
{
	if (out->n > 0)
		assert_int_equal(file_write_all(t.fd, out->base + out->off,
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

	while (t.fd != -1 && !timer_pending(&t.pause) &&
	    (here = t.at, next_line(&line))) {
		if (span_prefix(line, SPAN("S: ")))
			buf_addf(&out, "%.*s\r\n", SPAN_ARG(span_from(line, 3)));
		else if (span_prefix(line, SPAN("L: ")))
			buf_addf(&out, "%.*s\n", SPAN_ARG(span_from(line, 3)));
		else if (span_prefix(line, SPAN("R: ")))
			buf_add_span(&out, span_from(line, 3));
		else if (span_prefix(line, SPAN("C: "))) {
			flush(&out);
			if (!got_line(span_from(line, 3))) {
				t.at = here;
				return;
			}
		} else if (span_eq(line, SPAN("B"))) {
			flush(&out);
			if (!got_content()) {
				t.at = here;
				return;
			}
		} else if (span_eq(line, SPAN("X"))) {
			flush(&out);
			hop_close();
		} else if (span_eq(line, SPAN("T"))) {
			flush(&out);
			client_tick(t.client, loop_now_ms() + 3600000);
		} else if (span_eq(line, SPAN("W"))) {
			timer_set(&t.pause, PAUSE_MS, pause_over, NULL);
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
	char	*room = buf_reserve(&t.in, 65536);
	ssize_t	 n = read(t.fd, room, 65536);

	(void)arg;
	(void)what;
	if (n > 0)
		buf_grown(&t.in, (size_t)n);
	else
		watch_set(&t.watch, t.fd, 0, hop_readable, NULL);
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
	j->sender = span_of(t.chat->sender != NULL ? t.chat->sender :
	    "a@x.example");
	j->flags = t.chat->flags;
	j->envid = span_of(t.chat->envid == NULL ? "" : t.chat->envid);
	j->by_ms = clock_wall_ms() + t.chat->by_s * 1000 + 900;
	j->fd = dup(t.content_fd);
	j->length = t.length;
	j->n = t.chat->nrcpts == 0 ? 1 : t.chat->nrcpts;
	j->rcpts = arena_alloc(&j->arena, j->n * sizeof(*j->rcpts));
	for (i = 0; i < j->n; i++) {
		j->rcpts[i].index = i;
		j->rcpts[i].address = arena_printf(&j->arena, "r%u@y", i + 1);
	}
	if (t.chat->rcpt != NULL)
		j->rcpts[0].address = span_of(t.chat->rcpt);
	j->rcpts[0].notify = t.chat->notify;
	if (t.chat->orcpt_type != NULL) {
		j->rcpts[0].orcpt_type = span_of(t.chat->orcpt_type);
		j->rcpts[0].orcpt = span_of(t.chat->orcpt);
	}
	return j;
}

static void
send_job(void)
{
	t.jobs++;
	t.job = new_job();
	client_send(t.client, t.job);
}

static void
on_ready(void *arg)
{
	(void)arg;
	buf_add_str(&t.told, "ready");
	send_job();
}

static void
on_failed(void *arg, const struct outcome *why)
{
	(void)arg;
	if (why == NULL)
		buf_add_str(&t.told, "; ended");
	else
		buf_addf(&t.told, "failed %u %s %s", why->code, why->status,
		    why->text);
	client_free(&t.client);
	loop_stop();
}

static void
tell_job(void)
{
	size_t	i;

	for (i = 0; i < t.job->n; i++)
		buf_addf(&t.told, "; %u %.*s %.*s", t.job->rcpts[i].code,
		    SPAN_ARG(t.job->rcpts[i].status),
		    SPAN_ARG(t.job->rcpts[i].text));
	if (!t.job->connected)
		buf_add_str(&t.told, "; unconnected");
}

static void
on_finished(void *arg, enum client_end end)
{
	static const char *const	names[] = { "idle", "closed", "stale" };

	(void)arg;
	tell_job();
	buf_addf(&t.told, "; %s", names[end]);
	job_free(&t.job);
	if (end == CLIENT_IDLE && t.chat->stays)
		return;
	if (end == CLIENT_IDLE && t.jobs <
	    (t.chat->njobs == 0 ? 1 : t.chat->njobs)) {
		send_job();
		return;
	}
	if (end == CLIENT_IDLE) {
		client_quit(t.client);
		return;
	}
	client_free(&t.client);
	loop_stop();
}

static const struct client_ops	ops = { on_ready, on_failed, on_finished };

static void
put_content(const char *text, size_t n)
{
	if (text == NULL)
		text = "Subject: x\r\n\r\n.hi\r\n";
	t.length = n > 0 ? n : strlen(text);
	t.content_fd = memfd_create("content", MFD_CLOEXEC);
	assert_int_equal(file_write_all(t.content_fd, text, t.length), 0);
}

static void
begin(const struct chat *c)
{
	static const struct self_locals	none;
	struct hop_addr			addr = { .port = 25, .name = "mx.y" };
	struct self			*self;
	int				fds[2];

	memset(&t, 0, sizeof(t));
	t.chat = c;
	t.at = c->chat;
	put_content(c->content, c->content_n);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	t.fd = fds[1];
	assert_true(ip_parse(SPAN("192.0.2.1"), &addr.ip));
	self = self_new(SPAN("me.example"), &none);
	self_add_listener(self, SPAN("192.0.2.1:25"));
	t.client = client_new(fds[0], &addr, self, &ops, NULL);
	self_unref(&self);
	watch_set(&t.watch, t.fd, LOOP_READ, hop_readable, NULL);
	hop_goes_on();
}

static void
run_chat(const struct chat *c)
{
	alarm(20);
	begin(c);
	loop_run();
	if (strcmp(buf_cstr(&t.told), c->wanted) != 0)
		fail_msg("%s:\n got    %s\n wanted %s", c->name,
		    buf_cstr(&t.told), c->wanted);
	hop_close();
	close(t.content_fd);
	buf_clear(&t.in);
	buf_clear(&t.told);
}

static void
run_chats(const struct chat *c, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		run_chat(&c[i]);
}

#define CHAT(n, c, ...)	{ .name = n, .chat = c, .wanted = __VA_ARGS__ }
#define RUN(chats)	run_chats(chats, sizeof(chats) / sizeof((chats)[0]))

/* --- chats */

#define HELLO		"S: 220 mx.y ready\nC: EHLO me.example\n"
#define PLAIN		HELLO "S: 250 mx.y\n"
#define PIPE		HELLO "S: 250-mx.y\nS: 250 PIPELINING\n"
#define MAIL		"C: MAIL FROM:<a@x.example>\n"
#define RCPT1		"C: RCPT TO:<r1@y>\n"
#define RCPT2		"C: RCPT TO:<r2@y>\n"
#define RCPT3		"C: RCPT TO:<r3@y>\n"
#define DATA		"C: DATA\n"
#define CONTENT		"C: Subject: x\nC: \nC: ..hi\nC: .\n"
#define QUIT		"C: QUIT\nS: 221 bye\n"
#define OK		"S: 250 2.0.0 ok\n"
#define GO		"S: 354 go\n"

static const struct chat	whole[] = {
	CHAT("one by one", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT
	    "S: 250 2.6.0 queued as 7\n" QUIT,
	    "ready; 250 2.6.0 queued as 7; idle; ended"),
	CHAT("pipelined, replies apart", PIPE MAIL RCPT1 DATA OK OK GO CONTENT
	    "S: 250 done\n" QUIT, "ready; 250 2.0.0 done; idle; ended"),
	CHAT("pipelined, replies in pieces", PIPE MAIL RCPT1 DATA
	    "R: 250-a\nS: \nS: 250 b\nR: 25\nS: 0 ok\nS: 354-\nS: 354 go\n"
	    CONTENT "R: 250 \nS: fine\n" QUIT,
	    "ready; 250 2.0.0 fine; idle; ended"),
	CHAT("two messages on one session", PIPE MAIL RCPT1 DATA OK OK GO CONTENT
	    OK MAIL RCPT1 DATA OK OK GO CONTENT "S: 250 second\n" QUIT,
	    "ready; 250 2.0.0 ok; idle; 250 2.0.0 second; idle; ended",
	    .njobs = 2),
	CHAT("HELO where EHLO is unknown", "S: 220 x\nC: EHLO me.example\n"
	    "S: 502 what?\nC: HELO me.example\nS: 250 hi\n" MAIL OK RCPT1 OK
	    DATA GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended"),
	CHAT("SIZE and 8BITMIME are used", HELLO
	    "S: 250-mx.y\nS: 250-size 1000\nS: 250 8bitmime\n"
	    "C: MAIL FROM:<a@x.example> SIZE=19 BODY=8BITMIME\n" OK RCPT1 OK
	    DATA GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_8BIT),
	CHAT("SMTPUTF8 is used", HELLO "S: 250-mx.y\nS: 250 SMTPUTF8\n"
	    "C: MAIL FROM:<a@x.example> SMTPUTF8\n" OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_UTF8),
	CHAT("a last line without its end", PLAIN MAIL OK RCPT1 OK DATA GO
	    "C: a\nC: ..\nC: .\n" OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .content = "a\r\n."),
	CHAT("lines that end with LF alone", "L: 220 x\nC: EHLO me.example\n"
	    "L: 250-x\nL: 250 PIPELINING\n" MAIL RCPT1 DATA OK OK GO CONTENT
	    OK QUIT, "ready; 250 2.0.0 ok; idle; ended"),
};

static void
a_message_is_sent(void **state)
{
	(void)state;
	RUN(whole);
}

static const struct chat	partial[] = {
	CHAT("some recipients are refused, pipelined",
	    PIPE MAIL RCPT1 RCPT2 RCPT3 DATA OK "S: 550 5.1.1 who?\n" OK
	    "S: 450-4.2.1 busy\nS: 450 4.2.1 now\n" GO CONTENT OK QUIT,
	    "ready; 550 5.1.1 who?; 250 2.0.0 ok; 450 4.2.1 busy now; idle; "
	    "ended", .nrcpts = 3),
	CHAT("some recipients are refused, one by one",
	    PLAIN MAIL OK RCPT1 "S: 550 no\n" RCPT2 OK DATA GO CONTENT OK QUIT,
	    "ready; 550 5.0.0 no; 250 2.0.0 ok; idle; ended", .nrcpts = 2),
	CHAT("all are refused: no DATA, then RSET", PLAIN MAIL OK RCPT1
	    "S: 550 no\nC: RSET\n" OK MAIL OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 550 5.0.0 no; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("all are refused, 354 comes: a lone dot (RFC 2920, 3.1)",
	    PIPE MAIL RCPT1 DATA OK "S: 550 5.1.1 no\n" GO
	    "C: .\nS: 554 no recipients\n" MAIL RCPT1 DATA OK OK GO CONTENT OK
	    QUIT, "ready; 550 5.1.1 no; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("all are refused, DATA too", PIPE MAIL RCPT1 DATA OK
	    "S: 550 5.1.1 no\nS: 503 5.5.1 none\n" "C: RSET\n" MAIL RCPT1 DATA
	    OK OK OK GO CONTENT OK QUIT,
	    "ready; 550 5.1.1 no; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("MAIL is refused, pipelined", PIPE MAIL RCPT1 RCPT2 DATA
	    "S: 550 5.7.1 not you\nS: 503 x\nS: 503 x\nS: 503 x\n" QUIT,
	    "ready; 550 5.7.1 not you; 550 5.7.1 not you; idle; ended",
	    .nrcpts = 2),
	CHAT("MAIL is refused, 354 comes", PIPE MAIL RCPT1 DATA
	    "S: 451 4.3.0 later\n" OK GO "C: .\n" OK QUIT,
	    "ready; 451 4.3.0 later; idle; ended"),
	CHAT("MAIL is refused, one by one", PLAIN MAIL "S: 452 4.3.1 full\n"
	    MAIL OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 452 4.3.1 full; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("DATA is refused", PIPE MAIL RCPT1 RCPT2 DATA OK OK "S: 550 no\n"
	    "S: 451 4.7.1 wait\n" QUIT,
	    "ready; 451 4.7.1 wait; 550 5.0.0 no; idle; ended", .nrcpts = 2),
	CHAT("the dot is refused", PIPE MAIL RCPT1 RCPT2 DATA OK OK "S: 550 no\n"
	    GO CONTENT "S: 554 5.7.1 spam\n" QUIT,
	    "ready; 554 5.7.1 spam; 550 5.0.0 no; idle; ended", .nrcpts = 2),
	CHAT("the dot is deferred", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT
	    "S: 451 wait\n" QUIT, "ready; 451 4.0.0 wait; idle; ended"),
	CHAT("a status of another class is none", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT "S: 451 5.1.1 wait\n" QUIT,
	    "ready; 451 4.0.0 5.1.1 wait; idle; ended"),
};

static void
refusals_belong_to_their_recipients(void **state)
{
	(void)state;
	RUN(partial);
}

#define UTF8_WHY	"553 5.6.7 mx.y[192.0.2.1] does not offer SMTPUTF8, " \
			"which the addresses or the header need"
#define NO_UTF8		"ready; " UTF8_WHY
#define NO_UTF8_LATER	"; " UTF8_WHY

static const struct chat	cannot[] = {
	CHAT("larger than SIZE", HELLO "S: 250-mx.y\nS: 250 SIZE 18\n" QUIT,
	    "ready; 552 5.3.4 19 octets are more than mx.y[192.0.2.1] takes "
	    "(18); idle; ended"),
	CHAT("SIZE without a limit", HELLO "S: 250-mx.y\nS: 250 SIZE 0\n"
	    "C: MAIL FROM:<a@x.example> SIZE=19\n" OK RCPT1 OK DATA GO CONTENT
	    OK QUIT, "ready; 250 2.0.0 ok; idle; ended"),
	CHAT("8 bit without 8BITMIME", PLAIN QUIT,
	    "ready; 554 5.6.3 mx.y[192.0.2.1] does not offer 8BITMIME, which "
	    "the content needs; idle; ended", .flags = ENV_8BIT,
	    .content = "\r\n\303\274\r\n"),
	CHAT("8BITMIME declared, yet 7 bit", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_8BIT),
	CHAT("SMTPUTF8 needed by the header", PLAIN QUIT, NO_UTF8 "; idle; ended",
	    .flags = ENV_UTF8, .content = "Subject: \303\274\r\n\r\n"),
	CHAT("SMTPUTF8 needed by the sender's local part", PLAIN QUIT,
	    NO_UTF8 "; idle; ended", .flags = ENV_UTF8,
	    .sender = "\303\274@x.example"),
	CHAT("SMTPUTF8 needed by one recipient", PLAIN MAIL OK RCPT2 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok" NO_UTF8_LATER
	    "; idle; ended", .flags = ENV_UTF8, .nrcpts = 2,
	    .rcpt = "\303\274@y"),
	CHAT("SMTPUTF8 said, and not needed", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_UTF8, .content = "Subject: x\r\n\r\n.hi\r\n"),
	CHAT("domains have A-labels (RFC 5890)", PLAIN
	    "C: MAIL FROM:<a@xn--grn-ioa.example>\n" OK
	    "C: RCPT TO:<r@xn--bcher-kva.example>\n" OK DATA GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended", .flags = ENV_UTF8,
	    .sender = "a@gr\303\274n.example", .rcpt = "r@b\303\274cher.example"),
	CHAT("REQUIRETLS in the clear (RFC 8689, 4.2.1)",
	    HELLO "S: 250-mx.y\nS: 250 REQUIRETLS\n" QUIT,
	    "ready; 554 5.7.10 REQUIRETLS: there is no encrypted connection to "
	    "mx.y[192.0.2.1]; idle; ended", .flags = ENV_REQUIRETLS),
	CHAT("a notification of one goes (RFC 8689, 5)", PLAIN
	    "C: MAIL FROM:<>\n" OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_REQUIRETLS | ENV_DSN, .sender = ""),
	CHAT("what a client sends from nobody is not one",
	    HELLO "S: 250-mx.y\nS: 250 REQUIRETLS\n" QUIT,
	    "ready; 554 5.7.10 REQUIRETLS: there is no encrypted connection to "
	    "mx.y[192.0.2.1]; idle; ended", .flags = ENV_REQUIRETLS,
	    .sender = ""),
};

static void
what_a_hop_cannot_take_is_not_tried(void **state)
{
	(void)state;
	RUN(cannot);
}

#define ALL_EXT		HELLO "S: 250-mx.y\nS: 250-PIPELINING\nS: 250-DSN\n" \
			"S: 250-CHUNKING\nS: 250-BINARYMIME\nS: 250-8BITMIME\n" \
			"S: 250 DELIVERBY 60\n"
#define BINARY		"Subject: x\r\n\r\n\0.\r\n.\r\nMAIL\n.\n\r.\r"
#define BINARY_N	(sizeof(BINARY) - 1)
#define NO_BINARY	"ready; 554 5.6.3 mx.y[192.0.2.1] does not offer " \
			"BINARYMIME, which the content needs; idle; ended"

/* RFC 3030, 2 and 3: octets that DATA would cut or change. */
static const struct chat	binary[] = {
	CHAT("by BDAT, octet by octet, after the replies to RCPT", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BODY=BINARYMIME\n" RCPT1 RCPT2 OK OK
	    "S: 550 no\nC: BDAT 31 LAST\nB\n" OK QUIT,
	    "ready; 250 2.0.0 ok; 550 5.0.0 no; idle; ended", .nrcpts = 2,
	    .flags = ENV_BINARY, .content = BINARY, .content_n = BINARY_N),
	CHAT("nobody is left: no BDAT", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BODY=BINARYMIME\n" RCPT1 OK
	    "S: 550 no\n" QUIT, "ready; 550 5.0.0 no; idle; ended",
	    .flags = ENV_BINARY, .content = BINARY, .content_n = BINARY_N),
	CHAT("BDAT is refused", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BODY=BINARYMIME\n" RCPT1 OK OK
	    "C: BDAT 31 LAST\nB\nS: 554 5.6.0 no\n" QUIT,
	    "ready; 554 5.6.0 no; idle; ended",
	    .flags = ENV_BINARY, .content = BINARY, .content_n = BINARY_N),
	CHAT("BINARYMIME without CHUNKING is none",
	    HELLO "S: 250-mx.y\nS: 250 BINARYMIME\n" QUIT, NO_BINARY,
	    .flags = ENV_BINARY, .content = BINARY, .content_n = BINARY_N),
	CHAT("CHUNKING without BINARYMIME", HELLO
	    "S: 250-mx.y\nS: 250-8BITMIME\nS: 250 CHUNKING\n" QUIT, NO_BINARY,
	    .flags = ENV_BINARY, .content = "a\r\nb\nc\r\n"),
	CHAT("a CR alone at the end", PLAIN QUIT, NO_BINARY,
	    .flags = ENV_BINARY, .content = "a\r\nb\r"),
	CHAT("said to be binary, and is not", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_BINARY),
	CHAT("said to be binary, and has 8 bits", PLAIN QUIT,
	    "ready; 554 5.6.3 mx.y[192.0.2.1] does not offer 8BITMIME, which "
	    "the content needs; idle; ended", .flags = ENV_BINARY,
	    .content = "\r\n\303\274\r\n"),
	CHAT("not said to be binary: never by DATA, no dot comes", PLAIN MAIL OK
	    RCPT1 OK DATA GO, "ready; 554 5.6.3 the content has a CR or LF "
	    "that stands alone; closed", .content = "a\r\n\r\nb\n.\r\n"),
};

static void
binary_content_goes_by_bdat_or_not_at_all(void **state)
{
	(void)state;
	RUN(binary);
}

/* RFC 3461, 5.2.1 and 5.2.2; RFC 2852, 4.1.4 */
static const struct chat	parameters[] = {
	CHAT("all of DSN, encoded once", ALL_EXT
	    "C: MAIL FROM:<a@x.example> RET=FULL ENVID=a+2Bb+3Dc+20d\n"
	    "C: RCPT TO:<r1@y> NOTIFY=SUCCESS,DELAY "
	    "ORCPT=rfc822;x+2By@x.example\n" DATA OK OK GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended", .flags = ENV_RET_FULL,
	    .envid = "a+b=c d", .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
	    .orcpt_type = "rfc822", .orcpt = "x+y@x.example"),
	CHAT("NEVER, and an address of UTF-8 in ASCII (RFC 6533, 3)", ALL_EXT
	    "C: MAIL FROM:<a@x.example> RET=HDRS\n"
	    "C: RCPT TO:<r1@y> NOTIFY=NEVER ORCPT=utf-8;gr\\x{FC}n@x.example\n"
	    DATA OK OK GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_RET_HDRS, .notify = NOTIFY_NEVER,
	    .orcpt_type = "utf-8", .orcpt = "gr\303\274n@x.example"),
	CHAT("none of it where DSN is not offered", PIPE MAIL RCPT1 DATA OK OK
	    GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_RET_FULL, .envid = "x", .notify = NOTIFY_SUCCESS,
	    .orcpt_type = "rfc822", .orcpt = "x@y"),
	CHAT("the time that is left", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BY=100;RT\n" RCPT1 DATA OK OK GO CONTENT
	    OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_BY_RETURN | ENV_BY_TRACE, .by_s = 100),
	CHAT("mode R is not given to who knows no time", PIPE QUIT,
	    "ready; 554 5.4.4 mx.y[192.0.2.1] does not offer DELIVERBY, which "
	    "the message needs; idle; ended", .flags = ENV_BY_RETURN,
	    .by_s = 100),
	CHAT("nor to who takes longer", ALL_EXT QUIT,
	    "ready; 554 5.4.7 mx.y[192.0.2.1] takes 60 seconds to deliver, and "
	    "the message has 50 left; idle; ended", .flags = ENV_BY_RETURN,
	    .by_s = 50),
	CHAT("nor to anybody when it is over", ALL_EXT QUIT,
	    "ready; 554 5.4.7 the time that its sender has set is over; idle; "
	    "ended", .flags = ENV_BY_RETURN, .by_s = -1),
	CHAT("mode N goes without", PIPE MAIL RCPT1 DATA OK OK GO CONTENT OK
	    QUIT, "ready; 250 2.0.0 ok; idle; ended", .flags = ENV_BY_NOTIFY,
	    .by_s = 100),
	CHAT("mode N to who takes longer goes without", ALL_EXT MAIL RCPT1 DATA
	    OK OK GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_BY_NOTIFY, .by_s = -100),
};

static void
parameters_go_to_who_knows_them(void **state)
{
	(void)state;
	RUN(parameters);
}

static const struct chat	before[] = {
	CHAT("greeting 421", "S: 421 4.3.2 busy\n", "failed 421 4.3.2 busy"),
	CHAT("greeting 554 may pass", "S: 554 5.7.1 no\n",
	    "failed 454 4.7.1 no"),
	CHAT("greeting 521 is for good (RFC 7504)", "S: 521 no mail here\n",
	    "failed 521 5.0.0 no mail here"),
	CHAT("greeting 250 is none", "S: 250 hi\n", "failed 451 4.5.0 not "
	    "understood instead of the greeting"),
	CHAT("EHLO 220", HELLO "S: 220 hi\n", "failed 451 4.5.0 not "
	    "understood instead of the answer to EHLO"),
	CHAT("greeting 450", "S: 450 x\n", "failed 450 4.0.0 x"),
	CHAT("no greeting", "X\n", "failed 451 4.4.2 connection lost while "
	    "waiting for the greeting"),
	CHAT("greeting too late", "R: 220-\nT\n", "failed 451 4.4.1 timed out "
	    "while waiting for the connection"),
	CHAT("EHLO too late", HELLO "T\n", "failed 451 4.4.2 timed out while "
	    "waiting for the answer to EHLO"),
	CHAT("no answer to EHLO", HELLO "X\n", "failed 451 4.4.2 connection lost "
	    "while waiting for the answer to EHLO"),
	CHAT("EHLO 450", HELLO "S: 450 4.7.0 not now\n",
	    "failed 450 4.7.0 not now"),
	CHAT("HELO refused too", HELLO "S: 500 x\nC: HELO me.example\n"
	    "S: 550 5.7.1 who are you\n", "failed 450 4.7.1 who are you"),
	CHAT("garbage", "S: SSH-2.0-OpenSSH\n", "failed 451 4.5.0 not understood "
	    "instead of the greeting"),
	CHAT("codes that differ", "S: 220-x\nS: 221 x\n", "failed 451 4.5.0 not "
	    "understood instead of the greeting"),
	CHAT("talks on after the greeting", "S: 220 x\nS: 250 x\n",
	    "failed 451 4.5.0 more replies than commands"),
	CHAT("talks on after EHLO", HELLO "S: 250 x\nS: 250 x\n",
	    "failed 451 4.5.0 more replies than commands"),
	CHAT("talks on after EHLO is refused", HELLO "S: 500 x\nS: 250 x\n",
	    "failed 451 4.5.0 more replies than commands"),
	CHAT("our own name at our own address", "S: 220 me.example\n"
	    "C: EHLO me.example\nS: 250 ME.example at your service\n",
	    "failed 554 5.4.6 mail loops back to this host"),
};

static void
without_a_session_the_address_has_failed(void **state)
{
	(void)state;
	RUN(before);
}

#define LOST(what)	"connection lost while waiting for " what
#define UNDERSTOOD(what)	"not understood instead of " what
#define M_OR_R		"the answer to MAIL or RCPT"
#define AT_DATA		"the answer to DATA"
#define FINAL		"the answer to the final dot"

static const struct chat	broken[] = {
	CHAT("closed at MAIL, fresh session", PIPE MAIL "X\n",
	    "ready; 451 4.4.2 " LOST(M_OR_R) "; unconnected; closed"),
	CHAT("closed at RCPT: who was answered keeps it", PLAIN MAIL OK RCPT1
	    "S: 550 5.1.1 no\n" RCPT2 "X\n",
	    "ready; 550 5.1.1 no; 451 4.4.2 " LOST(M_OR_R)
	    "; unconnected; closed", .nrcpts = 2),
	CHAT("421 at RCPT", PLAIN MAIL OK RCPT1 "S: 421 4.3.2 shutting down\n",
	    "ready; 421 4.3.2 shutting down; unconnected; closed"),
	CHAT("closed at DATA", PLAIN MAIL OK RCPT1 OK DATA "X\n",
	    "ready; 451 4.4.2 " LOST(AT_DATA) "; unconnected; closed"),
	CHAT("no answer to DATA", PIPE MAIL RCPT1 DATA OK OK "W\nT\n", "ready; "
	    "451 4.4.2 timed out while waiting for " AT_DATA
	    "; unconnected; closed"),
	CHAT("closed after the dot: perhaps a duplicate", PLAIN MAIL OK RCPT1 OK
	    DATA GO CONTENT "X\n",
	    "ready; 451 4.4.2 " LOST(FINAL) "; unconnected; closed"),
	CHAT("no answer to the dot", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT "T\n",
	    "ready; 451 4.4.2 timed out while waiting for " FINAL
	    "; unconnected; closed"),
	CHAT("no answer to MAIL", PIPE MAIL "T\n", "ready; 451 4.4.2 timed out "
	    "while waiting for " M_OR_R "; unconnected; closed"),
	CHAT("garbage at MAIL", PIPE MAIL "S: ?\n", "ready; 451 4.5.0 "
	    UNDERSTOOD(M_OR_R) "; unconnected; closed"),
	CHAT("354 at RCPT", PIPE MAIL OK GO, "ready; 451 4.5.0 "
	    UNDERSTOOD(M_OR_R) "; unconnected; closed"),
	CHAT("250 at DATA", PLAIN MAIL OK RCPT1 OK DATA OK, "ready; 451 4.5.0 "
	    UNDERSTOOD(AT_DATA) "; unconnected; closed"),
	CHAT("250 at DATA, pipelined", PIPE MAIL RCPT1 DATA OK OK OK, "ready; "
	    "451 4.5.0 " UNDERSTOOD(AT_DATA) "; unconnected; closed"),
	CHAT("350 at DATA", PLAIN MAIL OK RCPT1 OK DATA "S: 350 x\n",
	    "ready; 451 4.5.0 " UNDERSTOOD(AT_DATA) "; unconnected; closed"),
	CHAT("354 at the dot", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT GO,
	    "ready; 451 4.5.0 " UNDERSTOOD(FINAL) "; unconnected; closed"),
	CHAT("a reply too many at the dot: nothing more on this session", PLAIN
	    MAIL OK RCPT1 OK DATA GO CONTENT "S: 250 a\nS: 250 b\n",
	    "ready; 250 2.0.0 a; closed"),
	CHAT("an idle session ends", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT OK
	    "X\n", "ready; 250 2.0.0 ok; idle; ended"),
	CHAT("nobody answers QUIT", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT OK
	    "C: QUIT\nT\n", "ready; 250 2.0.0 ok; idle; ended"),
};

static void
a_session_that_breaks_defers_what_has_no_answer(void **state)
{
	(void)state;
	RUN(broken);
}

#define FIRST	PIPE MAIL RCPT1 DATA OK OK GO CONTENT OK
#define TOLD	"ready; 250 2.0.0 ok; idle; "
static const struct chat	stale[] = {
	CHAT("closed at MAIL", FIRST MAIL "X\n", TOLD "0  ; stale", .njobs = 2),
	CHAT("what could not be said there is open again too", PIPE MAIL RCPT2
	    DATA OK OK GO CONTENT OK MAIL "X\n", "ready; 250 2.0.0 ok; "
	    UTF8_WHY "; idle; 0  ; 0  ; stale", .njobs = 2, .nrcpts = 2,
	    .rcpt = "\303\274@y"),
	CHAT("421 at MAIL", FIRST MAIL "S: 421 idle for too long\n",
	    TOLD "0  ; stale", .njobs = 2),
	CHAT("closed after MAIL's reply is no longer stale", FIRST MAIL OK "X\n",
	    TOLD "451 4.4.2 " LOST(M_OR_R) "; unconnected; closed",
	    .njobs = 2),
	CHAT("closed at RSET", PLAIN MAIL OK RCPT1 "S: 550 no\nC: RSET\nX\n",
	    "ready; 550 5.0.0 no; idle; 0  ; stale", .njobs = 2),
	CHAT("closed at MAIL after RSET", PLAIN MAIL OK RCPT1
	    "S: 550 no\nC: RSET\n" OK MAIL "X\n",
	    "ready; 550 5.0.0 no; idle; 0  ; stale", .njobs = 2),
};

static void
an_idle_session_that_had_ended_is_no_failure(void **state)
{
	(void)state;
	RUN(stale);
}

#define SURPLUS	"451 4.5.0 more replies than commands; unconnected; closed"

static const struct chat	surplus[] = {
	CHAT("to MAIL, one by one", PLAIN MAIL "S: 250 a\nS: 250 b\n",
	    "ready; " SURPLUS),
	CHAT("to RCPT, a part of it", PLAIN MAIL OK RCPT1 "S: 250 a\nR: 25\n",
	    "ready; " SURPLUS),
	CHAT("to MAIL, as for the whole message", PIPE MAIL
	    "S: 250 a\nS: 250 b\nS: 354 c\nS: 250 d\n", "ready; " SURPLUS),
	CHAT("behind 354", PIPE MAIL RCPT1 DATA OK OK GO OK,
	    "ready; " SURPLUS),
	CHAT("behind 354, one by one", PLAIN MAIL OK RCPT1 OK DATA GO OK,
	    "ready; " SURPLUS),
	CHAT("behind 354, a part of it", PIPE MAIL RCPT1 DATA OK OK GO "R: 25\n",
	    "ready; " SURPLUS),
	CHAT("behind 354: who was answered keeps it", PIPE MAIL RCPT1 RCPT2 DATA
	    "S: 250 a\nS: 550 5.1.1 no\nS: 250 b\nS: 354 c\nS: 250 d\n",
	    "ready; 550 5.1.1 no; " SURPLUS, .nrcpts = 2),
	CHAT("behind 354 that nobody needs", PIPE MAIL RCPT1 DATA OK
	    "S: 550 5.1.1 no\n" GO OK,
	    "ready; 550 5.1.1 no; unconnected; closed"),
};

static void
a_reply_to_nothing_answers_nothing(void **state)
{
	(void)state;
	RUN(surplus);
}

#define STAYS	FIRST "W\n"
static const struct chat	idle[] = {
	CHAT("a reply", STAYS "S: 250 x\n", TOLD "ended", .stays = true),
	CHAT("garbage", STAYS "S: x\n", TOLD "ended", .stays = true),
	CHAT("421", STAYS "S: 421 idle for too long\nX\n", TOLD "ended",
	    .stays = true),
	CHAT("421 in pieces", STAYS "R: 421 idle\nW\nS: \nX\n", TOLD "ended",
	    .stays = true),
	CHAT("a reply that is not yet read", STAYS "S: 250 x\nN\n",
	    TOLD "0  ; stale", .stays = true),
	CHAT("421 that is not yet read", STAYS "S: 421 x\nN\n",
	    TOLD "0  ; stale", .stays = true),
	CHAT("a part of a reply", STAYS "R: 25\nW\nN\n", TOLD "0  ; stale",
	    .stays = true),
	CHAT("nothing: the session is used again", STAYS "N\n" MAIL RCPT1 DATA
	    OK OK GO CONTENT "S: 250 second\nW\nX\n",
	    TOLD "250 2.0.0 second; idle; ended", .stays = true),
};

static void
what_an_idle_session_says_answers_no_later_command(void **state)
{
	(void)state;
	RUN(idle);
}

/* More than a socket takes at once; the hop reads it all, stuffed. */
static void
large_content_goes_in_pieces(void **state)
{
	const size_t	 lines = 60000;
	char		*content = malloc(lines * 12 + 1), *chat;
	struct buf	 script = { 0 };
	struct chat	 c = CHAT("large", NULL,
	    "ready; 250 2.0.0 ok; idle; ended");
	size_t		 i;

	(void)state;
	assert_non_null(content);
	buf_add_str(&script, PIPE MAIL RCPT1 DATA OK OK GO);
	for (i = 0; i < lines; i++) {
		memcpy(content + i * 12, ".234567890\r\n", 13);
		buf_add_str(&script, "C: ..234567890\n");
	}
	buf_add_str(&script, "C: .\n" OK QUIT);
	chat = strdup(buf_cstr(&script));
	c.chat = chat;
	c.content = content;
	run_chat(&c);
	buf_clear(&script);
	free(content);
	free(chat);
}

/* Its rest must not come as the answer to the dot. */
static void
a_part_of_a_reply_amid_the_content_ends_the_session(void **state)
{
	const size_t	 n = 4u << 20;
	char		*content = malloc(n + 1);
	struct chat	 c = CHAT("amid", PIPE MAIL RCPT1 DATA OK OK GO
	    "C: first\nR: 25\n", "ready; " SURPLUS);

	(void)state;
	assert_non_null(content);
	memset(content, 'x', n);
	memcpy(content, "first\r\n", 7);
	content[n] = '\0';
	c.content = content;
	run_chat(&c);
	free(content);
}

/* The spool's file is shorter than the job says: no dot may follow. */
static void
content_that_cannot_be_read_ends_without_a_dot(void **state)
{
	const struct chat	c = CHAT("short", PIPE MAIL RCPT1 DATA OK OK GO,
	    "ready; 451 4.3.0 the content cannot be read; closed");

	(void)state;
	alarm(20);
	begin(&c);
	t.length += 1000;
	loop_run();
	assert_string_equal(buf_cstr(&t.told), c.wanted);
	assert_int_equal(t.in.n, 0);
	hop_close();
	close(t.content_fd);
	buf_clear(&t.told);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_message_is_sent),
		cmocka_unit_test(refusals_belong_to_their_recipients),
		cmocka_unit_test(what_a_hop_cannot_take_is_not_tried),
		cmocka_unit_test(binary_content_goes_by_bdat_or_not_at_all),
		cmocka_unit_test(parameters_go_to_who_knows_them),
		cmocka_unit_test(without_a_session_the_address_has_failed),
		cmocka_unit_test(
		    a_session_that_breaks_defers_what_has_no_answer),
		cmocka_unit_test(an_idle_session_that_had_ended_is_no_failure),
		cmocka_unit_test(a_reply_to_nothing_answers_nothing),
		cmocka_unit_test(
		    what_an_idle_session_says_answers_no_later_command),
		cmocka_unit_test(large_content_goes_in_pieces),
		cmocka_unit_test(
		    a_part_of_a_reply_amid_the_content_ends_the_session),
		cmocka_unit_test(
		    content_that_cannot_be_read_ends_without_a_dot),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
