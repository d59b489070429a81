/*
 * options.c - option blocks: what ruleset/options.def says may stand in them.
 *
 * Each block becomes an object with all its options, those that nobody wrote
 * with their defaults, which go through the same grammar.
 */
#include "cf/listen.h"
#include "cf/names.h"

/* The values of one statement as they are matched with the places. */
struct match {
	struct cf		*cf;
	const struct cf_opt	*opt;
	enum rs_option		 option;
	struct cf_expr		*at;		/* next value */
	struct cf_expr		**places;
	size_t			 n;
	bool			 failed;
};

static bool
is_name(const struct cf_expr *e, struct span word)
{
	return e != NULL && e->kind == CF_E_NAME && span_eq(e->name, word);
}

static const char *
letter_what(char letter)
{
	switch (letter) {
	case 't': case 'T':
		return "a text";
	case 'i': case 'c':
		return "a number";
	case 's':
		return "a size";
	case 'd':
		return "a time";
	case 'm':
		return "the name of a map";
	case 'n':
		return "a network";
	default:
		return "a word";
	}
}

static void
mismatch(struct match *m, char letter)
{
	const struct rs_option_info	*info = &rs_options[m->option];
	struct cf_loc			 loc = m->opt->loc;

	if (m->failed)
		return;
	m->failed = true;
	if (m->at != NULL)
		loc = m->at->loc;
	if (letter != '\0')
		cf_error(m->cf, loc, "'%s' wants %s here", info->word,
		    letter_what(letter));
	else
		cf_error(m->cf, loc, "this is more than '%s' takes",
		    info->word);
	cf_help(m->cf, "%s: %s", info->word, info->meaning);
}

/* The value read as the place's letter says; NULL: it does not fit. */
static struct cf_expr *
fit(struct match *m, char letter, struct cf_expr *e)
{
	struct cf_sym	*sym;
	bool		 is_const = e->kind == CF_E_CONST;
	unsigned	 type = e->value.type;

	switch (letter) {
	case 't':
		return is_const && type == RS_T_TEXT ? e : NULL;
	case 'T':
		return !is_const || type == RS_T_TEXT ? e : NULL;
	case 'i': case 'c':
		return is_const && type == RS_T_INT ? e : NULL;
	case 's':
		if (is_const && type == RS_T_INT)
			e->value.type = RS_T_SIZE;
		return is_const && e->value.type == RS_T_SIZE ? e : NULL;
	case 'd':
		if (is_name(e, SPAN("never")))
			return cf_const(m->cf, e->loc, rs_int(RS_T_TIME, -1));
		return is_const && type == RS_T_TIME ? e : NULL;
	case 'w':
		return e->kind != CF_E_NAME ? NULL :
		    cf_const(m->cf, e->loc, rs_text(RS_T_TEXT, e->name));
	case 'm':
		if (e->kind != CF_E_NAME)
			return NULL;
		sym = cf_need(m->cf, e->name, e->loc, CF_S_MAP);
		if (sym == NULL) {
			m->failed = true;
			return NULL;
		}
		e->ref = CF_R_SYM;
		e->sym = sym;
		return e;
	default:
		return NULL;
	}
}

static void
take(struct match *m, char letter)
{
	struct cf_expr	*e;

	/* `password file "x"`: the text is the name of a file. */
	if (letter == 'T' && is_name(m->at, SPAN("file")) &&
	    m->at->next != NULL && m->at->next->kind == CF_E_CONST)
		m->at = m->at->next;
	if (m->at == NULL || (e = fit(m, letter, m->at)) == NULL) {
		mismatch(m, letter);
		return;
	}
	m->places[m->n++] = e;
	m->at = m->at->next;
}

static size_t
count_values(const struct cf_expr *e)
{
	size_t	 n = 0;

	for (; e != NULL; e = e->next)
		n++;
	return n;
}

static bool
fixed_word(struct match *m, const char *from, const char *to)
{
	struct span	 word = { from, (size_t)(to - from) };

	if (!is_name(m->at, word))
		return false;
	m->at = m->at->next;
	return true;
}

/* A part in [ ] is there when its first word is; else its places are left out. */
static const char *
skip_optional(struct match *m, const char *p)
{
	for (; *p != ']'; p++) {
		if (*p == '<')
			p = strchr(p, '>');
		else
			m->places[m->n++] = NULL;
	}
	return p;
}

static void
match_places(struct match *m)
{
	const char	*p, *end;
	bool		 optional = false;

	for (p = rs_options[m->option].places; *p != '\0' && !m->failed; p++) {
		if (*p == '[' || *p == ']') {
			optional = *p == '[';
			continue;
		}
		if (*p != '<') {
			take(m, *p);
			continue;
		}
		end = strchr(p, '>');
		if (fixed_word(m, p + 1, end)) {
			p = end;
		} else if (optional) {
			p = skip_optional(m, p);
			optional = false;
		} else {
			if (!m->failed)
				cf_error(m->cf, m->at != NULL ? m->at->loc :
				    m->opt->loc, "'%s' wants the word '%.*s' "
				    "here", rs_options[m->option].word,
				    (int)(end - p - 1), p + 1);
			m->failed = true;
		}
	}
	if (!m->failed && m->at != NULL)
		mismatch(m, '\0');
}

/* Several values of a kind, a comma between. */
static void
match_list(struct match *m)
{
	char	 letter = rs_options[m->option].places[0];

	take(m, letter);
	while (!m->failed && m->at != NULL) {
		if (!m->at->comma) {
			cf_error(m->cf, m->at->loc, "a comma belongs between "
			    "the values of '%s'", rs_options[m->option].word);
			m->failed = true;
			return;
		}
		take(m, letter);
	}
}

static void
refuse_commas(struct match *m)
{
	const struct cf_expr	*e;

	for (e = m->at; e != NULL; e = e->next) {
		if (!e->comma)
			continue;
		cf_error(m->cf, e->loc, "'%s' takes no list; options end with "
		    "the line or ';'", rs_options[m->option].word);
		m->failed = true;
		return;
	}
}

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
		if (!is_name(e, word))
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
	struct match		 m = { cf, opt, option, values, NULL, 0, false };
	const struct cf_set_opt	*before = cf_option(o, option);
	struct cf_set_opt	*set;

	if (before != NULL && rs_options[option].repeat != RS_OPT_MANY) {
		cf_error(cf, opt->loc, "'%s' stands twice in this block; the "
		    "first is in line %u", rs_options[option].word,
		    cf_line(cf, before->loc));
		return;
	}
	m.places = arena_alloc(&cf->arena, (count_values(values) + 8) *
	    sizeof(*m.places));
	if (rs_options[option].repeat == RS_OPT_LIST) {
		match_list(&m);
	} else {
		refuse_commas(&m);
		match_places(&m);
	}
	if (m.failed)
		m.n = 0;	/* reported; it is there, so not missing */
	set = arena_alloc(&cf->arena, sizeof(*set));
	set->option = option;
	set->is_default = is_default;
	set->loc = opt->loc;
	set->places = m.places;
	set->nplaces = m.n;
	set->written = opt->values;
	add_opt(o, set);
}

static void
error_no_option(struct cf *cf, enum rs_object_kind kind,
    const struct cf_expr *e)
{
	struct cf_near	 near;
	unsigned	 i;

	if (e->kind != CF_E_NAME) {
		cf_error(cf, e->loc, "an option begins with its word");
		return;
	}
	cf_near_begin(&near, e->name);
	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].block == kind)
			cf_near_try(&near, span_of(rs_options[i].word));
	}
	if (kind == RS_O_SERVER && cf_later(e->name)) {
		cf_error_later(cf, e->loc, e->name);
		return;
	}
	if (near.best.n > 0)
		cf_error(cf, e->loc, "no option '%.*s'; did you mean '%.*s'?",
		    SPAN_ARG(e->name), SPAN_ARG(near.best));
	else
		cf_error(cf, e->loc, "no option '%.*s' in '%s'",
		    SPAN_ARG(e->name), rs_object_names[kind]);
}

/* Words that begin a statement at the top, besides the server's options. */
static const char *const statements[] = {
	"edition", "set", "net", "map", "listen", "spool", "queue", "limits",
	"mailbox", "relay", "tag", "ruleset", "on", "route", "test"
};

static void
error_no_statement(struct cf *cf, const struct cf_expr *e)
{
	struct cf_near	 near;
	size_t		 i;

	if (cf_later(e->name)) {
		cf_error_later(cf, e->loc, e->name);
		return;
	}
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

static void
read_option(struct cf *cf, struct cf_object *o, const struct cf_opt *opt)
{
	struct cf_expr	*values;
	unsigned	 i;

	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].block != o->kind ||
		    !after_words(opt->values, rs_options[i].word, &values))
			continue;
		set_option(cf, o, opt, (enum rs_option)i, values, false);
		return;
	}
	if (o->kind == RS_O_SERVER && opt->values->kind == CF_E_NAME)
		error_no_statement(cf, opt->values);
	else
		error_no_option(cf, o->kind, opt->values);
}

/* The default as a statement of the block, which the grammar then reads. */
static void
set_default(struct cf *cf, struct cf_object *o, enum rs_option option)
{
	const struct rs_option_info	*info = &rs_options[option];
	bool				 is_text;
	struct cf_opt			*opt;
	struct cf_expr			*values;
	struct span			 text;

	is_text = info->places[0] == 't' || info->places[0] == 'T';
	text = arena_printf(&cf->arena, "%s %s%s%s", info->word,
	    is_text ? "\"" : "", info->dflt, is_text ? "\"" : "");
	opt = cf_parse_options(cf, text);
	if (opt == NULL || !after_words(opt->values, info->word, &values))
		return;
	opt->loc = o->loc;
	set_option(cf, o, opt, option, values, true);
}

static const char *
object_what(struct cf *cf, const struct cf_object *o)
{
	if (o->name.n == 0)
		return rs_object_names[o->kind];
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
		cf_error(cf, o->loc, "%s lacks '%s'", object_what(cf, o),
		    rs_options[option].word);
	cf_help(cf, "%s: %s", rs_options[option].word,
	    rs_options[option].meaning);
}

/* To write the default, as in `tls none`, asks for nothing. */
static bool
is_served(const struct cf_set_opt *set)
{
	const struct rs_option_info	*info = &rs_options[set->option];

	return set->is_default || info->served != RS_OPT_SERVED_LATER ||
	    (info->places[0] == 'w' && set->nplaces > 0 &&
	    span_eq(set->places[0]->value.s, span_of(info->dflt)));
}

static void
complete(struct cf *cf, struct cf_object *o)
{
	const struct cf_set_opt	*set;
	unsigned		 i;

	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].block != o->kind ||
		    cf_option(o, (enum rs_option)i) != NULL)
			continue;
		if (strcmp(rs_options[i].dflt, "!") == 0)
			error_missing(cf, o, (enum rs_option)i);
		else if (rs_options[i].dflt[0] != '\0')
			set_default(cf, o, (enum rs_option)i);
	}
	for (set = o->opts; set != NULL; set = set->next) {
		if (!is_served(set))
			cf_error_unserved(cf, set->loc, "'%s' of %s is not "
			    "served by this version",
			    rs_options[set->option].word, object_what(cf, o));
	}
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

/* The block of that kind that stands once in a policy. */
static struct cf_object *
single(struct cf *cf, enum rs_object_kind kind)
{
	struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next) {
		if (o->kind == kind)
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
		o = single(cf, RS_O_QUEUE);
		break;
	case CF_D_LIMITS:
		o = single(cf, RS_O_LIMITS);
		break;
	case CF_D_LISTEN:
		return new_object(cf, RS_O_LISTEN, d->name, d->name_loc);
	case CF_D_MAILBOX:
		return new_object(cf, RS_O_MAILBOX, d->name, d->name_loc);
	case CF_D_RELAY:
		return new_object(cf, RS_O_RELAY, d->name, d->name_loc);
	default:
		return NULL;
	}
	if (o->loc.end > 0)
		cf_error(cf, d->loc, "'%s' stands twice; the first is in line "
		    "%u", rs_object_names[o->kind], cf_line(cf, o->loc));
	o->loc = d->loc;
	return o;
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
		}
		edition = d;
	}
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
	for (o = cf->objects; o != NULL; o = o->next) {
		complete(cf, o);
		cf_object_check(cf, o);
	}
	cf_listen_check(cf);
}
