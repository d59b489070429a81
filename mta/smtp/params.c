/*
 * params.c - parameters of MAIL and RCPT.
 */
#include "config.h"

#include "mail/address.h"
#include "mail/xtext.h"
#include "mta/smtp/params.h"

/* What one parameter is read with. */
struct reading {
	const struct params_place	*place;
	struct smtp_params		*out;
};

typedef bool take_fn(struct reading *, struct span value);

struct word {
	struct span	text;
	unsigned	value;
};

/* The value of the word that v is, in any case; false: none. */
static bool
one_of(const struct word *w, size_t n, struct span v, unsigned *out)
{
	for (size_t i = 0; i < n; i++)
		if (span_ieq(v, w[i].text)) {
			*out = w[i].value;
			return true;
		}
	return false;
}

#define WORDS(w)	(w), sizeof(w) / sizeof((w)[0])

static bool
all_digits(struct span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	return v.n > 0;
}

/* --- MAIL */

/* 1*20DIGIT (RFC 1870, 4) */
static bool
take_size(struct reading *r, struct span v)
{
	if (v.n > 20 || !all_digits(v))
		return false;
	r->out->has_size = true;
	if (!span_u64(v, UINT64_MAX, &r->out->size))
		r->out->size = UINT64_MAX;
	return true;
}

/* RFC 6152, 3; BINARYMIME where it is offered (RFC 3030, 3). */
static bool
take_body(struct reading *r, struct span v)
{
	static const struct word words[] = {
		{ SPAN("7BIT"),		PARAMS_BODY_7BIT },
		{ SPAN("8BITMIME"),	PARAMS_BODY_8BITMIME },
		{ SPAN("BINARYMIME"),	PARAMS_BODY_BINARYMIME },
	};
	static const uint32_t needs[] = {
		[PARAMS_BODY_7BIT] = EXT_BIT(8BITMIME) |
		    EXT_BIT(BINARYMIME),
		[PARAMS_BODY_8BITMIME] = EXT_BIT(8BITMIME),
		[PARAMS_BODY_BINARYMIME] = EXT_BIT(BINARYMIME),
	};
	unsigned	body;

	if (!one_of(WORDS(words), v, &body) ||
	    !(needs[body] & r->place->offered))
		return false;
	r->out->body = body;
	return true;
}

static bool
take_smtputf8(struct reading *r, struct span v)
{
	(void)v;
	r->out->smtputf8 = true;
	return true;
}

static bool
take_requiretls(struct reading *r, struct span v)
{
	(void)v;
	r->out->requiretls = true;
	return true;
}

/* RFC 3461, 4.3 */
static bool
take_ret(struct reading *r, struct span v)
{
	static const struct word words[] = {
		{ SPAN("FULL"), PARAMS_RET_FULL },
		{ SPAN("HDRS"), PARAMS_RET_HDRS },
	};
	unsigned	ret;

	if (!one_of(WORDS(words), v, &ret))
		return false;
	r->out->ret = ret;
	return true;
}

/* 4.4 */
static bool
take_envid(struct reading *r, struct span v)
{
	struct span	*envid = &r->out->envid;

	return xtext_decode(v, r->place->arena, envid) && envid->n > 0 &&
	    envid->n <= ENVELOPE_ENVID_MAX;
}

/* by-time ";" by-mode [by-trace] (RFC 2852, 4) */
static bool
take_by(struct reading *r, struct span v)
{
	struct smtp_params	*out = r->out;
	bool			 past = v.p[0] == '-';
	ptrdiff_t		 at = span_index(v, ';');
	struct span		 digits, mode;
	uint64_t		 s;

	if (at < 0)
		return false;
	digits = span_mem(v.p, (size_t)at);
	mode = span_from(v, (size_t)at + 1);
	if (past || v.p[0] == '+')
		digits = span_from(digits, 1);
	if (digits.n > 9 || !all_digits(digits) ||
	    !span_u64(digits, 999999999, &s))
		return false;
	out->by_s = past ? -(int32_t)s : (int32_t)s;
	if (mode.n == 2 && ascii_lower(mode.p[1]) == 't') {
		out->by_trace = true;
		mode.n = 1;
	}
	if (span_ieq(mode, SPAN("N")))
		out->by = PARAMS_BY_NOTIFY;
	else if (span_ieq(mode, SPAN("R")) && out->by_s > 0)
		out->by = PARAMS_BY_RETURN;
	return out->by != PARAMS_BY_NONE;
}

/* "<>" or a mailbox, in xtext (RFC 4954, 5); curl puts <> around each. */
static bool
take_auth(struct reading *r, struct span v)
{
	struct arena	*a = r->place->arena;
	struct address	 ad;
	struct span	 text;
	const char	*why;

	if (!xtext_decode(v, a, &text))
		return false;
	if (!span_eq(text, SPAN("<>"))) {
		if (text.n > 2 && text.p[0] == '<' && text.p[text.n - 1] == '>')
			text = (struct span){ text.p + 1, text.n - 2 };
		if (address_parse(text, 0, a, &ad, &why) == -1)
			return false;
	}
	r->out->has_auth = true;
	r->out->auth = text;
	return true;
}

/* --- RCPT */

/* "NEVER" alone, or a list (RFC 3461, 4.1) */
static bool
take_notify(struct reading *r, struct span v)
{
	static const struct word words[] = {
		{ SPAN("NEVER"),	NOTIFY_NEVER },
		{ SPAN("SUCCESS"),	NOTIFY_SUCCESS },
		{ SPAN("FAILURE"),	NOTIFY_FAILURE },
		{ SPAN("DELAY"),	NOTIFY_DELAY },
	};
	unsigned	one, all = 0;
	ptrdiff_t	at;
	struct span	w;

	do {
		at = span_index(v, ',');
		w = at < 0 ? v : span_mem(v.p, (size_t)at);
		if (!one_of(WORDS(words), w, &one))
			return false;
		all |= one;
		v = span_from(v, w.n + 1);
	} while (at >= 0);
	r->out->rcpt.notify = (uint8_t)all;
	return !(all & NOTIFY_NEVER) || all == NOTIFY_NEVER;
}

/* addr-type ";" xtext (RFC 3461, 4.2); of type utf-8 RFC 6533, 3 */
static bool
take_orcpt(struct reading *r, struct span v)
{
	const struct params_place	*place = r->place;
	struct envelope_param		*out = &r->out->rcpt;
	ptrdiff_t			 at = span_index(v, ';');
	struct span			 type, text;

	if (at < 0 || v.n > ENVELOPE_ORCPT_MAX ||
	    at > ENVELOPE_ORCPT_TYPE_MAX)
		return false;
	type = span_mem(v.p, (size_t)at);
	text = span_from(v, (size_t)at + 1);
	if (!xtext_is_type(type) || text.n == 0)
		return false;
	if (span_ieq(type, SPAN("utf-8")) ?
	    !xtext_decode_utf8(text, place->utf8, place->arena, &out->orcpt) :
	    !xtext_decode(text, place->arena, &out->orcpt))
		return false;
	out->orcpt_type = arena_span(place->arena, type);
	return true;
}

/* --- the table */

static const struct kind {
	enum params_for	 command;
	struct span	 keyword;
	uint32_t	 needs;		/* one of these extensions */
	bool		 valued;
	take_fn		*take;
	const char	*syntax;
} kinds[] = {
	{ PARAMS_MAIL, SPAN("SIZE"), EXT_BIT(SIZE), true, take_size,
	    "SIZE needs a number of octets" },
	{ PARAMS_MAIL, SPAN("BODY"), EXT_BIT(8BITMIME) |
	    EXT_BIT(BINARYMIME), true, take_body,
	    "BODY is 7BIT, or what EHLO has offered: 8BITMIME, BINARYMIME" },
	{ PARAMS_MAIL, SPAN("SMTPUTF8"), EXT_BIT(SMTPUTF8), false,
	    take_smtputf8, "SMTPUTF8 takes no value" },
	{ PARAMS_MAIL, SPAN("RET"), EXT_BIT(DSN), true, take_ret,
	    "RET is FULL or HDRS" },
	{ PARAMS_MAIL, SPAN("ENVID"), EXT_BIT(DSN), true, take_envid,
	    "ENVID is xtext of 1 to 100 printable characters" },
	{ PARAMS_MAIL, SPAN("BY"), EXT_BIT(DELIVERBY), true, take_by,
	    "BY is SECONDS;N or SECONDS;R, with T behind it or not; "
	    "with R above 0" },
	{ PARAMS_MAIL, SPAN("REQUIRETLS"), EXT_BIT(REQUIRETLS), false,
	    take_requiretls, "REQUIRETLS takes no value" },
	{ PARAMS_MAIL, SPAN("AUTH"), EXT_BIT(AUTH), true, take_auth,
	    "AUTH is a mailbox in xtext, or <>" },
	{ PARAMS_RCPT, SPAN("NOTIFY"), EXT_BIT(DSN), true, take_notify,
	    "NOTIFY is NEVER alone, or SUCCESS, FAILURE and DELAY by comma" },
	{ PARAMS_RCPT, SPAN("ORCPT"), EXT_BIT(DSN), true, take_orcpt,
	    "ORCPT is TYPE;ADDRESS, the address in xtext" },
};

static bool
is_keyword_octet(char c, bool first)
{
	char	l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
	    (!first && c == '-');
}

/* esmtp-value: 1*(%d33-60 / %d62-126); RFC 6531, 3.3 adds UTF-8. */
static bool
value_ok(struct span v, bool utf8)
{
	size_t	n;

	if (v.n == 0)
		return false;
	for (size_t i = 0; i < v.n; i += n) {
		n = span_utf8(span_from(v, i));
		if (n == 0 || (n > 1 && !utf8))
			return false;
		if (n == 1 && (v.p[i] < 33 || v.p[i] > 126 || v.p[i] == '='))
			return false;
	}
	return true;
}

struct param {
	struct span	keyword, value;
	bool		has_value;
};

/* esmtp-param = esmtp-keyword ["=" esmtp-value]; RFC 5321, 4.1.2 */
static bool
param_parse(struct span word, bool utf8, struct param *out)
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
	return word.p[i] == '=' && value_ok(out->value, utf8);
}

/* The kind that is offered; NULL: none. */
static const struct kind *
find(const struct params_place *place, struct span keyword)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].command == place->command &&
		    (kinds[i].needs & place->offered) &&
		    span_ieq(keyword, kinds[i].keyword))
			return &kinds[i];
	return NULL;
}

/* Of a keyword that is not offered: would it be, inside TLS? (RFC 8689, 2) */
static bool
needs_tls(const struct params_place *place, struct span keyword)
{
	return place->command == PARAMS_MAIL &&
	    (place->offered & EXT_BIT(STARTTLS)) &&
	    span_ieq(keyword, SPAN("REQUIRETLS"));
}

static enum params_result
take(struct reading *r, struct span word, const char **why)
{
	const struct kind	*k;
	struct param		 p;
	unsigned		 bit;

	if (!param_parse(word, r->place->utf8, &p)) {
		*why = "parameter syntax is KEYWORD or KEYWORD=VALUE";
		return PARAMS_VALUE;
	}
	if ((k = find(r->place, p.keyword)) == NULL) {
		if (needs_tls(r->place, p.keyword)) {
			*why = "REQUIRETLS needs TLS, say STARTTLS first";
			return PARAMS_TLS;
		}
		*why = r->place->offered == 0 ? "parameters need EHLO" :
		    "parameter is not offered here";
		return PARAMS_UNKNOWN;
	}
	bit = 1u << (k - kinds);
	if (r->out->given & bit) {
		*why = "a parameter is given twice";
		return PARAMS_TWICE;
	}
	r->out->given |= bit;
	*why = k->syntax;
	return p.has_value == k->valued && k->take(r, p.value) ? PARAMS_OK :
	    PARAMS_VALUE;
}

enum params_result
params_parse(struct span in, const struct params_place *place,
    struct smtp_params *out, const char **why)
{
	struct reading		r = { place, out };
	enum params_result	is;
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
		is = take(&r, span_mem(in.p + start, i - start), why);
		if (is != PARAMS_OK)
			return is;
	}
	return PARAMS_OK;
}
