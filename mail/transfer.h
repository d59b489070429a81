/*
 * transfer.h - octets above 127 written in ASCII: quoted-printable (RFC 2045,
 * 6.7) for a part, encoded words (RFC 2047) for the text of a field.
 */
#ifndef WB_MAIL_TRANSFER_H
#define WB_MAIL_TRANSFER_H

#include "base/buf.h"

/* Lines that end with CRLF; what comes out has none above 76 octets. */
void	transfer_quoted(struct span text, struct buf *out);
/* UTF-8 as words of at most 75 octets, a blank between; ASCII as it is. */
void	transfer_words(struct span text, struct buf *out);

#endif
