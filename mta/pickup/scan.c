/*
 * scan.c - the drop folder: which file is tried when.
 */
#include "config.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/pickup/pickup.h"

#define LOOK_MS		5000	/* without any notice of the kernel */
#define SOON_MS		10
#define AGAIN_MS	2000	/* after the first try; doubles */
#define AGAIN_MAX_MS	300000
#define ENTRIES_MAX	20000	/* that are known at once; others wait */
#define RUNNING_MAX	4

struct scan {
	struct pickup	*pickup;
	struct htab	 names;		/* to struct entry */
	struct entry	*entries;
	size_t		 n, running;
	struct timer	 look;
	struct watch	 notices;
	int		 inotify_fd;	/* -1: only the timer */
};

static void	look(void *);

size_t
scan_waiting(const struct scan *s)
{
	return s->n;
}

size_t
scan_running(const struct scan *s)
{
	return s->running;
}

void
scan_soon(struct scan *s)
{
	timer_set(&s->look, SOON_MS, look, s);
}

/* --- entries */

static void
add(struct scan *s, const char *name)
{
	struct entry	*e = xcalloc(1, sizeof(*e));

	e->scan = s;
	e->name = xstrdup(name);
	e->seen = true;
	e->next = s->entries;
	e->prev = &s->entries;
	if (e->next != NULL)
		e->next->prev = &e->next;
	s->entries = e;
	s->n++;
	htab_put(&s->names, span_of(e->name), e);
}

static void
drop_entry(struct entry *e)
{
	struct scan	*s = e->scan;

	htab_del(&s->names, span_of(e->name));
	*e->prev = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	s->n--;
	free(e->name);
	free(e);
}

static int64_t
pause_ms(unsigned tries)
{
	int64_t	ms = AGAIN_MS;

	while (tries-- > 1 && ms < AGAIN_MAX_MS)
		ms *= 2;
	return ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS;
}

void
scan_over(struct entry *e, bool gone)
{
	struct scan	*s = e->scan;

	s->running--;
	e->running = false;
	if (gone)
		drop_entry(e);
	else
		e->due_ms = loop_now_ms() + pause_ms(++e->tries);
	scan_soon(s);
}

/* --- looking */

/*
 * One that is being written is no concern of ours, until it is an old one.
 * Whatever mode it has meanwhile: those that are known are few (ENTRIES_MAX).
 */
static bool
is_worth_a_try(const struct scan *s, const char *name)
{
	struct stat	st;

	if (fstatat(s->pickup->drop_fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	return !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_mode & 07777) == DROP_WHOLE_MODE ||
	    st.st_mtime + PART_OLD_S < time(NULL);
}

static void
read_folder(struct scan *s)
{
	struct entry	*e;
	struct dirent	*d;
	DIR		*dir;
	int		 fd;

	fd = openat(s->pickup->drop_fd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		log_warn("drop folder");
		if (fd != -1)
			close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || strncmp(d->d_name, KEPT_PREFIX,
		    strlen(KEPT_PREFIX)) == 0)
			continue;
		e = htab_get(&s->names, span_of(d->d_name));
		if (e != NULL)
			e->seen = true;
		else if (s->n < ENTRIES_MAX && is_worth_a_try(s, d->d_name))
			add(s, d->d_name);
	}
	closedir(dir);
}

/* Who is gone without us (the administrator has removed it). */
static void
forget_unseen(struct scan *s)
{
	struct entry	*e, *next;

	for (e = s->entries; e != NULL; e = next) {
		next = e->next;
		if (!e->seen && !e->running)
			drop_entry(e);
		else
			e->seen = false;
	}
}

static void
start_due(struct scan *s)
{
	struct entry	*e, *next;
	int64_t		 now = loop_now_ms();

	for (e = s->entries; e != NULL && s->running < RUNNING_MAX; e = next) {
		next = e->next;
		if (e->running || e->due_ms > now)
			continue;
		e->running = true;
		s->running++;
		job_start(s->pickup, e);
	}
}

static void
look(void *arg)
{
	struct scan	*s = arg;

	timer_set(&s->look, LOOK_MS, look, s);
	if (s->pickup->stopping || !s->pickup->configured ||
	    s->pickup->settings.none)
		return;
	read_folder(s);
	forget_unseen(s);
	start_due(s);
}

/* A file has been made whole: what they say in detail is not looked at. */
static void
noticed(void *arg, int what)
{
	struct scan	*s = arg;
	char		 events[4096];

	(void)what;
	while (read(s->inotify_fd, events, sizeof(events)) > 0)
		continue;
	scan_soon(s);
}

struct scan *
scan_new(struct pickup *p)
{
	struct scan	*s = xcalloc(1, sizeof(*s));
	char		 path[64];

	s->pickup = p;
	s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", p->drop_fd);
	if (s->inotify_fd != -1 && inotify_add_watch(s->inotify_fd, path,
	    IN_ATTRIB | IN_MOVED_TO | IN_ONLYDIR) == -1) {
		log_warn("notices of the drop folder");
		close(s->inotify_fd);
		s->inotify_fd = -1;
	}
	if (s->inotify_fd != -1)
		watch_set(&s->notices, s->inotify_fd, LOOP_READ, noticed, s);
	scan_soon(s);
	return s;
}
