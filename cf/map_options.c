/*
 * map_options.c - what may stand in the block behind a map: options of its
 * driver, and queries that never see a password.
 */
#include "cf/drivers.h"
#include "cf/kinds.h"
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

/* A table that is here is asked without a cache, and not slower for it. */
static bool
is_needless(struct cf *cf, const struct cf_sym *map,
    const struct cf_set_opt *set)
{
	const struct cf_driver	*dr = cf_driver(map->decl->driver);

	if (set->option != RS_OPT_MAP_cache || dr == NULL ||
	    dr->how != CF_READ)
		return false;
	cf_warn(cf, set->loc, "'cache' has no effect: the server keeps all of "
	    "this table, and reads it anew when it has changed");
	return true;
}

static void
check_driver(struct cf *cf, const struct cf_sym *map)
{
	const char		*words = cf_driver_options(map->decl->driver);
	const struct cf_set_opt	*set;

	for (set = map->object->opts; set != NULL; set = set->next) {
		if (set->is_default ||
		    is_among(span_of(rs_options[set->option].word), words) ||
		    is_needless(cf, map, set))
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
error_lacks(struct cf *cf, const struct cf_sym *map, enum rs_option option)
{
	cf_error(cf, map->loc, "map '%.*s' lacks '%s'", SPAN_ARG(map->name),
	    rs_options[option].word);
	cf_help(cf, "%s: %s", rs_options[option].word,
	    rs_options[option].meaning);
}

/* That an entry of LDAP is there says no list, verdict or address. */
static void
check_value(struct cf *cf, const struct cf_sym *map)
{
	enum cf_value	 value = cf_kind(map)->value;

	if (span_eq(map->decl->driver, SPAN("ldap")) &&
	    value != CF_VALUE_TEXT && value != CF_VALUE_RECORD &&
	    (map->object == NULL ||
	    cf_option(map->object, RS_OPT_MAP_attributes) == NULL))
		error_lacks(cf, map, RS_OPT_MAP_attributes);
}

static void
check_needed(struct cf *cf, const struct cf_sym *map)
{
	size_t	 i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!span_eq(map->decl->driver, span_of(needed[i].driver)) ||
		    (map->object != NULL &&
		    cf_option(map->object, needed[i].option) != NULL))
			continue;
		error_lacks(cf, map, needed[i].option);
	}
}

/* Whether a query says {word}. */
static bool
asks_for(const struct cf_object *o, enum rs_option option, const char *word)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	const struct cf_expr	*part;

	if (set == NULL || set->nplaces == 0)
		return false;
	if (set->places[0]->kind != CF_E_TEXT)
		return false;
	for (part = set->places[0]->list; part != NULL; part = part->next) {
		if (cf_is_word(part, span_of(word)))
			return true;
	}
	return false;
}

/*
 * A query that does not ask for the key, or for all of it, says the same of
 * several; of LDAP a part may stand in `base`.
 */
static void
check_key(struct cf *cf, const struct cf_object *o, enum rs_option option,
    enum rs_option beside)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	bool			 user, domain;

	if (set == NULL || set->nplaces == 0 || asks_for(o, option, "key") ||
	    asks_for(o, beside, "key"))
		return;
	user = asks_for(o, option, "user") || asks_for(o, beside, "user");
	domain = asks_for(o, option, "domain") ||
	    asks_for(o, beside, "domain");
	if (user && domain)
		return;
	if (!user && !domain) {
		cf_error(cf, set->places[0]->loc, "'%s' does not ask for "
		    "{key}: it says the same of all", rs_options[option].word);
		return;
	}
	cf_error(cf, set->places[0]->loc, "'%s' asks for {%s} without {%s}: "
	    "it says the same of several keys", rs_options[option].word,
	    user ? "user" : "domain", user ? "domain" : "user");
	cf_help(cf, "ask for {key}, which is all of it");
}

/* A parameter within SQL's quotes would be a text of these letters. */
static void
check_quotes(struct cf *cf, const struct cf_sym *map, enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(map->object, option);
	const struct cf_expr	*part;
	bool			 quoted = false;
	size_t			 i;

	if (set == NULL || set->nplaces == 0 ||
	    set->places[0]->kind != CF_E_TEXT ||
	    span_eq(map->decl->driver, SPAN("redis")))
		return;
	for (part = set->places[0]->list; part != NULL; part = part->next) {
		if (part->kind != CF_E_CONST && quoted) {
			cf_error(cf, part->loc, "{%.*s} stands in quotes of "
			    "SQL", SPAN_ARG(part->name));
			cf_help(cf, "it is bound as a parameter: leave the "
			    "quotes out");
			return;
		}
		for (i = 0; part->kind == CF_E_CONST && i < part->value.s.n;
		    i++)
			quoted ^= part->value.s.p[i] == '\'';
	}
}

/* What counts and times may be. */
static const struct {
	enum rs_option	 option;
	int64_t		 most;
	const char	*said;
} ranges[] = {
	{ RS_OPT_MAP_connections, 64, "64" },
	{ RS_OPT_MAP_timeout, 30000, "30s" },
	{ RS_OPT_MAP_cache, INT64_C(86400000), "1d" },
};

static void
check_ranges(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	size_t			 i, place;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		set = cf_option(o, ranges[i].option);
		for (place = 0; set != NULL && place < set->nplaces; place++) {
			if (set->places[place]->value.i <= ranges[i].most)
				continue;
			cf_error(cf, set->places[place]->loc, "'%s' is at most "
			    "%s", rs_options[set->option].word,
			    ranges[i].said);
		}
	}
	set = cf_option(o, RS_OPT_MAP_cache);
	if (set != NULL && set->nplaces > 2)
		cf_error(cf, set->places[2]->loc, "'cache' takes two times: "
		    "for answers, and for 'not there'");
}

/* What only accounts have. */
static void
check_accounts(struct cf *cf, const struct cf_sym *map)
{
	static const enum rs_option	 only[] = {
		RS_OPT_MAP_verify, RS_OPT_MAP_bind
	};
	const struct cf_set_opt		*set;
	size_t				 i;

	for (i = 0; i < sizeof(only) / sizeof(only[0]); i++) {
		set = cf_option(map->object, only[i]);
		if (set != NULL && !span_eq(map->map_kind, SPAN("accounts")))
			cf_error(cf, set->loc, "'%s' is about passwords, and "
			    "only a map of kind accounts has some",
			    rs_options[set->option].word);
	}
}

/* All processes have the image, and only one may know the password. */
static void
check_login(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_MAP_login);

	if (set == NULL || set->nplaces < 2 || set->places[1]->is_file)
		return;
	cf_error(cf, set->places[1]->loc, "all processes have the policy, so "
	    "the password of a table stands in a file");
	cf_help(cf, "write: password file \"path\"");
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
check_attributes(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_MAP_attributes);
	struct span		 what;
	size_t			 i;

	for (i = 0; set != NULL && i < set->nplaces; i++) {
		if (!names_password(set->places[i]->value.s, &what))
			continue;
		cf_error(cf, set->places[i]->loc, "'attributes' reads '%.*s', "
		    "and never sees a password", SPAN_ARG(what));
		cf_help(cf, "'bind' verifies it");
	}
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

/* Options whose value is one of some words. */
static void
check_words(struct cf *cf, const struct cf_object *o)
{
	static const struct {
		enum rs_option	 option;
		const char	*words;
	} lists[] = {
		{ RS_OPT_MAP_scope, "base one sub" },
		{ RS_OPT_MAP_type, "A AAAA MX TXT PTR" },
	};
	const struct cf_set_opt	*set;
	struct span		 word;
	size_t			 i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		set = cf_option(o, lists[i].option);
		if (set == NULL || set->nplaces == 0)
			continue;
		word = set->places[0]->value.s;
		if (!is_among(word, lists[i].words))
			cf_error(cf, set->places[0]->loc, "no '%.*s' for "
			    "'%s'; there are %s", SPAN_ARG(word),
			    rs_options[set->option].word, lists[i].words);
	}
}

void
cf_map_options_check(struct cf *cf, const struct cf_sym *map)
{
	struct cf_object	*o = map->object;

	check_needed(cf, map);
	check_value(cf, map);
	if (o == NULL)
		return;
	check_driver(cf, map);
	check_key(cf, o, RS_OPT_MAP_query, RS_OPT_MAP_query);
	check_key(cf, o, RS_OPT_MAP_verify, RS_OPT_MAP_verify);
	check_key(cf, o, RS_OPT_MAP_filter, RS_OPT_MAP_base);
	check_quotes(cf, map, RS_OPT_MAP_query);
	check_quotes(cf, map, RS_OPT_MAP_verify);
	check_ranges(cf, o);
	check_accounts(cf, map);
	check_login(cf, o);
	if (span_eq(map->map_kind, SPAN("accounts"))) {
		check_directory(cf, o);
		check_attributes(cf, o);
	}
	check_words(cf, o);
}
