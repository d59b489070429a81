/*
 * client_fuzz.c - a session against a hostile hop: any octets, in any pieces.
 *
 * First octet: how many octets the hop says in each turn, above 127: it is a
 * filter that speaks LMTP; second: how many
 * recipients, flags and parameters; the rest is what it says before it closes.
 * Whatever that is, each message ends once, and each recipient of it has a
 * result; what is binary never goes by DATA.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/loop.h"
#include "mta/relay/client.h"
#include "mta/spool/envelope.h"

int	LLVMFuzzerInitialize(int *, char ***);
int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct {
	struct span	 says;
	size_t		 piece;
	int		 hop;		/* its end; -1: closed */
	struct client	*client;
	struct job	*job;
	unsigned	 jobs, nrcpts, flags;
	int		 content, binary;
} t;

#define TEXT	"a: b\r\n\r\n.\r\n"
#define OCTETS	"a: b\r\n\r\n.\n\0\r"
enum { IS_BINARY = 1 << 2, HAS_DSN = 1 << 3, HAS_BY = 1 << 4, IS_UTF8 = 1 << 5 };

static const struct self_locals	none;
static struct self		*self;

static void
set_params(struct job *j)
{
	if (t.flags & IS_BINARY)
		j->flags |= ENV_BINARY;
	if (t.flags & HAS_DSN) {
		j->flags |= ENV_RET_FULL;
		j->envid = SPAN("a+b=c");
		j->rcpts[0].notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
		j->rcpts[0].orcpt_type = SPAN("utf-8");
		j->rcpts[0].orcpt = SPAN("gr\303\274n@x");
	}
	if (t.flags & HAS_BY) {
		j->flags |= ENV_BY_RETURN | ENV_BY_TRACE;
		j->by_ms = clock_wall_ms() + 100000;
	}
	if (t.flags & IS_UTF8) {
		j->rcpts[0].address = SPAN("\303\274@y");
		j->rcpts[j->n - 1].address = SPAN("b@\303\274.y");
	}
}

static void
send_job(void)
{
	struct arena	 arena = { 0 };
	struct job	*j = arena_alloc(&arena, sizeof(*j));
	unsigned	 i;

	j->arena = arena;
	j->sender = SPAN("a@x");
	j->flags = t.flags >> 6;
	j->fd = dup(t.flags & IS_BINARY ? t.binary : t.content);
	j->length = t.flags & IS_BINARY ? sizeof(OCTETS) - 1 : 10;
	j->n = t.nrcpts;
	j->rcpts = arena_alloc(&j->arena, j->n * sizeof(*j->rcpts));
	for (i = 0; i < j->n; i++)
		j->rcpts[i].address = SPAN("b@y");
	set_params(j);
	t.job = j;
	t.jobs++;
	client_send(t.client, j);
}

static void
on_ready(void *arg)
{
	(void)arg;
	send_job();
}

static void
on_failed(void *arg, const struct outcome *why)
{
	(void)arg;
	if (t.job != NULL || (why != NULL && why->code < 400))
		abort();
	client_free(&t.client);
}

static void
on_finished(void *arg, enum client_end end)
{
	unsigned	class;
	size_t		i;

	(void)arg;
	if (t.job == NULL)
		abort();
	for (i = 0; i < t.job->n; i++) {
		class = t.job->rcpts[i].code / 100;
		if ((class == 0) != (end == CLIENT_STALE) || class == 1 ||
		    class == 3 || class > 5 ||
		    (class == 2 && !t.job->rcpts[i].accepted))
			abort();
	}
	job_free(&t.job);
	if (end != CLIENT_IDLE)
		client_free(&t.client);
	else if (t.jobs < 3)
		send_job();
	else
		client_quit(t.client);
}

static void	next_piece(void *);

static void
hop_close(void)
{
	close(t.hop);
	t.hop = -1;
}

/* What the client says is read and forgotten. */
static void
next_piece(void *arg)
{
	char	sink[4096];
	size_t	n = t.piece < t.says.n ? t.piece : t.says.n;
	ssize_t	got;

	(void)arg;
	while ((got = recv(t.hop, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
		if (t.flags & IS_BINARY &&
		    memmem(sink, (size_t)got, "DATA\r\n", 6) != NULL)
			abort();
	if (n == 0 || send(t.hop, t.says.p, n, MSG_NOSIGNAL) != (ssize_t)n) {
		hop_close();
		return;
	}
	t.says = span_from(t.says, n);
	loop_soon(next_piece, NULL);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	loop_init();
	self = self_new(SPAN("me"), &none);
	self_add_listener(self, SPAN("192.0.2.1:25"));
	t.content = memfd_create("content", MFD_CLOEXEC);
	t.binary = memfd_create("binary", MFD_CLOEXEC);
	if (file_write_all(t.content, TEXT, sizeof(TEXT) - 1) == -1 ||
	    file_write_all(t.binary, OCTETS, sizeof(OCTETS) - 1) == -1)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct client_ops	ops = {
		on_ready, on_failed, on_finished
	};
	struct hop_addr			addr = { .port = 25 };
	int				fds[2];

	if (n < 2 || !ip_parse(SPAN("192.0.2.1"), &addr.ip) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		return 0;
	t.piece = (size_t)(data[0] & 127) + 1;
	addr.lmtp = addr.filter = data[0] > 127;
	t.nrcpts = (data[1] & 3) + 1;
	t.flags = data[1];
	t.jobs = 0;
	t.says = span_mem(data + 2, n - 2);
	t.hop = fds[1];
	t.client = client_new(fds[0], &addr, self, &ops, NULL);
	loop_soon(next_piece, NULL);
	loop_run();
	if (t.client != NULL || t.job != NULL || t.hop != -1)
		abort();
	return 0;
}
