/*
 * params.c - parameters of MAIL and RCPT.
 */
#include "config.h"

#include "mta/smtp/params.h"

struct param {
	struct span	keyword, value;
	bool		has_value;
};

static bool
is_keyword_octet(char c, bool first)
{
	char	l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
	    (!first && c == '-');
}

/* esmtp-value: 1*(%d33-60 / %d62-126) */
static bool
value_ok(struct span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 33 || v.p[i] > 126 || v.p[i] == '=')
			return false;
	return v.n > 0;
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value]; RFC 5321, 4.1.2 */
static bool
param_parse(struct span word, struct param *out)
{
	size_t	i = 0;

	while (i < word.n && is_keyword_octet(word.p[i], i == 0))
		i++;
	*out = (struct param){ .keyword = span_mem(word.p, i) };
	if (i == 0)
		return false;
	if (i == word.n)
		return true;
	out->has_value = true;
	out->value = span_from(word, i + 1);
	return word.p[i] == '=' && value_ok(out->value);
}

/* SIZE=: 1*20DIGIT (RFC 1870, 4) */
static enum params_result
param_size(const struct param *p, struct smtp_params *out, const char **why)
{
	if (out->has_size) {
		*why = "SIZE is given twice";
		return PARAMS_TWICE;
	}
	*why = "SIZE needs a number of octets";
	if (!p->has_value || p->value.n > 20)
		return PARAMS_VALUE;
	for (size_t i = 0; i < p->value.n; i++)
		if (p->value.p[i] < '0' || p->value.p[i] > '9')
			return PARAMS_VALUE;
	out->has_size = true;
	if (!span_u64(p->value, UINT64_MAX, &out->size))
		out->size = UINT64_MAX;
	return PARAMS_OK;
}

static enum params_result
param_body(const struct param *p, struct smtp_params *out, const char **why)
{
	if (out->body != PARAMS_BODY_NONE) {
		*why = "BODY is given twice";
		return PARAMS_TWICE;
	}
	if (p->has_value && span_ieq(p->value, SPAN("7BIT")))
		out->body = PARAMS_BODY_7BIT;
	else if (p->has_value && span_ieq(p->value, SPAN("8BITMIME")))
		out->body = PARAMS_BODY_8BITMIME;
	else {
		*why = "BODY is 7BIT or 8BITMIME";
		return PARAMS_VALUE;
	}
	return PARAMS_OK;
}

static enum params_result
param_take(struct span word, enum params_for what, struct smtp_params *out,
    const char **why)
{
	struct param	p;

	if (!param_parse(word, &p)) {
		*why = "parameter syntax is KEYWORD or KEYWORD=VALUE";
		return PARAMS_VALUE;
	}
	if (what == PARAMS_MAIL && span_ieq(p.keyword, SPAN("SIZE")))
		return param_size(&p, out, why);
	if (what == PARAMS_MAIL && span_ieq(p.keyword, SPAN("BODY")))
		return param_body(&p, out, why);
	*why = "parameter is not offered here";
	return PARAMS_UNKNOWN;
}

enum params_result
params_parse(struct span in, enum params_for what, struct smtp_params *out,
    const char **why)
{
	enum params_result	r;
	size_t			i = 0, start;

	*out = (struct smtp_params){ 0 };
	while (i < in.n) {
		if (in.p[i] != ' ') {
			*why = "a blank stands before each parameter";
			return PARAMS_VALUE;
		}
		while (i < in.n && in.p[i] == ' ')
			i++;
		for (start = i; i < in.n && in.p[i] != ' '; i++)
			continue;
		if (i == start)
			break;
		r = param_take(span_mem(in.p + start, i - start), what, out,
		    why);
		if (r != PARAMS_OK)
			return r;
	}
	return PARAMS_OK;
}
