/*
 * mbox.c - delivery into a file of messages.
 *
 *   open, without following a link      it is a plain file, ours, of one name
 *   lock                                it is still what the path names
 *   look at its end                     a beginning of this very message?
 *   write, sync                         or cut back, sync
 *   unlock
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fileio.h"
#include "base/xalloc.h"
#include "mailbox/store/folder.h"
#include "mailbox/store/lines.h"
#include "mailbox/store/mbox.h"

#define TRIES		5	/* the path names another file than was opened */
#define WINDOW		(64u << 10)	/* octets of the end that are looked at at once */
#define SENDER_MAX	1024	/* octets in From_ */

static enum store_result
later(struct store_error *e, const char *status, const char *what)
{
	char	 text[100];
	int	 err = errno;

	e->status = err == ENOSPC ? "4.3.1" : err == EDQUOT ? "4.2.2" :
	    status;
	snprintf(e->text, sizeof(e->text), "%s%s%s", what,
	    err != 0 ? ": " : "",
	    err != 0 ? strerror_r(err, text, sizeof(text)) : "");
	return STORE_LATER;
}

/* --- the octets of a message */

/* "From SENDER DATE"; what has blanks or controls in it gets '-' there. */
static void
from_line(const struct mbox_message *m, struct buf *out)
{
	struct span	 s = m->sender.n > 0 ? m->sender :
	    SPAN("MAILER-DAEMON");
	time_t		 at = (time_t)m->arrived_s;
	char		 date[40];
	struct tm	 tm;
	size_t		 i;

	buf_add_str(out, "From ");
	for (i = 0; i < s.n && i < SENDER_MAX; i++)
		buf_add_char(out, (unsigned char)s.p[i] <= ' ' ||
		    s.p[i] == 0x7f ? '-' : s.p[i]);
	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm) == 0)
		snprintf(date, sizeof(date), "Thu Jan  1 00:00:00 1970");
	buf_addf(out, " %s\n", date);
}

/* ">*From " */
static bool
looks_like_from(const char *p, const char *end)
{
	while (p < end && *p == '>')
		p++;
	return end - p >= 5 && memcmp(p, "From ", 5) == 0;
}

static int
put_escaped(struct lines_writer *w, struct span s)
{
	const char	*from = s.p, *line = s.p, *end, *lf;

	if (s.n == 0)
		return 0;
	end = s.p + s.n;
	for (; line < end; line = lf + 1) {
		if (looks_like_from(line, end)) {
			if (lines_put_text(w, span_mem(from,
			    (size_t)(line - from))) == -1 ||
			    lines_put(w, SPAN(">")) == -1)
				return -1;
			from = line;
		}
		if ((lf = memchr(line, '\n', (size_t)(end - line))) == NULL)
			break;
	}
	return lines_put_text(w, span_mem(from, (size_t)(end - from)));
}

static int
put_message(struct lines_writer *w, const struct mbox_message *m)
{
	struct buf	 from = { 0 };
	struct span	 last = m->content.n > 0 ? m->content : m->prefix;
	bool		 open = last.n > 0 && last.p[last.n - 1] != '\n';
	int		 rc;

	from_line(m, &from);
	rc = lines_put(w, buf_span(&from)) == 0 &&
	    lines_put_text(w, m->prefix) == 0 &&
	    put_escaped(w, m->content) == 0 &&
	    lines_put(w, open ? SPAN("\n\n") : SPAN("\n")) == 0 &&
	    lines_flush(w) == 0 ? 0 : -1;
	buf_clear(&from);
	return rc;
}

/* The octets of it, handed to out. */
static int
emit(const struct mbox_message *m, int (*out)(void *, const char *, size_t),
    void *arg)
{
	struct lines_writer	 w;
	int			 rc;

	lines_begin(&w, out, arg, m->as_is);
	rc = put_message(&w, m);
	lines_end(&w);
	return rc;
}

static int
count_octets(void *arg, const char *p, size_t n)
{
	(void)p;
	*(uint64_t *)arg += n;
	return 0;
}

/* --- what an earlier try has left */

/* The file's end, from at on, beside what is to be written. */
struct compared {
	int		 fd;
	uint64_t	 at, size;
	bool		 differs;
	bool		 zeros;		/* from here on the file has nothing else */
};

/* A crash may leave an end that has its length, and not its octets. */
static bool
only_zeros(const char *p, size_t n)
{
	while (n > 0 && *p == '\0') {
		p++;
		n--;
	}
	return n == 0;
}

static size_t
common(const char *a, const char *b, size_t n)
{
	size_t	 i;

	for (i = 0; i < n && a[i] == b[i]; i++)
		;
	return i;
}

static int
compare(void *arg, const char *p, size_t n)
{
	struct compared	*c = arg;
	char		*have;
	size_t		 same = 0;

	if (c->differs || c->at >= c->size)
		return 0;
	if (n > c->size - c->at)
		n = (size_t)(c->size - c->at);
	have = xmalloc(n);
	if (file_pread_all(c->fd, have, n, c->at) == -1) {
		free(have);
		return -1;
	}
	if (!c->zeros)
		same = common(have, p, n);
	if (same < n)
		c->zeros = true;
	c->differs = !only_zeros(have + same, n - same);
	c->at += n;
	free(have);
	return 0;
}

/* Whether all from at to the end is a beginning of the message. */
static int
is_ours(int fd, uint64_t at, uint64_t size, const struct mbox_message *m,
    bool *ours, bool *torn)
{
	struct compared	 c = { fd, at, size, false, false };

	if (emit(m, compare, &c) == -1)
		return -1;
	*ours = !c.differs && c.at == size;
	*torn = c.zeros;
	return 0;
}

/* The end of the file, searched for the place where this message may begin. */
struct tail {
	int		 fd;
	uint64_t	 size, length;	/* of the file; of the message in it */
	uint64_t	 start;		/* found: where to write */
	bool		 whole;		/* found: all of it is there */
};

/* Looks at one window, whose first octet begins a line or follows one. */
static int
search_window(struct tail *t, const char *p, size_t n, uint64_t at,
    struct span key, const struct mbox_message *m, bool *found)
{
	size_t	 i, k, same;
	bool	 torn;

	*found = false;
	for (i = 0; i < n && !*found; i++) {
		if (p[i] != 'F' || (i == 0 ? at != 0 : p[i - 1] != '\n'))
			continue;
		k = n - i < key.n ? n - i : key.n;
		same = common(p + i, key.p, k);
		if (!only_zeros(p + i + same, k - same))
			continue;
		if (is_ours(t->fd, at + i, t->size, m, found, &torn) == -1)
			return -1;
		if (*found) {
			t->start = at + i;
			t->whole = !torn && t->size - t->start == t->length;
		}
	}
	return 0;
}

static int
search(struct tail *t, struct span key, const struct mbox_message *m)
{
	uint64_t	 at = t->size > t->length + 1 ?
	    t->size - t->length - 1 : 0;
	char		*p = xmalloc(WINDOW);
	bool		 found = false;
	size_t		 n;
	int		 rc = 0;

	t->start = t->size;
	while (rc == 0 && !found && at < t->size) {
		n = t->size - at < WINDOW ? (size_t)(t->size - at) : WINDOW;
		rc = file_pread_all(t->fd, p, n, at);
		if (rc == 0)
			rc = search_window(t, p, n, at, key, m, &found);
		if (at + n == t->size)
			break;
		at += n - key.n - 1;	/* a beginning across the border */
	}
	free(p);
	return rc;
}

static int
find_tail(struct tail *t, const struct mbox_message *m)
{
	struct buf	 key = { 0 };
	int		 rc;

	from_line(m, &key);
	rc = search(t, buf_span(&key), m);
	buf_clear(&key);
	return rc;
}

/* --- writing */

/* What stands before the message, so that it begins behind an empty line. */
static int
put_gap(int fd, uint64_t size)
{
	char	 end[2] = { '\n', '\n' };
	size_t	 n = size < 2 ? (size_t)size : 2;

	if (file_pread_all(fd, end + 2 - n, n, size - n) == -1)
		return -1;
	if (end[1] != '\n')
		return file_write_all(fd, "\n\n", 2);
	return end[0] != '\n' ? file_write_all(fd, "\n", 1) : 0;
}

static int
append(int fd, const struct tail *t, const struct mbox_message *m)
{
	if (ftruncate(fd, (off_t)t->start) == -1 ||
	    lseek(fd, (off_t)t->start, SEEK_SET) == -1 ||
	    put_gap(fd, t->start) == -1 || emit(m, lines_to_fd, &fd) == -1)
		return -1;
	return fsync(fd);
}

static enum store_result
write_or_cut(int fd, const struct tail *t, const struct mbox_message *m,
    struct store_error *e)
{
	int	 saved;

	if (append(fd, t, m) == 0)
		return STORE_OK;
	saved = errno;
	(void)!ftruncate(fd, (off_t)t->start);
	(void)fsync(fd);
	errno = saved;
	return later(e, "4.3.0", "the mailbox cannot be written");
}

/* With the locks. */
static enum store_result
deliver_into(int fd, const struct mbox_place *place,
    const struct mbox_message *m, struct store_error *e)
{
	struct tail	 t = { .fd = fd };
	struct stat	 st;

	if (emit(m, count_octets, &t.length) == -1 || fstat(fd, &st) == -1)
		return later(e, "4.3.0", "the mailbox cannot be read");
	t.size = (uint64_t)st.st_size;
	if (find_tail(&t, m) == -1)
		return later(e, "4.3.0", "the mailbox cannot be read");
	if (t.whole && fsync(fd) == 0)
		return STORE_OK;
	if (place->quota > 0 && t.length > place->quota) {
		e->status = "5.2.3";
		snprintf(e->text, sizeof(e->text),
		    "the message is larger than the mailbox may be");
		return STORE_LARGE;
	}
	if (place->quota > 0 && t.start + t.length > place->quota) {
		e->status = "4.2.2";
		snprintf(e->text, sizeof(e->text), "the mailbox is full");
		return STORE_FULL;
	}
	return write_or_cut(fd, &t, m, e);
}

/* --- opening */

/* The name of a new file is durable with its folder. */
static int
sync_parent(const char *path)
{
	char	 parent[PATH_MAX];
	char	*slash;
	int	 fd, rc;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	slash[slash == parent ? 1 : 0] = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)	/* it may be written in, and not read (a sticky /var/mail) */
		return errno == EACCES ? 0 : -1;
	rc = folder_sync(fd);
	folder_close(fd);
	return rc;
}

static int
open_file(const char *path)
{
	int	 flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, fd;

	fd = open(path, flags);
	if (fd != -1 || errno != ENOENT)
		return fd;
	fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (fd == -1 && errno == EEXIST)
		return open(path, flags);
	if (fd != -1 && sync_parent(path) == -1) {
		folder_close(fd);
		return -1;
	}
	return fd;
}

/* A plain file of this user with this name alone; else errno is 0. */
static bool
is_fit(int fd, struct stat *st)
{
	if (fstat(fd, st) == -1)
		return false;
	errno = 0;
	return S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    st->st_uid == geteuid();
}

static bool
still_named(const char *path, const struct stat *st)
{
	struct stat	 now;

	return lstat(path, &now) == 0 && now.st_ino == st->st_ino &&
	    now.st_dev == st->st_dev;
}

/* *again: the path has got another file meanwhile. */
static enum store_result
try_once(const char *path, const struct mbox_place *place,
    const struct mbox_message *m, struct store_error *e, bool *again)
{
	enum store_result	 r;
	struct stat		 st;
	struct lock		 l;
	int			 fd;

	*again = false;
	if ((fd = open_file(path)) == -1)
		return later(e, "4.3.0", "the mailbox cannot be opened");
	if (!is_fit(fd, &st)) {
		r = later(e, "4.3.5", "the mailbox is no plain file of its "
		    "owner with this name alone");
	} else if (lock_take(&l, &place->locks, path, fd,
	    place->wait_ms) == -1) {
		r = errno == EAGAIN ?
		    (errno = 0, later(e, "4.2.0", "the mailbox is locked")) :
		    later(e, "4.3.5", "the mailbox's lock cannot be made");
	} else {
		*again = !still_named(path, &st);
		r = *again ? STORE_LATER : deliver_into(fd, place, m, e);
		lock_drop(&l);
	}
	close(fd);
	return r;
}

enum store_result
mbox_deliver(const struct mbox_place *place, const struct mbox_message *m,
    struct store_error *e)
{
	enum store_result	 r = STORE_LATER;
	char			 path[PATH_MAX];
	bool			 again = true;
	int			 i;

	if (!folder_path(place->path, path)) {
		e->status = "5.3.5";
		snprintf(e->text, sizeof(e->text),
		    "the mailbox's path names no file");
		return STORE_NEVER;
	}
	for (i = 0; again && i < TRIES; i++)
		r = try_once(path, place, m, e, &again);
	if (again) {
		errno = 0;
		return later(e, "4.2.0", "the mailbox is changed by others");
	}
	return r;
}
