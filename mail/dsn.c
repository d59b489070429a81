/*
 * dsn.c - delivery status notifications: composing one.
 *
 * A multipart/report (RFC 6522) of a text for people, the fields of RFC 3464
 * for programs, and the header of the message that it is about; with UTF-8
 * the types of RFC 6533.  What others wrote (addresses, replies) goes through
 * header_put() or dsn_text.c, so that it can neither end a line nor a part.
 */
#include "config.h"

#include <stdio.h>

#include "mail/date.h"
#include "mail/dsn.h"
#include "mail/dsn_text.h"
#include "mail/header.h"
#include "mail/transfer.h"
#include "mail/xtext.h"

#define REPLY_MAX	1000	/* octets of a reply that are quoted */

/* What is being written. */
struct report {
	const struct dsn	*d;
	struct buf		*out;
	struct buf		 line;		/* of put(): one field */
	struct buf		 text;		/* of put_address(), of the text part */
	char			 boundary[64];
};

/* RFC 3464, 2.3.3. */
static const char *const actions[DSN_NACTIONS] = {
	[DSN_FAILED] = "failed", [DSN_DELAYED] = "delayed",
	[DSN_DELIVERED] = "delivered", [DSN_RELAYED] = "relayed",
	[DSN_EXPANDED] = "expanded"
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

static struct span
reply_of(const struct dsn_rcpt *rc)
{
	struct span	 s = rc->reply;

	if (s.n > REPLY_MAX)
		s.n = REPLY_MAX;
	return s;
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

/* A header field that others have written as it is, or as words of ASCII. */
static void
put_subject(struct report *r)
{
	buf_reset(&r->text);
	dsn_text_subject(r->d, &r->text);
	buf_reset(&r->line);
	buf_add_str(&r->line, "Subject: ");
	transfer_words(buf_span(&r->text), &r->line);
	header_put(buf_span(&r->line), r->out);
}

/* RFC 3834, 3.1.3: to which message this belongs. */
static void
put_in_reply_to(struct report *r)
{
	struct header_field	f;
	struct span		body;

	if (!header_find(r->d->original, SPAN("Message-ID"), 0, &f))
		return;
	body = header_trim(f.body);
	if (body.n > 2 && body.n < 250 && body.p[0] == '<' &&
	    body.p[body.n - 1] == '>' && span_is_ascii(body) &&
	    !span_has_control(body)) {
		put(r, "In-Reply-To", "", body, "");
		put(r, "References", "", body, "");
	}
}

/* Only these octets go as they are: all else is ASCII. */
static bool
needs_8bit(const struct dsn *d)
{
	return d->utf8 || (d->full && is_eightbit(d->original));
}

/* The postmaster may be said without a domain: then he is ours. */
static void
put_to(struct report *r)
{
	const struct dsn	*d = r->d;

	buf_reset(&r->line);
	buf_add_str(&r->line, "To: <");
	add_clean(r, d->to, &r->line);
	if (span_index(d->to, '@') == -1) {
		buf_add_str(&r->line, "@");
		add_clean(r, d->reporting_mta, &r->line);
	}
	buf_add_str(&r->line, ">");
	header_put(buf_span(&r->line), r->out);
}

static void
put_header(struct report *r)
{
	const struct dsn	*d = r->d;

	put(r, "From", "Mail Delivery System <MAILER-DAEMON@",
	    d->reporting_mta, ">");
	put_to(r);
	put_subject(r);
	put_date(r, "Date", d->now_ms > 0 ? d->now_ms : 1);
	buf_addf(r->out, "Message-ID: <%s@", r->boundary + 2);
	add_clean(r, d->reporting_mta, r->out);
	buf_add_str(r->out, ">\r\n");
	put_in_reply_to(r);
	buf_addf(r->out, "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=%sdelivery-status;\r\n"
	    " boundary=\"%s\"\r\n", d->utf8 ? "global-" : "",
	    r->boundary);
	if (needs_8bit(d))
		buf_add_str(r->out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_str(r->out, "\r\n");
}

/* encoding: "8bit", "quoted-printable"; NULL: none. */
static void
begin_part(struct report *r, const char *type, const char *encoding)
{
	buf_addf(r->out, "\r\n--%s\r\nContent-Type: %s\r\n", r->boundary,
	    type);
	if (encoding != NULL)
		buf_addf(r->out, "Content-Transfer-Encoding: %s\r\n",
		    encoding);
}

static void
put_people(struct report *r)
{
	bool	ascii;

	buf_reset(&r->text);
	dsn_text_body(r->d, &r->text);
	ascii = !is_eightbit(buf_span(&r->text));
	begin_part(r, ascii ? "text/plain; charset=us-ascii" :
	    "text/plain; charset=utf-8", ascii ? NULL : "quoted-printable");
	if (r->d->language.n > 0)
		put(r, "Content-Language", "", r->d->language, "");
	buf_add_str(r->out, "\r\n");
	if (ascii)
		buf_take(r->out, &r->text);
	else
		transfer_quoted(buf_span(&r->text), r->out);
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

/* RFC 3464, 2.3.6: an SMTP reply, or what a program has said. */
static void
put_diagnostic(struct report *r, const struct dsn_rcpt *rc)
{
	buf_reset(&r->line);
	buf_add_str(&r->line, "Diagnostic-Code: ");
	add_clean(r, rc->diagnostic.n > 0 ? rc->diagnostic : SPAN("smtp"),
	    &r->line);
	buf_add_str(&r->line, "; ");
	add_clean(r, reply_of(rc), &r->line);
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
	put(r, "Action", actions[rc->action], SPAN_NONE, "");
	put(r, "Status", "", rc->status, "");
	if (rc->mta.n > 0)
		put(r, "Remote-MTA", "dns; ", rc->mta, "");
	if (rc->reply.n > 0)
		put_diagnostic(r, rc);
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
	    "message/delivery-status", r->d->utf8 ? "8bit" : NULL);
	buf_add_str(r->out, "\r\n");
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

/* A message cannot be encoded (RFC 2046, 5.2.1); a header alone is text (RFC 6522, 4). */
static const char *
original_encoding(const struct dsn *d)
{
	if (!is_eightbit(d->original))
		return NULL;
	return d->full || d->utf8 ? "8bit" : "quoted-printable";
}

static void
put_original(struct report *r)
{
	struct span	 s = r->d->original;
	const char	*encoding = original_encoding(r->d);

	begin_part(r, original_type(r->d), encoding);
	buf_add_str(r->out, "\r\n");
	if (encoding != NULL && strcmp(encoding, "quoted-printable") == 0)
		transfer_quoted(s, r->out);
	else
		buf_add_span(r->out, s);
	if (s.n > 0 && s.p[s.n - 1] != '\n')
		buf_add_str(r->out, "\r\n");
}

bool
dsn_needs_utf8(const struct dsn *d)
{
	size_t	 i;

	if (is_eightbit(d->to) ||
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
