/*
 * database_fuzz.c - any octets as a database of any format: it is read whole
 * or broken, what was read is found again, and nothing outside of it is.
 *
 * The first octet of the input chooses the driver, the second the kind.
 */
#include "config.h"

#include <sys/mman.h>

#include <assert.h>
#include <unistd.h>

#include "base/fileio.h"
#include "maps/map.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct span	drivers[] = {
	{ "gdbm", 4 }, { "cdb", 3 }, { "lmdb", 4 }, { "hash", 4 }
};

static const struct span	kinds[] = {
#define KIND(name, key, value, meaning) { #name, sizeof(#name) - 1 },
#include "maps/kinds.def"
#undef KIND
};

struct state {
	const struct map	*map;
	size_t			 walked, octets;
};

static void
check_entry(void *arg, const struct map_answer *a)
{
	struct state		*s = arg;
	struct map_answer	 again;
	size_t			 i;

	s->walked++;
	assert(a->key.n > 0 && a->key.n <= 1024);
	for (i = 0; i < a->value.n; i++)	/* all of it is memory */
		s->octets += (unsigned char)a->value.p[i];
	assert(map_get(s->map, a->key, &again) == MAP_FOUND);
	assert(again.value.p == a->value.p && again.value.n == a->value.n);
}

static void
read_it(struct map_source *src)
{
	struct state		 s = { .walked = 0 };
	struct arena		 arena = { 0 };
	struct map_answer	 a;
	struct span		 kind;
	struct map		*m;
	enum map_result		 none;

	s.map = m = map_open(src);
	none = map_get(m, SPAN("no such key"), &a);
	if (map_walk(m, check_entry, &s) == -1)
		assert(none == MAP_BROKEN);
	assert(s.walked <= map_size(m));
	map_close(&m);
	(void)map_database_kind(src->fd, &arena, &kind);
	arena_clear(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct map_source	 src = { .name = SPAN("m"), .path = "t.db" };

	if (n < 2)
		return 0;
	src.driver = drivers[data[0] % (sizeof(drivers) /
	    sizeof(drivers[0]))];
	src.kind = kinds[data[1] % (sizeof(kinds) / sizeof(kinds[0]))];
	src.fd = memfd_create("database", MFD_CLOEXEC);
	assert(src.fd != -1 &&
	    file_write_all(src.fd, data + 2, n - 2) == 0);
	read_it(&src);
	close(src.fd);
	return 0;
}
