/*
 * makemap.c - `makemap TYPE FILE < text`, as sendmail's: keys and values of
 * the standard input into a database, as they are.
 *
 * A map of this kind has no lines and no seal; `waybill map build` gives both.
 * It is written beside and renamed, when all of the input could be read.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/fileio.h"
#include "base/xalloc.h"
#include "maps/database.h"
#include "maps/writer.h"

#include "mta/cmd/classic.h"

#define INPUT_MAX	(1u << 30)	/* octets */

struct pair {
	struct span	 key, value;
};

struct run {
	const char	*type;
	char		*path;		/* of the database */
	const char	*name;		/* as it was given */
	bool		 nul, no_fold, append, replace, empty, dump, verbose;
	char		 comment, delimiter;	/* delimiter 0: blanks */
	struct arena	 arena;
	struct pair	*pairs;
	size_t		 n, cap;
	struct htab	 index;		/* key to its number + 1 */
	unsigned	 line;
	int		 status;
};

static int
said(const struct run *r, int status, const char *what)
{
	fprintf(stderr, "makemap: %s: %s\n", r->path != NULL ? r->path :
	    r->type, what != NULL ? what : strerror(errno));
	return status;
}

/* --- the pairs */

static void
bad_line(struct run *r, const char *what, struct span of)
{
	fprintf(stderr, "makemap: %s: line %u: %s", r->name, r->line, what);
	if (of.n > 0)
		fprintf(stderr, " '%.*s'", of.n > 80 ? 80 : (int)of.n, of.p);
	fprintf(stderr, "\n");
	r->status = EX_DATAERR;
}

static struct span
kept(struct run *r, struct span s, bool fold)
{
	char	*p = arena_alloc(&r->arena, s.n + 1);
	size_t	 i;

	for (i = 0; i < s.n; i++)
		p[i] = fold ? ascii_lower(s.p[i]) : s.p[i];
	return span_mem(p, r->nul ? s.n + 1 : s.n);
}

static void
add(struct run *r, struct span key, struct span value)
{
	size_t	 old = (size_t)(uintptr_t)htab_get(&r->index, key);

	if (old > 0 && !r->replace)
		bad_line(r, "this key has been before:", key);
	if (old > 0) {
		r->pairs[old - 1].value = value;
		return;
	}
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 1024 : 2 * r->cap;
		r->pairs = xreallocarray(r->pairs, r->cap,
		    sizeof(*r->pairs));
	}
	r->pairs[r->n++] = (struct pair){ key, value };
	htab_put(&r->index, key, (void *)(uintptr_t)r->n);
}

/* --- the input */

static bool
ends_key(const struct run *r, char c)
{
	if (r->delimiter != '\0')
		return c == r->delimiter;
	return c == ' ' || c == '\t';
}

static struct span
without_end(struct span line)
{
	while (line.n > 0 && (line.p[line.n - 1] == ' ' ||
	    line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
		line.n--;
	return line;
}

static void
take_line(struct run *r, struct span line)
{
	struct span	 key, value;
	size_t		 n = 0;

	line = without_end(line);
	if (line.n == 0 || line.p[0] == r->comment)
		return;
	while (n < line.n && !ends_key(r, line.p[n]))
		n++;
	key = span_mem(line.p, n);
	value = span_trim(span_from(line, n + (n < line.n)));
	if (memchr(line.p, '\0', line.n) != NULL)
		bad_line(r, "an octet 0", SPAN_NONE);
	else if (key.n == 0)
		bad_line(r, "an entry begins in the first column", SPAN_NONE);
	else if (value.n == 0 && !r->empty)
		bad_line(r, "no value for", key);
	else {
		if (r->verbose)
			printf("key=`%.*s', val=`%.*s'\n", SPAN_ARG(key),
			    SPAN_ARG(value));
		add(r, kept(r, key, !r->no_fold), kept(r, value, false));
	}
}

static int
read_input(struct run *r)
{
	struct buf	 in = { 0 };
	struct span	 left, line;
	char		 some[65536];
	ptrdiff_t	 lf;
	ssize_t		 n;

	while ((n = read(STDIN_FILENO, some, sizeof(some))) > 0 &&
	    in.n < INPUT_MAX)
		buf_add(&in, some, (size_t)n);
	if (n != 0) {
		buf_clear(&in);
		return said(r, EX_IOERR, n == -1 ? NULL :
		    "the input has more than 1 GiB");
	}
	for (left = buf_span(&in); left.n > 0; ) {
		lf = span_index(left, '\n');
		line = lf < 0 ? left : span_mem(left.p, (size_t)lf);
		left = span_from(left, line.n + 1);
		r->line++;
		take_line(r, line);
	}
	buf_clear(&in);
	return r->status;
}

/* --- what is there already */

static int
append_pair(void *arg, struct span key, struct span value)
{
	struct run	*r = arg;

	if (span_eq(key, MAP_DB_ABOUT)) {
		r->status = EX_DATAERR;
		return -1;
	}
	add(r, arena_span(&r->arena, key), arena_span(&r->arena, value));
	return 0;
}

/* Neither waits where the name is a pipe's. */
static int
open_old(const struct run *r)
{
	return open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* -o: what has been in the database comes first. */
static int
read_old(struct run *r)
{
	int		 fd = open_old(r), rc;
	const char	*why;

	if (fd == -1)
		return errno == ENOENT ? EX_OK : said(r, EX_NOINPUT, NULL);
	rc = map_database_pairs(fd, append_pair, r, &why);
	close(fd);
	if (rc == 0)
		return EX_OK;
	return said(r, EX_DATAERR, r->status != EX_OK ? "`waybill map build` "
	    "made it, out of its text: that is where a line is added" : why);
}

static struct span
without_nul(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\0')
		s.n--;
	return s;
}

static int
print_pair(void *arg, struct span key, struct span value)
{
	struct run		*r = arg;
	struct map_answer	 a;

	if (span_eq(key, MAP_DB_ABOUT))
		return 0;
	if (map_db_value_parse(key, value, &a))
		value = a.value;
	key = without_nul(key);
	value = without_nul(value);
	printf("%.*s%c%.*s\n", SPAN_ARG(key),
	    r->delimiter != '\0' ? r->delimiter : '\t', SPAN_ARG(value));
	return 0;
}

/* -u */
static int
dump(struct run *r)
{
	int		 fd = open_old(r), rc;
	const char	*why;

	if (fd == -1)
		return said(r, EX_NOINPUT, NULL);
	rc = map_database_pairs(fd, print_pair, r, &why);
	close(fd);
	if (rc == -1)
		return said(r, EX_DATAERR, why);
	return fflush(stdout) == 0 ? EX_OK : said(r, EX_IOERR, NULL);
}

/* --- the database */

/* Mode and owner of the one that is there, else of the text of that name. */
static void
owner(const struct run *r, struct stat *st)
{
	if (stat(r->path, st) == 0 || stat(r->name, st) == 0)
		return;
	memset(st, 0, sizeof(*st));
	st->st_mode = 0644;
	st->st_uid = getuid();
	st->st_gid = getgid();
}

static int
fill(struct run *r, const struct map_writer_format *f, const char *beside,
    const char **why)
{
	struct map_write_owner	 to;
	struct map_writer	*w;
	struct stat		 st;
	size_t			 i;

	owner(r, &st);
	(void)unlink(beside);
	if ((w = map_writer_open(f, beside, why)) == NULL)
		return -1;
	for (i = 0; i < r->n; i++)
		map_writer_put(w, r->pairs[i].key, r->pairs[i].value);
	to = (struct map_write_owner){ st.st_mode & 0666, st.st_uid,
	    st.st_gid };
	if (map_writer_close(&w, &to, why) == -1)
		return -1;
	return map_write_rename(beside, r->path);
}

static int
write_it(struct run *r, const struct map_writer_format *f)
{
	const char	*why = NULL;
	char		*beside = map_write_beside(r->path);
	int		 rc = fill(r, f, beside, &why), saved = errno;

	if (rc == -1)
		(void)unlink(beside);
	free(beside);
	errno = saved;
	if (rc == -1)
		return said(r, EX_CANTCREAT, why);
	if (r->verbose)
		printf("%s: %zu entries\n", r->path, r->n);
	return EX_OK;
}

static int
make(struct run *r, const struct map_writer_format *f)
{
	int	 status = EX_OK;

	if (r->append)
		status = read_old(r);
	if (status == EX_OK)
		status = read_input(r);
	if (status == EX_OK && f != NULL)
		return write_it(r, f);
	if (status == EX_DATAERR && f != NULL)
		fprintf(stderr, "makemap: %s: not made; the old one stays\n",
		    r->path);
	return status;
}

/* --- the command */

static int
usage(void)
{
	fprintf(stderr,
	    "usage: makemap [-Nefolrv] [-D comment] [-t delimiter] TYPE FILE "
	    "< text\n"
	    "       makemap -u [-t delimiter] TYPE FILE\n"
	    "       makemap -l\n"
	    "TYPE is gdbm, cdb, lmdb, hash, btree, or text, which only "
	    "checks\n");
	return EX_USAGE;
}

static int
list_types(void)
{
	static const char *const	 types[] = { "gdbm", "cdb", "lmdb",
	    "hash", "btree" };
	const char			*why;
	size_t				 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (map_writer_find(span_of(types[i]), &why) != NULL)
			printf("%s\n", types[i]);
	printf("text\n");
	return EX_OK;
}

static void
pointless(int option, const char *why)
{
	fprintf(stderr, "makemap: -%c: %s\n", option, why);
}

/* 0: go on; else how it ends. */
static int
option(struct run *r, int c, const char *arg)
{
	switch (c) {
	case 'N': r->nul = true; break;
	case 'D': r->comment = arg[0]; break;
	case 'e': r->empty = true; break;
	case 'f': r->no_fold = true; break;
	case 'o': r->append = true; break;
	case 'r': r->replace = true; break;
	case 't': r->delimiter = arg[0]; break;
	case 'u': r->dump = true; break;
	case 'v': r->verbose = true; break;
	case 'c': pointless(c, "the library's own cache serves"); break;
	case 'C': pointless(c, "no configuration is needed"); break;
	case 's': pointless(c, "there are no checks to be left out: the map "
		    "is written beside and renamed"); break;
	case 'd':
		pointless(c, "a table has one value for a key; -r takes the "
		    "last");
		return EX_USAGE;
	default:
		return usage();
	}
	return 0;
}

/* "/etc/mail/access", and what TYPE puts behind it. */
static void
name_it(struct run *r, const char *name, const char *suffix)
{
	size_t	 n = strlen(name), len = strlen(suffix);

	r->name = name;
	r->path = n > len && strcmp(name + n - len, suffix) == 0 ?
	    xstrdup(name) : xasprintf("%s%s", name, suffix);
}

static int
run(struct run *r, const char *name)
{
	const struct map_writer_format	*f;
	const char			*why, *suffix;

	suffix = map_driver_suffix(span_of(r->type));
	if (strcmp(r->type, "text") == 0) {
		r->name = name;
		return r->dump ? usage() : make(r, NULL);
	}
	if (strcmp(r->type, "dbm") == 0)
		return said(r, EX_UNAVAILABLE, "ndbm files are not made: "
		    "`makemap gdbm FILE`, and gdbm \"FILE\" in the policy");
	if (suffix == NULL) {
		fprintf(stderr, "makemap: no type '%s' of maps\n", r->type);
		return EX_UNAVAILABLE;
	}
	name_it(r, name, suffix);
	if (r->dump)
		return dump(r);
	if ((f = map_writer_find(span_of(r->type), &why)) == NULL) {
		(void)said(r, 0, why);
		fprintf(stderr, "makemap: `makemap gdbm %s` makes one that "
		    "the policy names as gdbm\n", name);
		return EX_UNAVAILABLE;
	}
	return make(r, f);
}

int
classic_makemap(int argc, char **argv)
{
	struct run	 r = { .comment = '#' };
	int		 c, status;

	while ((c = getopt(argc, argv, "C:D:Nc:deflorst:uv")) != -1) {
		if (c == 'l')
			return list_types();
		if ((status = option(&r, c, optarg)) != 0)
			return status;
	}
	if (argc - optind != 2)
		return usage();
	r.type = argv[optind];
	status = run(&r, argv[optind + 1]);
	free(r.path);
	free(r.pairs);
	htab_clear(&r.index);
	arena_clear(&r.arena);
	return status;
}
