/*
 * literal.c - what literals are worth.
 */
#include "cf/literal.h"
#include "mail/address.h"
#include "mail/domain.h"

/* Adds digits at the front of s to *n; the number of octets read. */
static size_t
digits(struct span s, int64_t *n)
{
	size_t	 i;

	*n = 0;
	for (i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
		if (*n > (INT64_MAX - 9) / 10)
			return 0;
		*n = *n * 10 + (s.p[i] - '0');
	}
	return i;
}

bool
cf_lit_int(struct span s, int64_t *out, const char **why)
{
	*why = "this number is too large";
	return s.n > 0 && digits(s, out) == s.n;
}

bool
cf_lit_size(struct span s, int64_t *out, const char **why)
{
	static const char	 units[] = "KMGT";
	const char		*unit;
	size_t			 i;

	*why = "this size is too large";
	i = digits(s, out);
	if (i == 0 || i + 1 != s.n || (unit = strchr(units, s.p[i])) == NULL)
		return false;
	for (; unit >= units; unit--) {
		if (*out > INT64_MAX / 1024)
			return false;
		*out *= 1024;
	}
	return true;
}

struct unit {
	const char	*word;
	int64_t		 ms;
};

static const struct unit units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	{ "d", 86400000 }, { "w", 604800000 }
};

/* The unit at the front of s; NULL when there is none. */
static const struct unit *
time_unit(struct span s)
{
	size_t	 i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (span_prefix(s, span_of(units[i].word)))
			return &units[i];
	}
	return NULL;
}

bool
cf_lit_time(struct span s, int64_t *out, const char **why)
{
	const struct unit	*unit;
	int64_t			 n;
	size_t			 i;

	*why = "this time is too long";
	*out = 0;
	do {
		i = digits(s, &n);
		if (i == 0 || (unit = time_unit(span_from(s, i))) == NULL)
			return false;
		if (n > (INT64_MAX - *out) / unit->ms / 2)
			return false;
		*out += n * unit->ms;
		s = span_from(s, i + strlen(unit->word));
	} while (s.n > 0);
	return true;
}

#define RATE_COUNT_MAX	100000000
#define RATE_MS_MAX	(INT64_C(366) * 24 * 3600 * 1000)

bool
cf_lit_rate(struct span s, int64_t *out, const char **why)
{
	ptrdiff_t	 slash = span_index(s, '/');
	int64_t		 count, ms;

	*out = RS_RATE_OF(1, 1000);
	if (!cf_lit_int(span_mem(s.p, (size_t)slash), &count, why) ||
	    !cf_lit_time(span_from(s, (size_t)slash + 1), &ms, why))
		return false;
	if (count < 1) {
		*why = "a rate is of 1 or more";
		return false;
	}
	if (count > RATE_COUNT_MAX) {
		*why = "a rate counts to a hundred millions at most";
		return false;
	}
	if (ms < 1 || ms > RATE_MS_MAX) {
		*why = "a rate's time is between 1ms and 366d";
		return false;
	}
	*out = RS_RATE_OF(count, ms);
	return true;
}

static int
number(struct span s, size_t from, size_t n)
{
	int	 v = 0;
	size_t	 i;

	for (i = from; i < from + n; i++)
		v = v * 10 + (s.p[i] - '0');
	return v;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t	 y = month <= 2 ? year - 1 : year;
	int64_t	 era = y / 400, yoe = y % 400;
	int64_t	 doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int
month_days(int year, int month)
{
	static const int	 days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	bool	 leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

bool
cf_lit_date(struct span s, int64_t *out, const char **why)
{
	int	 year, month, day, h, m, sec;

	*why = "there is no such date";
	if (s.n != sizeof("2026-01-05T08:30:00Z") - 1)
		return false;
	year = number(s, 0, 4);
	month = number(s, 5, 2);
	day = number(s, 8, 2);
	h = number(s, 11, 2);
	m = number(s, 14, 2);
	sec = number(s, 17, 2);
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || h > 23 || m > 59 || sec > 59)
		return false;
	*out = ((days_of(year, month, day) * 24 + h) * 60 + m) * 60 + sec;
	*out *= 1000;
	return true;
}

bool
cf_lit_net(struct span s, struct ipnet *out, struct ipnet *masked,
    const char **why)
{
	ptrdiff_t	 slash = span_index(s, '/');
	uint64_t	 bits;

	if (ipnet_parse(s, out)) {
		*masked = *out;
		return true;
	}
	*why = "this is no network";
	masked->ip.family = 0;
	if (slash < 0 ||
	    !ip_parse((struct span){ s.p, (size_t)slash }, &masked->ip))
		return false;
	if (!span_u64(span_from(s, (size_t)slash + 1),
	    masked->ip.family == 4 ? 32 : 128, &bits)) {
		*why = masked->ip.family == 4 ?
		    "an IPv4 network has 0 to 32 bits" :
		    "an IPv6 network has 0 to 128 bits";
		masked->ip.family = 0;
		return false;
	}
	masked->bits = (uint8_t)bits;
	masked->ip = ip_mask(&masked->ip, (unsigned)bits);
	*why = "bits are set behind those of the network";
	return false;
}

bool
cf_lit_range(struct span s, struct ip *first, struct ip *last,
    const char **why)
{
	ptrdiff_t	 dash = span_index(s, '-');

	*why = "this is no range of addresses";
	if (dash < 0 || !ip_parse((struct span){ s.p, (size_t)dash }, first) ||
	    !ip_parse(span_from(s, (size_t)dash + 1), last))
		return false;
	*why = "both ends of a range are of one family";
	if (first->family != last->family)
		return false;
	*why = "the range ends before it begins";
	return ip_cmp(first, last) <= 0;
}

static unsigned
ip_bits(const struct ip *ip)
{
	return ip->family == 4 ? 32 : 128;
}

static bool
bit(const struct ip *ip, unsigned i)
{
	return (ip->a[i / 8] >> (7 - i % 8)) & 1;
}

/* The last address of the network of `bits` around ip. */
static struct ip
net_last(const struct ip *ip, unsigned bits)
{
	struct ip	 out = *ip;
	unsigned	 i;

	for (i = bits; i < ip_bits(ip); i++)
		out.a[i / 8] |= (uint8_t)(1u << (7 - i % 8));
	return out;
}

/* The address after ip; false when there is none. */
static bool
ip_next(struct ip *ip)
{
	size_t	 i = ip_bits(ip) / 8;

	while (i > 0) {
		if (++ip->a[--i] != 0)
			return true;
	}
	return false;
}

size_t
cf_range_split(const struct ip *first, const struct ip *last,
    struct ipnet out[CF_RANGE_NETS])
{
	struct ip	 at = *first, end;
	unsigned	 bits;
	size_t		 n = 0;

	while (n < CF_RANGE_NETS && ip_cmp(&at, last) <= 0) {
		/* The widest network that begins here and ends in time. */
		bits = ip_bits(&at);
		end = at;
		while (bits > 0 && !bit(&at, bits - 1)) {
			end = net_last(&at, bits - 1);
			if (ip_cmp(&end, last) > 0)
				break;
			bits--;
		}
		out[n].ip = at;
		out[n++].bits = (uint8_t)bits;
		at = net_last(&at, bits);
		if (!ip_next(&at))
			break;
	}
	return n;
}

bool
cf_lit_address(struct cf *cf, struct span s, struct rs_value *out,
    const char **why)
{
	struct address	 a;

	if (address_parse(s, ADDRESS_NULL_OK | ADDRESS_POSTMASTER_OK,
	    &cf->arena, &a, why) == -1)
		return false;
	*out = rs_address(arena_span(&cf->arena, a.whole));
	return true;
}

bool
cf_lit_domains(struct cf *cf, struct span s, struct rs_value *out,
    const char **why)
{
	bool	 below = s.n > 1 && s.p[0] == '.';

	if (!cf_lit_domain(cf, span_from(s, below), out, why))
		return false;
	if (below)
		*out = rs_text(RS_T_DOMAIN, arena_printf(&cf->arena, ".%.*s",
		    SPAN_ARG(out->s)));
	return true;
}

bool
cf_lit_domain(struct cf *cf, struct span s, struct rs_value *out,
    const char **why)
{
	struct span	 domain;

	if (domain_normalise(s, &cf->arena, &domain, why) == -1)
		return false;
	*out = rs_text(RS_T_DOMAIN, arena_span(&cf->arena, domain));
	return true;
}
