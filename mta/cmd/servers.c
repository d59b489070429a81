/*
 * servers.c - the lookup process as a child of the command.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/servers.h"

#define PATIENCE_MS	45000	/* more than a question may take */
#define TURN_MS		20

/* A process, and we its parent. */
struct child {
	struct chan	*chan;
	pid_t		 pid;
};

struct servers {
	struct child		 lookup, resolve;
	struct lookup_client	*client;
	int64_t			 until_ms;
	const bool		*done;
	struct timer		 timer;
};

/* --- children */

static void __attribute__((noreturn))
exec_child(const char *libexec, const char *name, int parent)
{
	char	*argv[] = {
		xasprintf("%s/waybill-%s", libexec, name),
		xstrdup("--log-level"), xstrdup("warn"), NULL
	};

	if (parent == PARENT_FD ? fcntl(parent, F_SETFD, 0) == -1 :
	    dup2(parent, PARENT_FD) == -1)
		fatal("descriptors");
	(void)close_range(PARENT_FD + 1, ~0U, 0);
	proc_exec(argv);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)arg;
	return m->type == MSG_READY;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct child	*k = arg;

	(void)c;
	k->chan = NULL;
}

static void
child_start(struct child *k, const char *libexec, const char *name)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	int				fds[2];

	chan_pair(fds);
	if ((k->pid = fork()) == -1)
		fatal("fork");
	if (k->pid == 0)
		exec_child(libexec, name, fds[1]);
	close(fds[1]);
	k->chan = chan_new(fds[0], name, &ops, k);
}

/* Without its parent it ends by itself. */
static void
child_stop(struct child *k)
{
	chan_free(&k->chan);
	while (waitpid(k->pid, NULL, 0) == -1 && errno == EINTR)
		;
}

/* --- what they are told */

static void
send_image(struct child *k, struct span octets)
{
	int	fd = memfd_create("waybill-image", MFD_CLOEXEC);

	if (fd == -1 || file_write_all(fd, octets.p, octets.n) == -1)
		fatal("memory file");
	chan_begin(k->chan, MSG_CONFIG_IMAGE);
	chan_u32(k->chan, SERVERS_GENERATION);
	chan_fd(k->chan, fd);
	chan_end(k->chan);
}

static void
send_done(struct child *k)
{
	chan_begin(k->chan, MSG_CONFIG_DONE);
	chan_u32(k->chan, SERVERS_GENERATION);
	chan_end(k->chan);
}

/* `login "user" password file "path"`: opened as whoever we are. */
static void
send_secret(struct child *k, const struct rs_image *im, uint32_t object)
{
	const struct rs_optval	*v;
	struct rs_place		 pl;
	struct span		 text;
	char			*path;
	int			 fd;

	if (object == UINT32_MAX ||
	    !rs_option(im, object, RS_OPT_MAP_login, 0, &v) || v->nplaces < 2)
		return;
	pl = rs_option_place(im, v, 1);
	if (pl.is_func || pl.index == UINT32_MAX)
		return;
	text = rs_const(im, pl.index).s;
	if (!span_prefix(text, SPAN("file:")))
		return;
	path = xstrndup(text.p + 5, text.n - 5);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		log_warn("secret=%s", log_quote(span_of(path)));
	free(path);
	if (fd == -1)
		return;
	chan_begin(k->chan, MSG_CONFIG_SECRET);
	chan_u32(k->chan, SERVERS_GENERATION);
	chan_u32(k->chan, object);
	chan_u32(k->chan, RS_OPT_MAP_login);
	chan_fd(k->chan, fd);
	chan_end(k->chan);
}

/* A channel between k and the process that it knows as proc; its other end. */
static int
send_peer(struct child *k, enum proc proc, int fd)
{
	int	fds[2] = { fd, -1 };

	if (fd == -1)
		chan_pair(fds);
	chan_begin(k->chan, MSG_PEER);
	chan_u8(k->chan, (uint8_t)proc);
	chan_u32(k->chan, 0);
	chan_fd(k->chan, fds[0]);
	chan_end(k->chan);
	return fds[1];
}

/* --- */

struct servers *
servers_start(struct span octets, const struct rs_image *im,
    const char *libexec)
{
	struct servers	*s = xcalloc(1, sizeof(*s));
	uint32_t	 i;

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("waybill", STDERR_FILENO, LOG_L_WARN);
	loop_init();
	child_start(&s->resolve, libexec, "resolve");
	child_start(&s->lookup, libexec, "lookup");
	send_image(&s->lookup, octets);
	for (i = 0; i < rs_nmap(im); i++)
		if (rs_map_is_asked(im, i))
			send_secret(&s->lookup, im, rs_map(im, i)->object);
	send_done(&s->lookup);
	send_image(&s->resolve, octets);
	send_done(&s->resolve);
	(void)send_peer(&s->resolve, PROC_LOOKUP,
	    send_peer(&s->lookup, PROC_RESOLVE, -1));
	s->client = lookup_client_new();
	lookup_client_attach(s->client, send_peer(&s->lookup, PROC_SMTP, -1));
	return s;
}

struct policy_lookup
servers_lookup(struct servers *s)
{
	return policy_lookup_by(s->client);
}

static void
turn(void *arg)
{
	struct servers	*s = arg;

	if (*s->done || s->lookup.chan == NULL ||
	    loop_now_ms() > s->until_ms)
		loop_stop();
	else
		timer_set(&s->timer, TURN_MS, turn, s);
}

bool
servers_wait(struct servers *s, const bool *done)
{
	s->done = done;
	s->until_ms = loop_now_ms() + PATIENCE_MS;
	timer_set(&s->timer, 0, turn, s);
	loop_run();
	return *done;
}

void
servers_stop(struct servers **sp)
{
	struct servers	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	timer_clear(&s->timer);
	lookup_client_free(&s->client);
	child_stop(&s->lookup);
	child_stop(&s->resolve);
	free(s);
}
