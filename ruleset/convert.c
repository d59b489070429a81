/*
 * convert.c - values as text, and text as values.
 *
 * What comes out of a table is text; a rule wants a size, a domain, an
 * address.  The forms are those of the policy language, so that a value which
 * is written and read again is the same.
 */
#include "ruleset/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

struct unit {
	const char	*name;
	int64_t		 factor;
};

/* Largest first. */
static const struct unit sizes[] = {
	{ "T", INT64_C(1) << 40 }, { "G", INT64_C(1) << 30 },
	{ "M", INT64_C(1) << 20 }, { "K", INT64_C(1) << 10 },
};
static const struct unit times[] = {
	{ "w", 604800000 }, { "d", 86400000 }, { "h", 3600000 },
	{ "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

#define NUNITS(t) (sizeof(t) / sizeof((t)[0]))

static struct span
format_size(int64_t i, struct arena *arena)
{
	for (size_t k = 0; i != 0 && k < NUNITS(sizes); k++) {
		if (i % sizes[k].factor == 0)
			return arena_printf(arena, "%" PRId64 "%s",
			    i / sizes[k].factor, sizes[k].name);
	}
	return arena_printf(arena, "%" PRId64, i);
}

static struct span
format_time(int64_t ms, struct arena *arena)
{
	char	text[96];
	size_t	n = 0;

	if (ms < 0)
		return arena_span(arena, SPAN("never"));
	if (ms == 0)
		return arena_span(arena, SPAN("0s"));
	for (size_t k = 0; k < NUNITS(times); k++) {
		if (ms < times[k].factor)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%" PRId64 "%s", ms / times[k].factor, times[k].name);
		ms %= times[k].factor;
	}
	return arena_span(arena, span_mem(text, n));
}

static struct span
format_ip(const struct rs_value *v, struct arena *arena)
{
	struct ipnet	net = { v->ip, v->bits };
	char		text[IPNET_TEXT_MAX];

	if (v->ip.family == 0)
		return SPAN("");
	return arena_span(arena, span_of(v->type == RS_T_NET ?
	    ipnet_format(&net, text) : ip_format(&v->ip, text)));
}

/* RFC 3339, in UTC and whole seconds; empty beyond the years of a time_t. */
static struct span
format_date(int64_t ms, struct arena *arena)
{
	time_t		t = (time_t)(ms / 1000 - (ms % 1000 < 0));
	struct tm	tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 9999 - 1900)
		return SPAN("");
	return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

static struct span
format_rate(int64_t rate, struct arena *arena)
{
	struct span	time = format_time(RS_RATE_MS(rate), arena);

	return arena_printf(arena, "%" PRId64 "/%.*s", RS_RATE_COUNT(rate),
	    SPAN_ARG(time));
}

struct span
rs_format(const struct rs_value *v, struct arena *arena)
{
	switch (v->type) {
	case RS_T_BOOL:
		return v->i ? SPAN("true") : SPAN("false");
	case RS_T_INT:
		return arena_printf(arena, "%" PRId64, v->i);
	case RS_T_SIZE:
		return format_size(v->i, arena);
	case RS_T_TIME:
		return format_time(v->i, arena);
	case RS_T_TEXT:
	case RS_T_DOMAIN:
	case RS_T_STATUS:
	case RS_T_VERDICT:
		return v->s;
	case RS_T_ADDRESS:
		return v->s.n > 0 ? v->s : SPAN("<>");
	case RS_T_IP:
	case RS_T_NET:
	case RS_T_CLIENT:
		return format_ip(v, arena);
	case RS_T_DATE:
		return format_date(v->i, arena);
	case RS_T_RATE:
		return format_rate(v->i, arena);
	default:
		return SPAN("");
	}
}

/* Digits at the front of *s, which then begins behind them. */
static bool
take_number(struct span *s, int64_t *out)
{
	size_t		n = 0;
	uint64_t	u;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (!span_u64(span_mem(s->p, n), INT64_MAX, &u))
		return false;
	*out = (int64_t)u;
	*s = span_from(*s, n);
	return true;
}

static bool
parse_int(struct span s, int64_t *out)
{
	bool	minus = s.n > 0 && s.p[0] == '-';

	if (minus)
		s = span_from(s, 1);
	if (!take_number(&s, out) || s.n != 0)
		return false;
	if (minus)
		*out = -*out;
	return true;
}

static bool
parse_size(struct span s, int64_t *out)
{
	if (!take_number(&s, out))
		return false;
	if (s.n == 0)
		return true;
	for (size_t k = 0; k < NUNITS(sizes); k++) {
		if (s.n == 1 && s.p[0] == sizes[k].name[0])
			return !__builtin_mul_overflow(*out, sizes[k].factor,
			    out);
	}
	return false;
}

/* The unit at the front of *s, from the k-th on; NULL: none. */
static const struct unit *
take_time_unit(struct span *s, size_t *k)
{
	size_t	n = 0;

	while (n < s->n && s->p[n] >= 'a' && s->p[n] <= 'z')
		n++;
	for (; *k < NUNITS(times); ++*k) {
		if (!span_eq(span_mem(s->p, n), span_of(times[*k].name)))
			continue;
		*s = span_from(*s, n);
		return &times[(*k)++];
	}
	return NULL;
}

/* "1h30m": larger units first, each once. */
static bool
parse_time(struct span s, int64_t *out)
{
	const struct unit	*unit;
	int64_t			 n;
	size_t			 k = 0;

	*out = 0;
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		if (!take_number(&s, &n) ||
		    (unit = take_time_unit(&s, &k)) == NULL ||
		    __builtin_mul_overflow(n, unit->factor, &n) ||
		    __builtin_add_overflow(*out, n, out))
			return false;
	}
	return true;
}

static bool
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

/*
 * Labels of letters, digits, '-' and '_' (RFC 1035, 2.3.4: 63 and 253 octets);
 * folded.
 */
static bool
parse_domain(struct span s, struct arena *arena, struct span *out)
{
	size_t	 label = 0;
	char	*p;

	if (s.n == 0 || s.n > 253)
		return false;
	p = arena_alloc(arena, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		p[i] = ascii_lower(s.p[i]);
		if (p[i] == '.' && label > 0) {
			label = 0;
			continue;
		}
		if (!is_label_char(p[i]) || ++label > 63)
			return false;
	}
	*out = span_mem(p, s.n);
	return label > 0;
}

static bool
is_local(struct span s)
{
	if (s.n == 0 || s.n > 64)	/* RFC 5321, 4.5.3.1.1 */
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ||
		    ((s.p[i] == ' ' || s.p[i] == '@') && s.p[0] != '"'))
			return false;
	}
	return true;
}

/* "local@domain" or "<local@domain>" or "<>". */
static bool
parse_address(struct span s, struct arena *arena, struct rs_value *out)
{
	struct rs_value	v;
	struct span	domain;
	char		*p;

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') {
		s = span_mem(s.p + 1, s.n - 2);
		if (s.n == 0) {
			*out = rs_address(SPAN(""));
			return true;
		}
	}
	v = rs_address(s);
	if (v.at == s.n || !is_local(span_mem(s.p, v.at)) ||
	    !parse_domain(span_from(s, (size_t)v.at + 1), arena, &domain))
		return false;
	p = arena_alloc(arena, s.n + 1);
	memcpy(p, s.p, v.at + 1);
	memcpy(p + v.at + 1, domain.p, domain.n);
	v.s = span_mem(p, s.n);
	*out = v;
	return true;
}

/*
 * "5.7.1" (RFC 3463, 2): class 2, 4 or 5, then two numbers of one to three
 * digits.
 */
static bool
is_status(struct span s)
{
	size_t	digits = 0, dots = 0;

	if (s.n < 5 || s.p[1] != '.' ||
	    (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5'))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '.') {
			if ((i > 1 && digits == 0) || ++dots > 2)
				return false;
			digits = 0;
		} else if (s.p[i] < '0' || s.p[i] > '9' || ++digits > 3)
			return false;
	}
	return dots == 2 && digits > 0;
}

static bool
parse_bool(struct span s, int64_t *out)
{
	*out = span_eq(s, SPAN("true"));
	return *out || span_eq(s, SPAN("false"));
}

static bool
parse_net(struct span s, struct rs_value *out)
{
	struct ipnet	net;

	if (!ipnet_parse(s, &net))
		return false;
	*out = rs_net(&net);
	return true;
}

/* n digits at *at, which then is behind them and the octet `end`. */
static bool
take_digits(struct span s, size_t *at, unsigned n, char end, int *out)
{
	*out = 0;
	for (; n > 0; n--, ++*at) {
		if (*at >= s.n || s.p[*at] < '0' || s.p[*at] > '9')
			return false;
		*out = *out * 10 + (s.p[*at] - '0');
	}
	return *at < s.n && s.p[(*at)++] == end;
}

/* "2026-01-05T08:30:00Z"; a day that the month does not have is none. */
static bool
parse_date(struct span s, int64_t *out)
{
	struct tm	tm = { 0 }, day;
	size_t		at = 0;
	time_t		t;

	if (!take_digits(s, &at, 4, '-', &tm.tm_year) ||
	    !take_digits(s, &at, 2, '-', &tm.tm_mon) ||
	    !take_digits(s, &at, 2, 'T', &tm.tm_mday) ||
	    !take_digits(s, &at, 2, ':', &tm.tm_hour) ||
	    !take_digits(s, &at, 2, ':', &tm.tm_min) ||
	    !take_digits(s, &at, 2, 'Z', &tm.tm_sec) || at != s.n ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	day = tm;
	t = timegm(&day);
	if (day.tm_mon != tm.tm_mon || day.tm_mday != tm.tm_mday)
		return false;
	*out = (int64_t)t * 1000;
	return true;
}

/* "100/1h" */
static bool
parse_rate(struct span s, int64_t *out)
{
	int64_t	count, ms;

	if (!take_number(&s, &count) || s.n == 0 || s.p[0] != '/' ||
	    !parse_time(span_from(s, 1), &ms) || count < 1 ||
	    count >= RS_RATE_COUNT_MAX || ms < 1 || ms >= RS_RATE_MS_MAX)
		return false;
	*out = RS_RATE_OF(count, ms);
	return true;
}

/* Text as the type wanted; *out has that type already. */
static bool
parse(struct span s, struct arena *arena, struct rs_value *out)
{
	switch (out->type) {
	case RS_T_BOOL:
		return parse_bool(s, &out->i);
	case RS_T_INT:
		return parse_int(s, &out->i);
	case RS_T_SIZE:
		return parse_size(s, &out->i);
	case RS_T_TIME:
		return parse_time(s, &out->i);
	case RS_T_DOMAIN:
		return parse_domain(s, arena, &out->s);
	case RS_T_ADDRESS:
		return parse_address(s, arena, out);
	case RS_T_IP:
		return ip_parse(s, &out->ip);
	case RS_T_NET:
		return parse_net(s, out);
	case RS_T_STATUS:
		out->s = s;
		return is_status(s);
	case RS_T_VERDICT:
		out->s = s;
		return true;
	case RS_T_DATE:
		return parse_date(s, &out->i);
	case RS_T_RATE:
		return parse_rate(s, &out->i);
	default:
		return false;
	}
}

/* Between types that are not text. */
static bool
widen(const struct rs_value *v, struct rs_value *out)
{
	if ((v->type == RS_T_INT && out->type == RS_T_SIZE) ||
	    (v->type == RS_T_SIZE && out->type == RS_T_INT)) {
		out->i = v->i;
		return true;
	}
	if (v->type == RS_T_IP && out->type == RS_T_NET && v->ip.family != 0) {
		out->ip = v->ip;
		out->bits = v->ip.family == 4 ? 32 : 128;
		return true;
	}
	return false;
}

bool
rs_convert(const struct rs_value *v, enum rs_type want, struct arena *arena,
    struct rs_value *out)
{
	struct rs_value	r = { .type = (uint8_t)want };
	bool		ok;

	if (v->type == want) {
		*out = *v;
		return true;
	}
	if (v->type == RS_T_TEXT)
		ok = parse(v->s, arena, &r);
	else if (want == RS_T_TEXT) {
		r.s = rs_format(v, arena);
		ok = v->type > RS_T_UNKNOWN;
	} else
		ok = widen(v, &r);
	if (!ok)
		return false;
	r.tainted = v->tainted;
	*out = r;
	return true;
}
