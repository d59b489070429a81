/*
 * kind_accounts.c - `name:{SCHEME}secret`: who has a mailbox.
 *
 * The secret never leaves the room, and does not stay in it either: names are
 * copied, and the text is wiped as soon as it has been read.  What a directory
 * says of an account is a record: a line `name=value` for each column.
 */
#include "config.h"

#include "maps/map_int.h"

static const char *
name_mistake(struct span name)
{
	size_t	 i;

	if (name.n == 0)
		return "the name of the account is missing";
	if (name.n > MAP_KEY_MAX)
		return "the name is longer than 1024 octets";
	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f)
			return "a name has no blanks or control characters";
	return NULL;
}

static void
accounts_line(struct map *m, struct map_text *t, struct span raw,
    uint32_t line)
{
	ptrdiff_t	 colon = span_index(raw, ':');
	struct span	 name;
	const char	*why;

	if (colon < 0) {
		map_line_broken(m, t, raw, line, raw.p,
		    "a ':' is missing: name:{SCHEME}secret");
		return;
	}
	name = map_trim(span_mem(raw.p, (size_t)colon));
	if ((why = name_mistake(name)) != NULL)
		map_line_broken(m, t, raw, line, raw.p, why);
	else
		map_store_copy(m, t, name, SPAN_NONE, line);
}

/* A column's name and '=': what no secret with its {SCHEME} begins with. */
static bool
is_record(struct span value)
{
	size_t	 i = 0;
	char	 c;

	for (; i < value.n; i++) {
		c = ascii_lower(value.p[i]);
		if ((c < 'a' || c > 'z') && (i == 0 || c != '_') &&
		    (i == 0 || c < '0' || c > '9'))
			break;
	}
	return i > 0 && i < value.n && value.p[i] == '=';
}

static void
accounts_entry(struct map *m, struct span key, struct span value)
{
	const char	*why = name_mistake(key);

	if (why == NULL) {
		map_store_copy(m, NULL, key,
		    is_record(value) ? value : SPAN_NONE, 0);
		return;
	}
	map_mistake(m, NULL, SPAN_NONE, 0, NULL, why);
	map_store_broken(m, NULL, SPAN_NONE, 0);
}

const struct map_kind map_kind_accounts = {
	.name = "accounts",
	.line = accounts_line,
	.entry = accounts_entry,
	.secret = true,
};
