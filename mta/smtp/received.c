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

/* Inside of a comment (RFC 5322, 3.2.2); names of users can be odd. */
static bool
is_plain(struct span name)
{
	size_t	i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' ||
		    strchr("()\\", name.p[i]) != NULL)
			return false;
	return name.n > 0 && name.n <= 64;
}

/* It has no name and no address: who runs it stands there. */
static void
put_program(const struct received *r, struct buf *out)
{
	buf_add_str(out, "Received: by ");
	buf_add_span(out, r->hostname);
	buf_add_str(out, " (Waybill, from ");
	if (is_plain(r->user) && r->user.p[0] != '#')
		buf_addf(out, "%.*s, ", SPAN_ARG(r->user));
	buf_addf(out, "uid %u)\r\n\tid %s", (unsigned)r->uid, r->qid);
}

static void
put_client(const struct received *r, struct buf *out)
{
	char	literal[64], with[RECEIVED_WITH_MAX];

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
}

void
received_put(const struct received *r, struct buf *out)
{
	char	date[DATE_MAX];

	if (r->program)
		put_program(r, out);
	else
		put_client(r, out);
	if (r->rcpt.n > 0) {
		buf_add_str(out, "\r\n\tfor <");
		buf_add_span(out, r->rcpt);
		buf_add_char(out, '>');
	}
	buf_add_str(out, ";\r\n\t");
	buf_add_str(out, date_rfc5322(r->now_ms, date));
	buf_add_str(out, "\r\n");
}
