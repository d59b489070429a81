/*
 * reports.c - the block `tls reports` (RFC 8460).
 */
#include "cf/listen.h"

#include "mail/address.h"

/* As it stands in a header and in a report: an address with its domain. */
static void
check_address(struct cf *cf, const struct cf_set_opt *set)
{
	struct address	 a;
	const char	*why;

	if (set == NULL || set->nplaces == 0)
		return;
	if (address_parse(set->places[0]->value.s, 0, &cf->arena, &a,
	    &why) == -1 || address_domain(&a).n == 0)
		cf_error(cf, set->places[0]->loc, "'%.*s' is no address, as "
		    "tls-reports@example.org is",
		    SPAN_ARG(set->places[0]->value.s));
}

void
cf_reports_check(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*name = cf_option(o,
				    RS_OPT_REPORTS_organization);

	check_address(cf, cf_option(o, RS_OPT_REPORTS_contact));
	check_address(cf, cf_option(o, RS_OPT_REPORTS_from));
	if (name != NULL && name->nplaces > 0 &&
	    name->places[0]->value.s.n == 0)
		cf_error(cf, name->places[0]->loc, "an organization has a "
		    "name");
}
