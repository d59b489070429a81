/*
 * show.c - the effective policy.
 */
#include "cf/cf_int.h"

void
cf_show(const struct cf *cf, bool json, struct buf *out)
{
	(void)cf; (void)json; (void)out;
}
