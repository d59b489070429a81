/*
 * generation.c - one configuration: the image, its files, the owners.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/confine.h"
#include "base/fileio.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/authorities.h"
#include "mta/parent/generation_int.h"

#define IMAGE_MAX	(256u << 20)

/* --- the image */

/* A memfd that nobody can change any more; -1 with errno. */
static int
sealed(struct span octets)
{
	int	fd, seals;

	fd = memfd_create("waybill-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	if (file_write_all(fd, octets.p, octets.n) == 0 &&
	    fcntl(fd, F_ADD_SEALS, seals) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
open_image(struct generation *g, struct span octets, char **why)
{
	const char	*text;

	if (octets.n > IMAGE_MAX) {
		*why = xstrdup("the image is larger than 256 MiB");
		return -1;
	}
	if ((g->image_fd = sealed(octets)) == -1) {
		*why = xasprintf("memory for the image: %s", strerror(errno));
		return -1;
	}
	if ((g->image = rs_image_open_settings(g->image_fd, &text)) == NULL) {
		*why = xasprintf("the compiled image is refused: %s", text);
		return -1;
	}
	return 0;
}

/* --- its files */

void
file_mark_take(const struct stat *st, struct file_mark *m)
{
	/* The padding is part of generation_look()'s sum. */
	memset(m, 0, sizeof(*m));
	m->there = true;
	m->dev = st->st_dev;
	m->ino = st->st_ino;
	m->size = st->st_size;
	m->mtime = st->st_mtim;
	m->ctime = st->st_ctim;
}

bool
file_mark_same(const struct file_mark *a, const struct file_mark *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * rename(2) sets the time of the file's change behind that of its content: who
 * writes a new file in its place, and is not done, leaves both the same.
 */
bool
file_mark_renamed(const struct file_mark *now, const struct file_mark *was)
{
	return now->there && (now->ino != was->ino || now->dev != was->dev) &&
	    (now->mtime.tv_sec != now->ctime.tv_sec ||
	    now->mtime.tv_nsec != now->ctime.tv_nsec);
}

static void
look(const char *path, struct file_mark *m)
{
	struct stat	st;

	memset(m, 0, sizeof(*m));
	if (stat(path, &st) == 0)
		file_mark_take(&st, m);
}

/* Only plain files: opening a pipe or a device could wait, or do things. */
static void
open_table(struct gen_file *f)
{
	struct stat	st;
	int		fd;

	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		f->error = fd == -1 ? errno : 0;
		if (fd != -1)
			close(fd);
		return;
	}
	file_mark_take(&st, &f->mark);
	f->fd = fd;
}

static void
open_role(struct generation *g, unsigned role)
{
	size_t	i;

	for (i = 0; i < g->nfiles; i++)
		if (g->files[i].role == role)
			open_table(&g->files[i]);
}

static void
open_files(struct generation *g)
{
	const struct rs_file	*decl;
	struct gen_file		*f;
	struct span		 path;
	uint32_t		 i;

	g->nfiles = rs_nfile(g->image);
	g->files = xcalloc(g->nfiles, sizeof(*g->files));
	for (i = 0; i < g->nfiles; i++) {
		f = &g->files[i];
		decl = rs_file(g->image, i);
		path = rs_string(g->image, decl->path);
		f->path = xstrndup(path.n > 0 ? path.p : "", path.n);
		f->role = decl->role;
		f->fd = -1;
		look(f->path, &f->mark);
	}
	open_role(g, ROLE_TABLE);
	/*
	 * Tables are named by the policy, what they include by whoever writes
	 * them: by a link he gets what the compiler could read, and no more.
	 */
	confine_files_of("waybill-compile");
	open_role(g, ROLE_INCLUDED);
	confine_files_own();
}

/* --- a generation */

struct generation *
generation_new(uint32_t number, struct span image, char **why)
{
	struct generation	*g = xcalloc(1, sizeof(*g));

	g->number = number;
	g->image_fd = -1;
	if (open_image(g, image, why) == -1 || gen_users_find(g, why) == -1) {
		generation_free(&g);
		return NULL;
	}
	open_files(g);
	tables_init(g);
	certs_init(g);
	g->authorities = authorities_look(g);
	return g;
}

struct generation *
generation_again(const struct generation *old, uint32_t number, char **why)
{
	struct generation	*g;
	struct buf		 image = { 0 };

	if (file_read_fd(old->image_fd, IMAGE_MAX, &image) == -1) {
		*why = xasprintf("the image: %s", strerror(errno));
		buf_clear(&image);
		return NULL;
	}
	g = generation_new(number, buf_span(&image), why);
	buf_clear(&image);
	return g;
}

void
generation_free(struct generation **gp)
{
	struct generation	*g = *gp;
	size_t			 i;

	*gp = NULL;
	if (g == NULL)
		return;
	for (i = 0; i < g->nfiles; i++) {
		if (g->files[i].fd != -1)
			close(g->files[i].fd);
		free(g->files[i].path);
	}
	tables_clear(g);
	certs_clear(g);
	rs_image_free(&g->image);
	if (g->image_fd != -1)
		close(g->image_fd);
	free(g->files);
	gen_users_clear(g);
	free(g);
}

uint32_t
generation_number(const struct generation *g)
{
	return g->number;
}

const struct rs_image *
generation_image(const struct generation *g)
{
	return g->image;
}

int
gen_copy(int fd)
{
	int	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy == -1)
		fatal("descriptor");
	return copy;
}

static bool
is_file(int fd, const struct gen_file *f)
{
	struct stat	st;

	return fstat(fd, &st) == 0 && st.st_dev == f->mark.dev &&
	    st.st_ino == f->mark.ino;
}

/*
 * The file opened once more, because the lock under which it is read
 * (maps/snapshot.c) is one of the open file: of two who share that, the first
 * to be done would unlock it for the other, and what a reader that dies has
 * locked would stay so while the parent has the file open.
 */
int
gen_file_again(const struct gen_file *f)
{
	int	flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, fd;
	char	path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	if ((fd = open(path, flags)) == -1)
		fd = open(f->path, flags);
	if (fd != -1 && is_file(fd, f))
		return fd;
	if (fd != -1)
		close(fd);
	log_warnx("table=%s why=\"cannot be opened again\"",
	    log_quote(span_of(f->path)));
	return -1;
}

void
generation_send_image(const struct generation *g, struct chan *c)
{
	chan_begin(c, MSG_CONFIG_IMAGE);
	chan_u32(c, g->number);
	chan_fd(c, gen_copy(g->image_fd));
	chan_end(c);
}

void
generation_send(const struct generation *g, struct chan *c, bool tables)
{
	generation_send_image(g, c);
	if (tables)
		tables_send(g, c);
	gen_users_send(g, c);
}

unsigned
generation_changed(const struct generation *g)
{
	struct file_mark	now;
	unsigned		what = 0;
	size_t			i;

	for (i = 0; i < g->nfiles; i++) {
		look(g->files[i].path, &now);
		if (!file_mark_same(&now, &g->files[i].mark))
			what |= g->files[i].role == ROLE_TEXT ||
			    g->files[i].role == ROLE_SET ?
			    CHANGED_TEXT : CHANGED_TABLE;
	}
	if (certs_changed(g) != CERTS_SAME ||
	    authorities_look(g) != g->authorities)
		what |= CHANGED_CERT;
	return what;
}

bool
generation_other_authorities(const struct generation *g,
    const struct generation *old)
{
	return g->authorities != old->authorities;
}

uint64_t
generation_look(const struct generation *g)
{
	struct file_mark	now;
	uint64_t		sum = certs_look(g) + authorities_look(g);
	size_t			i;

	for (i = 0; i < g->nfiles; i++) {
		look(g->files[i].path, &now);
		sum = sum * 31 + hash_fixed(span_mem(&now, sizeof(now)));
	}
	return sum;
}

bool
generation_renamed(const struct generation *g)
{
	struct file_mark	now;
	size_t			i;

	for (i = 0; i < g->nfiles; i++) {
		look(g->files[i].path, &now);
		if (!file_mark_same(&now, &g->files[i].mark) &&
		    !file_mark_renamed(&now, &g->files[i].mark))
			return false;
	}
	return certs_changed(g) != CERTS_CHANGED;
}
