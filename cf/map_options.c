/*
 * map_options.c - what may stand in the block behind a map: options of its
 * driver, and queries that never see a password.
 */
#include "cf/listen.h"
#include "cf/places.h"

/* Whether a word stands in a list of words, a blank between. */
static bool
is_among(struct span word, const char *list)
{
	struct span	 rest = span_of(list), one;
	ptrdiff_t	 blank;

	while (rest.n > 0) {
		blank = span_index(rest, ' ');
		one = rest;
		if (blank >= 0)
			one.n = (size_t)blank;
		if (span_ieq(one, word))
			return true;
		rest = span_from(rest, one.n + 1);
	}
	return false;
}

bool
cf_map_takes(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_sym	*map = cf_find(cf, o->name);

	return map != NULL && map->kind == CF_S_MAP &&
	    is_among(span_of(rs_options[option].word),
	    cf_driver_options(map->decl->driver));
}

static void
check_driver(struct cf *cf, const struct cf_sym *map)
{
	const char		*words = cf_driver_options(map->decl->driver);
	const struct cf_set_opt	*set;

	for (set = map->object->opts; set != NULL; set = set->next) {
		if (set->is_default ||
		    is_among(span_of(rs_options[set->option].word), words))
			continue;
		cf_error(cf, set->loc, "'%s' is no option of the driver '%.*s'",
		    rs_options[set->option].word, SPAN_ARG(map->decl->driver));
		if (words[0] != '\0')
			cf_help(cf, "it takes: %s", words);
	}
}

/* What a driver cannot do without. */
static const struct {
	const char	*driver;
	enum rs_option	 option;
} needed[] = {
	{ "sqlite", RS_OPT_MAP_query }, { "pgsql", RS_OPT_MAP_query },
	{ "redis", RS_OPT_MAP_query }, { "ldap", RS_OPT_MAP_base },
	{ "ldap", RS_OPT_MAP_filter }, { "dns", RS_OPT_MAP_type },
	{ "socket", RS_OPT_MAP_map },
};

static void
check_needed(struct cf *cf, const struct cf_sym *map)
{
	size_t	 i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!span_eq(map->decl->driver, span_of(needed[i].driver)) ||
		    (map->object != NULL &&
		    cf_option(map->object, needed[i].option) != NULL))
			continue;
		cf_error(cf, map->loc, "map '%.*s' lacks '%s'",
		    SPAN_ARG(map->name), rs_options[needed[i].option].word);
		cf_help(cf, "%s: %s", rs_options[needed[i].option].word,
		    rs_options[needed[i].option].meaning);
	}
}

/* A query that does not ask for the key says the same of all. */
static void
check_key(struct cf *cf, const struct cf_object *o, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	const struct cf_expr	*part;

	if (set == NULL || set->nplaces == 0)
		return;
	for (part = set->places[0]->list; part != NULL; part = part->next) {
		if (cf_is_word(part, SPAN("key")))
			return;
	}
	cf_error(cf, set->places[0]->loc, "'%s' does not ask for {key}: it "
	    "says the same of all", rs_options[option].word);
}

/* Passwords. */

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '*';
}

static struct span
next_word(struct span *s)
{
	struct span	 word;
	size_t		 n = 0;

	while (s->n > 0 && !is_word_char(s->p[0]))
		*s = span_from(*s, 1);
	while (n < s->n && is_word_char(s->p[n]))
		n++;
	word = (struct span){ s->p, n };
	*s = span_from(*s, n);
	return word;
}

/* Names of columns that hold passwords, up to the query's FROM. */
static bool
names_password(struct span query, struct span *what)
{
	while ((*what = next_word(&query)).n > 0) {
		if (span_ieq(*what, SPAN("from")))
			return false;
		if (is_among(*what, "password passwd pass pw passphrase secret "
		    "hash crypt userpassword password_hash pwhash *"))
			return true;
	}
	return false;
}

static void
check_directory(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_MAP_query);
	const struct cf_expr	*e;
	struct span		 what;

	if (set == NULL || set->nplaces == 0)
		return;
	e = set->places[0];
	if (e->kind == CF_E_TEXT)
		e = e->list;
	if (e->kind != CF_E_CONST || !names_password(e->value.s, &what))
		return;
	cf_error(cf, e->loc, span_eq(what, SPAN("*")) ?
	    "'%.*s' reads all columns, a password among them" :
	    "'query' reads the column '%.*s', and never sees a password",
	    SPAN_ARG(what));
	cf_help(cf, "'verify' asks for it, in the auth process only");
}

void
cf_map_options_check(struct cf *cf, const struct cf_sym *map)
{
	static const char *const	 scopes = "base one sub";
	static const char *const	 types = "A AAAA MX TXT PTR";
	const struct cf_set_opt		*set;

	check_needed(cf, map);
	if (map->object == NULL)
		return;
	check_driver(cf, map);
	check_key(cf, map->object, RS_OPT_MAP_query);
	check_key(cf, map->object, RS_OPT_MAP_verify);
	check_key(cf, map->object, RS_OPT_MAP_filter);
	if (span_eq(map->map_kind, SPAN("accounts")))
		check_directory(cf, map->object);
	for (set = map->object->opts; set != NULL; set = set->next) {
		if (set->nplaces == 0 || (set->option != RS_OPT_MAP_scope &&
		    set->option != RS_OPT_MAP_type))
			continue;
		if (!is_among(set->places[0]->value.s,
		    set->option == RS_OPT_MAP_scope ? scopes : types))
			cf_error(cf, set->places[0]->loc, "no '%.*s' for "
			    "'%s'; there are %s",
			    SPAN_ARG(set->places[0]->value.s),
			    rs_options[set->option].word,
			    set->option == RS_OPT_MAP_scope ? scopes : types);
	}
}
