/*
 * kind_accounts.c - who has a mailbox, and what is said of him.
 *
 * The secret never leaves the room, and does not stay in it either: names and
 * columns are copied, and the text is wiped as soon as it has been read.  What
 * a directory says of an account is a record: a line `name=value` for each
 * column.  A secret that is none is a mistake, but the account has its mailbox
 * all the same.
 */
#include "config.h"

#include "base/buf.h"
#include "maps/account.h"
#include "maps/map_int.h"

struct reading {
	struct map		*map;
	const struct map_text	*text;
	struct span		 raw;
	uint32_t		 line;
	struct buf		 record;
	bool			 broken;
};

static void
on_item(void *arg, const struct account_item *i)
{
	struct reading	*r = arg;

	if (i->part != ACCOUNT_COLUMN)
		return;
	if (r->record.n > 0)
		buf_add_char(&r->record, '\n');
	buf_add_span(&r->record, i->name);
	buf_add_char(&r->record, '=');
	buf_add_span(&r->record, i->value);
}

static void
on_fault(void *arg, enum account_fault f, const char *at, const char *what)
{
	struct reading	*r = arg;

	if (f == ACCOUNT_WEAK)
		map_warning(r->map, r->text, r->raw, r->line, at, what);
	else
		map_mistake(r->map, r->text, r->raw, r->line, at, what);
	r->broken |= f == ACCOUNT_BAD_ENTRY;
}

static void
accounts_line(struct map *m, struct map_text *t, struct span raw,
    uint32_t line)
{
	struct reading			 r = { .map = m, .text = t,
	    .raw = raw, .line = line };
	const struct account_reader	 reader = { on_item, on_fault, &r };
	struct span			 name, secrets;
	const char			*why;

	why = account_parse(raw, &reader, &name, &secrets);
	if (why != NULL && raw.p[0] == '{') {	/* a secret is no key to tell */
		map_mistake(m, t, raw, line, raw.p, why);
		map_store_broken(m, t, SPAN_NONE, line);
	} else if (why != NULL)
		map_line_broken(m, t, raw, line, raw.p, why);
	else if (r.broken)
		map_store_broken(m, t, name, line);
	else
		map_store_copy(m, t, name, buf_span(&r.record), line);
	buf_clear(&r.record);
}

/* A column's name and '=': what no secret with its {SCHEME} begins with. */
static bool
is_record(struct span value)
{
	ptrdiff_t	 eq = span_index(value, '=');

	return eq > 0 && account_column_fault(span_mem(value.p, (size_t)eq),
	    SPAN_NONE) == NULL;
}

/*
 * In the policy, or what a test gives: a record, or nothing.  All processes
 * have the policy, so no secret stands there.
 */
static void
accounts_entry(struct map *m, struct span key, struct span value)
{
	const char	*why = account_name_fault(key);

	if (why != NULL) {
		map_mistake(m, NULL, SPAN_NONE, 0, NULL, why);
		map_store_broken(m, NULL, SPAN_NONE, 0);
		return;
	}
	if (is_record(value)) {
		map_store_copy(m, NULL, key, value, 0);
		return;
	}
	if (!m->adding && !account_no_secret(value))
		map_mistake(m, NULL, SPAN_NONE, 0, NULL, "all processes have "
		    "the policy, so secrets stand in a file: text \"users\" as "
		    "accounts; here it is \"x\", or columns");
	map_store_copy(m, NULL, key, SPAN_NONE, 0);
}

const struct map_kind map_kind_accounts = {
	.name = "accounts",
	.line = accounts_line,
	.entry = accounts_entry,
	.secret = true,
	.continued = true,
};
