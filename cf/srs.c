/*
 * srs.c - the block `srs`, and that the words which need it have one.
 */
#include "cf/listen.h"
#include "cf/literal.h"
#include "cf/names.h"
#include "mail/header.h"
#include "mail/srs.h"

#include <errno.h>

#define LIFETIME_LEAST_MS	(24 * 60 * 60 * 1000)
#define LIFETIME_MOST_MS	(INT64_C(1000) * LIFETIME_LEAST_MS)

/* At a start all else is served, as with tables: what asks for a secret waits. */
static void
complain(struct cf *cf, struct cf_loc loc, struct span file, const char *why)
{
	void	(*say)(struct cf *, struct cf_loc, const char *, ...) =
		    cf->tables == CF_TABLES_FOR_START ? cf_warn : cf_error;

	say(cf, loc, "the secret in '%.*s' cannot be used: %s",
	    SPAN_ARG(file), why);
}

/* How many there are in the text; NULL, or why they are none. */
static const char *
count_secrets(struct span all, size_t *n)
{
	struct span	line, rest;
	ptrdiff_t	nl;

	if (all.n > SRS_FILE_MAX)
		return "the file has more than 16384 octets";
	for (rest = all; rest.n > 0; ) {
		nl = span_index(rest, '\n');
		line = span_mem(rest.p, nl < 0 ? rest.n : (size_t)nl);
		rest = span_from(rest, nl < 0 ? rest.n : line.n + 1);
		line = header_trim(line);
		if (line.n > SRS_SECRET_MAX)
			return "it has more than 4096 octets";
		*n += line.n > 0;
	}
	return NULL;
}

/*
 * What is in it.  Who compiles may well not be allowed to read it: then the
 * parent, who opens it, sees whether it is there.
 */
static void
look_at_secrets(struct cf *cf, const struct cf_expr *e, size_t *total)
{
	struct span	 file = e->value.s;	/* as it is written */
	const char	*why;
	struct buf	 text = { 0 };
	size_t		 n = 0;

	if (cf->tables == CF_TABLES_NOT || cf->tables == CF_TABLES_UNTOLD)
		return;
	(void)buf_reserve(&text, SRS_FILE_MAX + 1);
	if (cf_read_plain(cf_full_path(cf, file), &text) == -1) {
		if (errno != EACCES && errno != EPERM)
			complain(cf, e->loc, file, strerror(errno));
	} else if ((why = count_secrets(buf_span(&text), &n)) != NULL)
		complain(cf, e->loc, file, why);
	else if (n == 0)
		complain(cf, e->loc, file, "the file is empty");
	else if (*total + n > SRS_SECRETS_MAX)
		complain(cf, e->loc, file, "there are at most 8 secrets");
	*total += n;
	buf_wipe(&text);
}

/* They never stand in the policy, of which there is an image and a log. */
static void
check_secret(struct cf *cf, const struct cf_set_opt *set)
{
	struct cf_expr	*e = set->places[0];

	if (!e->is_file) {
		cf_error(cf, e->loc, "a secret stands in a file of its own");
		cf_help(cf, "write: secret file \"srs.secret\"");
		return;
	}
	e->value.s = span_of(cf_full_path(cf, e->value.s));
}

static void
check_domain(struct cf *cf, const struct cf_set_opt *set)
{
	const char	*why;

	if (set == NULL || set->nplaces == 0)
		return;
	if (!cf_lit_domain(cf, set->places[0]->value.s,
	    &set->places[0]->value, &why))
		cf_error(cf, set->places[0]->loc, "'%.*s' is no domain: %s",
		    SPAN_ARG(set->places[0]->value.s), why);
	set->places[0]->value.type = RS_T_TEXT;
}

static void
check_lifetime(struct cf *cf, const struct cf_set_opt *set)
{
	int64_t	ms;

	if (set == NULL || set->nplaces == 0)
		return;
	ms = set->places[0]->value.i;
	if (ms >= 0 && (ms < LIFETIME_LEAST_MS || ms > LIFETIME_MOST_MS))
		cf_error(cf, set->places[0]->loc, "an address lives from 1d "
		    "to 1000d: its stamp counts days, up to 1024");
}

void
cf_srs_check(struct cf *cf, struct cf_object *o)
{
	const struct cf_set_opt	*set;
	size_t			 n = 0, secrets = 0;

	check_domain(cf, cf_option(o, RS_OPT_SRS_domain));
	check_lifetime(cf, cf_option(o, RS_OPT_SRS_lifetime));
	for (set = o->opts; set != NULL; set = set->next) {
		if (set->option != RS_OPT_SRS_secret || set->nplaces == 0)
			continue;
		if (set->places[0]->is_file)
			look_at_secrets(cf, set->places[0], &secrets);
		check_secret(cf, set);
		if (++n == SRS_SECRETS_MAX + 1)
			cf_error(cf, set->loc, "there are at most %d secrets",
			    SRS_SECRETS_MAX);
	}
}

bool
cf_srs_need(struct cf *cf, struct cf_loc loc)
{
	const struct cf_decl	*d;

	for (d = cf->decls; d != NULL; d = d->next)
		if (d->kind == CF_D_SRS)
			return true;
	cf_error(cf, loc, "there is no block 'srs'");
	cf_help(cf, "write: srs { domain \"mail.example\"; secret file "
	    "\"srs.secret\" }");
	return false;
}
