/*
 * fake_world.c - a world that answers from a small table, or at random.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "test/unit/ruleset/fake_world.h"
#include "test/unit/ruleset/spec.h"

/* Answers: a value, "absent" or "cannot". */
static const struct { const char *question, *answer; } answers[] = {
	{ "fact client.ip", "ip 192.0.2.1" },
	{ "fact client.name", "cannot" },
	{ "fact client.user", "absent" },
	{ "fact client.verified_name", "absent" },
	{ "fact listener", "text smtp" },
	{ "fact message.size", "size 2K" },
	{ "fact rcpt", "address Ann+x@mx.example" },
	{ "fact sender", "address <>" },
	{ "map m ann", "text host=a.example\nport=25" },
	{ "map m Ann+x@mx.example", "text bob@x.example" },
	{ "map m size", "text 2G" },
	{ "map m fail", "cannot" },
	{ "header Subject 0", "text hello" },
	{ "header Subject 1", "text World" },
	{ "header Broken 0", "cannot" },
	{ "header Half 0", "text hello" },
	{ "header Half 1", "cannot" },
	{ "unknown", "bool true" },
	{ "tag t", "text tagged" },
	{ "tag late", "cannot" },
	{ "map m bob", "verdict REJECT" },
	{ "map m staff", "text yes" },
	{ "item attachments 0", "text hello" },
	{ "item attachments 1", "text run.exe" },
	{ "item attachments.type 0", "cannot" },
	{ "listed zen 10.1.2.3", "bool true" },
	{ "listed zen a.b.example", "cannot" },
	{ "rate r 192.0.2.1", "bool true" },
	{ "rate r fail", "cannot" },
	{ "greylisted hello 5000", "bool true" },
	{ "spf", "text fail" },
	{ "resolves a.b.example", "bool true" },
	{ "resolves fail", "cannot" },
	{ "reachable Ann+x@mx.example 0", "bool true" },
	{ "reachable Ann+x@mx.example 1", "cannot" },
	{ "owned Ann+x@mx.example ann", "bool true" },
	{ "srs Ann+x@mx.example 0", "address srs0@x.example" },
	{ "srs Ann+x@mx.example 1", "absent" },
	{ "access m client", "verdict RELAY" },
	{ "access m rcpt", "cannot" },
	{ "verdict m REJECT", "text reject" },
	{ "verdict m fail", "cannot" },
};

/* What a random world may say. */
static const char *const random_answers[] = {
	"absent", "cannot", "bool true", "bool false", "text hello", "text ",
	"domain a.example", "address ann@x.example", "address <>",
	"ip 10.1.2.3", "ip ::1", "int 5", "size 2K", "none", "?soft", "?table",
	"text host=h\nport=1", "verdict REJECT", "verdict OK", "text reject",
	"date 2026-01-05T08:30:00Z", "time 5s", "text a\xff@\"b",
	"address \"a b\"@c.example",
};

static uint64_t
draw(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x >> 20;
}

static enum rs_answer
say(struct fake_world *w, const char *spec, struct rs_value *out)
{
	if (strcmp(spec, "absent") == 0)
		return RS_ABSENT;
	if (strcmp(spec, "cannot") == 0)
		return RS_CANNOT;
	*out = spec_value(spec, &w->arena);
	return RS_HAVE;
}

static enum rs_answer
say_random(struct fake_world *w, struct span question, struct rs_value *out)
{
	size_t	n = sizeof(random_answers) / sizeof(random_answers[0]);
	uint64_t h = hash_fixed(question) ^ w->seed;

	draw(&h);
	/* headers end some time */
	if ((span_prefix(question, SPAN("header")) ||
	    span_prefix(question, SPAN("item"))) && draw(&h) % 3 == 0)
		return RS_ABSENT;
	return say(w, random_answers[draw(&h) % n], out);
}

static enum rs_answer
answer(struct fake_world *w, struct span question, struct rs_value *out)
{
	w->asked++;
	if (w->waits != 0 && htab_get(&w->answered, question) == NULL) {
		if (draw(&w->waits) % 3 != 0) {
			w->waited++;
			return RS_WAIT;
		}
		htab_put(&w->answered, question, w);
	}
	if (w->seed != 0)
		return say_random(w, question, out);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (span_eq(question, span_of(answers[i].question)))
			return say(w, answers[i].answer, out);
	}
	return RS_ABSENT;
}

static enum rs_answer
get_fact(void *ctx, struct rs_eval *ev, unsigned fact, struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "fact %s",
	    rs_facts[fact].name), out);
}

static enum rs_answer
get_map(void *ctx, struct rs_eval *ev, uint32_t map,
    const struct rs_value *key, struct rs_value *out, uint32_t *line)
{
	struct fake_world	*w = ctx;
	enum rs_answer		 a;

	(void)ev;
	a = answer(w, arena_printf(&w->arena, "map %.*s %.*s",
	    SPAN_ARG(rs_string(w->im, rs_map(w->im, map)->name)),
	    SPAN_ARG(rs_format(key, &w->arena))), out);
	if (a == RS_HAVE)
		*line = 7;
	return a;
}

static enum rs_answer
get_header(void *ctx, struct rs_eval *ev, struct span name, unsigned i,
    struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	if (i > 20)
		return RS_ABSENT;
	return answer(w, arena_printf(&w->arena, "header %.*s %u",
	    SPAN_ARG(name), i), out);
}

static enum rs_answer
get_unknown(void *ctx, struct rs_eval *ev, struct rs_value *out)
{
	(void)ev;
	return answer(ctx, SPAN("unknown"), out);
}

static enum rs_answer
get_tag(void *ctx, struct rs_eval *ev, uint32_t tag, struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "tag %.*s",
	    SPAN_ARG(rs_string(w->im, rs_tag(w->im, tag)->name))), out);
}

static enum rs_answer
get_item(void *ctx, struct rs_eval *ev, unsigned listof, unsigned i,
    struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	if (i > 20)
		return RS_ABSENT;
	return answer(w, arena_printf(&w->arena, "item %s %u",
	    rs_listof_names[listof], i), out);
}

static enum rs_answer
get_listed(void *ctx, struct rs_eval *ev, uint32_t list,
    const struct rs_value *key, struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "listed %.*s %.*s",
	    SPAN_ARG(rs_string(w->im, rs_list(w->im, list)->name)),
	    SPAN_ARG(rs_format(key, &w->arena))), out);
}

static enum rs_answer
get_rate(void *ctx, struct rs_eval *ev, uint32_t rate,
    const struct rs_value *key, struct rs_value *out)
{
	struct fake_world	*w = ctx;
	enum rs_answer		 a;

	(void)ev;
	a = answer(w, arena_printf(&w->arena, "rate %.*s %.*s",
	    SPAN_ARG(rs_string(w->im, rs_rate(w->im, rate)->name)),
	    SPAN_ARG(rs_format(key, &w->arena))), out);
	w->counted += a != RS_WAIT;
	return a;
}

static enum rs_answer
get_greylisted(void *ctx, struct rs_eval *ev, const struct rs_value *key,
    int64_t wait_ms, struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "greylisted %.*s %d",
	    SPAN_ARG(rs_format(key, &w->arena)), (int)wait_ms), out);
}

static enum rs_answer
get_spf(void *ctx, struct rs_eval *ev, struct rs_value *out)
{
	(void)ev;
	return answer(ctx, SPAN("spf"), out);
}

static enum rs_answer
get_resolves(void *ctx, struct rs_eval *ev, const struct rs_value *domain,
    struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "resolves %.*s",
	    SPAN_ARG(rs_format(domain, &w->arena))), out);
}

static enum rs_answer
get_reachable(void *ctx, struct rs_eval *ev, const struct rs_value *address,
    bool recipient, struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "reachable %.*s %d",
	    SPAN_ARG(rs_format(address, &w->arena)), recipient), out);
}

static enum rs_answer
get_owned(void *ctx, struct rs_eval *ev, const struct rs_value *address,
    const struct rs_value *user, struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "owned %.*s %.*s",
	    SPAN_ARG(rs_format(address, &w->arena)),
	    SPAN_ARG(rs_format(user, &w->arena))), out);
}

static enum rs_answer
get_srs(void *ctx, struct rs_eval *ev, const struct rs_value *address,
    bool back, struct rs_value *out)
{
	struct fake_world	*w = ctx;

	(void)ev;
	return answer(w, arena_printf(&w->arena, "srs %.*s %d",
	    SPAN_ARG(rs_format(address, &w->arena)), back), out);
}

static enum rs_answer
get_access(void *ctx, struct rs_eval *ev, uint32_t map, enum rs_role role,
    struct rs_value *out, uint32_t *line)
{
	struct fake_world	*w = ctx;
	enum rs_answer		 a;

	(void)ev;
	a = answer(w, arena_printf(&w->arena, "access %.*s %s",
	    SPAN_ARG(rs_string(w->im, rs_map(w->im, map)->name)),
	    rs_role_names[role]), out);
	if (a == RS_HAVE)
		*line = 9;
	return a;
}

/* "text reject" refuses; whatever else there is goes on. */
static enum rs_answer
get_verdict(void *ctx, struct rs_eval *ev, uint32_t map,
    const struct rs_value *v, struct rs_verdict *out)
{
	struct fake_world	*w = ctx;
	struct rs_value		 said;
	enum rs_answer		 a;

	(void)ev;
	a = answer(w, arena_printf(&w->arena, "verdict %.*s %.*s",
	    SPAN_ARG(rs_string(w->im, rs_map(w->im, map)->name)),
	    SPAN_ARG(rs_format(v, &w->arena))), &said);
	if (a != RS_HAVE)
		return a;
	if (said.type != RS_T_TEXT || !span_eq(said.s, SPAN("reject")))
		return RS_ABSENT;
	out->kind = RS_V_REJECT;
	out->code = 550;
	out->status = SPAN("5.7.1");
	out->text = SPAN("by table");
	return RS_HAVE;
}

static void
on_effect(void *ctx, struct rs_eval *ev, enum rs_effect effect,
    uint32_t number, struct span name, const struct rs_value *v)
{
	static const char *const names[] = {
		"add", "set", "remove", "log", "tag", "delay", "bcc", "use",
		"skip", "headers only", "hide", "alarm",
		"language", "priority"
	};
	struct fake_world	*w = ctx;

	(void)ev;
	buf_addf(&w->effects, "%s %u '%.*s' %s; ", names[effect], number,
	    SPAN_ARG(name), spec_show(v, &w->arena));
}

const struct rs_world fake_world = {
	.fact = get_fact, .map_get = get_map, .header = get_header,
	.rcpt_unknown = get_unknown, .tag_get = get_tag, .item = get_item,
	.listed = get_listed, .rate = get_rate, .greylisted = get_greylisted,
	.spf = get_spf, .resolves = get_resolves, .reachable = get_reachable,
	.owned = get_owned, .access = get_access, .verdict = get_verdict,
	.effect = on_effect, .srs = get_srs,
};

void
fake_clear(struct fake_world *w)
{
	buf_clear(&w->effects);
	arena_clear(&w->arena);
	htab_clear(&w->answered);
	w->asked = w->waited = w->counted = 0;
}

const char *
fake_describe(struct fake_world *w, const struct rs_verdict *v)
{
	struct span	said = buf_span(&w->effects);
	struct span	s;

	if (v->kind == RS_V_VALUE)
		return arena_printf(&w->arena, "%.*s%s", SPAN_ARG(said),
		    spec_show(&v->value, &w->arena)).p;
	s = arena_printf(&w->arena, "%.*s%s%s", SPAN_ARG(said),
	    v->cannot ? "cannot " : "", rs_verdict_name(v->kind));
	if (v->code != 0)
		s = arena_printf(&w->arena, "%.*s %u %.*s '%.*s'",
		    SPAN_ARG(s), v->code, SPAN_ARG(v->status),
		    SPAN_ARG(v->text));
	if (v->object != UINT32_MAX)
		s = arena_printf(&w->arena, "%.*s #%u", SPAN_ARG(s),
		    v->object);
	if (v->code == 0 && v->text.n > 0)
		s = arena_printf(&w->arena, "%.*s '%.*s'", SPAN_ARG(s),
		    SPAN_ARG(v->text));
	if (v->value.type != RS_T_NONE && v->code == 0)
		s = arena_printf(&w->arena, "%.*s %s", SPAN_ARG(s),
		    spec_show(&v->value, &w->arena));
	if (v->table_line != 0)
		s = arena_printf(&w->arena, "%.*s line %u", SPAN_ARG(s),
		    v->table_line);
	return s.p;
}

const char *
fake_run(struct fake_world *w, struct rs_eval *ev, uint32_t func)
{
	struct rs_verdict	v;
	enum rs_run		run;

	run = rs_eval_run(ev, func, NULL, 0, &v);
	while (run == RS_PENDING)
		run = rs_eval_resume(ev, &v);
	return fake_describe(w, &v);
}
