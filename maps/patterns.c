/*
 * patterns.c - lines of patterns, taken apart.
 */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "maps/map_int.h"
#include "maps/patterns.h"

static int
fault(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return -1;
}

static bool
is_alnum(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static struct span
skip_blanks(struct span s)
{
	while (s.n > 0 && map_is_blank(s.p[0]))
		s = span_from(s, 1);
	return s;
}

/* Octets up to the delimiter that ends the pattern; s.n: it does not end. */
static size_t
pattern_end(struct span s, char delimiter)
{
	size_t	 i;

	for (i = 0; i < s.n && s.p[i] != delimiter; i++)
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
	return i;
}

/* "/pattern/flags", perhaps with '!' before; *rest is what follows. */
static int
take_pattern(struct span s, struct pattern_line *l, struct span *rest,
    struct map_fault *f)
{
	size_t	 n;

	l->shown = s;
	while (s.n > 0 && s.p[0] == '!') {
		l->negated = !l->negated;
		s = skip_blanks(span_from(s, 1));
	}
	if (s.n == 0 || is_alnum(s.p[0]) || s.p[0] == '\\')
		return fault(f, s.p, "a pattern stands between two of the "
		    "same: /pattern/flags value");
	n = pattern_end(span_from(s, 1), s.p[0]);
	if (n + 1 == s.n)
		return fault(f, s.p, "the pattern does not end");
	l->text = span_mem(s.p + 1, n);
	s = span_from(s, n + 2);
	for (n = 0; n < s.n && !map_is_blank(s.p[n]); n++)
		if (memchr("imsxAEUX", s.p[n], 8) == NULL)
			return fault(f, s.p + n, "no such flag; there are "
			    "i, m, s, x, A, E, U and X");
	l->flags = span_mem(s.p, n);
	l->shown.n = (size_t)(s.p + n - l->shown.p);
	*rest = map_trim(span_from(s, n));
	return 0;
}

static bool
begins_with_word(struct span s, struct span word)
{
	return span_iprefix(s, word) &&
	    (s.n == word.n || !is_alnum(s.p[word.n]));
}

static int
take_if(struct span s, struct pattern_line *l, struct map_fault *f)
{
	struct span	 rest;

	l->what = PATTERN_IF;
	if (take_pattern(skip_blanks(span_from(s, 2)), l, &rest, f) == -1)
		return -1;
	return rest.n == 0 ? 0 :
	    fault(f, rest.p, "nothing stands behind the pattern of `if`");
}

int
pattern_parse(struct span raw, struct pattern_line *l, struct map_fault *f)
{
	struct span	 s = map_trim(raw);

	*l = (struct pattern_line){ .what = PATTERN_ENTRY };
	if (begins_with_word(s, SPAN("endif"))) {
		l->what = PATTERN_ENDIF;
		return s.n == 5 ? 0 :
		    fault(f, s.p + 5, "nothing stands behind `endif`");
	}
	if (begins_with_word(s, SPAN("if")))
		return take_if(s, l, f);
	if (take_pattern(s, l, &l->value, f) == -1)
		return -1;
	return l->value.n > 0 ? 0 :
	    fault(f, s.p, "the value is missing");
}

/* How often a flag stands there: each turns round what is usual. */
static bool
turned(struct span flags, char c)
{
	bool	 is = false;
	size_t	 i;

	for (i = 0; i < flags.n; i++)
		is ^= flags.p[i] == c;
	return is;
}

struct regex *
pattern_compile(const struct pattern_line *l, struct map_fault *f, char *why,
    size_t n)
{
	bool		 anchored = turned(l->flags, 'A');
	struct buf	 text = { 0 };
	struct regex	*re;
	size_t		 before, at;

	/* E and X are how PCRE2 and keys without line ends are anyway. */
	buf_addf(&text, "%s%s%s%s%s", turned(l->flags, 's') ? "" : "(?s)",
	    turned(l->flags, 'm') ? "(?m)" : "",
	    turned(l->flags, 'x') ? "(?x)" : "",
	    turned(l->flags, 'U') ? "(?U)" : "", anchored ? "\\A(?:" : "");
	before = text.n;
	buf_add_span(&text, l->text);
	if (anchored)
		buf_add_str(&text, turned(l->flags, 'x') ? "\n)" : ")");
	re = regex_compile(buf_span(&text), !turned(l->flags, 'i'), &at, why,
	    n);
	if (re == NULL) {
		at = at < before ? 0 : at - before;
		fault(f, l->text.p + (at < l->text.n ? at : l->text.n), why);
	}
	buf_clear(&text);
	return re;
}

/* --- values */

/* A reference at s.p, which is '$': its octets and number; 0: none. */
static size_t
reference(struct span s, unsigned *number)
{
	char	 close = 0;
	size_t	 i = 1, first;

	if (s.n > 1 && s.p[1] == '$')
		return 2;
	if (s.n > 1 && (s.p[1] == '{' || s.p[1] == '(')) {
		close = s.p[1] == '{' ? '}' : ')';
		i++;
	}
	*number = 0;
	for (first = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' &&
	    i < first + 3; i++)
		*number = *number * 10 + (unsigned)(s.p[i] - '0');
	if (i == first || *number == 0)
		return 0;
	if (close == 0)
		return i;
	return i < s.n && s.p[i] == close ? i + 1 : 0;
}

int
pattern_refs(struct span value, unsigned *refs, struct map_fault *f)
{
	unsigned	 number;
	size_t		 i, n;

	*refs = 0;
	for (i = 0; i < value.n; i += n) {
		n = 1;
		if (value.p[i] != '$')
			continue;
		number = 0;
		if ((n = reference(span_from(value, i), &number)) == 0)
			return fault(f, value.p + i, "'$' stands before the "
			    "number of a capture: $1, ${1}; $$ is a '$'");
		if (number > *refs)
			*refs = number;
	}
	return 0;
}

bool
pattern_is_safe(struct span s)
{
	static const char	 special[] = "|:,;\"\\<>()[] \t\r\n";
	size_t			 i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ||
		    strchr(special, s.p[i]) != NULL)
			return false;
	return s.n == 0 || s.p[0] != '/';
}

bool
pattern_fill(struct span value, const struct span *groups, unsigned n,
    bool safe, struct arena *ar, struct span *out)
{
	struct buf	 b = { 0 };
	unsigned	 number;
	size_t		 i, used;
	bool		 ok = true;

	for (i = 0; i < value.n && ok; i += used) {
		used = 1;
		if (value.p[i] != '$') {
			buf_add_char(&b, value.p[i]);
			continue;
		}
		number = 0;
		used = reference(span_from(value, i), &number);
		if (used == 0)
			used = 1;	/* pattern_refs() has seen none such */
		else if (number == 0)
			buf_add_char(&b, '$');
		else if (number < n && groups[number].n > 0) {
			ok = !safe || pattern_is_safe(groups[number]);
			buf_add_span(&b, groups[number]);
		}
	}
	if (ok)
		*out = arena_span(ar, buf_span(&b));
	buf_clear(&b);
	return ok;
}
