/*
 * asked_rows_fuzz.c - any rows of a server as values of any kind, any text as a
 * template: bounded, checked, and a record has no more columns than were given.
 *
 * The first octet says the kind and how many columns, the second line is the
 * key; then come the values, an octet 31 between.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "maps/asked/asked_int.h"

#define VALUES_MAX	64
#define COLUMNS_MAX	4

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const	kinds[] = {
	"plain", "aliases", "accounts", "virtusers", "routes", "access",
	"domains", "generics"
};
static const char *const	names[COLUMNS_MAX] = {
	"quota", "home", "secret_no", "x"
};

static void
try_template(struct span text, struct span key)
{
	struct asked_template	 t;
	const char		*why = NULL;
	size_t			 i, n = 0;

	if (asked_template_init(&t, text, &why) == -1) {
		assert(why != NULL);
		return;
	}
	assert(t.n <= ASKED_PARTS_MAX);
	for (i = 0; i < t.n; i++)
		n += asked_part_value(&t.parts[i], key).n;
	assert(n <= text.n + t.n * key.n);
	asked_template_clear(&t);
}

static size_t
split(struct span s, struct span *v)
{
	size_t		 n = 0;
	ptrdiff_t	 at;

	while (n < VALUES_MAX) {
		at = span_index(s, 31);
		v[n++] = at < 0 ? s : span_mem(s.p, (size_t)at);
		if (at < 0)
			break;
		s = span_from(s, (size_t)at + 1);
	}
	return n;
}

static size_t
lines(struct span s)
{
	size_t	 i, n = 1;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static void
try_rows(const struct asked_rows *rows, struct span kind, struct span key)
{
	struct arena	 ar = { 0 };
	struct span	 value = SPAN_NONE, again;
	const char	*why = NULL;
	enum map_result	 is;

	is = asked_rows_value(rows, kind, &ar, &value, &why);
	assert(is != MAP_BROKEN || why != NULL);
	if (is == MAP_FOUND && rows->ncolumns > 1)
		assert(lines(value) <= rows->ncolumns);
	if (is == MAP_FOUND && key.n > 0 && key.n <= 1024) {
		again = value;
		is = asked_rows_check(kind, key, &ar, &again, &why);
		assert(is == MAP_FOUND || (is == MAP_BROKEN && why != NULL));
		assert(is == MAP_BROKEN || again.n <= value.n);
	}
	arena_clear(&ar);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span		 in = span_mem(data, size), key;
	struct span		 values[VALUES_MAX];
	struct asked_rows	 rows = { .values = values, .names = names };
	size_t			 n;
	ptrdiff_t		 eol;

	if (size < 2)
		return 0;
	key = span_from(in, 1);
	if ((eol = span_index(key, '\n')) < 0)
		return 0;
	key.n = (size_t)eol;
	in = span_from(in, 2 + key.n);
	try_template(in, key);
	n = split(in, values);
	rows.ncolumns = data[0] / 8 % COLUMNS_MAX + 1;
	rows.nrows = n / rows.ncolumns;
	try_rows(&rows, span_of(kinds[data[0] % 8]), key);
	return 0;
}
