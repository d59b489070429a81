/*
 * uidlog.c - the lines of a uid log: read and put.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc.h"
#include "base/xalloc.h"
#include "mailbox/store/uidlog.h"

#define CRC_DIGITS	8
#define WORDS_MAX	5	/* of a line, its type among them */

/* --- words: no blank, control, '%' or octet above 126 stands in one */

static bool
is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '%';
}

static void
put_word(struct buf *b, struct span s)
{
	size_t	 i;

	buf_add_char(b, ' ');
	if (s.n == 0)
		buf_add_char(b, '%');	/* a word that is empty */
	for (i = 0; i < s.n; i++)
		if (is_plain((unsigned char)s.p[i]))
			buf_add_char(b, s.p[i]);
		else
			buf_addf(b, "%%%02x", (unsigned char)s.p[i]);
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A word as it was before put_word(). */
static bool
take_word(struct span word, struct arena *ar, struct span *out)
{
	char	*p = arena_alloc(ar, word.n + 1);
	size_t	 i, n = 0;

	*out = span_mem(p, 0);
	if (span_eq(word, SPAN("%")))
		return true;
	for (i = 0; i < word.n; i++) {
		if (is_plain((unsigned char)word.p[i])) {
			p[n++] = word.p[i];
			continue;
		}
		if (word.p[i] != '%' || word.n - i < 3 ||
		    digit(word.p[i + 1]) < 0 || digit(word.p[i + 2]) < 0)
			return false;
		p[n++] = (char)(digit(word.p[i + 1]) << 4 |
		    digit(word.p[i + 2]));
		i += 2;
	}
	out->n = n;
	return n > 0;
}

/* The line cut at its blanks; 0: more than there can be. */
static unsigned
split(struct span text, struct span words[WORDS_MAX])
{
	ptrdiff_t	 at;
	unsigned	 n = 0;

	for (;;) {
		if (n == WORDS_MAX)
			return 0;
		words[n] = text;
		if ((at = span_index(text, ' ')) == -1)
			return n + 1;
		words[n++].n = (size_t)at;
		text = span_from(text, (size_t)at + 1);
	}
}

static bool
number(struct span word, uint32_t least, uint32_t *out)
{
	uint64_t	 v;

	if (!span_u64(word, UINT32_MAX, &v) || v < least)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* --- reading */

static struct uidlog_entry *
entry_of(struct uidlog *l, uint32_t uid)
{
	size_t	 low = 0, high = l->n, at;

	while (low < high) {
		at = low + (high - low) / 2;
		if (l->entries[at].uid < uid)
			low = at + 1;
		else
			high = at;
	}
	return low < l->n && l->entries[low].uid == uid ? &l->entries[low] :
	    NULL;
}

const struct uidlog_entry *
uidlog_find(const struct uidlog *l, uint32_t uid)
{
	/* The search changes nothing. */
	return entry_of((struct uidlog *)(uintptr_t)l, uid);
}

static bool
take_message(struct uidlog *l, const struct span *w)
{
	struct uidlog_entry	 e = { 0, false, 0, SPAN_NONE, SPAN_NONE,
	    SPAN_NONE };
	uint64_t		 saved;

	if (!number(w[1], l->next, &e.uid) || e.uid == UINT32_MAX ||
	    !span_u64(w[2], INT64_MAX, &saved) ||
	    !take_word(w[3], &l->arena, &e.id) ||
	    !take_word(w[4], &l->arena, &e.base) || e.base.n == 0)
		return false;
	e.saved_s = (int64_t)saved;
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->entries = xreallocarray(l->entries, l->cap, sizeof(e));
	}
	l->entries[l->n++] = e;
	l->next = e.uid + 1;
	l->live++;
	return true;
}

static bool
take_gone(struct uidlog *l, const struct span *w)
{
	struct uidlog_entry	*e;
	uint32_t		 uid;

	if (!number(w[1], 1, &uid) || (e = entry_of(l, uid)) == NULL)
		return false;
	l->live -= !e->gone;
	e->gone = true;
	return true;
}

static bool
take_keyword(struct uidlog *l, const struct span *w)
{
	uint32_t	 n;

	return number(w[1], 0, &n) && n < UIDLOG_KEYWORDS_MAX &&
	    take_word(w[2], &l->arena, &l->keywords[n]);
}

static bool
take_keywords_of(struct uidlog *l, const struct span *w)
{
	struct uidlog_entry	*e;
	uint32_t		 uid;

	return number(w[1], 1, &uid) && (e = entry_of(l, uid)) != NULL &&
	    take_word(w[2], &l->arena, &e->keywords);
}

static bool
take_meta(struct uidlog *l, const struct span *w)
{
	struct span	 key, value;
	size_t		 i;

	if (!take_word(w[1], &l->arena, &key) || key.n == 0 ||
	    !take_word(w[2], &l->arena, &value))
		return false;
	for (i = 0; i < l->nmeta; i++)
		if (span_eq(l->meta[i].key, key))
			break;
	if (i == UIDLOG_META_MAX || key.n + value.n > UIDLOG_VALUE_MAX)
		return false;
	l->nmeta += i == l->nmeta;
	l->meta[i] = (struct uidlog_meta){ key, value };
	return true;
}

static const struct {
	const char	*type;
	unsigned	 words;
	bool		(*take)(struct uidlog *, const struct span *);
} types[] = {
	{ "U", 5, take_message },
	{ "X", 2, take_gone },
	{ "K", 3, take_keyword },
	{ "M", 3, take_keywords_of },
	{ "D", 3, take_meta },
};

static bool
take_line(struct uidlog *l, struct span text)
{
	struct span	 w[WORDS_MAX];
	unsigned	 n = split(text, w);
	size_t		 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (n == types[i].words &&
		    span_eq(w[0], span_of(types[i].type)))
			return types[i].take(l, w);
	return false;
}

static bool
take_head(struct uidlog *l, struct span text)
{
	struct span	 w[WORDS_MAX], first = span_from(text, 2);
	ptrdiff_t	 blank = span_index(first, ' ');
	uint32_t	 version;

	if (!span_prefix(text, SPAN("H ")) || blank == -1 ||
	    !number(span_mem(first.p, (size_t)blank), UIDLOG_VERSION,
	    &version))
		return false;
	l->newer = version > UIDLOG_VERSION;
	return !l->newer && split(text, w) == 4 &&
	    number(w[2], 1, &l->validity) && number(w[3], 1, &l->next);
}

/* What stands behind a line's checksum; false: it does not hold. */
static bool
checked(struct span line, struct span *text)
{
	uint32_t	 crc = 0;
	size_t		 i;

	if (line.n <= CRC_DIGITS + 1 || line.n >= UIDLOG_LINE_MAX || line.p[CRC_DIGITS] != ' ')
		return false;
	for (i = 0; i < CRC_DIGITS; i++) {
		if (digit(line.p[i]) < 0)
			return false;
		crc = crc << 4 | (uint32_t)digit(line.p[i]);
	}
	*text = span_from(line, CRC_DIGITS + 1);
	return crc32c(0, text->p, text->n) == crc;
}

/*
 * Lines that do not hold at the end were never told to anybody: they are torn.
 * One before a line that holds is damage, and what it said is lost.
 */
static void
take_lines(struct uidlog *l, struct span octets)
{
	struct span	 line, text;
	ptrdiff_t	 at;
	bool		 lost = false;
	size_t		 end = 0;

	for (; (at = span_index(span_from(octets, end), '\n')) != -1;) {
		line = span_mem(octets.p + end, (size_t)at);
		end += (size_t)at + 1;
		if (!checked(line, &text) || (l->lines == 0 ?
		    !take_head(l, text) : !take_line(l, text))) {
			lost = true;
			if (l->lines == 0)
				return;
			continue;
		}
		l->damaged |= lost;
		l->lines++;
		l->good = end;
	}
}

int
uidlog_parse(struct span octets, struct uidlog *l)
{
	bool	 newer;

	memset(l, 0, sizeof(*l));
	take_lines(l, octets);
	if (l->lines > 0)
		return 0;
	newer = l->newer;
	uidlog_clear(l);
	l->newer = newer;
	return -1;
}

void
uidlog_clear(struct uidlog *l)
{
	free(l->entries);
	arena_clear(&l->arena);
	memset(l, 0, sizeof(*l));
}

/* --- putting */

/* The line that was begun at `from` gets its checksum and its end. */
static void
end_line(struct buf *b, size_t from)
{
	struct span	 text = span_from(buf_span(b), from + CRC_DIGITS + 1);
	char		 crc[CRC_DIGITS + 1];

	snprintf(crc, sizeof(crc), "%08" PRIx32, crc32c(0, text.p, text.n));
	memcpy(b->base + b->off + from, crc, CRC_DIGITS);
	buf_add_char(b, '\n');
}

static size_t
begin_line(struct buf *b)
{
	size_t	 from = b->n;

	buf_add_str(b, "00000000 ");
	return from;
}

void
uidlog_put_head(struct buf *b, uint32_t validity, uint32_t next)
{
	size_t	 from = begin_line(b);

	buf_addf(b, "H %d %" PRIu32 " %" PRIu32, UIDLOG_VERSION, validity,
	    next);
	end_line(b, from);
}

void
uidlog_put_message(struct buf *b, uint32_t uid, int64_t saved_s,
    struct span id, struct span base)
{
	size_t	 from = begin_line(b);

	buf_addf(b, "U %" PRIu32 " %" PRId64, uid, saved_s < 0 ? 0 : saved_s);
	put_word(b, id);
	put_word(b, base);
	end_line(b, from);
}

void
uidlog_put_gone(struct buf *b, uint32_t uid)
{
	size_t	 from = begin_line(b);

	buf_addf(b, "X %" PRIu32, uid);
	end_line(b, from);
}

void
uidlog_put_keyword(struct buf *b, unsigned n, struct span name)
{
	size_t	 from = begin_line(b);

	buf_addf(b, "K %u", n);
	put_word(b, name);
	end_line(b, from);
}

void
uidlog_put_keywords_of(struct buf *b, uint32_t uid, struct span numbers)
{
	size_t	 from = begin_line(b);

	buf_addf(b, "M %" PRIu32, uid);
	put_word(b, numbers);
	end_line(b, from);
}

void
uidlog_put_meta(struct buf *b, struct span key, struct span value)
{
	size_t	 from = begin_line(b);

	assert(key.n + value.n <= UIDLOG_VALUE_MAX);
	buf_add_char(b, 'D');
	put_word(b, key);
	put_word(b, value);
	end_line(b, from);
}

void
uidlog_put_all(struct buf *b, const struct uidlog *l)
{
	const struct uidlog_entry	*e;
	size_t				 i;

	/* The least that may follow: where there are messages, they tell the rest. */
	uidlog_put_head(b, l->validity, l->live == 0 ? l->next : 1);
	for (i = 0; i < UIDLOG_KEYWORDS_MAX; i++)
		if (l->keywords[i].n > 0)
			uidlog_put_keyword(b, (unsigned)i, l->keywords[i]);
	for (i = 0; i < l->nmeta; i++)
		uidlog_put_meta(b, l->meta[i].key, l->meta[i].value);
	for (i = 0; l->live > 0 && i < l->n; i++) {
		e = &l->entries[i];
		/* The last one's uid keeps its place, gone or not. */
		if (e->gone && i + 1 < l->n)
			continue;
		uidlog_put_message(b, e->uid, e->saved_s, e->id, e->base);
		if (e->keywords.n > 0)
			uidlog_put_keywords_of(b, e->uid, e->keywords);
		if (e->gone)
			uidlog_put_gone(b, e->uid);
	}
}
