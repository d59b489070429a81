/*
 * map.c - `waybill map build|query|dump|check`: tables without a policy.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/xalloc.h"
#include "maps/map.h"

#include "mta/cmd/cmd.h"

struct table {
	const char	*kind, *detail, *out, *to;
	bool		 json;
	char		*path;		/* that is opened */
	struct map	*map;
	char		**includes;
	uint32_t	 nincludes;
	size_t		 mistakes, warnings;
};

/* --- opening */

static int
include(void *arg, const char *path, uint32_t *index)
{
	struct table	*t = arg;

	t->includes = xreallocarray(t->includes, t->nincludes + 1,
	    sizeof(*t->includes));
	t->includes[t->nincludes++] = xstrdup(path);
	*index = t->nincludes;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static void
problem(void *arg, const struct map_problem *p)
{
	struct table	*t = arg;
	const char	*path = t->path;

	if (p->file > 0 && p->file <= t->nincludes)
		path = t->includes[p->file - 1];
	if (p->warning)
		t->warnings++;
	else
		t->mistakes++;
	if (p->line > 0)
		fprintf(stderr, "%s:%u:%u: ", path, p->line, p->column);
	else
		fprintf(stderr, "%s: ", path);
	fprintf(stderr, "%s: %s\n", p->warning ? "warning" : "error", p->what);
}

/* By its octets, or by its name when it is damaged; a text else. */
static const char *
database_driver(const char *path, int fd)
{
	static const char *const	 drivers[] = { "gdbm", "cdb", "lmdb",
	    "hash" };
	const char			*driver = map_database_driver(fd),
	    *suffix;
	size_t				 i, n = strlen(path), len;

	for (i = 0; driver == NULL &&
	    i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		suffix = map_driver_suffix(span_of(drivers[i]));
		len = strlen(suffix);
		if (n > len && strcmp(path + n - len, suffix) == 0)
			driver = drivers[i];
	}
	return driver != NULL ? driver : "text";
}

/* Opens t->path; -1: said why. */
static int
table_open(struct table *t, struct span driver)
{
	struct map_source	 src = { .name = SPAN("table"),
	    .driver = driver, .path = t->path, .include = include,
	    .problem = problem, .arg = t };
	struct arena		 ar = { 0 };

	if ((src.fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY)) == -1) {
		fprintf(stderr, "waybill map: %s: %s\n", t->path,
		    strerror(errno));
		return -1;
	}
	if (src.driver.n == 0)
		src.driver = span_of(database_driver(t->path, src.fd));
	src.kind = span_of(t->kind);
	if (t->kind == NULL && !map_database_kind(src.fd, &ar, &src.kind))
		src.kind = SPAN("plain");
	t->map = map_open(&src);
	close(src.fd);
	arena_clear(&ar);
	return 0;
}

static void
table_close(struct table *t)
{
	map_close(&t->map);
	while (t->nincludes > 0)
		free(t->includes[--t->nincludes]);
	free(t->includes);
	free(t->path);
}

/* The database beside a text, where one is there. */
static char *
database_of(const char *path)
{
	static const char *const	 drivers[] = { "gdbm", "cdb", "lmdb",
	    "hash" };
	char				*beside;
	size_t				 i;

	for (i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		beside = xasprintf("%s%s", path,
		    map_driver_suffix(span_of(drivers[i])));
		if (access(beside, F_OK) == 0)
			return beside;
		free(beside);
	}
	return xstrdup(path);
}

/* --- build, check */

struct progress {
	const char	*path;
	bool		 said;
};

/* On a terminal, of what takes a while. */
static void
progress(void *arg, size_t done, size_t all)
{
	struct progress	*p = arg;

	if (all < 100000)
		return;
	p->said = true;
	fprintf(stderr, "\r%s: %zu of %zu entries", p->path, done, all);
}

static int
write_database(struct table *t, const char *out)
{
	struct progress		 p = { out, false };
	struct map_building	 how = { .format = span_of(t->to),
	    .path = out, .mode = 0644, .uid = UINT32_MAX, .gid = UINT32_MAX,
	    .arg = &p };
	struct stat		 st;
	const char		*why;
	int			 rc;

	if (stat(t->path, &st) == 0) {
		how.mode = st.st_mode & 0666;
		how.uid = st.st_uid;
		how.gid = st.st_gid;
	}
	if (isatty(STDERR_FILENO))
		how.progress = progress;
	rc = map_build(t->map, &how, &why);
	if (p.said)
		fprintf(stderr, "\r\033[K");
	if (rc == 0) {
		printf("%s: %zu entries\n", out, map_size(t->map));
		return CMD_OK;
	}
	fprintf(stderr, "waybill map: %s: %s\n", out,
	    why != NULL ? why : strerror(errno));
	return why != NULL ? CMD_NO : CMD_USAGE;
}

static int
build(struct table *t, char **argv)
{
	const char	*suffix = map_driver_suffix(span_of(t->to));
	char		*out;
	int		 status;

	if (suffix == NULL)
		return cmd_usage("map", "there is no database '%s'; --to "
		    "gdbm, cdb or lmdb", t->to);
	t->path = xstrdup(argv[2]);
	if (table_open(t, SPAN("text")) == -1)
		return CMD_USAGE;
	out = t->out != NULL ? xstrdup(t->out) : xasprintf("%s%s", t->path,
	    suffix);
	status = write_database(t, out);
	free(out);
	return status;
}

static int
check(struct table *t, char **argv)
{
	t->path = database_of(argv[2]);
	if (table_open(t, SPAN_NONE) == -1)
		return CMD_USAGE;
	if (t->mistakes > 0)
		return CMD_NO;
	printf("%s: ok%s\n", t->path, map_is_database(t->map) ?
	    ", a database" : "");
	return CMD_OK;
}

/* --- dump */

struct dumping {
	struct buf	 out;
	struct json	 j;
	bool		 json;
};

static void
dump_entry(void *arg, const struct map_answer *a)
{
	struct dumping	*d = arg;

	if (!d->json) {
		buf_add_span(&d->out, a->key);
		buf_add_char(&d->out, '\t');
		buf_add_span(&d->out, a->value);
		buf_add_char(&d->out, '\n');
	} else {
		json_object(&d->j, NULL);
		json_text(&d->j, "key", a->key);
		json_text(&d->j, "value", a->value);
		json_uint(&d->j, "line", a->line);
		json_object_end(&d->j);
	}
	if (d->out.n > 65536)
		cmd_write(&d->out);
}

static int
dump(struct table *t, char **argv)
{
	struct dumping	 d = { .json = t->json };
	int		 rc;

	t->path = database_of(argv[2]);
	if (table_open(t, SPAN_NONE) == -1)
		return CMD_USAGE;
	json_init(&d.j, &d.out);
	if (d.json)
		json_array(&d.j, NULL);
	rc = map_walk(t->map, dump_entry, &d);
	if (d.json)
		json_array_end(&d.j);
	if (d.json)
		buf_add_char(&d.out, '\n');
	cmd_write(&d.out);
	return rc == 0 ? CMD_OK : CMD_NO;
}

/* --- query */

/* `Connect:` and the like; without one an address is a sender's. */
static enum map_role
role_of(struct span *key)
{
	static const struct span	 tags[] = {
		[MAP_CONNECT] = { "Connect:", 8 },
		[MAP_FROM] = { "From:", 5 }, [MAP_TO] = { "To:", 3 }
	};
	size_t				 i;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (span_iprefix(*key, tags[i])) {
			*key = span_from(*key, tags[i].n);
			return (enum map_role)i;
		}
	return span_index(*key, '@') >= 0 ? MAP_FROM : MAP_CONNECT;
}

static enum map_result
ask_access(const struct table *t, struct span key, size_t at,
    struct map_answer *a)
{
	enum map_role	 role = role_of(&key);
	struct ip	 ip;

	if (ip_parse(key, &ip))
		return map_access_ip(t->map, role, &ip, a);
	if (span_index(key, '@') < 0)
		return map_access_host(t->map, role, key, a);
	at = (size_t)span_index(key, '@');
	return map_access_address(t->map, role, key, at, span_of(t->detail),
	    a);
}

static enum map_result
ask(const struct table *t, struct span key, struct arena *ar,
    struct map_answer *a)
{
	struct span		 kind = map_kind(t->map),
	    detail = span_of(t->detail);
	ptrdiff_t		 index = span_index(key, '@');
	size_t			 at = index < 0 ? key.n : (size_t)index;
	struct map_refusal	 refusal;
	enum map_result		 is;

	if (span_eq(kind, SPAN("access")))
		return ask_access(t, key, at, a);
	if (span_eq(kind, SPAN("routes")) || span_eq(kind, SPAN("domains"))) {
		if ((is = map_get_domain(t->map, key, a)) == MAP_FOUND)
			a->value = map_route_fill(a, key, ar);
		return is;
	}
	if ((is = map_get_address(t->map, key, at, detail, a)) != MAP_FOUND)
		return is;
	if (span_eq(kind, SPAN("virtusers")))
		(void)map_virtuser_fill(a, key, at, detail, ar, &a->value,
		    &refusal);
	else if (span_eq(kind, SPAN("generics")))
		a->value = map_generic_fill(a, key, at, detail, ar);
	return MAP_FOUND;
}

static void
say_answer(const struct table *t, const struct map_answer *a)
{
	struct buf	 out = { 0 };
	struct json	 j;

	if (!t->json) {
		printf("%.*s\t(%s:%u, %.*s)\n", SPAN_ARG(a->value), t->path,
		    a->line, SPAN_ARG(a->key));
		return;
	}
	json_init(&j, &out);
	json_object(&j, NULL);
	json_text(&j, "key", a->key);
	json_text(&j, "value", a->value);
	json_str(&j, "file", t->path);
	json_uint(&j, "line", a->line);
	json_object_end(&j);
	buf_add_char(&out, '\n');
	cmd_write(&out);
}

static int
query(struct table *t, char **argv)
{
	struct map_answer	 a = { .line = 0 };
	struct arena		 ar = { 0 };
	int			 status = CMD_OK;

	t->path = database_of(argv[2]);
	if (table_open(t, SPAN_NONE) == -1)
		return CMD_USAGE;
	switch (ask(t, span_of(argv[3]), &ar, &a)) {
	case MAP_FOUND:
		say_answer(t, &a);
		break;
	case MAP_NONE:
		status = CMD_NO;
		break;
	default:
		fprintf(stderr, "waybill map: %s: '%s' cannot be asked\n",
		    t->path, argv[3]);
		status = CMD_USAGE;
		break;
	}
	arena_clear(&ar);
	return status;
}

/* --- */

static const struct {
	const char	*word;
	int		 args;
	int		(*run)(struct table *, char **);
} words[] = {
	{ "build", 2, build },
	{ "query", 3, query },
	{ "dump", 2, dump },
	{ "check", 2, check },
};

int
cmd_map(int argc, char **argv)
{
	struct table		 t = { .detail = "+", .to = "gdbm" };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "as", 0, { .text = &t.kind } },
		{ OPT_TEXT, "detail", 0, { .text = &t.detail } },
		{ OPT_TEXT, "to", 0, { .text = &t.to } },
		{ OPT_TEXT, "output", 'o', { .text = &t.out } },
		{ OPT_FLAG, "json", 0, { .flag = &t.json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	size_t			 i;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (n < 1 || strcmp(argv[1], words[i].word) != 0)
			continue;
		if (n != words[i].args)
			return cmd_usage(argv[0], "which table%s?",
			    words[i].args == 3 ? " and key" : "");
		status = words[i].run(&t, argv);
		table_close(&t);
		return status;
	}
	return cmd_usage(argv[0], "what is to be done? build, query, dump "
	    "or check");
}
