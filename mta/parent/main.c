/*
 * main.c - the parent: ports, files, restarts, generations.
 *
 * User: root (or the caller), in the system's root folder.  Has: listening
 * sockets, the policy's files, a channel to each process.  An intruder would
 * have everything; so it parses nothing that a stranger wrote.  What it reads
 * comes from its own children, bounded, and from an image that the verifier
 * has proved.
 *
 *	waybill-parent --image-fd N --policy PATH --compile-command PATH
 *	    [--workers N] [--libexec DIR] [--log FILE] [--log-level LEVEL]
 *	    [--records]
 *
 * SIGHUP reloads, SIGTERM and SIGINT stop, a second one at once.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/pam/helper.h"
#include "mta/parent/parent.h"

#define EMPTY_ROOT	"/run/waybill/empty"
#define IMAGE_MAX	(256u << 20)
#define DESCRIPTORS	65536

struct options {
	int		 image_fd;
	unsigned	 workers;
	const char	*log;
};

static const struct option	long_options[] = {
	{ "image-fd", required_argument, NULL, 'i' },
	{ "policy", required_argument, NULL, 'p' },
	{ "compile-command", required_argument, NULL, 'c' },
	{ "workers", required_argument, NULL, 'w' },
	{ "libexec", required_argument, NULL, 'x' },
	{ "log", required_argument, NULL, 'l' },
	{ "log-level", required_argument, NULL, 'v' },
	{ "records", no_argument, NULL, 'r' },
	{ NULL, 0, NULL, 0 }
};

static unsigned
number(const char *name, const char *s, unsigned least, unsigned most)
{
	uint64_t	n;

	if (!span_u64(span_of(s), most, &n) || n < least)
		fatalx("--%s: '%s' is not a number from %u to %u", name, s,
		    least, most);
	return (unsigned)n;
}

static void
read_option(struct parent *p, struct options *o, int c)
{
	switch (c) {
	case 'i':
		o->image_fd = (int)number("image-fd", optarg, 3, 1 << 20);
		break;
	case 'p':
		p->policy = optarg;
		break;
	case 'c':
		p->compile_command = optarg;
		break;
	case 'w':
		o->workers = number("workers", optarg, 1, WORKERS_MAX);
		break;
	case 'x':
		p->libexec = optarg;
		break;
	case 'l':
		o->log = optarg;
		break;
	case 'v':
		p->log_level = optarg;
		break;
	case 'r':
		p->records = true;
		break;
	default:
		exit(2);
	}
}

static unsigned
online_cores(void)
{
	long	n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static void
read_options(struct parent *p, struct options *o, int argc, char **argv)
{
	int	c;

	*o = (struct options){ .image_fd = -1, .workers = online_cores() };
	p->libexec = WAYBILL_LIBEXECDIR;
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		read_option(p, o, c);
	if (o->image_fd == -1 || p->policy == NULL ||
	    p->compile_command == NULL || optind != argc)
		fatalx("started by hand: `waybill run` starts this program");
	if (fcntl(o->image_fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("--image-fd %d", o->image_fd);
}

/* The children write to the same descriptor. */
static void
open_log(const struct parent *p, const char *path)
{
	enum log_level	least = LOG_L_INFO;
	int		fd;

	if (p->log_level != NULL && !log_level_parse(p->log_level, &least))
		fatalx("--log-level: '%s' is no level", p->log_level);
	if (path != NULL) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
		    O_NOCTTY, 0640);
		if (fd == -1 || dup2(fd, STDERR_FILENO) == -1)
			fatal("log %s", path);
		close(fd);
	}
	log_open("parent", STDERR_FILENO, least);
}

/* Each process has a user of its own; better told at once, and all of them. */
static void
check_users(void)
{
	static const char *const	names[] = {
		"waybill-smtp", "waybill-route", "waybill-queue",
		"waybill-relay", "waybill-resolve", "waybill-limits",
		"waybill-lookup", "waybill-keys",
		"waybill-spawner", "waybill-compile", "waybill-index",
		"waybill-auth", "waybill-pickup", "waybill-fetch",
		"waybill-credentials"
	};
	struct buf			missing = { 0 };
	size_t				i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getpwnam(names[i]) == NULL)
			buf_addf(&missing, " %s", names[i]);
	if (missing.n > 0)
		fatalx("system users are missing:%s; `waybill setup` makes "
		    "them", buf_cstr(&missing));
}

/* The folder into which the children lock themselves; nothing is in it. */
static const char *
empty_root(void)
{
	struct dirent	*e;
	DIR		*d;

	if ((mkdir("/run/waybill", 0755) == -1 && errno != EEXIST) ||
	    (mkdir(EMPTY_ROOT, 0755) == -1 && errno != EEXIST) ||
	    (d = opendir(EMPTY_ROOT)) == NULL)
		fatal("%s", EMPTY_ROOT);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fatalx("%s is not empty", EMPTY_ROOT);
	closedir(d);
	return EMPTY_ROOT;
}

/* A relative folder stands beside the policy. */
static char *
spool_folder(const struct parent *p)
{
	struct span	 dir = rs_setting_text(generation_image(p->generation),
	    RS_OPT_SPOOL_directory);
	const char	*slash = strrchr(p->policy, '/');

	if (dir.n > 0 && dir.p[0] == '/')
		return xstrndup(dir.p, dir.n);
	return xasprintf("%.*s%.*s",
	    slash == NULL ? 0 : (int)(slash - p->policy) + 1, p->policy,
	    SPAN_ARG(dir));
}

static void
load_first(struct parent *p, int image_fd)
{
	struct buf	 image = { 0 };
	char		*why = NULL;

	if (file_read_fd(image_fd, IMAGE_MAX, &image) == -1)
		fatal("--image-fd %d", image_fd);
	close(image_fd);
	p->last_number = 1;
	p->generation = generation_new(1, buf_span(&image), &why);
	buf_clear(&image);
	if (p->generation == NULL ||
	    listeners_set(&p->listeners, generation_image(p->generation),
	    &why) == -1)
		fatalx("%s", why);
	p->spool = spool_folder(p);
}

static void
on_child(void *arg)
{
	struct parent	*p = arg;
	int		 status;
	pid_t		 pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!compile_ended(p->compile, pid, status) &&
		    !reading_ended(p, pid, status) &&
		    !helper_ended(pid, status))
			(void)slot_ended(p, pid, status);
}

static void
on_stop(void *arg)
{
	stop_asked(arg);
}

static void
on_reload(void *arg)
{
	log_info("event=reload-asked by=signal");
	reload_asked(arg);
}

static struct chan *
keys(void *arg)
{
	return keys_chan(arg);
}

static void
on_gateways(void *arg)
{
	struct parent	*p = arg;

	log_info("event=gateways-changed n=%zu", p->gateways.n);
	slots_tell_gateways(p);
}

static void
watch_signals(struct parent *p)
{
	(void)signal(SIGPIPE, SIG_IGN);
	loop_signal(SIGCHLD, on_child, p);
	loop_signal(SIGTERM, on_stop, p);
	loop_signal(SIGINT, on_stop, p);
	loop_signal(SIGHUP, on_reload, p);
}

int
main(int argc, char **argv)
{
	static struct parent	p;
	struct options		o;

	log_open("parent", STDERR_FILENO, LOG_L_INFO);
	read_options(&p, &o, argc, argv);
	open_log(&p, o.log);
	(void)umask(022);
	(void)confine_descriptors(DESCRIPTORS);
	p.started_ms = clock_wall_ms();
	if (geteuid() == 0) {
		check_users();
		p.chroot = empty_root();
	}
	p.listeners.workers = o.workers;
	load_first(&p, o.image_fd);
	confine_sandbox(CONFINE_OPEN | CONFINE_NET | CONFINE_SETUID |
	    CONFINE_EXEC | CONFINE_KILL | CONFINE_CHILDREN);
	loop_init();
	watch_signals(&p);
	gateways_init(&p.gateways, on_gateways, &p);
	slots_init(&p, o.workers);
	pairs_init(&p.pairs, keys, &p);
	reload_init(&p);
	loop_run();
	log_flush();
	return p.status;
}
