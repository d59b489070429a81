/*
 * types_map.c - what tables are asked with, and what their answers are.
 */
#include "cf/kinds.h"
#include "cf/types_int.h"

static void
error_key(struct cf *cf, struct cf_expr *key, const struct cf_sym *map,
    const char *wanted)
{
	cf_error(cf, key->loc, "%s is %s, and '%.*s' is asked with %s",
	    type_text_of(cf, key), cf_type_what(key->type),
	    SPAN_ARG(map->name), wanted);
	if (key->type == RS_T_CLIENT)
		cf_help(cf, "ask with client.ip or client.verified_name");
	else if (key->type == RS_T_ADDRESS)
		cf_help(cf, "ask for its domain: %s.domain",
		    type_text_of(cf, key));
}

/* Roles, not values: how each is looked up says the access table itself. */
static bool
is_role(const struct cf_expr *key)
{
	return key->kind == CF_E_NAME && key->ref == CF_R_FACT &&
	    (key->fact == RS_FACT_CLIENT || key->fact == RS_FACT_SENDER ||
	    key->fact == RS_FACT_RCPT);
}

static void
error_role(struct cf *cf, struct cf_expr *key, const struct cf_sym *map)
{
	const struct cf_expr	*of = key;

	cf_error(cf, key->loc, "an access table is asked for client, sender "
	    "or rcpt, and %s is none of them", type_text_of(cf, key));
	while (of->kind == CF_E_FIELD && of->a != NULL)
		of = of->a;
	if (of->ref != CF_R_FACT)
		return;
	if (of->fact == RS_FACT_SENDER || of->fact == RS_FACT_RCPT)
		cf_help(cf, "ask for the whole: its domain and what stands "
		    "above it are looked for too");
	else if (of->fact == RS_FACT_CLIENT_IP ||
	    of->fact == RS_FACT_CLIENT_NAME ||
	    of->fact == RS_FACT_CLIENT_VERIFIED_NAME)
		cf_help(cf, "ask for the client: its address, networks and "
		    "verified name are looked for in '%.*s'",
		    SPAN_ARG(map->name));
}

bool
type_map_key(struct cf *cf, struct cf_expr *key, const struct cf_sym *map)
{
	switch (cf_kind(map)->key) {
	case CF_KEY_CLIENT:
		if (is_role(key))
			return true;
		error_role(cf, key, map);
		break;
	case CF_KEY_DOMAIN:
		if (key->type == RS_T_DOMAIN || key->type == RS_T_TEXT)
			return true;
		error_key(cf, key, map, "a domain");
		break;
	case CF_KEY_ADDRESS:
		if (key->type == RS_T_ADDRESS || key->type == RS_T_TEXT)
			return true;
		error_key(cf, key, map, "an address");
		break;
	default:
		if (type_is_key(key))
			return true;
		error_key(cf, key, map, "text");
		break;
	}
	type_bad(key);
	return false;
}

void
type_map_value(struct cf *cf, struct cf_expr *e)
{
	const struct cf_kind	*kind = cf_kind(e->sym);

	e->type = RS_T_TEXT;
	e->nothing = e->may_fail = true;
	e->tainted = e->sym->tainted;
	e->asked = e->sym->asked;
	switch (kind->value) {
	case CF_VALUE_VERDICT:
		e->type = RS_T_VERDICT;
		break;
	case CF_VALUE_DOMAIN:
		type_convert(cf, e, RS_T_DOMAIN);
		break;
	case CF_VALUE_ADDRESS:
		type_convert(cf, e, RS_T_ADDRESS);
		break;
	default:
		e->table = true;
		break;
	}
}

/* Only records have columns; kinds with a meaning of their own are none. */
/* Of a map in place all columns are known. */
static bool
is_known_column(struct cf *cf, struct cf_expr *e)
{
	const struct cf_decl	*d = e->a->sym->decl;
	const struct cf_item	*i = d->items;

	if (!d->in_place || i == NULL)
		return true;
	for (; i != NULL; i = i->next) {
		if (cf_has_column(i->text, e->name))
			return true;
	}
	cf_error(cf, e->loc, "no record of '%.*s' has a column '%.*s'",
	    SPAN_ARG(e->a->sym->name), SPAN_ARG(e->name));
	type_bad(e);
	return false;
}

bool
type_has_columns(struct cf *cf, struct cf_expr *e)
{
	const struct cf_kind	*kind = cf_kind(e->a->sym);

	if (kind->value == CF_VALUE_TEXT || kind->value == CF_VALUE_RECORD)
		return is_known_column(cf, e);
	cf_error(cf, e->loc, "'%.*s' is a map of kind %s, which has no "
	    "columns", SPAN_ARG(e->a->sym->name), kind->name);
	type_bad(e);
	return false;
}
