/*
 * report_json.c - the document (RFC 8460, 4.4), compressed (5.2).
 */
#include "mta/fetch/report_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>

#include "base/digest.h"
#include "base/json.h"
#include "mail/date.h"

/* --- names */

const char *
report_id(const struct report_day *d, const struct report_domain *o,
    char out[REPORT_ID_TEXT])
{
	struct buf	b = { 0 };
	uint8_t		digest[32];
	char		hex[17], day[REPORT_DAY_TEXT];

	buf_add(&b, &d->seed, sizeof(d->seed));
	buf_add_span(&b, o->name);
	digest_sha256(buf_span(&b), digest);
	digest_hex(digest, 8, hex);
	buf_clear(&b);
	(void)report_day_text(d->day, day);
	snprintf(out, REPORT_ID_TEXT, "%.4s%.2s%.2s.%s", day, day + 5, day + 8,
	    hex);
	return out;
}

struct span
report_submitter(const struct report_author *who)
{
	ptrdiff_t	at = span_index(who->contact, '@');

	return at < 0 ? who->contact :
	    span_from(who->contact, (size_t)at + 1);
}

void
report_filename(const struct report_day *d, const struct report_domain *o,
    const struct report_author *who, struct buf *out)
{
	char	id[REPORT_ID_TEXT];

	(void)report_id(d, o, id);
	buf_addf(out, "%.*s!%.*s!%" PRId64 "!%" PRId64 "!%s.json.gz",
	    SPAN_ARG(report_submitter(who)), SPAN_ARG(o->name),
	    d->day * REPORT_DAY_S, (d->day + 1) * REPORT_DAY_S - 1,
	    id + 9);	/* letters and digits alone (5.1) */
}

/* --- the document */

static void
put_texts(struct json *j, const char *key, const struct span *texts, size_t n)
{
	size_t	i;

	json_array(j, key);
	for (i = 0; i < n; i++)
		json_text(j, NULL, texts[i]);
	json_array_end(j);
}

static void
put_policy(struct json *j, const struct report_policy *p)
{
	json_object(j, "policy");
	json_str(j, "policy-type", tlsrpt_policy_name(p->type));
	if (p->nstrings > 0)
		put_texts(j, "policy-string", p->strings, p->nstrings);
	json_text(j, "policy-domain", p->domain);
	if (p->nmx > 0)
		put_texts(j, "mx-host", p->mx, p->nmx);
	json_object_end(j);
}

static void
put_known(struct json *j, const char *key, struct span text)
{
	if (text.n > 0)
		json_text(j, key, text);
}

static void
put_ip(struct json *j, const char *key, const struct ip *ip)
{
	char	text[IP_TEXT_MAX];

	if (ip->family != 0)
		json_str(j, key, ip_format(ip, text));
}

static void
put_failure(struct json *j, const struct report_failure *f)
{
	json_object(j, NULL);
	json_text(j, "result-type", f->result);
	put_ip(j, "sending-mta-ip", &f->source);
	put_known(j, "receiving-mx-hostname", f->host);
	put_known(j, "receiving-mx-helo", f->helo);
	put_ip(j, "receiving-ip", &f->target);
	json_uint(j, "failed-session-count", f->sessions);
	put_known(j, "failure-reason-code", f->reason);
	json_object_end(j);
}

static void
put_sessions(struct json *j, const struct report_policy *p)
{
	const struct report_failure	*f;

	json_object(j, NULL);
	put_policy(j, p);
	json_object(j, "summary");
	json_uint(j, "total-successful-session-count", p->good);
	json_uint(j, "total-failure-session-count", p->bad);
	json_object_end(j);
	if (p->failures != NULL) {
		json_array(j, "failure-details");
		for (f = p->failures; f != NULL; f = f->next)
			put_failure(j, f);
		json_array_end(j);
	}
	json_object_end(j);
}

static void
put_range(struct json *j, const struct report_day *d)
{
	char	text[DATE_MAX];

	json_object(j, "date-range");
	json_str(j, "start-datetime", date_iso(d->day * REPORT_DAY_S * 1000,
	    text));
	json_str(j, "end-datetime", date_iso(((d->day + 1) * REPORT_DAY_S -
	    1) * 1000, text));
	json_object_end(j);
}

void
report_json(const struct report_day *d, const struct report_domain *o,
    const struct report_author *who, struct buf *out)
{
	const struct report_policy	*p;
	struct json			 j;
	char				 id[REPORT_ID_TEXT];
	struct buf			 whole = { 0 };

	buf_addf(&whole, "%s@%.*s", report_id(d, o, id),
	    SPAN_ARG(report_submitter(who)));
	json_init(&j, out);
	json_object(&j, NULL);
	json_text(&j, "organization-name", who->organization);
	put_range(&j, d);
	json_text(&j, "contact-info", who->contact);
	json_text(&j, "report-id", buf_span(&whole));
	json_array(&j, "policies");
	for (p = o->policies; p != NULL; p = p->next)
		put_sessions(&j, p);
	json_array_end(&j);
	json_object_end(&j);
	buf_clear(&whole);
}

/* --- gzip */

bool
report_gzip(struct span in, struct buf *out)
{
	z_stream	z = { 0 };
	size_t		room;
	int		got;

	/* 15: the window; 16 more: a gzip head. */
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
	    Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	room = deflateBound(&z, (uLong)in.n);
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (Bytef *)buf_reserve(out, room);
	z.avail_out = (uInt)room;
	got = deflate(&z, Z_FINISH);
	if (got == Z_STREAM_END)
		buf_grown(out, z.total_out);
	(void)deflateEnd(&z);
	return got == Z_STREAM_END;
}
