/*
 * image.c - opening an image, and reading what the verifier has proved.
 *
 * Owns: the mapping, and what is worked out once from it (constants as values,
 * facts and registers of each function).
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/hash.h"
#include "base/regex.h"
#include "base/xalloc.h"
#include "ruleset/image_int.h"

const struct rs_section_info rs_sections[RS_NSECTIONS] = {
#define SECTION(id, record, meaning) [RS_S_##id] = { #id, sizeof(record) },
#include "ruleset/sections.def"
#undef SECTION
};

static uint64_t
mix(uint64_t h, const char *s)
{
	return (h ^ hash_fixed(span_of(s))) * UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t
rs_dialect(void)
{
	uint64_t	h = RS_IMAGE_VERSION;

	for (unsigned i = 0; i < RS_NOPS; i++) {
		h = mix(h, rs_ops[i].name);
		h = mix(h, rs_operand_names[rs_ops[i].a]);
		h = mix(h, rs_operand_names[rs_ops[i].b]);
		h = mix(h, rs_operand_names[rs_ops[i].c]);
	}
	for (unsigned i = 0; i < RS_NFACTS; i++) {
		h = mix(h, rs_facts[i].name);
		h = mix(h, rs_type_name(rs_facts[i].type));
	}
	for (unsigned i = 0; i < RS_NHOOKS; i++)
		h = mix(h, rs_hook_names[i]);
	for (unsigned i = 0; i < RS_NOPTIONS; i++) {
		h = mix(h, rs_object_names[rs_options[i].block]);
		h = mix(h, rs_options[i].word);
		h = mix(h, rs_options[i].places);
	}
	return h;
}

/*
 * The frame.
 */

static const char *
check_header(const struct rs_image *im)
{
	const struct rs_header	*h = (const void *)im->base;
	uint8_t			 sum[32];

	if (im->size < sizeof(*h) ||
	    memcmp(h->magic, RS_IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return "this is not a compiled policy";
	if (h->version != RS_IMAGE_VERSION)
		return "the image has another format: compile the policy again";
	if (h->size != im->size)
		return "the image is cut off, or something follows it";
	digest_sha256(span_mem(im->base + sizeof(*h), im->size - sizeof(*h)),
	    sum);
	if (memcmp(sum, h->sha256, sizeof(sum)) != 0)
		return "the image's checksum is wrong";
	if (h->dialect != rs_dialect())
		return "the image was made by another version: compile the "
		    "policy again";
	if (h->nsections != RS_NSECTIONS)
		return "the image has a wrong number of sections";
	return NULL;
}

/*
 * Sections follow each other in order, aligned, padded with zeroes, up to the
 * end.
 */
static const char *
check_section(struct rs_image *im, unsigned kind, uint64_t *at)
{
	const struct rs_section	*s = (const struct rs_section *)(const void *)
	    (im->base + sizeof(struct rs_header)) + kind;
	uint64_t		 octets;

	if (s->kind != kind || s->record != rs_sections[kind].record)
		return "a section is not the one that stands there";
	if (s->offset != *at || s->count > im->size ||
	    s->count > UINT32_MAX - 4)
		return "a section lies where it may not";
	octets = s->count * s->record;
	if (octets > im->size - s->offset)
		return "a section is longer than the image";
	im->sec[kind] = im->base + s->offset;
	im->n[kind] = (uint32_t)s->count;
	for (*at += octets; *at % RS_ALIGN != 0; ++*at) {
		if (*at >= im->size || im->base[*at] != 0)
			return "what fills up a section is not zero";
	}
	return NULL;
}

static const char *
check_frame(struct rs_image *im)
{
	uint64_t	 at;
	const char	*why;

	if (im->size > RS_IMAGE_MAX)
		return "the image is too large";
	if ((why = check_header(im)) != NULL)
		return why;
	at = sizeof(struct rs_header) +
	    RS_NSECTIONS * sizeof(struct rs_section);
	if (at > im->size)
		return "the image ends in its table of sections";
	for (unsigned kind = 0; kind < RS_NSECTIONS; kind++) {
		if ((why = check_section(im, kind, &at)) != NULL)
			return why;
	}
	return at == im->size ? NULL : "something follows the last section";
}

/*
 * What is worked out once.
 */

static struct rs_value
decode_const(const struct rs_image *im, const struct rs_const *c)
{
	struct rs_value	v = rs_empty(c->type);

	if (c->type == RS_T_ADDRESS)
		return rs_address(rs_string(im, c->string));
	if (rs_has_span(c->type))
		v.s = rs_string(im, c->string);
	else if (rs_is_number(c->type))
		v.i = c->i;
	else if (c->type == RS_T_IP || c->type == RS_T_NET) {
		v.bits = c->bits;
		v.ip.family = c->family;
		memcpy(v.ip.a, c->a, sizeof(v.ip.a));
	}
	return v;
}

/* What the world looks at to answer ACCESS_GET. */
static uint64_t
role_facts(unsigned role)
{
	switch (role) {
	case RS_ROLE_CLIENT:
		return RS_FACT_BIT(RS_FACT_CLIENT) |
		    RS_FACT_BIT(RS_FACT_CLIENT_IP) |
		    RS_FACT_BIT(RS_FACT_CLIENT_VERIFIED_NAME);
	case RS_ROLE_SENDER:
		return RS_FACT_BIT(RS_FACT_SENDER);
	default:
		return RS_FACT_BIT(RS_FACT_RCPT);
	}
}

_Static_assert(RS_NFACTS <= 40, "bits of facts and tags do not overlap");

/* Callees have lower numbers, so theirs are known already. */
static void
study_func(struct rs_image *im, uint32_t f)
{
	const struct rs_func	*func = rs_func(im, f);
	uint32_t		 deepest = 0;

	for (uint32_t i = func->start; i < func->end; i++) {
		const struct rs_insn	*in = rs_insn(im, i);

		if (in->op == RS_FACT)
			im->facts[f] |= RS_FACT_BIT(in->b);
		else if (in->op == RS_TAG_GET)
			im->facts[f] |= RS_TAG_BIT(im->consts[in->c].i);
		else if (in->op == RS_ACCESS_GET || in->op == RS_ACCESS_HAS)
			im->facts[f] |= role_facts(in->b);
		else if (in->op == RS_SPF)
			im->facts[f] |= RS_FACT_BIT(RS_FACT_CLIENT_IP) |
			    RS_FACT_BIT(RS_FACT_CLIENT_HELO) |
			    RS_FACT_BIT(RS_FACT_SENDER);
		else if (in->op == RS_CALL || in->op == RS_APPLY) {
			im->facts[f] |= im->facts[in->c];
			if (im->need[in->c] > deepest)
				deepest = im->need[in->c];
		}
	}
	im->need[f] = func->nregs + deepest;
	if (im->need[f] > im->most_need)
		im->most_need = im->need[f];
	if (func->kind == RS_FUNC_HOOK)
		im->hooks[func->hook] = f;
}

static void
study(struct rs_image *im)
{
	im->consts = xcalloc(im->n[RS_S_CONSTS] + 1, sizeof(*im->consts));
	im->facts = xcalloc(im->n[RS_S_FUNCS] + 1, sizeof(*im->facts));
	im->need = xcalloc(im->n[RS_S_FUNCS] + 1, sizeof(*im->need));
	for (uint32_t i = 0; i < im->n[RS_S_CONSTS]; i++)
		im->consts[i] = decode_const(im,
		    RS_REC(im, CONSTS, struct rs_const, i));
	for (unsigned i = 0; i < RS_NHOOKS; i++)
		im->hooks[i] = RS_NO_INDEX;
	for (uint32_t f = 0; f < im->n[RS_S_FUNCS]; f++)
		study_func(im, f);
	for (unsigned i = 0; i < RS_NOBJECTS; i++)
		im->single[i] = RS_NO_INDEX;
	for (uint32_t i = im->n[RS_S_OBJECTS]; i-- > 0;)
		if (rs_string(im, rs_object(im, i)->name).n == 0)
			im->single[rs_object(im, i)->kind] = i;
	digest_hex(((const struct rs_header *)(const void *)im->base)->sha256,
	    8, im->hash);
}

/* 0, or -1 with *why: the builder's PCRE2 was another. */
static int
compile_regexes(struct rs_image *im, const char **why)
{
	char	 said[120];
	size_t	 at;

	im->regexes = xcalloc((size_t)im->n[RS_S_REGEXES] + 1,
	    sizeof(struct regex *));
	for (uint32_t i = 0; i < im->n[RS_S_REGEXES]; i++) {
		const struct rs_regex	*r = rs_regex(im, i);

		im->regexes[i] = regex_compile(rs_string(im, r->text),
		    r->flags & RS_REGEX_ICASE, &at, said, sizeof(said));
		if (im->regexes[i] == NULL) {
			*why = rs_told("REGEXES %u: at octet %zu: %s", i, at,
			    said);
			return -1;
		}
	}
	return 0;
}

static struct rs_image *
open_mem(const void *base, size_t size, bool evaluates, const char **why)
{
	struct rs_image	*im;

	assert((uintptr_t)base % RS_ALIGN == 0);
	im = xcalloc(1, sizeof(*im));
	im->base = base;
	im->size = size;
	if ((*why = check_frame(im)) != NULL || rs_verify(im, why) == -1 ||
	    (evaluates && compile_regexes(im, why) == -1)) {
		rs_image_free(&im);
		return NULL;
	}
	study(im);
	return im;
}

struct rs_image *
rs_image_open_mem(const void *base, size_t size, const char **why)
{
	return open_mem(base, size, true, why);
}

static struct rs_image *
open_fd(int fd, bool evaluates, const char **why)
{
	struct rs_image	*im;
	struct stat	 st;
	void		*base;

	*why = "the image cannot be read";
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)sizeof(struct rs_header) ||
	    st.st_size > (off_t)RS_IMAGE_MAX)
		return NULL;
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED)
		return NULL;
	im = open_mem(base, (size_t)st.st_size, evaluates, why);
	if (im == NULL)
		munmap(base, (size_t)st.st_size);
	else
		im->mapped = true;
	return im;
}

struct rs_image *
rs_image_open(int fd, const char **why)
{
	return open_fd(fd, true, why);
}

struct rs_image *
rs_image_open_settings(int fd, const char **why)
{
	return open_fd(fd, false, why);
}

void
rs_image_free(struct rs_image **imp)
{
	struct rs_image	*im = *imp;

	*imp = NULL;
	if (im == NULL)
		return;
	if (im->mapped)
		munmap((void *)(uintptr_t)im->base, im->size);
	for (uint32_t i = 0; im->regexes != NULL && i < im->n[RS_S_REGEXES];
	    i++)
		regex_free(&im->regexes[i]);
	free(im->regexes);
	free(im->consts);
	free(im->facts);
	free(im->need);
	free(im);
}

/*
 * Accessors.
 */

const char *
rs_image_hash(const struct rs_image *im)
{
	return im->hash;
}

struct span
rs_string(const struct rs_image *im, uint32_t i)
{
	const struct rs_string	*s = RS_REC(im, STRINGS, struct rs_string, i);

	assert(i < im->n[RS_S_STRINGS]);
	return span_mem((const char *)im->sec[RS_S_TEXT] + s->offset, s->n);
}

struct rs_value
rs_const(const struct rs_image *im, uint32_t i)
{
	assert(i < im->n[RS_S_CONSTS]);
	return im->consts[i];
}

#define RS_TABLE(SECTION, type, name) \
const struct type * \
rs_##name(const struct rs_image *im, uint32_t i) \
{ \
	assert(i < im->n[RS_S_##SECTION]); \
	return RS_REC(im, SECTION, struct type, i); \
} \
uint32_t \
rs_n##name(const struct rs_image *im) \
{ \
	return im->n[RS_S_##SECTION]; \
}
RS_TABLE(INSNS, rs_insn, insn)
RS_TABLE(FUNCS, rs_func, func)
RS_TABLE(RULES, rs_rule, rule)
RS_TABLE(REPLIES, rs_reply, reply)
RS_TABLE(MAPS, rs_map_decl, map)
RS_TABLE(FILES, rs_file, file)
RS_TABLE(TAGS, rs_tag, tag)
RS_TABLE(OBJECTS, rs_object, object)
RS_TABLE(LISTS, rs_list, list)
RS_TABLE(RATES, rs_rate, rate)
RS_TABLE(PATTERNS, rs_pattern, pattern)
RS_TABLE(TOKENS, rs_token, token)
RS_TABLE(REGEXES, rs_regex, regex)
#undef RS_TABLE

uint32_t
rs_insn_line(const struct rs_image *im, uint32_t i)
{
	assert(i < im->n[RS_S_LINES]);
	return *RS_REC(im, LINES, uint32_t, i);
}

void
rs_map_entry(const struct rs_image *im, uint32_t i, struct span *key,
    struct span *value)
{
	const struct rs_entry	*e = RS_REC(im, ENTRIES, struct rs_entry, i);

	assert(i < im->n[RS_S_ENTRIES]);
	*key = rs_string(im, e->key);
	*value = rs_string(im, e->value);
}

uint32_t
rs_hook(const struct rs_image *im, enum rs_hook hook)
{
	assert(hook < RS_NHOOKS);
	return im->hooks[hook];
}

uint64_t
rs_func_facts(const struct rs_image *im, uint32_t f)
{
	assert(f < im->n[RS_S_FUNCS]);
	return im->facts[f];
}

bool
rs_option(const struct rs_image *im, uint32_t object, enum rs_option option,
    unsigned nth, const struct rs_optval **out)
{
	const struct rs_object	*o = rs_object(im, object);
	const struct rs_optval	*v = RS_REC(im, OPTIONS, struct rs_optval,
	    o->first_option);

	for (uint32_t i = 0; i < o->noptions; i++, v++) {
		if (v->option == option && nth-- == 0) {
			*out = v;
			return true;
		}
	}
	return false;
}

bool
rs_object_option(const struct rs_image *im, uint32_t object, unsigned nth,
    const struct rs_optval **out)
{
	const struct rs_object	*o = rs_object(im, object);

	if (nth >= o->noptions)
		return false;
	*out = RS_REC(im, OPTIONS, struct rs_optval, o->first_option + nth);
	return true;
}

bool
rs_option_has_ip(const struct rs_image *im, uint32_t object,
    enum rs_option option, const struct ip *ip)
{
	const struct rs_optval	*v;
	struct rs_place		 place;

	if (!rs_option(im, object, option, 0, &v))
		return false;
	place = rs_option_place(im, v, 0);
	return place.index != RS_NO_INDEX && rs_nets_has(im,
	    (uint32_t)rs_const(im, place.index).i, ip);
}

struct rs_place
rs_option_place(const struct rs_image *im, const struct rs_optval *v,
    unsigned place)
{
	if (place >= v->nplaces)
		return (struct rs_place){ 0, RS_NO_INDEX };
	return *RS_REC(im, PLACES, struct rs_place, v->first_place + place);
}

struct rs_value
rs_option_const(const struct rs_image *im, const struct rs_optval *v,
    unsigned place)
{
	struct rs_place	p = rs_option_place(im, v, place);

	assert(!p.is_func && p.index != RS_NO_INDEX);
	return rs_const(im, p.index);
}

struct rs_value
rs_option_value(const struct rs_image *im, uint32_t object,
    enum rs_option option, unsigned nth)
{
	const struct rs_optval	*v;
	struct rs_place		 place;

	if (object == RS_NO_INDEX || !rs_option(im, object, option, 0, &v))
		return rs_empty(RS_T_NONE);
	if (nth >= v->nplaces)
		return rs_empty(RS_T_NONE);
	place = rs_option_place(im, v, nth);
	if (place.is_func || place.index == RS_NO_INDEX)
		return rs_empty(RS_T_NONE);
	return rs_const(im, place.index);
}

uint32_t
rs_option_hides(const struct rs_image *im, uint32_t object)
{
	struct rs_value	v;
	uint32_t	set = 0;
	unsigned	i, ext;

	for (i = 0;; i++) {
		v = rs_option_value(im, object, RS_OPT_LISTEN_hide, i);
		if (v.type != RS_T_TEXT)
			return set;
		ext = rs_extension_named(v.s);
		if (ext < RS_NEXTENSIONS)
			set |= RS_EXT_BIT(ext);
	}
}

static int64_t
number_of(struct rs_value v)
{
	return rs_is_number(v.type) || v.type == RS_T_RATE ? v.i : 0;
}

int64_t
rs_option_int(const struct rs_image *im, uint32_t object,
    enum rs_option option)
{
	return number_of(rs_option_value(im, object, option, 0));
}

struct span
rs_option_text(const struct rs_image *im, uint32_t object,
    enum rs_option option)
{
	struct rs_value	v = rs_option_value(im, object, option, 0);

	return rs_has_span(v.type) ? v.s : SPAN_NONE;
}

int64_t
rs_setting_int(const struct rs_image *im, enum rs_option option)
{
	return rs_setting_int_at(im, option, 0);
}

int64_t
rs_setting_int_at(const struct rs_image *im, enum rs_option option,
    unsigned nth)
{
	return number_of(rs_option_value(im,
	    im->single[rs_options[option].block], option, nth));
}

struct span
rs_setting_text(const struct rs_image *im, enum rs_option option)
{
	return rs_option_text(im, im->single[rs_options[option].block],
	    option);
}

struct span
rs_map_secret_file(const struct rs_image *im, uint32_t map)
{
	uint32_t		 object = rs_map(im, map)->object;
	const struct rs_optval	*v;
	struct rs_place		 pl;
	struct rs_value		 text;

	if (object == RS_NO_INDEX ||
	    !rs_option(im, object, RS_OPT_MAP_login, 0, &v) || v->nplaces < 2)
		return SPAN_NONE;
	pl = rs_option_place(im, v, 1);
	if (pl.is_func || pl.index == RS_NO_INDEX)
		return SPAN_NONE;
	text = rs_const(im, pl.index);
	return text.type == RS_T_TEXT && span_prefix(text.s, SPAN("file:")) ?
	    span_from(text.s, 5) : SPAN_NONE;
}
