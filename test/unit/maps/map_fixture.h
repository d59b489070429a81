/*
 * map_fixture.h - tables from a string, with the mistakes they have.
 */
#ifndef WB_TEST_MAP_FIXTURE_H
#define WB_TEST_MAP_FIXTURE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fileio.h"
#include "maps/map.h"

/* A file that can be included. */
struct fixture_file {
	const char	*path;
	const char	*text;
};

struct fixture {
	struct buf			 problems;	/* "FILE:LINE:COLUMN: what\n" */
	const struct fixture_file	*files;
	size_t				 nfiles;
	bool		 notes;		/* those are wanted too */
};

static inline int
fixture_fd(struct span text)
{
	char	 name[] = "/tmp/waybill-map-XXXXXX";
	int	 fd = mkstemp(name);

	assert(fd != -1 && unlink(name) == 0);
	assert(file_write_all(fd, text.p, text.n) == 0);
	return fd;
}

static inline void
fixture_problem(void *arg, const struct map_problem *p)
{
	struct fixture	*f = arg;

	buf_addf(&f->problems, "%u:%u:%u: %s\n", p->file, p->line, p->column,
	    p->what);
}

static inline int
fixture_include(void *arg, const char *path, uint32_t *index)
{
	struct fixture	*f = arg;
	size_t		 i;

	for (i = 0; i < f->nfiles; i++)
		if (strcmp(path, f->files[i].path) == 0) {
			*index = (uint32_t)i + 1;
			return fixture_fd(span_of(f->files[i].text));
		}
	return -1;
}

static inline struct map *
fixture_open_as(struct fixture *f, const char *driver, const char *kind,
    struct span text)
{
	struct map_source	 src = {
		.name = SPAN("m"), .driver = span_of(driver),
		.kind = span_of(kind), .path = "/etc/w/tables/table",
		.include = fixture_include, .problem = fixture_problem,
		.arg = f, .notes = f->notes,
	};
	struct map		*m;

	src.fd = fixture_fd(text);
	m = map_open(&src);
	close(src.fd);
	return m;
}

static inline struct map *
fixture_open(struct fixture *f, const char *kind, struct span text)
{
	return fixture_open_as(f, "text", kind, text);
}

/* Whether the octets stand anywhere in the heap. */
static inline bool
fixture_in_heap(struct span needle)
{
	FILE		*f = fopen("/proc/self/maps", "r");
	char		 line[512];
	unsigned long	 from, to;
	bool		 found = false;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, "[heap]") != NULL &&
		    sscanf(line, "%lx-%lx", &from, &to) == 2)
			found = found || memmem((void *)from, to - from,
			    needle.p, needle.n) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

/* The first problem is this one. */
#define assert_problem(f, wanted) \
	assert_memory_equal(buf_cstr(&(f)->problems), wanted, strlen(wanted))

#endif
