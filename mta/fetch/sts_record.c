/*
 * sts_record.c - "v=STSv1; id=20160831085700Z;"
 */
#include "mta/fetch/sts_record.h"
#include "mta/fetch/sts_text.h"

static bool
is_id(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (!sts_is_alnum(s.p[i]))
			return false;
	return s.n > 0 && s.n <= STS_ID_MAX;
}

/* Printable, without '=' (';' has ended it). */
static bool
is_value(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == '=')
			return false;
	return s.n > 0;
}

/* One field; the first id counts, like the first of any name. */
static bool
take_field(struct span field, struct span *id)
{
	ptrdiff_t	equals = span_index(field, '=');
	struct span	name, value;

	if (equals == -1)
		return false;
	name = span_mem(field.p, (size_t)equals);
	value = span_from(field, (size_t)equals + 1);
	if (!span_eq(name, SPAN("id")))
		return sts_is_name(name) && is_value(value);
	if (id->n == 0) {
		if (!is_id(value))
			return false;
		*id = value;
	}
	return true;
}

/* What follows "v=STSv1;". */
static bool
parse_fields(struct span rest, struct span *id)
{
	struct span	field;
	ptrdiff_t	end;

	*id = SPAN_NONE;
	while ((rest = span_trim(rest)).n > 0) {
		end = span_index(rest, ';');
		field = end == -1 ? rest : span_mem(rest.p, (size_t)end);
		rest = end == -1 ? SPAN_NONE : span_from(rest, (size_t)end + 1);
		if (!take_field(span_trim(field), id))
			return false;
	}
	return id->n > 0;
}

bool
sts_record_find(const struct span *texts, size_t n, struct span *id,
    const char **why)
{
	const struct span	 version = SPAN("v=STSv1;");
	const struct span	*found = NULL;
	size_t			 i;

	*why = NULL;
	*id = SPAN_NONE;
	for (i = 0; i < n; i++) {
		if (!span_prefix(texts[i], version))
			continue;
		if (found != NULL) {
			*why = "there is more than one record v=STSv1";
			return false;
		}
		found = &texts[i];
	}
	if (found == NULL)
		return false;
	if (parse_fields(span_from(*found, version.n), id))
		return true;
	*why = "the record v=STSv1 is malformed";
	*id = SPAN_NONE;
	return false;
}
