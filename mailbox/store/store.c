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

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mailbox/store/folder.h"
#include "mailbox/store/lines.h"
#include "mailbox/store/quota.h"
#include "mailbox/store/store.h"

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

static enum store_result
over(struct store_error *e, bool larger)
{
	e->status = larger ? "5.2.3" : "4.2.2";
	snprintf(e->text, sizeof(e->text), "%s", larger ?
	    "the message is larger than the mailbox may be" :
	    "the mailbox is full");
	return larger ? STORE_LARGE : STORE_FULL;
}

/* --- the first step */

/* "BASE,S=n,W=n"; *octets: of the file. */
static int
make_name(const struct store_message *m, char out[STORE_NAME_MAX],
    uint64_t *octets)
{
	struct lines_size	 sz = { 0, 0 };
	int			 n;

	lines_measure(m->prefix, &sz);
	lines_measure(m->content, &sz);
	if (m->as_is)
		sz.lf = sz.crlf = m->prefix.n + m->content.n;
	*octets = sz.lf;
	n = snprintf(out, STORE_NAME_MAX, "%.*s,S=%llu,W=%llu",
	    SPAN_ARG(m->base), (unsigned long long)sz.lf,
	    (unsigned long long)sz.crlf);
	return n < 0 || n >= STORE_NAME_MAX ? -1 : 0;
}

static int
write_file(int fd, const struct store_message *m)
{
	struct lines_writer	 w;
	int			 rc;

	lines_begin(&w, lines_to_fd, &fd, m->as_is);
	rc = lines_put_text(&w, m->prefix) == 0 &&
	    lines_put_text(&w, m->content) == 0 &&
	    lines_flush(&w) == 0 && fsync(fd) == 0 ? 0 : -1;
	lines_end(&w);
	return rc;
}

/* tmp/name with its octets; both are synced, or neither is there. */
static int
write_tmp(int tmp, const char *name, const struct store_message *m)
{
	int	 fd, rc, saved;

	fd = openat(tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	rc = write_file(fd, m);
	saved = errno;
	if (close(fd) == -1 && rc == 0) {
		rc = -1;
		saved = errno;
	}
	if (rc == 0 && (rc = folder_sync(tmp)) == -1)
		saved = errno;
	if (rc == -1)
		unlinkat(tmp, name, 0);
	errno = saved;
	return rc;
}

/* It is no folder, or one that its owner has closed to himself. */
static bool
none_such(int err)
{
	return err == ENOENT || err == ENOTDIR || err == ELOOP ||
	    err == EACCES;
}

/*
 * The folder where there is one such, else the INBOX; final gets the folder
 * that it has become, and a slash.
 */
static int
open_place(int maildir, struct span folder, char final[STORE_FINAL_MAX])
{
	char	 name[STORE_FOLDER_MAX];
	int	 at, tmp;

	final[0] = '\0';
	if (!name_of_folder(folder, name))
		return folder_open_sub(maildir, "tmp", true, false);
	if ((at = folder_open_in(maildir, name)) == -1)
		return none_such(errno) ?
		    folder_open_sub(maildir, "tmp", true, false) : -1;
	tmp = folder_open_sub(at, "tmp", true, true);
	folder_close(at);
	snprintf(final, STORE_FINAL_MAX, "%s/", name);
	return tmp;
}

static enum store_result
check_room(int maildir, uint64_t quota, uint64_t octets,
    struct store_error *e)
{
	int	 tmp;

	if (quota == 0)
		return STORE_OK;
	/* Where the file of a new Maildir comes from. */
	tmp = folder_open_sub(maildir, "tmp", true, false);
	if (tmp != -1)
		close(tmp);
	switch (quota_check(maildir, quota, octets)) {
	case QUOTA_ROOM:
		return STORE_OK;
	case QUOTA_FULL:
		return over(e, false);
	case QUOTA_NEVER:
		return over(e, true);
	case QUOTA_ERROR:
		break;
	}
	return later(e, "the mailbox cannot be counted");
}

/* In an open Maildir, under a name with its sizes. */
static enum store_result
prepare_in(int maildir, const struct store_place *place, const char *name,
    const struct store_message *m, char final[STORE_FINAL_MAX],
    struct store_error *e)
{
	int	 tmp, rc;

	if ((tmp = open_place(maildir, place->folder, final)) == -1)
		return later(e, "the mailbox cannot be opened");
	rc = write_tmp(tmp, name, m);
	folder_close(tmp);
	if (rc == -1)
		return later(e, "the mailbox cannot be written");
	strcat(final, name);
	return STORE_OK;
}

enum store_result
store_prepare(const struct store_place *place, const struct store_message *m,
    char final[STORE_FINAL_MAX], struct store_error *e)
{
	char			 path[PATH_MAX], name[STORE_NAME_MAX];
	enum store_result	 r;
	uint64_t		 octets;
	int			 maildir;

	if (!folder_path(place->maildir, path))
		return never(e, "the mailbox's path names no folder");
	if (!name_is_base(m->base) || make_name(m, name, &octets) == -1)
		return never(e, "the message has no usable name");
	if ((maildir = folder_open(path, true)) == -1)
		return later(e, "the mailbox cannot be opened");
	r = check_room(maildir, place->quota, octets, e);
	if (r == STORE_OK)
		r = prepare_in(maildir, place, name, m, final, e);
	if (r == STORE_OK)
		quota_add(maildir, (int64_t)octets, 1);
	close(maildir);
	return r;
}

/* --- the second */

#define CANNOT_MOVE	"the message cannot be moved into the mailbox"

/* Of "NAME" or ".FOLDER/NAME" the last. */
static const char *
name_of(const char *final)
{
	const char	*slash = strchr(final, '/');

	return slash == NULL ? final : slash + 1;
}

/* The folder of it, empty for the INBOX; false: it is no such name. */
static bool
split_final(const char *final, char folder[STORE_FOLDER_MAX])
{
	const char	*name = name_of(final);
	size_t		 n = name == final ? 0 : (size_t)(name - final) - 1;

	if (n >= STORE_FOLDER_MAX || !name_is_base(span_of(name)) ||
	    (name != final && !name_is_folder(span_mem(final, n))))
		return false;
	memcpy(folder, final, n);
	folder[n] = '\0';
	return true;
}

/* STORE_OK when it stands in new/, or stood there after an earlier try. */
static void
move_one(int tmp, int new, const char *name, struct store_commit *c)
{
	c->result = renameat(tmp, name, new, name) == 0 || errno == ENOENT ?
	    STORE_OK : later(&c->error, CANNOT_MOVE);
}

/* Those of n that have this place; the renames are durable after one sync. */
static void
move_all(int tmp, int new, struct store_commit *c, size_t n)
{
	bool	 any = false;
	size_t	 i;

	for (i = 0; i < n; i++) {
		move_one(tmp, new, name_of(c[i].final), &c[i]);
		any = any || c[i].result == STORE_OK;
	}
	if (!any || folder_sync(new) == 0)
		return;
	for (i = 0; i < n; i++)
		if (c[i].result == STORE_OK)
			c[i].result = later(&c[i].error, CANNOT_MOVE);
}

/* What holds for each of them alike. */
static void
all_are(struct store_commit *c, size_t n, enum store_result r,
    const struct store_error *e)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		c[i].result = r;
		c[i].error = *e;
	}
}

/* *fds: tmp, new. */
static enum store_result
open_ends(int at, int fds[2], struct store_error *e)
{
	if ((fds[0] = folder_open_sub(at, "tmp", false, false)) == -1)
		return errno == ENOENT ? STORE_LOST :
		    later(e, "the mailbox cannot be opened");
	if ((fds[1] = folder_open_sub(at, "new", true, false)) != -1)
		return STORE_OK;
	folder_close(fds[0]);
	return later(e, CANNOT_MOVE);
}

/* The folder that final is in; *at. */
static enum store_result
open_folder(const char *maildir, const char *final, int *at,
    struct store_error *e)
{
	char	 path[PATH_MAX], folder[STORE_FOLDER_MAX];
	int	 up;

	if (!folder_path(maildir, path) || !split_final(final, folder))
		return never(e, "the mailbox's path names no folder");
	if ((*at = folder_open(path, false)) == -1)
		return later(e, "the mailbox cannot be opened");
	if (folder[0] == '\0')
		return STORE_OK;
	up = *at;
	*at = folder_open_in(up, folder);
	folder_close(up);
	if (*at == -1)
		return errno == ENOENT ? STORE_LOST :
		    later(e, "the folder cannot be opened");
	return STORE_OK;
}

/* n of one folder. */
static void
commit_folder(const char *maildir, struct store_commit *c, size_t n)
{
	struct store_error	 e = { "4.3.0", "" };
	enum store_result	 r;
	int			 at, fds[2] = { -1, -1 };

	r = open_folder(maildir, c[0].final, &at, &e);
	if (r == STORE_OK) {
		r = open_ends(at, fds, &e);
		folder_close(at);
	}
	if (r != STORE_OK) {
		all_are(c, n, r, &e);
		return;
	}
	move_all(fds[0], fds[1], c, n);
	close(fds[0]);
	close(fds[1]);
}

/* Both have names, and they are of the same folder. */
static bool
same_folder(const char *a, const char *b)
{
	char	 fa[STORE_FOLDER_MAX], fb[STORE_FOLDER_MAX];

	return split_final(a, fa) && split_final(b, fb) && strcmp(fa, fb) == 0;
}

void
store_commit_all(const char *maildir, struct store_commit *c, size_t n)
{
	size_t	 i, run;

	for (i = 0; i < n; i += run) {
		for (run = 1; i + run < n &&
		    same_folder(c[i].final, c[i + run].final); run++)
			continue;
		commit_folder(maildir, c + i, run);
	}
}

enum store_result
store_commit(const char *maildir, const char *final, struct store_error *e)
{
	struct store_commit	 c = { .final = final, .error = *e };

	store_commit_all(maildir, &c, 1);
	*e = c.error;
	return c.result;
}
