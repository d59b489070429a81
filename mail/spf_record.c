/*
 * spf_record.c - the grammar of SPF records (RFC 7208, 4.6.1, 5, 6 and 12).
 */
#include "mail/spf_record.h"
#include "mail/spf_int.h"

static const char *const result_names[] = {
	[SPF_NONE] = "none", [SPF_NEUTRAL] = "neutral", [SPF_PASS] = "pass",
	[SPF_FAIL] = "fail", [SPF_SOFTFAIL] = "softfail",
	[SPF_TEMPERROR] = "temperror", [SPF_PERMERROR] = "permerror"
};

const char *
spf_result_name(enum spf_result r)
{
	return result_names[r];
}

/* What may stand behind a mechanism's name (5). */
enum argument {
	ARG_NONE,		/* all */
	ARG_SPEC,		/* ":" domain-spec */
	ARG_MAYBE_SPEC,		/* [ ":" domain-spec ] */
	ARG_SPEC_CIDR,		/* [ ":" domain-spec ] [ dual-cidr-length ] */
	ARG_IP4, ARG_IP6	/* ":" network [ cidr-length ] */
};

static const struct {
	struct span	name;
	uint8_t		argument;
} mechanisms[] = {
	[SPF_ALL] = { { "all", 3 }, ARG_NONE },			/* 5.1 */
	[SPF_INCLUDE] = { { "include", 7 }, ARG_SPEC },		/* 5.2 */
	[SPF_A] = { { "a", 1 }, ARG_SPEC_CIDR },		/* 5.3 */
	[SPF_MX] = { { "mx", 2 }, ARG_SPEC_CIDR },		/* 5.4 */
	[SPF_PTR] = { { "ptr", 3 }, ARG_MAYBE_SPEC },		/* 5.5 */
	[SPF_IP4] = { { "ip4", 3 }, ARG_IP4 },			/* 5.6 */
	[SPF_IP6] = { { "ip6", 3 }, ARG_IP6 },			/* 5.6 */
	[SPF_EXISTS] = { { "exists", 6 }, ARG_SPEC },		/* 5.7 */
};
#define NMECHANISMS	(sizeof(mechanisms) / sizeof(mechanisms[0]))

static bool
is_alpha(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- domain-spec (7.1): macro-string domain-end */

/* toplabel: letters, digits and inner hyphens, not digits alone. */
static bool
toplabel_ok(struct span l)
{
	bool	digits = true;
	size_t	i;

	if (l.n == 0 || l.p[0] == '-' || l.p[l.n - 1] == '-')
		return false;
	for (i = 0; i < l.n; i++) {
		if (!is_alpha(l.p[i]) && !is_digit(l.p[i]) && l.p[i] != '-')
			return false;
		digits &= is_digit(l.p[i]);
	}
	return !digits;
}

/* What follows the last dot that stands in no macro; false: there is none. */
static bool
last_label(struct span s, struct span *out)
{
	struct spf_piece	piece;
	bool			found = false;

	while (spf_piece_next(&s, &piece)) {
		if (piece.kind == SPF_MACRO) {
			found = false;
			continue;
		}
		if (piece.kind == SPF_LITERAL && piece.octet == '.') {
			if (s.n == 0)
				break;	/* the final dot of a name */
			*out = s;
			found = true;
		}
	}
	if (found && out->p[out->n - 1] == '.')
		out->n--;
	return found;
}

static bool
spec_ok(struct span s)
{
	struct span	label;
	bool		macro_last;

	if (s.n == 0 || !spf_macro_string_ok(s, false, &macro_last))
		return false;
	return macro_last || (last_label(s, &label) && toplabel_ok(label));
}

/* --- cidr-length (5.6): no leading zeros, no more than there are */

static bool
cidr(struct span digits, unsigned max, uint8_t *out)
{
	uint64_t	v;

	if (digits.n == 0 || digits.n > 3 ||
	    (digits.n > 1 && digits.p[0] == '0') ||
	    !span_u64(digits, max, &v))
		return false;
	*out = (uint8_t)v;
	return true;
}

/* Digits at the end behind a '/': cut off from *s, with it.  false: none. */
static bool
cut_cidr(struct span *s, struct span *digits)
{
	size_t	n = s->n;

	while (n > 0 && is_digit(s->p[n - 1]))
		n--;
	if (n == 0 || s->p[n - 1] != '/' || n == s->n)
		return false;
	*digits = span_from(*s, n);
	s->n = n - 1;
	return true;
}

/* [ "/" ip4-cidr ] [ "//" ip6-cidr ] at the end of *s. */
static bool
cut_dual_cidr(struct span *s, struct spf_term *t)
{
	struct span	digits;

	t->bits4 = 32;
	t->bits6 = 128;
	if (!cut_cidr(s, &digits))
		return true;
	if (s->n > 0 && s->p[s->n - 1] == '/') {
		s->n--;
		if (!cidr(digits, 128, &t->bits6))
			return false;
		if (!cut_cidr(s, &digits))
			return true;
	}
	return cidr(digits, 32, &t->bits4);
}

/* --- a term */

/* ":" and a domain-spec; nothing where it may be left out. */
static bool
take_spec(struct span s, bool must, struct spf_term *t)
{
	if (s.n == 0)
		return !must;
	if (s.p[0] != ':')
		return false;
	t->spec = span_from(s, 1);
	return spec_ok(t->spec);
}

static bool
take_network(struct span s, unsigned family, struct spf_term *t)
{
	unsigned	 max = family == 4 ? 32 : 128;
	uint8_t		*bits = family == 4 ? &t->bits4 : &t->bits6;
	struct span	 digits;
	bool		 colon;

	*bits = (uint8_t)max;
	if (s.n == 0 || s.p[0] != ':')
		return false;
	s = span_from(s, 1);
	if (cut_cidr(&s, &digits) && !cidr(digits, max, bits))
		return false;
	colon = span_index(s, ':') >= 0;
	return colon == (family == 6) && ip_parse(s, &t->ip);
}

static bool
take_argument(struct span s, struct spf_term *t)
{
	switch ((enum argument)mechanisms[t->mechanism].argument) {
	case ARG_NONE:
		return s.n == 0;
	case ARG_SPEC:
		return take_spec(s, true, t);
	case ARG_MAYBE_SPEC:
		return take_spec(s, false, t);
	case ARG_SPEC_CIDR:
		return cut_dual_cidr(&s, t) && take_spec(s, false, t);
	case ARG_IP4:
		return take_network(s, 4, t);
	case ARG_IP6:
		return take_network(s, 6, t);
	}
	return false;
}

static bool
find_mechanism(struct span name, enum spf_mechanism *out)
{
	unsigned	i;

	for (i = 0; i < NMECHANISMS; i++)
		if (span_ieq(name, mechanisms[i].name)) {
			*out = (enum spf_mechanism)i;
			return true;
		}
	return false;
}

static enum spf_result
take_qualifier(struct span *s)
{
	static const struct {
		char		c;
		uint8_t		result;
	} qualifiers[] = {
		{ '+', SPF_PASS }, { '-', SPF_FAIL }, { '?', SPF_NEUTRAL },
		{ '~', SPF_SOFTFAIL }
	};
	size_t	i;

	for (i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++)
		if (s->n > 0 && s->p[0] == qualifiers[i].c) {
			*s = span_from(*s, 1);
			return qualifiers[i].result;
		}
	return SPF_PASS;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static size_t
name_length(struct span s)
{
	size_t	n;

	if (s.n == 0 || !is_alpha(s.p[0]))
		return 0;
	for (n = 1; n < s.n; n++)
		if (!is_alpha(s.p[n]) && !is_digit(s.p[n]) &&
		    s.p[n] != '-' && s.p[n] != '_' && s.p[n] != '.')
			break;
	return n;
}

static bool
take_mechanism(struct span s, struct spf_term *t)
{
	struct span	name;

	*t = (struct spf_term){ .qualifier = take_qualifier(&s) };
	name = span_mem(s.p, name_length(s));
	return find_mechanism(name, &t->mechanism) &&
	    take_argument(span_from(s, name.n), t);
}

/* --- modifiers (6) */

/* name "=" value; false: it is none. */
static bool
split_modifier(struct span s, struct span *name, struct span *value)
{
	size_t	n = name_length(s);

	if (n == 0 || n == s.n || s.p[n] != '=')
		return false;
	*name = span_mem(s.p, n);
	*value = span_from(s, n + 1);
	return true;
}

static int
take_modifier(struct span name, struct span value, struct spf_record *r,
    const char **why)
{
	struct span	*place;
	bool		 macro_last;

	if (span_ieq(name, SPAN("redirect")))
		place = &r->redirect;
	else if (span_ieq(name, SPAN("exp")))
		place = &r->exp;
	else {
		*why = "a modifier's value is no macro string";
		return spf_macro_string_ok(value, false, &macro_last) ? 0 : -1;
	}
	if (place->n > 0) {
		*why = "a modifier stands twice";
		return -1;
	}
	*place = value;
	*why = "a modifier's value is no domain";
	return spec_ok(value) ? 0 : -1;
}

/* --- a record */

/* Terms are parted by blanks (SP, no other); false: none is left. */
static bool
next_word(struct span *rest, struct span *word)
{
	size_t	n = 0;

	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = span_from(*rest, 1);
	while (n < rest->n && rest->p[n] != ' ')
		n++;
	*word = span_mem(rest->p, n);
	*rest = span_from(*rest, n);
	return n > 0;
}

bool
spf_is_record(struct span txt)
{
	static const struct span	version = { "v=spf1", 6 };

	return span_iprefix(txt, version) &&
	    (txt.n == version.n || txt.p[version.n] == ' ');
}

int
spf_record_parse(struct span txt, struct spf_record *out, const char **why)
{
	struct span	rest, word, name, value;
	struct spf_term	t;

	*out = (struct spf_record){ .terms = SPAN_NONE };
	if (!spf_is_record(txt)) {
		*why = "the version is not v=spf1";
		return -1;
	}
	out->terms = rest = span_from(txt, 6);
	while (next_word(&rest, &word)) {
		if (split_modifier(word, &name, &value)) {
			if (take_modifier(name, value, out, why) == -1)
				return -1;
		} else if (!take_mechanism(word, &t)) {
			*why = "a term is no mechanism";
			return -1;
		}
	}
	return 0;
}

bool
spf_term_next(struct span *rest, struct spf_term *t)
{
	struct span	word, name, value;

	while (next_word(rest, &word))
		if (!split_modifier(word, &name, &value))
			return take_mechanism(word, t);
	return false;
}
