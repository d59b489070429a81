/*
 * answers_show.c - one message with its envelope and its recipients; control.h.
 */
#include "mta/queue/control.h"

#include "mta/queue/tagnames.h"
#include "mta/spool/attributes.h"

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
	answer_time(j, "deadline", e->flags & (ENV_BY_RETURN | ENV_BY_NOTIFY) ?
	    e->by_ms : 0);
	json_bool(j, "returned_then", (e->flags & ENV_BY_RETURN) != 0);
	if (e->envid.n > 0)
		json_text(j, "envid", e->envid);
	else
		json_null(j, "envid");
	json_bool(j, "requiretls", (e->flags & ENV_REQUIRETLS) != 0);
	json_bool(j, "tls_not_required",
	    (e->flags & ENV_TLS_NOT_REQUIRED) != 0);
	json_bool(j, "smtputf8", (e->flags & ENV_UTF8) != 0);
	json_bool(j, "binary", (e->flags & ENV_BINARY) != 0);
}

/* What few have. */
static void
put_attributes(struct json *j, const struct envelope *e)
{
	struct span	filter = attr_filtered(e), login;
	uint32_t	uid;

	if (filter.n > 0)
		json_text(j, "filtered", filter);
	if (attr_program(e, &uid, &login)) {
		json_uint(j, "uid", uid);
		json_text(j, "login", login);
	}
	if (attr_language(e).n > 0)
		json_text(j, "language", attr_language(e));
}

static void
put_tags(struct queue *q, struct json *j, const struct envelope *e)
{
	struct arena	a = { 0 };
	struct span	name;
	size_t		i;

	json_array(j, "tags");
	for (i = 0; i < e->nfacts; i++) {
		name = tagnames_name(q->tags, e->policy, e->facts[i].fact);
		if (name.n == 0)
			continue;
		json_object(j, NULL);
		json_text(j, "name", name);
		json_text(j, "value", rs_format(&e->facts[i].value, &a));
		json_object_end(j);
	}
	json_array_end(j);
	arena_clear(&a);
}

void
answer_show(struct queue *q, struct json *j, const struct request *r)
{
	struct message	*m = answer_named(q, j, r);
	uint32_t	 dests[ANSWER_DESTS_MAX], i, n;
	struct arena	 a = { 0 };
	struct envelope	 e;

	if (m == NULL)
		return;
	message_envelope(m, &a, &e);
	json_object(j, "message");
	answer_head(q, j, m, &e);
	json_text(j, "policy", e.policy);
	put_params(j, &e);
	put_attributes(j, &e);
	put_tags(q, j, &e);
	n = answer_pick(m, dests, ANSWER_DESTS_MAX);
	json_array(j, "recipients");
	for (i = 0; i < n; i++) {
		json_object(j, NULL);
		answer_dest(j, m, &m->dests[dests[i]], &e);
		put_notify(j, &m->dests[dests[i]], &e);
		json_object_end(j);
	}
	json_array_end(j);
	json_uint(j, "total", m->ndests);
	json_object_end(j);
	arena_clear(&a);
}
