/*
 * options.c - option blocks: what ruleset/options.def says may stand in them.
 *
 * Each block becomes an object with all its options, those that nobody wrote
 * with their defaults, which go through the same grammar.
 */
#include "cf/drivers.h"
#include "cf/listen.h"
#include "cf/names.h"
#include "cf/places.h"
#include "cf/relay.h"

/* The values that follow an option's word, or words; false: another option. */
static bool
after_words(struct cf_expr *e, const char *words, struct cf_expr **after)
{
	struct span	 rest = span_of(words), word;
	ptrdiff_t	 blank;

	for (;;) {
		blank = span_index(rest, ' ');
		word = rest;
		if (blank >= 0)
			word.n = (size_t)blank;
		if (!cf_is_word(e, word))
			return false;
		e = e->next;
		if (blank < 0)
			break;
		rest = span_from(rest, (size_t)blank + 1);
	}
	*after = e;
	return true;
}

static void
add_opt(struct cf_object *o, struct cf_set_opt *set)
{
	if (o->last == NULL)
		o->opts = set;
	else
		o->last->next = set;
	o->last = set;
}

const struct cf_set_opt *
cf_option(const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set;

	for (set = o->opts; set != NULL; set = set->next) {
		if (set->option == option)
			return set;
	}
	return NULL;
}

static void
set_option(struct cf *cf, struct cf_object *o, const struct cf_opt *opt,
    enum rs_option option, struct cf_expr *values, bool is_default)
{
	const struct cf_set_opt	*before = cf_option(o, option);
	struct cf_set_opt	*set;

	if (before != NULL && rs_options[option].repeat != RS_OPT_MANY) {
		cf_error(cf, opt->loc, "'%s' stands twice in this block; the "
		    "first is in %s", rs_options[option].word,
		    cf_where(cf, before->loc, opt->loc));
		return;
	}
	set = arena_alloc(&cf->arena, sizeof(*set));
	set->option = option;
	set->is_default = is_default;
	set->loc = opt->loc;
	set->nplaces = cf_places(cf, opt, option, values, &set->places);
	set->written = opt->values;
	add_opt(o, set);
}

/* Options of two words that begin with this one: their other words. */
static bool
second_words(enum rs_object_kind kind, struct span word, struct buf *out)
{
	struct span	 option;
	unsigned	 i;

	for (i = 0; i < RS_NOPTIONS; i++) {
		option = span_of(rs_options[i].word);
		if (rs_options[i].block != kind || option.n <= word.n ||
		    !span_prefix(option, word) || option.p[word.n] != ' ')
			continue;
		buf_addf(out, "%s%.*s", out->n > 0 ? ", " : "",
		    SPAN_ARG(span_from(option, word.n + 1)));
	}
	return out->n > 0;
}

/* Some stand before the block, and not in it. */
static bool
is_inside(enum rs_option option)
{
	return option != RS_OPT_LISTEN_kind &&
	    option != RS_OPT_QUEUE_for_domains &&
	    option != RS_OPT_QUEUE_for_relays;
}

static void
error_no_option(struct cf *cf, enum rs_object_kind kind,
    const struct cf_expr *e)
{
	struct buf	 seconds = { 0 };
	struct cf_near	 near;
	unsigned	 i;

	if (e->kind != CF_E_NAME) {
		cf_error(cf, e->loc, "an option begins with its word");
		return;
	}
	cf_near_begin(&near, e->name);
	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].block == kind && is_inside((enum rs_option)i))
			cf_near_try(&near, span_of(rs_options[i].word));
	}
	if (second_words(kind, e->name, &seconds)) {
		cf_error(cf, e->loc, "after '%.*s' stands one of %s",
		    SPAN_ARG(e->name), buf_cstr(&seconds));
	} else if (near.best.n > 0)
		cf_error(cf, e->loc, "no option '%.*s'; did you mean '%.*s'?",
		    SPAN_ARG(e->name), SPAN_ARG(near.best));
	else
		cf_error(cf, e->loc, "no option '%.*s' in '%s'",
		    SPAN_ARG(e->name), rs_object_names[kind]);
	buf_clear(&seconds);
}

/* Words that begin a statement at the top, besides the server's options. */
static const char *const statements[] = {
	"auth", "edition", "set", "net", "map", "listen", "spool", "queue", "limits",
	"mailbox", "relay", "mx", "filter", "tag", "ruleset", "on", "route", "test", "tls",
	"milter", "dnslist", "rewrite", "include", "notify", "srs", "programs"
};

static void
error_no_statement(struct cf *cf, const struct cf_expr *e)
{
	struct cf_near	 near;
	size_t		 i;

	cf_near_begin(&near, e->name);
	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		cf_near_try(&near, span_of(statements[i]));
	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].block == RS_O_SERVER)
			cf_near_try(&near, span_of(rs_options[i].word));
	}
	if (near.best.n > 0)
		cf_error(cf, e->loc, "no statement '%.*s'; did you mean "
		    "'%.*s'?", SPAN_ARG(e->name), SPAN_ARG(near.best));
	else
		cf_error(cf, e->loc, "no statement '%.*s'",
		    SPAN_ARG(e->name));
}

static struct cf_object *
new_object(struct cf *cf, enum rs_object_kind kind, struct span name,
    struct cf_loc loc)
{
	struct cf_object	*o;

	o = arena_alloc(&cf->arena, sizeof(*o));
	o->kind = kind;
	o->name = name;
	o->loc = loc;
	if (cf->last_object == NULL)
		cf->objects = o;
	else
		cf->last_object->next = o;
	cf->last_object = o;
	return o;
}

static void	 read_option(struct cf *, struct cf_object *,
		    const struct cf_opt *);

/* What a `for` of tls may have: the rest is of all of them. */
static bool
is_of_host(enum rs_option option)
{
	return option == RS_OPT_TLS_certificate || option == RS_OPT_TLS_key ||
	    option == RS_OPT_TLS_staple;
}

/* `for "host" { ... }` of tls: a block of its own, of that name. */
static void
read_for(struct cf *cf, struct cf_object *o, const struct cf_opt *opt)
{
	struct cf_expr		*host = opt->values->next;
	struct cf_object	*inner;
	const struct cf_opt	*in;

	if (o->kind != RS_O_TLS || o->name.n > 0 ||
	    !cf_is_word(opt->values, SPAN("for"))) {
		cf_error(cf, opt->loc, "no block can stand here");
		return;
	}
	if (host == NULL || host->next != NULL || host->kind != CF_E_CONST ||
	    host->value.type != RS_T_TEXT) {
		cf_error(cf, opt->loc, "'for' wants the name of a host here, "
		    "as in for \"*.shop.example\" { ... }");
		return;
	}
	inner = new_object(cf, RS_O_TLS, host->value.s, host->loc);
	for (in = opt->block; in != NULL; in = in->next)
		read_option(cf, inner, in);
}

/* Of `retry` and `retry connect` the longer one; RS_NOPTIONS: none. */
static unsigned
option_of(enum rs_object_kind kind, struct cf_expr *e,
    struct cf_expr **values)
{
	struct cf_expr	*after;
	unsigned	 i, best = RS_NOPTIONS;

	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].block != kind ||
		    !is_inside((enum rs_option)i) ||
		    !after_words(e, rs_options[i].word, &after) ||
		    (best < RS_NOPTIONS && strlen(rs_options[i].word) <
		    strlen(rs_options[best].word)))
			continue;
		best = i;
		*values = after;
	}
	return best;
}

/* Whether it may be said of some: of hosts, of destinations. */
static bool
may_stand(struct cf *cf, const struct cf_object *o, const struct cf_opt *opt,
    enum rs_option option)
{
	if (o->kind == RS_O_RELAY)
		return cf_relay_may_stand(cf, o, opt->loc, option);
	if (o->name.n == 0)
		return true;
	if (o->kind == RS_O_TLS && !is_of_host(option)) {
		cf_error(cf, opt->loc, "'%s' is said once, for all "
		    "certificates", rs_options[option].word);
		cf_help(cf, "it stands in 'tls', outside of 'for'");
		return false;
	}
	if (o->kind == RS_O_QUEUE && !cf_queue_is_of_hop(option)) {
		cf_error(cf, opt->loc, "'%s' is said once, for all mail",
		    rs_options[option].word);
		cf_help(cf, "it stands in 'queue', without 'for'");
		return false;
	}
	return true;
}

static void
read_option(struct cf *cf, struct cf_object *o, const struct cf_opt *opt)
{
	struct cf_expr	*values;
	unsigned	 i;

	if (opt->has_block) {
		read_for(cf, o, opt);
		return;
	}
	i = option_of(o->kind, opt->values, &values);
	if (i < RS_NOPTIONS) {
		if (may_stand(cf, o, opt, (enum rs_option)i))
			set_option(cf, o, opt, (enum rs_option)i, values,
			    false);
	} else if (o->kind == RS_O_SERVER && opt->values->kind == CF_E_NAME)
		error_no_statement(cf, opt->values);
	else
		error_no_option(cf, o->kind, opt->values);
}

/* The default as a statement of the block, which the grammar then reads. */
static void
set_default(struct cf *cf, struct cf_object *o, enum rs_option option,
    const char *dflt)
{
	const struct rs_option_info	*info = &rs_options[option];
	bool				 is_text;
	struct cf_opt			*opt;
	struct cf_expr			*values;
	struct span			 text;

	is_text = info->places[0] == 't' || info->places[0] == 'T';
	text = arena_printf(&cf->arena, "%s %s%s%s", info->word,
	    is_text ? "\"" : "", dflt, is_text ? "\"" : "");
	opt = cf_parse_options(cf, text);
	if (opt == NULL || !after_words(opt->values, info->word, &values))
		return;
	opt->loc = o->loc;
	set_option(cf, o, opt, option, values, true);
}

const char *
cf_object_what(struct cf *cf, const struct cf_object *o)
{
	if (o->name.n == 0)
		return o->kind == RS_O_RELAY ? "mx" : rs_object_names[o->kind];
	return arena_printf(&cf->arena, "%s '%.*s'", rs_object_names[o->kind],
	    SPAN_ARG(o->name)).p;
}

static void
error_missing(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	if (o->kind == RS_O_SERVER)
		cf_error(cf, (struct cf_loc){ 0, 0 }, "'%s' is missing",
		    rs_options[option].word);
	else
		cf_error(cf, o->loc, "%s lacks '%s'", cf_object_what(cf, o),
		    rs_options[option].word);
	cf_help(cf, "%s: %s", rs_options[option].word,
	    rs_options[option].meaning);
}

/* What an option is where nobody writes it; "" for nothing. */
static const char *
default_of(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	if (o->kind == RS_O_MAP && !cf_map_takes(cf, o, option))
		return "";
	if (o->kind == RS_O_TLS && o->name.n > 0 && !is_of_host(option))
		return "";
	if (o->kind == RS_O_QUEUE && o->name.n > 0)
		return "";
	if (o->kind == RS_O_RELAY)
		return cf_relay_default(o, option);
	return o->kind == RS_O_LISTEN ? cf_listen_default(cf, o, option) :
	    rs_options[option].dflt;
}

/* To write the default, as in `tls none`, asks for nothing. */
static bool
is_served(struct cf *cf, const struct cf_object *o,
    const struct cf_set_opt *set)
{
	const struct rs_option_info	*info = &rs_options[set->option];
	struct span			 word;

	if (set->is_default || info->served != RS_OPT_SERVED_LATER)
		return true;
	if (info->places[0] != 'w' || set->nplaces == 0)
		return false;
	word = set->places[0]->value.s;
	return span_eq(word, span_of(default_of(cf, o, set->option))) ||
	    ((o->kind == RS_O_LISTEN || o->kind == RS_O_RELAY) &&
	    span_eq(word, SPAN("none")));
}

static void
complete(struct cf *cf, struct cf_object *o)
{
	const struct cf_set_opt	*set;
	const char		*dflt;
	unsigned		 i;

	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].block != o->kind ||
		    cf_option(o, (enum rs_option)i) != NULL)
			continue;
		dflt = default_of(cf, o, (enum rs_option)i);
		if (strcmp(dflt, "!") == 0)
			error_missing(cf, o, (enum rs_option)i);
		else if (dflt[0] != '\0')
			set_default(cf, o, (enum rs_option)i, dflt);
	}
	if (o->kind == RS_O_MAP)
		return;		/* its driver has been named */
	if (o->kind == RS_O_MILTER) {
		cf_error_unserved(cf, o->loc, "%s is not served by this "
		    "version", cf_object_what(cf, o));
		return;
	}
	for (set = o->opts; set != NULL; set = set->next) {
		if (!is_served(cf, o, set))
			cf_error_unserved(cf, set->loc, "'%s' of %s is not "
			    "served by this version",
			    rs_options[set->option].word, cf_object_what(cf, o));
	}
}

/* The block of that kind that stands once in a policy. */
static struct cf_object *
single(struct cf *cf, enum rs_object_kind kind)
{
	struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == kind && o->name.n == 0)
			return o;
	}
	return new_object(cf, kind, SPAN_NONE, (struct cf_loc){ 0, 0 });
}

struct span
cf_option_text(const struct cf *cf, enum rs_object_kind kind,
    enum rs_option option)
{
	const struct cf_object	*o;
	const struct cf_set_opt	*set;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind != kind || (set = cf_option(o, option)) == NULL ||
		    set->nplaces == 0)
			continue;
		if (set->places[0]->kind == CF_E_CONST)
			return set->places[0]->value.s;
	}
	return SPAN_NONE;
}

/* What a listener speaks: it stands before the block. */
static void
set_kind(struct cf *cf, struct cf_object *o, struct span kind)
{
	struct cf_opt	*opt;
	struct cf_exprs	 word = { 0 };

	word = cf_exprs(word, cf_name(cf, o->loc, rs_text(RS_T_TEXT,
	    kind)));
	opt = cf_opt(cf, o->loc, word);
	set_option(cf, o, opt, RS_OPT_LISTEN_kind, word.first, false);
}

/* The values of one kind that stand behind `for`, if any. */
static void
set_whom(struct cf *cf, struct cf_object *o, enum rs_option option,
    struct cf_exprs whom)
{
	if (whom.first != NULL)
		set_option(cf, o, cf_opt(cf, o->loc, whom), option,
		    whom.first, false);
}

static struct cf_object *
queue_for(struct cf *cf, struct cf_decl *d)
{
	struct cf_object	*o;
	struct cf_exprs		 domains = { 0 }, relays = { 0 };

	o = new_object(cf, RS_O_QUEUE, d->name, d->name_loc);
	cf_queue_whom(cf, d->expr, &domains, &relays);
	set_whom(cf, o, RS_OPT_QUEUE_for_domains, domains);
	set_whom(cf, o, RS_OPT_QUEUE_for_relays, relays);
	return o;
}

static struct cf_object *
object_of(struct cf *cf, struct cf_decl *d)
{
	struct cf_object	*o;

	switch (d->kind) {
	case CF_D_SETTING:
		return single(cf, RS_O_SERVER);
	case CF_D_SPOOL:
		o = single(cf, RS_O_SPOOL);
		break;
	case CF_D_QUEUE:
		if (d->expr != NULL)
			return queue_for(cf, d);
		o = single(cf, RS_O_QUEUE);
		break;
	case CF_D_LIMITS:
		o = single(cf, RS_O_LIMITS);
		break;
	case CF_D_LISTEN:
		o = new_object(cf, RS_O_LISTEN, d->name, d->name_loc);
		set_kind(cf, o, d->where);
		return o;
	case CF_D_MAILBOX:
		return new_object(cf, RS_O_MAILBOX, d->name, d->name_loc);
	case CF_D_RELAY:
		return new_object(cf, RS_O_RELAY, d->name, d->name_loc);
	case CF_D_MILTER:
		return new_object(cf, RS_O_MILTER, d->name, d->name_loc);
	case CF_D_FILTER:
		return new_object(cf, RS_O_FILTER, d->name, d->name_loc);
	case CF_D_MAP:
		return d->opts == NULL &&
		    cf_driver_options(d->driver)[0] == '\0' ? NULL :
		    new_object(cf, RS_O_MAP, d->name, d->name_loc);
	case CF_D_MX:
		o = single(cf, RS_O_RELAY);
		break;
	case CF_D_TLS:
		o = single(cf, RS_O_TLS);
		break;
	case CF_D_AUTH:
		o = single(cf, RS_O_AUTH);
		break;
	case CF_D_SRS:
		o = single(cf, RS_O_SRS);
		break;
	case CF_D_NOTIFY:
		o = single(cf, RS_O_NOTIFY);
		break;
	case CF_D_REPORTS:
		o = single(cf, RS_O_REPORTS);
		break;
	case CF_D_PROGRAMS:
		o = single(cf, RS_O_PROGRAMS);
		break;
	default:
		return NULL;
	}
	if (o->loc.end > 0)
		cf_error(cf, d->loc, "'%s' stands twice; the first is in %s",
		    cf_object_what(cf, o), cf_where(cf, o->loc, d->loc));
	o->loc = d->loc;
	return o;
}

/* Programs may send, unless the policy says that they may not. */
static void
programs_unwritten(struct cf *cf)
{
	struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_LISTEN && cf_listener_is(o, "programs"))
			return;
	}
	o = new_object(cf, RS_O_LISTEN, SPAN("programs"),
	    (struct cf_loc){ 0, 0 });
	set_kind(cf, o, SPAN("programs"));
}

/* An option of one block as it stands in another; for the same letters. */
static void
lend_option(struct cf *cf, const struct cf_object *from, enum rs_option option,
    struct cf_object *to, enum rs_option as)
{
	const struct cf_set_opt	*set = cf_option(from, option);
	struct cf_set_opt	*lent;

	if (set == NULL)
		return;
	lent = arena_alloc(&cf->arena, sizeof(*lent));
	*lent = *set;
	lent->option = as;
	lent->next = NULL;
	add_opt(to, lent);
}

/*
 * Where a filter gives mail back is a listener of kind `filter`, with the
 * filter's name, which believes XFORWARD of those who may.
 */
static void
listen_back(struct cf *cf, const struct cf_object *filter)
{
	struct cf_object	*o;

	o = new_object(cf, RS_O_LISTEN, filter->name, filter->loc);
	o->made = true;
	set_kind(cf, o, SPAN("filter"));
	lend_option(cf, filter, RS_OPT_FILTER_back, o, RS_OPT_LISTEN_on);
	lend_option(cf, filter, RS_OPT_FILTER_from, o, RS_OPT_LISTEN_xforward);
}

static void
check_edition(struct cf *cf)
{
	const struct cf_decl	*d, *edition = NULL;

	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_EDITION)
			continue;
		if (edition != NULL)
			cf_error(cf, d->loc, "'edition' stands twice");
		else if (d->expr->value.i != 1) {
			cf_error(cf, d->expr->loc, "this version knows edition "
			    "1 of the language");
			cf_help(cf, "use the waybill that the policy was "
			    "written for, or one that is newer");
		}
		edition = d;
	}
	if (edition != NULL && edition != cf->decls)
		cf_error(cf, edition->loc, "'edition' stands first: it says "
		    "how all else is read");
	if (edition == NULL) {
		cf_error(cf, (struct cf_loc){ 0, 0 }, "'edition 1' is missing");
		cf_help(cf, "a policy begins with it, so that it keeps its "
		    "meaning");
	}
}

void
cf_options(struct cf *cf)
{
	struct cf_object	*o;
	struct cf_decl		*d;
	struct cf_opt		*opt;
	unsigned		 kind;
	size_t			 i;

	check_edition(cf);
	(void)single(cf, RS_O_SERVER);
	for (d = cf->decls; d != NULL; d = d->next) {
		if ((o = object_of(cf, d)) == NULL)
			continue;
		if (d->sym != NULL)
			d->sym->object = o;
		for (opt = d->opts; opt != NULL; opt = opt->next)
			read_option(cf, o, opt);
	}
	for (kind = RS_O_SPOOL; kind <= RS_O_LIMITS; kind++)
		(void)single(cf, (enum rs_object_kind)kind);
	(void)single(cf, RS_O_RELAY);
	(void)single(cf, RS_O_AUTH);
	(void)single(cf, RS_O_NOTIFY);
	programs_unwritten(cf);
	(void)single(cf, RS_O_PROGRAMS);
	for (o = cf->objects; o != NULL; o = o->next) {
		complete(cf, o);
		cf_object_check(cf, o);
		if (o->kind == RS_O_FILTER &&
		    cf_option(o, RS_OPT_FILTER_back) != NULL)
			listen_back(cf, o);
	}
	for (i = 0; i < cf->nsyms; i++) {
		if (cf->syms[i]->kind == CF_S_MAP)
			cf_map_options_check(cf, cf->syms[i]);
	}
	cf_listen_check(cf);
}
