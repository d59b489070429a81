/*
 * map_ask.c - `waybill map check --ask`: whether the servers that have tables
 * can be reached, and answer.
 *
 * Each is asked for a key that nobody has (RFC 2606, 2), as lookup asks it.
 * That it is not there is a good answer, and so is a catch-all's.
 */
#include "config.h"

#include "mta/cmd/map_check.h"

#define NOBODY		"waybill-map-check"
#define NOWHERE		NOBODY ".invalid"

static struct map_question
question_for(const struct checking *c, const struct map *m)
{
	struct span		 kind = map_kind(m);
	struct map_question	 q = { .ask = MAP_ASK_ADDRESS,
	    .role = MAP_FROM, .key = SPAN(NOBODY "@" NOWHERE),
	    .at = sizeof(NOBODY) - 1, .detail_chars = c->detail };

	if (span_eq(kind, SPAN("access")))
		q.ask = MAP_ASK_ACCESS_ADDRESS;
	else if (span_eq(kind, SPAN("routes")) ||
	    span_eq(kind, SPAN("domains"))) {
		q.ask = MAP_ASK_DOMAIN;
		q.key = SPAN(NOWHERE);
		q.at = q.key.n;
	} else if (span_eq(kind, SPAN("accounts")) ||
	    span_eq(kind, SPAN("plain")) || span_eq(kind, SPAN("records")))
		q.ask = MAP_ASK_KEY;
	return q;
}

struct server_asked {
	struct checking			*c;
	struct checked_table		*table;
	const struct rs_map_decl	*decl;
};

static void
says(void *arg, const struct table_says *s)
{
	struct server_asked	*a = arg;
	struct span		 driver, why = s->why;

	a->table->asked = true;
	a->table->answers = s->is == MAP_FOUND || s->is == MAP_NONE;
	if (a->table->answers)
		return;
	if (why.n == 0)
		why = SPAN("no answer from waybill-lookup");
	driver = rs_string(policy_image(a->c->policy), a->decl->driver);
	findings_add(a->c->found, FINDING_ERROR, a->table->path,
	    a->decl->line, 1, "map '%s' (%.*s) cannot be asked: %.*s",
	    a->table->name, SPAN_ARG(driver), SPAN_ARG(why));
}

void
check_servers(struct checking *c)
{
	const struct rs_image	*im = policy_image(c->policy);
	struct map_question	 q;
	uint32_t		 i;

	for (i = 0; i < c->n; i++) {
		struct server_asked	a = { c, &c->tables[i], rs_map(im, i) };

		if (!c->tables[i].wanted || !rs_map_is_asked(im, i))
			continue;
		q = question_for(c, c->tables[i].map);
		policy_table_ask(c->policy, i, &q, says, &a);
	}
}
