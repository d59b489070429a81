/*
 * report_mail.c - a report that goes by mail (RFC 8460, 5.3).
 *
 * It is not signed here: a DKIM signature is a milter's affair, and who is
 * strict takes no report without one (RFC 8460, 3).
 */
#include "mta/fetch/report_json.h"

#include "mail/date.h"

#define LINE_OCTETS	57	/* 76 digits (RFC 2045, 6.8) */

static void
put_base64(struct buf *out, struct span in)
{
	static const char	digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t			i, left;
	uint32_t		v;

	for (i = 0; i < in.n; i += 3) {
		left = in.n - i;
		v = (uint32_t)(uint8_t)in.p[i] << 16;
		if (left > 1)
			v |= (uint32_t)(uint8_t)in.p[i + 1] << 8;
		if (left > 2)
			v |= (uint8_t)in.p[i + 2];
		buf_add_char(out, digits[v >> 18]);
		buf_add_char(out, digits[v >> 12 & 63]);
		buf_add_char(out, left > 1 ? digits[v >> 6 & 63] : '=');
		buf_add_char(out, left > 2 ? digits[v & 63] : '=');
		if ((i + 3) % LINE_OCTETS == 0 || i + 3 >= in.n)
			buf_add_str(out, "\r\n");
	}
}

static void
put_header(const struct report_domain *o, const struct report_author *who,
    struct span to, const char *id, int64_t now_ms, struct buf *out)
{
	const struct span	us = report_submitter(who);
	char			date[DATE_MAX];

	buf_addf(out, "From: <%.*s>\r\nTo: <%.*s>\r\nDate: %s\r\n",
	    SPAN_ARG(who->from), SPAN_ARG(to), date_rfc5322(now_ms, date));
	buf_addf(out, "Subject: Report Domain: %.*s\r\n\tSubmitter: %.*s\r\n"
	    "\tReport-ID: <%s@%.*s>\r\n", SPAN_ARG(o->name), SPAN_ARG(us), id,
	    SPAN_ARG(us));
	buf_addf(out, "Message-ID: <%s@%.*s>\r\n"
	    "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\n", id,
	    SPAN_ARG(us), SPAN_ARG(o->name), SPAN_ARG(us));
	/* 5.3: policies are not kept; what is wrong with TLS there shall arrive there */
	buf_addf(out, "TLS-Required: No\r\nAuto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: multipart/report; "
	    "report-type=\"tlsrpt\";\r\n\tboundary=\"=_%s\"\r\n\r\n", id);
}

static void
put_text(const struct report_day *d, const struct report_domain *o,
    const struct report_author *who, const char *id, struct buf *out)
{
	char	day[REPORT_DAY_TEXT];

	buf_addf(out, "--=_%s\r\nContent-Type: text/plain; charset=us-ascii\r\n"
	    "\r\nThis is an aggregate TLS report (RFC 8460) from %.*s\r\n"
	    "about sessions with the mail hosts of %.*s\r\n"
	    "on %s (UTC).\r\n", id, SPAN_ARG(report_submitter(who)),
	    SPAN_ARG(o->name), report_day_text(d->day, day));
}

void
report_mail(const struct report_day *d, const struct report_domain *o,
    const struct report_author *who, struct span to, int64_t now_ms,
    struct span zipped, struct buf *out)
{
	char	id[REPORT_ID_TEXT];

	(void)report_id(d, o, id);
	put_header(o, who, to, id, now_ms, out);
	put_text(d, o, who, id, out);
	buf_addf(out, "--=_%s\r\nContent-Type: application/tlsrpt+gzip\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment;\r\n\tfilename=\"", id);
	report_filename(d, o, who, out);
	buf_add_str(out, "\"\r\n\r\n");
	put_base64(out, zipped);
	buf_addf(out, "--=_%s--\r\n", id);
}
