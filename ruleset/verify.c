/*
 * verify.c - proves of an image what all others then only assert: every
 * number leads to something that is there, and has a meaning.
 *
 * It trusts nothing: an image may come from anywhere.  One that it accepts may
 * decide wrongly, but never reads outside of itself and always ends.  The code
 * is proved by verify_code.c.
 */
#include <stdarg.h>
#include <stdio.h>

#include "ruleset/image_int.h"
#include "ruleset/pattern.h"

#define OPTIONS_MAX	1000	/* of one block */
#define PLACES_MAX	1000	/* of one option */

#define REC(kind, type, i) RS_REC(im, kind, type, i)
#define MUST(condition, text) do { \
	if (!(condition)) \
		return (text); \
} while (0)

typedef const char *check_fn(const struct rs_image *, uint32_t);

const char *
rs_told(const char *fmt, ...)
{
	static _Thread_local char	text[200];
	va_list				ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

static bool
is_string(const struct rs_image *im, uint32_t i)
{
	return i < im->n[RS_S_STRINGS];
}

/* [first, first + n) are records of the section. */
static bool
is_range(const struct rs_image *im, enum rs_section_kind kind, uint32_t first,
    uint32_t n)
{
	return first <= im->n[kind] && n <= im->n[kind] - first;
}

static const char *
check_string(const struct rs_image *im, uint32_t i)
{
	const struct rs_string	*s = REC(STRINGS, struct rs_string, i);
	uint32_t		 size = im->n[RS_S_TEXT];

	MUST(s->offset < size && s->n < size - s->offset,
	    "a string lies outside of the texts");
	MUST(((const char *)im->sec[RS_S_TEXT])[s->offset + s->n] == '\0',
	    "a string does not end with a NUL");
	return NULL;
}

/*
 * The prefix alone: no bit behind it is set.  Family 0, all zero: no network.
 */
static bool
is_prefix(const struct rs_const *c)
{
	unsigned	most = c->family == 4 ? 32 : 128;

	if (c->bits > most || (c->family == 0 && c->bits != 0))
		return false;
	for (unsigned i = c->bits; i < most; i++) {
		if (c->a[i / 8] >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static const char *
check_const(const struct rs_image *im, uint32_t i)
{
	const struct rs_const	*c = REC(CONSTS, struct rs_const, i);

	MUST(c->type < RS_NTYPES && c->type != RS_T_UNKNOWN &&
	    c->type != RS_T_CLIENT && c->pad == 0,
	    "a constant has no known type");
	MUST(!rs_has_span(c->type) || is_string(im, c->string),
	    "a constant's text is not there");
	MUST(c->type != RS_T_BOOL || c->i == 0 || c->i == 1,
	    "a constant is neither true nor false");
	if (c->type != RS_T_IP && c->type != RS_T_NET)
		return NULL;
	MUST(c->family == 0 || c->family == 4 || c->family == 6,
	    "a constant is of no known family of addresses");
	MUST(c->type == RS_T_IP || is_prefix(c), "a constant is no network");
	return NULL;
}

static const char *
check_rule(const struct rs_image *im, uint32_t i)
{
	const struct rs_rule	*r = REC(RULES, struct rs_rule, i);

	MUST(r->func < im->n[RS_S_FUNCS], "a rule's function is not there");
	MUST(r->file < im->n[RS_S_FILES], "a rule's file is not there");
	MUST(is_string(im, r->text), "a rule's text is not there");
	return NULL;
}

static const char *
check_reply(const struct rs_image *im, uint32_t i)
{
	const struct rs_reply	*r = REC(REPLIES, struct rs_reply, i);

	MUST(r->code >= 200 && r->code <= 599 && r->pad == 0,
	    "a reply's code is none");
	MUST(is_string(im, r->status), "a reply's status is not there");
	return NULL;
}

static const char *
check_map(const struct rs_image *im, uint32_t i)
{
	const struct rs_map_decl	*m = REC(MAPS, struct rs_map_decl, i);

	MUST(is_string(im, m->name) && is_string(im, m->driver) &&
	    is_string(im, m->kind),
	    "a map's name, driver or kind is not there");
	MUST(m->file == RS_NO_INDEX || m->file < im->n[RS_S_FILES],
	    "a map's file is not there");
	MUST(is_range(im, RS_S_ENTRIES, m->first_entry, m->nentries),
	    "a map's entries are not there");
	MUST(is_string(im, m->where), "a map's place is not there");
	MUST(m->object == RS_NO_INDEX || (m->object < im->n[RS_S_OBJECTS] &&
	    REC(OBJECTS, struct rs_object, m->object)->kind == RS_O_MAP),
	    "a map's options are not there");
	return NULL;
}

static const char *
check_entry(const struct rs_image *im, uint32_t i)
{
	const struct rs_entry	*e = REC(ENTRIES, struct rs_entry, i);

	MUST(is_string(im, e->key) && is_string(im, e->value),
	    "an entry's key or value is not there");
	return NULL;
}

static const char *
check_file(const struct rs_image *im, uint32_t i)
{
	const struct rs_file	*f = REC(FILES, struct rs_file, i);

	MUST(is_string(im, f->path), "a file's path is not there");
	MUST(f->role <= 3, "a file has no known role");
	return NULL;
}

static const char *
check_tag(const struct rs_image *im, uint32_t i)
{
	const struct rs_tag	*t = REC(TAGS, struct rs_tag, i);

	MUST(is_string(im, t->name), "a tag's name is not there");
	MUST(t->type > RS_T_UNKNOWN && t->type < RS_NTYPES,
	    "a tag has no known type");
	MUST(t->dflt < im->n[RS_S_CONSTS], "a tag's default is not there");
	return NULL;
}

/*
 * Blocks.
 */

static bool
is_single(unsigned kind)
{
	return kind == RS_O_SERVER || kind == RS_O_SPOOL ||
	    kind == RS_O_QUEUE || kind == RS_O_LIMITS ||
	    kind == RS_O_NOTIFY || kind == RS_O_SRS ||
	    kind == RS_O_REPORTS;
}

/*
 * Those of a block belong to it, and stand there once where they may not be
 * repeated.
 */
static const char *
check_options(const struct rs_image *im, const struct rs_object *o)
{
	for (uint32_t i = 0; i < o->noptions; i++) {
		const struct rs_optval	*v = REC(OPTIONS, struct rs_optval,
		    o->first_option + i);

		MUST(v->option < RS_NOPTIONS &&
		    rs_options[v->option].block == o->kind,
		    "an option does not belong to its block");
		if (rs_options[v->option].repeat == RS_OPT_MANY)
			continue;
		for (uint32_t k = 0; k < i; k++)
			MUST(REC(OPTIONS, struct rs_optval,
			    o->first_option + k)->option != v->option,
			    "an option that may be there once is there twice");
	}
	return NULL;
}

/* `queue for ...` stands beside `queue`, and has a name. */
static bool
is_again(const struct rs_object *a, const struct rs_object *b)
{
	return a->kind == b->kind &&
	    (a->kind != RS_O_QUEUE || a->name == b->name);
}

static const char *
check_object(const struct rs_image *im, uint32_t i)
{
	const struct rs_object	*o = REC(OBJECTS, struct rs_object, i);

	MUST(o->kind < RS_NOBJECTS, "a block is of no known kind");
	MUST(is_string(im, o->name), "a block's name is not there");
	MUST(o->noptions <= OPTIONS_MAX && is_range(im, RS_S_OPTIONS,
	    o->first_option, o->noptions), "a block's options are not there");
	for (uint32_t k = 0; is_single(o->kind) && k < i; k++)
		MUST(!is_again(REC(OBJECTS, struct rs_object, k), o),
		    "a block that may be there once is there twice");
	return check_options(im, o);
}

/* What a place with that letter may hold. */
static bool
is_letter_type(char letter, unsigned type)
{
	switch (letter) {
	case 't':
	case 'T':
	case 'w':
	case 'q':
	case 'S':
	case 'F':
		return type == RS_T_TEXT || type == RS_T_DOMAIN ||
		    type == RS_T_ADDRESS;
	case 's':
	case 'Z':
		return type == RS_T_SIZE;
	case 'r':
		return type == RS_T_RATE;
	case 'd':
		return type == RS_T_TIME;
	case 'n':
		return type == RS_T_NET;
	default:
		return type == RS_T_INT;
	}
}

static const char *
check_place(const struct rs_image *im, const struct rs_place *p, char letter)
{
	const struct rs_const	*c;
	const struct rs_func	*f;

	MUST(letter != '\0', "an option has too many values");
	MUST(p->is_func <= 1, "a value is neither a constant nor a function");
	if (p->is_func) {
		MUST(letter == 'T' || letter == 'S' || letter == 'Z',
		    "an expression stands where none may");
		MUST(p->index < im->n[RS_S_FUNCS],
		    "an option's expression is not there");
		f = REC(FUNCS, struct rs_func, p->index);
		MUST(f->kind == RS_FUNC_EXPR && f->nargs == 0,
		    "an option's expression is none");
		return NULL;
	}
	if (p->index == RS_NO_INDEX)
		return NULL;
	MUST(p->index < im->n[RS_S_CONSTS], "an option's value is not there");
	c = REC(CONSTS, struct rs_const, p->index);
	MUST(is_letter_type(letter, c->type),
	    "an option's value is of another type");
	MUST(letter != 'm' || (c->i >= 0 && c->i < im->n[RS_S_MAPS]),
	    "an option's map is not there");
	MUST(letter != 'N' || (c->i >= 0 && c->i < im->n[RS_S_NETS]),
	    "an option's networks are not there");
	MUST(letter != 'D' || (c->i >= 0 && c->i < im->n[RS_S_SETS]),
	    "an option's domains are not there");
	MUST((letter != 'f' && letter != 'h') || (c->i >= 0 && c->i < im->n[RS_S_OBJECTS]),
	    "an option's block is not there");
	return NULL;
}

static const char *
check_option(const struct rs_image *im, uint32_t i)
{
	const struct rs_optval	*v = REC(OPTIONS, struct rs_optval, i);
	const char		*why;

	MUST(v->option < RS_NOPTIONS, "an option is not known");
	MUST(v->is_default <= 1, "an option's origin is not known");
	MUST(v->nplaces > 0 && v->nplaces <= PLACES_MAX && is_range(im,
	    RS_S_PLACES, v->first_place, v->nplaces),
	    "an option's values are not there");
	for (uint32_t k = 0; k < v->nplaces; k++) {
		why = check_place(im, REC(PLACES, struct rs_place,
		    v->first_place + k),
		    rs_option_letter((enum rs_option)v->option, k));
		if (why != NULL)
			return why;
	}
	return NULL;
}

/*
 * Sets.
 */

static const char *
check_item(const struct rs_image *im, uint32_t item, unsigned type)
{
	uint64_t	at = (uint64_t)(item - 1) * 4;
	uint32_t	n, size = im->n[RS_S_ITEMS];

	MUST(at + sizeof(n) <= size, "an item lies outside of the items");
	memcpy(&n, (const char *)im->sec[RS_S_ITEMS] + at, sizeof(n));
	MUST(n <= size - at - sizeof(n), "an item is longer than the items");
	MUST(type != RS_T_INT || n == sizeof(int64_t),
	    "an item of a set of numbers is none");
	return NULL;
}

static const char *
check_set(const struct rs_image *im, uint32_t i)
{
	const struct rs_set	*set = REC(SETS, struct rs_set, i);
	uint32_t		 items = 0;
	const char		*why;

	MUST(is_string(im, set->name), "a set's name is not there");
	MUST(set->type == RS_T_DOMAIN || set->type == RS_T_TEXT ||
	    set->type == RS_T_ADDRESS || set->type == RS_T_INT,
	    "a set is of no known type");
	MUST(set->nslots > 0 && (set->nslots & (set->nslots - 1)) == 0,
	    "the size of a set's table is not a power of two");
	MUST(set->first_slot == (i == 0 ? 0 :
	    set[-1].first_slot + set[-1].nslots) &&
	    is_range(im, RS_S_SLOTS, set->first_slot, set->nslots),
	    "a set's table is not there");
	for (uint32_t k = 0; k < set->nslots; k++) {
		uint32_t	item = REC(SLOTS, struct rs_slot,
		    set->first_slot + k)->item;

		if (item == 0)
			continue;
		if ((why = check_item(im, item, set->type)) != NULL)
			return why;
		items++;
	}
	MUST(items == set->nitems, "a set's items are miscounted");
	MUST(items < set->nslots, "a set's table is full");
	return NULL;
}

/* `least`: children have higher numbers, so that a walk cannot go round. */
static bool
is_child(const struct rs_image *im, uint32_t child, uint32_t least)
{
	return child < RS_NODE_FIRST || (child - RS_NODE_FIRST >= least &&
	    child - RS_NODE_FIRST < im->n[RS_S_NODES]);
}

static const char *
check_nets(const struct rs_image *im, uint32_t i)
{
	const struct rs_nets	*nets = REC(NETS, struct rs_nets, i);

	MUST(is_string(im, nets->name), "a network set's name is not there");
	MUST(is_child(im, nets->root[0], 0) && is_child(im, nets->root[1], 0),
	    "a network set's trie is not there");
	return NULL;
}

static const char *
check_node(const struct rs_image *im, uint32_t i)
{
	const struct rs_node	*node = REC(NODES, struct rs_node, i);

	for (unsigned k = 0; k < 16; k++)
		MUST(is_child(im, node->child[k], i + 1),
		    "a trie's node leads nowhere, or back");
	return NULL;
}

static bool
is_case_key(unsigned type, struct span key)
{
	if (type == RS_T_IP)
		return key.n == 4 || key.n == 16;
	return rs_has_span(type) || key.n == sizeof(int64_t);
}

/* Where the cases lead is looked at where the SWITCH stands. */
static const char *
check_switch(const struct rs_image *im, uint32_t i)
{
	const struct rs_switch	*sw = REC(SWITCHES, struct rs_switch, i);
	uint32_t		 used = 0;

	MUST(sw->type == RS_T_TEXT || sw->type == RS_T_DOMAIN ||
	    sw->type == RS_T_ADDRESS || sw->type == RS_T_INT ||
	    sw->type == RS_T_SIZE || sw->type == RS_T_IP,
	    "cases are of no known type");
	MUST(sw->ncases > 0 && (sw->ncases & (sw->ncases - 1)) == 0,
	    "the size of a table of cases is not a power of two");
	MUST(sw->first_case == (i == 0 ? 0 :
	    sw[-1].first_case + sw[-1].ncases) &&
	    is_range(im, RS_S_CASES, sw->first_case, sw->ncases),
	    "a table of cases is not there");
	for (uint32_t k = 0; k < sw->ncases; k++) {
		const struct rs_case	*c = REC(CASES, struct rs_case,
		    sw->first_case + k);

		MUST(c->string == RS_NO_INDEX || is_string(im, c->string),
		    "a case's text is not there");
		MUST(c->string == RS_NO_INDEX ||
		    is_case_key(sw->type, rs_string(im, c->string)),
		    "a case is no constant of its type");
		used += c->string != RS_NO_INDEX;
	}
	MUST(used < sw->ncases, "a table of cases is full");
	return NULL;
}

/*
 * What conditions name.
 */

static const char *
check_list(const struct rs_image *im, uint32_t i)
{
	const struct rs_list	*l = REC(LISTS, struct rs_list, i);

	MUST(is_string(im, l->name) && is_string(im, l->zone),
	    "a list's name or zone is not there");
	MUST(l->codes < im->n[RS_S_NETS], "a list's codes are not there");
	return NULL;
}

static const char *
check_rate(const struct rs_image *im, uint32_t i)
{
	const struct rs_rate	*r = REC(RATES, struct rs_rate, i);

	MUST(is_string(im, r->name), "a rate's name is not there");
	MUST(r->rate > 0 && RS_RATE_COUNT(r->rate) > 0 &&
	    RS_RATE_COUNT(r->rate) < RS_RATE_COUNT_MAX &&
	    RS_RATE_MS(r->rate) > 0, "a rate is none");
	return NULL;
}

/* Tokens belong to the patterns one after the other, so each to one. */
static const char *
check_pattern(const struct rs_image *im, uint32_t i)
{
	const struct rs_pattern	*p = REC(PATTERNS, struct rs_pattern, i);
	unsigned		 ats = 0;

	MUST(is_string(im, p->text), "a pattern's text is not there");
	MUST(p->n <= RS_PATTERN_TOKENS, "a pattern has too many tokens");
	MUST(p->first == (i == 0 ? 0 : p[-1].first + p[-1].n) &&
	    is_range(im, RS_S_TOKENS, p->first, p->n),
	    "a pattern's tokens are not there");
	for (uint32_t k = 0; k < p->n; k++)
		ats += REC(TOKENS, struct rs_token, p->first + k)->kind ==
		    RS_TOK_AT;
	MUST(ats <= 1, "a pattern has two '@'");
	return NULL;
}

static const char *
check_token(const struct rs_image *im, uint32_t i)
{
	const struct rs_token	*t = REC(TOKENS, struct rs_token, i);

	MUST(t->kind <= RS_TOK_NOT_MAP, "a token is of no known kind");
	MUST(t->kind == RS_TOK_AT || is_string(im, t->string),
	    "a token's text is not there");
	MUST((t->kind != RS_TOK_IN_SET && t->kind != RS_TOK_NOT_SET) ||
	    t->index < im->n[RS_S_SETS], "a token's set is not there");
	MUST((t->kind != RS_TOK_IN_MAP && t->kind != RS_TOK_NOT_MAP) ||
	    t->index < im->n[RS_S_MAPS], "a token's map is not there");
	return NULL;
}

/* That they are expressions is seen when they are compiled: image.c. */
static const char *
check_regex(const struct rs_image *im, uint32_t i)
{
	const struct rs_regex	*r = REC(REGEXES, struct rs_regex, i);

	MUST(is_string(im, r->text), "an expression's text is not there");
	MUST((r->flags & ~(uint32_t)RS_REGEX_ICASE) == 0,
	    "an expression has unknown flags");
	return NULL;
}

static const struct {
	enum rs_section_kind	 kind;
	check_fn		*check;
} checks[] = {
	{ RS_S_STRINGS, check_string },
	{ RS_S_CONSTS, check_const },
	{ RS_S_RULES, check_rule },
	{ RS_S_REPLIES, check_reply },
	{ RS_S_MAPS, check_map },
	{ RS_S_ENTRIES, check_entry },
	{ RS_S_FILES, check_file },
	{ RS_S_TAGS, check_tag },
	{ RS_S_OBJECTS, check_object },
	{ RS_S_OPTIONS, check_option },
	{ RS_S_SETS, check_set },
	{ RS_S_NETS, check_nets },
	{ RS_S_NODES, check_node },
	{ RS_S_SWITCHES, check_switch },
	{ RS_S_LISTS, check_list },
	{ RS_S_RATES, check_rate },
	{ RS_S_PATTERNS, check_pattern },
	{ RS_S_TOKENS, check_token },
	{ RS_S_REGEXES, check_regex },
};

int
rs_verify(const struct rs_image *im, const char **why)
{
	for (size_t k = 0; k < sizeof(checks) / sizeof(checks[0]); k++) {
		for (uint32_t i = 0; i < im->n[checks[k].kind]; i++) {
			if ((*why = checks[k].check(im, i)) == NULL)
				continue;
			*why = rs_told("%s %u: %s",
			    rs_sections[checks[k].kind].name, i, *why);
			return -1;
		}
	}
	if (rs_verify_made(im, why) == -1)
		return -1;
	return rs_verify_code(im, why);
}
