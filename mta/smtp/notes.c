/*
 * notes.c - what the postmaster may be told of a session; notes.h.
 *
 * A worker tells of TOLD_HOURLY sessions of a class in an hour; of the others
 * it says with the next how many they were.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/smtp/notes.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/transcript.h"

#define HOUR_MS		(60 * 60 * 1000)
#define REFUSALS_MAX	20	/* that are shown of one session */
#define VALUE_MAX	330	/* octets of an address or a name as shown */

struct notes {
	unsigned		wanted;
	struct transcript	transcript;
	size_t			said;		/* octets of s->out in it */
	unsigned		wrong, refused;
	struct buf		refusals;
};

/* --- which are wanted */

static struct span
word_at(const struct rs_image *im, const struct rs_optval *o, unsigned n)
{
	struct rs_place	p = rs_option_place(im, o, n);

	return p.is_func || p.index == UINT32_MAX ? SPAN_NONE :
	    rs_const(im, p.index).s;
}

unsigned
notes_wanted(const struct rs_image *im)
{
	const struct rs_optval	*o;
	unsigned		 n, wanted = 0;
	uint32_t		 i = 0;

	while (i < rs_nobject(im) && rs_object(im, i)->kind != RS_O_NOTIFY)
		i++;
	if (i == rs_nobject(im) || !rs_option(im, i, RS_OPT_NOTIFY_tell, 0, &o))
		return 0;
	for (n = 0; n < o->nplaces; n++) {
		if (span_eq(word_at(im, o, n), SPAN("policy")))
			wanted |= 1u << SESSION_TOLD_POLICY;
		if (span_eq(word_at(im, o, n), SPAN("protocol")))
			wanted |= 1u << SESSION_TOLD_PROTOCOL;
	}
	return wanted;
}

void
notes_begin(struct session *s)
{
	if (s->gen->told == 0)
		return;
	s->notes = xcalloc(1, sizeof(*s->notes));
	s->notes->wanted = s->gen->told;
}

/* --- what is noted */

static bool
has_transcript(const struct session *s)
{
	return s->notes != NULL &&
	    (s->notes->wanted >> SESSION_TOLD_PROTOCOL & 1);
}

void
notes_replies(struct session *s)
{
	struct notes	*n = s->notes;

	if (!has_transcript(s) || s->out.n <= n->said)
		return;
	transcript_server(&n->transcript,
	    span_from(buf_span(&s->out), n->said));
	n->said = s->out.n;
}

void
notes_sent(struct session *s)
{
	if (s->notes != NULL)
		s->notes->said = s->out.n;
}

void
notes_line(struct session *s, struct span line)
{
	if (!has_transcript(s))
		return;
	notes_replies(s);
	transcript_client(&s->notes->transcript, line,
	    s->state == SMTP_LOGIN);
}

void
notes_spoiled(struct session *s, const char *why)
{
	if (!has_transcript(s))
		return;
	notes_replies(s);
	transcript_spoiled(&s->notes->transcript, why);
}

void
notes_reply(struct session *s, enum smtp_reply id)
{
	if (s->notes != NULL && reply_is_protocol(id))
		s->notes->wrong++;
}

static void
put_value(struct buf *b, const char *name, struct span value)
{
	if (value.n == 0)
		return;
	buf_addf(b, " %s=", name);
	transcript_escape(value, VALUE_MAX, b);
}

void
notes_refusal(struct session *s, unsigned code, struct span status,
    struct span text)
{
	struct notes	*n = s->notes;
	struct buf	*b;

	if (n == NULL || code < 500 || n->refused++ >= REFUSALS_MAX)
		return;
	b = &n->refusals;
	buf_addf(b, "%s", s->stage);
	if (s->tx != NULL) {
		buf_add_str(b, " from=<");
		transcript_escape(transaction_sender(s->tx), VALUE_MAX, b);
		buf_add_char(b, '>');
	}
	put_value(b, "to", s->facts.rcpt);
	buf_addf(b, "\n    %u %.*s ", code, SPAN_ARG(status));
	transcript_escape(text, TRANSCRIPT_LINE_MAX, b);
	buf_addf(b, " (line %u of the policy)\n", (unsigned)s->decided_line);
}

/* --- what is told */

static void
put_client(const struct session *s, struct buf *out)
{
	char	ip[IP_TEXT_MAX], via[ORIGIN_TEXT_MAX];

	buf_addf(out, "session S%" PRIx64 ", client %s%s", s->id,
	    ip_format(&s->facts.client_ip, ip),
	    origin_text(&s->origin, via));
	put_value(out, "helo", s->facts.helo);
	put_value(out, "user", s->facts.user);
	put_value(out, "listener", s->door->name);
	buf_add_str(out, "\n\n");
}

static void
put_refusals(const struct session *s, struct buf *out)
{
	const struct notes	*n = s->notes;

	buf_addf(out, "The policy has refused mail of a client, %u time%s.\n",
	    n->refused, n->refused == 1 ? "" : "s");
	put_client(s, out);
	buf_add_span(out, buf_span(&n->refusals));
	if (n->refused > REFUSALS_MAX)
		buf_addf(out, "... and %u more\n", n->refused - REFUSALS_MAX);
}

static void
put_transcript(const struct session *s, struct buf *out)
{
	const struct notes	*n = s->notes;

	buf_addf(out, "A client has not kept to the protocol, %u time%s.\n",
	    n->wrong, n->wrong == 1 ? "" : "s");
	put_client(s, out);
	buf_add_str(out, "What was said, without content and passwords "
	    "(C: the client, S: this server):\n\n");
	transcript_put(&n->transcript, out);
}

/* Of those that come too often only their number is told, later. */
static void
tell(struct session *s, enum session_told class,
    void (*put)(const struct session *, struct buf *))
{
	struct server_told	*t = &s->server->told[class];
	int64_t			 now = loop_now_ms() + 1;
	struct buf		 text = { 0 };

	if (t->since_ms == 0 || now - t->since_ms > HOUR_MS) {
		t->since_ms = now;
		t->sent = 0;
	}
	if (t->sent == TOLD_HOURLY) {
		t->more++;
		return;
	}
	put(s, &text);
	if (intake_tell(s->server->intake, class, t->more,
	    span_mem(buf_span(&text).p, text.n < SESSION_TOLD_MAX ? text.n :
	    SESSION_TOLD_MAX))) {
		t->sent++;
		t->more = 0;
	} else
		t->more++;	/* the queue is away; the log has it */
	buf_clear(&text);
}

void
notes_end(struct session *s)
{
	struct notes	*n = s->notes;

	if (n == NULL)
		return;
	notes_replies(s);
	if (n->refused > 0 && (n->wanted >> SESSION_TOLD_POLICY & 1))
		tell(s, SESSION_TOLD_POLICY, put_refusals);
	if (n->wrong > 0 && (n->wanted >> SESSION_TOLD_PROTOCOL & 1))
		tell(s, SESSION_TOLD_PROTOCOL, put_transcript);
	transcript_clear(&n->transcript);
	buf_clear(&n->refusals);
	free(n);
	s->notes = NULL;
}
