/*
 * resolve.c - finds what each name means where it stands.
 *
 * Arguments and lets live in their block and may not hide another name.  What
 * rules can name grows with the hooks; a ruleset may be called from those hooks
 * in which all that it names is known.
 */
#include "cf/kinds.h"
#include "cf/names.h"
#include "cf/syntax.h"
#include "cf/types.h"

/* The fact of that name; RS_NFACTS: none. */
unsigned
cf_fact_named(struct span name)
{
	unsigned	 f;

	for (f = 0; f < RS_NFACTS; f++) {
		if (span_eq(name, span_of(rs_facts[f].name)))
			break;
	}
	return f;
}

static bool
resolve_fact(struct cf *cf, struct cf_scope *s, struct cf_expr *e,
    struct span name)
{
	unsigned	 f = cf_fact_named(name);

	if (f == RS_NFACTS)
		return false;
	e->ref = CF_R_FACT;
	e->fact = (enum rs_fact)f;
	e->a = NULL;
	e->name = span_of(rs_facts[f].name);
	e->kind = CF_E_NAME;
	cf_need_known(cf, s, e, rs_facts[f].name, rs_facts[f].known,
	    cf_fact_hooks(f));
	return true;
}

struct cf_sym *
cf_local_named(const struct cf_scope *s, struct span name)
{
	const struct cf_local	*l;

	for (l = s->locals; l != NULL; l = l->next) {
		if (span_eq(l->sym->name, name))
			return l->sym;
	}
	return NULL;
}

/* What a name that is not there may have been meant for. */
static void
help_no_name(struct cf *cf, struct cf_loc loc, struct span name)
{
	struct cf_loc	 behind = { loc.end, loc.end + 1 };
	const char	*help = cf_advice(name);

	if (help != NULL)
		cf_help(cf, "%s", help);
	else if (span_eq(cf_source_written(cf, behind), SPAN(".")))
		cf_help(cf, "texts and domains stand in \" quotes");
}

static void
error_no_name(struct cf *cf, const struct cf_scope *s, struct cf_loc loc,
    struct span name)
{
	const struct cf_local	*l;
	struct cf_near		 near;
	size_t			 i;

	cf_near_begin(&near, name);
	for (l = s == NULL ? NULL : s->locals; l != NULL; l = l->next)
		cf_near_sym(&near, l->sym);
	for (i = 0; i < cf->nsyms; i++)
		cf_near_sym(&near, cf->syms[i]);
	for (i = 0; s != NULL && i < RS_NFACTS; i++)
		if (rs_facts[i].known != RS_HOOK_MAILBOX ||
		    s->hook == RS_HOOK_MAILBOX)
			cf_near_try(&near, span_of(rs_facts[i].name));
	if (near.best.n == 0) {
		cf_error(cf, loc, "no '%.*s'", SPAN_ARG(name));
		help_no_name(cf, loc, name);
	} else if (near.sym != NULL)
		cf_error(cf, loc, "no '%.*s'; did you mean '%.*s' (%s)?",
		    SPAN_ARG(name), SPAN_ARG(near.best),
		    cf_where(cf, near.sym->loc, loc));
	else
		cf_error(cf, loc, "no '%.*s'; did you mean '%.*s'?",
		    SPAN_ARG(name), SPAN_ARG(near.best));
}

/* `client.adress`: the nearest of what stands behind `client`, or all of it. */
static void
error_no_fact(struct cf *cf, const struct cf_expr *e, struct span joined)
{
	struct span	 base = e->a->name, name, list = SPAN_NONE;
	struct cf_near	 near;
	unsigned	 f;

	cf_near_begin(&near, e->name);
	for (f = 0; f < RS_NFACTS; f++) {
		name = span_of(rs_facts[f].name);
		if (!span_prefix(name, base) || name.p[base.n] != '.')
			continue;
		name = span_from(name, base.n + 1);
		cf_near_try(&near, name);
		list = arena_printf(&cf->arena, "%.*s%s.%.*s", SPAN_ARG(list),
		    list.n > 0 ? ", " : "", SPAN_ARG(name));
	}
	if (near.best.n > 0)
		cf_error(cf, e->loc, "no '%.*s'; did you mean '%.*s.%.*s'?",
		    SPAN_ARG(joined), SPAN_ARG(base), SPAN_ARG(near.best));
	else
		cf_error(cf, e->loc, "no '%.*s'", SPAN_ARG(joined));
	if (near.best.n == 0 && list.n > 0)
		cf_help(cf, "%.*s has %.*s", SPAN_ARG(base), SPAN_ARG(list));
}

struct cf_sym *
cf_need(struct cf *cf, struct span name, struct cf_loc loc,
    enum cf_sym_kind kind)
{
	struct cf_sym	*sym = cf_find(cf, name);
	struct cf_near	 near;
	size_t		 i;

	if (sym != NULL && sym->kind == kind) {
		sym->used = true;
		return sym;
	}
	if (sym != NULL) {
		cf_error(cf, loc, "a %s is wanted here, and '%.*s' (%s) "
		    "is %s", cf_kind_word(kind), SPAN_ARG(name),
		    cf_where(cf, sym->loc, loc), cf_sym_what(cf, sym));
		return NULL;
	}
	cf_near_begin(&near, name);
	for (i = 0; i < cf->nsyms; i++) {
		if (cf->syms[i]->kind == kind)
			cf_near_sym(&near, cf->syms[i]);
	}
	if (near.sym != NULL)
		cf_error(cf, loc, "no %s '%.*s'; did you mean '%.*s' "
		    "(%s)?", cf_kind_word(kind), SPAN_ARG(name),
		    SPAN_ARG(near.best), cf_where(cf, near.sym->loc, loc));
	else
		cf_error(cf, loc, "no %s '%.*s'", cf_kind_word(kind),
		    SPAN_ARG(name));
	return NULL;
}

/* What a message has several of: only `==`, `in` and `matches` ask for one. */
static bool
resolve_list(struct cf *cf, struct cf_scope *s, struct cf_expr *e,
    struct span name)
{
	if (span_eq(name, SPAN("attachments")))
		e->listof = RS_LISTOF_ATTACHMENTS;
	else if (span_eq(name, SPAN("attachments.type")))
		e->listof = RS_LISTOF_ATTACHMENT_TYPES;
	else
		return false;
	e->kind = CF_E_NAME;
	e->name = name;
	e->ref = CF_R_LIST;
	e->a = NULL;
	cf_need_known(cf, s, e, "'attachments'", RS_HOOK_CONTENT,
	    1u << RS_HOOK_CONTENT);
	return true;
}

static void
resolve_name(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_sym	*sym = cf_local_named(s, e->name);

	if (sym == NULL)
		sym = cf_find(cf, e->name);
	if (sym != NULL) {
		sym->used = true;
		e->ref = sym->kind == CF_S_CAPTURE ? CF_R_CAPTURE : CF_R_SYM;
		e->sym = sym;
		if (s->quiet)
			cf_error(cf, e->loc, "only constants can stand here");
		return;
	}
	if (resolve_fact(cf, s, e, e->name) || resolve_list(cf, s, e, e->name))
		return;
	if (!cf_error_captured(cf, s, e->name, e->loc))
		error_no_name(cf, s, e->loc, e->name);
	e->kind = CF_E_BAD;
}

static bool
part_named(struct span name, enum rs_field *out)
{
	static const char *const parts[] = {
		"user", "detail", "domain", "local"
	};
	unsigned	 i;

	for (i = 0; i < RS_NFIELDS; i++) {
		if (span_eq(name, span_of(parts[i]))) {
			*out = (enum rs_field)i;
			return true;
		}
	}
	return false;
}

/* `tls`, `client`, ...: what only has parts that the server names. */
static bool
is_group(struct cf *cf, const struct cf_scope *s, struct span name)
{
	unsigned	 f = cf_fact_named(name);

	if (cf_local_named(s, name) != NULL || cf_find(cf, name) != NULL)
		return false;
	if (f < RS_NFACTS)
		return rs_facts[f].type != RS_T_ADDRESS;
	return cf_is_server_word(name) || span_eq(name, SPAN("hop"));
}

static void
resolve_field(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct span	 joined;

	if (e->a->kind == CF_E_NAME) {
		joined = arena_printf(&cf->arena, "%.*s.%.*s",
		    SPAN_ARG(e->a->name), SPAN_ARG(e->name));
		if (resolve_fact(cf, s, e, joined) ||
		    resolve_list(cf, s, e, joined))
			return;
		if (is_group(cf, s, e->a->name)) {
			error_no_fact(cf, e, joined);
			e->kind = CF_E_BAD;
			return;
		}
	}
	cf_resolve(cf, s, e->a);
	if (e->a->kind == CF_E_BAD)
		e->kind = CF_E_BAD;
	else if (e->a->ref == CF_R_MAP &&
	    cf_kind(e->a->sym)->value != CF_VALUE_ADDRESS)
		e->ref = CF_R_COLUMN;
	else if (part_named(e->name, &e->part))
		e->ref = CF_R_PART;
	else {
		cf_error(cf, e->loc, "no '.%.*s'; an address has .user, "
		    ".detail and .domain, and an entry of a map its columns",
		    SPAN_ARG(e->name));
		e->kind = CF_E_BAD;
	}
}

static bool
is_field_name(struct span s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == ':')
			return false;
	}
	return s.n > 0;
}

static void
resolve_header(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	if (e->b->kind != CF_E_CONST || e->b->value.type != RS_T_TEXT) {
		cf_error(cf, e->b->loc, "the name of a header field is a "
		    "constant text, as in header[\"Subject\"]");
		e->kind = CF_E_BAD;
		return;
	}
	if (!is_field_name(e->b->value.s))
		cf_error(cf, e->b->loc, "'%.*s' is no name of a header field "
		    "(RFC 5322, 2.2): letters, digits and the like, without "
		    "the colon", SPAN_ARG(e->b->value.s));
	e->ref = CF_R_HEADER;
	e->value = e->b->value;
	cf_need_known(cf, s, e, "header[...]", RS_HOOK_CONTENT,
	    1u << RS_HOOK_CONTENT);
}

static void
resolve_index(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	if (e->a->kind == CF_E_NAME && span_eq(e->a->name, SPAN("header"))) {
		resolve_header(cf, s, e);
		return;
	}
	cf_resolve(cf, s, e->a);
	cf_resolve(cf, s, e->b);
	if (e->a->kind == CF_E_BAD || e->b->kind == CF_E_BAD) {
		e->kind = CF_E_BAD;
		return;
	}
	if (e->a->ref == CF_R_SYM && e->a->sym->kind == CF_S_MAP) {
		e->ref = CF_R_MAP;
		e->sym = e->a->sym;
		return;
	}
	cf_error(cf, e->a->loc, "only a map is asked with [ ], and '%.*s' is "
	    "none", SPAN_ARG(cf_expr_text(cf, e->a)));
	e->kind = CF_E_BAD;
}

/* The call leads back into a ruleset that is being resolved. */
static void
error_recursion(struct cf *cf, const struct cf_sym *sym,
    const struct cf_expr *call, const struct cf_scope *s)
{
	const struct cf_expr	*first = sym->calling;

	if (s->ruleset == sym)
		cf_error(cf, call->loc, "'%.*s' calls itself",
		    SPAN_ARG(sym->name));
	else
		cf_error(cf, first->loc, "'%.*s' calls itself by way of "
		    "'%.*s' (%s)", SPAN_ARG(sym->name),
		    SPAN_ARG(s->ruleset->name),
		    cf_where(cf, call->loc, first->loc));
	cf_help(cf, "rulesets call downwards only, so that every decision "
	    "ends");
}

/* The caller's own hook, or those of all its callers. */
static void
need_hooks(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	const struct cf_sym	*sym = e->sym;
	const struct cf_expr	*bound;
	unsigned		 h;

	if (s->ruleset != NULL) {
		for (h = 0; h < RS_NHOOKS; h++) {
			if (s->ruleset->bounds[h] == NULL)
				s->ruleset->bounds[h] = sym->bounds[h];
			if (s->ruleset->barred[h] == NULL)
				s->ruleset->barred[h] = sym->barred[h];
		}
		s->ruleset->hooks &= sym->hooks;
		return;
	}
	if (s->quiet || (sym->hooks >> s->hook & 1) != 0)
		return;
	bound = sym->bounds[s->hook];
	if (sym->barred[s->hook] != NULL) {
		cf_error(cf, e->loc, "'%.*s' cannot be applied in '%s': its "
		    "'%s' (%s) cannot stand there", SPAN_ARG(sym->name),
		    rs_hook_names[s->hook],
		    cf_action_word(sym->barred[s->hook]),
		    cf_where(cf, sym->barred[s->hook]->loc, e->loc));
		return;
	}
	cf_error(cf, e->loc, "'%.*s' cannot be called in '%s': it names %.*s "
	    "(%s), which is not known there", SPAN_ARG(sym->name),
	    rs_hook_names[s->hook], SPAN_ARG(cf_expr_text(cf, bound)),
	    cf_where(cf, bound->loc, e->loc));
}

static void
resolve_call(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	bool		 applying = s->applying;
	struct cf_expr	*arg;
	struct cf_sym	*sym;

	s->applying = false;
	for (arg = e->list; arg != NULL; arg = arg->next)
		cf_resolve(cf, s, arg);
	if ((sym = cf_need(cf, e->name, e->loc, CF_S_RULESET)) == NULL) {
		e->kind = CF_E_BAD;
		return;
	}
	if (!applying && sym->type == RS_T_VERDICT) {
		cf_error(cf, e->loc, "'%.*s' acts, and gives no value",
		    SPAN_ARG(e->name));
		cf_help(cf, "it stands behind '=>': apply %.*s(...)",
		    SPAN_ARG(e->name));
		e->kind = CF_E_BAD;
		return;
	}
	e->ref = CF_R_SYM;
	e->sym = sym;
	if (sym->mark == 1) {
		error_recursion(cf, sym, e, s);
		e->kind = CF_E_BAD;
		return;
	}
	if (s->ruleset != NULL)
		s->ruleset->calling = e;
	cf_resolve_ruleset(cf, sym);
	if (s->ruleset != NULL)
		s->ruleset->calling = NULL;
	need_hooks(cf, s, e);
}

static void
resolve_unknown(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	cf_resolve(cf, s, e->a);
	if (e->a->kind == CF_E_BAD) {
		e->kind = CF_E_BAD;
	} else if (e->a->ref != CF_R_FACT || e->a->fact != RS_FACT_RCPT) {
		cf_error(cf, e->loc, "only 'rcpt' can be unknown");
		e->kind = CF_E_BAD;
	} else if (s->ruleset == NULL && s->hook == RS_HOOK_ROUTE) {
		cf_error(cf, e->loc, "'rcpt unknown' asks the route, and "
		    "cannot stand in it");
		cf_help(cf, "it belongs in 'on rcpt'");
		e->kind = CF_E_BAD;
	} else {
		cf_need_known(cf, s, e, "'rcpt unknown'", RS_HOOK_RCPT,
		    1u << RS_HOOK_RCPT);
	}
}

static void
resolve_text(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_expr	*part;

	for (part = e->list; part != NULL; part = part->next) {
		if (part->kind == CF_E_CONST && part->value.type == RS_T_INT)
			cf_resolve_number(cf, s, part);
		else
			cf_resolve(cf, s, part);
	}
}

static void
resolve_below(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_expr	*x;

	switch (e->kind) {
	case CF_E_NAME:
		resolve_name(cf, s, e);
		return;
	case CF_E_FIELD:
		resolve_field(cf, s, e);
		return;
	case CF_E_INDEX:
		resolve_index(cf, s, e);
		return;
	case CF_E_CALL:
		resolve_call(cf, s, e);
		return;
	case CF_E_UNKNOWN:
		resolve_unknown(cf, s, e);
		return;
	case CF_E_CONVERT:
		return;
	case CF_E_TEXT:
		resolve_text(cf, s, e);
		return;
	case CF_E_AND: case CF_E_OR:
		cf_resolve_chain(cf, s, e);
		return;
	case CF_E_MATCHES: case CF_E_LIKE: case CF_E_LISTED: case CF_E_RATE:
	case CF_E_GREYLISTED: case CF_E_SPF: case CF_E_RESOLVES:
	case CF_E_REACHABLE: case CF_E_OF: case CF_E_PATVAR:
		cf_resolve_cond(cf, s, e);
		return;
	default:
		break;
	}
	if (e->a != NULL)
		cf_resolve(cf, s, e->a);
	if (e->b != NULL)
		cf_resolve(cf, s, e->b);
	for (x = e->list; x != NULL; x = x->next)
		cf_resolve(cf, s, x);
}

void
cf_resolve(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_local	*before = s->locals;

	resolve_below(cf, s, e);
	/* What is captured below these only holds below them. */
	if (e->kind != CF_E_AND && e->kind != CF_E_OR &&
	    e->kind != CF_E_MATCHES && e->kind != CF_E_LIKE)
		cf_captures_lose(s, before);
}
