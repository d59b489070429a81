/*
 * store.c - delivery into a Maildir, in two steps.
 *
 *   tmp/NAME   new/NAME   means
 *   missing    missing    not prepared; or delivered, and a reader took it
 *   there      missing    prepared: store_commit renames
 *   missing    there      delivered
 *
 * The first line is unambiguous for who has it in a journal that it was
 * prepared: before store_prepare() answers, the octets and the name in tmp are
 * synced.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "mailbox/store/folder.h"
#include "mailbox/store/store.h"

#define CHUNK	(64u << 10)	/* octets of one write */

static enum store_result
never(struct store_error *e, const char *text)
{
	e->status = "5.3.5";	/* system incorrectly configured */
	snprintf(e->text, sizeof(e->text), "%s", text);
	return STORE_NEVER;
}

/* What errno means for the sender; all of it can be mended. */
static enum store_result
later(struct store_error *e, const char *what)
{
	char	 text[100];
	int	 err = errno;

	e->status = err == ENOSPC ? "4.3.1" : err == EDQUOT ? "4.2.2" :
	    "4.3.0";
	snprintf(e->text, sizeof(e->text), "%s: %s", what,
	    strerror_r(err, text, sizeof(text)));
	return STORE_LATER;
}

/* A file name that we can have made: no path, hidden file or info part. */
static bool
name_ok(struct span name)
{
	size_t	 i;

	if (name.n == 0 || name.n >= STORE_NAME_MAX || name.p[0] == '.')
		return false;
	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == '/' ||
		    name.p[i] == ':' || name.p[i] == 0x7f)
			return false;
	return true;
}

/* Sizes of what is written: the wire's CRLF becomes LF. */
struct sizes {
	uint64_t	lf;	/* S=: octets of the file */
	uint64_t	crlf;	/* W=: octets with CRLF (RFC822.SIZE) */
};

static void
measure(struct span s, struct sizes *sz)
{
	const char	*p = s.p, *end = s.p + s.n;

	sz->lf += s.n;
	sz->crlf += s.n;
	while (p < end &&
	    (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (p > s.p && p[-1] == '\r')
			sz->lf--;
		else
			sz->crlf++;
		p++;
	}
}

static int
make_name(struct span base, struct span prefix, struct span content,
    bool as_is, char out[STORE_NAME_MAX])
{
	struct sizes	 sz = { 0, 0 };
	int		 n;

	measure(prefix, &sz);
	measure(content, &sz);
	if (as_is)
		sz.lf = sz.crlf = prefix.n + content.n;
	n = snprintf(out, STORE_NAME_MAX, "%.*s,S=%llu,W=%llu",
	    SPAN_ARG(base), (unsigned long long)sz.lf,
	    (unsigned long long)sz.crlf);
	return n < 0 || n >= STORE_NAME_MAX ? -1 : 0;
}

/* Gathers lines with LF ends, or octets as they are, and writes them in chunks. */
struct writer {
	int	 fd;
	bool	 as_is;
	size_t	 n;
	char	*chunk;
};

static int
flush(struct writer *w)
{
	size_t	 n = w->n;

	w->n = 0;
	return file_write_all(w->fd, w->chunk, n);
}

static int
put(struct writer *w, const char *p, size_t n)
{
	size_t	 some;

	for (; n > 0; p += some, n -= some) {
		if (w->n == CHUNK && flush(w) == -1)
			return -1;
		some = CHUNK - w->n < n ? CHUNK - w->n : n;
		memcpy(w->chunk + w->n, p, some);
		w->n += some;
	}
	return 0;
}

/* A CR before an LF is left out. */
static int
put_lines(struct writer *w, struct span s)
{
	const char	*p = s.p, *end = s.p + s.n, *cr;

	if (w->as_is)
		return put(w, s.p, s.n);
	while (p < end) {
		cr = memchr(p, '\r', (size_t)(end - p));
		if (cr == NULL)
			return put(w, p, (size_t)(end - p));
		if (put(w, p, (size_t)(cr - p)) == -1)
			return -1;
		p = cr + 1;
		if ((p == end || *p != '\n') && put(w, cr, 1) == -1)
			return -1;
	}
	return 0;
}

static int
write_file(int fd, struct span prefix, struct span content, bool as_is)
{
	struct writer	 w = { fd, as_is, 0, xmalloc(CHUNK) };
	int		 rc;

	rc = put_lines(&w, prefix) == 0 && put_lines(&w, content) == 0 &&
	    flush(&w) == 0 && fsync(fd) == 0 ? 0 : -1;
	free(w.chunk);
	return rc;
}

/* tmp/name with its octets; both are synced, or neither is there. */
static int
write_tmp(int tmp, const char *name, struct span prefix, struct span content,
    bool as_is)
{
	int	 fd, rc, saved;

	fd = openat(tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	rc = write_file(fd, prefix, content, as_is);
	saved = errno;
	if (close(fd) == -1 && rc == 0) {
		rc = -1;
		saved = errno;
	}
	if (rc == 0 && (rc = fsync(tmp)) == -1)
		saved = errno;
	if (rc == -1)
		unlinkat(tmp, name, 0);
	errno = saved;
	return rc;
}

enum store_result
store_prepare(const char *maildir, struct span base, struct span prefix,
    struct span content, bool as_is, char final[STORE_NAME_MAX],
    struct store_error *e)
{
	char	 path[PATH_MAX];
	int	 tmp, rc;

	if (!folder_path(maildir, path))
		return never(e, "the mailbox's path names no folder");
	if (!name_ok(base) ||
	    make_name(base, prefix, content, as_is, final) == -1)
		return never(e, "the message has no usable name");
	if ((tmp = folder_open(path, "tmp", true)) == -1)
		return later(e, "the mailbox cannot be opened");
	if ((rc = write_tmp(tmp, final, prefix, content, as_is)) == -1)
		later(e, "the mailbox cannot be written");
	close(tmp);
	return rc == -1 ? STORE_LATER : STORE_OK;
}

enum store_result
store_prepare_fd(const char *maildir, struct span base, struct span prefix,
    int fd, uint64_t size, bool as_is, char final[STORE_NAME_MAX],
    struct store_error *e)
{
	enum store_result	 r;
	struct stat		 st;
	void			*p;

	if (fstat(fd, &st) == -1 || (uint64_t)st.st_size < size) {
		errno = EIO;
		return later(e, "the message cannot be read");
	}
	if (size == 0)
		return store_prepare(maildir, base, prefix, SPAN_NONE, as_is,
		    final, e);
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return later(e, "the message cannot be read");
	r = store_prepare(maildir, base, prefix, span_mem(p, (size_t)size),
	    as_is, final, e);
	munmap(p, (size_t)size);
	return r;
}

/* The rename is durable when new/ is synced, also one of an earlier try. */
static int
move_to_new(int tmp, int new, const char *name)
{
	if (renameat(tmp, name, new, name) == -1 && errno != ENOENT)
		return -1;
	return fsync(new);
}

enum store_result
store_commit(const char *maildir, const char *final, struct store_error *e)
{
	char	 path[PATH_MAX];
	int	 tmp, new, rc = -1;

	if (!folder_path(maildir, path) || !name_ok(span_of(final)))
		return never(e, "the mailbox's path names no folder");
	if ((tmp = folder_open(path, "tmp", false)) == -1)
		return later(e, "the mailbox cannot be opened");
	if ((new = folder_open(path, "new", true)) != -1)
		rc = move_to_new(tmp, new, final);
	if (rc == -1)
		later(e, "the message cannot be moved into the mailbox");
	if (new != -1)
		close(new);
	close(tmp);
	return rc == -1 ? STORE_LATER : STORE_OK;
}
