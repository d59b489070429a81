/*
 * disk.c - disk images from a trace; disk.h.
 */
#include "test/crash/disk.h"

#include "base/xalloc.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR	512

/* A change that has happened, perhaps not on the disk. */
struct change {
	struct change		*next;
	const struct trace_event *e;
	struct file		*file;	/* CREATE: whose name it is */
	bool			 begun;	/* a sync that is under way will cover it */
};

struct file {
	struct file	*next;
	uint64_t	 ino;
	char		*octets;	/* durable */
	uint64_t	 size, cap;
	struct change	*first, **end;
};

struct entry {
	struct entry	*next;
	struct file	*file;
	char		 name[256];
};

struct folder {
	struct folder	*next;
	uint64_t	 ino;
	struct entry	*entries;	/* durable */
	struct entry	*now;		/* as it is without a power cut */
	struct change	*first, **end;
};

/* Newer files stand before older ones that had the same number. */
struct disk {
	struct file	*files;
	struct folder	*folders;
};

/* --- what there is */

struct disk *
disk_new(void)
{
	return xcalloc(1, sizeof(struct disk));
}

static struct file *
find_file(const struct disk *d, uint64_t ino)
{
	struct file	*f;

	for (f = d->files; f != NULL && f->ino != ino; f = f->next)
		;
	return f;
}

static struct file *
file_new(struct disk *d, uint64_t ino)
{
	struct file	*f = xcalloc(1, sizeof(*f));

	f->ino = ino;
	f->end = &f->first;
	f->next = d->files;
	d->files = f;
	return f;
}

static struct file *
file_of(struct disk *d, uint64_t ino)
{
	struct file	*f = find_file(d, ino);

	return f != NULL ? f : file_new(d, ino);
}

static struct folder *
find_folder(const struct disk *d, uint64_t ino)
{
	struct folder	*f;

	for (f = d->folders; f != NULL && f->ino != ino; f = f->next)
		;
	return f;
}

static struct folder *
folder_of(struct disk *d, uint64_t ino)
{
	struct folder	*f = find_folder(d, ino);

	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		f->ino = ino;
		f->end = &f->first;
		f->next = d->folders;
		d->folders = f;
	}
	return f;
}

/* --- contents */

static void
grow(struct file *f, uint64_t size)
{
	if (size > f->cap) {
		f->octets = xreallocarray(f->octets, size * 2, 1);
		memset(f->octets + f->cap, 0, size * 2 - f->cap);
		f->cap = size * 2;
	}
	if (size > f->size)
		f->size = size;
}

static void
put_octets(struct file *f, const struct trace_event *e, uint64_t from,
    uint64_t n)
{
	grow(f, e->offset + from + n);
	if (e->kind == TRACE_ZERO)
		memset(f->octets + e->offset + from, 0, n);
	else
		memcpy(f->octets + e->offset + from,
		    (const char *)(e + 1) + from, n);
}

static void
truncate_to(struct file *f, const struct trace_event *e)
{
	if (e->dir != 0) {	/* only longer */
		grow(f, e->offset);
		return;
	}
	grow(f, e->offset);
	if (f->cap > e->offset)
		memset(f->octets + e->offset, 0, f->cap - e->offset);
	f->size = e->offset;
}

static void
apply_to_file(struct file *f, const struct trace_event *e)
{
	if (e->kind == TRACE_TRUNC)
		truncate_to(f, e);
	else
		put_octets(f, e, 0, e->size);
}

/* --- names */

static void
name_of(const struct trace_event *e, char out[256], char second[256])
{
	const char	*p = (const char *)(e + 1);
	size_t		 n = strnlen(p, e->data_n);

	snprintf(out, 256, "%.*s", (int)n, p);
	second[0] = '\0';
	if (n < e->data_n)
		snprintf(second, 256, "%.*s", (int)(e->data_n - n - 1),
		    p + n + 1);
}

static struct entry **
find_entry(struct entry **at, const char *name)
{
	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void
remove_entry(struct entry **list, const char *name)
{
	struct entry	**at = find_entry(list, name), *e = *at;

	if (e != NULL) {
		*at = e->next;
		free(e);
	}
}

static void
set_entry(struct entry **list, const char *name, struct file *file)
{
	struct entry	*e = *find_entry(list, name);

	if (e == NULL) {
		e = xcalloc(1, sizeof(*e));
		snprintf(e->name, sizeof(e->name), "%s", name);
		e->next = *list;
		*list = e;
	}
	e->file = file;
}

static void
apply_to_names(struct entry **list, const struct change *c)
{
	char		 name[256], second[256];
	struct entry	*old;
	struct file	*file;

	name_of(c->e, name, second);
	if (c->e->kind == TRACE_CREATE)
		set_entry(list, name, c->file);
	else if (c->e->kind == TRACE_UNLINK)
		remove_entry(list, name);
	else if ((old = *find_entry(list, name)) != NULL) {
		file = old->file;
		remove_entry(list, name);
		set_entry(list, second, file);
	}
}

/* From one folder into another: in both or in none. */
static void
apply_move(struct entry **from, struct entry **to, const struct change *c)
{
	char		 name[256], second[256];
	struct entry	*old;
	struct file	*file;

	name_of(c->e, name, second);
	if ((old = *find_entry(from, name)) == NULL)
		return;
	file = old->file;
	remove_entry(from, name);
	set_entry(to, second, file);
}

/* --- the trace */

static struct change *
add_change(struct change ***end, const struct trace_event *e)
{
	struct change	*c = xcalloc(1, sizeof(*c));

	c->e = e;
	**end = c;
	*end = &c->next;
	return c;
}

static void
begin(struct change *c)
{
	for (; c != NULL; c = c->next)
		c->begun = true;
}

static void
end_file(struct file *f)
{
	struct change	*c;

	while ((c = f->first) != NULL && c->begun) {
		apply_to_file(f, c->e);
		if ((f->first = c->next) == NULL)
			f->end = &f->first;
		free(c);
	}
}

static void
end_folder(struct disk *d, struct folder *f)
{
	struct change	*c;

	while ((c = f->first) != NULL && c->begun) {
		if (c->e->kind == TRACE_MOVE)
			apply_move(&folder_of(d, c->e->ino)->entries,
			    &f->entries, c);
		else
			apply_to_names(&f->entries, c);
		if ((f->first = c->next) == NULL)
			f->end = &f->first;
		free(c);
	}
}

/* The file that a CREATE names: a new one, unless it has that name already. */
static struct file *
created(struct disk *d, struct folder *dir, const struct trace_event *e)
{
	char		 name[256], second[256];
	struct entry	*old;

	name_of(e, name, second);
	old = *find_entry(&dir->now, name);
	if (old != NULL && old->file->ino == e->ino)
		return old->file;
	return file_new(d, e->ino);
}

static void
feed_name(struct disk *d, const struct trace_event *e)
{
	struct folder	*dir = folder_of(d, e->dir);
	struct change	*c = add_change(&dir->end, e);

	if (e->kind == TRACE_CREATE)
		c->file = created(d, dir, e);
	if (e->kind == TRACE_MOVE)
		apply_move(&folder_of(d, e->ino)->now, &dir->now, c);
	else
		apply_to_names(&dir->now, c);
}

void
disk_feed(struct disk *d, const struct trace_event *e)
{
	struct file	*f = find_file(d, e->ino);
	struct folder	*dir = find_folder(d, e->ino);

	switch (e->kind) {
	case TRACE_WRITE:
	case TRACE_ZERO:
	case TRACE_TRUNC:
		add_change(&file_of(d, e->ino)->end, e);
		break;
	case TRACE_CREATE:
	case TRACE_RENAME:
	case TRACE_MOVE:
	case TRACE_UNLINK:
		feed_name(d, e);
		break;
	case TRACE_BEGIN:
		if (f != NULL)
			begin(f->first);
		if (dir != NULL)
			begin(dir->first);
		break;
	case TRACE_END:
		if (f != NULL)
			end_file(f);
		if (dir != NULL)
			end_folder(d, dir);
		break;
	}
}

/* --- images */

static uint64_t
chance(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

static bool
keeps(enum disk_rest rest, uint64_t *seed)
{
	return rest == DISK_ALL ||
	    (rest != DISK_NOTHING && chance(seed) % 2 == 0);
}

static void
put_sectors(struct file *f, const struct trace_event *e, uint64_t *seed)
{
	uint64_t	at, n;

	for (at = 0; at < e->size; at += n) {
		n = SECTOR - (e->offset + at) % SECTOR;
		if (n > e->size - at)
			n = e->size - at;
		if (chance(seed) % 2 == 0)
			put_octets(f, e, at, n);
	}
}

/* The file as it may be: durable octets and some of the rest. */
static void
make_contents(const struct file *f, enum disk_rest rest, uint64_t *seed,
    struct file *out)
{
	const struct change	*c;

	memset(out, 0, sizeof(*out));
	grow(out, f->size);
	if (f->size > 0)
		memcpy(out->octets, f->octets, f->size);
	for (c = f->first; c != NULL; c = c->next) {
		if (rest == DISK_SECTORS && c->e->kind != TRACE_TRUNC)
			put_sectors(out, c->e, seed);
		else if (keeps(rest, seed))
			apply_to_file(out, c->e);
	}
}

static int
write_file(const char *path, const struct file *f, enum disk_rest rest,
    uint64_t *seed)
{
	struct file		 out = { 0 };
	uint64_t		 at = 0;
	ssize_t			 n;
	int			 fd;

	make_contents(f, rest, seed, &out);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (; fd != -1 && at < out.size; at += (uint64_t)n)
		if ((n = pwrite(fd, out.octets + at, out.size - at,
		    (off_t)at)) <= 0)
			break;
	free(out.octets);
	if (fd == -1 || at < out.size)
		return -1;
	return close(fd);
}

/* A folder of an image, and the names in it. */
struct picture {
	const struct disk_folder	*top;
	const struct folder		*folder;	/* NULL: none was traced */
	struct entry			*names;
};

static struct picture *
picture_of(struct picture *p, unsigned n, uint64_t ino)
{
	unsigned	i;

	for (i = 0; i < n; i++)
		if (p[i].top->ino == ino)
			return &p[i];
	return NULL;
}

static void
make_names(struct picture *p, enum disk_rest rest, uint64_t *seed)
{
	const struct change	*c;
	const struct entry	*e;

	for (e = p->folder->entries; e != NULL; e = e->next)
		set_entry(&p->names, e->name, e->file);
	for (c = p->folder->first; c != NULL; c = c->next)
		if (c->e->kind != TRACE_MOVE && keeps(rest, seed))
			apply_to_names(&p->names, c);
}

/* When the names of all folders are there. */
static void
make_moves(struct picture *all, unsigned n, struct picture *p,
    enum disk_rest rest, uint64_t *seed)
{
	const struct change	*c;
	struct picture		*from;

	for (c = p->folder->first; c != NULL; c = c->next)
		if (c->e->kind == TRACE_MOVE && keeps(rest, seed) &&
		    (from = picture_of(all, n, c->e->ino)) != NULL)
			apply_move(&from->names, &p->names, c);
}

static int
write_folder(struct picture *p, const char *path, enum disk_rest rest,
    uint64_t *seed)
{
	struct entry	*e;
	char		 name[1024];
	int		 result = 0;

	snprintf(name, sizeof(name), "%s/%s", path, p->top->name);
	if (p->top->name[0] != '\0' && mkdir(name, 0700) == -1)
		return -1;
	while ((e = p->names) != NULL) {
		snprintf(name, sizeof(name), "%s/%s/%s", path, p->top->name,
		    e->name);
		if (write_file(name, e->file, rest, seed) == -1)
			result = -1;
		p->names = e->next;
		free(e);
	}
	return result;
}

int
disk_write(const struct disk *d, const struct disk_folder *tops, unsigned n,
    const char *path, enum disk_rest rest, uint64_t seed)
{
	struct picture	*all = xcalloc(n, sizeof(*all));
	unsigned	 i;
	int		 result = mkdir(path, 0700);

	for (i = 0; i < n; i++) {
		all[i].top = &tops[i];
		if ((all[i].folder = find_folder(d, tops[i].ino)) != NULL)
			make_names(&all[i], rest, &seed);
	}
	for (i = 0; i < n; i++)
		if (all[i].folder != NULL)
			make_moves(all, n, &all[i], rest, &seed);
	for (i = 0; i < n && result == 0; i++)
		result = write_folder(&all[i], path, rest, &seed);
	free(all);
	return result;
}

static void
free_changes(struct change *c)
{
	struct change	*next;

	for (; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
}

static void
free_entries(struct entry *e)
{
	struct entry	*next;

	for (; e != NULL; e = next) {
		next = e->next;
		free(e);
	}
}

void
disk_free(struct disk **dp)
{
	struct disk	*d = *dp;
	struct file	*f;
	struct folder	*dir;

	*dp = NULL;
	while ((f = d->files) != NULL) {
		d->files = f->next;
		free_changes(f->first);
		free(f->octets);
		free(f);
	}
	while ((dir = d->folders) != NULL) {
		d->folders = dir->next;
		free_changes(dir->first);
		free_entries(dir->entries);
		free_entries(dir->now);
		free(dir);
	}
	free(d);
}
