/*
 * cmd_data.c - DATA (RFC 5321, 4.1.1.4); what follows it is in content.c and
 * store.c.
 */
#include "config.h"

#include "mta/smtp/commands.h"
#include "mta/smtp/content.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"

/*
 * After a refused DATA what stands behind it in the same packet would be read
 * as commands.  A client must wait for our answer here (RFC 2920, 3.1); one
 * that has not is perhaps carrying somebody's content: nothing more is read.
 */
void
data_refused(struct session *s)
{
	if (!s->more || s->state == SMTP_CLOSING)
		return;
	session_reply(s, REPLY_OUT_OF_STEP, SPAN_NONE);
	s->linger = true;
	session_close(s, "out of step");
}

static void
data_decided(struct session *s, const struct rs_verdict *v)
{
	if (session_refused(s, v)) {
		transaction_end(s);
		if (s->state != SMTP_CLOSING)
			session_enter(s, SMTP_READY, "refused");
		data_refused(s);
		return;
	}
	if (v->kind == RS_V_DISCARD)
		s->tx->discard = true;
	session_reply(s, REPLY_DATA, SPAN_NONE);
	content_begin(s);
	session_enter(s, SMTP_CONTENT, "DATA");
}

void
cmd_data(struct session *s, const struct smtp_command *c)
{
	if (c->args.n > 0) {
		session_refuse(s, REPLY_NO_ARGS, c->word);
		data_refused(s);
		return;
	}
	/* RFC 3030, 3: lines of binary content have no end to be found. */
	if (s->tx->params.body == PARAMS_BODY_BINARYMIME) {
		session_refuse(s, REPLY_BINARY_DATA, SPAN_NONE);
		data_refused(s);
		return;
	}
	session_ask(s, RS_HOOK_DATA, data_decided);
}
