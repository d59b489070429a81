/*
 * sql.c - a query's template as SQL with numbered parameters.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "maps/asked/sql.h"

/* Where in SQL an octet stands. */
enum place { BARE, QUOTED, NAME, LINE_COMMENT, COMMENT };

/* The place behind the i-th octet of a text that is at `at` before it. */
static enum place
step(enum place at, struct span s, size_t i)
{
	char	 c = s.p[i], before = i > 0 ? s.p[i - 1] : '\0';

	switch (at) {
	case BARE:
		return c == '\'' ? QUOTED : c == '"' ? NAME :
		    c == '-' && before == '-' ? LINE_COMMENT :
		    c == '*' && before == '/' ? COMMENT : BARE;
	case QUOTED:
		return c == '\'' ? BARE : QUOTED;
	case NAME:
		return c == '"' ? BARE : NAME;
	case LINE_COMMENT:
		return c == '\n' ? BARE : LINE_COMMENT;
	case COMMENT:
		break;
	}
	return c == '/' && before == '*' ? BARE : COMMENT;
}

static int
add_parts(struct asked_sql *sql, const struct asked_template *t, char mark,
    struct buf *out, const char **why)
{
	const struct asked_part	*part;
	enum place		 at = BARE;
	size_t			 i, j;

	for (i = 0; i < t->n; i++) {
		part = &t->parts[i];
		if (part->is == ASKED_LITERAL) {
			for (j = 0; j < part->text.n; j++)
				at = step(at, part->text, j);
			buf_add_span(out, part->text);
			continue;
		}
		if (at != BARE) {
			*why = "in the query, {key} is bound as a parameter: "
			    "it stands without quotes, and in no comment";
			return -1;
		}
		sql->params[sql->n++] = (struct asked_part){ .is = part->is };
		buf_addf(out, "%c%zu", mark, sql->n);
	}
	return 0;
}

int
asked_sql_init(struct asked_sql *sql, struct span query, char mark,
    const char **why)
{
	struct asked_template	 t;
	struct buf		 out = { 0 };
	int			 rc;

	*sql = (struct asked_sql){ 0 };
	if (query.n == 0 || memchr(query.p, '\0', query.n) != NULL) {
		*why = "there is no query";
		return -1;
	}
	if (asked_template_init(&t, query, why) == -1)
		return -1;
	if ((rc = add_parts(sql, &t, mark, &out, why)) == 0)
		sql->text = xstrdup(buf_cstr(&out));
	buf_clear(&out);
	asked_template_clear(&t);
	return rc;
}

void
asked_sql_copy(struct asked_sql *to, const struct asked_sql *from)
{
	*to = *from;
	to->text = xstrdup(from->text);
}

void
asked_sql_clear(struct asked_sql *sql)
{
	free(sql->text);
	*sql = (struct asked_sql){ 0 };
}
