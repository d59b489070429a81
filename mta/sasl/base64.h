/*
 * base64.h - base64 as protocols write it (RFC 4648, 4), strictly.
 *
 * Mail's own is lenient (mail/octets.h); what a client proves is not.
 */
#ifndef WB_MTA_SASL_BASE64_H
#define WB_MTA_SASL_BASE64_H

#include "base/buf.h"

/* Octets that n digits can mean at most. */
#define BASE64_OCTETS(n)	((n) / 4 * 3)

/*
 * All of in, into out, which has room for BASE64_OCTETS(in.n).  False: not a
 * multiple of four digits, an octet that is no digit, padding anywhere but at
 * the end, or bits set that mean nothing (3.5).
 */
bool	base64_read(struct span in, char *out, size_t *n);
/* Appends the digits of these octets, with padding. */
void	base64_add(struct buf *out, struct span octets);

#endif
