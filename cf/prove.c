/*
 * prove.c - proofs over the rules.
 */
#include "cf/cf_int.h"

void
cf_prove(struct cf *cf)
{
	(void)cf;
}
