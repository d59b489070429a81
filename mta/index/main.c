/*
 * main.c - waybill-index: files of tables are read, once for all who ask them.
 *
 * User: waybill-index; with `--accounts yes`, which reads the tables of
 * accounts and no others, waybill-auth.  Root: an empty folder.  Descriptors:
 * the parent, the image, the tables' files, read-only.  It lives as long as
 * that takes.  An intruder, who would have to be in a table's file, could say
 * false things of the tables that this run reads; of accounts he would see
 * hashes of passwords.  No process that a stranger talks to reads files or has
 * the libraries that do.
 *
 * Each table goes to the parent as a sealed index (maps/index.h).
 */
#include "config.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "maps/index.h"

#include "mta/child/child.h"
#include "mta/policy/open_table.h"

#define MISTAKES_MAX	20	/* of a table, in the log; then their number */
#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A table that is being read. */
struct reading {
	uint32_t	 mistakes, warnings;
	struct buf	 first;		/* FILE:LINE:COLUMN: WHAT */
	bool		 unknown;	/* includes what the image does not name */
	uint32_t	*files;		/* included */
	uint32_t	 nfiles;
};

static bool	accounts;	/* this run is for those */

/* --- what is found in it */

static void
log_problem(const char *map, const char *path, const struct map_problem *p)
{
	log_warnx("table map=%s file=%s line=%u column=%u %s=%s", map,
	    log_quote(span_of(path)), p->line, p->column,
	    p->warning ? "warning" : "problem", log_quote(span_of(p->what)));
}

static void
on_problem(void *arg, const char *map, const char *path,
    const struct map_problem *p)
{
	struct reading	*r = arg;

	if (p->note)
		return;		/* `waybill check` tells it */
	if (p->warning)
		r->warnings++;
	else if (r->mistakes++ == 0) {
		buf_add_str(&r->first, path);
		if (p->line > 0)
			buf_addf(&r->first, ":%u:%u", p->line, p->column);
		buf_addf(&r->first, ": %s", p->what);
	}
	if (r->mistakes + r->warnings <= MISTAKES_MAX)
		log_problem(map, path, p);
}

static void
on_included(void *arg, uint32_t file)
{
	struct reading	*r = arg;

	if (file == UINT32_MAX) {
		r->unknown = true;
		return;
	}
	r->files = xreallocarray(r->files, r->nfiles + 1, sizeof(*r->files));
	r->files[r->nfiles++] = file;
}

static void
log_more(const struct reading *r, struct span map)
{
	uint32_t	n = r->mistakes + r->warnings;

	if (n > MISTAKES_MAX)
		log_warnx("table map=%.*s more-problems=%u", SPAN_ARG(map),
		    n - MISTAKES_MAX);
}

/* --- the index */

/* Sealed; -1: when it is not the table, the reading says what is wrong. */
static int
make_index(const struct map *m, struct reading *r)
{
	int	fd;

	if (map_is_broken(m))
		return -1;
	fd = memfd_create("waybill-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd != -1 && map_index_write(m, fd) == 0 &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	r->mistakes++;
	buf_addf(&r->first, "%sits index cannot be made: %s",
	    r->first.n > 0 ? "; " : "", errno == EFBIG ?
	    "it would be larger than 4 GiB" : strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

static void
send_index(uint32_t generation, uint32_t map, const struct map *m,
    const struct reading *r, int fd)
{
	struct chan	*c = child_parent();
	off_t		 octets = fd == -1 ? 0 : lseek(fd, 0, SEEK_END);
	uint32_t	 i;

	chan_begin(c, MSG_INDEXED);
	chan_u32(c, generation);
	chan_u32(c, map);
	chan_u32(c, r->mistakes);
	chan_bytes(c, buf_span(&r->first));
	chan_u8(c, r->unknown);
	chan_u32(c, r->nfiles);
	for (i = 0; i < r->nfiles; i++)
		chan_u32(c, r->files[i]);
	chan_u64(c, map_size(m));
	chan_u64(c, octets < 0 ? 0 : (uint64_t)octets);
	chan_u8(c, fd != -1);
	if (fd != -1)
		chan_fd(c, fd);
	chan_end(c);
	chan_flush(c);		/* reading the next one takes its time */
}

static void
index_table(const struct child_config *cfg, const struct rs_image *im,
    uint32_t n)
{
	struct reading		 r = { .mistakes = 0 };
	struct table_source	 src = {
		.image = im, .file_fds = cfg->file_fds,
		.nfiles = cfg->nfiles, .problem = on_problem,
		.included = on_included, .arg = &r
	};
	struct map		*m = table_open(&src, n);

	log_more(&r, rs_string(im, rs_map(im, n)->name));
	send_index(cfg->generation, n, m, &r, make_index(m, &r));
	map_close(&m);
	buf_clear(&r.first);
	free(r.files);
}

/* Its file was sent, and it is of those that this run is for. */
static bool
is_ours(const struct child_config *cfg, const struct rs_image *im, uint32_t n)
{
	uint32_t	file = rs_map(im, n)->file;

	return table_is_file(im, n) && file < cfg->nfiles &&
	    cfg->file_fds[file] != -1 &&
	    span_eq(rs_string(im, rs_map(im, n)->kind), SPAN("accounts")) ==
	    accounts;
}

static bool
on_config(struct child_config *cfg, void *arg)
{
	struct rs_image	*im;
	const char	*why;
	uint32_t	 i;

	(void)arg;
	if ((im = rs_image_open_settings(cfg->image_fd, &why)) == NULL)
		fatalx("image: %s", why);
	for (i = 0; i < rs_nmap(im) && child_parent() != NULL; i++)
		if (is_ours(cfg, im, i))
			index_table(cfg, im, i);
	rs_image_free(&im);
	return true;
}

/* The parent closes the channel when it has all: that is the end. */
int
main(int argc, char **argv)
{
	static const struct child_ops	ops = { .config = on_config };

	child_open(PROC_INDEX, argc, argv, &ops, NULL);
	accounts = child_option("accounts") != NULL;
	confine_drop(accounts ? "waybill-auth" : "waybill-index",
	    child_option("chroot"));
	confine_sandbox(0);
	child_run();
	return 0;
}
