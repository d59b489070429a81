/*
 * received.c - the Received: field.
 */
#include "config.h"

#include <stdio.h>

#include "mail/date.h"
#include "mta/smtp/received.h"

/*
 * A name with S or A begins with E; HELO has neither, and SMTPUTF8 (whose names
 * have no E) belongs to EHLO.
 */
const char *
received_with(const struct received *r, char out[RECEIVED_WITH_MAX])
{
	snprintf(out, RECEIVED_WITH_MAX, "%s%s%s%s",
	    r->utf8 ? "UTF8" : "",
	    r->lmtp ? "LMTP" : r->esmtp && !r->utf8 ? "ESMTP" : "SMTP",
	    r->tls && (r->esmtp || r->lmtp) ? "S" : "",
	    r->login && (r->esmtp || r->lmtp) ? "A" : "");
	return out;
}

void
received_put(const struct received *r, struct buf *out)
{
	char	date[DATE_MAX], literal[64], with[RECEIVED_WITH_MAX];

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
	buf_add_str(out, received_with(r, with));
	buf_add_str(out, " id ");
	buf_add_str(out, r->qid);
	if (r->tls) {
		buf_add_str(out, "\r\n\t(");
		buf_add_span(out, r->tls_version);
		buf_add_str(out, " with ");
		buf_add_span(out, r->tls_cipher);
		buf_add_char(out, ')');
	}
	if (r->rcpt.n > 0) {
		buf_add_str(out, "\r\n\tfor <");
		buf_add_span(out, r->rcpt);
		buf_add_char(out, '>');
	}
	buf_add_str(out, ";\r\n\t");
	buf_add_str(out, date_rfc5322(r->now_ms, date));
	buf_add_str(out, "\r\n");
}
