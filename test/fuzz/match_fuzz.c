/*
 * match_fuzz.c - any text as a table of networks or patterns: no look-up hangs
 * or leaves the table, and the table out of its index says the same.
 *
 * The first octet of the input chooses driver and kind, the first line is what
 * is asked, the rest is the table.
 */
#include "config.h"

#include <sys/mman.h>

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fileio.h"
#include "maps/index.h"
#include "maps/map.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct {
	struct span	 driver, kind;
} tables[] = {
	{ { "cidr", 4 }, { "plain", 5 } },
	{ { "cidr", 4 }, { "access", 6 } },
	{ { "regex", 5 }, { "plain", 5 } },
	{ { "regex", 5 }, { "access", 6 } },
	{ { "regex", 5 }, { "aliases", 7 } },
	{ { "regex", 5 }, { "virtusers", 9 } },
};

static struct map *
indexed(const struct map *m, const struct map_source *src)
{
	struct map	*x;
	int		 fd = memfd_create("index", MFD_CLOEXEC |
			    MFD_ALLOW_SEALING);

	assert(fd != -1 && map_index_write(m, fd) == 0);
	assert(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	x = map_index_open(src, fd);
	close(fd);
	return x;
}

static void
same(const struct map *m, const struct map *x, enum map_ask how,
    struct span key)
{
	struct arena		 arena = { 0 };
	struct map_look		 one = { .map = m, .arena = &arena },
	    two = { .map = x, .arena = &arena };
	struct map_question	 q = { .ask = how, .role = MAP_CONNECT,
	    .key = key, .detail_chars = SPAN("+") };
	struct map_answer	 a, b;
	ptrdiff_t		 at = span_index(key, '@');
	enum map_result		 is;

	q.at = at < 0 ? key.n : (size_t)at;
	if (how == MAP_ASK_ACCESS_IP && !ip_parse(key, &q.ip))
		return;
	is = map_look(&one, &q, &a);
	assert(map_look(&two, &q, &b) == is);
	if (is == MAP_FOUND) {
		assert(span_eq(a.value, b.value) && a.line == b.line);
		assert(a.line > 0 && a.filled == b.filled);
	}
	arena_clear(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct map_source	 src = { .name = SPAN("m") };
	struct span		 in, first;
	struct map		*m, *x;
	ptrdiff_t		 lf;
	unsigned		 i;

	if (n == 0)
		return 0;
	i = data[0] % (sizeof(tables) / sizeof(tables[0]));
	src.driver = tables[i].driver;
	src.kind = tables[i].kind;
	in = span_mem(data + 1, n - 1);
	lf = span_index(in, '\n');
	first = lf < 0 ? SPAN_NONE : span_mem(in.p, (size_t)lf);
	in = span_from(in, first.n + 1);
	src.fd = memfd_create("table", MFD_CLOEXEC);
	assert(src.fd != -1 && file_write_all(src.fd, in.p, in.n) == 0);
	m = map_open(&src);
	x = indexed(m, &src);
	same(m, x, MAP_ASK_KEY, first);
	same(m, x, MAP_ASK_ADDRESS, first);
	same(m, x, MAP_ASK_ACCESS_IP, first);
	same(m, x, MAP_ASK_ACCESS_HOST, first);
	close(src.fd);
	map_close(&m);
	map_close(&x);
	return 0;
}
