/*
 * cmd_bdat.c - BDAT (RFC 3030, 2): content in chunks whose size is said first.
 *
 *   RCPT, CHUNKS  -- BDAT n       --> CHUNK -- n octets --> CHUNKS
 *   RCPT, CHUNKS  -- BDAT n LAST  --> CHUNK -- n octets --> STORING
 *   CHUNK         -- n octets, and something is wrong --> FAILED
 *   CHUNKS, FAILED -- RSET, EHLO  --> READY
 *
 * The octets of a chunk are eaten whatever is said to the command: what a
 * client sends as content is never read as commands.  Where their number
 * cannot be read nobody can tell one from the other, and the session ends.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "mta/smtp/chunk.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/content.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"

/* --- what was said */

struct bdat {
	uint64_t	size;
	bool		last;
	bool		good;	/* false: the size could be read, the rest not */
};

/* chunk-size: digits and nothing else; false: it cannot be read. */
static bool
bdat_parse(struct span args, struct bdat *out)
{
	size_t		n = 0;
	struct span	rest;

	*out = (struct bdat){ 0 };
	while (n < args.n && args.p[n] >= '0' && args.p[n] <= '9')
		n++;
	rest = span_from(args, n);
	if (n == 0 || n > CHUNK_DIGITS_MAX ||
	    (rest.n > 0 && rest.p[0] != ' ' && rest.p[0] != '\t') ||
	    !span_u64(span_mem(args.p, n), INT64_MAX, &out->size))
		return false;
	rest = span_trim(rest);
	out->last = span_ieq(rest, SPAN("LAST"));
	out->good = out->last || rest.n == 0;
	return true;
}

/* --- octets */

/* Those of a refused chunk: nobody waits for them for ever. */
static void
eat(struct session *s, uint64_t size)
{
	s->chunk_left = size;
	s->chunk_until_ms = loop_now_ms() + s->gen->transaction_ms;
}

/* Nothing of the message is kept any more. */
static void
failed(struct session *s)
{
	transaction_end(s);
	if (s->state != SMTP_CLOSING)
		session_enter(s, SMTP_FAILED, "chunk refused");
}

static void
say_received(struct session *s, uint64_t n)
{
	char	text[32];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	session_reply(s, REPLY_CHUNK, span_of(text));
}

/* The chunk is here. */
static void
chunk_end(struct session *s)
{
	enum smtp_reply	fault;

	if (s->chunk_last) {
		store_message(s);
		return;
	}
	s->stage = "bdat";
	if ((fault = store_fault(s)) != REPLY_NREPLIES) {
		session_refuse(s, fault, SPAN_NONE);
		failed(s);
		return;
	}
	say_received(s, s->tx->chunk_size);
	session_enter(s, SMTP_CHUNKS, "BDAT");
}

size_t
chunk_take(struct session *s, struct span in)
{
	size_t	n = in.n < s->chunk_left ? in.n : (size_t)s->chunk_left;
	bool	end = n == s->chunk_left;

	s->chunk_left -= n;
	if (s->state != SMTP_CHUNK) {
		session_touch(s);
		return n;
	}
	content_chunk(s, span_mem(in.p, n), end && s->chunk_last);
	if (end)
		chunk_end(s);
	return n;
}

/* --- the command */

static void
chunk_begin(struct session *s)
{
	struct transaction	*t = s->tx;

	session_enter(s, SMTP_CHUNK, "BDAT");
	s->chunk_left = t->chunk_size;
	if (t->octets + t->chunk_size > filtered_message_max(s) && !t->discard)
		content_too_large(s);
	if (s->chunk_left == 0)
		(void)chunk_take(s, SPAN_NONE);
}

/* `on data` is asked before the first chunk. */
static void
data_decided(struct session *s, const struct rs_verdict *v)
{
	uint64_t	size = s->tx->chunk_size;

	if (session_refused(s, v)) {
		eat(s, size);
		failed(s);
		if (s->chunk_last && s->state != SMTP_CLOSING)
			session_enter(s, SMTP_READY, "refused");
		return;
	}
	s->tx->discard |= v->kind == RS_V_DISCARD;
	content_begin(s);
	chunk_begin(s);
}

/* --- refusals */

/* What follows cannot be told from commands. */
static void
lost(struct session *s)
{
	if (s->state == SMTP_CLOSING)
		return;
	session_reply(s, REPLY_BDAT_LOST, SPAN_NONE);
	s->linger = true;
	session_close(s, "chunk of unknown size");
}

void
bdat_spoiled(struct session *s, struct span line)
{
	if (span_iprefix(line, SPAN("BDAT")))
		lost(s);
}

/* What comes behind a chunk that is lost must not pass for the message. */
static void
refuse(struct session *s, const struct bdat *b, enum smtp_reply why,
    struct span arg)
{
	session_refuse(s, why, arg);
	eat(s, b->size);
	if (s->state & (SMTP_MAIL | SMTP_RCPT | SMTP_CHUNKS))
		failed(s);
}

void
bdat_refuse(struct session *s, const struct smtp_command *c,
    enum smtp_reply why)
{
	struct bdat	b;

	if (bdat_parse(c->args, &b)) {
		refuse(s, &b, why, c->word);
		return;
	}
	session_refuse(s, why, c->word);
	lost(s);
}

void
cmd_bdat(struct session *s, const struct smtp_command *c)
{
	struct bdat	b;

	if (!bdat_parse(c->args, &b)) {
		session_refuse(s, REPLY_BDAT_SIZE, SPAN_NONE);
		lost(s);
		return;
	}
	if (!b.good) {
		refuse(s, &b, REPLY_BDAT_ARG, SPAN_NONE);
		return;
	}
	s->tx->chunk_size = b.size;
	s->chunk_last = b.last;
	if (s->state == SMTP_CHUNKS)
		chunk_begin(s);
	else
		session_ask(s, RS_HOOK_DATA, data_decided);
}
