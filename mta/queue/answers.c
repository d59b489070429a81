/*
 * answers.c - what all answers about messages have in common, and the line of
 * a list; control.h.
 */
#include "mta/queue/control.h"

#include "mail/date.h"
#include "mta/queue/kept.h"
#include "mta/queue/lifetimes.h"
#include "mta/queue/reasons.h"
#include "mta/queue/way.h"
#include "mta/spool/attributes.h"

#define SUMMARY_RCPTS	5	/* recipients that a list names */

void
answer_error(struct json *j, const char *why)
{
	json_str(j, "error", why);
}

void
answer_time(struct json *j, const char *key, int64_t wall_ms)
{
	char	text[DATE_MAX];

	if (wall_ms == 0)
		json_null(j, key);
	else
		json_str(j, key, date_iso(wall_ms, text));
}

void
answer_id(struct json *j, uint64_t qid)
{
	char	text[QID_TEXT];

	json_str(j, "id", qid_format(qid, text));
}

bool
answer_is_gone(const struct queue *q, uint64_t qid)
{
	const struct message	*m = index_find(&q->index, qid);

	return m == NULL || m->flags & M_GONE;
}

struct message *
answer_named(struct queue *q, struct json *j, const struct request *r)
{
	if (!r->has_id || answer_is_gone(q, r->id)) {
		answer_error(j, "no such message in the queue");
		return NULL;
	}
	return index_find(&q->index, r->id);
}

static const char *
priority_name(const struct message *m)
{
	static const char *const	names[NPRIORITIES] = {
		[PRIORITY_HIGH] = "high", [PRIORITY_NORMAL] = "normal",
		[PRIORITY_LOW] = "low"
	};

	return names[message_priority(m)];
}

/* --- list */

/* The target that tells most about a message: the liveliest open one. */
static const struct dest *
telling(const struct selection *s)
{
	static const uint8_t	 order[] = {
		DEST_ACTIVE, DEST_READY, DEST_ROUTING, DEST_LOGGING,
		DEST_NEW, DEST_WAIT, DEST_FAILED, DEST_ARRIVED
	};
	const struct message	*m = s->m;
	size_t			 i;
	uint32_t		 k;

	for (i = 0; i < sizeof(order); i++)
		for (k = m->in_state[order[i]] == 0 ? m->ndests : 0;
		    k < m->ndests; k++)
			if (m->dests[k].state == order[i] &&
			    selection_takes_dest(s, &m->dests[k]))
				return &m->dests[k];
	return &m->dests[0];
}

static void
put_rcpts(struct json *j, const struct selection *s)
{
	uint32_t	i, n = 0, most = s->r->part.n > 0 ? ANSWER_DESTS_MAX :
			    SUMMARY_RCPTS;

	json_array(j, "to");
	for (i = 0; i < s->m->ndests && n < most; i++) {
		const struct dest	*d = &s->m->dests[i];

		if (!selection_takes_dest(s, d))
			continue;
		json_text(j, NULL, dest_recipient(d, &s->e));
		n++;
	}
	json_array_end(j);
}

/* Why it is kept, or what was answered last. */
static void
put_reason(struct json *j, const struct selection *s, const struct dest *d)
{
	struct arena	a = { 0 };
	struct answer	an;
	struct kept	k;

	if (kept_ask(s->q, s->m, &a, &k))
		json_text(j, "reason", k.why);
	else if (dest_answer(d, &an))
		json_text(j, "reason", an.text);
	else
		json_null(j, "reason");
	arena_clear(&a);
}

void
answer_summary(struct json *j, const struct selection *s)
{
	const struct message	*m = s->m;
	const struct dest	*d = telling(s);

	json_object(j, NULL);
	answer_id(j, m->qid);
	answer_time(j, "arrival", message_arrival_ms(m));
	json_uint(j, "size", m->size);
	json_text(j, "sender", s->e.sender);
	json_uint(j, "recipients", m->ndests);
	json_uint(j, "open", m->nopen);
	json_str(j, "state", selection_state(m, d));
	json_str(j, "why", reason_word(reason_of_dest(s->q, m, d)));
	json_uint(j, "attempts", d->attempts);
	answer_time(j, "next", m->flags & M_HELD ? 0 : dest_next_ms(d));
	json_str(j, "priority", priority_name(m));
	json_str(j, "hop", d->hop == NULL ? NULL : d->hop->text);
	put_reason(j, s, d);
	put_rcpts(j, s);
	json_object_end(j);
}

/* --- a message, a target */

static void
put_kept(struct queue *q, struct json *j, const struct message *m)
{
	struct arena	a = { 0 };
	struct kept	k;

	if (!kept_ask(q, m, &a, &k)) {
		json_null(j, "kept");
		return;
	}
	json_object(j, "kept");
	json_str(j, "how", kept_name(k.how));
	if (k.by_hand)
		json_uint(j, "by", k.uid);
	else
		json_str(j, "by", "policy");
	answer_time(j, "since", k.since_ms);
	answer_time(j, "until", kept_until_ms(q, m));
	json_text(j, "why", k.why);
	json_object_end(j);
	arena_clear(&a);
}

/* When it is given up; 0: it is kept. */
static int64_t
expires_ms(const struct queue *q, const struct message *m)
{
	if (m->flags & M_HELD)
		return 0;
	return message_expires_ms(q, m);
}

void
answer_head(struct queue *q, struct json *j, const struct message *m,
    const struct envelope *e)
{
	answer_id(j, m->qid);
	answer_time(j, "arrival", e->arrival_ms);
	answer_time(j, "expires", expires_ms(q, m));
	json_uint(j, "size", m->size);
	json_text(j, "sender", e->sender);
	json_str(j, "priority", priority_name(m));
	json_bool(j, "dsn", (m->flags & M_DSN) != 0);
	put_kept(q, j, m);
}

static void
put_text(struct json *j, const char *key, struct span text)
{
	if (text.n == 0)
		json_null(j, key);
	else
		json_text(j, key, text);
}

/* Where it goes: a hop, or a mailbox, file or command with its path. */
static void
put_place(struct json *j, const struct dest *d)
{
	struct target	t;

	json_str(j, "hop", d->hop == NULL ? NULL : d->hop->text);
	json_bool(j, "pinned", (d->flags & DEST_PINNED) != 0);
	if (!dest_place(d, &t) || !target_is_local(&t))
		memset(&t, 0, sizeof(t));
	put_text(j, "mailbox", t.mailbox);
	put_text(j, "account", t.mailbox.n == 0 ? SPAN("") : t.account);
	put_text(j, "path", t.path);
	json_bool(j, "program", t.kind == TARGET_PIPE);
}

static void
put_last(struct json *j, const struct dest *d)
{
	struct answer	an;

	memset(&an, 0, sizeof(an));
	dest_answer(d, &an);
	answer_time(j, "last", an.when_ms);
	json_text(j, "mta", an.mta);
	json_uint(j, "code", an.code);
	json_text(j, "status", an.status);
	json_text(j, "reply", an.text);
	way_answer(j, &an);
}

void
answer_dest(struct json *j, const struct message *m, const struct dest *d,
    const struct envelope *e)
{
	json_text(j, "recipient", e->rcpts[d->rcpt]);
	json_text(j, "address", dest_recipient(d, e));
	json_str(j, "state", selection_state(m, d));
	put_place(j, d);
	json_uint(j, "attempts", d->attempts);
	answer_time(j, "next", m->flags & M_HELD ? 0 : dest_next_ms(d));
	put_last(j, d);
}

uint32_t
answer_pick(const struct message *m, uint32_t *dests, uint32_t max)
{
	bool		all = m->ndests <= max;
	uint32_t	i, n = 0, pass;

	for (pass = 0; pass < (all ? 1 : 2); pass++)
		for (i = 0; i < m->ndests && n < max; i++)
			if (all || (m->dests[i].state == DEST_DONE) ==
			    (pass == 1))
				dests[n++] = i;
	return n;
}
