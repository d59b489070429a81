/*
 * quota.c - how much a Maildir holds, by Maildir++'s file maildirsize.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "mailbox/store/folder.h"
#include "mailbox/store/names.h"
#include "mailbox/store/quota.h"

#define FILE_NAME	"maildirsize"
#define FILE_MAX	5120	/* octets; from here on it is counted anew */
#define TRUSTED_S	(15 * 60)	/* how long a count by itself is right */
#define COMPACT_FROM	10000	/* messages: lines are added up, not counted */
#define TRASH		".Trash"	/* does not count, nor what is marked T */

/* What the file says, or a count has found. */
struct usage {
	int64_t		octets, messages;
	unsigned	lines;		/* behind the first */
	int64_t		age_s;
};

enum loaded { LOADED, TOO_LONG, USELESS };

/* --- the file */

/* "1000S", with or without other limits, which are not ours. */
static bool
same_quota(struct span line, uint64_t quota)
{
	uint64_t	 n;

	return line.n > 1 && line.p[line.n - 1] == 'S' &&
	    span_u64(span_mem(line.p, line.n - 1), INT64_MAX, &n) &&
	    n == quota;
}

static bool
number(struct span s, int64_t *out)
{
	bool		 minus = s.n > 0 && s.p[0] == '-';
	uint64_t	 n;

	if (!span_u64(span_from(s, minus), INT64_MAX / 4, &n))
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

/* "octets messages", blanks as others write them. */
static bool
add_line(struct usage *u, struct span line)
{
	int64_t		 octets, messages;
	ptrdiff_t	 at;

	line = span_trim(line);
	if ((at = span_index(line, ' ')) == -1 ||
	    !number(span_mem(line.p, (size_t)at), &octets) ||
	    !number(span_trim(span_from(line, (size_t)at)), &messages) ||
	    __builtin_add_overflow(u->octets, octets, &u->octets) ||
	    __builtin_add_overflow(u->messages, messages, &u->messages))
		return false;
	u->lines++;
	return true;
}

static bool
parse(struct span text, uint64_t quota, struct usage *u)
{
	struct span	 line;
	ptrdiff_t	 at;
	bool		 first = true;

	*u = (struct usage){ 0, 0, 0, 0 };
	for (; (at = span_index(text, '\n')) != -1; first = false) {
		line = span_mem(text.p, (size_t)at);
		text = span_from(text, (size_t)at + 1);
		if (first ? !same_quota(line, quota) : !add_line(u, line))
			return false;
	}
	/* A line without an end: somebody was killed while he wrote. */
	return !first && text.n == 0 && u->octets >= 0 && u->messages >= 0;
}

static int
open_file(int maildir, int flags, struct stat *st)
{
	int	 fd;

	fd = openat(maildir, FILE_NAME, flags | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return -1;
}

static enum loaded
load(int maildir, uint64_t quota, struct usage *u)
{
	char		 text[FILE_MAX * 2];
	struct stat	 st;
	ssize_t		 n;
	int		 fd;

	if ((fd = open_file(maildir, O_RDONLY, &st)) == -1)
		return USELESS;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0 || n == sizeof(text) ||
	    !parse(span_mem(text, (size_t)n), quota, u))
		return USELESS;
	u->age_s = (int64_t)(time(NULL) - st.st_mtime);
	return n >= FILE_MAX ? TOO_LONG : LOADED;
}

/* A name of tmp that nobody else has. */
static int
open_beside(int tmp, char *name, size_t n)
{
	static _Atomic unsigned	 serial;

	snprintf(name, n, "%s.%ld.%u", FILE_NAME, (long)getpid(), ++serial);
	return openat(tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
}

/*
 * The file anew, by a rename from tmp, as Maildir++ has it; when that cannot
 * be, it is counted again the next time.
 */
static void
save(int maildir, uint64_t quota, const struct usage *u)
{
	char	 text[100], name[64];
	int	 tmp, fd, n;
	bool	 ok;

	n = snprintf(text, sizeof(text), "%" PRIu64 "S\n%" PRId64 " %" PRId64
	    "\n", quota, u->octets, u->messages);
	tmp = openat(maildir, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (tmp == -1)
		return;
	if ((fd = open_beside(tmp, name, sizeof(name))) != -1) {
		ok = file_write_all(fd, text, (size_t)n) == 0;
		close(fd);
		if (!ok || renameat(tmp, name, maildir, FILE_NAME) == -1)
			(void)unlinkat(tmp, name, 0);
	}
	close(tmp);
}

/* --- counting */

static void
count_file(int folder, struct span name, struct usage *u)
{
	struct name_parts	 parts;
	struct stat		 st;

	name_parse(name, &parts);
	if (span_index(parts.flags, 'T') != -1)
		return;
	if (!parts.has_s || parts.s > INT64_MAX / 4) {
		if (fstatat(folder, name.p, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			return;
		parts.s = (uint64_t)st.st_size;
	}
	if (u->octets < INT64_MAX / 2)
		u->octets += (int64_t)parts.s;
	u->messages++;
}

/* -1: it is there, and cannot be read. */
static int
count_sub(int folder, const char *sub, struct usage *u)
{
	struct dirent	*e;
	DIR		*d;
	int		 fd;

	fd = openat(folder, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 : -1;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			count_file(fd, span_of(e->d_name), u);
	closedir(d);
	return 0;
}

static int
count_folder(int maildir, const char *name, struct usage *u)
{
	int	 fd, rc;

	fd = openat(maildir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 : -1;
	rc = count_sub(fd, "new", u) == 0 && count_sub(fd, "cur", u) == 0 ?
	    0 : -1;
	folder_close(fd);
	return rc;
}

static int
count_all(int maildir, struct usage *u)
{
	struct dirent	*e;
	DIR		*d;
	int		 fd, rc;

	*u = (struct usage){ 0, 0, 1, 0 };
	fd = openat(maildir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	rc = count_folder(maildir, ".", u);
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (name_is_folder(span_of(e->d_name)) &&
		    strcmp(e->d_name, TRASH) != 0)
			rc = count_folder(maildir, e->d_name, u);
	closedir(d);
	return rc;
}

static int
count_anew(int maildir, uint64_t quota, struct usage *u)
{
	if (count_all(maildir, u) == -1)
		return -1;
	save(maildir, quota, u);
	return 0;
}

/* --- for others */

static bool
has_room(const struct usage *u, uint64_t quota, uint64_t octets)
{
	return (uint64_t)u->octets <= quota && octets <= quota -
	    (uint64_t)u->octets;
}

enum quota_result
quota_check(int maildir, uint64_t quota, uint64_t octets)
{
	struct usage	 u;
	enum loaded	 is;
	bool		 fresh = false;

	if (quota > INT64_MAX)
		quota = INT64_MAX;
	if (octets > quota)
		return QUOTA_NEVER;
	is = load(maildir, quota, &u);
	if (is == TOO_LONG && u.messages > COMPACT_FROM)
		save(maildir, quota, &u);
	else if (is != LOADED) {
		if (count_anew(maildir, quota, &u) == -1)
			return QUOTA_ERROR;
		fresh = true;
	}
	if (has_room(&u, quota, octets))
		return QUOTA_ROOM;
	if (fresh || (u.lines <= 1 && u.age_s <= TRUSTED_S))
		return QUOTA_FULL;
	if (count_anew(maildir, quota, &u) == -1)
		return QUOTA_ERROR;
	return has_room(&u, quota, octets) ? QUOTA_ROOM : QUOTA_FULL;
}

void
quota_add(int maildir, int64_t octets, int64_t messages)
{
	char		 line[64];
	struct stat	 st;
	int		 fd, n;

	if ((fd = open_file(maildir, O_WRONLY | O_APPEND, &st)) == -1)
		return;
	n = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 "\n", octets,
	    messages);
	(void)!write(fd, line, (size_t)n);
	close(fd);
}
