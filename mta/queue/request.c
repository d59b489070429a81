/*
 * request.c - a line of the control socket; request.h.
 */
#include "mta/queue/request.h"

#include "mta/queue/index.h"
#include "mta/queue/reasons.h"
#include "mta/spool/attributes.h"
#include "mta/spool/qid.h"

#include <string.h>

#define DAY_MS	(24 * 60 * 60 * INT64_C(1000))

struct parsing {
	struct arena	*arena;
	struct request	*r;
	const char	*why;
	uint32_t	 seen;		/* bits of keys[] */
};

/* --- values */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX becomes an octet. */
static bool
decode(struct parsing *p, struct span in, struct span *out)
{
	char	*to = arena_alloc(p->arena, in.n + 1);
	size_t	 i, n = 0;
	int	 high, low;

	for (i = 0; i < in.n; i++) {
		if (in.p[i] != '%') {
			to[n++] = in.p[i];
			continue;
		}
		if (i + 2 >= in.n || (high = hex_digit(in.p[i + 1])) < 0 ||
		    (low = hex_digit(in.p[i + 2])) < 0)
			return false;
		to[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*out = span_mem(to, n);
	return true;
}

static bool
fail(struct parsing *p, const char *what, struct span value)
{
	p->why = arena_printf(p->arena, "'%.*s': %s",
	    (int)(value.n < 200 ? value.n : 200), value.n > 0 ? value.p : "",
	    what).p;
	return false;
}

/* "90s", "5m", "2h", "3d", "1w"; without a letter seconds. */
static bool
parse_age(struct parsing *p, struct span s, int64_t *out)
{
	static const struct {
		char	letter;
		int64_t	ms;
	} units[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 },
		{ 'd', DAY_MS }, { 'w', 7 * DAY_MS }
	};
	struct span	digits = s;
	int64_t		ms = 1000;
	uint64_t	n;
	size_t		i;

	for (i = 0; s.n > 0 && i < sizeof(units) / sizeof(units[0]); i++)
		if (s.p[s.n - 1] == units[i].letter) {
			ms = units[i].ms;
			digits.n--;
			break;
		}
	if (!span_u64(digits, UINT32_MAX, &n) || n == 0)
		return fail(p, "is no age: 90s, 5m, 2h, 3d, 1w", s);
	*out = (int64_t)n * ms;
	return true;
}

/* The next word of a list divided by commas; false: there is none. */
static bool
next_of(struct span *list, struct span *word)
{
	ptrdiff_t	at;

	if (list->n == 0)
		return false;
	at = span_index(*list, ',');
	*word = span_mem(list->p, at < 0 ? list->n : (size_t)at);
	*list = span_from(*list, at < 0 ? list->n : (size_t)at + 1);
	return true;
}

static uint32_t
state_bits(struct span word)
{
	uint32_t	bits = 0;
	unsigned	i;

	if (span_eq(word, SPAN("held")))
		return REQUEST_HELD;
	if (span_eq(word, SPAN("quarantined")))
		return REQUEST_QUARANTINED;
	if (span_eq(word, SPAN("kept")))
		return REQUEST_HELD | REQUEST_QUARANTINED;
	for (i = 0; i < DEST_NSTATES; i++)
		if (span_eq(word, span_of(dest_state_name(i))))
			bits |= 1u << i;
	return bits;
}

static bool
parse_states(struct parsing *p, struct span list)
{
	struct span	word, all = list;
	uint32_t	bits;

	while (next_of(&list, &word)) {
		if ((bits = state_bits(word)) == 0)
			return fail(p, "no such state: new, routing, ready, "
			    "active, waiting, failed, arrived, done, held, "
			    "quarantined, kept", word);
		p->r->states |= bits;
	}
	return p->r->states != 0 ||
	    fail(p, "names no state", all);
}

static bool
parse_reasons(struct parsing *p, struct span list)
{
	struct span	word;
	enum reason	r;

	_Static_assert(REASON_N <= 64, "bits of request.reasons");
	while (next_of(&list, &word)) {
		r = reason_parse(word);
		if (r == REASON_N || reason_of(r) == REASON_OF_SERVER)
			return fail(p, "no such reason; `waybill queue why` "
			    "and doc/queue.md have them", word);
		p->r->reasons |= UINT64_C(1) << r;
	}
	return p->r->reasons != 0 || fail(p, "names no reason", list);
}

static bool
parse_priorities(struct parsing *p, struct span list)
{
	static const char *const	names[NPRIORITIES] = {
		[PRIORITY_HIGH] = "high", [PRIORITY_NORMAL] = "normal",
		[PRIORITY_LOW] = "low"
	};
	struct span			word;
	unsigned			i;

	while (next_of(&list, &word)) {
		for (i = 0; i < NPRIORITIES; i++)
			if (span_eq(word, span_of(names[i])))
				break;
		if (i == NPRIORITIES)
			return fail(p, "no such priority: high, normal, low",
			    word);
		p->r->priorities |= 1u << i;
	}
	return p->r->priorities != 0 || fail(p, "names no priority", list);
}

static bool
are_of(struct span s, const char *octets)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (strchr(octets, s.p[i]) == NULL || s.p[i] == '\0')
			return false;
	return s.n > 0;
}

static bool
parse_code(struct parsing *p, struct span s)
{
	p->r->code = s;
	return (are_of(s, "0123456789") && s.n <= 3) ||
	    fail(p, "is no reply code, nor its first digits", s);
}

static bool
parse_status(struct parsing *p, struct span s)
{
	p->r->status = s;
	return (are_of(s, "0123456789.") && s.n <= 20) ||
	    fail(p, "is no status: 4.4.1, or its first parts", s);
}

/* "<a@b>" is a@b, "<>" the empty one, "@b" all of a domain. */
static bool
set_address(struct parsing *p, struct span s, struct request_text *out)
{
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = span_mem(s.p + 1, s.n - 2);
	else if (s.n == 0)
		return fail(p, "an address is missing; <> is the null sender",
		    s);
	if (s.n > 0 && s.p[0] == '@')
		s = arena_join(p->arena, SPAN("*"), s, SPAN_NONE);
	*out = (struct request_text){ true, s };
	return true;
}

static bool
set_tag(struct parsing *p, struct span s)
{
	ptrdiff_t	at = span_index(s, ':');

	p->r->tag = (struct request_text){ true, s };
	if (at >= 0) {
		p->r->tag.text.n = (size_t)at;
		p->r->tag_value = (struct request_text){ true,
		    span_from(s, (size_t)at + 1) };
	}
	return p->r->tag.text.n > 0 || fail(p, "a tag's name is missing", s);
}

static bool
set_text(struct parsing *p, struct span s, struct span *out)
{
	*out = s;
	return s.n > 0 || fail(p, "a text is missing", s);
}

static bool
set_id(struct parsing *p, struct span s, uint64_t *out)
{
	return qid_parse(s, out) || fail(p, "is no id", s);
}

static bool
set_flag(struct parsing *p, struct span s, bool *out)
{
	*out = span_eq(s, SPAN("yes"));
	return *out || fail(p, "is not yes", s);
}

/* --- keys */

enum key {
	K_ID, K_SENDER, K_RECIPIENT, K_DOMAIN, K_HOP, K_OLDER, K_NEWER, K_CODE,
	K_STATUS, K_TEXT, K_TAG, K_STATE, K_REASON, K_PRIORITY, K_ALL, K_DRY,
	K_LIMIT, K_AFTER, K_TO, K_WHY, K_BY, K_PART, K_DAY, K_N
};

static const char *const	keys[K_N] = {
	[K_ID] = "id", [K_SENDER] = "sender", [K_RECIPIENT] = "recipient",
	[K_DOMAIN] = "domain", [K_HOP] = "hop", [K_OLDER] = "older",
	[K_NEWER] = "newer", [K_CODE] = "code", [K_STATUS] = "status",
	[K_TEXT] = "text", [K_TAG] = "tag", [K_STATE] = "state",
	[K_REASON] = "reason", [K_PRIORITY] = "priority", [K_ALL] = "all",
	[K_DRY] = "dry", [K_LIMIT] = "limit", [K_AFTER] = "after",
	[K_TO] = "to", [K_WHY] = "why", [K_BY] = "by", [K_PART] = "part",
	[K_DAY] = "day"
};

static bool
set_how(struct parsing *p, enum key key, struct span v)
{
	struct request	*r = p->r;

	switch (key) {
	case K_ALL:
		return set_flag(p, v, &r->all);
	case K_DRY:
		return set_flag(p, v, &r->dry);
	case K_LIMIT:
		return span_u64(v, UINT32_MAX, &r->limit) ||
		    fail(p, "is no number", v);
	case K_AFTER:
		return set_id(p, v, &r->after);
	case K_TO:
		return set_text(p, v, &r->to);
	case K_WHY:
		r->why = v;
		return true;
	case K_BY:
		return set_text(p, v, &r->by);
	case K_DAY:
		return set_text(p, v, &r->day);
	default:
		return set_text(p, v, &r->part);
	}
}

static bool
set(struct parsing *p, enum key key, struct span v)
{
	struct request	*r = p->r;

	switch (key) {
	case K_ID:
		return r->has_id = set_id(p, v, &r->id);
	case K_SENDER:
		return set_address(p, v, &r->sender);
	case K_RECIPIENT:
		return set_address(p, v, &r->recipient);
	case K_DOMAIN:
		return set_text(p, v, &r->domain);
	case K_HOP:
		r->hop = (struct request_text){ true, v };
		return true;
	case K_OLDER:
		return parse_age(p, v, &r->older_ms);
	case K_NEWER:
		return parse_age(p, v, &r->newer_ms);
	case K_CODE:
		return parse_code(p, v);
	case K_STATUS:
		return parse_status(p, v);
	case K_TEXT:
		return set_text(p, v, &r->text);
	case K_TAG:
		return set_tag(p, v);
	case K_STATE:
		return parse_states(p, v);
	case K_REASON:
		return parse_reasons(p, v);
	case K_PRIORITY:
		return parse_priorities(p, v);
	default:
		return set_how(p, key, v);
	}
}

static enum key
key_of(struct span word)
{
	unsigned	i;

	for (i = 0; i < K_N; i++)
		if (span_eq(word, span_of(keys[i])))
			break;
	return (enum key)i;
}

/* KEY=VALUE, or an id alone. */
static bool
parse_word(struct parsing *p, struct span word)
{
	ptrdiff_t	at = span_index(word, '=');
	enum key	key = K_ID;
	struct span	value = word;

	if (at >= 0) {
		key = key_of(span_mem(word.p, (size_t)at));
		value = span_from(word, (size_t)at + 1);
		if (key == K_N)
			return fail(p, "no such key", span_mem(word.p,
			    (size_t)at));
	}
	if (p->seen >> key & 1)
		return fail(p, "stands twice", span_of(keys[key]));
	p->seen |= 1u << key;
	if (!decode(p, value, &value))
		return fail(p, "% stands before two hexadecimal digits", word);
	return set(p, key, value);
}

static struct span
take_word(struct span *line)
{
	struct span	word;
	size_t		n = 0;

	*line = span_trim(*line);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	word = span_mem(line->p, n);
	*line = span_from(*line, n);
	return word;
}

int
request_parse(struct span line, struct arena *a, struct request *r,
    const char **why)
{
	struct parsing	p = { .arena = a, .r = r };
	struct span	word;

	memset(r, 0, sizeof(*r));
	if (line.n > REQUEST_LINE_MAX) {
		*why = "the line is too long";
		return -1;
	}
	r->word = arena_span(a, take_word(&line));
	while ((word = take_word(&line)).n > 0)
		if (!parse_word(&p, word)) {
			*why = p.why;
			return -1;
		}
	return 0;
}

bool
request_selects_targets(const struct request *r)
{
	return r->recipient.given || r->hop.given || r->domain.n > 0 ||
	    r->code.n > 0 || r->status.n > 0 || r->text.n > 0 ||
	    (r->states & ~(REQUEST_HELD | REQUEST_QUARANTINED)) != 0 ||
	    r->reasons != 0;
}

bool
request_selects(const struct request *r)
{
	return r->has_id || r->sender.given || r->tag.given ||
	    r->older_ms != 0 || r->newer_ms != 0 || r->priorities != 0 ||
	    r->states != 0 || request_selects_targets(r);
}

/* --- texts with '*' */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Back to the last '*' only: no more than n * m steps. */
bool
request_text_matches(const struct request_text *t, struct span s)
{
	struct span	p = t->text;
	size_t		i = 0, k = 0, star = SIZE_MAX, from = 0;

	while (i < s.n) {
		if (k < p.n && p.p[k] == '*') {
			star = k++;
			from = i;
		} else if (k < p.n && lower(p.p[k]) == lower(s.p[i])) {
			i++;
			k++;
		} else if (star != SIZE_MAX) {
			k = star + 1;
			i = ++from;
		} else
			return false;
	}
	while (k < p.n && p.p[k] == '*')
		k++;
	return k == p.n;
}
