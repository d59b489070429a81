/*
 * members.c - what it costs to read the members of a list, and nothing else.
 *
 *	test/bench/members ALIASES NAME
 *
 * The table is opened from its text, as waybill-index does, and the list of
 * NAME walked; then each member is parsed once more into an address, as an
 * expansion does.  Medians of 15 rounds, nanoseconds for a member.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "mail/address.h"
#include "maps/map.h"

#define ROUNDS	15

static int
include(void *arg, const char *path, uint32_t *index)
{
	(void)arg;
	*index = 1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

static double
seconds(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One walk; how many there were. */
static size_t
walk(const struct map *m, struct span list, bool parse)
{
	struct map_members	 w;
	struct arena		 scratch = { 0 }, a = { 0 };
	struct address		 ad;
	enum alias_item		 kind;
	struct span		 text;
	uint32_t		 line;
	const char		*why;

	map_members_begin(&w, m, list);
	while (map_members_next(&w, &scratch, &kind, &text, &line) ==
	    MAP_MEMBERS_ITEM)
		if (parse && address_parse(text, ADDRESS_BARE_LOCAL_OK |
		    ADDRESS_UTF8_OK, &a, &ad, &why) == -1)
			fatalx("not an address: %.*s", SPAN_ARG(text));
	arena_clear(&scratch);
	arena_clear(&a);
	return w.n;
}

static int
by_size(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
measure(const struct map *m, struct span list, bool parse, const char *what)
{
	double	took[ROUNDS], since;
	size_t	i, n = 0;

	for (i = 0; i < ROUNDS; i++) {
		since = seconds();
		n = walk(m, list, parse);
		took[i] = seconds() - since;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	printf("%-24s %7zu members %7.1f ms %6.0f ns each\n", what, n,
	    took[ROUNDS / 2] * 1e3, took[ROUNDS / 2] * 1e9 / (double)n);
}

int
main(int argc, char **argv)
{
	struct map_source	src = { .name = SPAN("aliases"),
				    .driver = SPAN("text"),
				    .kind = SPAN("aliases"),
				    .include = include };
	struct map_answer	list;
	struct map		*m;
	double			 since;

	if (argc != 3)
		fatalx("usage: members ALIASES NAME");
	src.path = argv[1];
	if ((src.fd = open(argv[1], O_RDONLY | O_CLOEXEC)) == -1)
		fatal("%s", argv[1]);
	since = seconds();
	m = map_open(&src);
	printf("%-24s %31.1f ms\n", "opened and checked",
	    (seconds() - since) * 1e3);
	if (map_get(m, span_of(argv[2]), &list) != MAP_FOUND)
		fatalx("no such list: %s", argv[2]);
	measure(m, list.value, false, "read");
	measure(m, list.value, true, "read, made addresses");
	map_close(&m);
	close(src.fd);
	return 0;
}
