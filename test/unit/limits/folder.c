/*
 * folder.c - a folder for the counters' files, in a test.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "test/unit/limits/folder.h"

static char	dir[64];
static bool	has_loop;

const char *
folder_path(const char *name)
{
	static char	path[128];

	(void)snprintf(path, sizeof(path), "%s/limits/%s", dir, name);
	return path;
}

int
folder_setup(void **state)
{
	(void)state;
	if (!has_loop) {
		log_open("test", STDERR_FILENO, LOG_L_ERROR);
		loop_init();
		has_loop = true;
	}
	(void)snprintf(dir, sizeof(dir), "/tmp/waybill-limits-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

/* All below, one deep. */
static void
empty(const char *path)
{
	struct dirent	*e;
	char		 name[512];
	DIR		*d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		(void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		(void)unlink(name);
	}
	if (d != NULL)
		closedir(d);
	(void)rmdir(path);
}

int
folder_teardown(void **state)
{
	(void)state;
	empty(folder_path(""));
	return rmdir(dir);
}

struct state *
folder_state(void)
{
	return state_open(state_folder(dir, "nobody"));
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop();
}

void
folder_turns(int ms)
{
	static struct timer	t;

	timer_set(&t, ms, stop, NULL);
	loop_run();
	timer_clear(&t);
}

void
folder_wait(const char *name, bool there)
{
	int	tries;

	for (tries = 0; tries < 1000; tries++) {
		if ((access(folder_path(name), F_OK) == 0) == there)
			return;
		folder_turns(10);
	}
	fprintf(stderr, "waited in vain for %s\n", name);
	abort();
}

unsigned
folder_logs(void)
{
	struct dirent	*e;
	unsigned	 n = 0;
	DIR		*d = opendir(folder_path(""));

	while (d != NULL && (e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "log.", 4) == 0;
	if (d != NULL)
		closedir(d);
	return n;
}
