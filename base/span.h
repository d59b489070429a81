/*
 * span.h - borrowed bytes: a pointer and a length, never a terminating NUL.
 *
 * Everything that parses takes spans and hands out spans into what it was
 * given; who wants to keep them copies them (arena_span, buf_add).
 */
#ifndef WB_BASE_SPAN_H
#define WB_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char	*p;	/* may be NULL when n is 0 */
	size_t		 n;	/* octets */
};

#define SPAN(lit)	((struct span){ (lit), sizeof(lit) - 1 })
#define SPAN_NONE	((struct span){ NULL, 0 })
/* For printf: "%.*s", SPAN_ARG(s). */
#define SPAN_ARG(s)	(int)(s).n, (s).n ? (s).p : ""

static inline struct span
span_of(const char *s)
{
	return (struct span){ s, s == NULL ? 0 : strlen(s) };
}

static inline struct span
span_mem(const void *p, size_t n)
{
	return (struct span){ p, n };
}

/* The octets from the n-th on; n beyond the end gives an empty span. */
static inline struct span
span_from(struct span s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return (struct span){ s.p + n, s.n - n };
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equality and order; the i-forms fold ASCII letters only. */
bool		span_ieq(struct span, struct span);
/* An octet below a blank, or DEL. */
bool		span_has_control(struct span);
int		span_cmp(struct span, struct span);
bool		span_prefix(struct span, struct span prefix);
bool		span_iprefix(struct span, struct span prefix);
/* Offset of the first octet c, or -1. */
ptrdiff_t	span_index(struct span, char c);
/* Without blanks and tabs on both sides. */
struct span	span_trim(struct span);
/* Decimal number, all of the span, at most max; false when it is not one. */
bool		span_u64(struct span, uint64_t max, uint64_t *out);
/* No octet above 127. */
bool		span_is_ascii(struct span);
/* Octets of the UTF-8 character that s begins with (RFC 3629, 4); 0: none. */
size_t		span_utf8(struct span);

/* ASCII only, whatever the locale. */
static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The same of eight octets at once. */
static inline uint64_t
ascii_lower8(uint64_t v)
{
	const uint64_t	ones = UINT64_C(0x0101010101010101);
	uint64_t	low = v & 0x7f * ones;	/* each has room above it */
	uint64_t	from_a = low + (0x80 - 'A') * ones;
	uint64_t	above_z = low + (0x7f - 'Z') * ones;

	/* Bit 7 where it is ASCII, at least 'A' and not above 'Z'. */
	return v | ((~v & (from_a ^ above_z) & 0x80 * ones) >> 2);
}

#endif
