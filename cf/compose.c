/*
 * compose.c - maps that are made of others: first of, union of, pipe of.
 *
 * What a map is made of is found once all maps have been read, whatever their
 * order; what then holds of a map holds for all below it.
 */
#include "cf/drivers.h"
#include "cf/kinds.h"
#include "cf/names.h"

static void	 compose(struct cf *, struct cf_sym *, unsigned depth);

static const char *const key_words[] = {
	[CF_KEY_TEXT] = "a text", [CF_KEY_ADDRESS] = "an address",
	[CF_KEY_DOMAIN] = "a domain",
	[CF_KEY_CLIENT] = "the client, sender or rcpt"
};

static const char *const value_words[] = {
	[CF_VALUE_TEXT] = "a text", [CF_VALUE_RECORD] = "a record",
	[CF_VALUE_LIST] = "a list", [CF_VALUE_VERDICT] = "a verdict",
	[CF_VALUE_DOMAIN] = "a domain", [CF_VALUE_ADDRESS] = "an address"
};

static bool
is_pipe(const struct cf_sym *sym)
{
	return span_eq(sym->decl->driver, SPAN("pipe"));
}

/* The place where the nth member is named. */
static struct cf_loc
loc_of(const struct cf_sym *sym, size_t nth)
{
	const struct cf_target	*t = sym->decl->targets;

	while (nth-- > 0 && t->next != NULL)
		t = t->next;
	return t->loc;
}

static bool
is_member(const struct cf_sym *sym, const struct cf_sym *other)
{
	size_t	 i;

	for (i = 0; i < sym->nmembers; i++) {
		if (sym->members[i] == other)
			return true;
	}
	return false;
}

static void
error_loop(struct cf *cf, const struct cf_sym *sym, const struct cf_sym *of,
    struct cf_loc loc)
{
	if (of == sym)
		cf_error(cf, loc, "'%.*s' is made of itself",
		    SPAN_ARG(sym->name));
	else
		cf_error(cf, loc, "'%.*s' is made of '%.*s', which is made of "
		    "it (%s)", SPAN_ARG(sym->name), SPAN_ARG(of->name),
		    cf_where(cf, of->loc, loc));
}

static void
add_member(struct cf *cf, struct cf_sym *sym, const struct cf_target *t,
    unsigned depth)
{
	struct cf_sym	*of = cf_need(cf, t->name, t->loc, CF_S_MAP);

	if (of == NULL)
		return;
	if (of->composing == 1) {
		error_loop(cf, sym, of, t->loc);
		return;
	}
	compose(cf, of, depth + 1);
	if (!is_pipe(sym) && is_member(sym, of)) {
		cf_error(cf, t->loc, "'%.*s' stands twice", SPAN_ARG(t->name));
		return;
	}
	sym->members[sym->nmembers++] = of;
	if (of->depth >= sym->depth)
		sym->depth = of->depth + 1;
	if (sym->nasked <= RS_MAP_ASKED_MAX)
		sym->nasked += of->nasked;
}

static void
add_members(struct cf *cf, struct cf_sym *sym, unsigned depth)
{
	const struct cf_target	*t;
	unsigned		 n = 0;

	sym->members = arena_alloc(&cf->arena,
	    RS_MAP_MEMBERS_MAX * sizeof(struct cf_sym *));
	for (t = sym->decl->targets; t != NULL; t = t->next) {
		if (++n > RS_MAP_MEMBERS_MAX) {
			cf_error(cf, t->loc, "a map is made of at most %d "
			    "others", RS_MAP_MEMBERS_MAX);
			break;
		}
		add_member(cf, sym, t, depth);
	}
	if (sym->nasked > RS_MAP_ASKED_MAX)
		cf_error(cf, sym->loc, "'%.*s' comes to more than %d tables, "
		    "all that it is made of counted", SPAN_ARG(sym->name),
		    RS_MAP_ASKED_MAX);
	else if (sym->depth == RS_MAP_DEPTH_MAX + 1)
		cf_error(cf, sym->loc, "'%.*s' is made of what is made of "
		    "others, more than %d deep", SPAN_ARG(sym->name),
		    RS_MAP_DEPTH_MAX);
}

/* first, union: all members are of one kind. */
static void
check_same(struct cf *cf, const struct cf_sym *sym)
{
	const struct cf_sym	*one = sym->members[0], *other;
	size_t			 i;

	for (i = 1; i < sym->nmembers; i++) {
		other = sym->members[i];
		if (span_eq(one->map_kind, other->map_kind) &&
		    cf_kind(one)->key == cf_kind(other)->key)
			continue;
		cf_error(cf, loc_of(sym, i), "'%.*s' is a map of kind %.*s, "
		    "and '%.*s' one of kind %.*s; what stands behind '%.*s' "
		    "is of one kind", SPAN_ARG(other->name),
		    SPAN_ARG(other->map_kind), SPAN_ARG(one->name),
		    SPAN_ARG(one->map_kind), SPAN_ARG(sym->decl->driver));
	}
}

/* union: what is joined is a list, or a text. */
static void
check_joined(struct cf *cf, const struct cf_sym *sym)
{
	const struct cf_sym	*one = sym->members[0];
	enum cf_value		 value = cf_kind(one)->value;

	if (value != CF_VALUE_LIST && value != CF_VALUE_TEXT) {
		cf_error(cf, sym->decl->driver_loc, "a union joins lists and "
		    "texts, and what a map of kind %.*s says is %s",
		    SPAN_ARG(one->map_kind), value_words[value]);
		cf_help(cf, "the first that has the key: first of ...");
	}
}

static bool
is_readable(enum cf_value value, enum cf_key key)
{
	switch (value) {
	case CF_VALUE_TEXT:
		return key != CF_KEY_CLIENT;
	case CF_VALUE_ADDRESS:
		return key == CF_KEY_TEXT || key == CF_KEY_ADDRESS;
	case CF_VALUE_DOMAIN:
		return key == CF_KEY_TEXT || key == CF_KEY_DOMAIN;
	default:
		return false;
	}
}

/* pipe: what one says is a key for the next. */
static void
check_chain(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_sym	*from, *to;
	struct cf_kind		*kind;
	size_t			 i;

	for (i = 1; i < sym->nmembers; i++) {
		from = sym->members[i - 1];
		to = sym->members[i];
		if (is_readable(cf_kind(from)->value, cf_kind(to)->key))
			continue;
		cf_error(cf, loc_of(sym, i), "what '%.*s' (kind %.*s) says is "
		    "%s, and '%.*s' (kind %.*s) is asked with %s",
		    SPAN_ARG(from->name), SPAN_ARG(from->map_kind),
		    value_words[cf_kind(from)->value], SPAN_ARG(to->name),
		    SPAN_ARG(to->map_kind), key_words[cf_kind(to)->key]);
		if (cf_kind(from)->value == CF_VALUE_LIST && from != to)
			cf_help(cf, "lists are expanded one after the other: "
			    "expand %.*s, expand %.*s", SPAN_ARG(from->name),
			    SPAN_ARG(to->name));
	}
	kind = arena_alloc(&cf->arena, sizeof(*kind));
	*kind = *cf_kind(sym->members[sym->nmembers - 1]);
	kind->key = cf_kind(sym->members[0])->key;
	sym->made_kind = kind;
}

/* What the whole is, of what its members are. */
static void
take_kind(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_sym	*last = sym->members[sym->nmembers - 1];
	size_t			 i;

	if (sym->decl->type_name.n > 0 &&
	    !span_eq(sym->decl->type_name, last->map_kind))
		cf_error(cf, sym->decl->type_loc, "'%.*s' is made of maps, and "
		    "what it says is that of kind %.*s", SPAN_ARG(sym->name),
		    SPAN_ARG(last->map_kind));
	sym->map_kind = last->map_kind;
	sym->record = last->record;
	for (i = 0; i < sym->nmembers; i++) {
		sym->is_exact &= sym->members[i]->is_exact;
		sym->forgeable |= sym->members[i]->forgeable;
		sym->tainted |= sym->members[i]->tainted;
		sym->asked |= sym->members[i]->asked;
		if (sym->wide.n == 0)
			sym->wide = sym->members[i]->wide;
	}
	if (!is_pipe(sym))
		return;
	sym->tainted = last->tainted;
	sym->asked = last->asked;
}

/*
 * Who owns a name has written what the DNS says of it; a pattern takes more
 * than who wrote it knows, and its answer may have parts of what was asked.
 */
static bool
is_of_strangers(const struct cf_sym *sym)
{
	return span_eq(sym->decl->driver, SPAN("dns")) ||
	    span_eq(sym->decl->driver, SPAN("regex"));
}

/* What the DNS says is no verdict, no command, no list of recipients. */
static void
check_dns(struct cf *cf, const struct cf_sym *sym)
{
	if (!span_eq(sym->decl->driver, SPAN("dns")) ||
	    span_eq(sym->map_kind, SPAN("plain")))
		return;
	cf_error(cf, sym->decl->type_loc, "a dns map is of kind plain: what "
	    "the DNS says is a stranger's word, and decides nothing by itself");
}

static void
compose(struct cf *cf, struct cf_sym *sym, unsigned depth)
{
	const struct cf_driver	*dr = cf_driver(sym->decl->driver);

	if (sym->composing == 2)
		return;
	sym->composing = 1;
	/* A chain that is too deep counts as too many. */
	sym->nasked = depth < RS_MAP_ASKED_MAX ? 1 : RS_MAP_ASKED_MAX + 1;
	sym->is_exact = sym->decl->targets != NULL ||
	    span_eq(sym->map_kind, SPAN("plain")) ||
	    span_eq(sym->map_kind, SPAN("records"));
	sym->forgeable = sym->tainted = is_of_strangers(sym);
	sym->asked = dr != NULL && dr->how == CF_ASKED;
	check_dns(cf, sym);
	if (sym->decl->targets != NULL && depth < RS_MAP_ASKED_MAX)
		add_members(cf, sym, depth);
	sym->composing = 2;
	if (sym->nmembers == 0)
		return;
	take_kind(cf, sym);
	if (is_pipe(sym)) {
		check_chain(cf, sym);
		return;
	}
	check_same(cf, sym);
	if (span_eq(sym->decl->driver, SPAN("union")))
		check_joined(cf, sym);
}

void
cf_maps_compose(struct cf *cf)
{
	size_t	 i;

	for (i = 0; i < cf->nsyms; i++) {
		if (cf->syms[i]->kind == CF_S_MAP)
			compose(cf, cf->syms[i], 0);
	}
}
