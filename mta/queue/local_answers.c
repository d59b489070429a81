/*
 * local_answers.c - what a deliverer says of its jobs.
 */
#include "mta/queue/deliverer.h"
#include "mta/queue/notify.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include <stdlib.h>

#define NAME_MAX_N	500
#define TEXT_MAX_N	2000

static struct local_job *
find(struct deliverer *d, uint64_t id)
{
	struct local_job	*j;

	for (j = d->jobs; j != NULL && j->id != id; j = j->next)
		;
	return j;
}

/* --- PREPARED */

static void
prepared_logged(void *arg)
{
	struct local_job	*j = arg;

	j->m->dests[j->dest].flags |= DEST_PREPARED;
	if (j->orphan || j->deliverer->chan == NULL)
		local_again(j);
	else
		local_send_commit(j);
}

static void
take_prepared(struct local_job *j, struct span name)
{
	struct queue	*q = j->local->q;
	struct dest	*d = &j->m->dests[j->dest];
	struct record	 r = { .type = REC_PREPARED, .qid = j->m->qid,
	    .rcpt = d->rcpt, .sub = d->sub, .name = name };

	if (!dest_place(d, &r.target))
		fatalx("a local target without a place");
	free(d->name);
	d->name = xstrndup(name.p, name.n);
	j->state = LOCAL_LOGGING;
	journal_add(q->journal, &r);
	journal_sync(q->journal, prepared_logged, j);
}

/* --- DELIVERED, DELIVER_FAILED */

static bool
is_told(const struct message *m, const struct dest *d)
{
	struct arena	a = { 0 };
	struct envelope	e;
	bool		told;

	message_envelope(m, &a, &e);
	told = notify_success(d, &e);
	arena_clear(&a);
	return told;
}

static void
take_delivered(struct local_job *j)
{
	struct queue	*q = j->local->q;
	struct dest	*d = &j->m->dests[j->dest];
	struct answer	 an = { .code = 250, .status = SPAN("2.0.0"),
	    .when_ms = clock_wall_ms() };
	struct target	 t;
	char		 id[QID_TEXT];

	if (dest_place(d, &t))
		log_info("delivered id=%s to=%s mailbox=%s account=%s file=%s",
		    qid_format(j->m->qid, id), log_quote(span_of(j->address)),
		    log_quote(t.mailbox), log_quote(t.account),
		    d->name != NULL ? d->name : log_quote(t.path));
	q->count.delivered++;
	j->deliverer->deaths = 0;
	if (j->m->flags & M_TELLS && is_told(j->m, d))
		dest_arrive(q, j->m, d, &an, false);
	else
		dest_done(q, j->m, d);
	local_end(j);
}

/*
 * What was prepared has gone with its folder, and was not delivered as far as
 * anybody knows.  The log may go on saying PREPARED: who reads it asks again.
 */
static void
take_lost(struct local_job *j, struct span text)
{
	struct dest	*d = &j->m->dests[j->dest];
	char		 id[QID_TEXT];

	log_warnx("lost id=%s to=%s file=%s: it is delivered again",
	    qid_format(j->m->qid, id), log_quote(span_of(j->address)),
	    d->name);
	d->flags &= (uint8_t)~DEST_PREPARED;
	free(d->name);
	d->name = NULL;
	local_fail(j, 451, SPAN("4.3.0"), text);
}

static bool
message_failed(struct deliverer *d, struct msg *msg)
{
	struct local_job	*j = find(d, msg_u64(msg));
	uint16_t		 code = msg_u16(msg);
	struct span		 status = msg_bytes(msg, TEXT_MAX_N);
	struct span		 text = msg_bytes(msg, TEXT_MAX_N);

	if (!msg_end(msg))
		return false;
	if (j != NULL && code == 0 && j->state == LOCAL_COMMITTING)
		take_lost(j, text);
	else if (j != NULL && code != 0 && (j->state == LOCAL_SENT ||
	    j->state == LOCAL_COMMITTING))
		local_fail(j, code, status, text);
	return true;
}

/* NAME or .FOLDER/NAME, neither of which leads elsewhere. */
static bool
name_ok(struct span name)
{
	ptrdiff_t	slash = span_index(name, '/');

	if (slash != -1) {
		if (slash < 2 || name.p[0] != '.' || name.p[1] == '.')
			return false;
		name = span_from(name, (size_t)slash + 1);
	}
	return name.n > 0 && name.p[0] != '.' &&
	    span_index(name, '/') == -1 && span_index(name, '\0') == -1;
}

static bool
message_prepared(struct deliverer *d, struct msg *msg)
{
	struct local_job	*j = find(d, msg_u64(msg));
	struct span		 name = msg_bytes(msg, NAME_MAX_N);

	if (!msg_end(msg) || !name_ok(name))
		return false;
	if (j != NULL && j->state == LOCAL_SENT)
		take_prepared(j, name);
	return true;
}

static bool
message_delivered(struct deliverer *d, struct msg *msg)
{
	struct local_job	*j = find(d, msg_u64(msg));

	if (!msg_end(msg))
		return false;
	if (j != NULL && (j->state == LOCAL_COMMITTING ||
	    j->state == LOCAL_SENT))
		take_delivered(j);
	return true;
}

bool
local_message(struct deliverer *d, struct msg *msg)
{
	switch (msg->type) {
	case MSG_PREPARED:
		return message_prepared(d, msg);
	case MSG_DELIVERED:
		return message_delivered(d, msg);
	case MSG_DELIVER_FAILED:
		return message_failed(d, msg);
	default:
		return false;
	}
}
