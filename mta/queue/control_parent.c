/*
 * control_parent.c - status and reload: what the parent and the other
 * processes have to say.
 */
#include "mta/queue/control_int.h"

void
parent_ask(struct client *c, enum waits what)
{
	struct chan	*p = child_parent();

	if (p == NULL) {	/* it ends, and so shall we */
		client_free(c);
		return;
	}
	chan_begin(p, what == WAITS_RELOAD ? MSG_RELOAD : MSG_STATUS);
	chan_u64(p, client_wait(c, what));
	chan_end(p);
}

static bool
take_reloaded(struct control *k, struct msg *msg)
{
	struct client	*c = client_by_ticket(k, msg_u64(msg), WAITS_RELOAD);
	bool		 ok = msg_u8(msg) != 0;
	struct span	 text = msg_bytes(msg, CHAN_MSG_MAX);

	if (!msg_end(msg))
		return false;
	if (c != NULL) {
		json_bool(&c->json, "ok", ok);
		json_text(&c->json, "text", text);
		client_end(c);
		client_finish(c);
	}
	return true;
}

/* The fields after ticket and last, as one process of the answer. */
static void
put_process(struct json *j, struct msg *msg)
{
	struct span	counters;
	unsigned	i;

	json_object(j, NULL);
	json_str(j, "name", proc_name(msg_u8(msg)));
	json_uint(j, "instance", msg_u32(msg));
	json_uint(j, "pid", msg_u32(msg));
	json_uint(j, "restarts", msg_u32(msg));
	json_bool(j, "answered", msg_u8(msg) != 0);
	json_array(j, "lag");
	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		json_uint(j, NULL, msg_u64(msg));
	json_array_end(j);
	counters = msg_bytes(msg, CHAN_MSG_MAX);	/* empty: no answer */
	json_raw(j, "counters", counters.n > 0 ? counters : SPAN("{}"));
	json_object_end(j);
}

static bool
take_status_part(struct control *k, struct msg *msg)
{
	struct client	*c = client_by_ticket(k, msg_u64(msg), WAITS_STATUS);
	bool		 last = msg_u8(msg) != 0;
	struct buf	 nowhere = { 0 };
	struct json	 unwanted;

	if (c == NULL) {	/* has gone meanwhile */
		json_init(&unwanted, &nowhere);
		put_process(&unwanted, msg);
		buf_clear(&nowhere);
		return msg_end(msg);
	}
	put_process(&c->json, msg);
	if (!msg_end(msg))
		return false;
	if (last) {
		json_array_end(&c->json);
		client_end(c);
		client_finish(c);
	}
	return true;
}

bool
control_message(struct queue *q, struct msg *msg)
{
	switch (msg->type) {
	case MSG_RELOADED:
		return take_reloaded(q->control, msg);
	case MSG_STATUS_PART:
		return take_status_part(q->control, msg);
	default:
		return false;
	}
}
