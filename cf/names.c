/*
 * names.c - declares what the policy names.
 *
 * All names at the top are one space.  What each means where it stands is
 * found in resolve.c.
 */
#include "base/xalloc.h"
#include "cf/names.h"

#include <stdlib.h>

/* First words of what the server names: they cannot be declared again. */
static const char *const server_words[] = {
	"client", "listener", "tls", "sender", "rcpt", "rcpts", "message",
	"header", "attachments", "time", "queue", "key", "account", "user",
	"domain"
};

bool
cf_is_server_word(struct span name)
{
	size_t	 i;

	for (i = 0; i < sizeof(server_words) / sizeof(server_words[0]); i++) {
		if (span_eq(name, span_of(server_words[i])))
			return true;
	}
	return false;
}

struct cf_sym *
cf_find(struct cf *cf, struct span name)
{
	return htab_get(&cf->names, name);
}

const char *
cf_sym_what(struct cf *cf, const struct cf_sym *sym)
{
	switch (sym->kind) {
	case CF_S_SET:
		return arena_printf(&cf->arena, "a set of %s",
		    rs_type_name(sym->type)).p;
	case CF_S_NET:
		return "a set of networks";
	case CF_S_MAP:
		return "a map";
	case CF_S_MAILBOX:
		return "a mailbox";
	case CF_S_RELAY:
		return "a relay";
	case CF_S_RULESET:
		return "a ruleset";
	case CF_S_DNSLIST:
		return "a DNS list";
	case CF_S_MILTER:
		return "a milter";
	case CF_S_FILTER:
		return "a filter";
	default:
		return cf_type_what(sym->type);
	}
}

const char *
cf_kind_word(enum cf_sym_kind kind)
{
	static const char *const words[] = {
		"set", "net", "map", "mailbox", "relay", "tag", "ruleset",
		"argument", "let", "dnslist", "milter", "filter", "rate",
		"capture"
	};

	return words[kind];
}

/* Declaring. */

bool
cf_may_declare(struct cf *cf, struct span name, struct cf_loc loc)
{
	const struct cf_sym	*before = cf_find(cf, name);

	if (cf_is_server_word(name)) {
		cf_error(cf, loc, "'%.*s' is what the server names; it cannot "
		    "be declared again", SPAN_ARG(name));
		return false;
	}
	if (before != NULL) {
		cf_error(cf, loc, "'%.*s' is declared already, in %s",
		    SPAN_ARG(name), cf_where(cf, before->loc, loc));
		cf_note(cf, before->loc, "here");
		return false;
	}
	return true;
}

uint32_t
cf_local_number(struct cf *cf)
{
	if (++cf->nlocals > cf->most_locals)
		cf->most_locals = cf->nlocals;
	return cf->nlocals - 1;
}

struct cf_sym *
cf_sym_new(struct cf *cf, enum cf_sym_kind kind, struct span name,
    struct cf_loc loc)
{
	struct cf_sym	*sym;

	sym = arena_alloc(&cf->arena, sizeof(*sym));
	sym->kind = kind;
	sym->name = name;
	sym->loc = loc;
	return sym;
}

static void
declare(struct cf *cf, struct cf_decl *d, enum cf_sym_kind kind)
{
	struct cf_sym	*sym = cf_sym_new(cf, kind, d->name, d->name_loc);

	sym->decl = d;
	d->sym = sym;
	if (!cf_may_declare(cf, d->name, d->name_loc))
		return;
	htab_put(&cf->names, d->name, sym);
	if (cf->nsyms == cf->cap_syms) {
		cf->cap_syms = cf->cap_syms * 2 + 16;
		cf->syms = xreallocarray(cf->syms, cf->cap_syms,
		    sizeof(*cf->syms));
	}
	cf->syms[cf->nsyms++] = sym;
}

/* A hook that this version checks and tests, but does not come to. */
static bool
hook_served(enum rs_hook hook)
{
	return hook != RS_HOOK_RELAY;
}

static void
error_no_hook(struct cf *cf, const struct cf_decl *d,
    const struct cf_near *near)
{
	if (near->best.n > 0)
		cf_error(cf, d->name_loc, "no hook 'on %.*s'; did you mean "
		    "'on %.*s'?", SPAN_ARG(d->name), SPAN_ARG(near->best));
	else
		cf_error(cf, d->name_loc, "no hook 'on %.*s'",
		    SPAN_ARG(d->name));
	if (span_eq(d->name, SPAN("route")))
		cf_help(cf, "it stands alone: route { ... }");
}

static void
declare_hook(struct cf *cf, struct cf_decl *d)
{
	struct cf_near	 near;
	struct span	 word;
	unsigned	 h;

	cf_near_begin(&near, d->name);
	for (h = 0; h < RS_NHOOKS; h++) {
		word = span_of(rs_hook_names[h]);
		if (!span_prefix(word, SPAN("on ")))
			continue;
		word = span_from(word, 3);
		if (span_eq(d->name, word))
			break;
		cf_near_try(&near, word);
	}
	d->hook = (enum rs_hook)h;
	if (h == RS_NHOOKS)
		error_no_hook(cf, d, &near);
	else if (!hook_served(d->hook))
		cf_error_unserved(cf, d->loc, "this version does not serve "
		    "'%s'", rs_hook_names[h]);
}

static void
enter_hook(struct cf *cf, struct cf_decl *d)
{
	struct cf_decl	**slot;

	if (d->hook == RS_NHOOKS)
		return;
	slot = &cf->hooks[d->hook];
	if (*slot != NULL) {
		cf_error(cf, d->loc, "'%s' stands twice; the first is in %s",
		    rs_hook_names[d->hook],
		    cf_where(cf, (*slot)->loc, d->loc));
		cf_help(cf, "a hook is one block, read from the top");
		return;
	}
	*slot = d;
}

static void
declare_ruleset(struct cf *cf, struct cf_decl *d)
{
	struct cf_arg	*a;
	unsigned	 n = 0;

	declare(cf, d, CF_S_RULESET);
	d->sym->type = cf_type_named(cf, d->type_name, d->type_loc);
	d->sym->hooks = UINT32_MAX;
	for (a = d->args; a != NULL; a = a->next) {
		a->sym = cf_sym_new(cf, CF_S_ARG, a->name, a->loc);
		a->sym->type = cf_type_named(cf, a->type_name, a->type_loc);
		a->sym->tainted = true;
		a->sym->index = n;
		if (++n == 9)
			cf_error(cf, a->loc, "a ruleset has at most 8 "
			    "arguments");
	}
}

static void
declare_one(struct cf *cf, struct cf_decl *d)
{
	switch (d->kind) {
	case CF_D_SET:
		declare(cf, d, CF_S_SET);
		break;
	case CF_D_NET:
		declare(cf, d, CF_S_NET);
		break;
	case CF_D_MAP:
		declare(cf, d, CF_S_MAP);
		break;
	case CF_D_MAILBOX:
		declare(cf, d, CF_S_MAILBOX);
		break;
	case CF_D_RELAY:
		declare(cf, d, CF_S_RELAY);
		break;
	case CF_D_TAG:
		declare(cf, d, CF_S_TAG);
		d->sym->type = cf_type_of_tag(cf, d->type_name, d->type_loc);
		d->sym->tainted = true;
		break;
	case CF_D_RULESET:
		declare_ruleset(cf, d);
		break;
	case CF_D_HOOK:
		declare_hook(cf, d);
		enter_hook(cf, d);
		break;
	case CF_D_ROUTE:
		d->hook = RS_HOOK_ROUTE;
		enter_hook(cf, d);
		break;
	case CF_D_DNSLIST:
		declare(cf, d, CF_S_DNSLIST);
		break;
	case CF_D_MILTER:
		declare(cf, d, CF_S_MILTER);
		break;
	case CF_D_FILTER:
		declare(cf, d, CF_S_FILTER);
		break;
	case CF_D_REWRITE:
		cf_rewrite_declare(cf, d);
		break;
	default:
		break;
	}
}

static void
read_items(struct cf *cf)
{
	size_t	 i;

	for (i = 0; i < cf->nsyms; i++) {
		if (cf->syms[i]->kind == CF_S_MAP)
			cf_map_read(cf, cf->syms[i]);
		else if (cf->syms[i]->kind == CF_S_SET ||
		    cf->syms[i]->kind == CF_S_NET ||
		    cf->syms[i]->kind == CF_S_DNSLIST)
			cf_items_read(cf, cf->syms[i]);
	}
	cf_maps_compose(cf);
}

void
cf_names(struct cf *cf)
{
	struct cf_decl	*d;
	size_t		 i;

	for (d = cf->decls; d != NULL; d = d->next)
		declare_one(cf, d);
	cf->rulesets = arena_alloc(&cf->arena,
	    (cf->nsyms + 1) * sizeof(*cf->rulesets));
	read_items(cf);
	for (i = 0; i < cf->nsyms; i++) {
		if (cf->syms[i]->kind == CF_S_RULESET)
			cf_resolve_ruleset(cf, cf->syms[i]);
	}
	cf_resolve_hooks(cf);
}

/* What nobody asks for is a mistake, or left over. */
void
cf_unused(struct cf *cf)
{
	const struct cf_sym	*sym;
	size_t			 i;

	for (i = 0; i < cf->nsyms; i++) {
		sym = cf->syms[i];
		if (sym->used && sym->kind == CF_S_TAG && !sym->is_set)
			cf_warn(cf, sym->loc, "tag '%.*s' is asked for and "
			    "never set", SPAN_ARG(sym->name));
		if (sym->used)
			continue;
		cf_warn(cf, sym->loc, "%s '%.*s' is never used",
		    cf_kind_word(sym->kind), SPAN_ARG(sym->name));
	}
}
