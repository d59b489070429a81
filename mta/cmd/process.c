/*
 * process.c - a process of the server as a child of the command.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/process.h"

#define ARGS_MAX	8

/* --- its life */

static void __attribute__((noreturn))
exec_process(const struct process *p, const char *libexec, const char *name,
    int parent)
{
	char	*argv[ARGS_MAX] = {
		xasprintf("%s/waybill-%s", libexec, name),
		xstrdup("--log-level"),
		xstrdup(p->level != NULL ? p->level : "warn"), NULL
	};
	size_t	 i;

	for (i = 0; i < 4 && p->options[i] != NULL; i++)
		argv[3 + i] = xstrdup(p->options[i]);
	if (parent == PARENT_FD ? fcntl(parent, F_SETFD, 0) == -1 :
	    dup2(parent, PARENT_FD) == -1)
		fatal("descriptors");
	(void)close_range(PARENT_FD + 1, ~0U, 0);
	proc_exec(argv);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct process	*p = arg;

	(void)c;
	return m->type == MSG_READY ||
	    (p->message != NULL && p->message(p, m));
}

static void
on_closed(struct chan *c, void *arg)
{
	struct process	*p = arg;

	(void)c;
	p->chan = NULL;
	if (p->closed != NULL)
		p->closed(p);
}

void
process_start(struct process *p, const char *libexec, const char *name)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	int				fds[2];

	chan_pair(fds);
	fflush(NULL);
	if ((p->pid = fork()) == -1)
		fatal("fork");
	if (p->pid == 0)
		exec_process(p, libexec, name, fds[1]);
	close(fds[1]);
	p->chan = chan_new(fds[0], name, &ops, p);
}

void
process_stop(struct process *p)
{
	chan_free(&p->chan);
	while (waitpid(p->pid, NULL, 0) == -1 && errno == EINTR)
		;
}

/* --- what it is told */

void
process_send_image(struct process *p, struct span octets)
{
	int	fd;

	if (p->chan == NULL)
		return;
	fd = memfd_create("waybill-image", MFD_CLOEXEC);
	if (fd == -1 || file_write_all(fd, octets.p, octets.n) == -1)
		fatal("memory file");
	chan_begin(p->chan, MSG_CONFIG_IMAGE);
	chan_u32(p->chan, PROCESS_GENERATION);
	chan_fd(p->chan, fd);
	chan_end(p->chan);
}

/* -1: errno says it. */
static int
open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

void
process_send_file(struct process *p, const struct rs_image *im,
    uint32_t file)
{
	struct span	path = rs_string(im, rs_file(im, file)->path);
	char		*name = xstrndup(path.p, path.n);
	int		fd = p->chan == NULL ? -1 : open_file(name);

	free(name);
	if (fd == -1)
		return;
	chan_begin(p->chan, MSG_CONFIG_FILE);
	chan_u32(p->chan, PROCESS_GENERATION);
	chan_u32(p->chan, file);
	chan_fd(p->chan, fd);
	chan_end(p->chan);
}

void
process_send_secret(struct process *p, const struct rs_image *im,
    uint32_t map)
{
	uint32_t	object = rs_map(im, map)->object;
	struct span	file = rs_map_secret_file(im, map);
	char		*path;
	int		fd;

	if (file.n == 0 || p->chan == NULL)
		return;
	path = xstrndup(file.p, file.n);
	if ((fd = open_file(path)) == -1)
		log_warn("secret=%s", log_quote(span_of(path)));
	free(path);
	if (fd == -1)
		return;
	chan_begin(p->chan, MSG_CONFIG_SECRET);
	chan_u32(p->chan, PROCESS_GENERATION);
	chan_u32(p->chan, object);
	chan_u32(p->chan, RS_OPT_MAP_login);
	chan_fd(p->chan, fd);
	chan_end(p->chan);
}

void
process_send_done(struct process *p)
{
	if (p->chan == NULL)
		return;
	chan_begin(p->chan, MSG_CONFIG_DONE);
	chan_u32(p->chan, PROCESS_GENERATION);
	chan_end(p->chan);
}

/* --- channels between processes */

static void
send_peer(struct process *p, enum proc proc, int fd)
{
	chan_begin(p->chan, MSG_PEER);
	chan_u8(p->chan, (uint8_t)proc);
	chan_u32(p->chan, 0);
	chan_fd(p->chan, fd);
	chan_end(p->chan);
}

int
process_peer(struct process *p, enum proc proc)
{
	int	fds[2];

	chan_pair(fds);
	send_peer(p, proc, fds[0]);
	return fds[1];
}

void
process_join(struct process *a, enum proc a_is, struct process *b,
    enum proc b_is)
{
	int	fds[2];

	chan_pair(fds);
	send_peer(a, b_is, fds[0]);
	send_peer(b, a_is, fds[1]);
}
