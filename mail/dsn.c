/*
 * dsn.c - delivery status notifications: composing one.
 *
 * A multipart/report (RFC 6522) of a text for people, the fields of RFC 3464
 * for programs, and the header of the message that it is about; with UTF-8
 * the types of RFC 6533.  What others wrote (addresses, replies) goes through
 * header_put() or put_text(), so that it can neither end a line nor a part.
 */
#include "config.h"

#include <stdio.h>

#include "mail/date.h"
#include "mail/dsn.h"
#include "mail/header.h"

#define TEXT_WIDTH	72	/* octets of a line for people */
#define TEXT_HARD_MAX	900	/* a word is cut there; RFC 5322, 2.1.1 */
#define REPLY_MAX	1000	/* octets of a reply that are quoted */

/* What is being written. */
struct report {
	const struct dsn	*d;
	struct buf		*out;
	struct buf		 line;		/* of put(): one field */
	char			 boundary[64];
};

/* Octets above 127 only where the report is UTF-8; controls never. */
static void
add_clean(const struct report *r, struct span s, struct buf *out)
{
	size_t	 i;

	for (i = 0; i < s.n; i++) {
		unsigned char	 ch = (unsigned char)s.p[i];

		if (ch < ' ' || ch == 0x7f)
			ch = ' ';
		buf_add_char(out, ch >= 0x80 && !r->d->header_utf8 ? '?' :
		    (char)ch);
	}
}

/* "name: before value after", folded. */
static void
put(struct report *r, const char *name, const char *before, struct span value,
    const char *after)
{
	buf_reset(&r->line);
	buf_addf(&r->line, "%s: %s", name, before);
	add_clean(r, value, &r->line);
	buf_add_str(&r->line, after);
	header_put(buf_span(&r->line), r->out);
}

static void
put_date(struct report *r, const char *name, int64_t ms)
{
	char	 date[DATE_MAX];

	if (ms > 0)
		put(r, name, "", span_of(date_rfc5322(ms, date)), "");
}

/* Octets of the next line: to a blank before TEXT_WIDTH, or else after it. */
static size_t
text_line(struct span s)
{
	size_t	 i, best = 0;

	for (i = 0; i < s.n; i++) {
		if (i >= TEXT_WIDTH && best > 0)
			return best;
		if (i >= TEXT_HARD_MAX)
			return i;
		if (s.p[i] == ' ' && i > 0)
			best = i;
	}
	return s.n;
}

/* A paragraph for people, wrapped, each line behind indent. */
static void
put_text(struct report *r, const char *indent, struct span text)
{
	struct span	 s;
	size_t		 n;

	buf_reset(&r->line);
	add_clean(r, text, &r->line);
	for (s = span_trim(buf_span(&r->line)); s.n > 0;
	    s = span_trim(span_from(s, n))) {
		n = text_line(s);
		buf_addf(r->out, "%s%.*s\r\n", indent, (int)n, s.p);
	}
}

static struct span
reply_of(const struct dsn_rcpt *rc)
{
	struct span	 s = rc->reply;

	if (s.n > REPLY_MAX)
		s.n = REPLY_MAX;
	return s;
}

static bool
has(const struct dsn *d, enum dsn_action action)
{
	size_t	 i;

	for (i = 0; i < d->n; i++)
		if (d->rcpts[i].action == action)
			return true;
	return false;
}

/* One that stands nowhere in what is quoted. */
static void
choose_boundary(struct report *r)
{
	unsigned	 i = 0;
	char		 id[17];
	size_t		 n = 0;

	for (; n < sizeof(id) - 1 && n < r->d->id.n; n++) {
		char	 c = ascii_lower(r->d->id.p[n]);

		id[n] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ?
		    c : '_';
	}
	id[n] = '\0';
	do
		snprintf(r->boundary, sizeof(r->boundary), "=_%s_%llx_%u", id,
		    (unsigned long long)r->d->now_ms, i++);
	while (r->d->header.n > 0 && memmem(r->d->header.p, r->d->header.n,
	    r->boundary, strlen(r->boundary)) != NULL);
}

static bool
is_eightbit(struct span s)
{
	unsigned char	 all = 0;
	size_t		 i;

	for (i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all >= 0x80;
}

static void
put_header(struct report *r)
{
	const struct dsn	*d = r->d;

	put(r, "From", "Mail Delivery System <MAILER-DAEMON@",
	    d->reporting_mta, ">");
	put(r, "To", "<", d->sender, ">");
	put(r, "Subject", has(d, DSN_FAILED) ? "Undelivered mail" :
	    "Delayed mail", SPAN_NONE, "");
	put_date(r, "Date", d->now_ms > 0 ? d->now_ms : 1);
	buf_addf(r->out, "Message-ID: <%s@", r->boundary + 2);
	add_clean(r, d->reporting_mta, r->out);
	buf_addf(r->out, ">\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=%sdelivery-status;\r\n"
	    " boundary=\"%s\"\r\n", d->header_utf8 ? "global-" : "",
	    r->boundary);
	if (d->header_utf8 || is_eightbit(d->header))
		buf_add_str(r->out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_str(r->out, "\r\n");
}

static void
begin_part(struct report *r, const char *type, bool eightbit)
{
	buf_addf(r->out, "\r\n--%s\r\nContent-Type: %s\r\n", r->boundary,
	    type);
	if (eightbit)
		buf_add_str(r->out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_str(r->out, "\r\n");
}

/* One recipient, for people. */
static void
put_story(struct report *r, const struct dsn_rcpt *rc)
{
	char	 date[DATE_MAX];

	buf_add_str(r->out, "\r\n<");
	add_clean(r, rc->address, r->out);
	buf_add_str(r->out, ">\r\n");
	put_text(r, "    ", rc->why);
	if (rc->reply.n > 0) {
		buf_add_str(r->out, "    ");
		if (rc->mta.n > 0)
			add_clean(r, rc->mta, r->out);
		else
			buf_add_str(r->out, "the next server");
		buf_add_str(r->out, " said:\r\n");
		put_text(r, "        ", reply_of(rc));
	}
	if (rc->action == DSN_DELAYED && rc->will_retry_until_ms > 0)
		buf_addf(r->out, "    it is tried again until %s\r\n",
		    date_rfc5322(rc->will_retry_until_ms, date));
}

static void
put_stories(struct report *r, enum dsn_action action, const char *intro)
{
	size_t	 i;

	if (!has(r->d, action))
		return;
	buf_add_str(r->out, "\r\n");
	put_text(r, "", span_of(intro));
	for (i = 0; i < r->d->n; i++)
		if (r->d->rcpts[i].action == action)
			put_story(r, &r->d->rcpts[i]);
}

static void
put_people(struct report *r)
{
	begin_part(r, r->d->header_utf8 ? "text/plain; charset=utf-8" :
	    "text/plain; charset=us-ascii", r->d->header_utf8);
	buf_add_str(r->out, "This is the mail server ");
	add_clean(r, r->d->reporting_mta, r->out);
	buf_add_str(r->out, ".\r\n");
	put_stories(r, DSN_FAILED, "Your message could not be delivered to "
	    "the following recipients, and will not be tried again:");
	put_stories(r, DSN_DELAYED, "Your message has not been delivered to "
	    "the following recipients yet. You need not send it again:");
	buf_add_str(r->out, "\r\nThe header of your message is attached.\r\n");
}

/* Per-recipient fields (RFC 3464, 2.3). */
static void
put_rcpt(struct report *r, const struct dsn_rcpt *rc)
{
	buf_add_str(r->out, "\r\n");
	put(r, "Final-Recipient", r->d->header_utf8 &&
	    is_eightbit(rc->address) ? "utf-8; " : "rfc822; ", rc->address,
	    "");
	put(r, "Action", rc->action == DSN_FAILED ? "failed" : "delayed",
	    SPAN_NONE, "");
	put(r, "Status", "", rc->status, "");
	if (rc->mta.n > 0)
		put(r, "Remote-MTA", "dns; ", rc->mta, "");
	if (rc->reply.n > 0)
		put(r, "Diagnostic-Code", "smtp; ", reply_of(rc), "");
	put_date(r, "Last-Attempt-Date", rc->last_attempt_ms);
	if (rc->action == DSN_DELAYED)
		put_date(r, "Will-Retry-Until", rc->will_retry_until_ms);
}

/* Per-message fields (RFC 3464, 2.2), then each recipient's. */
static void
put_programs(struct report *r)
{
	size_t	 i;

	begin_part(r, r->d->header_utf8 ? "message/global-delivery-status" :
	    "message/delivery-status", r->d->header_utf8);
	put(r, "Reporting-MTA", "dns; ", r->d->reporting_mta, "");
	put(r, "X-Waybill-Queue-ID", "", r->d->id, "");
	put_date(r, "Arrival-Date", r->d->arrival_ms);
	for (i = 0; i < r->d->n; i++)
		put_rcpt(r, &r->d->rcpts[i]);
}

static void
put_original(struct report *r)
{
	struct span	 h = r->d->header;

	begin_part(r, r->d->header_utf8 ? "message/global-headers" :
	    "text/rfc822-headers", r->d->header_utf8 || is_eightbit(h));
	buf_add_span(r->out, h);
	if (h.n > 0 && h.p[h.n - 1] != '\n')
		buf_add_str(r->out, "\r\n");
}

void
dsn_compose(const struct dsn *d, struct buf *out)
{
	struct report	 r = { .d = d, .out = out };

	choose_boundary(&r);
	put_header(&r);
	put_people(&r);
	put_programs(&r);
	put_original(&r);
	buf_addf(out, "\r\n--%s--\r\n", r.boundary);
	buf_clear(&r.line);
}
