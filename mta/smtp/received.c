/*
 * received.c - the Received: field.
 */
#include "config.h"

#include "mail/date.h"
#include "mta/smtp/received.h"

void
received_put(const struct received *r, struct buf *out)
{
	char	date[DATE_MAX], literal[64];

	buf_add_str(out, "Received: from ");
	buf_add_span(out, r->helo);
	buf_add_str(out, " (");
	if (r->client_name.n > 0) {
		buf_add_span(out, r->client_name);
		buf_add_char(out, ' ');
	}
	buf_add_str(out, ip_literal(r->client, literal));
	buf_add_str(out, ")\r\n\tby ");
	buf_add_span(out, r->hostname);
	buf_add_str(out, " (Waybill) with ");
	buf_add_str(out, r->esmtp ? "ESMTP" : "SMTP");
	buf_add_str(out, " id ");
	buf_add_str(out, r->qid);
	if (r->rcpt.n > 0) {
		buf_add_str(out, "\r\n\tfor <");
		buf_add_span(out, r->rcpt);
		buf_add_char(out, '>');
	}
	buf_add_str(out, ";\r\n\t");
	buf_add_str(out, date_rfc5322(r->now_ms, date));
	buf_add_str(out, "\r\n");
}
