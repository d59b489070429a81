/*
 * ask_file.c - look-ups/s in one table that is a file.
 *
 *   ask_file bare LIBRARY FILE KEYS N	gdbm, cdb or lmdb alone
 *   ask_file DRIVER KIND FILE KEYS N	as the server asks it: its index
 *
 * KEYS has one in each line; N are asked, from the first again after the last.
 * Prints `read_ms= index_ms= octets= cold_ns= ns= found=`: time of the
 * processor for reading the file and for writing the index, the index' size;
 * for one of the first thousand look-ups in an index that was just mapped,
 * and for one of all after that; and how many of N were there.
 */
#include "config.h"

#include <sys/mman.h>

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

#define KEYS_MAX	(256u << 20)
#define COLD		1000
#define SEALS		(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct keys {
	struct buf	 text;
	struct span	*v;
	size_t		 n;
};

typedef bool	 find_fn(void *ctx, struct span key);

static double
now_s(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
open_path(const char *path)
{
	int	 fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		fatal("%s", path);
	return fd;
}

/* --- keys */

static void
keys_read(struct keys *k, const char *path)
{
	struct span	 left;
	ptrdiff_t	 end;

	if (file_read(path, KEYS_MAX, &k->text) == -1)
		fatal("%s", path);
	k->v = xcalloc(k->text.n + 1, sizeof(*k->v));
	left = buf_span(&k->text);
	while ((end = span_index(left, '\n')) >= 0) {
		k->v[k->n++] = span_mem(left.p, (size_t)end);
		left = span_from(left, (size_t)end + 1);
	}
	if (k->n == 0)
		fatalx("%s: no keys", path);
}

/* --- asking */

static size_t
ask(find_fn *find, void *ctx, const struct keys *k, size_t n)
{
	size_t	 i, at = 0, found = 0;

	for (i = 0; i < n; i++) {
		found += find(ctx, k->v[at]);
		if (++at == k->n)
			at = 0;
	}
	return found;
}

static void
measure(find_fn *find, void *ctx, const struct keys *k, size_t n)
{
	double	 began = now_s(), cold, took;
	size_t	 found;

	(void)ask(find, ctx, k, COLD);
	cold = now_s() - began;
	(void)ask(find, ctx, k, k->n < n ? k->n : n);
	began = now_s();
	found = ask(find, ctx, k, n);
	took = now_s() - began;
	printf("cold_ns=%.0f ns=%.1f found=%zu\n", cold * 1e9 / COLD,
	    took * 1e9 / (double)n, found);
}

struct table {
	struct map_look		 look;
	struct map_question	 q;
	struct arena		 arena;
};

static bool
find_map(void *ctx, struct span key)
{
	struct table		*t = ctx;
	struct map_answer	 a;
	ptrdiff_t		 at;

	t->q.key = key;
	if (t->q.ask == MAP_ASK_ADDRESS) {
		at = span_index(key, '@');
		t->q.at = at < 0 ? key.n : (size_t)at;
	}
	arena_reset(&t->arena);
	return map_look(&t->look, &t->q, &a) == MAP_FOUND;
}

/* --- the table */

static void
problem(void *arg, const struct map_problem *p)
{
	(void)arg;
	fprintf(stderr, "line %u: %s\n", p->line, p->what);
}

static struct map *
as_index(struct map *m, const struct map_source *src)
{
	double	 began = now_s();
	int	 fd = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1 || map_index_write(m, fd) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1)
		fatal("index");
	printf("index_ms=%.2f octets=%lld ", (now_s() - began) * 1e3,
	    (long long)lseek(fd, 0, SEEK_END));
	map_close(&m);
	m = map_index_open(src, fd);
	close(fd);
	return m;
}

static void
ask_table(char **argv, const struct keys *k, size_t n)
{
	struct map_source	 src = { .driver = span_of(argv[1]),
	    .kind = span_of(argv[2]), .path = argv[3],
	    .host = SPAN("mx.bench.example"), .problem = problem };
	struct table		 t = { .q = { .ask = MAP_ASK_KEY,
	    .detail_chars = SPAN("+") } };
	double			 began = now_s();
	struct map		*m;

	src.fd = open_path(argv[3]);
	m = map_open(&src);
	close(src.fd);
	if (map_is_broken(m))
		fatalx("%s: not a table", argv[3]);
	printf("read_ms=%.2f ", (now_s() - began) * 1e3);
	m = as_index(m, &src);
	t.look = (struct map_look){ .map = m, .arena = &t.arena };
	if (span_eq(src.kind, SPAN("aliases")) ||
	    span_eq(src.kind, SPAN("virtusers")))
		t.q.ask = MAP_ASK_ADDRESS;
	measure(find_map, &t, k, n);
	map_close(&m);
	arena_clear(&t.arena);
}

int
main(int argc, char **argv)
{
	struct keys	 k = { .n = 0 };
	struct bare	*b;
	uint64_t	 n;

	if (argc != 6 || !span_u64(span_of(argv[5]), 1000000000, &n) || n == 0)
		fatalx("ask_file DRIVER KIND FILE KEYS N");
	keys_read(&k, argv[4]);
	if (strcmp(argv[1], "bare") != 0)
		ask_table(argv, &k, (size_t)n);
	else if ((b = bare_open(argv[2], argv[3])) != NULL) {
		measure(bare_find, b, &k, (size_t)n);
		bare_close(&b);
	}
	free(k.v);
	buf_clear(&k.text);
	return 0;
}
