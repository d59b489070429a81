/*
 * srs.c - SRS0 and SRS1; srs.h.
 *
 * The hash is the start of HMAC-SHA1 over what it protects, ASCII letters
 * folded, in base 64; it is compared without regard to case, because local
 * parts come back in either.  That leaves some 20 bits in four letters: enough
 * against guessing, since a guess buys one message to one address.
 */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "mail/srs.h"

#define HASH_MADE	4	/* letters; what others have as default */
#define HASH_LEAST	4
#define HASH_MOST	27	/* of 20 octets, without padding */
#define DAY_S		(24 * 60 * 60)
#define DAYS		1024	/* a stamp counts modulo so many */
#define ADDRESS_MAX	254	/* RFC 5321, 4.5.3.1.3, without < and > */

static const char	base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* --- hashes */

/* Three parts at most, one behind the other, in small letters. */
static struct span
folded(const struct span *parts, size_t n, struct arena *a)
{
	size_t	i, k, octets = 0;
	char	*text, *p;

	for (i = 0; i < n; i++)
		octets += parts[i].n;
	text = p = arena_alloc(a, octets + 1);
	for (i = 0; i < n; i++)
		for (k = 0; k < parts[i].n; k++)
			*p++ = ascii_lower(parts[i].p[k]);
	return span_mem(text, octets);
}

static void
hash(struct span secret, struct span text, char out[HASH_MOST + 2])
{
	unsigned char	digest[EVP_MAX_MD_SIZE];
	unsigned	n = 0;

	(void)HMAC(EVP_sha1(), secret.p, (int)secret.n,
	    (const unsigned char *)text.p, text.n, digest, &n);
	(void)EVP_EncodeBlock((unsigned char *)out, digest, (int)n);
}

static bool
hash_fits(const struct srs *s, struct span given, const struct span *parts,
    size_t n, struct arena *a)
{
	struct span	text = folded(parts, n, a);
	char		made[HASH_MOST + 2];
	bool		fits = false;
	size_t		i;

	if (given.n < HASH_LEAST || given.n > HASH_MOST)
		return false;
	for (i = 0; i < s->nsecrets; i++) {
		hash(s->secrets[i], text, made);
		fits |= span_ieq(given, span_mem(made, given.n));
	}
	return fits;
}

/* --- stamps */

static unsigned
day_of(int64_t now_s)
{
	return (unsigned)(now_s / DAY_S % DAYS);
}

static int
digit(char c)
{
	const char	*d;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 32);
	d = c == '\0' ? NULL : strchr(base32, c);
	return d == NULL ? -1 : (int)(d - base32);
}

/* One of tomorrow is of a clock that differs from ours. */
static bool
is_young(const struct srs *s, struct span stamp, int64_t now_s)
{
	int	high, low;
	unsigned age;

	if (stamp.n != 2 || (high = digit(stamp.p[0])) < 0 ||
	    (low = digit(stamp.p[1])) < 0)
		return false;
	age = (day_of(now_s) + DAYS - (unsigned)(high << 5 | low)) % DAYS;
	return age == DAYS - 1 || (int64_t)age * DAY_S <= s->lifetime_s;
}

/* --- parts */

/* Up to the next '=', which is eaten; false: there is none. */
static bool
part_take(struct span *rest, struct span *part)
{
	ptrdiff_t	end = span_index(*rest, '=');

	if (end < 0)
		return false;
	*part = span_mem(rest->p, (size_t)end);
	*rest = span_from(*rest, part->n + 1);
	return true;
}

static bool
is_separator(char c)
{
	return c == '=' || c == '-' || c == '+';
}

/* "SRS0=..." of any case: what stands behind the tag, its separator too. */
static bool
is_tagged(struct span local, char number, struct span *rest)
{
	if (local.n < 6 || !span_iprefix(local, SPAN("SRS")) ||
	    local.p[3] != number || !is_separator(local.p[4]))
		return false;
	*rest = span_from(local, 4);
	return true;
}

/* At the last '@', as addresses are. */
static bool
split(struct span address, struct span *local, struct span *domain)
{
	size_t	at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	if (at < 2 || at == address.n)
		return false;
	*local = span_mem(address.p, at - 1);
	*domain = span_from(address, at);
	return true;
}

/* --- forward */

static enum srs_result
first(const struct srs *s, struct span local, struct span domain,
    int64_t now_s, struct arena *a, struct span *out)
{
	unsigned	day = day_of(now_s);
	char		stamp[3] = { base32[day >> 5], base32[day & 31], 0 };
	struct span	parts[3] = { span_of(stamp), domain, local };
	char		made[HASH_MOST + 2];

	hash(s->secrets[0], folded(parts, 3, a), made);
	*out = arena_printf(a, "SRS0=%.*s=%s=%.*s=%.*s@%.*s", HASH_MADE, made,
	    stamp, SPAN_ARG(domain), SPAN_ARG(local), SPAN_ARG(s->domain));
	return SRS_OK;
}

/* It has been forwarded before: the first forwarder has the sender. */
static enum srs_result
again(const struct srs *s, struct span rest, struct span domain,
    struct arena *a, struct span *out)
{
	struct span	parts[2] = { domain, rest };
	char		made[HASH_MOST + 2];

	hash(s->secrets[0], folded(parts, 2, a), made);
	*out = arena_printf(a, "SRS1=%.*s=%.*s=%.*s@%.*s", HASH_MADE, made,
	    SPAN_ARG(domain), SPAN_ARG(rest), SPAN_ARG(s->domain));
	return SRS_OK;
}

/* "=HASH=FORWARDER==REST": the first forwarder, and REST with its separator. */
static bool
split_again(struct span rest, struct span *given, struct span *forwarder,
    struct span *inner)
{
	rest = span_from(rest, 1);
	if (!part_take(&rest, given) || !part_take(&rest, forwarder) ||
	    forwarder->n == 0 || rest.n < 2 || !is_separator(rest.p[0]))
		return false;
	*inner = rest;
	return true;
}

enum srs_result
srs_forward(const struct srs *s, struct span sender, int64_t now_s,
    struct arena *a, struct span *out)
{
	struct span	local, domain, rest, given, forwarder, inner;

	*out = sender;
	if (span_has_control(sender) || !split(sender, &local, &domain) ||
	    local.p[0] == '"' ||
	    domain.p[0] == '[' || span_index(domain, '=') >= 0 ||
	    span_ieq(domain, s->domain) ||
	    s->nsecrets == 0)
		return SRS_NOT;
	if (is_tagged(local, '0', &rest))
		(void)again(s, rest, domain, a, out);
	else if (is_tagged(local, '1', &rest) &&
	    split_again(rest, &given, &forwarder, &inner))
		(void)again(s, inner, forwarder, a, out);
	else
		(void)first(s, local, domain, now_s, a, out);
	if (out->n <= ADDRESS_MAX)
		return SRS_OK;
	*out = sender;
	return SRS_NOT;
}

/* --- back */

static enum srs_result
back_first(const struct srs *s, struct span rest, int64_t now_s,
    struct arena *a, struct span *out)
{
	struct span	given, stamp, domain, local;
	struct span	parts[3];

	rest = span_from(rest, 1);
	if (!part_take(&rest, &given) || !part_take(&rest, &stamp) ||
	    !part_take(&rest, &domain) || domain.n == 0 || rest.n == 0)
		return SRS_WRONG;
	local = rest;
	parts[0] = stamp;
	parts[1] = domain;
	parts[2] = local;
	if (!hash_fits(s, given, parts, 3, a))
		return SRS_WRONG;
	if (!is_young(s, stamp, now_s))
		return SRS_OLD;
	*out = arena_printf(a, "%.*s@%.*s", SPAN_ARG(local),
	    SPAN_ARG(domain));
	return SRS_OK;
}

static enum srs_result
back_again(const struct srs *s, struct span rest, struct arena *a,
    struct span *out)
{
	struct span	given, forwarder, inner, parts[2];

	if (!split_again(rest, &given, &forwarder, &inner))
		return SRS_WRONG;
	parts[0] = forwarder;
	parts[1] = inner;
	if (!hash_fits(s, given, parts, 2, a))
		return SRS_WRONG;
	*out = arena_printf(a, "SRS0%.*s@%.*s", SPAN_ARG(inner),
	    SPAN_ARG(forwarder));
	return SRS_OK;
}

enum srs_result
srs_back(const struct srs *s, struct span address, int64_t now_s,
    struct arena *a, struct span *out)
{
	struct span	local, domain, rest;

	*out = address;
	if (span_has_control(address) || !split(address, &local, &domain) ||
	    !span_ieq(domain, s->domain))
		return SRS_NOT;
	if (is_tagged(local, '0', &rest))
		return back_first(s, rest, now_s, a, out);
	if (is_tagged(local, '1', &rest))
		return back_again(s, rest, a, out);
	return SRS_NOT;
}
