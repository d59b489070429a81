/*
 * report_kept.c - counts that were kept are read; report_keep.h.
 */
#include "mta/fetch/report_keep.h"

#include <jansson.h>

static int64_t
number(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

static uint64_t
count(const json_t *o, const char *key)
{
	int64_t	n = number(o, key);

	return n < 0 ? 0 : (uint64_t)n;
}

static struct span
text(const json_t *v, size_t max)
{
	size_t	n = json_string_length(v);

	return span_mem(json_string_value(v), n < max ? n : max);
}

static struct span
text_of(const json_t *o, const char *key, size_t max)
{
	return text(json_object_get(o, key), max);
}

static struct ip
ip_of(const json_t *o, const char *key)
{
	struct ip	ip = { .family = 0 };

	if (!ip_parse(text_of(o, key, IP_TEXT_MAX), &ip))
		ip.family = 0;
	return ip;
}

static size_t
texts_of(const json_t *o, const char *key, struct span *out, size_t max,
    size_t text_max)
{
	const json_t	*all = json_object_get(o, key);
	size_t		 i, n = json_array_size(all);

	for (i = 0; i < n && i < max; i++)
		out[i] = text(json_array_get(all, i), text_max);
	return i;
}

static void
read_failure(struct report_day *d, struct report_policy *p, const json_t *o)
{
	struct tlsrpt_result	 r = {
		.result = text_of(o, "result", TLSRPT_NAME_MAX),
		.reason = text_of(o, "reason", TLSRPT_REASON_MAX),
		.host = text_of(o, "host", TLSRPT_NAME_MAX),
		.helo = text_of(o, "helo", TLSRPT_NAME_MAX),
		.source = ip_of(o, "source"), .target = ip_of(o, "target")
	};
	struct report_failure	*f = report_failure_add(d, p, &r);

	if (f != NULL)
		f->sessions = count(o, "sessions");
}

static void
read_policy(struct report_day *d, struct report_domain *to, const json_t *o)
{
	struct span		 strings[TLSRPT_STRINGS_MAX];
	struct span		 mx[TLSRPT_MX_MAX];
	struct tlsrpt_result	 r = { .domain = to->name,
		.policy_domain = text_of(o, "domain", TLSRPT_NAME_MAX),
		.strings = strings, .mx = mx };
	const json_t		*failures = json_object_get(o, "failures");
	struct report_policy	*p;
	size_t			 i;

	if (!json_is_object(o) || count(o, "type") >= TLSRPT_NPOLICIES)
		return;
	r.policy = (enum tlsrpt_policy)count(o, "type");
	r.nstrings = texts_of(o, "strings", strings, TLSRPT_STRINGS_MAX,
	    TLSRPT_STRING_MAX);
	r.nmx = texts_of(o, "mx", mx, TLSRPT_MX_MAX, TLSRPT_NAME_MAX);
	if ((p = report_policy_add(d, to, &r)) == NULL)
		return;
	p->good = count(o, "good");
	p->bad = count(o, "bad");
	for (i = 0; i < json_array_size(failures); i++)
		read_failure(d, p, json_array_get(failures, i));
}

static void
read_sending(struct report_day *d, struct report_domain *to, const json_t *o)
{
	struct report_sending	*s = &to->sending;
	struct span		 sent[REPORT_RUA_MAX];
	size_t			 i, n;

	s->due_s = number(o, "due");
	s->first_s = number(o, "first");
	s->tries = (uint32_t)(count(o, "tries") & 0xff);
	s->done = json_is_true(json_object_get(o, "done"));
	n = texts_of(o, "sent", sent, REPORT_RUA_MAX, REPORT_RUA_OCTETS);
	for (i = 0; i < n; i++)
		report_sent(d, to, sent[i]);
}

static void
read_domain(struct report_day *d, const json_t *o)
{
	struct span		 name = text_of(o, "name", TLSRPT_NAME_MAX);
	const json_t		*policies = json_object_get(o, "policies");
	struct report_domain	*to;
	size_t			 i;

	if (name.n == 0 || report_domain_find(d, name) != NULL ||
	    (to = report_domain_add(d, name)) == NULL)
		return;
	read_sending(d, to, o);
	for (i = 0; i < json_array_size(policies); i++)
		read_policy(d, to, json_array_get(policies, i));
}

static struct report_day *
read_day(const json_t *o)
{
	const json_t		*domains = json_object_get(o, "domains");
	struct report_day	*d;
	size_t			 i;

	if (number(o, "version") != REPORT_KEPT_VERSION || number(o, "day") <= 0 ||
	    number(o, "day") > INT32_MAX)
		return NULL;
	d = report_day_new(number(o, "day"));
	d->seed = (uint64_t)number(o, "seed");
	d->sessions = count(o, "sessions");
	d->left_out = count(o, "left_out");
	for (i = 0; i < json_array_size(domains); i++)
		read_domain(d, json_array_get(domains, i));
	d->changed = false;
	return d;
}

struct report_day *
report_kept(struct span in)
{
	json_t			*all;
	struct report_day	*d;

	if (in.n == 0 || in.n > REPORT_KEPT_MAX)
		return NULL;
	/* Depth is bounded by jansson (JSON_PARSER_MAX_DEPTH). */
	all = json_loadb(in.p, in.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
	    NULL);
	if (all == NULL)
		return NULL;
	d = read_day(all);
	json_decref(all);
	return d;
}
