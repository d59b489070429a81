/*
 * emit.c - the image: files, sets, tables, blocks, then code, callees first.
 */
#include "cf/emit_int.h"
#include "cf/drivers.h"
#include "cf/listen.h"
#include "cf/places.h"

static void
emit_files(struct cf *cf, struct rs_build *b)
{
	struct cf_source	*s;

	for (s = cf->sources; s != NULL; s = s->next)
		s->image = rs_build_file(b, span_of(s->full), s->role,
		    s->sha256);
}

static void
emit_set(struct cf *cf, struct rs_build *b, struct cf_sym *sym)
{
	struct span	*domains;
	size_t		 i;

	if (sym->type != RS_T_DOMAIN) {
		sym->index = rs_build_values(b, sym->name,
		    (enum rs_type)sym->type, sym->values, sym->n);
		return;
	}
	domains = arena_alloc(&cf->arena, (sym->n + 1) * sizeof(*domains));
	for (i = 0; i < sym->n; i++)
		domains[i] = sym->values[i].s;
	sym->index = rs_build_domains(b, sym->name, domains, sym->n);
}

static void
emit_map(struct cf *cf, struct rs_build *b, struct cf_sym *sym)
{
	const struct cf_item	*i;
	struct span		*pairs;
	size_t			 n = sym->nmembers, k;

	for (i = sym->decl->items; i != NULL; i = i->next)
		n++;
	pairs = arena_alloc(&cf->arena, (2 * n + 1) * sizeof(*pairs));
	n = 0;
	for (i = sym->decl->items; i != NULL; i = i->next) {
		pairs[n++] = i->key;
		pairs[n++] = i->text;
	}
	for (k = 0; k < sym->nmembers; k++) {
		pairs[n++] = arena_printf(&cf->arena, "%zu", k);
		pairs[n++] = sym->members[k]->name;
	}
	sym->index = rs_build_map(b, sym->name,
	    sym->decl->in_place ? SPAN("inline") : sym->decl->driver,
	    sym->map_kind, sym->source != NULL ? sym->source->image :
	    UINT32_MAX, cf_line(cf, sym->loc), pairs, n / 2);
}

static void
emit_tag(struct rs_build *b, struct cf_sym *sym)
{
	struct rs_value	 dflt = rs_empty((enum rs_type)sym->type);

	if (sym->decl->expr != NULL)
		dflt = sym->decl->expr->value;
	sym->index = rs_build_tag(b, sym->name, (enum rs_type)sym->type,
	    rs_build_const(b, &dflt));
}

static void
emit_list(struct cf *cf, struct rs_build *b, struct cf_sym *sym)
{
	uint32_t	 codes;

	codes = rs_build_nets(b, sym->name, sym->nets, sym->n);
	sym->index = rs_build_list(b, sym->name, sym->decl->where, codes,
	    cf_line(cf, sym->loc));
}

static void
emit_rates(struct cf *cf, struct rs_build *b)
{
	struct cf_sym	*sym;

	for (sym = cf->first_rate; sym != NULL; sym = sym->next_rate)
		sym->index = rs_build_rate(b, sym->name, sym->rate->value2.i,
		    cf_line(cf, sym->loc));
}

static void
emit_sym(struct cf *cf, struct rs_build *b, struct cf_sym *sym)
{
	switch (sym->kind) {
	case CF_S_SET:
		emit_set(cf, b, sym);
		break;
	case CF_S_NET:
		sym->index = rs_build_nets(b, sym->name, sym->nets, sym->n);
		break;
	case CF_S_MAP:
		emit_map(cf, b, sym);
		break;
	case CF_S_TAG:
		emit_tag(b, sym);
		break;
	case CF_S_DNSLIST:
		emit_list(cf, b, sym);
		break;
	default:
		break;
	}
}

/* Where a place was left out, what the option means then. */
static struct rs_place
left_out(struct rs_build *b, const struct cf_set_opt *set, size_t nth)
{
	struct rs_value	 port = rs_int(RS_T_INT, 25);
	struct rs_place	 place = { 0, UINT32_MAX };

	if (set->option != RS_OPT_RELAY_host || nth != 1)
		return place;
	if (set->places[2] != NULL)	/* tls first: RFC 8314, 7.3 */
		port.i = 465;
	place.index = rs_build_const(b, &port);
	return place;
}

static struct rs_place
emit_value(struct cf *cf, struct rs_build *b, const struct cf_object *o,
    enum rs_option option, char letter, const struct cf_expr *e)
{
	struct rs_place	 place = { 0, UINT32_MAX };
	struct rs_value	 v;

	if (cf_place_value(cf, letter, e, &v)) {
		place.index = rs_build_const(b, &v);
	} else {
		place.is_func = 1;
		place.index = emit_place(cf, b, o, option, e);
	}
	return place;
}

/* Networks of a list, those of named nets among them: one set of them all. */
static struct rs_place
emit_nets(struct cf *cf, struct rs_build *b, const struct cf_object *o,
    const struct cf_set_opt *set)
{
	const struct cf_sym	*sym;
	struct ipnet		*nets;
	struct rs_place		 place = { 0, UINT32_MAX };
	struct rs_value		 number;
	size_t			 i, n = 0;

	for (i = 0; i < set->nplaces; i++) {
		sym = set->places[i]->sym;
		n += sym != NULL ? sym->n : 1;
	}
	nets = arena_alloc(&cf->arena, (n + 1) * sizeof(*nets));
	for (i = n = 0; i < set->nplaces; i++) {
		sym = set->places[i]->sym;
		if (sym == NULL)
			nets[n++] = (struct ipnet){
			    set->places[i]->value.ip,
			    set->places[i]->value.bits };
		else if (sym->n > 0)
			memcpy(nets + n, sym->nets, sym->n * sizeof(*nets));
		n += sym != NULL ? sym->n : 0;
	}
	number = rs_int(RS_T_INT, rs_build_nets(b, arena_printf(&cf->arena,
	    "%.*s: %s", SPAN_ARG(o->name), rs_options[set->option].word),
	    nets, n));
	place.index = rs_build_const(b, &number);
	return place;
}

/* Domains of a list, those of named sets among them: one set of them all. */
static struct rs_place
emit_domains(struct cf *cf, struct rs_build *b, const struct cf_object *o,
    const struct cf_set_opt *set)
{
	const struct cf_sym	*sym;
	struct span		*domains;
	struct rs_place		 place = { 0, UINT32_MAX };
	struct rs_value		 number;
	size_t			 i, k, n = 0;

	for (i = 0; i < set->nplaces; i++) {
		sym = set->places[i]->sym;
		n += sym != NULL ? sym->n : 1;
	}
	domains = arena_alloc(&cf->arena, (n + 1) * sizeof(*domains));
	for (i = n = 0; i < set->nplaces; i++) {
		sym = set->places[i]->sym;
		if (sym == NULL)
			domains[n++] = set->places[i]->value.s;
		for (k = 0; sym != NULL && k < sym->n; k++)
			domains[n++] = sym->values[k].s;
	}
	number = rs_int(RS_T_INT, rs_build_domains(b, arena_printf(&cf->arena,
	    "queue for %.*s", SPAN_ARG(o->name)), domains, n));
	place.index = rs_build_const(b, &number);
	return place;
}

/* Returns how many places there are. */
static size_t
emit_places(struct cf *cf, struct rs_build *b, const struct cf_object *o,
    const struct cf_set_opt *set, struct rs_place *places)
{
	char	 letter;
	size_t	 i;

	for (i = 0; i < set->nplaces; i++) {
		letter = rs_option_letter(set->option, (unsigned)i);
		if (letter == 'N') {
			places[0] = emit_nets(cf, b, o, set);
			return 1;
		}
		if (letter == 'D') {
			places[0] = emit_domains(cf, b, o, set);
			return 1;
		}
		places[i] = set->places[i] == NULL ? left_out(b, set, i) :
		    emit_value(cf, b, o, set->option, letter,
		    set->places[i]);
	}
	return set->nplaces;
}

static void
emit_options(struct cf *cf, struct rs_build *b, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	struct rs_place		*places;
	size_t			 n;

	for (set = o->opts; set != NULL; set = set->next) {
		places = arena_alloc(&cf->arena,
		    (set->nplaces + 1) * sizeof(*places));
		n = emit_places(cf, b, o, set, places);
		rs_build_option(b, o->index, set->option, set->is_default,
		    set->is_default ? 0 : cf_line(cf, set->loc), places, n);
	}
}

static void
emit_objects(struct cf *cf, struct rs_build *b)
{
	struct cf_object	*o;

	for (o = cf->objects; o != NULL; o = o->next)
		o->index = rs_build_object(b, o->kind, o->name,
		    o->loc.end > 0 ? cf_line(cf, o->loc) : 0);
}

/* Where tables are that the server does not read from a file. */
static void
emit_wheres(struct cf *cf, struct rs_build *b)
{
	const struct cf_sym	*sym;
	struct span		 where;
	size_t			 i;

	for (i = 0; i < cf->nsyms; i++) {
		sym = cf->syms[i];
		if (sym->kind != CF_S_MAP || sym->decl->in_place ||
		    sym->source != NULL)
			continue;
		where = sym->decl->where;
		if (cf_driver_has_path(sym->decl->driver))
			where = span_of(cf_full_path(cf, where));
		rs_build_map_more(b, sym->index, where, sym->object != NULL ?
		    sym->object->index : UINT32_MAX);
	}
}

static void
emit_code(struct cf *cf, struct rs_build *b)
{
	struct cf_object	*o;
	unsigned		 h;
	size_t			 i;

	for (i = 0; i < cf->nrulesets; i++)
		emit_ruleset(cf, b, cf->rulesets[i]);
	for (h = 0; h < RS_NHOOKS; h++) {
		if (cf->hooks[h] != NULL)
			emit_hook(cf, b, cf->hooks[h]);
		if (cf->rewrites[h] != NULL)
			emit_rewrite(cf, b, cf->rewrites[h], (enum rs_hook)h);
	}
	for (o = cf->objects; o != NULL; o = o->next)
		emit_options(cf, b, o);
}

void
cf_emit(struct cf *cf)
{
	struct rs_build	*b = rs_build_new();
	const char	*why;
	size_t		 i;

	emit_files(cf, b);
	for (i = 0; i < cf->nsyms; i++)
		emit_sym(cf, b, cf->syms[i]);
	emit_rates(cf, b);
	emit_objects(cf, b);
	emit_wheres(cf, b);
	emit_code(cf, b);
	if (cf->nerrors == 0 && rs_build_finish(b, &cf->image, &why) == -1)
		cf_error(cf, (struct cf_loc){ 0, 0 }, "this policy does not "
		    "fit into an image: %s", why);
	rs_build_free(&b);
}
