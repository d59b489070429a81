/*
 * database_seed.c - the first corpus of database_fuzz: a small database of
 * each format, ours and as other programs have them.   database_seed DIR
 */
#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "maps/writer.h"

static const char *const formats[] = { "gdbm", "cdb", "lmdb", "hash",
	"btree" };

/* Index of the kind in kinds.def. */
enum {
#define KIND(name, key, value, meaning) KIND_##name,
#include "maps/kinds.def"
#undef KIND
};

static void
save(const char *dir, const char *format, const char *what, unsigned driver,
    unsigned kind, const char *db)
{
	char		*path = xasprintf("%s/%s-%s", dir, format, what);
	struct buf	 in = { 0 };
	char		 head[2] = { (char)driver, (char)kind };
	int		 fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd == -1 || file_read(db, 1u << 24, &in) == -1 ||
	    file_write_all(fd, head, 2) == -1 ||
	    file_write_all(fd, in.base + in.off, in.n) == -1)
		err(1, "%s", path);
	close(fd);
	buf_clear(&in);
	free(path);
}

/* A text as a database of this format, with lines and sums where it may. */
static void
ours(const char *dir, const char *format, unsigned driver, const char *db)
{
	static const char	 text[] = "ann: bob, carl@x.example\n"
	    "root: ann\nlist: \\ann, \"|run it\"\n";
	struct map_source	 src = { .name = SPAN("m"),
	    .driver = SPAN("text"), .kind = SPAN("aliases") };
	struct map_building	 how = { .format = span_of(format),
	    .path = db, .mode = 0644, .uid = UINT32_MAX, .gid = UINT32_MAX };
	const char		*why;
	struct map		*m;
	char			 name[] = "/tmp/waybill-seed-XXXXXX";

	src.fd = mkstemp(name);
	if (src.fd == -1 || unlink(name) == -1 ||
	    file_write_all(src.fd, text, sizeof(text) - 1) == -1)
		err(1, "%s", name);
	m = map_open(&src);
	close(src.fd);
	if (map_build(m, &how, &why) == -1)
		errx(1, "%s: %s", format, why != NULL ? why : "system");
	map_close(&m);
	save(dir, format, "ours", driver, KIND_aliases, db);
}

/* Raw pairs, one of them large. */
static void
of_others(const char *dir, const struct map_writer_format *f, unsigned driver,
    const char *db)
{
	const struct map_write_owner	 owner = { 0644, UINT32_MAX,
	    UINT32_MAX };
	struct map_writer	*w;
	const char		*why;
	char			 key[32], value[6000];
	unsigned		 i;
	size_t			 n;

	(void)unlink(db);
	if ((w = map_writer_open(f, db, &why)) == NULL)
		err(1, "%s", db);
	for (i = 0; i < 40; i++) {
		n = (size_t)snprintf(key, sizeof(key), "key%u.example", i);
		memset(value, 'x', sizeof(value));
		map_writer_put(w, span_mem(key, n), span_mem(value,
		    i == 7 ? sizeof(value) : i));
	}
	if (map_writer_close(&w, &owner, &why) == -1)
		err(1, "%s", db);
	save(dir, f->name, "others", driver, KIND_plain, db);
}

int
main(int argc, char **argv)
{
	const struct map_writer_format	*f;
	const char			*why;
	char				*db;
	unsigned			 i;

	if (argc < 2)
		errx(1, "usage: database_seed DIR");
	db = xasprintf("%s/../seed.%ld", argv[1], (long)getpid());
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if ((f = map_writer_find(span_of(formats[i]), &why)) == NULL)
			continue;
		ours(argv[1], formats[i], i < 4 ? i : 3, db);
		of_others(argv[1], f, i < 4 ? i : 3, db);
	}
	(void)unlink(db);
	free(db);
	return 0;
}
