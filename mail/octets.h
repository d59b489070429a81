/*
 * octets.h - octets that mail writes as letters and digits.
 */
#ifndef WB_MAIL_OCTETS_H
#define WB_MAIL_OCTETS_H

#include "base/buf.h"

/* The octet that the two hexadecimal digits at the start of s mean, or -1. */
int	octets_hex(struct span s);
/* RFC 4648, 4; what is no digit is passed over (RFC 2045, 6.8). */
void	octets_base64(struct span s, struct buf *out);

#endif
