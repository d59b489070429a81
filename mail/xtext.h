/*
 * xtext.h - what a parameter's value may not have as it is, written in ASCII.
 *
 * xtext (RFC 3461, 4): any octet as "+" and two hexadecimal digits, in
 * capitals.  utf-8-addr-xtext (RFC 6533, 3): a character as "\x{" its number
 * "}".  Each is decoded once: what comes out is never decoded again, and never
 * has a control character, so that no line and no C string ends inside it.
 */
#ifndef WB_MAIL_XTEXT_H
#define WB_MAIL_XTEXT_H

#include "base/arena.h"
#include "base/buf.h"

/*
 * All of in; the result lies in the arena.  False: it is no xtext, or more than
 * printable ASCII and blanks.
 */
bool	xtext_decode(struct span in, struct arena *, struct span *out);
/* What need not be encoded stays as it is. */
void	xtext_encode(struct span in, struct buf *out);

/*
 * An address of type utf-8: utf-8-addr-xtext, with raw (SMTPUTF8 was said)
 * utf-8-addr-unitext too.  The result is UTF-8.
 */
bool	xtext_decode_utf8(struct span in, bool raw, struct arena *, struct span *out);
/* utf-8-addr-xtext, or with raw utf-8-addr-unitext; in is UTF-8. */
void	xtext_encode_utf8(struct span in, bool raw, struct buf *out);

/* The type before such an address: an atom (RFC 3461, 4.2; RFC 5322, 3.2.3). */
bool	xtext_is_type(struct span);

#endif
