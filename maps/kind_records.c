/*
 * kind_records.c - columns by name: `key host=mail.example port=25 note="a b"`.
 *
 * A record is kept as everywhere: a line `name=value` for each column.  A
 * record that the policy itself or a server gives has that form already.
 */
#include "config.h"

#include "maps/map_int.h"

#define COLUMNS_MAX	64
#define NAME_MAX_OCTETS	64	/* of a column */

struct record {
	struct buf	 out;
	struct span	 names[COLUMNS_MAX];
	size_t		 n;
};

static int
fault(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return -1;
}

/* The octets of a name: letters, digits and '_', a letter first. */
static size_t
name_size(struct span s)
{
	size_t	 n = 0;
	char	 c;

	for (; n < s.n; n++) {
		c = ascii_lower(s.p[n]);
		if ((c < 'a' || c > 'z') && (n == 0 || c != '_') &&
		    (n == 0 || c < '0' || c > '9'))
			break;
	}
	return n;
}

static int
take_name(struct record *r, struct span *s, struct map_fault *f)
{
	struct span	 name = span_mem(s->p, name_size(*s));
	size_t		 i;

	if (name.n == 0 || name.n > NAME_MAX_OCTETS || name.n == s->n ||
	    s->p[name.n] != '=')
		return fault(f, s->p, "a column is name=value, its name of "
		    "letters, digits and '_'; a value with blanks stands in "
		    "quotes");
	for (i = 0; i < r->n; i++)
		if (span_eq(r->names[i], name))
			return fault(f, s->p,
			    "this column stands twice in the record");
	if (r->n == COLUMNS_MAX)
		return fault(f, s->p, "a record has at most 64 columns");
	r->names[r->n++] = name;
	if (r->out.n > 0)
		buf_add_char(&r->out, '\n');
	buf_add_span(&r->out, name);
	buf_add_char(&r->out, '=');
	*s = span_from(*s, name.n + 1);
	return 0;
}

/* An octet of a value. */
static int
put(struct record *r, const char *p, struct map_fault *f)
{
	if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
		return fault(f, p, "a column has no control characters");
	buf_add_char(&r->out, *p);
	return 0;
}

/* "a \"b\" c" */
static int
take_quoted(struct record *r, struct span *s, struct map_fault *f)
{
	const char	*start = s->p;
	size_t		 i;

	for (i = 1; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && i + 1 < s->n)
			i++;
		if (put(r, s->p + i, f) == -1)
			return -1;
	}
	if (i >= s->n)
		return fault(f, start, "the quotes do not end");
	*s = span_from(*s, i + 1);
	if (s->n > 0 && !map_is_blank(s->p[0]))
		return fault(f, s->p, "a blank is missing behind the quotes");
	return 0;
}

static int
take_value(struct record *r, struct span *s, struct map_fault *f)
{
	size_t	 n = 0;

	if (s->n > 0 && s->p[0] == '"')
		return take_quoted(r, s, f);
	for (; n < s->n && !map_is_blank(s->p[n]); n++)
		if (put(r, s->p + n, f) == -1)
			return -1;
	*s = span_from(*s, n);
	return 0;
}

/* The columns behind a key, as lines in r->out. */
static int
take_columns(struct record *r, struct span s, struct map_fault *f)
{
	const char	*start = s.p;

	if ((s = map_trim(s)).n == 0)
		return fault(f, start, "the record has no columns: "
		    "name=value");
	for (; s.n > 0; s = map_trim(s))
		if (take_name(r, &s, f) == -1 || take_value(r, &s, f) == -1)
			return -1;
	return 0;
}

static void
records_line(struct map *m, struct map_text *t, struct span raw,
    uint32_t line)
{
	struct record	 r = { .n = 0 };
	struct map_fault f;
	struct span	 key, value;
	const char	*why;

	if ((why = map_plain_key(raw, &key, &value)) != NULL)
		map_line_broken(m, t, raw, line, raw.p, why);
	else if (take_columns(&r, value.n > 0 ? value : span_mem(key.p +
	    key.n, 0), &f) == -1) {
		map_mistake(m, t, raw, line, f.at, f.what);
		map_store_broken(m, t, key, line);
	} else
		map_store_copy(m, t, key, buf_span(&r.out), line);
	buf_clear(&r.out);
}

/*
 * Each line is a column: so the policy itself has a record, and so has a
 * database that was made of one.
 */
static bool
is_lines(const struct map *m, struct span s)
{
	ptrdiff_t	 lf;
	struct span	 line;
	size_t		 n;

	if (s.n == 0 || m->adding ||
	    (m->path != NULL && span_index(s, '\n') < 0))
		return false;
	while (s.n > 0) {
		lf = span_index(s, '\n');
		line = lf < 0 ? s : span_mem(s.p, (size_t)lf);
		n = name_size(line);
		if (n == 0 || n == line.n || line.p[n] != '=')
			return false;
		s = span_from(s, line.n + (lf >= 0));
	}
	return true;
}

static void
records_entry(struct map *m, struct span key, struct span value)
{
	struct record	 r = { .n = 0 };
	struct map_fault f = { NULL, "the key is empty, or longer than 1024 "
	    "octets" };

	if (key.n == 0 || key.n > MAP_KEY_MAX) {
		map_mistake(m, NULL, SPAN_NONE, 0, NULL, f.what);
		map_store_broken(m, NULL, SPAN_NONE, 0);
	} else if (is_lines(m, value))
		map_store_copy(m, NULL, key, value, 0);
	else if (take_columns(&r, value, &f) == -1) {
		map_mistake(m, NULL, SPAN_NONE, 0, NULL, f.what);
		map_store_broken(m, NULL, key, 0);
	} else
		map_store_copy(m, NULL, key, buf_span(&r.out), 0);
	buf_clear(&r.out);
}

const struct map_kind map_kind_records = {
	.name = "records",
	.line = records_line,
	.entry = records_entry,
	.continued = true,
};
