/*
 * interp_world.c - what the interpreter asks of the world, and tells it.
 *
 * Each answer is one of four.  RS_WAIT parks: nothing has been written and
 * nothing recorded, so the instruction is asked once more from its beginning.
 * RS_CANNOT becomes an unknown value.
 */
#include "ruleset/interp_int.h"

void
note_step(struct rs_eval *ev, enum rs_step_kind kind, uint32_t number,
    uint32_t line, const struct rs_value *key, const struct rs_value *value)
{
	struct rs_step	step = { .kind = (uint8_t)kind,
	    .depth = (uint8_t)ev->depth, .number = number, .line = line };

	if (key != NULL)
		step.key = *key;
	if (value != NULL)
		step.value = *value;
	rs_record_add(ev->record, &step);
}

void
note_answers(struct rs_eval *ev)
{
	struct rs_step	step = { .kind = RS_STEP_ANSWER };
	unsigned	i;

	if (ev->record == NULL || ev->world->answered == NULL)
		return;
	for (i = 0; ev->world->answered(ev->ctx, i, &step); i++) {
		step.depth = (uint8_t)ev->depth;
		rs_record_add(ev->record, &step);
	}
}

/* A look-up that was made, or would have been. */
static void
note_map(struct rs_eval *ev, uint32_t map, uint32_t line,
    const struct rs_value *key, const struct rs_value *v)
{
	note(ev, RS_STEP_MAP, map, line, key, v);
	if (key->type != RS_T_UNKNOWN && !rs_is_void(key))
		note_answers(ev);
}

static enum rs_answer
get_fact(struct rs_eval *ev, unsigned fact)
{
	struct rs_value	*v = &ev->facts[fact];
	enum rs_answer	 answer;

	*v = rs_empty(RS_T_NONE);
	answer = ev->world->fact == NULL ? RS_CANNOT :
	    ev->world->fact(ev->ctx, ev, fact, v);
	if (answer == RS_WAIT)
		return answer;
	if (answer == RS_ABSENT)
		*v = rs_empty(rs_facts[fact].type);
	else if (answer == RS_CANNOT)
		*v = rs_unknown(RS_WHY_TABLE);
	ev->have |= RS_FACT_BIT(fact);
	return answer;
}

enum next
ask_fact(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	unsigned	fact = in->b;

	if (!(ev->have & RS_FACT_BIT(fact)) && get_fact(ev, fact) == RS_WAIT)
		return PARK;
	f->r[in->a] = ev->facts[fact];
	note(ev, RS_STEP_FACT, fact, here(ev, f), NULL, &ev->facts[fact]);
	return NEXT;
}

void
settle(enum rs_answer answer, enum rs_why why, struct rs_value *out)
{
	if (answer == RS_ABSENT)
		*out = rs_empty(RS_T_NONE);
	else if (answer == RS_CANNOT)
		*out = rs_unknown(why);
}

enum rs_answer
get_map(struct rs_eval *ev, uint32_t map, const struct rs_value *key,
    struct rs_value *out, uint32_t *line)
{
	enum rs_answer	answer = RS_ABSENT;

	*line = 0;
	if (key->type == RS_T_UNKNOWN) {
		*out = *key;
		return RS_HAVE;
	}
	if (!rs_is_void(key))
		answer = ev->world->map_get == NULL ? RS_CANNOT :
		    ev->world->map_get(ev->ctx, ev, map, key, out, line);
	if (answer != RS_WAIT)
		settle(answer, RS_WHY_TABLE, out);
	return answer;
}

enum next
ask_map(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	v = rs_empty(RS_T_NONE);
	uint32_t	line;

	if (get_map(ev, in->c, &f->r[in->b], &v, &line) == RS_WAIT)
		return PARK;
	note_map(ev, in->c, line, &f->r[in->b], &v);
	if (in->op == RS_MAP_HAS && v.type != RS_T_UNKNOWN)
		v = rs_bool(v.type != RS_T_NONE);
	f->r[in->a] = v;
	return NEXT;
}

enum rs_answer
ask_expand(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    struct rs_value *out, uint32_t *line)
{
	enum rs_answer	answer;

	*out = rs_empty(RS_T_NONE);
	answer = get_map(ev, in->c, &f->r[in->a], out, line);
	if (answer == RS_WAIT)
		return answer;
	note_map(ev, in->c, *line, &f->r[in->a], out);
	return out->type == RS_T_UNKNOWN ? RS_CANNOT : answer;
}

enum next
ask_header(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	name = rs_text(RS_T_TEXT, rs_string(ev->im, in->c));
	struct rs_value	v = rs_empty(RS_T_NONE);
	enum rs_answer	answer;

	answer = ev->world->header == NULL ? RS_CANNOT :
	    ev->world->header(ev->ctx, ev, name.s, 0, &v);
	if (answer == RS_WAIT)
		return PARK;
	settle(answer, RS_WHY_TABLE, &v);
	note(ev, RS_STEP_HEADER, 0, here(ev, f), &name, &v);
	f->r[in->a] = v.type == RS_T_NONE ? rs_empty(RS_T_TEXT) : v;
	return NEXT;
}

enum next
ask_unknown(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	v = rs_empty(RS_T_NONE);
	enum rs_answer	answer;

	answer = ev->world->rcpt_unknown == NULL ? RS_CANNOT :
	    ev->world->rcpt_unknown(ev->ctx, ev, &v);
	if (answer == RS_WAIT)
		return PARK;
	if (answer == RS_ABSENT)
		v = rs_bool(false);
	settle(answer == RS_ABSENT ? RS_HAVE : answer, RS_WHY_TABLE, &v);
	note(ev, RS_STEP_UNKNOWN_RCPT, 0, here(ev, f), NULL, &v);
	f->r[in->a] = v;
	return NEXT;
}

/* A tag that the world does not have is at its default. */
enum next
ask_tag(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	uint32_t	tag = (uint32_t)ev->im->consts[in->c].i;
	struct rs_value	v = rs_empty(RS_T_NONE);
	enum rs_answer	answer;

	answer = ev->world->tag_get == NULL ? RS_CANNOT :
	    ev->world->tag_get(ev->ctx, ev, tag, &v);
	if (answer == RS_WAIT)
		return PARK;
	if (answer == RS_ABSENT)
		v = rs_const(ev->im, rs_tag(ev->im, tag)->dflt);
	else
		settle(answer, RS_WHY_TABLE, &v);
	note(ev, RS_STEP_TAG, tag, here(ev, f), NULL, &v);
	f->r[in->a] = v;
	return NEXT;
}

static const uint8_t effects[RS_NOPS] = {
	[RS_HEADER_ADD] = RS_E_HEADER_ADD, [RS_HEADER_SET] = RS_E_HEADER_SET,
	[RS_HEADER_DEL] = RS_E_HEADER_DEL, [RS_LOG] = RS_E_LOG,
	[RS_TAG] = RS_E_TAG, [RS_DELAY] = RS_E_DELAY, [RS_BCC] = RS_E_BCC,
	[RS_MILTER_USE] = RS_E_MILTER_USE,
	[RS_MILTER_SKIP] = RS_E_MILTER_SKIP,
	[RS_HEADERS_ONLY] = RS_E_HEADERS_ONLY, [RS_HIDE] = RS_E_HIDE,
	[RS_LANGUAGE] = RS_E_LANGUAGE,
	[RS_PRIORITY] = RS_E_PRIORITY,
};

static void
tell(struct rs_eval *ev, enum rs_effect effect, uint32_t number,
    struct span name, const struct rs_value *v)
{
	if (ev->world->effect != NULL)
		ev->world->effect(ev->ctx, ev, effect, number, name, v);
}

void
do_effect(struct rs_eval *ev, struct frame *f, const struct rs_insn *in,
    const struct rs_value *v)
{
	enum rs_effect	effect = (enum rs_effect)effects[in->op];
	struct rs_value	name = rs_empty(RS_T_TEXT);
	uint32_t	number = 0;
	char		list[RS_EXT_LIST_MAX];

	if (rs_ops[in->op].c == RS_STR_)
		name.s = rs_string(ev->im, in->c);
	else if (in->op == RS_TAG) {
		number = (uint32_t)ev->im->consts[in->c].i;
		name.s = rs_string(ev->im, rs_tag(ev->im, number)->name);
	} else if (in->op == RS_HIDE) {
		number = (uint32_t)ev->im->consts[in->c].i;
		name.s = arena_span(&ev->arena,
		    span_of(rs_extension_list(number, list)));
	} else if (in->op == RS_PRIORITY) {
		number = (uint32_t)ev->im->consts[in->c].i;
		name.s = span_of(rs_priority_names[number]);
	} else if (rs_ops[in->op].c == RS_OBJECT_) {
		number = in->c;
		name.s = rs_string(ev->im, rs_object(ev->im, number)->name);
	}
	note(ev, RS_STEP_EFFECT, effect, here(ev, f), &name, v);
	tell(ev, effect, number, name.s, v);
}

void
do_alarm(struct rs_eval *ev, struct span text)
{
	struct rs_value	v = rs_text(RS_T_TEXT, text);

	tell(ev, RS_E_ALARM, 0, SPAN_NONE, &v);
}
