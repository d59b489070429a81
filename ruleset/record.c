/*
 * record.c - the decision record, and its form for programs (doc/records.md).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/xalloc.h"
#include "ruleset/interp.h"
#include "ruleset/record_int.h"

const char *const rs_effect_names[RS_NEFFECTS] = {
	[RS_E_HEADER_ADD] = "add header", [RS_E_HEADER_SET] = "set header",
	[RS_E_HEADER_DEL] = "remove header", [RS_E_LOG] = "log",
	[RS_E_TAG] = "tag", [RS_E_DELAY] = "delay", [RS_E_BCC] = "bcc",
	[RS_E_MILTER_USE] = "use milter",
	[RS_E_MILTER_SKIP] = "skip milter",
	[RS_E_HEADERS_ONLY] = "headers only", [RS_E_HIDE] = "hide",
	[RS_E_ALARM] = "alarm", [RS_E_LANGUAGE] = "language",
	[RS_E_PRIORITY] = "priority",
};

static const char *const step_names[RS_NSTEPS] = {
	[RS_STEP_RULE] = "rule", [RS_STEP_FACT] = "fact",
	[RS_STEP_MAP] = "map", [RS_STEP_SET] = "set",
	[RS_STEP_NETS] = "nets", [RS_STEP_HEADER] = "header",
	[RS_STEP_UNKNOWN_RCPT] = "rcpt unknown", [RS_STEP_TEST] = "test",
	[RS_STEP_CALL] = "call", [RS_STEP_RETURN] = "return",
	[RS_STEP_EFFECT] = "effect", [RS_STEP_VERDICT] = "verdict",
	[RS_STEP_TAG] = "tag", [RS_STEP_COMPARE] = "compare",
	[RS_STEP_MATCH] = "match", [RS_STEP_LIKE] = "like",
	[RS_STEP_LIST] = "list", [RS_STEP_LISTED] = "listed",
	[RS_STEP_RATE] = "rate", [RS_STEP_GREYLISTED] = "greylisted",
	[RS_STEP_SPF] = "spf", [RS_STEP_RESOLVES] = "resolves",
	[RS_STEP_REACHABLE] = "reachable", [RS_STEP_OWNED] = "owned",
	[RS_STEP_ACCESS] = "access", [RS_STEP_MEMBER] = "member",
	[RS_STEP_ANSWER] = "answer", [RS_STEP_SRS] = "srs",
};

void
rs_record_clear(struct rs_record *r)
{
	arena_clear(&r->arena);
	free(r->steps);
	memset(r, 0, sizeof(*r));
}

static struct rs_value
keep(const struct rs_value *v, struct arena *arena)
{
	struct rs_value	out = *v;

	if (!rs_has_span(v->type) || v->s.n <= RS_RECORD_TEXT)
		return rs_copy(v, arena);
	out.s = arena_printf(arena, "%.*s...", RS_RECORD_TEXT, v->s.p);
	return out;
}

void
rs_record_add(struct rs_record *r, const struct rs_step *step)
{
	struct rs_step	*s;

	if (r->n >= RS_RECORD_MAX) {
		r->cut = true;
		return;
	}
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 32 : 2 * r->cap;
		r->steps = xreallocarray(r->steps, r->cap, sizeof(*r->steps));
	}
	s = &r->steps[r->n++];
	*s = *step;
	s->key = keep(&step->key, &r->arena);
	s->value = keep(&step->value, &r->arena);
}

static struct span
compare_sign(uint32_t op)
{
	switch (op) {
	case RS_EQ:
		return SPAN("==");
	case RS_LT:
		return SPAN("<");
	case RS_LE:
		return SPAN("<=");
	case RS_GT:
		return SPAN(">");
	default:
		return SPAN(">=");
	}
}

struct span
rs_step_name(const struct rs_step *s, const struct rs_image *im)
{
	switch (s->kind) {
	case RS_STEP_FACT:
		return span_of(rs_facts[s->number].name);
	case RS_STEP_MAP:
		return rs_string(im, rs_map(im, s->number)->name);
	case RS_STEP_SET:
		return rs_set_name(im, s->number);
	case RS_STEP_NETS:
		return rs_nets_name(im, s->number);
	case RS_STEP_HEADER:
		return s->key.s;
	case RS_STEP_CALL:
	case RS_STEP_RETURN:
		return rs_string(im, rs_func(im, s->number)->name);
	case RS_STEP_EFFECT:
		return span_of(rs_effect_names[s->number]);
	case RS_STEP_VERDICT:
		return span_of(rs_verdict_name(s->number));
	case RS_STEP_TAG:
		return rs_string(im, rs_tag(im, s->number)->name);
	case RS_STEP_COMPARE:
		return compare_sign(s->number);
	case RS_STEP_MATCH:
		return rs_string(im, rs_regex(im, s->number)->text);
	case RS_STEP_LIKE:
		return rs_string(im, rs_pattern(im, s->number)->text);
	case RS_STEP_LIST:
		return span_of(rs_listof_names[s->number]);
	case RS_STEP_LISTED:
		return rs_string(im, rs_list(im, s->number)->name);
	case RS_STEP_RATE:
		return rs_string(im, rs_rate(im, s->number)->name);
	case RS_STEP_ACCESS:
	case RS_STEP_MEMBER:
	case RS_STEP_ANSWER:
		return rs_string(im, rs_map(im, s->number)->name);
	case RS_STEP_REACHABLE:
		return s->number != 0 ? SPAN("recipient") : SPAN("sender");
	case RS_STEP_SRS:
		return s->number != 0 ? SPAN("back") : SPAN("forward");
	default:
		return SPAN_NONE;
	}
}

/*
 * JSON.
 */

static void
json_unknown(struct json *j, const char *key, int64_t why)
{
	json_object(j, key);
	json_str(j, "unknown", why & RS_WHY_TABLE ? "table" : "soft");
	json_object_end(j);
}

static void
json_value(struct json *j, const char *key, const struct rs_value *v,
    struct arena *scratch)
{
	switch (v->type) {
	case RS_T_NONE:
		json_null(j, key);
		break;
	case RS_T_UNKNOWN:
		json_unknown(j, key, v->i);
		break;
	case RS_T_BOOL:
		json_bool(j, key, v->i != 0);
		break;
	case RS_T_INT:
	case RS_T_SIZE:
	case RS_T_TIME:
		json_int(j, key, v->i);
		break;
	default:
		json_text(j, key, rs_has_span(v->type) ? v->s :
		    rs_format(v, scratch));
		break;
	}
}

static void
json_rule(struct json *j, const struct rs_image *im, uint32_t number)
{
	const struct rs_rule	*rule = rs_rule(im, number);

	json_text(j, "file", rs_string(im, rs_file(im, rule->file)->path));
	json_uint(j, "line", rule->line);
	json_text(j, "text", rs_string(im, rule->text));
}

/* The table's file and line that answered. */
static void
json_table(struct json *j, const struct rs_image *im, const struct rs_step *s)
{
	const struct rs_map_decl	*map = rs_map(im, s->number);

	if (map->file != UINT32_MAX)
		json_text(j, "table",
		    rs_string(im, rs_file(im, map->file)->path));
	if (s->line != 0)
		json_uint(j, "table_line", s->line);
}

/* The included file and line that have the member. */
static void
json_member(struct json *j, const struct rs_step *s)
{
	json_text(j, "table", s->value.s);
	json_uint(j, "table_line", s->line);
}

static bool
has_value(unsigned kind)
{
	return kind != RS_STEP_RULE && kind != RS_STEP_CALL &&
	    kind != RS_STEP_MEMBER;
}

static bool
has_key(unsigned kind)
{
	return kind == RS_STEP_MAP || kind == RS_STEP_SET ||
	    kind == RS_STEP_NETS || kind == RS_STEP_COMPARE ||
	    (kind >= RS_STEP_MATCH && kind != RS_STEP_LIST &&
	    kind != RS_STEP_SPF);
}

/* What a greylist and a rate are asked for. */
static void
json_bound(struct json *j, const struct rs_image *im, const struct rs_step *s,
    struct arena *scratch)
{
	struct rs_value	v;

	if (s->kind == RS_STEP_GREYLISTED)
		json_int(j, "wait", rs_const(im, s->number).i);
	if (s->kind != RS_STEP_RATE)
		return;
	v = rs_int(RS_T_RATE, rs_rate(im, s->number)->rate);
	json_text(j, "over", rs_format(&v, scratch));
}

static void
json_key(struct json *j, const struct rs_step *s, struct arena *scratch)
{
	if (has_key(s->kind))
		json_value(j, "key", &s->key, scratch);
	else if (s->kind == RS_STEP_EFFECT && s->key.s.n > 0)
		json_text(j, "field", s->key.s);
	else if (s->kind == RS_STEP_CALL)
		json_text(j, "arguments", s->key.s);
	else if (s->kind == RS_STEP_VERDICT && s->key.type == RS_T_TEXT)
		json_text(j, "by", s->key.s);
}

static void
json_step(struct json *j, const struct rs_image *im, const struct rs_step *s,
    struct arena *scratch)
{
	struct span	name = rs_step_name(s, im);

	json_object(j, NULL);
	json_str(j, "step", step_names[s->kind]);
	if (s->depth > 0)
		json_uint(j, "depth", s->depth);
	if (name.n > 0)
		json_text(j, "name", name);
	if (s->kind == RS_STEP_RULE)
		json_rule(j, im, s->number);
	else if (s->kind == RS_STEP_MAP || s->kind == RS_STEP_ACCESS ||
	    s->kind == RS_STEP_ANSWER)
		json_table(j, im, s);
	else if (s->kind == RS_STEP_MEMBER)
		json_member(j, s);
	else if (s->line != 0)
		json_uint(j, "line", s->line);
	json_bound(j, im, s, scratch);
	json_key(j, s, scratch);
	if (has_value(s->kind))
		json_value(j, "value", &s->value, scratch);
	json_object_end(j);
}

void
rs_record_json(const struct rs_record *r, const struct rs_image *im,
    struct buf *out)
{
	struct arena	scratch = { 0 };
	struct json	j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", RS_RECORD_VERSION);
	json_text(&j, "ref", r->ref);
	json_str(&j, "policy", rs_image_hash(im));
	json_str(&j, "hook", rs_hook_names[r->hook]);
	json_array(&j, "steps");
	for (size_t i = 0; i < r->n; i++)
		json_step(&j, im, &r->steps[i], &scratch);
	json_array_end(&j);
	json_bool(&j, "cut", r->cut);
	json_object_end(&j);
	arena_clear(&scratch);
}
