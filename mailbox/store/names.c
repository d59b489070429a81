/*
 * names.c - names in a Maildir: of folders, and of files.
 */
#include "config.h"

#include <limits.h>

#include "mailbox/store/names.h"

static const char	base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789+,";

/* --- modified UTF-7 (RFC 3501, 5.1.3) */

/* What is written, at most max octets of it. */
struct out {
	char	*p;
	size_t	 n, max;
	bool	 full;
};

static void
put(struct out *o, char c)
{
	if (o->n < o->max)
		o->p[o->n++] = c;
	else
		o->full = true;
}

/* Bits that have not filled a character of base64 yet. */
struct bits {
	uint32_t	held;
	unsigned	n;
	bool		open;	/* within &...- */
};

static void
put_unit(struct out *o, struct bits *b, unsigned unit)
{
	if (!b->open)
		put(o, '&');
	b->open = true;
	b->held = b->held << 16 | unit;
	for (b->n += 16; b->n >= 6; b->n -= 6)
		put(o, base64[b->held >> (b->n - 6) & 63]);
}

static void
close_shift(struct out *o, struct bits *b)
{
	if (!b->open)
		return;
	if (b->n > 0)
		put(o, base64[b->held << (6 - b->n) & 63]);
	put(o, '-');
	*b = (struct bits){ 0, 0, false };
}

/* The character of n octets that UTF-8 text begins with. */
static uint32_t
code_point(const char *p, size_t n)
{
	uint32_t	 c = (uint8_t)p[0];
	size_t		 i;

	if (n > 1)
		c &= 0x7fu >> n;
	for (i = 1; i < n; i++)
		c = c << 6 | ((uint8_t)p[i] & 0x3f);
	return c;
}

static void
put_code_point(struct out *o, struct bits *b, uint32_t c)
{
	if (c >= 0x20 && c < 0x7f) {
		close_shift(o, b);
		put(o, (char)c);
		if (c == '&')
			put(o, '-');
	} else if (c < 0x10000) {
		put_unit(o, b, c);
	} else {
		put_unit(o, b, 0xd800 | (c - 0x10000) >> 10);
		put_unit(o, b, 0xdc00 | ((c - 0x10000) & 0x3ff));
	}
}

/* --- folders */

/* Neither empty at an end nor between two dots. */
static bool
parts_ok(struct span text)
{
	size_t	 i;

	if (text.n == 0 || text.p[0] == '.' || text.p[text.n - 1] == '.')
		return false;
	for (i = 0; i + 1 < text.n; i++)
		if (text.p[i] == '.' && text.p[i + 1] == '.')
			return false;
	return true;
}

bool
name_of_folder(struct span text, char out[STORE_FOLDER_MAX])
{
	struct out	 o = { out, 0, STORE_FOLDER_MAX - 1, false };
	struct bits	 b = { 0, 0, false };
	size_t		 n;

	if (!parts_ok(text) || span_ieq(text, SPAN("INBOX")) ||
	    span_has_control(text) || span_index(text, '/') != -1)
		return false;
	put(&o, '.');
	for (; text.n > 0; text = span_from(text, n)) {
		if ((n = span_utf8(text)) == 0)
			return false;
		put_code_point(&o, &b, code_point(text.p, n));
	}
	close_shift(&o, &b);
	out[o.n] = '\0';
	return !o.full;
}

bool
name_is_folder(struct span disk)
{
	return disk.n > 1 && disk.n < STORE_FOLDER_MAX && disk.p[0] == '.' &&
	    parts_ok(span_from(disk, 1)) && !span_has_control(disk) &&
	    span_index(disk, '/') == -1;
}

static void
put_utf8(struct out *o, uint32_t c)
{
	if (c < 0x80) {
		put(o, (char)c);
		return;
	}
	if (c >= 0x10000) {
		put(o, (char)(0xf0 | c >> 18));
		put(o, (char)(0x80 | (c >> 12 & 63)));
	} else if (c >= 0x800)
		put(o, (char)(0xe0 | c >> 12));
	else
		put(o, (char)(0xc0 | c >> 6));
	if (c >= 0x800)
		put(o, (char)(0x80 | (c >> 6 & 63)));
	put(o, (char)(0x80 | (c & 63)));
}

/* A UTF-16 unit of a shifted run; *high is the first of a pair, or 0. */
static bool
take_unit(struct out *o, uint32_t unit, uint32_t *high)
{
	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		put_utf8(o, 0x10000 + ((*high & 0x3ff) << 10 |
		    (unit & 0x3ff)));
		*high = 0;
		return true;
	}
	if (unit >= 0xd800 && unit < 0xdc00) {
		*high = unit;
		return true;
	}
	if (unit < 0x20 || unit == 0x7f || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	put_utf8(o, unit);
	return true;
}

/* What stands between & and -. */
static bool
take_shifted(struct out *o, struct span run)
{
	const char	*at;
	uint32_t	 held = 0, high = 0;
	unsigned	 n = 0;
	size_t		 i;

	if (run.n == 0) {
		put(o, '&');
		return true;
	}
	for (i = 0; i < run.n; i++) {
		at = memchr(base64, run.p[i], 64);
		if (at == NULL)
			return false;
		held = held << 6 | (uint32_t)(at - base64);
		if ((n += 6) < 16)
			continue;
		n -= 16;
		if (!take_unit(o, held >> n & 0xffff, &high))
			return false;
	}
	return high == 0 && n < 6 && (held & ((1u << n) - 1)) == 0;
}

int
name_folder_text(struct span disk, char *out, size_t max)
{
	struct out	 o = { out, 0, max, false };
	struct span	 left;
	ptrdiff_t	 end;

	if (!name_is_folder(disk) || !span_is_ascii(disk))
		return -1;
	for (left = span_from(disk, 1); left.n > 0;) {
		if (left.p[0] != '&') {
			put(&o, left.p[0]);
			left = span_from(left, 1);
			continue;
		}
		left = span_from(left, 1);
		if ((end = span_index(left, '-')) == -1 ||
		    !take_shifted(&o, span_mem(left.p, (size_t)end)))
			return -1;
		left = span_from(left, (size_t)end + 1);
	}
	return o.full || o.n > INT_MAX ? -1 : (int)o.n;
}

/* --- files */

bool
name_is_base(struct span name)
{
	size_t	 i;

	if (name.n == 0 || name.n >= STORE_NAME_MAX || name.p[0] == '.')
		return false;
	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == '/' ||
		    name.p[i] == ':' || name.p[i] == 0x7f)
			return false;
	return true;
}

/* ",S=" or ",W=" with its number. */
static bool
size_field(struct span field, char letter, uint64_t *out)
{
	return field.n > 2 && field.p[0] == letter && field.p[1] == '=' &&
	    span_u64(span_from(field, 2), UINT64_MAX, out);
}

void
name_parse(struct span file, struct name_parts *out)
{
	ptrdiff_t	 at = span_index(file, ':');
	struct span	 left, field;

	*out = (struct name_parts){ .base = file };
	if (at != -1) {
		out->base.n = (size_t)at;
		left = span_from(file, (size_t)at);
		if (span_prefix(left, SPAN(":2,")))
			out->flags = span_from(left, 3);
	}
	for (left = out->base; (at = span_index(left, ',')) != -1;) {
		left = span_from(left, (size_t)at + 1);
		field = left;
		if ((at = span_index(field, ',')) != -1)
			field.n = (size_t)at;
		out->has_s |= size_field(field, 'S', &out->s);
		out->has_w |= size_field(field, 'W', &out->w);
	}
}
