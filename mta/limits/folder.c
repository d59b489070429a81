/*
 * folder.c - the folder of the counters' files, and reading what stands there.
 */
#include "config.h"

#include <sys/file.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/child/folder.h"
#include "mta/limits/state_int.h"

#define FOLDER_NAME	"limits"
#define LOCK_MS		10000	/* an earlier process may be about to end */

int
state_folder(const char *spool, const char *user)
{
	return child_folder(spool, FOLDER_NAME, user);
}

int
folder_lock(int folder)
{
	int64_t	began = clock_boot_ms();
	int	fd;

	fd = openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		fatal("lock of the counters' folder");
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			fatal("lock of the counters' folder");
		if (clock_boot_ms() - began > LOCK_MS)
			fatalx("the counters are in use by another server");
		usleep(20000);
	}
	return fd;
}

/* --- reading */

void
folder_log_name(uint64_t number, char out[32])
{
	(void)snprintf(out, 32, "log.%" PRIu64, number);
}

static bool
is_log(const char *name, uint64_t *number)
{
	return strncmp(name, "log.", 4) == 0 &&
	    span_u64(span_of(name + 4), UINT64_MAX / 2, number);
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void
folder_add_log(struct state *s, uint64_t number)
{
	s->logs = xreallocarray(s->logs, s->nlogs + 1, sizeof(*s->logs));
	s->logs[s->nlogs++] = number;
}

void
folder_remove_logs(struct state *s, uint64_t before)
{
	char	name[32];
	size_t	i, kept = 0;

	for (i = 0; i < s->nlogs; i++) {
		folder_log_name(s->logs[i], name);
		if (s->logs[i] >= before ||
		    (unlinkat(s->folder, name, 0) == -1 && errno != ENOENT))
			s->logs[kept++] = s->logs[i];
	}
	s->nlogs = kept;
}

/* Their numbers, rising. */
static void
find_logs(struct state *s)
{
	struct dirent	*e;
	uint64_t	 number;
	DIR		*d;
	int		 fd;

	fd = openat(s->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (d = fdopendir(fd)) == NULL)
		fatal("the counters' folder");
	while ((e = readdir(d)) != NULL)
		if (is_log(e->d_name, &number))
			folder_add_log(s, number);
	closedir(d);
	if (s->nlogs > 0)
		qsort(s->logs, s->nlogs, sizeof(*s->logs), by_number);
}

/* What can be read of it counts; 0: there is no such file. */
static size_t
read_one(struct state *s, const char *name, struct store_report *report)
{
	struct buf	text = { 0 };
	size_t		n;
	int		fd;

	*report = (struct store_report){ .generation = 0 };
	fd = openat(s->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1 || file_read_fd(fd, STORE_FILE_MAX, &text) == -1)
		log_warn("counters file=%s", name);
	if (fd != -1)
		close(fd);
	store_read(&s->counters, buf_span(&text), clock_boot_ms(),
	    state_wall(), report);
	if (report->damaged > 0)
		log_warnx("counters file=%s damaged_octets=%zu records=%zu",
		    name, report->damaged, report->records);
	n = text.n;
	buf_clear(&text);
	return n;
}

void
folder_read(struct state *s)
{
	struct store_report	report;
	char			name[32];
	uint64_t		from;
	size_t			i;

	find_logs(s);
	s->snapshot_octets = read_one(s, STATE_NAME, &report);
	s->number = from = report.generation;
	for (i = 0; i < s->nlogs; i++) {
		folder_log_name(s->logs[i], name);
		if (s->logs[i] >= from)
			(void)read_one(s, name, &report);
		if (s->logs[i] > s->number)
			s->number = s->logs[i];
	}
}
