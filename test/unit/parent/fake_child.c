/*
 * fake_child.c - stands for each process under the parent in its test.
 *
 * Its name is that of the link by which it is started.  What the parent says
 * goes into the file FAKE_LOG, a line each.  As queue it asks for a reload on
 * SIGUSR1 and for status on SIGUSR2.  FAKE_FAIL names who ends at once;
 * FAKE_HANG who does not stop when told.  As index it does with a table what
 * its first word says: mistake, unreadable, die, hang; others are good.
 */
#include <sys/mman.h>

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "mta/child/child.h"

static int		 events = -1;
static const char	*name;

static void
event(const char *fmt, ...)
{
	char	line[1024];
	int	n, m;
	va_list	ap;

	n = snprintf(line, sizeof(line), "%s[%u] pid=%ld ", name,
	    child_instance(), (long)getpid());
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	line[n + m] = '\n';
	if (write(events, line, (size_t)(n + m) + 1) == -1)
		_exit(80);
}

/* Of some tables there is never an index. */
static void
obey(const char *text)
{
	if (strncmp(text, "die", 3) == 0)
		(void)raise(SIGKILL);
	while (strncmp(text, "hang", 4) == 0)
		(void)pause();
}

/* What a table makes of its file, and the file itself as its index. */
static void
send_index(uint32_t generation, int fd)
{
	struct chan	*c = child_parent();
	char		 text[100] = "";
	int		 copy = memfd_create("index", MFD_ALLOW_SEALING);
	bool		 whole;

	(void)read(fd, text, sizeof(text) - 1);
	event("index gen=%u text=%.3s", generation, text);
	obey(text);
	whole = strncmp(text, "unreadable", 10) != 0;
	if (write(copy, text, strlen(text)) == -1 || fcntl(copy, F_ADD_SEALS,
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1)
		_exit(81);
	chan_begin(c, MSG_INDEXED);
	chan_u32(c, generation);
	chan_u32(c, 0);
	chan_u32(c, !whole || strncmp(text, "mistake", 7) == 0);
	chan_str(c, whole ? "users:1:1: so it is" : "users: so it is");
	chan_u8(c, 0);
	chan_u32(c, 0);
	chan_u64(c, 1);
	chan_u64(c, strlen(text));
	chan_u8(c, whole);
	if (whole)
		chan_fd(c, copy);
	chan_end(c);
}

static bool
on_index_config(struct child_config *cfg, void *arg)
{
	size_t	i;

	(void)arg;
	for (i = 0; i < cfg->nfiles; i++)
		if (cfg->file_fds[i] != -1)
			send_index(cfg->generation, cfg->file_fds[i]);
	return true;
}

static bool
on_config(struct child_config *cfg, void *arg)
{
	size_t	i, tables = 0;

	(void)arg;
	for (i = 0; i < cfg->ntables; i++)
		tables += cfg->table_fds[i] != -1;
	event("config gen=%u image=%s tables=%zu owners=%zu listeners=%zu",
	    cfg->generation, cfg->image_fd == -1 ? "no" : "yes", tables,
	    cfg->nowners, cfg->nlisteners);
	return true;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	(void)arg;
	event("peer %s[%u]", proc_name(proc), instance);
	(void)fd;		/* stays open: the peer is alive */
}

static void
on_stop(uint32_t drain_ms, void *arg)
{
	const char	*hang = getenv("FAKE_HANG");

	(void)arg;
	event("stop drain=%u", drain_ms);
	if (hang == NULL || strcmp(hang, name) != 0)
		child_done();
}

static void
on_stats(struct buf *out, void *arg)
{
	(void)arg;
	buf_addf(out, "\"fake\":%u", child_instance());
}

static bool
on_reloaded(struct msg *m)
{
	uint64_t	ticket = msg_u64(m);
	unsigned	ok = msg_u8(m);
	struct span	text = msg_bytes(m, 65536);

	event("reloaded ticket=%llu ok=%u text=%.*s",
	    (unsigned long long)ticket, ok, SPAN_ARG(text));
	return msg_end(m);
}

static bool
on_part(struct msg *m)
{
	uint64_t	ticket = msg_u64(m);
	unsigned	last = msg_u8(m), proc = msg_u8(m);
	uint32_t	instance = msg_u32(m), pid = msg_u32(m);
	uint32_t	restarts = msg_u32(m);
	unsigned	answered = msg_u8(m), i;
	struct span	counters;

	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		(void)msg_u64(m);
	counters = msg_bytes(m, 65536);
	event("part ticket=%llu last=%u %s[%u] alive=%u restarts=%u "
	    "answered=%u %.*s", (unsigned long long)ticket, last,
	    proc_name(proc), instance, pid != 0, restarts, answered,
	    SPAN_ARG(counters));
	return msg_end(m);
}

static bool
on_ended(struct msg *m)
{
	unsigned	proc = msg_u8(m);
	uint32_t	instance = msg_u32(m);
	unsigned	by = msg_u8(m), status = msg_u8(m);

	event("ended %s[%u] signal=%u status=%u", proc_name(proc), instance,
	    by, status);
	return msg_end(m);
}

/* What surrounds this machine is tested in network namespaces. */
static bool
on_gateways(struct msg *m)
{
	uint32_t	i, n = msg_u32(m);

	for (i = 0; i < n && i < 256; i++)
		(void)msg_bytes(m, 16);
	return msg_end(m);
}

static bool
on_message(struct msg *m, void *arg)
{
	(void)arg;
	if (m->type == MSG_GATEWAYS)
		return on_gateways(m);
	if (m->type == MSG_PROCESS_ENDED)
		return on_ended(m);
	if (m->type == MSG_RELOADED)
		return on_reloaded(m);
	return m->type == MSG_STATUS_PART && on_part(m);
}

static void
ask(void *arg)
{
	static uint64_t	ticket = 10;
	uint16_t	type = *(const uint16_t *)arg;

	chan_begin(child_parent(), type);
	chan_u64(child_parent(), ticket++);
	chan_end(child_parent());
}

static enum proc
proc_of(const char *program)
{
	const char	*dash = strrchr(program, '-');
	unsigned	 i;

	for (i = 0; i < PROC_NPROCS; i++)
		if (dash != NULL && strcmp(dash + 1, proc_name(i)) == 0)
			return (enum proc)i;
	fatalx("%s: started by hand", program);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	 ops = {
		.config = on_config, .peer = on_peer, .stop = on_stop,
		.stats = on_stats, .message = on_message
	};
	static const struct child_ops	 index_ops = {
		.config = on_index_config
	};
	static uint16_t			 reload = MSG_RELOAD;
	static uint16_t			 status = MSG_STATUS;
	enum proc			 self = proc_of(argv[0]);
	const char			*fail = getenv("FAKE_FAIL");

	name = proc_name(self);
	child_open(self, argc, argv, self == PROC_INDEX ? &index_ops : &ops,
	    NULL);
	if (fail != NULL && strcmp(fail, name) == 0)
		fatalx("cannot start, says the test");
	events = open(getenv("FAKE_LOG"), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (self == PROC_QUEUE) {
		loop_signal(SIGUSR1, ask, &reload);
		loop_signal(SIGUSR2, ask, &status);
		event("spool %s", child_option("spool"));
	}
	child_run();
	return 0;
}
