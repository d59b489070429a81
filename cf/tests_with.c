/*
 * tests_with.c - what holds for a whole test: tables, DNS, milters, rates.
 */
#include "cf/tests_int.h"

static const struct {
	const char	*word;
	unsigned	 type;		/* RFC 1035, 3.2.2; RFC 3596 */
} dns_types[] = {
	{ "A", 1 }, { "CNAME", 5 }, { "PTR", 12 }, { "MX", 15 },
	{ "TXT", 16 }, { "AAAA", 28 }
};

/* What is made of others has no lines: theirs are given. */
static void
error_made(struct testing *t, const struct cf_tnode *n,
    const struct cf_sym *map)
{
	struct buf	 list = { 0 };
	size_t		 i;

	for (i = 0; i < map->nmembers; i++)
		buf_addf(&list, "%s'%.*s'", i == 0 ? "" :
		    i + 1 < map->nmembers ? ", " : " and ",
		    SPAN_ARG(map->members[i]->name));
	cf_error(t->cf, n->value_loc, "'%.*s' is made of other maps, and has "
	    "no lines of its own", SPAN_ARG(map->name));
	cf_help(t->cf, "give them to %s", buf_cstr(&list));
	buf_clear(&list);
}

void
cf_tests_map(struct testing *t, const struct cf_tnode *n)
{
	bool		 failing = n->kind == CF_TN_MAP_FAILING;
	struct cf_sym	*map;

	t->step->kind = failing ? CF_T_WITH_MAP_FAILING : CF_T_WITH_MAP;
	t->step->failing = failing;
	t->step->text = n->value2.s;
	t->step->text2 = n->value3.s;
	map = cf_tests_look(t, n->value.s, n->value_loc, CF_S_MAP);
	if (map != NULL && map->nmembers > 0)
		error_made(t, n, map);
	cf_tests_sym(t, map);
}

static unsigned
dns_type(struct testing *t, const struct cf_tnode *n)
{
	size_t	 i;

	for (i = 0; i < sizeof(dns_types) / sizeof(dns_types[0]); i++) {
		if (span_eq(n->value2.s, span_of(dns_types[i].word)))
			return dns_types[i].type;
	}
	cf_error(t->cf, n->value2_loc, "no DNS type '%.*s'; there are A, "
	    "AAAA, CNAME, MX, PTR and TXT", SPAN_ARG(n->value2.s));
	return 0;
}

/* What the record says, in the form of cf.h. */
static void
dns_value(struct testing *t, const struct cf_tnode *n)
{
	struct cf		*cf = t->cf;
	const struct cf_expr	*e = n->list, *rest = e->next;
	unsigned		 type = t->step->dns_type;
	bool			 ok;

	if (type == 1 || type == 28) {
		ok = cf_tests_const(e, RS_T_IP) &&
		    e->value.ip.family == (type == 1 ? 4 : 6);
	} else if (type == 15) {
		ok = cf_tests_const(e, RS_T_INT) && e->value.i <= 65535 &&
		    cf_tests_const(rest, RS_T_TEXT);
	} else {
		ok = cf_tests_const(e, RS_T_TEXT);
	}
	if (type == 15 && rest != NULL)
		rest = rest->next;
	if (!ok || rest != NULL) {
		cf_error(cf, e->loc, type == 1 ? "A has an IPv4 address" :
		    type == 28 ? "AAAA has an IPv6 address" : type == 15 ?
		    "MX has a preference and a name: MX 10 \"mx.example\"" :
		    "this record has a text");
		return;
	}
	if (type == 15)
		t->step->text2 = arena_printf(&cf->arena, "%lld %.*s",
		    (long long)e->value.i, SPAN_ARG(e->next->value.s));
	else
		t->step->text2 = rs_format(&e->value, &cf->arena);
}

void
cf_tests_dns(struct testing *t, const struct cf_tnode *n)
{
	t->step->kind = CF_T_WITH_DNS;
	t->step->text = n->value.s;
	if (n->kind == CF_TN_DNS_FAILING) {
		t->step->failing = true;
		return;
	}
	t->step->dns_type = dns_type(t, n);
	if (t->step->dns_type != 0 && n->list != NULL)
		dns_value(t, n);
}

/* Where a milter can be asked: the stage of a hook. */
static uint32_t
stage(struct testing *t, const struct cf_tnode *n)
{
	static const struct {
		const char	*word;
		enum rs_hook	 hook;
	} stages[] = {
		{ "connect", RS_HOOK_CONNECT }, { "helo", RS_HOOK_HELO },
		{ "mail", RS_HOOK_MAIL }, { "rcpt", RS_HOOK_RCPT },
		{ "data", RS_HOOK_DATA }, { "content", RS_HOOK_CONTENT }
	};
	size_t	 i;

	if (n->value3.type == RS_T_NONE)
		return RS_HOOK_CONTENT;
	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (span_eq(n->value3.s, span_of(stages[i].word)))
			return stages[i].hook;
	}
	cf_error(t->cf, n->value2_loc, "a milter says nothing on '%.*s'; it is "
	    "asked on connect, helo, mail, rcpt, data and content",
	    SPAN_ARG(n->value3.s));
	return RS_HOOK_CONTENT;
}

/* What it says; a text of quarantine is why. */
static void
milter_says(struct testing *t, const struct cf_tnode *n)
{
	enum cf_tnode_kind	 kind = (enum cf_tnode_kind)n->value2.i;

	if (kind == CF_TN_MILTER_FAILING)
		t->step->failing = true;
	cf_tests_verdict(t, kind, &n->reply);
	if (kind == CF_TN_QUARANTINE)
		cf_tests_reply(t, &n->reply, '5');
}

void
cf_tests_milter(struct testing *t, const struct cf_tnode *n)
{
	struct cf_object	*o;

	t->step->kind = CF_T_WITH_MILTER;
	t->step->index = stage(t, n);
	milter_says(t, n);
	if ((o = cf_tests_block(t->cf, RS_O_MILTER, n->value.s)) == NULL)
		cf_error(t->cf, n->value_loc, "no milter '%.*s'",
		    SPAN_ARG(n->value.s));
	cf_tests_object(t, o);
}

void
cf_tests_rate(struct testing *t, const struct cf_tnode *n)
{
	t->step->kind = CF_T_WITH_RATE;
	t->step->text = n->value.s;
	t->step->failing = n->value2.type == RS_T_NONE;
	t->step->number = n->value2.i;
	if (htab_get(&t->cf->rates, n->value.s) == NULL)
		cf_error(t->cf, n->value_loc, "no rule asks for a rate "
		    "\"%.*s\"", SPAN_ARG(n->value.s));
}
