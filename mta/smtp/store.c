/*
 * store.c - after the final dot or the last chunk: is it good, what do the rules say, is it safe.
 *
 *   check    what was found while it came; size, hops
 *   mend     what a submission lacks in its header (submission.h)
 *   rewrite  the addresses of the header, `inbound header` (rewrite.h)
 *   decide   `on content`
 *   route    again, when it reads tags (reroute.h)
 *   rewrite  `outbound header`, of what originates here
 *   edit     header edits of all the session's hooks; TLS-Required is read after them
 *   cut      it is sent on before it is answered, where the policy says so (cut.h)
 *   file     a large content's file is finished and synced
 *   intake   the record is written and synced: then 250
 */
#include "config.h"

#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mail/header.h"
#include "mta/smtp/content.h"
#include "mta/smtp/cut.h"
#include "mta/smtp/lmtp.h"
#include "mta/smtp/reroute.h"
#include "mta/smtp/rewrite.h"
#include "mta/smtp/server.h"
#include "mta/smtp/submission.h"
#include "mta/smtp/transaction.h"
#include "mta/spool/segment.h"

/* --- the end of a transaction */

static void
transaction_over(struct session *s, const char *event)
{
	transaction_end(s);
	if (s->state == SMTP_CLOSING)
		return;
	session_enter(s, SMTP_READY, event);
	session_touch(s);
}

/* In LMTP for each recipient. */
static void
say(struct session *s, enum smtp_reply id, struct span arg)
{
	size_t	mark = lmtp_mark(s);

	session_reply(s, id, arg);
	lmtp_repeat(s, mark);
}

static void
refuse(struct session *s, enum smtp_reply id)
{
	size_t	mark = lmtp_mark(s);

	session_refuse(s, id, SPAN_NONE);
	lmtp_repeat(s, mark);
	transaction_over(s, "refused");
}

/* The same for a verdict; false: it does not refuse. */
static bool
refused(struct session *s, const struct rs_verdict *v)
{
	size_t	mark = lmtp_mark(s);

	if (!session_refused(s, v))
		return false;
	lmtp_repeat(s, mark);
	transaction_over(s, "refused");
	return true;
}

/* --- check */

enum smtp_reply
store_fault(const struct session *s)
{
	const struct transaction	*t = s->tx;

	switch (t->fault) {
	case CONTENT_SIZE:
		return REPLY_SIZE;
	case CONTENT_HEADER:
		return REPLY_DATA_HEADER;
	case CONTENT_SPACE:
		return REPLY_FULL;
	case CONTENT_FAILED:
		return REPLY_NOT_STORED;
	case CONTENT_GOOD:
		break;
	}
	/* RFC 5321, 2.3.8 and 4.1.1.4: smuggling begins with these. */
	if (t->dot.bare)
		return REPLY_DATA_BARE;
	if (t->dot.nul)
		return REPLY_DATA_NUL;
	if (t->dot.long_line)
		return REPLY_DATA_LINE;
	return s->facts.hops > s->gen->hops_max ? REPLY_HOPS : REPLY_NREPLIES;
}

/* --- intake */

static void
said_good(struct session *s, enum smtp_reply id, const char *event)
{
	say(s, id, span_of(s->tx->qid_text));
	s->messages++;
	s->server->count.accepted++;
	transaction_over(s, event);
}

static void
stored(void *arg, enum intake_result r)
{
	struct session	*s = arg;

	s->tx->storing = false;
	s->stage = "content";
	if (r == INTAKE_OK)
		said_good(s, REPLY_ACCEPTED, "stored");
	else
		refuse(s, r == INTAKE_FULL ? REPLY_FULL : REPLY_NOT_STORED);
	session_resume(s);
}

static void
give_to_intake(struct session *s)
{
	struct transaction	*t = s->tx;
	struct intake_message	*m = xcalloc(1, sizeof(*m));

	m->qid = t->qid;
	if (t->body != NULL) {
		m->in_body = true;
		m->content_length = body_length(t->body);
		m->content_crc = body_crc(t->body);
		body_close(&t->body, true);
		buf_clear(&t->content);
	} else {
		m->content_length = t->content.n;
		buf_take(&m->content, &t->content);
	}
	m->held = m->content.n;
	s->server->held -= t->held;
	t->held = 0;
	transaction_envelope(s, m->content_length, &m->envelope);
	m->done = stored;
	m->arg = s;
	t->storing = true;
	intake_store(s->server->intake, m);
	session_park(s);
}

/* --- file */

static void
file_finished(void *arg, int error)
{
	struct session	*s = arg;

	if (error == 0) {
		give_to_intake(s);
		return;
	}
	errno = error;
	log_warn("body file id=%s", s->tx->qid_text);
	refuse(s, error == ENOSPC ? REPLY_FULL : REPLY_NOT_STORED);
	session_resume(s);
}

static void
finish_file(struct session *s)
{
	struct transaction	*t = s->tx;

	body_finish(t->body, &t->content, &t->new_header, t->header_n,
	    file_finished, s);
	session_park(s);
}

static void
file_there(void *arg, int error)
{
	struct session	*s = arg;

	if (error == 0)
		finish_file(s);
	else
		file_finished(s, error);
}

static void
keep(struct session *s)
{
	struct transaction	*t = s->tx;

	if (t->body != NULL)
		finish_file(s);
	else if (t->content.n > SEGMENT_BODY_MAX) {
		t->body = body_open(s->server->intake, s->server->bodies,
		    t->qid, file_there, s);
		session_park(s);
	} else
		give_to_intake(s);
}

/* --- edit */

static void
edited_header(const struct session *s, struct span all, struct buf *out)
{
	const struct transaction	*t = s->tx;
	struct buf			 once = { 0 };
	struct span			 client;

	/* What the session's rules want, then what the message's do. */
	client = span_from(all, t->received_n);
	buf_add(out, all.p, t->received_n);
	if (s->edits.n == 0 || t->edits.n == 0) {
		const struct edits *e = s->edits.n > 0 ? &s->edits : &t->edits;

		header_apply(client, e->v, e->n, out);
		return;
	}
	header_apply(client, s->edits.v, s->edits.n, &once);
	header_apply(buf_span(&once), t->edits.v, t->edits.n, out);
	buf_clear(&once);
}

static void
edit(struct session *s)
{
	struct transaction	*t = s->tx;
	struct span		 all, body;
	struct buf		 out = { 0 };

	if (s->edits.n == 0 && t->edits.n == 0) {
		if (t->body != NULL && t->header_changed)
			buf_take(&t->new_header, &t->header);
		return;
	}
	if (t->body != NULL) {
		edited_header(s, buf_span(&t->header), &t->new_header);
		return;
	}
	all = buf_span(&t->content);
	body = span_from(all, t->received_n +
	    header_size(span_from(all, t->received_n)));
	edited_header(s, all, &out);
	buf_add_span(&out, body);
	buf_clear(&t->content);
	t->content = out;
}

/* --- cut */

static void
cut_over(struct session *s, enum cut_end end, const struct rs_verdict *v)
{
	switch (end) {
	case CUT_TAKEN:
		said_good(s, REPLY_RELAYED, "cut through");
		break;
	case CUT_REFUSED:
		(void)refused(s, v);
		break;
	case CUT_SPOOL:
		keep(s);
		break;
	}
}

/* --- decide */

static void
edit_and_keep(struct session *s)
{
	edit(s);
	transaction_read_header(s->tx);
	if (cut_wanted(s))
		cut_try(s, cut_over);
	else
		keep(s);
}

static void
cannot_rewrite(struct session *s)
{
	enum smtp_reply	fault = store_fault(s);

	refuse(s, fault != REPLY_NREPLIES ? fault : REPLY_NOT_REWRITTEN);
}

static void
octets_counted(struct session *s, bool ok)
{
	if (ok)
		edit_and_keep(s);
	else
		transaction_over(s, "refused");
}

static void
outbound_rewritten(struct session *s, enum rewritten is,
    const struct address *none)
{
	(void)none;
	if (is == REWRITTEN_CANNOT)
		cannot_rewrite(s);
	else
		user_limit_ask(s, USER_OCTETS, s->tx->octets, octets_counted);
}

static void
route_decided(struct session *s, const struct rs_verdict *v)
{
	if (!refused(s, v))
		rewrite_header_out(s, outbound_rewritten);
}

static void
content_decided(struct session *s, const struct rs_verdict *v)
{
	if (refused(s, v))
		return;
	if (v->kind == RS_V_DISCARD || s->tx->discard || s->tx->nrcpts == 0) {
		session_discarded(s);
		say(s, REPLY_DISCARDED, SPAN_NONE);
		transaction_over(s, "discarded");
		return;
	}
	if (reroute_needed(s))
		reroute_ask(s, route_decided);
	else
		rewrite_header_out(s, outbound_rewritten);
}

static void
set_facts(struct session *s)
{
	struct transaction	*t = s->tx;

	s->facts.content = transaction_content(t);
	if (t->parts != NULL)
		policy_parts_end(t->parts);
	s->facts.parts = t->parts;
	s->facts.size = t->octets;
	s->facts.lines = t->dot.lines;
	s->facts.hops = header_hops(s->facts.content);
}

static void
inbound_rewritten(struct session *s, enum rewritten is,
    const struct address *none)
{
	(void)none;
	set_facts(s);
	if (is == REWRITTEN_CANNOT)
		cannot_rewrite(s);
	else
		session_ask(s, RS_HOOK_CONTENT, content_decided);
}

void
store_message(struct session *s)
{
	enum smtp_reply	fault;

	s->stage = "content";
	session_enter(s, SMTP_STORING, s->state == SMTP_CHUNK ? "last chunk" :
	    "final dot");
	set_facts(s);
	fault = store_fault(s);
	if (fault != REPLY_NREPLIES)
		refuse(s, fault);
	else {
		submission_mend(s);
		rewrite_header_in(s, inbound_rewritten);
	}
}
