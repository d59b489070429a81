/*
 * answers.c - what the control socket says of the queue; control.h.
 */
#include "mta/queue/control.h"
#include "mta/queue/lifetimes.h"

#include "base/clock.h"
#include "mail/date.h"

#define SHOW_MAX	1000	/* targets of one message */

struct span
answer_word(struct span *args)
{
	struct span	word;
	size_t		n = 0;

	*args = span_trim(*args);
	while (n < args->n && args->p[n] != ' ' && args->p[n] != '\t')
		n++;
	word = span_mem(args->p, n);
	*args = span_trim(span_from(*args, n));
	return word;
}

void
answer_error(struct json *j, const char *why)
{
	json_str(j, "error", why);
}

static void
put_time(struct json *j, const char *key, int64_t wall_ms)
{
	char	text[DATE_MAX];

	if (wall_ms == 0)
		json_null(j, key);
	else
		json_str(j, key, date_iso(wall_ms, text));
}

static void
put_id(struct json *j, uint64_t qid)
{
	char	text[QID_TEXT];

	json_str(j, "id", qid_format(qid, text));
}

/* --- list */

/* The target that tells most about a message: the liveliest open one. */
static const struct dest *
telling(const struct message *m)
{
	static const uint8_t	 order[] = {
		DEST_ACTIVE, DEST_READY, DEST_ROUTING, DEST_LOGGING,
		DEST_NEW, DEST_WAIT, DEST_FAILED, DEST_ARRIVED
	};
	size_t			 i;
	uint32_t		 k;

	for (i = 0; i < sizeof(order); i++)
		for (k = m->in_state[order[i]] == 0 ? m->ndests : 0; k < m->ndests; k++)
			if (m->dests[k].state == order[i])
				return &m->dests[k];
	return &m->dests[0];
}

static void
put_summary(struct json *j, const struct message *m)
{
	const struct dest	*d = telling(m);
	struct answer		 an;

	json_object(j, NULL);
	put_id(j, m->qid);
	put_time(j, "arrival", (int64_t)m->arrival_s * 1000);
	json_uint(j, "size", m->size);
	json_text(j, "sender", message_sender(m));
	json_uint(j, "recipients", m->ndests);
	json_uint(j, "open", m->nopen);
	json_str(j, "state", dest_state_name(d->state));
	json_uint(j, "attempts", d->attempts);
	put_time(j, "next", dest_next_ms(d));
	if (dest_answer(d, &an))
		json_text(j, "reason", an.text);
	else
		json_null(j, "reason");
	json_object_end(j);
}

/* Behind the one named; when that is gone, behind those that are older. */
static struct message *
list_from(struct queue *q, uint64_t after)
{
	struct message	*m = index_find(&q->index, after);

	if (m != NULL)
		return m->next;
	for (m = q->index.first; m != NULL && m->qid <= after; m = m->next)
		;
	return m;
}

void
answer_list(struct queue *q, struct json *j, struct span args)
{
	struct span	 limit_text = answer_word(&args);
	struct span	 after_text = answer_word(&args);
	uint64_t	 limit = CONTROL_LIST_DEFAULT, after = 0, n;
	struct message	*m;

	if ((limit_text.n > 0 &&
	    !span_u64(limit_text, CONTROL_LIST_MAX, &limit)) ||
	    (after_text.n > 0 && !qid_parse(after_text, &after))) {
		answer_error(j, "list [LIMIT [AFTER-ID]]");
		return;
	}
	m = after_text.n > 0 ? list_from(q, after) : q->index.first;
	json_array(j, "messages");
	for (n = 0; m != NULL && n < limit; n++, m = m->next)
		put_summary(j, m);
	json_array_end(j);
	json_uint(j, "total", q->index.n);
	json_bool(j, "more", m != NULL);
}

/* --- show */

static void
put_place(struct json *j, const struct dest *d)
{
	struct target	t;

	json_str(j, "hop", d->hop == NULL ? NULL : d->hop->text);
	if (dest_place(d, &t) && t.mailbox.n > 0) {
		json_text(j, "mailbox", t.mailbox);
		json_text(j, "account", t.account);
	} else {
		json_null(j, "mailbox");
		json_null(j, "account");
	}
}

static void
put_last(struct json *j, const struct dest *d)
{
	struct answer	an;

	memset(&an, 0, sizeof(an));
	dest_answer(d, &an);
	put_time(j, "last", an.when_ms);
	json_text(j, "mta", an.mta);
	json_uint(j, "code", an.code);
	json_text(j, "status", an.status);
	json_text(j, "reply", an.text);
}

/* Of its recipient: "success,delay"; null where nothing was given. */
static void
put_notify(struct json *j, const struct dest *d, const struct envelope *e)
{
	unsigned	notify = e->params == NULL ? 0 :
			    e->params[d->rcpt].notify;
	struct buf	text = { 0 };

	if (notify & NOTIFY_NEVER)
		buf_add_str(&text, ",never");
	if (notify & NOTIFY_SUCCESS)
		buf_add_str(&text, ",success");
	if (notify & NOTIFY_FAILURE)
		buf_add_str(&text, ",failure");
	if (notify & NOTIFY_DELAY)
		buf_add_str(&text, ",delay");
	if (notify == 0)
		json_null(j, "notify");
	else
		json_text(j, "notify", span_from(buf_span(&text), 1));
	buf_clear(&text);
}

/* What MAIL said besides the sender. */
static void
put_params(struct json *j, const struct envelope *e)
{
	put_time(j, "deadline", e->flags & (ENV_BY_RETURN | ENV_BY_NOTIFY) ?
	    e->by_ms : 0);
	json_bool(j, "returned_then", (e->flags & ENV_BY_RETURN) != 0);
	if (e->envid.n > 0)
		json_text(j, "envid", e->envid);
	else
		json_null(j, "envid");
	json_bool(j, "requiretls", (e->flags & ENV_REQUIRETLS) != 0);
	json_bool(j, "smtputf8", (e->flags & ENV_UTF8) != 0);
	json_bool(j, "binary", (e->flags & ENV_BINARY) != 0);
}

static void
put_dest(struct json *j, const struct dest *d, const struct envelope *e)
{
	json_object(j, NULL);
	json_text(j, "recipient", e->rcpts[d->rcpt]);
	json_text(j, "address", dest_address(d, e));
	json_str(j, "state", dest_state_name(d->state));
	put_place(j, d);
	json_uint(j, "attempts", d->attempts);
	put_time(j, "next", dest_next_ms(d));
	put_last(j, d);
	put_notify(j, d, e);
	json_object_end(j);
}

/* In their order; of very many those that are done last, if at all. */
static void
put_dests(struct json *j, const struct message *m, const struct envelope *e)
{
	bool		all = m->ndests <= SHOW_MAX;
	uint32_t	i, n = 0, pass;

	for (pass = 0; pass < (all ? 1 : 2); pass++)
		for (i = 0; i < m->ndests && n < SHOW_MAX; i++) {
			if (!all && (m->dests[i].state == DEST_DONE) !=
			    (pass == 1))
				continue;
			put_dest(j, &m->dests[i], e);
			n++;
		}
}

static struct message *
named(struct queue *q, struct json *j, struct span text)
{
	struct message	*m = NULL;
	uint64_t	 qid;

	if (qid_parse(text, &qid))
		m = index_find(&q->index, qid);
	if (m == NULL || m->flags & M_GONE) {
		answer_error(j, "no such message in the queue");
		return NULL;
	}
	return m;
}

void
answer_show(struct queue *q, struct json *j, struct span args)
{
	struct message	*m = named(q, j, answer_word(&args));
	struct arena	 a = { 0 };
	struct envelope	 e;

	if (m == NULL)
		return;
	message_envelope(m, &a, &e);
	json_object(j, "message");
	put_id(j, m->qid);
	put_time(j, "arrival", e.arrival_ms);
	put_time(j, "expires", message_expires_ms(q, m));
	json_uint(j, "size", m->size);
	json_text(j, "sender", e.sender);
	json_text(j, "policy", e.policy);
	json_bool(j, "dsn", (m->flags & M_DSN) != 0);
	put_params(j, &e);
	json_array(j, "recipients");
	put_dests(j, m, &e);
	json_array_end(j);
	json_uint(j, "total", m->ndests);
	json_object_end(j);
	arena_clear(&a);
}

/* --- retry, remove */

void
answer_retry(struct queue *q, struct json *j, struct span args)
{
	struct span	 word = answer_word(&args);
	struct message	*m, *next;
	uint64_t	 n = 0;

	if (span_eq(word, SPAN("all"))) {
		for (m = q->index.first; m != NULL; m = next, n++) {
			next = m->next;
			message_retry(q, m);
		}
	} else if ((m = named(q, j, word)) != NULL) {
		message_retry(q, m);
		n = 1;
	} else
		return;
	sched_revive(&q->sched);
	json_uint(j, "retried", n);
}

void
answer_remove(struct queue *q, struct json *j, struct span args)
{
	struct message	*m = named(q, j, answer_word(&args));

	if (m == NULL)
		return;
	message_remove(q, m, "uid:0");
	json_uint(j, "removed", 1);
}

/* --- status */

static void
put_counts(struct json *j, const struct counters *c)
{
	json_uint(j, "accepted", c->accepted);
	json_uint(j, "sent", c->sent);
	json_uint(j, "delivered", c->delivered);
	json_uint(j, "deferred", c->deferred);
	json_uint(j, "failed", c->failed);
	json_uint(j, "bounced", c->bounced);
	json_uint(j, "discarded", c->discarded);
	json_uint(j, "removed", c->removed);
}

static void
put_spool(struct json *j, const struct queue *q)
{
	const struct segments	*s = &q->segments;
	struct journal_stats	 log = journal_stats(q->journal);
	const struct segment	*g;
	uint64_t		 octets = 0;

	for (g = s->first; g != NULL; g = g->next)
		octets += g->size;
	json_bool(j, "full", q->full);
	json_uint(j, "segments_open", s->nstate[SEGMENT_OPEN] +
	    s->nstate[SEGMENT_LOST]);
	json_uint(j, "segments_sealed", s->nstate[SEGMENT_SEALED]);
	json_uint(j, "segments_spare", s->nstate[SEGMENT_SPARE] +
	    s->nstate[SEGMENT_FREE] + s->nstate[SEGMENT_MAKING]);
	json_uint(j, "segment_octets", octets);
	json_uint(j, "log_octets", log.size);
	json_uint(j, "log_syncs", log.syncs);
	json_uint(j, "checkpoints", log.checkpoints);
}

void
answer_queue(struct queue *q, struct json *j)
{
	json_object(j, "queue");
	json_uint(j, "messages", q->index.n);
	json_uint(j, "octets", q->index.octets);
	put_counts(j, &q->count);
	put_spool(j, q);
	answer_throttle(q, j);
	json_object_end(j);
	answer_hops(q, j);
}
