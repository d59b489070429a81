/*
 * submission.c - the header of a submission is made whole (RFC 6409, 8).
 */
#include "config.h"

#include "mail/submit.h"
#include "mta/smtp/submission.h"
#include "mta/smtp/transaction.h"

void
submission_mend(struct session *s)
{
	struct transaction	*t = s->tx;
	struct buf		 section = { 0 };
	struct submit		 m = {
		.sender = t->sender.whole,
		.id = span_of(t->qid_text),
		.hostname = s->gen->hostname,
		.now_ms = t->arrival_ms,
	};

	if ((s->door->kind != DOOR_SUBMISSION &&
	    s->door->kind != DOOR_PROGRAMS) || t->discard)
		return;
	if (submit_header(transaction_content(t), &m, &section))
		transaction_new_header(t, buf_span(&section));
	buf_clear(&section);
	s->facts.content = transaction_content(t);
}
