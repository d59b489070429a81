/*
 * sts_text.c - taking policies apart.
 */
#include <string.h>

#include "mta/fetch/sts_text.h"

#define MX_OCTETS_MAX	255	/* of a pattern, with its "*." */

/* What has been read of a policy. */
struct reading {
	struct sts_text	*out;
	struct span	 mx[STS_MX_MAX];
	bool		 version, mode, max_age;
};

bool
sts_is_alnum(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5321's Domain: labels of letters, digits and, inside, '-'. */
static bool
is_domain(struct span s)
{
	size_t	i, label = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (label == 0 || s.p[i - 1] == '-')
				return false;
			label = 0;
		} else if (sts_is_alnum(s.p[i]) || (s.p[i] == '-' && label > 0)) {
			if (++label > 63)
				return false;
		} else
			return false;
	}
	return label > 0 && s.p[s.n - 1] != '-';
}

bool
sts_domain(struct span s, char out[STS_DOMAIN_MAX + 1])
{
	size_t	i;

	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (s.n > STS_DOMAIN_MAX || !is_domain(s))
		return false;
	for (i = 0; i < s.n; i++)
		out[i] = ascii_lower(s.p[i]);
	out[s.n] = '\0';
	return true;
}

/* --- fields */

static const char *
take_version(struct reading *r, struct span value)
{
	if (r->version)
		return NULL;	/* the first counts */
	r->version = true;
	return span_eq(value, SPAN("STSv1")) ? NULL :
	    "its version is not STSv1";
}

static const char *
take_mode(struct reading *r, struct span value)
{
	unsigned	m;

	if (r->mode)
		return NULL;
	r->mode = true;
	for (m = 0; m < STS_NMODES; m++)
		if (span_eq(value, span_of(sts_mode_name((enum sts_mode)m)))) {
			r->out->mode = (enum sts_mode)m;
			return NULL;
		}
	return "its mode is not enforce, testing or none";
}

static const char *
take_max_age(struct reading *r, struct span value)
{
	uint64_t	age;

	if (r->max_age)
		return NULL;
	r->max_age = true;
	if (value.n > 10 || !span_u64(value, UINT64_MAX, &age))
		return "its max_age is no number of at most ten digits";
	r->out->max_age_s = age > STS_MAX_AGE_S ? STS_MAX_AGE_S :
	    (uint32_t)age;
	return NULL;
}

static const char *
take_mx(struct reading *r, struct span value)
{
	struct span	name = span_prefix(value, SPAN("*.")) ?
			    span_from(value, 2) : value;

	if (value.n > MX_OCTETS_MAX || !is_domain(name))
		return "an mx is no name of a host";
	if (r->out->n == STS_MX_MAX)
		return "there are more than 512 mx";
	r->mx[r->out->n++] = value;
	return NULL;
}

/* Of a field that we do not know: UTF-8 without control octets. */
static const char *
pass_value(struct span value)
{
	size_t	n;

	if (value.n == 0)
		return "a field has no value";
	while (value.n > 0) {
		if ((n = span_utf8(value)) == 0 ||
		    (unsigned char)value.p[0] < 0x20 || value.p[0] == 0x7f)
			return "a value is not UTF-8";
		value = span_from(value, n);
	}
	return NULL;
}

bool
sts_is_name(struct span s)
{
	size_t	i;

	if (s.n == 0 || s.n > STS_NAME_MAX || !sts_is_alnum(s.p[0]))
		return false;
	for (i = 1; i < s.n; i++)
		if (!sts_is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-' &&
		    s.p[i] != '.')
			return false;
	return true;
}

static const char *
take_line(struct reading *r, struct span line)
{
	ptrdiff_t	colon = span_index(line, ':');
	struct span	name, value;

	if (colon == -1)
		return "a line has no ':'";
	name = span_mem(line.p, (size_t)colon);
	value = span_trim(span_from(line, (size_t)colon + 1));
	if (!sts_is_name(name))
		return "a field's name is none";
	if (span_eq(name, SPAN("version")))
		return take_version(r, value);
	if (span_eq(name, SPAN("mode")))
		return take_mode(r, value);
	if (span_eq(name, SPAN("max_age")))
		return take_max_age(r, value);
	if (span_eq(name, SPAN("mx")))
		return take_mx(r, value);
	return pass_value(value);
}

/* The next line, without LF or CRLF and without blanks at its end. */
static struct span
next_line(struct span *text)
{
	ptrdiff_t	end = span_index(*text, '\n');
	struct span	line = *text;

	if (end == -1)
		*text = SPAN_NONE;
	else {
		line.n = (size_t)end;
		*text = span_from(*text, (size_t)end + 1);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
	}
	while (line.n > 0 && strchr(" \t", line.p[line.n - 1]) != NULL)
		line.n--;
	return line;
}

static const char *
what_is_missing(const struct reading *r)
{
	if (!r->version)
		return "it has no version";
	if (!r->mode)
		return "it has no mode";
	if (!r->max_age)
		return "it has no max_age";
	if (r->out->n == 0 && r->out->mode != STS_MODE_NONE)
		return "it has no mx";
	return NULL;
}

static struct span
lowered(struct arena *ar, struct span s)
{
	char	*p = arena_alloc(ar, s.n);
	size_t	 i;

	for (i = 0; i < s.n; i++)
		p[i] = ascii_lower(s.p[i]);
	return span_mem(p, s.n);
}

int
sts_text_parse(struct span text, struct arena *ar, struct sts_text *out,
    const char **why)
{
	struct reading	r = { .out = out };
	struct span	line;
	size_t		i;

	*out = (struct sts_text){ .n = 0 };
	*why = text.n > STS_POLICY_MAX ? "it is longer than 64 KiB" : NULL;
	while (*why == NULL && text.n > 0)
		if ((line = next_line(&text)).n > 0)
			*why = take_line(&r, line);
	if (*why == NULL)
		*why = what_is_missing(&r);
	if (*why != NULL)
		return -1;
	out->mx = arena_alloc(ar, (out->n + 1) * sizeof(*out->mx));
	for (i = 0; i < out->n; i++)
		out->mx[i] = lowered(ar, r.mx[i]);
	return 0;
}
