/*
 * forward.c - a user's forward file, read as that user.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"

#include "mta/deliver/forward.h"

#define OTHERS_WRITE	(S_IWGRP | S_IWOTH)

static enum forward_result
unsafe(const char **why, const char *what)
{
	*why = what;
	return FORWARD_UNSAFE;
}

static bool
is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* What may be better in a while: sendmail's transienterror(). */
static enum forward_result
not_opened(int error, const char **why)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return FORWARD_NONE;
	case ELOOP:
	case EMLINK:
		return unsafe(why, "it is a symbolic link");
	case EACCES:
	case EPERM:
	case ENXIO:
		return unsafe(why, "it may not be read");
	default:
		*why = "it cannot be read just now";
		return FORWARD_LATER;
	}
}

/* --- the folders on the way */

/* For each folder on the path, the root first; NULL, or what is wrong. */
static const char *
each_folder(const char *path, const char *(*fault)(const char *folder))
{
	char		 part[PATH_MAX];
	const char	*why;
	size_t		 n = strlen(path), i;

	if (path[0] != '/' || n >= sizeof(part))
		return "its path is not absolute, or too long";
	for (i = 0; i < n; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i == 0 ? 1 : i);
		part[i == 0 ? 1 : i] = '\0';
		if ((why = fault(part)) != NULL)
			return why;
	}
	return NULL;
}

/* A link on the way is ours too; what it leads to is looked at by itself. */
static const char *
link_fault(const char *folder)
{
	struct stat	st;

	if (lstat(folder, &st) == 0 && S_ISLNK(st.st_mode) && !is_ours(&st))
		return "a link on its path belongs to somebody else";
	return NULL;
}

/* One whose files another could exchange; with the sticky bit he cannot. */
static const char *
folder_fault(const char *folder)
{
	struct stat	st;

	if (stat(folder, &st) == -1)
		return "a folder on its path cannot be looked at";
	if (!S_ISDIR(st.st_mode))
		return "a part of its path is no folder";
	if (!is_ours(&st))
		return "a folder on its path belongs to somebody else";
	if ((st.st_mode & OTHERS_WRITE) != 0 && (st.st_mode & S_ISVTX) == 0)
		return "others may write a folder on its path";
	return NULL;
}

/* Both the folders by which it was named and those where it is. */
static const char *
path_fault(const char *path)
{
	char		 real[PATH_MAX];
	const char	*why;

	if ((why = each_folder(path, link_fault)) != NULL ||
	    (why = each_folder(path, folder_fault)) != NULL)
		return why;
	if (realpath(path, real) == NULL)
		return "its path cannot be followed";
	return each_folder(real, folder_fault);
}

/* --- the file */

static const char *
file_fault(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is no plain file";
	if (!is_ours(st))
		return "it belongs to somebody else";
	if ((st->st_mode & OTHERS_WRITE) != 0)
		return "others may write it";
	if (st->st_nlink != 1)
		return "it has several names";
	if (st->st_size > (off_t)FORWARD_MAX)
		return "it is too large";
	return NULL;
}

static enum forward_result
read_file(int fd, struct buf *text, const char **why)
{
	const char	*fault;
	struct stat	 st;

	if (fstat(fd, &st) == -1)
		return not_opened(errno, why);
	if ((fault = file_fault(&st)) != NULL)
		return unsafe(why, fault);
	if (st.st_size == 0)
		return FORWARD_NONE;
	if (file_read_fd(fd, FORWARD_MAX, text) == -1)
		return not_opened(errno, why);
	if (memchr(text->base + text->off, '\0', text->n) != NULL)
		return unsafe(why, "it has a NUL in it");
	return text->n == 0 ? FORWARD_NONE : FORWARD_FOUND;
}

enum forward_result
forward_read(const char *path, struct buf *text, const char **why)
{
	enum forward_result	 is;
	const char		*fault;
	int			 fd;

	*why = "";
	/* A fifo or a device must not hold us up: then it is looked at. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY |
	    O_CLOEXEC);
	if (fd == -1)
		return not_opened(errno, why);
	fault = path_fault(path);
	is = fault != NULL ? unsafe(why, fault) : read_file(fd, text, why);
	close(fd);
	return is;
}

/* --- whether he may have commands */

static bool
is_listed(const char *shell)
{
	static pthread_mutex_t	 one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	const char		*one;
	bool			 is = false;

	(void)pthread_mutex_lock(&one_at_a_time);
	while (!is && (one = getusershell()) != NULL)
		is = strcmp(one, shell) == 0;
	endusershell();
	(void)pthread_mutex_unlock(&one_at_a_time);
	return is;
}

bool
forward_shell_ok(void)
{
	struct passwd	 pw, *found = NULL;
	char		 room[4096];

	if (getpwuid_r(geteuid(), &pw, room, sizeof(room), &found) != 0)
		return false;
	return found == NULL || is_listed(pw.pw_shell);
}
