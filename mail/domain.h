/*
 * domain.h - domain names: letters, digits, hyphens; case; IDNA (libidn2).
 */
#ifndef WB_MAIL_DOMAIN_H
#define WB_MAIL_DOMAIN_H

#include "base/arena.h"

/* Lower case, A-labels, no final dot; 0, or -1 with *why: not a host name (RFC 1123, 2.1; RFC 5890).  Underscores are allowed. */
int	domain_normalise(struct span in, struct arena *, struct span *out, const char **why);

#endif
