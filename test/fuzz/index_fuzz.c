/*
 * index_fuzz.c - a damaged index: whatever it says, it says something, and
 * nothing outside of it is read.
 *
 * The first octet chooses a table of the list below and the keys that are
 * asked; then come triples: two octets of a place (of the head, mostly, where
 * each counts) and one that is put there.
 */
#include "config.h"

#include <sys/mman.h>

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fileio.h"
#include "maps/index.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#define LIT(s)	{ s, sizeof(s) - 1 }

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct {
	struct span	kind, text;
} tables[] = {
	{ LIT("aliases"), LIT("team: ann, :include:list\n"
	    "bad:\nann+x: bob\nroot: \\ann\n") },
	{ LIT("access"), LIT("Connect:192.0.2 REJECT\n"
	    "10.1.16.0/20 OK\nspam.example 550 no\nFrom:a@ SKIP\n") },
	{ LIT("virtusers"), LIT("@shop.example %1@b.example\n"
	    "ann@shop.example error:5.1.6:551 gone\n") },
	{ LIT("routes"), LIT(".a.example smtp:[b.example]:25\n"
	    "x.example what:is:this\n") },
};
#define NTABLES	(sizeof(tables) / sizeof(tables[0]))

static int
memory(struct span octets)
{
	int	 fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert(fd != -1 && file_write_all(fd, octets.p, octets.n) == 0);
	return fd;
}

static int
include(void *arg, const char *path, uint32_t *file)
{
	(void)arg;
	(void)path;
	*file = 1;
	return memory(SPAN("bob\n# more\ncy, dan\n"));
}

/* The octets of the table's index, in out. */
static void
make_index(size_t which, struct buf *out)
{
	struct map_source	 src = { .driver = SPAN("text"),
	    .kind = tables[which].kind, .path = "/etc/t/table",
	    .include = include };
	struct map		*m;
	int			 fd;

	src.fd = memory(tables[which].text);
	m = map_open(&src);
	fd = memory(SPAN_NONE);
	assert(map_index_write(m, fd) == 0);
	assert(file_read_fd(fd, 1 << 20, out) == 0);
	close(fd);
	close(src.fd);
	map_close(&m);
}

static void
heard(void *arg, const struct map_answer *a)
{
	size_t	*sum = arg, i;

	for (i = 0; i < a->key.n; i++)
		*sum += (unsigned char)a->key.p[i];
	for (i = 0; i < a->value.n; i++)
		*sum += (unsigned char)a->value.p[i];
}

static void
walk_members(const struct map *m, const struct map_answer *a)
{
	struct map_members	 w;
	struct arena		 scratch = { 0 };
	enum alias_item		 kind;
	struct span		 text;
	uint32_t		 line;

	map_members_begin(&w, m, a->value);
	while (map_members_next(&w, &scratch, &kind, &text, &line) ==
	    MAP_MEMBERS_ITEM)
		;
	arena_clear(&scratch);
}

static void
ask(const struct map *m)
{
	static const struct span keys[] = {
		LIT("team"), LIT("bad"), LIT("none"),
		LIT("x.a.example"), LIT("ann+x@shop.example")
	};
	struct map_answer	 a;
	struct ip		 ip;
	size_t			 i, sum = 0;
	ptrdiff_t		 at;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		at = span_index(keys[i], '@');
		if (map_get(m, keys[i], &a) == MAP_FOUND)
			walk_members(m, &a);
		(void)map_get_domain(m, keys[i], &a);
		if (map_get_address(m, keys[i], at < 0 ? keys[i].n :
		    (size_t)at, SPAN("+"), &a) == MAP_FOUND)
			heard(&sum, &a);
		(void)map_access_host(m, MAP_CONNECT, keys[i], &a);
	}
	assert(ip_parse(SPAN("192.0.2.9"), &ip));
	(void)map_access_ip(m, MAP_CONNECT, &ip, &a);
	(void)map_walk(m, heard, &sum);
	(void)map_size(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct map_source	 src = { .driver = SPAN("text") };
	struct buf		 octets = { 0 };
	struct map		*m;
	size_t			 i, which;
	int			 fd;

	if (n == 0)
		return 0;
	which = data[0] % NTABLES;
	make_index(which, &octets);
	for (i = 1; i + 3 <= n; i += 3)
		octets.base[(data[i] | (size_t)data[i + 1] << 8) %
		    octets.n] = (char)data[i + 2];
	fd = memory(buf_span(&octets));
	assert(fcntl(fd, F_ADD_SEALS, SEALS) == 0);
	src.kind = tables[which].kind;
	m = map_index_open(&src, fd);
	ask(m);
	map_close(&m);
	close(fd);
	buf_clear(&octets);
	return 0;
}
