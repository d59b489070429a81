/*
 * rows.c - what a server gave as the secrets of an account.
 */
#include "config.h"

#include "mta/auth/rows.h"
#include "mta/auth/secret.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "$y$..." is "{CRYPT}$y$...". */
static struct span
add_secrets(struct buf *b, struct span s)
{
	size_t	 at = b->n, i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '$' && (i == 0 || is_blank(s.p[i - 1])))
			buf_add_str(b, "{CRYPT}");
		buf_add_char(b, s.p[i]);
	}
	return span_mem(b->base + b->off + at, b->n - at);
}

static struct span
add(struct buf *b, struct span s)
{
	size_t	 at = b->n;

	buf_add_span(b, s);
	return span_mem(b->base + b->off + at, b->n - at);
}

/* What says of whom each secret is goes into logs. */
static const char *
name_fault(struct span name)
{
	if (name.n > ACCOUNT_WORD_MAX)
		return "the first of two columns names the app, in 64 octets "
		    "at most";
	if (span_has_control(name))
		return "the name of an app has no control characters";
	if (name.n > 0 && (name.p[0] == '{' || name.p[0] == '$'))
		return "the first of two columns names the app, and is no "
		    "secret";
	return NULL;
}

/*
 * Octets that all of them need: '$' at the head of a word grows by seven, and
 * a word has two octets at least, but for the last.
 */
static size_t
need(const struct asked_rows *rows)
{
	size_t	 i, n = 0;

	for (i = 0; i < rows->nrows * rows->ncolumns; i++)
		n += rows->values[i].n / 2 * 9 + 16;
	return n;
}

static const char *
shape_fault(const struct asked_rows *rows)
{
	size_t	 i, n = 0;

	if (rows->ncolumns > 2)
		return "'verify' asks for a secret, or for an app's name and "
		    "its secret: there are more columns";
	if (rows->nrows > ROWS_MAX)
		return "there are more than 65 rows of secrets";
	for (i = 0; i < rows->nrows * rows->ncolumns; i++)
		n += rows->values[i].n;
	return n > ROWS_OCTETS_MAX ? "the secrets have more than 64 KiB" :
	    NULL;
}

int
auth_rows_take(struct auth_rows *out, const struct asked_rows *rows,
    const char **why)
{
	const struct span	*row;
	struct span		 name;
	size_t			 i;

	*out = (struct auth_rows){ .n = 0 };
	if ((*why = shape_fault(rows)) != NULL)
		return -1;
	/* In one piece: what grows leaves copies behind, and moves. */
	(void)buf_reserve(&out->octets, need(rows) + 1);
	for (i = 0; i < rows->nrows; i++) {
		row = &rows->values[i * rows->ncolumns];
		name = rows->ncolumns == 2 ? span_trim(row[0]) : SPAN_NONE;
		if ((*why = name_fault(name)) != NULL) {
			auth_rows_clear(out);
			return -1;
		}
		out->v[out->n].app = add(&out->octets, name);
		out->v[out->n++].text = add_secrets(&out->octets,
		    row[rows->ncolumns - 1]);
	}
	return 0;
}

void
auth_rows_clear(struct auth_rows *r)
{
	secret_buf_clear(&r->octets);
	*r = (struct auth_rows){ .n = 0 };
}
