/*
 * writer_cdb.c - constant databases: the records as they come, then 256 hash
 * tables of twice as many slots as records, then the pointers to those in
 * front.  Integers are little-endian; a file has at most 4 GiB.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "maps/writer_int.h"

#define TABLES		256
#define HEADER		2048
#define FILE_MAX	UINT32_MAX

struct slot {
	uint32_t	 hash, off;
};

struct cdb {
	FILE		*fp;
	uint64_t	 off;		/* of the next record */
	struct slot	*records;
	size_t		 n, cap;
	uint32_t	 count[TABLES];
};

static void
pack(char *p, uint32_t a, uint32_t b)
{
	unsigned	 i;

	for (i = 0; i < 4; i++) {
		p[i] = (char)(a >> 8 * i);
		p[4 + i] = (char)(b >> 8 * i);
	}
}

static uint32_t
hash_of(struct span key)
{
	uint32_t	 h = 5381;
	size_t		 i;

	for (i = 0; i < key.n; i++)
		h = ((h << 5) + h) ^ (unsigned char)key.p[i];
	return h;
}

static void *
open_cdb(int of, const char **why)
{
	struct cdb	*c;
	char		 zeros[HEADER] = { 0 };
	FILE		*fp;
	int		 fd;

	(void)why;
	if ((fd = fcntl(of, F_DUPFD_CLOEXEC, 0)) == -1)
		return NULL;
	if ((fp = fdopen(fd, "w")) == NULL) {
		close(fd);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->fp = fp;
	c->off = HEADER;
	(void)fwrite(zeros, sizeof(zeros), 1, fp);	/* ferror() at the end */
	return c;
}

static int
put(void *file, struct span key, struct span value, const char **why)
{
	struct cdb	*c = file;
	char		 sizes[8];
	uint32_t	 h = hash_of(key);

	if (c->off + 8 + key.n + value.n > FILE_MAX) {
		*why = "more than a cdb can hold";
		return -1;
	}
	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 1024 : 2 * c->cap;
		c->records = xreallocarray(c->records, c->cap,
		    sizeof(*c->records));
	}
	c->records[c->n++] = (struct slot){ h, (uint32_t)c->off };
	c->count[h % TABLES]++;
	c->off += 8 + key.n + value.n;
	pack(sizes, (uint32_t)key.n, (uint32_t)value.n);
	if (fwrite(sizes, 8, 1, c->fp) != 1 ||
	    (key.n > 0 && fwrite(key.p, key.n, 1, c->fp) != 1) ||
	    (value.n > 0 && fwrite(value.p, value.n, 1, c->fp) != 1))
		return -1;
	return 0;
}

/* One table: each record in the first free slot from where its hash says. */
static void
write_table(struct cdb *c, const struct slot *of, uint32_t n)
{
	struct slot	*slots = xcalloc((size_t)2 * n + 1, sizeof(*slots));
	uint32_t	 i, k;
	char		 octets[8];

	for (i = 0; i < n; i++) {
		k = (of[i].hash >> 8) % (2 * n);
		while (slots[k].off != 0)
			k = (k + 1) % (2 * n);
		slots[k] = of[i];
	}
	for (i = 0; i < 2 * n; i++) {
		pack(octets, slots[i].hash, slots[i].off);
		(void)fwrite(octets, 8, 1, c->fp);
	}
	free(slots);
}

/* The records of each table side by side, in the order in which they came. */
static struct slot *
by_table(const struct cdb *c, uint32_t first[TABLES])
{
	struct slot	*sorted = xcalloc(c->n + 1, sizeof(*sorted));
	uint32_t	 next[TABLES], sum = 0;
	size_t		 i;

	for (i = 0; i < TABLES; i++) {
		first[i] = next[i] = sum;
		sum += c->count[i];
	}
	for (i = 0; i < c->n; i++)
		sorted[next[c->records[i].hash % TABLES]++] = c->records[i];
	return sorted;
}

static int
finish(struct cdb *c, const char **why)
{
	uint32_t	 first[TABLES];
	struct slot	*sorted;
	char		 header[HEADER];
	size_t		 i;
	int		 rc;

	if (c->off + 16 * (uint64_t)c->n > FILE_MAX) {
		*why = "more than a cdb can hold";
		return -1;
	}
	sorted = by_table(c, first);
	for (i = 0; i < TABLES; i++) {
		pack(header + 8 * i, (uint32_t)c->off, 2 * c->count[i]);
		write_table(c, sorted + first[i], c->count[i]);
		c->off += 16 * (uint64_t)c->count[i];
	}
	free(sorted);
	if (fflush(c->fp) != 0 || ferror(c->fp))
		return -1;
	rc = file_pwrite_all(fileno(c->fp), header, sizeof(header), 0);
	return rc == 0 ? fsync(fileno(c->fp)) : -1;
}

static int
close_cdb(void *file, bool keep, const char **why)
{
	struct cdb	*c = file;
	int		 rc = keep ? finish(c, why) : 0, saved = errno;

	if (fclose(c->fp) != 0 && rc == 0) {
		saved = errno;
		rc = -1;
	}
	free(c->records);
	free(c);
	errno = saved;
	return rc;
}

const struct map_writer_format map_writer_cdb = { "cdb", ".cdb", false,
    open_cdb, put, close_cdb };
