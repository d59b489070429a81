/*
 * table_fuzz.c - any text as any kind of table: what is kept can be found
 * again and taken apart, and no look-up leaves the table.
 *
 * The first octet of the input chooses the kind, the first line is also what
 * is asked, the rest is the table.
 */
#include "config.h"

#include <sys/mman.h>

#include <assert.h>
#include <unistd.h>

#include "base/fileio.h"
#include "maps/map.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct span	kinds[] = {
#define KIND(name, key, value, meaning) { #name, sizeof(#name) - 1 },
#include "maps/kinds.def"
#undef KIND
};
#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

struct state {
	const struct map	*map;
	struct arena		 arena;
	size_t			 walked;
};

static void
check_refusal(const struct map_refusal *r)
{
	size_t	 i;

	assert(r->code >= 400 && r->code < 600 && r->status.n >= 5);
	assert(r->status.p[0] - '0' == r->code / 100);
	for (i = 0; i < r->text.n; i++)
		assert(r->text.p[i] != '\0' && r->text.p[i] != 0x7f);
}

static void
check_access(const struct map_answer *a)
{
	struct map_access	 acc;
	struct map_fault	 f;

	assert(map_access_parse(a->value, &acc, &f) == 0);
	if (acc.kind == MAP_ACCESS_REJECT)
		check_refusal(&acc.refusal);
}

static void
check_route(const struct map_answer *a)
{
	struct map_route	 r;
	struct map_fault	 f;

	assert(map_route_parse(a->value, &r, &f) == 0);
	assert(r.kind != MAP_ROUTE_HOP || r.host.n > 0);
	if (r.kind == MAP_ROUTE_ERROR)
		check_refusal(&r.refusal);
}

static void
check_virtuser(struct state *s, const struct map_answer *a)
{
	struct map_refusal	 r;
	struct span		 list;
	int			 is;

	is = map_virtuser_fill(a, SPAN("ann+x@y.example"), 5, SPAN("+"),
	    &s->arena, &list, &r);
	assert(is != -1);
	if (is == 1)
		check_refusal(&r);
}

/* A member is something, and no text of one has an octet 0. */
static void
check_member(void *arg, const struct alias_member *m)
{
	(void)arg;
	assert(m->kind != ALIAS_INCLUDE);
	assert((m->why != NULL) == (m->kind == ALIAS_BAD));
	assert((m->file != NULL) == (m->line > 0));
	if (m->kind != ALIAS_BAD)
		assert(m->text.n > 0 &&
		    memchr(m->text.p, '\0', m->text.n) == NULL);
}

static void
check_list(const struct state *s, const struct map_answer *a)
{
	const char	*why = NULL;

	if (map_alias_members(s->map, a->value, check_member, NULL, &why) ==
	    -1)
		assert(why != NULL);
}

/* Each line of a record is a column. */
static void
check_record(const struct map_answer *a)
{
	struct span	 left = a->value, line;
	ptrdiff_t	 lf;

	assert(left.n > 0);
	while (left.n > 0) {
		lf = span_index(left, '\n');
		line = lf < 0 ? left : span_mem(left.p, (size_t)lf);
		assert(span_index(line, '=') > 0);
		left = span_from(left, line.n + (lf >= 0));
	}
}

static void
check_entry(void *arg, const struct map_answer *a)
{
	struct state		*s = arg;
	struct span		 kind = map_kind(s->map);
	struct map_answer	 again;

	s->walked++;
	assert(a->key.n > 0 && a->line > 0);
	assert(map_get(s->map, a->key, &again) == MAP_FOUND);
	assert(again.value.p == a->value.p && again.value.n == a->value.n);
	if (span_eq(kind, SPAN("access")))
		check_access(a);
	else if (span_eq(kind, SPAN("routes")))
		check_route(a);
	else if (span_eq(kind, SPAN("virtusers")))
		check_virtuser(s, a);
	else if (span_eq(kind, SPAN("aliases")))
		check_list(s, a);
	else if (span_eq(kind, SPAN("records")))
		check_record(a);
}

/* An answer, whatever it is, is made of what the table has. */
static void
check_answer(enum map_result is, const struct map_answer *a)
{
	if (is == MAP_FOUND)
		assert(a->key.n > 0 && a->line > 0);
}

static void
ask(struct state *s, struct span what)
{
	struct map_answer	 a = { .line = 0 };
	ptrdiff_t		 i = span_index(what, '@');
	size_t			 at = i < 0 ? what.n : (size_t)i;
	struct ip		 ip;

	check_answer(map_get(s->map, what, &a), &a);
	check_answer(map_get_domain(s->map, what, &a), &a);
	check_answer(map_get_address(s->map, what, at, SPAN("+-"), &a), &a);
	check_answer(map_access_host(s->map, MAP_CONNECT, what, &a), &a);
	check_answer(map_access_address(s->map, MAP_TO, what, at, SPAN("+"),
	    &a), &a);
	if (ip_parse(what, &ip))
		check_answer(map_access_ip(s->map, MAP_CONNECT, &ip, &a), &a);
}

/* Lists may include this one, which has all that a list may have. */
static int
include(void *arg, const char *path, uint32_t *index)
{
	static const char	 text[] = "# a\na, \\b (c), :include:t\n"
	    "|\"p \\\"q\\\"\", /f, a b\n\"\n";
	int			 fd;

	(void)arg;
	(void)path;
	*index = 1;
	fd = memfd_create("included", MFD_CLOEXEC);
	assert(fd != -1 && file_write_all(fd, text, sizeof(text) - 1) == 0);
	return fd;
}

static struct map *
table(struct span kind, struct span text)
{
	struct map_source	 src = { .name = SPAN("m"),
	    .driver = SPAN("text"), .host = SPAN("mail.example"),
	    .path = "/t", .include = include, .notes = true };
	struct map		*m;

	src.kind = kind;
	src.fd = memfd_create("table", MFD_CLOEXEC);
	assert(src.fd != -1 && file_write_all(src.fd, text.p, text.n) == 0);
	m = map_open(&src);
	close(src.fd);
	return m;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct state	 s = { .walked = 0 };
	struct span	 in, first;
	struct map	*m;
	ptrdiff_t	 lf;

	if (n == 0)
		return 0;
	in = span_mem(data + 1, n - 1);
	lf = span_index(in, '\n');
	first = lf < 0 ? SPAN_NONE : span_mem(in.p, (size_t)lf);
	s.map = m = table(kinds[(uint8_t)(data[0] - '0') % NKINDS], span_from(in, first.n + 1));
	assert(map_walk(m, check_entry, &s) == 0 || map_size(m) == 0);
	assert(s.walked <= map_size(m));
	if (first.n > 0)
		ask(&s, first);
	arena_clear(&s.arena);
	map_close(&m);
	return 0;
}
