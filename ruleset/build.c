/*
 * build.c - writing an image.
 *
 * Owns: a growing buffer for each section.  What may come in any order (the
 * options of blocks) is kept aside and sorted in at the end.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "ruleset/build_int.h"

struct pending_option {
	uint32_t		object;
	struct rs_optval	val;
};

struct rs_build *
rs_build_new(void)
{
	struct rs_build	*b = xcalloc(1, sizeof(*b));

	b->func = b->sw = RS_NO_INDEX;
	return b;
}

void
rs_build_free(struct rs_build **bp)
{
	struct rs_build	*b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	for (unsigned i = 0; i < RS_NSECTIONS; i++)
		buf_clear(&b->sec[i]);
	buf_clear(&b->options);
	buf_clear(&b->cases);
	htab_clear(&b->strings);
	htab_clear(&b->consts);
	htab_clear(&b->regexes);
	free(b);
}

/* Remembers the first mistake; rs_build_finish() tells it. */
static void
wrong(struct rs_build *b, const char *why)
{
	if (b->why == NULL)
		b->why = why;
}

uint32_t
rs_build_count(const struct rs_build *b, enum rs_section_kind kind)
{
	return (uint32_t)(b->sec[kind].n / rs_sections[kind].record);
}

uint32_t
rs_build_add(struct rs_build *b, enum rs_section_kind kind, const void *rec)
{
	uint32_t	n = rs_build_count(b, kind);

	if (b->sec[kind].n > RS_IMAGE_MAX)
		wrong(b, "the policy is too large");
	else
		buf_add(&b->sec[kind], rec, rs_sections[kind].record);
	return n;
}

void *
rs_build_record(struct rs_build *b, enum rs_section_kind kind, uint32_t i)
{
	assert(i < rs_build_count(b, kind));
	return b->sec[kind].base + b->sec[kind].off +
	    (size_t)i * rs_sections[kind].record;
}

/* The number under which tab has key, or that of the record added for it. */
static uint32_t
intern(struct htab *tab, struct span key, uint32_t next)
{
	void	*v = htab_get(tab, key);

	if (v != NULL)
		return (uint32_t)((uintptr_t)v - 1);
	htab_put(tab, key, (void *)(uintptr_t)(next + (uint64_t)1));
	return next;
}

uint32_t
rs_build_string(struct rs_build *b, struct span s)
{
	uint32_t		next = rs_build_count(b, RS_S_STRINGS);
	uint32_t		i = intern(&b->strings, s, next);
	struct rs_string	rec = { (uint32_t)b->sec[RS_S_TEXT].n,
	    (uint32_t)s.n };

	if (i < next)
		return i;
	if (s.n > RS_IMAGE_MAX || b->sec[RS_S_TEXT].n > RS_IMAGE_MAX)
		wrong(b, "the policy's texts are too large");
	else {
		buf_add_span(&b->sec[RS_S_TEXT], s);
		buf_add_char(&b->sec[RS_S_TEXT], '\0');
	}
	return rs_build_add(b, RS_S_STRINGS, &rec);
}

uint32_t
rs_build_const(struct rs_build *b, const struct rs_value *v)
{
	uint32_t	next = rs_build_count(b, RS_S_CONSTS);
	struct rs_const	rec;
	uint32_t	i;

	memset(&rec, 0, sizeof(rec));
	rec.type = v->type;
	if (rs_has_span(v->type))
		rec.string = rs_build_string(b, v->s);
	else if (rs_is_number(v->type))
		rec.i = v->i;
	else if (v->type == RS_T_IP || v->type == RS_T_NET) {
		rec.bits = v->type == RS_T_NET ? v->bits : 0;
		rec.family = v->ip.family;
		memcpy(rec.a, v->ip.a, v->ip.family == 4 ? 4 :
		    v->ip.family == 6 ? 16 : 0);
	} else if (v->type != RS_T_NONE)
		wrong(b, "a constant of this type cannot be");
	i = intern(&b->consts, span_mem(&rec, sizeof(rec)), next);
	return i < next ? i : rs_build_add(b, RS_S_CONSTS, &rec);
}

uint32_t
rs_build_file(struct rs_build *b, struct span path, unsigned role,
    const uint8_t sha256[32])
{
	struct rs_file	rec;

	memset(&rec, 0, sizeof(rec));
	rec.path = rs_build_string(b, path);
	rec.role = (uint8_t)role;
	memcpy(rec.sha256, sha256, sizeof(rec.sha256));
	return rs_build_add(b, RS_S_FILES, &rec);
}

uint32_t
rs_build_map(struct rs_build *b, struct span name, struct span driver,
    struct span kind, uint32_t file, uint32_t line, const struct span *entries,
    size_t npairs)
{
	struct rs_map_decl	rec = {
		.name = rs_build_string(b, name),
		.driver = rs_build_string(b, driver),
		.kind = rs_build_string(b, kind),
		.file = file,
		.line = line,
		.first_entry = rs_build_count(b, RS_S_ENTRIES),
		.nentries = (uint32_t)npairs,
		.where = rs_build_string(b, SPAN("")),
		.object = RS_NO_INDEX,
	};

	for (size_t i = 0; i < npairs; i++) {
		struct rs_entry	entry = {
			rs_build_string(b, entries[2 * i]),
			rs_build_string(b, entries[2 * i + 1]),
		};

		rs_build_add(b, RS_S_ENTRIES, &entry);
	}
	return rs_build_add(b, RS_S_MAPS, &rec);
}

void
rs_build_map_more(struct rs_build *b, uint32_t map, struct span where,
    uint32_t object)
{
	uint32_t		 string = rs_build_string(b, where);
	struct rs_map_decl	*rec = rs_build_record(b, RS_S_MAPS, map);

	rec->where = string;
	rec->object = object;
}

uint32_t
rs_build_list(struct rs_build *b, struct span name, struct span zone,
    uint32_t codes, uint32_t line)
{
	struct rs_list	rec = {
		.name = rs_build_string(b, name),
		.zone = rs_build_string(b, zone),
		.codes = codes,
		.line = line,
	};

	return rs_build_add(b, RS_S_LISTS, &rec);
}

uint32_t
rs_build_rate(struct rs_build *b, struct span name, int64_t rate,
    uint32_t line)
{
	struct rs_rate	rec = {
		.name = rs_build_string(b, name),
		.line = line,
		.rate = rate,
	};

	return rs_build_add(b, RS_S_RATES, &rec);
}

uint32_t
rs_build_pattern(struct rs_build *b, struct span text,
    const struct rs_token *tokens, size_t n)
{
	struct rs_pattern	rec = {
		.first = rs_build_count(b, RS_S_TOKENS),
		.n = (uint32_t)n,
		.text = rs_build_string(b, text),
	};

	for (size_t i = 0; i < n; i++)
		rs_build_add(b, RS_S_TOKENS, &tokens[i]);
	return rs_build_add(b, RS_S_PATTERNS, &rec);
}

uint32_t
rs_build_regex(struct rs_build *b, struct span text, uint32_t flags)
{
	uint32_t	next = rs_build_count(b, RS_S_REGEXES);
	struct rs_regex	rec = { rs_build_string(b, text), flags };
	uint32_t	i = intern(&b->regexes, span_mem(&rec, sizeof(rec)),
	    next);

	return i < next ? i : rs_build_add(b, RS_S_REGEXES, &rec);
}

uint32_t
rs_build_reply(struct rs_build *b, unsigned code, struct span status)
{
	struct rs_reply	rec = { .code = (uint16_t)code,
	    .status = rs_build_string(b, status) };
	uint32_t	n = rs_build_count(b, RS_S_REPLIES);

	for (uint32_t i = 0; i < n; i++) {
		if (memcmp(rs_build_record(b, RS_S_REPLIES, i), &rec,
		    sizeof(rec)) == 0)
			return i;
	}
	return rs_build_add(b, RS_S_REPLIES, &rec);
}

uint32_t
rs_build_tag(struct rs_build *b, struct span name, enum rs_type type,
    uint32_t dflt)
{
	struct rs_tag	rec = { rs_build_string(b, name), type, dflt };

	return rs_build_add(b, RS_S_TAGS, &rec);
}

/*
 * Code.
 */

uint32_t
rs_build_func(struct rs_build *b, struct span name, enum rs_func_kind kind,
    enum rs_hook hook, const uint8_t *arg_types, unsigned nargs,
    enum rs_type result)
{
	struct rs_func	rec;

	assert(b->func == RS_NO_INDEX && nargs <= RS_ARGS_MAX);
	memset(&rec, 0, sizeof(rec));
	rec.name = rs_build_string(b, name);
	rec.kind = (uint8_t)kind;
	rec.hook = (uint8_t)hook;
	rec.nargs = (uint8_t)nargs;
	rec.nregs = (uint8_t)nargs;
	rec.result = (uint8_t)result;
	if (nargs > 0)
		memcpy(rec.arg_types, arg_types, nargs);
	rec.start = rec.end = rs_build_count(b, RS_S_INSNS);
	return b->func = rs_build_add(b, RS_S_FUNCS, &rec);
}

uint32_t
rs_build_rule(struct rs_build *b, uint32_t file, uint32_t line,
    struct span text)
{
	struct rs_rule	rec = { b->func, file, line, rs_build_string(b, text) };

	assert(b->func != RS_NO_INDEX);
	return rs_build_add(b, RS_S_RULES, &rec);
}

/* The register n (and count - 1 after it) belong to the function. */
static void
use_regs(struct rs_build *b, uint32_t n, uint32_t count)
{
	struct rs_func	*f = rs_build_record(b, RS_S_FUNCS, b->func);

	if (n >= RS_REGISTERS || count > RS_REGISTERS - n)
		wrong(b, "a function needs more than 250 registers");
	else if (n + count > f->nregs)
		f->nregs = (uint8_t)(n + count);
}

static void
use_operand(struct rs_build *b, unsigned kind, uint32_t n,
    const struct rs_insn *in)
{
	if (kind == RS_OUT_ || kind == RS_IN_)
		use_regs(b, n, 1);
	else if (kind == RS_IN0_ && rs_ops[in->op].c == RS_FUNC_) {
		const struct rs_func	*f;

		if (in->c >= b->func) {
			wrong(b, "a call does not go downward");
			return;
		}
		f = rs_build_record(b, RS_S_FUNCS, in->c);
		use_regs(b, n, f->nargs);
	} else if (kind == RS_IN0_)
		use_regs(b, n, in->c);
}

uint32_t
rs_build_emit(struct rs_build *b, enum rs_op op, unsigned a, unsigned bb,
    uint32_t c, uint32_t line)
{
	struct rs_insn	in = { (uint8_t)op, (uint8_t)a, (uint16_t)bb, c };

	assert(b->func != RS_NO_INDEX && op < RS_NOPS);
	if (a > UINT8_MAX || bb > UINT16_MAX)
		wrong(b, "an operand is too large for its instruction");
	use_operand(b, rs_ops[op].a, a, &in);
	use_operand(b, rs_ops[op].b, bb, &in);
	use_operand(b, rs_ops[op].c, c, &in);
	rs_build_add(b, RS_S_LINES, &line);
	return rs_build_add(b, RS_S_INSNS, &in);
}

void
rs_build_land(struct rs_build *b, uint32_t insn)
{
	struct rs_insn	*in = rs_build_record(b, RS_S_INSNS, insn);

	assert(rs_ops[in->op].c == RS_JUMP_);
	in->c = rs_build_count(b, RS_S_INSNS) - insn - 1;
}

void
rs_build_func_end(struct rs_build *b)
{
	struct rs_func	*f = rs_build_record(b, RS_S_FUNCS, b->func);

	f->end = rs_build_count(b, RS_S_INSNS);
	b->func = RS_NO_INDEX;
}

/*
 * Blocks.
 */

uint32_t
rs_build_object(struct rs_build *b, enum rs_object_kind kind, struct span name,
    uint32_t line)
{
	struct rs_object	rec = { .kind = kind,
	    .name = rs_build_string(b, name), .line = line };

	return rs_build_add(b, RS_S_OBJECTS, &rec);
}

void
rs_build_option(struct rs_build *b, uint32_t object, enum rs_option option,
    bool is_default, uint32_t line, const struct rs_place *places,
    size_t nplaces)
{
	struct pending_option	rec = { object, {
		.option = (uint16_t)option,
		.is_default = is_default,
		.line = line,
		.first_place = rs_build_count(b, RS_S_PLACES),
		.nplaces = (uint32_t)nplaces,
	} };

	for (size_t i = 0; i < nplaces; i++)
		rs_build_add(b, RS_S_PLACES, &places[i]);
	buf_add(&b->options, &rec, sizeof(rec));
}

/*
 * Sorts the options to their objects, each object's in the order in which they
 * came.
 */
static void
place_options(struct rs_build *b)
{
	const struct pending_option	*o = (const void *)(b->options.base +
	    b->options.off);
	size_t				 n = b->options.n / sizeof(*o);
	uint32_t			 nobjects;

	nobjects = rs_build_count(b, RS_S_OBJECTS);
	for (uint32_t i = 0; i < nobjects; i++) {
		struct rs_object	*rec;

		rec = rs_build_record(b, RS_S_OBJECTS, i);
		rec->first_option = rs_build_count(b, RS_S_OPTIONS);
		for (size_t k = 0; k < n; k++) {
			if (o[k].object == i)
				rs_build_add(b, RS_S_OPTIONS, &o[k].val);
		}
		rec->noptions = rs_build_count(b, RS_S_OPTIONS) -
		    rec->first_option;
	}
}

/*
 * The end.
 */

void
rs_image_seal(void *image, size_t size)
{
	struct rs_header	*h = image;

	digest_sha256(span_mem((const char *)image + sizeof(*h),
	    size - sizeof(*h)), h->sha256);
}

static void
pad(struct buf *out)
{
	while (out->n % RS_ALIGN != 0)
		buf_add_char(out, '\0');
}

static void
lay_out(struct rs_build *b, struct buf *out)
{
	struct rs_header	h = { .version = RS_IMAGE_VERSION,
	    .nsections = RS_NSECTIONS, .dialect = rs_dialect() };
	uint64_t		at;

	memcpy(h.magic, RS_IMAGE_MAGIC, sizeof(h.magic));
	at = sizeof(h) + RS_NSECTIONS * sizeof(struct rs_section);
	buf_add(out, &h, sizeof(h));
	for (unsigned i = 0; i < RS_NSECTIONS; i++) {
		struct rs_section	s = { i, rs_sections[i].record, at,
		    rs_build_count(b, (enum rs_section_kind)i) };

		buf_add(out, &s, sizeof(s));
		at += (b->sec[i].n + RS_ALIGN - 1) / RS_ALIGN * RS_ALIGN;
	}
	for (unsigned i = 0; i < RS_NSECTIONS; i++) {
		buf_add_span(out, buf_span(&b->sec[i]));
		pad(out);
	}
	h.size = out->n;
	memcpy(out->base + out->off, &h, sizeof(h));
	rs_image_seal(out->base + out->off, out->n);
}

int
rs_build_finish(struct rs_build *b, struct buf *out, const char **why)
{
	struct rs_image	*im;

	assert(out->n == 0 && b->func == RS_NO_INDEX);
	if ((*why = b->why) != NULL)
		return -1;
	place_options(b);
	buf_clear(out);		/* begins anew at an aligned address */
	lay_out(b, out);
	im = rs_image_open_mem(out->base + out->off, out->n, why);
	if (im == NULL) {
		buf_clear(out);
		return -1;
	}
	rs_image_free(&im);
	return 0;
}
