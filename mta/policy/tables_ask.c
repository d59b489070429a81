/*
 * tables_ask.c - the one way to a table, wherever it is: here, with a server
 * (memo.c), or made of other tables.
 *
 *   first of a, b	the nearest key of all counts, then the order.  A table
 *			that cannot be asked and may have a nearer key: it
 *			cannot be said.
 *   union of a, b	what each has, in this order
 *   pipe of a, b	what a says is what b is asked
 *
 * A table that fails is counted, and told once in a while, never for each
 * question; of a server's table the lookup process tells it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/address.h"
#include "mail/domain.h"

#include "mta/policy/policy_int.h"

#define ALARM_MS	600000	/* between two lines of the log about a table */

/* --- opening: what each is made of */

static enum table_how
how_of(const struct rs_image *im, uint32_t map)
{
	switch (rs_map_made(im, map)) {
	case RS_MADE_FIRST:
		return TABLE_FIRST;
	case RS_MADE_UNION:
		return TABLE_UNION;
	case RS_MADE_PIPE:
		return TABLE_PIPE;
	case RS_MADE_NOT:
		break;
	}
	return rs_map_is_asked(im, map) ? TABLE_ASKED : TABLE_HERE;
}

/* The verifier has seen to it that they are there, and how many. */
static void
take_members(const struct rs_image *im, uint32_t map, struct policy_table *t)
{
	uint32_t	member;

	t->members = xcalloc(RS_MAP_MEMBERS_MAX, sizeof(*t->members));
	while (t->n < RS_MAP_MEMBERS_MAX &&
	    (member = rs_map_member(im, map, t->n)) != UINT32_MAX)
		t->members[t->n++] = member;
}

void
tables_how(struct policy *p)
{
	const struct rs_image	*im = p->image;
	struct policy_table	*t;
	uint32_t		 i;

	p->tables = xcalloc(p->nmaps + 1, sizeof(*p->tables));
	for (i = 0; i < p->nmaps; i++) {
		t = &p->tables[i];
		t->how = how_of(im, i);
		/* Who owns a name has written what the DNS says of it. */
		t->strangers = span_eq(rs_string(im, rs_map(im, i)->driver),
		    SPAN("dns"));
		if (t->how >= TABLE_FIRST)
			take_members(im, i, t);
	}
}

void
tables_how_free(struct policy *p)
{
	uint32_t	i;

	for (i = 0; p->tables != NULL && i < p->nmaps; i++)
		free(p->tables[i].members);
	free(p->tables);
	p->tables = NULL;
}

/* --- counters, and a word in the log */

/*
 * Somebody else has told the log: lookup, of a server's table, or who has told of
 * a member.
 */
static bool
is_told(const struct policy_table *t, enum map_result is,
    const struct map_answer *ans)
{
	if (t->how == TABLE_ASKED)
		return ans->value.n > 0;
	return t->how >= TABLE_FIRST && is == MAP_LATER;
}

static void
fails(struct asking *a, uint32_t map, enum map_result is,
    const struct map_answer *ans)
{
	struct policy		*p = a->policy;
	struct policy_table	*t = &p->tables[map];
	int64_t			 now = clock_boot_ms();

	t->failed++;
	if (p->quiet || is_told(t, is, ans) || (t->alarm_ms != 0 && now < t->alarm_ms))
		return;
	t->alarm_ms = now + ALARM_MS;
	log_warnx("table map=%s line=%u problem=\"%s\" cannot_say=%" PRIu64,
	    log_quote(rs_string(p->image, rs_map(p->image, map)->name)),
	    ans->line, is == MAP_LATER ? "it cannot be asked now" :
	    "it cannot be read, or says what is none of its kind",
	    t->failed);
}

static enum map_result
counted(struct asking *a, uint32_t map, enum map_result is,
    const struct map_answer *ans)
{
	struct policy_table	*t = &a->policy->tables[map];

	switch (is) {
	case MAP_FOUND:
		t->found++;
		break;
	case MAP_NONE:
		t->none++;
		break;
	case MAP_WAIT:
		break;
	default:
		fails(a, map, is, ans);
		break;
	}
	return is;
}

void
policy_tables_stats(const struct policy *p, struct buf *out)
{
	const struct policy_table	*t;
	struct json			 j;
	char				*name;
	struct span			 s;
	uint32_t			 i;

	json_init(&j, out);
	json_object(&j, "tables");
	for (i = 0; i < p->nmaps; i++) {
		t = &p->tables[i];
		s = rs_string(p->image, rs_map(p->image, i)->name);
		name = xstrndup(s.n > 0 ? s.p : "", s.n);
		json_object(&j, name);
		json_uint(&j, "found", t->found);
		json_uint(&j, "none", t->none);
		json_uint(&j, "failed", t->failed);
		json_object_end(&j);
		free(name);
	}
	json_object_end(&j);
}

/* --- one table */

/* What this very table says; of one that is made of others, what was added. */
static enum map_result
ask_here(struct asking *a, uint32_t map, const struct map_question *q,
    struct map_answer *out)
{
	struct map_look	 look = { .map = a->policy->maps[map],
			    .arena = rs_eval_arena(a->eval) };

	return map_look(&look, q, out);
}

static enum map_result
ask_server(struct asking *a, uint32_t map, const struct map_question *q,
    struct map_answer *out)
{
	struct policy	*p = a->policy;
	enum map_result	 is;

	if (p->lookup.ask == NULL || map_size(p->maps[map]) > 0)
		return ask_here(a, map, q, out);
	is = memo_ask(a, map, q, out);
	out->filled = p->tables[map].strangers;
	return is;
}

/* --- several */

static enum map_result	ask(struct asking *, uint32_t, const struct map_question *,
			    struct table_answers *, unsigned);

static struct table_answer *
last_of(struct table_answers *as)
{
	return as->n == 0 ? &as->one : &as->all[as->n - 1];
}

static void
add(struct asking *a, struct table_answers *to, const struct table_answer *v)
{
	struct table_answer	*all;

	if (to->n == 0) {
		to->one = *v;
		to->all = &to->one;
		to->n = 1;
		return;
	}
	all = arena_alloc(rs_eval_arena(a->eval),
	    (to->n + 1) * sizeof(*all));
	memcpy(all, to->all, to->n * sizeof(*all));
	all[to->n++] = *v;
	to->all = all;
}

static void
add_all(struct asking *a, struct table_answers *to,
    const struct table_answers *from)
{
	size_t	i;

	for (i = 0; i < from->n; i++)
		add(a, to, &from->all[i]);
}

/* The nearest key so far is in best; it is copied since it points into itself. */
static void
take_best(struct asking *a, struct table_answers *best,
    const struct table_answers *got)
{
	*best = (struct table_answers){ .n = 0 };
	add_all(a, best, got);
}

static enum map_result
first_of(struct asking *a, const struct policy_table *t,
    const struct map_question *q, struct table_answers *best, unsigned depth)
{
	struct table_answers	 got;
	enum map_result		 is, failed = MAP_NONE;
	size_t			 from = a->trace.n, before;
	uint32_t		 i;

	for (i = 0; i < t->n; i++) {
		before = a->trace.n;
		is = ask(a, t->members[i], q, &got, depth);
		if (is == MAP_WAIT)
			return is;
		if (is == MAP_NONE) {
			trace_drop(a, before, a->trace.n);
			continue;
		}
		if (is != MAP_FOUND) {
			failed = is;
			best->one = *last_of(&got);
			trace_drop(a, from, before);
			break;
		}
		if (best->n == 0 || got.all[0].a.rank < best->all[0].a.rank) {
			take_best(a, best, &got);
			trace_drop(a, from, before);
		} else
			trace_drop(a, before, a->trace.n);
		if (best->all[0].a.rank == MAP_EXACT)
			break;
	}
	if (failed != MAP_NONE)
		return failed;
	return best->n > 0 ? MAP_FOUND : MAP_NONE;
}

/* All servers are asked at the same time. */
static enum map_result
union_of(struct asking *a, const struct policy_table *t,
    const struct map_question *q, struct table_answers *all, unsigned depth)
{
	struct table_answers	 got;
	enum map_result		 is, worst = MAP_NONE;
	size_t			 before;
	uint32_t		 i;

	for (i = 0; i < t->n; i++) {
		before = a->trace.n;
		is = ask(a, t->members[i], q, &got, depth);
		if (is == MAP_NONE)
			trace_drop(a, before, a->trace.n);
		if (is == MAP_FOUND)
			add_all(a, all, &got);
		else if (is > worst)	/* MAP_WAIT before all */
			worst = is;
	}
	if (worst != MAP_NONE)
		return worst;
	return all->n > 0 ? MAP_FOUND : MAP_NONE;
}

static bool
is_of(const struct map *m, const char *kinds)
{
	struct span	kind = map_kind(m);
	const char	*at = strstr(kinds, kind.p);

	return at != NULL && (at[kind.n] == ' ' || at[kind.n] == '\0');
}

/* The question that asks for a value; false: it is no key of that table. */
static bool
question_of(struct asking *a, uint32_t map, struct span value,
    struct map_question *q)
{
	struct policy	*p = a->policy;
	struct arena	*ar = rs_eval_arena(a->eval);
	struct address	 ad;
	const char	*why;

	*q = (struct map_question){ .ask = MAP_ASK_KEY, .key = value };
	while (map < p->nmaps && p->tables[map].how == TABLE_PIPE &&
	    p->tables[map].n > 0)
		map = p->tables[map].members[0];	/* which is asked first */
	if (map >= p->nmaps)
		return false;
	if (is_of(p->maps[map], "aliases virtusers generics moved")) {
		if (address_parse(value, ADDRESS_BARE_LOCAL_OK |
		    ADDRESS_UTF8_OK, ar, &ad, &why) == -1)
			return false;
		q->ask = MAP_ASK_ADDRESS;
		q->key = ad.whole;
		q->at = ad.at;
		q->detail_chars = p->detail;
	} else if (is_of(p->maps[map], "routes domains")) {
		if (domain_normalise(value, ar, &q->key, &why) == -1)
			return false;
		q->ask = MAP_ASK_DOMAIN;
	}
	return true;
}

/* Key and nearness are those of the first, the rest is the last one's. */
static enum map_result
pipe_of(struct asking *a, const struct policy_table *t,
    const struct map_question *q, struct table_answers *out, unsigned depth)
{
	struct map_question	 next = *q;
	struct map_answer	 first = { .line = 0 };
	struct table_answers	 got;
	enum map_result		 is = MAP_NONE;
	bool			 filled = false;
	size_t			 from = a->trace.n;
	uint32_t		 i;

	for (i = 0; i < t->n; i++) {
		if (i > 0 && !question_of(a, t->members[i],
		    got.all[0].a.value, &next))
			return MAP_BROKEN;
		is = ask(a, t->members[i], &next, &got, depth);
		if (is == MAP_NONE && i == 0)
			trace_drop(a, from, a->trace.n);
		if (is != MAP_FOUND)
			return is;
		if (got.n > 1)
			return MAP_BROKEN;
		if (i == 0)
			first = got.all[0].a;
		filled |= got.all[0].a.filled;
	}
	if (is != MAP_FOUND)
		return MAP_BROKEN;
	got.all[0].a.key = first.key;
	got.all[0].a.rank = first.rank;
	got.all[0].a.filled = filled;
	add(a, out, &got.all[0]);
	return is;
}

static enum map_result
ask_made(struct asking *a, uint32_t map, const struct map_question *q,
    struct table_answers *out, unsigned depth)
{
	const struct policy_table	*t = &a->policy->tables[map];

	if (depth == RS_MAP_DEPTH_MAX + 1 || t->n == 0)
		return MAP_BROKEN;
	switch (t->how) {
	case TABLE_FIRST:
		return first_of(a, t, q, out, depth + 1);
	case TABLE_UNION:
		return union_of(a, t, q, out, depth + 1);
	default:
		return pipe_of(a, t, q, out, depth + 1);
	}
}

static enum map_result
ask(struct asking *a, uint32_t map, const struct map_question *q,
    struct table_answers *out, unsigned depth)
{
	struct policy		*p = a->policy;
	struct table_answer	*one = &out->one;
	enum map_result		 is;

	out->n = 0;
	out->all = one;
	one->map = map;
	one->a.line = 0;
	one->a.value = SPAN_NONE;
	if (map >= p->nmaps)
		return MAP_BROKEN;
	if (p->failing[map])
		is = MAP_LATER;
	else if (p->tables[map].how == TABLE_HERE)	/* by far the most */
		is = ask_here(a, map, q, &one->a);
	else if (p->tables[map].how == TABLE_ASKED)
		is = ask_server(a, map, q, &one->a);
	else if (map_size(p->maps[map]) > 0)	/* a test's own lines */
		is = ask_here(a, map, q, &one->a);
	else
		return ask_made(a, map, q, out, depth);
	out->n = is == MAP_FOUND;
	if (is != MAP_WAIT && (depth > 0 || (is == MAP_FOUND &&
	    p->tables[map].how == TABLE_ASKED)))
		trace_add(a, is, q, one);
	return counted(a, map, is, &one->a);
}

enum map_result
tables_ask(struct asking *a, uint32_t map, const struct map_question *q,
    struct table_answers *out)
{
	a->trace.n = 0;
	return ask(a, map, q, out, 0);
}

bool
tables_have_names(const struct policy *p, uint32_t map)
{
	const struct policy_table	*t;
	uint32_t			 i;

	if (map >= p->nmaps)
		return false;
	t = &p->tables[map];
	if (t->how < TABLE_FIRST || map_size(p->maps[map]) > 0)
		return map_access_has_names(p->maps[map]);
	for (i = 0; i < t->n; i++)
		if (tables_have_names(p, t->members[i]))
			return true;
	return false;
}
