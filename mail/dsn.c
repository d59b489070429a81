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
#include "mail/xtext.h"

#define TEXT_WIDTH	72	/* octets of a line for people */
#define TEXT_HARD_MAX	900	/* a word is cut there; RFC 5322, 2.1.1 */
#define REPLY_MAX	1000	/* octets of a reply that are quoted */

/* What is being written. */
struct report {
	const struct dsn	*d;
	struct buf		*out;
	struct buf		 line;		/* of put(): one field */
	struct buf		 text;		/* of put_address() */
	char			 boundary[64];
};

/* By enum dsn_action. */
static const struct {
	const char	*word;		/* RFC 3464, 2.3.3 */
	const char	*subject;
	const char	*intro;
} actions[DSN_NACTIONS] = {
	[DSN_FAILED] = { "failed", "Undelivered mail",
	    "Your message could not be delivered to the following "
	    "recipients, and will not be tried again:" },
	[DSN_DELAYED] = { "delayed", "Delayed mail",
	    "Your message has not been delivered to the following recipients "
	    "yet. You need not send it again:" },
	[DSN_DELIVERED] = { "delivered", "Delivered mail",
	    "Your message has been delivered to the following recipients:" },
	[DSN_RELAYED] = { "relayed", "Relayed mail",
	    "Your message has been handed on for the following recipients to "
	    "a server that does not tell what becomes of it:" },
	[DSN_EXPANDED] = { "expanded", "Expanded mail",
	    "Your message has reached the following addresses and is handed "
	    "on from there to several recipients:" },
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
		buf_add_char(out, ch >= 0x80 && !r->d->utf8 ? '?' :
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
	while (r->d->original.n > 0 && memmem(r->d->original.p,
	    r->d->original.n, r->boundary, strlen(r->boundary)) != NULL);
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

/* Of what matters most. */
static const char *
subject(const struct dsn *d)
{
	unsigned	 action = 0;

	while (action < DSN_NACTIONS - 1 && !has(d, action))
		action++;
	return actions[action].subject;
}

static void
put_header(struct report *r)
{
	const struct dsn	*d = r->d;

	put(r, "From", "Mail Delivery System <MAILER-DAEMON@",
	    d->reporting_mta, ">");
	put(r, "To", "<", d->sender, ">");
	put(r, "Subject", subject(d), SPAN_NONE, "");
	put_date(r, "Date", d->now_ms > 0 ? d->now_ms : 1);
	buf_addf(r->out, "Message-ID: <%s@", r->boundary + 2);
	add_clean(r, d->reporting_mta, r->out);
	buf_addf(r->out, ">\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=%sdelivery-status;\r\n"
	    " boundary=\"%s\"\r\n", d->utf8 ? "global-" : "",
	    r->boundary);
	if (d->utf8 || is_eightbit(d->original))
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
put_stories(struct report *r, enum dsn_action action)
{
	size_t	 i;

	if (!has(r->d, action))
		return;
	buf_add_str(r->out, "\r\n");
	put_text(r, "", span_of(actions[action].intro));
	for (i = 0; i < r->d->n; i++)
		if (r->d->rcpts[i].action == action)
			put_story(r, &r->d->rcpts[i]);
}

static void
put_people(struct report *r)
{
	unsigned	 action;

	begin_part(r, r->d->utf8 ? "text/plain; charset=utf-8" :
	    "text/plain; charset=us-ascii", r->d->utf8);
	buf_add_str(r->out, "This is the mail server ");
	add_clean(r, r->d->reporting_mta, r->out);
	buf_add_str(r->out, ".\r\n");
	for (action = 0; action < DSN_NACTIONS; action++)
		put_stories(r, action);
	buf_addf(r->out, "\r\n%s of your message is attached.\r\n",
	    r->d->full ? "All" : "The header");
	if (r->d->not_full != NULL)
		put_text(r, "", span_of(r->d->not_full));
}

/* In a report of ASCII an address with other octets is utf-8-addr-xtext (RFC 6533, 3). */
static void
put_address(struct report *r, const char *name, struct span type,
    struct span address)
{
	bool	 utf8 = is_eightbit(address) ||
		    span_ieq(type, SPAN("utf-8"));

	if (utf8 && !r->d->utf8) {
		buf_reset(&r->text);
		xtext_encode_utf8(address, false, &r->text);
		address = buf_span(&r->text);
	}
	buf_reset(&r->line);
	buf_addf(&r->line, "%s: ", name);
	add_clean(r, utf8 ? SPAN("utf-8") : type, &r->line);
	buf_add_char(&r->line, ';');
	buf_add_char(&r->line, ' ');
	add_clean(r, address, &r->line);
	header_put(buf_span(&r->line), r->out);
}

/* Per-recipient fields (RFC 3464, 2.3). */
static void
put_rcpt(struct report *r, const struct dsn_rcpt *rc)
{
	buf_add_str(r->out, "\r\n");
	if (rc->orcpt_type.n > 0)
		put_address(r, "Original-Recipient", rc->orcpt_type,
		    rc->orcpt);
	put_address(r, "Final-Recipient", SPAN("rfc822"), rc->address);
	put(r, "Action", actions[rc->action].word, SPAN_NONE, "");
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

	begin_part(r, r->d->utf8 ? "message/global-delivery-status" :
	    "message/delivery-status", r->d->utf8);
	if (r->d->envid.n > 0)
		put(r, "Original-Envelope-Id", "", r->d->envid, "");
	put(r, "Reporting-MTA", "dns; ", r->d->reporting_mta, "");
	put(r, "X-Waybill-Queue-ID", "", r->d->id, "");
	put_date(r, "Arrival-Date", r->d->arrival_ms);
	for (i = 0; i < r->d->n; i++)
		put_rcpt(r, &r->d->rcpts[i]);
}

/* By full and utf8. */
static const char *
original_type(const struct dsn *d)
{
	if (d->full)
		return d->utf8 ? "message/global" : "message/rfc822";
	return d->utf8 ? "message/global-headers" : "text/rfc822-headers";
}

static void
put_original(struct report *r)
{
	struct span	 s = r->d->original;

	begin_part(r, original_type(r->d), r->d->utf8 || is_eightbit(s));
	buf_add_span(r->out, s);
	if (s.n > 0 && s.p[s.n - 1] != '\n')
		buf_add_str(r->out, "\r\n");
}

bool
dsn_needs_utf8(const struct dsn *d)
{
	size_t	 i;

	if (is_eightbit(d->sender) ||
	    is_eightbit(span_mem(d->original.p, header_size(d->original))))
		return true;
	for (i = 0; i < d->n; i++)
		if (is_eightbit(d->rcpts[i].address) ||
		    is_eightbit(d->rcpts[i].orcpt))
			return true;
	return false;
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
	buf_clear(&r.text);
}
