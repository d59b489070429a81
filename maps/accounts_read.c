/*
 * accounts_read.c - an accounts file with its secrets.
 *
 * The driver `text` finds the logical lines, as it does for the table; here
 * they go to who asked and are kept nowhere.
 */
#include "config.h"

#include "base/xalloc.h"
#include "maps/account.h"
#include "maps/map_int.h"

struct reading {
	accounts_cb	*cb;
	void		*arg;
	const char	*unreadable;	/* all of it: why */
};

/* A mistake of a line is told by its entry. */
static void
problem(void *arg, const struct map_problem *p)
{
	struct reading	*r = arg;

	if (p->line == 0)
		r->unreadable = p->what;
}

static void
each_line(struct map *m, struct map_text *t, struct span raw, uint32_t line)
{
	static const struct account_reader	 nobody = { .arg = NULL };
	struct reading				*r = m->arg;
	struct account_entry			 e = { .raw = raw,
	    .line = line, .at = (size_t)(raw.p - t->octets) };
	struct span				 secrets;

	if (account_parse(raw, &nobody, &e.name, &secrets) == NULL)
		r->cb(r->arg, &e);
	else
		map_line_broken(m, t, raw, line, raw.p, "");
}

static const struct map_kind with_secrets = {
	.name = "accounts",
	.line = each_line,
	.secret = true,
	.continued = true,
};

/* The entries that the driver has kept are those that cannot be read. */
static void
each_broken(const struct map *m, struct reading *r)
{
	struct account_entry	 e = { .broken = true };
	uint32_t		 i;

	for (i = 0; i < m->n; i++) {
		e.name = span_mem(m->entries[i].key, m->entries[i].key_n);
		e.line = m->entries[i].line;
		r->cb(r->arg, &e);
	}
	if (m->key_lost) {
		e.name = SPAN_NONE;
		e.line = 0;
		r->cb(r->arg, &e);
	}
}

int
accounts_each(int fd, accounts_cb *cb, void *arg, const char **why)
{
	struct reading		 r = { .cb = cb, .arg = arg };
	struct map_source	 src = { .fd = fd };
	struct map		*m = xcalloc(1, sizeof(*m));
	int			 rc;

	m->kind = &with_secrets;
	m->problem = problem;
	m->arg = &r;
	map_text_open(m, &src);
	*why = r.unreadable;
	rc = m->broken ? -1 : 0;
	if (rc == 0)
		each_broken(m, &r);
	map_close(&m);
	return rc;
}
