/*
 * charset.h - text in the character sets of mail, as UTF-8.
 *
 * UTF-8, US-ASCII and ISO-8859-1 are read here, the others of charsets.def by
 * iconv(3).  Names that are not in that list are never given to iconv: a
 * stranger chooses them.
 */
#ifndef WB_MAIL_CHARSET_H
#define WB_MAIL_CHARSET_H

#include "base/buf.h"

struct charset;

/* By its name in a message (case folded); NULL: not one that we know. */
const struct charset *charset_find(struct span name);
/*
 * Appends the text as UTF-8.  What is no character in that set becomes U+FFFD,
 * control characters become blanks.  False: the set cannot be had in this
 * process (charset_load()); nothing is appended.
 */
bool	charset_decode(const struct charset *, struct span text,
	    struct buf *out);
/*
 * Opens all of them, before a process is confined: iconv reads a file for
 * each.  What the system does not have is left out.
 */
void	charset_load(void);

#endif
