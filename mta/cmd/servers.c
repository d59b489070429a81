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

#define GENERATION	1
#define PATIENCE_MS	45000	/* more than a question may take */
#define TURN_MS		20

/* A process, and we its parent. */
struct child {
	struct chan	*chan;
	pid_t		 pid;
};

struct waiting;

struct servers {
	struct child		 lookup, resolve;
	struct lookup_client	*client;
	int64_t			 until_ms;
	struct waiting		*waiting;
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
	chan_u32(k->chan, GENERATION);
	chan_fd(k->chan, fd);
	chan_end(k->chan);
}

static void
send_done(struct child *k)
{
	chan_begin(k->chan, MSG_CONFIG_DONE);
	chan_u32(k->chan, GENERATION);
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
	chan_u32(k->chan, GENERATION);
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

/* --- asking: the loop runs until there is an answer */

struct waiting {
	lookup_client_cb	*cb;
	void			*arg;
	bool			 done;
};

static void
answered(void *arg, enum map_result is, const struct map_answer *a)
{
	struct waiting	*w = arg;

	w->done = true;
	w->cb(w->arg, is, a);
	loop_stop();
}

static void
turn(void *arg)
{
	struct servers	*s = arg;

	if (s->waiting->done || s->lookup.chan == NULL ||
	    loop_now_ms() > s->until_ms)
		loop_stop();
	else
		timer_set(&s->timer, TURN_MS, turn, s);
}

static uint64_t
ask(void *ctx, uint32_t generation, uint32_t map,
    const struct map_question *q, lookup_client_cb *cb, void *arg)
{
	struct servers	*s = ctx;
	struct waiting	 w = { cb, arg, false };
	uint64_t	 ticket;

	ticket = lookup_client_ask(s->client, generation, map, q, answered,
	    &w);
	s->waiting = &w;
	s->until_ms = loop_now_ms() + PATIENCE_MS;
	timer_set(&s->timer, 0, turn, s);
	loop_run();
	s->waiting = NULL;
	if (!w.done) {
		lookup_client_cancel(s->client, ticket);
		cb(arg, MAP_LATER, NULL);
	}
	return 0;
}

/* All is answered when ask() returns. */
static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	(void)ticket;
}

/* --- */

static bool
is_wanted(const struct rs_image *im, const char *map)
{
	uint32_t	i;

	for (i = 0; i < rs_nmap(im); i++)
		if ((map == NULL || span_eq(span_of(map),
		    rs_string(im, rs_map(im, i)->name))) &&
		    (rs_map_is_asked(im, i) ||
		    (map != NULL && rs_map_made(im, i) != RS_MADE_NOT)))
			return true;
	return false;
}

static void
send_config(struct servers *s, const struct policy_source *src,
    const struct rs_image *im)
{
	uint32_t	i;

	send_image(&s->lookup, src->image_mem);
	for (i = 0; i < rs_nmap(im); i++)
		if (rs_map_is_asked(im, i))
			send_secret(&s->lookup, im, rs_map(im, i)->object);
	send_done(&s->lookup);
	send_image(&s->resolve, src->image_mem);
	send_done(&s->resolve);
}

static struct servers *
start(const struct policy_source *src, const struct rs_image *im)
{
	struct servers	*s = xcalloc(1, sizeof(*s));
	const char	*libexec = cmd_libexec(NULL);

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("waybill", STDERR_FILENO, LOG_L_WARN);
	loop_init();
	child_start(&s->resolve, libexec, "resolve");
	child_start(&s->lookup, libexec, "lookup");
	send_config(s, src, im);
	(void)send_peer(&s->resolve, PROC_LOOKUP,
	    send_peer(&s->lookup, PROC_RESOLVE, -1));
	s->client = lookup_client_new();
	lookup_client_attach(s->client, send_peer(&s->lookup, PROC_SMTP, -1));
	return s;
}

struct servers *
servers_start(struct policy_source *src, const char *map)
{
	struct servers	*s = NULL;
	struct rs_image	*im;
	const char	*why;

	im = rs_image_open_mem(src->image_mem.p, src->image_mem.n, &why);
	if (im != NULL && is_wanted(im, map)) {
		s = start(src, im);
		src->lookup = (struct policy_lookup){ ask, cancel, s };
		src->generation = GENERATION;
	}
	rs_image_free(&im);
	return s;
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
