/*
 * certs_read.c - the files of a tls block: seen, and copied for keys.
 *
 * Whatever stands in them goes by unread.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/parent/certs_int.h"

#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

void
cert_look(const struct cert *c, struct file_mark marks[KEYS_NPARTS])
{
	struct stat	st;

	memset(marks, 0, KEYS_NPARTS * sizeof(marks[0]));
	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		if (c->paths[i] != NULL && stat(c->paths[i], &st) == 0)
			file_mark_take(&st, &marks[i]);
}

uint64_t
cert_sum(const struct file_mark marks[KEYS_NPARTS])
{
	uint64_t	sum = 1;

	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		sum = sum * 31 + hash_fixed(span_mem(&marks[i],
		    sizeof(marks[i])));
	return sum;
}

/* --- copying */

/* Only plain files, as tables are. */
static int
open_part(const char *path, struct stat *st, const char **why)
{
	int	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*why = NULL;
	if (fd == -1 || fstat(fd, st) == -1)
		*why = strerror(errno);
	else if (!S_ISREG(st->st_mode))
		*why = "not a plain file";
	else if (st->st_size == 0)
		*why = "empty";
	else if (st->st_size > KEYS_PART_MAX)
		*why = "larger than 1 MiB: no certificate or key is";
	if (*why == NULL)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

static void
warn_of_mode(const struct cert *c, unsigned part, const struct stat *st)
{
	if (part == KEYS_KEY && (st->st_mode & S_IRWXO) != 0)
		log_warnx("event=key-exposed file=%s mode=%04o why=\"others "
		    "than its owner and group may open it\"",
		    log_quote(span_of(c->paths[part])),
		    (unsigned)st->st_mode & 07777);
}

/* n octets, no more and no less. */
static const char *
copy_octets(int from, size_t n, int to)
{
	char		 octets[4096];
	const char	*why = NULL;
	ssize_t		 k;
	size_t		 done = 0;

	while (why == NULL && done < n) {
		size_t	most = n - done < sizeof(octets) ? n - done :
		    sizeof(octets);

		k = pread(from, octets, most, (off_t)done);
		if (k <= 0)
			why = k == 0 ? "changed while it was read" :
			    strerror(errno);
		else if (file_write_all(to, octets, (size_t)k) == -1)
			why = strerror(errno);
		done += k > 0 ? (size_t)k : 0;
	}
	explicit_bzero(octets, sizeof(octets));
	return why;
}

static const char *
copy_part(const struct cert *c, unsigned part, int to, uint32_t *octets,
    struct file_mark *mark)
{
	const char	*why;
	struct stat	 st;
	int		 fd = open_part(c->paths[part], &st, &why);

	if (fd == -1)
		return why;
	warn_of_mode(c, part, &st);
	file_mark_take(&st, mark);
	*octets = (uint32_t)st.st_size;
	why = copy_octets(fd, (size_t)st.st_size, to);
	close(fd);
	return why;
}

/* An OCSP answer that is not there yet is nothing that a start waits for. */
static bool
may_miss(const struct cert *c, unsigned part, const char *why)
{
	if (part != KEYS_STAPLE)
		return false;
	log_warnx("event=staple-missing file=%s why=%s",
	    log_quote(span_of(c->paths[part])), log_quote(span_of(why)));
	return true;
}

static bool
copy_all(struct generation *g, struct cert *c, int to,
    uint32_t octets[KEYS_NPARTS], struct file_mark marks[KEYS_NPARTS])
{
	const char	*why;

	for (unsigned i = 0; i < KEYS_NPARTS; i++) {
		if (c->paths[i] == NULL)
			continue;
		why = copy_part(c, i, to, &octets[i], &marks[i]);
		if (why == NULL || may_miss(c, i, why))
			continue;
		cert_fail_part(g, c, i, why, c->pair != NULL);
		return false;
	}
	return true;
}

/* Files that were written to meanwhile are copied again, when they rest. */
static bool
is_as_copied(const struct cert *c, const struct file_mark marks[KEYS_NPARTS])
{
	struct file_mark	now[KEYS_NPARTS];

	cert_look(c, now);
	return cert_sum(now) == cert_sum(marks);
}

struct pair *
cert_copy(struct generation *g, struct cert *c, struct pairs *pairs)
{
	uint32_t		 octets[KEYS_NPARTS] = { 0 };
	struct file_mark	 marks[KEYS_NPARTS];
	struct pair		*p;
	int			 fd;

	memset(marks, 0, sizeof(marks));
	fd = memfd_create("waybill-key", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1) {
		cert_fail(g, c, strerror(errno), true, false);
		return NULL;
	}
	if (copy_all(g, c, fd, octets, marks)) {
		if (fcntl(fd, F_ADD_SEALS, SEALS) == 0 &&
		    is_as_copied(c, marks)) {
			p = pair_new(pairs, c->owner, fd, octets);
			memcpy(p->marks, marks, sizeof(p->marks));
			return p;
		}
		cert_fail(g, c, "changed while it was read", true,
		    c->pair != NULL);
	}
	close(fd);
	return NULL;
}
