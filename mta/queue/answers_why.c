/*
 * answers_why.c - why a message is still here, for each recipient; control.h.
 */
#include "mta/queue/control.h"

#include "base/clock.h"
#include "mta/queue/line.h"
#include "mta/queue/reasons.h"

/* The hop: what it may take, whether it is dead and when it is probed. */
static void
put_site(struct json *j, const struct dest *d)
{
	const struct site	*s;

	if (d->hop == NULL) {
		json_null(j, "site");
		return;
	}
	s = d->hop->site;
	json_object(j, "site");
	json_uint(j, "active", s->outstanding);
	json_uint(j, "concurrency", s->concurrency);
	json_uint(j, "waiting", s->wants);
	json_bool(j, "dead", s->dead);
	json_bool(j, "held", s->held);
	json_bool(j, "blocked", s->blocked);
	answer_time(j, "probe", s->dead ? clock_wall_ms() + s->probe_ms -
	    clock_boot_ms() : 0);
	json_object_end(j);
}

/* Its place in line, where it stands in one. */
static void
put_line(struct json *j, const struct message *m, const struct dest *d)
{
	struct line_place	p;

	if (d->state != DEST_READY || !line_place(m, d->hop, &p)) {
		json_null(j, "line");
		return;
	}
	json_object(j, "line");
	json_uint(j, "before", p.before);
	json_uint(j, "of_sender", p.of_sender);
	json_uint(j, "senders", p.senders);
	json_uint(j, "waiting", p.waiting);
	json_bool(j, "least", p.least);
	json_object_end(j);
}

static void
put_why(struct queue *q, struct json *j, const struct message *m,
    const struct dest *d)
{
	enum reason	r = reason_of_dest(q, m, d);

	json_str(j, "why", reason_word(r));
	json_str(j, "means", reason_means(r));
	json_str(j, "remedy", reason_remedy(r));
	put_site(j, d);
	put_line(j, m, d);
}

void
answer_why(struct queue *q, struct json *j, const struct request *r)
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
	json_object_end(j);
	n = answer_pick(m, dests, ANSWER_DESTS_MAX);
	json_array(j, "recipients");
	for (i = 0; i < n; i++) {
		json_object(j, NULL);
		answer_dest(j, m, &m->dests[dests[i]], &e);
		put_why(q, j, m, &m->dests[dests[i]]);
		json_object_end(j);
	}
	json_array_end(j);
	json_uint(j, "total", m->ndests);
	arena_clear(&a);
}
