/*
 * client_mail.c - one message: envelope, content, the answers (RFC 5321, 3.3;
 * RFC 2033, 4.2).
 */
#include "mta/relay/client_int.h"

#include <assert.h>

#include "base/log.h"

#define DATA_S	120	/* RFC 5321, 4.5.3.2.4 */

enum command { C_RSET, C_XFORWARD, C_MAIL, C_RCPT, C_DATA };

/* --- MAIL, RCPT, DATA (3.3, 4.1.1.2-4) */

/*
 * Commands of this transaction are [RSET] XFORWARD... MAIL RCPT... DATA; *nth is
 * which of several.
 */
static enum command
command_at(const struct client *c, size_t i, size_t *nth)
{
	if (!c->wants_rset)
		i++;
	if (i == 0)
		return C_RSET;
	*nth = --i;
	if (i < c->nxforward)
		return C_XFORWARD;
	i -= c->nxforward;
	if (i == 0)
		return C_MAIL;
	*nth = i - 1;
	return *nth < c->job->nsend ? C_RCPT : C_DATA;
}

bool
client_at_data(const struct client *c)
{
	size_t	rcpt;

	return c->state == ENVELOPE && command_at(c, c->next, &rcpt) == C_DATA;
}

/* Adds the next command; returns it. */
static enum command
put_command(struct client *c)
{
	size_t		nth = 0;
	enum command	what = command_at(c, c->sent++, &nth);

	switch (what) {
	case C_RSET:
		buf_add_str(&c->out, "RSET\r\n");
		break;
	case C_XFORWARD:
		client_put_xforward(c, (unsigned)nth);
		break;
	case C_MAIL:
		c->mails++;
		client_put_mail(c);
		break;
	case C_RCPT:
		client_put_rcpt(c, &c->job->rcpts[nth]);
		break;
	case C_DATA:
		buf_add_str(&c->out, "DATA\r\n");
		break;
	}
	return what;
}

/* No DATA comes behind RCPT: a probe ends there, BDAT waits for the replies. */
static bool
ends_at_rcpt(const struct client *c)
{
	size_t	rcpt;

	return (c->job->probe || c->bdat) &&
	    command_at(c, c->sent, &rcpt) == C_DATA;
}

static void
send_commands(struct client *c)
{
	enum command	what;

	do
		what = put_command(c);
	while (c->ext.pipelining && what != C_DATA && !ends_at_rcpt(c));
	client_flush(c);
}

static void
start_content(struct client *c, const char *event)
{
	const struct content_place	at = job_content(c->job);

	client_step(c, CONTENT, event);
	content_start(&c->content, &at, c->bdat, c->convert.how);
	client_proceed(c);
}

/* All of it as one chunk (RFC 3030, 2). */
static void
send_bdat(struct client *c)
{
	buf_addf(&c->out, "BDAT %llu LAST\r\n",
	    (unsigned long long)c->convert.length);
	start_content(c, "BDAT");
}

void
client_send(struct client *c, struct job *j)
{
	struct outcome	why;

	assert(c->state == IDLE && c->job == NULL);
	c->job = j;
	c->sent = c->next = c->accepted = c->answered = 0;
	c->mail_ok = c->content_done = false;
	if (client_out_of_step(c)) {
		if (c->used)
			client_stale(c);
		else
			client_surplus(c);
		return;
	}
	job_set_mta(j, span_of(c->mta));
	client_tell_tls(c, j);
	client_tell_login(c, j);
	if (!client_can_take(c, &why)) {
		job_result_rest(j, &why);
		client_finish(c, CLIENT_IDLE);
		return;
	}
	client_convert_begin(c);
}

void
client_begin_mail(struct client *c)
{
	struct outcome	why;

	if (!client_can_say(c, &why)) {
		job_result_rest(c->job, &why);
		client_finish(c, CLIENT_IDLE);
		return;
	}
	c->nxforward = client_xforwards(c);
	client_step(c, ENVELOPE, "message");
	send_commands(c);
}

/* The transaction is over before the content. */
static void
no_content(struct client *c)
{
	c->wants_rset = c->mail_ok;
	client_finish(c, CLIENT_IDLE);
}

/*
 * 530 (RFC 3207, 4) in a session that is in the clear since TLS has failed a
 * short while ago: who mends that hop's TLS gets the mail.
 */
static void
envelope_outcome(const struct client *c, const struct reply *r,
    struct outcome *why)
{
	struct outcome	said;

	outcome_reply(why, r);
	if (r->code != 530 || !c->tls.want.clear)
		return;
	said = *why;
	outcome_set(why, 451, "4.7.5", "TLS has failed there a short while "
	    "ago, and without it is said: %s", said.text);
}

static void
mail_reply(struct client *c, const struct reply *r)
{
	struct outcome	why;

	c->mail_ok = r->code / 100 == 2;
	if (c->mail_ok)
		return;
	envelope_outcome(c, r, &why);
	job_result_rest(c->job, &why);
}

static void
rcpt_reply(struct client *c, size_t rcpt, const struct reply *r)
{
	struct outcome	why;

	if (!c->mail_ok)
		return;		/* all have MAIL's answer */
	if (r->code / 100 == 2) {
		c->job->rcpts[rcpt].accepted = true;
		c->accepted++;
		if (!c->job->probe)
			return;		/* the final dot has the word */
	}
	envelope_outcome(c, r, &why);
	job_result(c->job, rcpt, &why);
}

static void
data_reply(struct client *c, const struct reply *r)
{
	struct outcome	why;

	if (r->code == 354 && client_out_of_step(c)) {
		client_surplus(c);
	} else if (r->code == 354 && c->accepted > 0) {
		start_content(c, "354");
	} else if (r->code == 354 && c->addr.lmtp) {
		client_finish(c, CLIENT_CLOSED);	/* 2033, 4.2: has to be 503 */
	} else if (r->code == 354) {	/* RFC 2920, 3.1 */
		client_step(c, LONE_DOT, "354");
		buf_add_str(&c->out, ".\r\n");
		client_flush(c);
	} else if (r->code < 400) {
		client_nonsense(c);
	} else {
		outcome_reply(&why, r);
		job_result_accepted(c->job, &why);
		no_content(c);
	}
}

/* Without PIPELINING: what comes after the reply to `what`. */
static void
next_command(struct client *c, enum command what)
{
	size_t	rcpt;

	if (client_out_of_step(c))
		client_surplus(c);
	else if (what == C_MAIL && !c->mail_ok)
		no_content(c);
	else if (command_at(c, c->sent, &rcpt) == C_DATA &&
	    (c->accepted == 0 || c->job->probe))
		no_content(c);
	else if (ends_at_rcpt(c))
		send_bdat(c);
	else
		send_commands(c);
}

void
client_envelope_reply(struct client *c, const struct reply *r)
{
	size_t		rcpt = 0;
	enum command	what = command_at(c, c->next, &rcpt);

	if (r->code / 100 == 3 && what != C_DATA) {
		client_nonsense(c);
		return;
	}
	c->deadline_ms = client_deadline(client_states[ENVELOPE].seconds);
	if (what != C_DATA)
		c->next++;
	switch (what) {
	case C_RSET:
	case C_XFORWARD:	/* for its log; a refusal changes nothing */
		break;
	case C_MAIL:
		mail_reply(c, r);
		break;
	case C_RCPT:
		rcpt_reply(c, rcpt, r);
		break;
	case C_DATA:
		data_reply(c, r);
		return;
	}
	if (c->next == c->sent)
		next_command(c, what);
	else if (client_at_data(c))
		c->deadline_ms = client_deadline(DATA_S);
}

/* --- the content (4.1.1.4, 4.5.2) */

/* An unfinished message must not look like a whole one: no dot, only the end. */
static void
content_broken(struct client *c, enum content_got got)
{
	struct outcome	why;

	if (got == CONTENT_BARE) {
		log_warnx("job=%llu event=content-bare-cr-or-lf",
		    (unsigned long long)c->job->id);
		outcome_set(&why, 554, "5.6.3", "the content has a CR or LF "
		    "that stands alone");
	} else {
		log_warn("job=%llu event=content-unreadable",
		    (unsigned long long)c->job->id);
		outcome_set(&why, 451, "4.3.0", "the content cannot be read");
	}
	job_result_rest(c->job, &why);
	client_finish(c, CLIENT_CLOSED);
}

/* A piece for each turn, so that one large message does not hold others up. */
void
client_proceed(struct client *c)
{
	enum content_got	got;

	if (c->unread > 0) {	/* a part of a reply, before the dot */
		client_surplus(c);
		return;
	}
	if (!c->content_done) {
		got = content_next(&c->content, &c->out);
		if (got == CONTENT_BROKEN || got == CONTENT_BARE) {
			content_broken(c, got);
			return;
		}
		c->content_done = got == CONTENT_LAST;
	}
	client_flush(c);
	if (c->content_done && c->out.n == 0) {
		c->wants_rset = false;
		client_step(c, DOT, "content sent");
	} else {
		c->deadline_ms = client_deadline(client_states[CONTENT].seconds);
		client_want_write(c);
	}
}

/* RFC 2033, 4.2: one for each accepted recipient, in their order.  True: more to come. */
static bool
answer_next(struct client *c, const struct outcome *o)
{
	const struct job	*j = c->job;
	bool			 said = false;

	for (; c->answered < j->nsend; c->answered++) {
		if (!j->rcpts[c->answered].accepted)
			continue;
		if (said)
			return true;
		job_result(c->job, c->answered, o);
		said = true;
	}
	return false;
}

void
client_dot_reply(struct client *c, const struct reply *r)
{
	struct outcome	o;

	if (r->code / 100 == 3) {
		client_nonsense(c);
		return;
	}
	outcome_reply(&o, r);
	if (c->addr.lmtp && answer_next(c, &o)) {
		c->deadline_ms = client_deadline(client_states[DOT].seconds);
		return;
	}
	if (!c->addr.lmtp)
		job_result_accepted(c->job, &o);
	client_finish(c, CLIENT_IDLE);
}

/* A reply before the dot can only be a refusal; the rest is not sent. */
void
client_early_reply(struct client *c, const struct reply *r)
{
	struct outcome	o;

	if (r->code < 400) {
		client_nonsense(c);
		return;
	}
	outcome_reply(&o, r);
	job_result_accepted(c->job, &o);
	client_finish(c, CLIENT_CLOSED);
}
