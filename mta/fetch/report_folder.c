/*
 * report_folder.c - files of days; report_folder.h.
 */
#include "mta/fetch/report_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "mta/fetch/report_keep.h"

#define NAME_MAX_OCTETS	(REPORT_DAY_TEXT + 8)

/* --- files */

static const char *
name_of(int64_t day, char out[NAME_MAX_OCTETS])
{
	char	text[REPORT_DAY_TEXT];

	snprintf(out, NAME_MAX_OCTETS, "%s.json", report_day_text(day, text));
	return out;
}

/* NULL: it cannot be read, or is none of ours. */
static struct report_day *
read_file(int folder, const char *name)
{
	struct report_day	*d = NULL;
	struct buf		 text = { 0 };
	char			 right[NAME_MAX_OCTETS];
	int			 fd;

	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd != -1 && file_read_fd(fd, REPORT_KEPT_MAX, &text) == 0)
		d = report_kept(buf_span(&text));
	if (fd != -1)
		close(fd);
	buf_clear(&text);
	if (d != NULL && strcmp(name, name_of(d->day, right)) != 0)
		report_day_free(&d);
	return d;
}

static void
take_file(int folder, const char *name, struct report_day **days, size_t *n,
    size_t max)
{
	struct report_day	*d = NULL;

	if (*n < max)
		d = read_file(folder, name);
	if (d != NULL) {
		days[(*n)++] = d;
		return;
	}
	log_warnx("event=tls-report-file-dropped file=%s",
	    log_quote(span_of(name)));
	(void)unlinkat(folder, name, 0);
}

size_t
report_folder_read(int folder, struct report_day **days, size_t max)
{
	struct dirent	*e;
	size_t		 n = 0;
	DIR		*dir;
	int		 fd;

	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		log_warn("the folder of TLS reports");
		if (fd != -1)
			close(fd);
		return 0;
	}
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			take_file(folder, e->d_name, days, &n, max);
	closedir(dir);
	return n;
}

bool
report_folder_write(int folder, struct report_day *d)
{
	struct buf	b = { 0 };
	char		name[NAME_MAX_OCTETS];
	bool		ok;

	report_keep(d, &b);
	ok = file_replace(folder, name_of(d->day, name), buf_span(&b).p, b.n,
	    0600) == 0;
	if (!ok)
		log_warn("event=tls-report-file-lost file=%s", name);
	d->changed = false;	/* the next change tries it again */
	buf_clear(&b);
	return ok;
}

void
report_folder_remove(int folder, int64_t day)
{
	char	name[NAME_MAX_OCTETS];

	if (unlinkat(folder, name_of(day, name), 0) == -1 && errno != ENOENT)
		log_warn("event=tls-report-file-stays file=%s", name);
}
