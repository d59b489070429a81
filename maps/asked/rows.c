/*
 * rows.c - what a server gave for a key, as the value of a table.
 *
 * The rows come from outside: sizes are bounded here, and a value passes the
 * kind's own check before anybody sees it.
 */
#include "config.h"

#include "base/buf.h"
#include "maps/map_int.h"

#include "maps/asked/asked_int.h"

#define VALUE_MAX	(1u << 20)	/* octets; as LOOKUP_VALUE_MAX */

static enum map_result
broken(const char **why, const char *what)
{
	*why = what;
	return MAP_BROKEN;
}

static enum map_result
take(struct buf *b, struct arena *ar, struct span *value, const char **why)
{
	if (b->n > VALUE_MAX)
		return broken(why, "the value has more than 1 MiB");
	if (b->n > 0 && memchr(buf_span(b).p, '\0', b->n) != NULL)
		return broken(why, "the value has an octet 0");
	*value = arena_span(ar, buf_span(b));
	return MAP_FOUND;
}

/* --- one row */

/* A line `name=value` for each column that is there; a value has one line. */
static void
add_columns(struct buf *b, const struct asked_rows *rows)
{
	size_t	 i, at;

	for (i = 0; i < rows->ncolumns && b->n <= VALUE_MAX; i++) {
		if (rows->values[i].p == NULL)
			continue;
		buf_addf(b, "%s%s=", b->n > 0 ? "\n" : "", rows->names[i]);
		at = b->n;
		buf_add(b, rows->values[i].p, rows->values[i].n);
		map_one_line(b->base + b->off + at, b->n - at);
	}
}

static enum map_result
one_row(const struct asked_rows *rows, struct buf *b, const char **why)
{
	const struct span	*v = rows->values;

	if (rows->ncolumns == 1) {
		if (v[0].p == NULL)
			return MAP_NONE;
		buf_add(b, v[0].p, v[0].n);
		return MAP_FOUND;
	}
	if (rows->names == NULL)
		return broken(why, "there are several columns without names");
	add_columns(b, rows);
	return MAP_FOUND;
}

/* --- several rows: one list */

static bool
is_list(struct span kind)
{
	return span_eq(kind, SPAN("aliases")) ||
	    span_eq(kind, SPAN("virtusers")) || span_eq(kind, SPAN("plain"));
}

static enum map_result
several(const struct asked_rows *rows, struct span kind, struct buf *b,
    const char **why)
{
	size_t	 i;

	for (i = 0; i < rows->nrows && b->n <= VALUE_MAX; i++) {
		if (rows->values[i].p == NULL)
			continue;
		if (span_eq(kind, SPAN("virtusers")) &&
		    span_iprefix(span_trim(rows->values[i]), SPAN("error:")))
			return broken(why,
			    "an error: stands beside other rows");
		if (b->n > 0)
			buf_add(b, ", ", 2);
		buf_add(b, rows->values[i].p, rows->values[i].n);
	}
	return b->n == 0 ? MAP_NONE : MAP_FOUND;
}

enum map_result
asked_rows_value(const struct asked_rows *rows, struct span kind,
    struct arena *ar, struct span *value, const char **why)
{
	struct buf	 b = { 0 };
	enum map_result	 is;

	if (rows->nrows == 0 || rows->ncolumns == 0)
		return MAP_NONE;
	if (rows->nrows == 1)
		is = one_row(rows, &b, why);
	else if (rows->ncolumns > 1 || !is_list(kind))
		is = broken(why, arena_printf(ar, "the server gave %zu rows "
		    "where one is wanted", rows->nrows).p);
	else
		is = several(rows, kind, &b, why);
	if (is == MAP_FOUND)
		is = take(&b, ar, value, why);
	buf_clear(&b);
	return is;
}

/* --- the kind's own check */

/* "{SCHEME}...", "$id$...": as crypt(3) and directories write them. */
static bool
looks_secret(struct span v)
{
	char	 end = v.n > 0 && v.p[0] == '{' ? '}' : '$';
	size_t	 i = 1;

	if (v.n == 0 || (v.p[0] != '{' && v.p[0] != '$'))
		return false;
	while (i < v.n && i < 24 && v.p[i] > ' ' && v.p[i] != end &&
	    v.p[i] != '/')
		i++;
	return i > 1 && i < v.n && v.p[i] == end;
}

static bool
secret_name(struct span name)
{
	static const struct span	 words[] = {
		{ "password", 8 }, { "userpassword", 12 }, { "passwd", 6 },
		{ "secret", 6 }, { "crypt", 5 }, { "hash", 4 }, { "pw", 2 },
		{ "pwd", 3 },
	};
	size_t				 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_ieq(name, words[i]))
			return true;
	return false;
}

/* Accounts are asked for who is there; what proves it never comes here. */
static bool
has_secret(struct span record)
{
	struct span	 line;
	ptrdiff_t	 end, eq;

	while (record.n > 0) {
		end = span_index(record, '\n');
		line = end < 0 ? record : span_mem(record.p, (size_t)end);
		record = span_from(record, line.n + 1);
		eq = span_index(line, '=');
		if (eq >= 0 && (secret_name(span_mem(line.p, (size_t)eq)) ||
		    looks_secret(span_from(line, (size_t)eq + 1))))
			return true;
	}
	return false;
}

struct told {
	struct arena	*ar;
	const char	*why;
};

static void
tell(void *arg, const struct map_problem *p)
{
	struct told	*t = arg;

	if (!p->warning && t->why == NULL)
		t->why = arena_strdup(t->ar, p->what);
}

enum map_result
asked_rows_check(struct span kind, struct span key, struct arena *ar,
    struct span *value, const char **why)
{
	struct told		 told = { ar, NULL };
	struct span		 entry[2] = { key, *value };
	struct map_source	 src = {
		.name = SPAN("asked"), .driver = SPAN("inline"),
		.kind = kind, .entries = entry, .nentries = 1,
		.problem = tell, .arg = &told
	};
	struct map		*m;
	enum map_result		 is;

	if (span_eq(kind, SPAN("accounts")) && has_secret(*value))
		return broken(why, "a column holds a secret; accounts are "
		    "asked for who is there, and verified elsewhere");
	m = map_open(&src);
	/* A mistake of one member of a list leaves the others. */
	is = m->n == 1 && m->entries[0].value_off != ENTRY_BROKEN ?
	    MAP_FOUND : MAP_BROKEN;
	if (is == MAP_FOUND)
		*value = arena_span(ar, span_mem(m->entries[0].key +
		    m->entries[0].value_off, m->entries[0].value_n));
	else
		*why = told.why != NULL ? told.why :
		    "the value is not one of this kind of table";
	map_close(&m);
	return is;
}
