/*
 * child.c - start and end of a process, its parent, its configuration.
 */
#include <sys/stat.h>

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/child/child.h"

#define USER_MAX	256	/* octets of a system user's name */
#define FILES_MAX	(1u << 16)	/* of a configuration; owners too */

static struct {
	enum proc		 self;
	int			 argc;
	char			**argv;
	uint32_t		 instance;
	const struct child_ops	*ops;
	void			*arg;
	struct chan		*parent;
	struct child_config	 cfg;		/* gathering */
	bool			 gathers;
	bool			 ended;
} ch;

static bool on_message(struct chan *, struct msg *, void *);
static void on_closed(struct chan *, void *);

/* --- the command line */

const char *
child_option(const char *name)
{
	int	i;

	for (i = 1; i + 1 < ch.argc; i += 2)
		if (strncmp(ch.argv[i], "--", 2) == 0 &&
		    strcmp(ch.argv[i] + 2, name) == 0)
			return ch.argv[i + 1];
	return NULL;
}

static enum log_level
level_option(void)
{
	const char	*s = child_option("log-level");
	enum log_level	 level = LOG_L_INFO;

	if (s != NULL && !log_level_parse(s, &level))
		fatalx("--log-level: '%s' is no level", s);
	return level;
}

static uint32_t
instance_option(void)
{
	const char	*s = child_option("instance");
	uint64_t	 n = 0;

	if (s != NULL && !span_u64(span_of(s), UINT32_MAX, &n))
		fatalx("--instance: '%s' is not a number", s);
	return (uint32_t)n;
}

/* A terminal or service manager sends these to all; the parent says STOP. */
static void
ignore_signals(void)
{
	static const int	sigs[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM };
	size_t			i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)signal(sigs[i], SIG_IGN);
}

void
child_open(enum proc self, int argc, char **argv, const struct child_ops *ops,
    void *arg)
{
	static const struct chan_ops	parent_ops = { on_message, on_closed };
	struct stat			st;

	ch.self = self;
	ch.argc = argc;
	ch.argv = argv;
	ch.ops = ops;
	ch.arg = arg;
	log_open(proc_name(self), STDERR_FILENO, level_option());
	ch.instance = instance_option();
	if (fstat(PARENT_FD, &st) == -1 || !S_ISSOCK(st.st_mode))
		fatalx("started by hand: `waybill run` starts this program");
	ignore_signals();
	(void)umask(077);
	loop_init();
	ch.parent = chan_new(PARENT_FD, "parent", &parent_ops, NULL);
}

uint32_t
child_instance(void)
{
	return ch.instance;
}

struct chan *
child_parent(void)
{
	return ch.parent;
}

void
child_run(void)
{
	if (!ch.ended)
		loop_run();
	log_flush();
}

void
child_done(void)
{
	ch.ended = true;
	loop_stop();
}

/* --- configuration */

static void
close_fd(int fd)
{
	if (fd != -1)
		close(fd);
}

static void
config_clear(struct child_config *cfg)
{
	size_t	i;

	close_fd(cfg->image_fd);
	for (i = 0; i < cfg->nfiles; i++)
		close_fd(cfg->file_fds[i]);
	for (i = 0; i < cfg->ntables; i++)
		close_fd(cfg->table_fds[i]);
	for (i = 0; i < cfg->nlisteners; i++)
		close_fd(cfg->listeners[i].fd);
	for (i = 0; i < cfg->ncerts; i++)
		close_fd(cfg->certs[i].fd);
	free(cfg->certs);
	for (i = 0; i < cfg->nauthorities; i++)
		close_fd(cfg->authorities[i].fd);
	free(cfg->authorities);
	free(cfg->file_fds);
	free(cfg->table_fds);
	free(cfg->owners);
	for (i = 0; i < cfg->nusers; i++)
		free(cfg->users[i].name);
	free(cfg->users);
	for (i = 0; i < cfg->nsecrets; i++)
		close_fd(cfg->secrets[i].fd);
	free(cfg->listeners);
	free(cfg->secrets);
	*cfg = (struct child_config){ .image_fd = -1 };
}

/* A new one begins; what an earlier one had gathered is dropped. */
static bool
config_image(struct msg *m)
{
	uint32_t	generation = msg_u32(m);
	int		fd = msg_fd(m);

	if (!msg_end(m)) {
		close_fd(fd);
		return false;
	}
	if (ch.gathers)
		config_clear(&ch.cfg);
	ch.cfg = (struct child_config){
		.generation = generation, .image_fd = fd
	};
	ch.gathers = true;
	return true;
}

/* Of the generation that is being gathered? */
static bool
belongs(struct msg *m)
{
	return msg_u32(m) == ch.cfg.generation && ch.gathers;
}

/* One of the descriptors that have a number each. */
static bool
config_fd(struct msg *m, int **fds, size_t *n)
{
	bool		 ok = belongs(m);
	uint32_t	 index = msg_u32(m);
	int		 fd = msg_fd(m);

	if (!ok || !msg_end(m) || index >= FILES_MAX ||
	    (index < *n && (*fds)[index] != -1)) {
		close_fd(fd);
		return false;
	}
	if (index >= *n)
		*fds = xreallocarray(*fds, (size_t)index + 1, sizeof(**fds));
	while (*n <= index)
		(*fds)[(*n)++] = -1;
	(*fds)[index] = fd;
	return true;
}

static bool
config_file(struct msg *m)
{
	return config_fd(m, &ch.cfg.file_fds, &ch.cfg.nfiles);
}

static bool
config_table(struct msg *m)
{
	return config_fd(m, &ch.cfg.table_fds, &ch.cfg.ntables);
}

static bool
config_owner(struct msg *m)
{
	struct child_config	*cfg = &ch.cfg;
	bool			 ok = belongs(m);
	uint32_t		 object = msg_u32(m), uid = msg_u32(m);
	uint32_t		 gid = msg_u32(m);

	if (!ok || !msg_end(m) || cfg->nowners >= FILES_MAX)
		return false;
	cfg->owners = xreallocarray(cfg->owners, cfg->nowners + 1,
	    sizeof(*cfg->owners));
	cfg->owners[cfg->nowners].object = object;
	cfg->owners[cfg->nowners].uid = uid;
	cfg->owners[cfg->nowners++].gid = gid;
	return true;
}

static bool
config_user(struct msg *m)
{
	struct child_config	*cfg = &ch.cfg;
	bool			 ok = belongs(m);
	struct span		 name = msg_bytes(m, USER_MAX);
	uint32_t		 uid = msg_u32(m), gid = msg_u32(m);

	if (!ok || !msg_end(m) || name.n == 0 || cfg->nusers >= FILES_MAX)
		return false;
	cfg->users = xreallocarray(cfg->users, cfg->nusers + 1,
	    sizeof(*cfg->users));
	cfg->users[cfg->nusers].name = xstrndup(name.p, name.n);
	cfg->users[cfg->nusers].uid = uid;
	cfg->users[cfg->nusers++].gid = gid;
	return true;
}

static bool
config_listener(struct msg *m)
{
	struct child_config	*cfg = &ch.cfg;
	bool			 ok = belongs(m);
	uint32_t		 object = msg_u32(m);
	int			 fd = msg_fd(m);

	if (!ok || !msg_end(m) || cfg->nlisteners >= FILES_MAX) {
		close_fd(fd);
		return false;
	}
	cfg->listeners = xreallocarray(cfg->listeners, cfg->nlisteners + 1,
	    sizeof(*cfg->listeners));
	cfg->listeners[cfg->nlisteners].object = object;
	cfg->listeners[cfg->nlisteners++].fd = fd;
	return true;
}

static bool
config_cert(struct msg *m)
{
	struct child_config	*cfg = &ch.cfg;
	bool			 ok = belongs(m);
	uint32_t		 object = msg_u32(m);
	int			 fd = msg_fd(m);

	if (!ok || !msg_end(m) || cfg->ncerts >= FILES_MAX) {
		close_fd(fd);
		return false;
	}
	cfg->certs = xreallocarray(cfg->certs, cfg->ncerts + 1,
	    sizeof(*cfg->certs));
	cfg->certs[cfg->ncerts].object = object;
	cfg->certs[cfg->ncerts++].fd = fd;
	return true;
}

static bool
config_authorities(struct msg *m)
{
	struct child_config	*cfg = &ch.cfg;
	bool			 ok = belongs(m);
	uint32_t		 object = msg_u32(m);
	int			 fd = msg_fd(m);

	if (!ok || !msg_end(m) || cfg->nauthorities >= FILES_MAX) {
		close_fd(fd);
		return false;
	}
	cfg->authorities = xreallocarray(cfg->authorities,
	    cfg->nauthorities + 1, sizeof(*cfg->authorities));
	cfg->authorities[cfg->nauthorities].object = object;
	cfg->authorities[cfg->nauthorities++].fd = fd;
	return true;
}

static bool
config_secret(struct msg *m)
{
	struct child_config	*cfg = &ch.cfg;
	bool			 ok = belongs(m);
	uint32_t		 object = msg_u32(m), option = msg_u32(m);
	int			 fd = msg_fd(m);

	if (!ok || !msg_end(m) || cfg->nsecrets >= FILES_MAX) {
		close_fd(fd);
		return false;
	}
	cfg->secrets = xreallocarray(cfg->secrets, cfg->nsecrets + 1,
	    sizeof(*cfg->secrets));
	cfg->secrets[cfg->nsecrets].object = object;
	cfg->secrets[cfg->nsecrets].option = option;
	cfg->secrets[cfg->nsecrets++].fd = fd;
	return true;
}

static bool
config_done(struct msg *m)
{
	bool	taken = true;

	if (!belongs(m) || !msg_end(m))
		return false;
	if (ch.ops->config != NULL)
		taken = ch.ops->config(&ch.cfg, ch.arg);
	if (taken) {
		chan_begin(ch.parent, MSG_READY);
		chan_u32(ch.parent, ch.cfg.generation);
		chan_end(ch.parent);
	}
	config_clear(&ch.cfg);
	ch.gathers = false;
	return true;
}

/* --- what else the parent says */

static bool
on_peer(struct msg *m)
{
	unsigned	proc = msg_u8(m);
	uint32_t	instance = msg_u32(m);
	int		fd = msg_fd(m);

	if (!msg_end(m) || proc >= PROC_NPROCS) {
		close_fd(fd);
		return false;
	}
	if (ch.ops->peer == NULL)
		close_fd(fd);
	else
		ch.ops->peer((enum proc)proc, instance, fd, ch.arg);
	return true;
}

static bool
on_stop(struct msg *m)
{
	uint32_t	drain_ms = msg_u32(m);

	if (!msg_end(m))
		return false;
	if (ch.ops->stop != NULL)
		ch.ops->stop(drain_ms, ch.arg);
	else
		child_done();
	return true;
}

static bool
on_stats_wanted(struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	const uint64_t	*lag = loop_lag();
	struct buf	 counters = { 0 };
	size_t		 i;

	if (!msg_end(m))
		return false;
	buf_add_char(&counters, '{');
	if (ch.ops->stats != NULL)
		ch.ops->stats(&counters, ch.arg);
	buf_add_char(&counters, '}');
	chan_begin(ch.parent, MSG_STATS);
	chan_u64(ch.parent, ticket);
	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		chan_u64(ch.parent, lag[i]);
	chan_bytes(ch.parent, buf_span(&counters));
	chan_end(ch.parent);
	buf_clear(&counters);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)arg;
	switch (m->type) {
	case MSG_CONFIG_IMAGE:
		return config_image(m);
	case MSG_CONFIG_FILE:
		return config_file(m);
	case MSG_CONFIG_TABLE:
		return config_table(m);
	case MSG_CONFIG_OWNER:
		return config_owner(m);
	case MSG_CONFIG_USER:
		return config_user(m);
	case MSG_CONFIG_LISTENER:
		return config_listener(m);
	case MSG_CONFIG_SECRET:
		return config_secret(m);
	case MSG_CONFIG_CERT:
		return config_cert(m);
	case MSG_CONFIG_AUTHORITIES:
		return config_authorities(m);
	case MSG_CONFIG_DONE:
		return config_done(m);
	case MSG_PEER:
		return on_peer(m);
	case MSG_STOP:
		return on_stop(m);
	case MSG_STATS_WANTED:
		return on_stats_wanted(m);
	}
	return ch.ops->message != NULL && ch.ops->message(m, ch.arg);
}

/* Without its parent a process has no peers and no configuration. */
static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	ch.parent = NULL;
	log_debug("event=parent-gone");
	child_done();
}
