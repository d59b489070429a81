/*
 * stored.c - the values of a database of ours: text of line, sum and value,
 * and the record that says what the table is.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crc.h"
#include "maps/database.h"

/* " LINE " */
static size_t
line_text(uint32_t line, char out[16])
{
	char	 digits[16];
	size_t	 n = 0, i = 0;

	do
		digits[n++] = (char)('0' + line % 10);
	while ((line /= 10) > 0);
	out[i++] = ' ';
	while (n > 0)
		out[i++] = digits[--n];
	out[i++] = ' ';
	return i;
}

uint32_t
map_db_crc(struct span key, uint32_t line, struct span value)
{
	char		 text[16];
	size_t		 n = line_text(line, text);
	uint32_t	 crc = crc32c(crc32c(0, key.p, key.n), text, n);

	return value.n == 0 ? crc : crc32c(crc, value.p, value.n);
}

void
map_db_value_format(struct span key, uint32_t line, struct span value,
    struct buf *out)
{
	char	 text[16];
	size_t	 n = line_text(line, text);

	buf_add(out, text + 1, n - 1);
	buf_addf(out, "%08" PRIx32 " ", map_db_crc(key, line, value));
	buf_add_span(out, value);
}

/* n hex digits in small letters. */
static bool
hex(struct span s, size_t n, uint64_t *out)
{
	size_t	 i;
	char	 c;

	*out = 0;
	for (i = 0; i < s.n; i++) {
		c = s.p[i];
		if (c >= '0' && c <= '9')
			*out = *out * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*out = *out * 16 + (uint64_t)(c - 'a') + 10;
		else
			return false;
	}
	return s.n == n;
}

bool
map_db_value_parse(struct span key, struct span stored, struct map_answer *a)
{
	ptrdiff_t	 blank = span_index(stored, ' ');
	struct span	 rest;
	uint64_t	 line, crc;

	if (blank <= 0 ||
	    !span_u64(span_mem(stored.p, (size_t)blank), UINT32_MAX, &line))
		return false;
	rest = span_from(stored, (size_t)blank + 1);
	if (rest.n < 9 || rest.p[8] != ' ' ||
	    !hex(span_mem(rest.p, 8), 8, &crc))
		return false;
	*a = (struct map_answer){ .key = key, .value = span_from(rest, 9),
	    .line = (uint32_t)line };
	return crc == map_db_crc(key, a->line, a->value);
}

/* --- what the table is */

void
map_db_about_format(const struct map_db_about *about, struct buf *out)
{
	const struct map_prefixes	*p = &about->prefixes;

	buf_addf(out, "table 2\nkind %.*s\nentries %" PRIu64 "\nsum %016"
	    PRIx64 "\nprefixes %016" PRIx64 " %016" PRIx64 " %016" PRIx64
	    " %016" PRIx64 "\nnames %d\n", SPAN_ARG(about->kind),
	    about->entries, about->sum, p->v4[0], p->v6[0], p->v6[1],
	    p->v6[2], about->host_names);
}

/* "word rest\n" */
static bool
next_word(struct span *text, const char *word, struct span *rest)
{
	ptrdiff_t	 lf = span_index(*text, '\n');
	struct span	 line, w = span_of(word);

	if (lf < 0)
		return false;
	line = span_mem(text->p, (size_t)lf);
	*text = span_from(*text, (size_t)lf + 1);
	if (!span_prefix(line, w) || line.n <= w.n || line.p[w.n] != ' ')
		return false;
	*rest = span_from(line, w.n + 1);
	return true;
}

static bool
prefixes_of(struct span s, struct map_prefixes *p)
{
	uint64_t	*const to[] = { &p->v4[0], &p->v6[0], &p->v6[1],
	    &p->v6[2] };
	size_t		 i;

	for (i = 0; i < 4; i++) {
		if (s.n < 16 || !hex(span_mem(s.p, 16), 16, to[i]))
			return false;
		s = span_from(s, 17);
	}
	return s.n == 0;
}

bool
map_db_about_parse(struct span text, struct map_db_about *about,
    const char **why)
{
	struct span	 s;

	*why = "the database is of another version: build it again";
	if (!next_word(&text, "table", &s) || !span_eq(s, SPAN("2")))
		return false;
	*why = "the database is damaged: build it again";
	if (!next_word(&text, "kind", &about->kind) ||
	    !next_word(&text, "entries", &s) ||
	    !span_u64(s, UINT32_MAX, &about->entries) ||
	    !next_word(&text, "sum", &s) || !hex(s, 16, &about->sum) ||
	    !next_word(&text, "prefixes", &s) ||
	    !prefixes_of(s, &about->prefixes) ||
	    !next_word(&text, "names", &s))
		return false;
	about->host_names = span_eq(s, SPAN("1"));
	return true;
}
