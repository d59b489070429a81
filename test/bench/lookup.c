/*
 * lookup.c - what a look-up in a table costs: out of a text, a database, and
 * the index that a server's processes share; beside bare loops of GDBM and of
 * tinycdb over the same keys.
 *
 *   lookup [ENTRIES ...]	1000 100000 1000000 when none are named
 *
 * The table is of virtusers (`user123@shop4.example box123@inside.example`).
 * Keys are asked in random order; a miss differs from a key in its last
 * octet.  Each figure is the best of ROUNDS runs.  "cold" is the first
 * thousand look-ups in an index that has just been mapped: its pages are in
 * memory, but not in the process.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "maps/index.h"
#include "test/bench/bare.h"

#define ROUNDS	5
#define ASKED	200000		/* look-ups of a run */
#define COLD	1000
#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct bench {
	uint32_t	 n;
	struct buf	 text;
	struct span	*hits, *misses;	/* ASKED, in random order */
	struct arena	 arena;
	char		 dir[40], path[80], gdbm[80], cdb[80];
};

/* Time of the processor: others may share the machine. */
static double
now_s(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Never the same run of places twice, so that nothing is guessed. */
static uint64_t
draw(void)
{
	static uint64_t	 x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* --- the table and what is asked of it */

static void
make_keys(struct bench *b)
{
	uint32_t	 i, k;

	b->hits = xcalloc(ASKED, sizeof(*b->hits));
	b->misses = xcalloc(ASKED, sizeof(*b->misses));
	for (i = 0; i < ASKED; i++) {
		k = (uint32_t)(draw() % b->n);
		b->hits[i] = arena_printf(&b->arena,
		    "user%u@shop%u.example", k, k % 1000);
		b->misses[i] = arena_printf(&b->arena,
		    "user%u@shop%u.examplf", k, k % 1000);
	}
}

static void
make_table(struct bench *b)
{
	uint32_t	 i;
	int		 fd;

	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/lookup.XXXXXX");
	if (mkdtemp(b->dir) == NULL)
		fatal("mkdtemp");
	(void)snprintf(b->path, sizeof(b->path), "%s/table", b->dir);
	(void)snprintf(b->gdbm, sizeof(b->gdbm), "%s/table.gdbm", b->dir);
	(void)snprintf(b->cdb, sizeof(b->cdb), "%s/table.cdb", b->dir);
	for (i = 0; i < b->n; i++)
		buf_addf(&b->text, "user%u@shop%u.example\t"
		    "box%u@inside.example\n", i, i % 1000, i);
	fd = open(b->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || file_write_all(fd, b->text.base, b->text.n) == -1)
		fatal("%s", b->path);
	close(fd);
	make_keys(b);
}

static void
clear(struct bench *b)
{
	(void)unlink(b->path);
	(void)unlink(b->gdbm);
	(void)unlink(b->cdb);
	(void)rmdir(b->dir);
	buf_clear(&b->text);
	arena_clear(&b->arena);
	free(b->hits);
	free(b->misses);
}

/* --- one way to look up, measured */

typedef bool	 find_fn(void *ctx, struct span key);

static double
run(find_fn *find, void *ctx, const struct span *keys, bool there)
{
	double	 best = 0, began, took;
	unsigned i, round, found;

	for (round = 0; round < ROUNDS; round++) {
		began = now_s();
		for (i = found = 0; i < ASKED; i++)
			found += find(ctx, keys[i]);
		took = now_s() - began;
		if (found != (there ? ASKED : 0))
			fatalx("%u of %u were found", found, ASKED);
		if (round == 0 || took < best)
			best = took;
	}
	return ASKED / best;
}

static void
print(const struct bench *b, const char *what, double opened_s, off_t octets,
    find_fn *find, void *ctx)
{
	double	 hits = run(find, ctx, b->hits, true);
	double	 misses = run(find, ctx, b->misses, false);

	printf("%9u  %-22s %9.1f %9.1f %10.2f %10.2f\n", b->n, what,
	    opened_s * 1e3, (double)octets / (1 << 20), hits / 1e6,
	    misses / 1e6);
}

static off_t
size_of(const char *path)
{
	struct stat	 st;

	return stat(path, &st) == -1 ? 0 : st.st_size;
}

/* --- tables */

static bool
find_map(void *ctx, struct span key)
{
	struct map_answer	 a;

	return map_get(ctx, key, &a) == MAP_FOUND;
}

static struct map *
open_file(const char *path, const char *driver)
{
	struct map_source	 src = { .driver = span_of(driver),
	    .kind = SPAN("virtusers"), .path = path };
	struct map		*m;

	if ((src.fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		fatal("%s", path);
	m = map_open(&src);
	close(src.fd);
	return m;
}

/* Microseconds of one look-up, while pages come into the process. */
static double
cold_us(const struct bench *b, struct map *m)
{
	double	 began = now_s();
	unsigned i, found = 0;

	for (i = 0; i < COLD; i++)
		found += find_map(m, b->hits[i]);
	if (found != COLD)
		fatalx("%u of %u were found", found, COLD);
	return (now_s() - began) * 1e6 / COLD;
}

static void
bench_index(const struct bench *b, const struct map *from)
{
	struct map_source	 src = { .driver = SPAN("text"),
	    .kind = SPAN("virtusers") };
	int			 fd = memfd_create("table", MFD_CLOEXEC |
				    MFD_ALLOW_SEALING);
	double			 began = now_s(), made, cold;
	struct map		*m;

	if (fd == -1 || map_index_write(from, fd) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1)
		fatal("index");
	made = now_s() - began;
	m = map_index_open(&src, fd);
	cold = cold_us(b, m);
	print(b, "index, made of it", made, lseek(fd, 0, SEEK_END), find_map,
	    m);
	printf("%9s  %-22s %41.2f us\n", "", "  cold, one look-up", cold);
	map_close(&m);
	close(fd);
}

static void
build(const struct map *m, const char *format, const char *path)
{
	struct map_building	 how = { .format = span_of(format),
	    .path = path, .mode = 0600, .uid = UINT32_MAX,
	    .gid = UINT32_MAX };
	const char		*why;

	if (map_build(m, &how, &why) == -1)
		fatalx("%s: %s", path, why == NULL ? "" : why);
}

static void
bench_tables(struct bench *b)
{
	double			 began = now_s();
	struct map		*m = open_file(b->path, "text");

	print(b, "text, read whole", now_s() - began, size_of(b->path),
	    find_map, m);
	bench_index(b, m);
	build(m, "gdbm", b->gdbm);
	build(m, "cdb", b->cdb);
	map_close(&m);
	began = now_s();
	m = open_file(b->gdbm, "gdbm");
	print(b, "gdbm, read whole", now_s() - began, size_of(b->gdbm),
	    find_map, m);
	map_close(&m);
}

/* --- bare loops */

static void
bench_bare(const struct bench *b, const char *what, const char *library,
    const char *path)
{
	double		 began = now_s();
	struct bare	*db = bare_open(library, path);

	if (db == NULL) {
		printf("%9u  %s: not built\n", b->n, library);
		return;
	}
	print(b, what, now_s() - began, size_of(path), bare_find, db);
	bare_close(&db);
}

static void
bench(uint32_t n)
{
	struct bench	 b = { .n = n };

	make_table(&b);
	bench_tables(&b);
	bench_bare(&b, "gdbm_fetch() alone", "gdbm", b.gdbm);
	bench_bare(&b, "cdb_find() alone", "cdb", b.cdb);
	clear(&b);
}

int
main(int argc, char **argv)
{
	static const uint32_t	 usual[] = { 1000, 100000, 1000000 };
	uint64_t		 n;
	int			 i;

	printf("%9s  %-22s %9s %9s %10s %10s\n", "entries", "", "open ms",
	    "MiB", "M hits/s", "M misses/s");
	for (i = 0; argc < 2 && i < 3; i++)
		bench(usual[i]);
	for (i = 1; i < argc; i++) {
		if (!span_u64(span_of(argv[i]), 100000000, &n) || n == 0)
			fatalx("lookup [ENTRIES ...]");
		bench((uint32_t)n);
	}
	return 0;
}
