/*
 * typenames.c - types as arguments, tags and rulesets name them.
 *
 * Values go through a ruleset one by one: sets, maps and lists are asked by
 * their names, wherever they are.
 */
#include "cf/names.h"

const char *
cf_type_what(unsigned type)
{
	static const char *const	 what[RS_NTYPES] = {
		[RS_T_NONE] = "nothing", [RS_T_UNKNOWN] = "nothing",
		[RS_T_BOOL] = "a bool", [RS_T_INT] = "an int",
		[RS_T_SIZE] = "a size", [RS_T_TIME] = "a time",
		[RS_T_TEXT] = "a text", [RS_T_DOMAIN] = "a domain",
		[RS_T_ADDRESS] = "an address", [RS_T_IP] = "an ip",
		[RS_T_NET] = "a net", [RS_T_STATUS] = "a status",
		[RS_T_DATE] = "a date", [RS_T_CLIENT] = "a client",
		[RS_T_VERDICT] = "a verdict", [RS_T_RATE] = "a rate"
	};

	return type < RS_NTYPES ? what[type] : "nothing";
}

/* What is a type of the language, and none of a single value. */
static const struct {
	const char	*word, *what, *help;
} no_values[] = {
	{ "set", "a set", "ask it by its name: x in NAME" },
	{ "map", "a map", "ask it by its name: NAME[x], x in NAME" },
	{ "list", "a list", "several values come out of a table of kind "
	    "aliases, for 'expand'" },
	{ "reply", "a reply", "a ruleset '-> verdict' refuses by itself: "
	    "reject 550 5.7.1 \"...\"" }
};

static bool
error_no_value(struct cf *cf, struct span name, struct cf_loc loc)
{
	ptrdiff_t	 blank = span_index(name, ' ');
	size_t		 i;

	if (blank >= 0)
		name.n = (size_t)blank;
	for (i = 0; i < sizeof(no_values) / sizeof(no_values[0]); i++) {
		if (!span_eq(name, span_of(no_values[i].word)))
			continue;
		cf_error(cf, loc, "%s is no single value, and only such can "
		    "be handed on", no_values[i].what);
		cf_help(cf, "%s", no_values[i].help);
		return true;
	}
	return false;
}

uint8_t
cf_type_named(struct cf *cf, struct span name, struct cf_loc loc)
{
	struct cf_near	 near;
	unsigned	 t;

	cf_near_begin(&near, name);
	for (t = RS_T_BOOL; t < RS_NTYPES; t++) {
		if (span_eq(name, span_of(rs_type_name(t))))
			return (uint8_t)t;
		cf_near_try(&near, span_of(rs_type_name(t)));
	}
	if (error_no_value(cf, name, loc))
		return RS_T_NONE;
	if (near.best.n > 0)
		cf_error(cf, loc, "no type '%.*s'; did you mean '%.*s'?",
		    SPAN_ARG(name), SPAN_ARG(near.best));
	else
		cf_error(cf, loc, "no type '%.*s'", SPAN_ARG(name));
	return RS_T_NONE;
}

uint8_t
cf_type_of_tag(struct cf *cf, struct span name, struct cf_loc loc)
{
	uint8_t	 type = cf_type_named(cf, name, loc);

	if (type != RS_T_CLIENT && type != RS_T_VERDICT && type != RS_T_RATE)
		return type;
	cf_error(cf, loc, "a tag goes with the message, and %s cannot",
	    cf_type_what(type));
	return RS_T_NONE;
}
