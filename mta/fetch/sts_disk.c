/*
 * sts_disk.c - the folder of the kept policies.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"

#include "mta/fetch/sts_disk.h"

struct sts_disk {
	int		 folder;
	struct pool	*pool;		/* one thread: in their order */
	size_t		 waiting;
	unsigned long	 failures;
};

struct job {
	struct sts_disk	*disk;
	char		 domain[STS_DOMAIN_MAX + 1];
	bool		 remove;
	struct buf	 file;
	int		 error;		/* errno; 0: it is done */
};

struct sts_disk *
sts_disk_new(int folder)
{
	struct sts_disk	*d = xcalloc(1, sizeof(*d));

	d->folder = folder;
	d->pool = pool_new(1);
	return d;
}

void
sts_disk_free(struct sts_disk **dp)
{
	struct sts_disk	*d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	pool_free(&d->pool);
	close(d->folder);
	free(d);
}

/* --- reading */

static struct sts_kept *
read_one(const struct sts_disk *d, const char *name, const char **why)
{
	struct buf	 text = { 0 };
	struct sts_kept	*k = NULL;
	int		 fd;

	fd = openat(d->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	*why = NULL;
	if (fd == -1 || file_read_fd(fd, STS_FILE_MAX, &text) == -1)
		*why = strerror(errno);
	else
		k = sts_kept_read(buf_span(&text), why);
	if (k != NULL && strcmp(k->domain, name) != 0) {
		*why = "it is another domain's";
		sts_kept_free(&k);
	}
	if (fd != -1)
		close(fd);
	buf_clear(&text);
	return k;
}

/* What was written beside and never renamed, or is damaged, is no policy. */
static void
discard(const struct sts_disk *d, const char *name, const char *why)
{
	if (name[0] != '.')
		log_warnx("event=sts-damaged domain=%s why=%s",
		    log_quote(span_of(name)), log_quote(span_of(why)));
	(void)unlinkat(d->folder, name, 0);
}

void
sts_disk_load(struct sts_disk *d, void (*take)(void *, struct sts_kept *),
    void *arg)
{
	struct sts_kept	*k;
	struct dirent	*e;
	const char	*why;
	DIR		*dir;
	int		 fd;

	fd = openat(d->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL)
		fatal("the folder of kept policies");
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if ((k = read_one(d, e->d_name, &why)) != NULL)
			take(arg, k);
		else
			discard(d, e->d_name, why);
	}
	closedir(dir);
}

/* --- writing, on the thread */

static void
work(void *arg)
{
	struct job	*j = arg;
	struct span	 file = buf_span(&j->file);
	int		 rc;

	if (j->remove)
		rc = unlinkat(j->disk->folder, j->domain, 0);
	else
		rc = file_replace(j->disk->folder, j->domain, file.p, file.n,
		    0600);
	j->error = rc == -1 && !(j->remove && errno == ENOENT) ? errno : 0;
}

static void
done(void *arg)
{
	struct job	*j = arg;

	j->disk->waiting--;
	if (j->error != 0) {
		j->disk->failures++;
		errno = j->error;
		log_warn("event=sts-not-%s domain=%s", j->remove ? "removed" :
		    "kept", j->domain);
	}
	buf_clear(&j->file);
	free(j);
}

static struct job *
new_job(struct sts_disk *d, const char *domain)
{
	struct job	*j = xcalloc(1, sizeof(*j));
	size_t		 n = strlen(domain);

	j->disk = d;
	memcpy(j->domain, domain, n < sizeof(j->domain) ? n :
	    sizeof(j->domain) - 1);
	d->waiting++;
	return j;
}

void
sts_disk_put(struct sts_disk *d, const struct sts_kept *k)
{
	struct job	*j;

	if (d->waiting >= STS_DISK_WAITING_MAX) {
		d->failures++;
		log_warnx("event=sts-not-kept domain=%s why=\"the disk is "
		    "too slow\"", k->domain);
		return;
	}
	j = new_job(d, k->domain);
	sts_kept_write(k, &j->file);
	pool_run(d->pool, work, done, j);
}

void
sts_disk_remove(struct sts_disk *d, const char *domain)
{
	struct job	*j = new_job(d, domain);

	j->remove = true;
	pool_run(d->pool, work, done, j);
}

unsigned long
sts_disk_failures(const struct sts_disk *d)
{
	return d->failures;
}
