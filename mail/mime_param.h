/*
 * mime_param.h - the values of Content-Type and Content-Disposition fields
 * (RFC 2045, 5.1; RFC 2183, 2), with what RFC 2231 adds to their parameters.
 *
 * Read as the most lenient reader would: what one program shows as a file's
 * name is told, also where another would show none.
 */
#ifndef WB_MAIL_MIME_PARAM_H
#define WB_MAIL_MIME_PARAM_H

#include "base/arena.h"

#define MIME_SEGMENTS_MAX	64	/* of one parameter; RFC 2231, 3 */
#define MIME_VALUES_MAX		16	/* of the same name in one field */

/*
 * The first word of the value, before any ';': "type/subtype", "attachment";
 * lower case, in the arena.  Empty when none can stand there.
 */
struct span	mime_word(struct span value, struct arena *);

/*
 * The texts of a parameter (name in lower case), UTF-8, decoded by RFC 2231
 * and RFC 2047, each that stands there: name=, name*=, and the sequence of
 * name*0=.  Returns how many; values lie in the arena.
 */
size_t		mime_texts(struct span value, struct span name,
		    struct arena *, struct span out[MIME_VALUES_MAX]);

/* A text without parameters: RFC 2047, UTF-8 whatever it was. */
struct span	mime_text(struct span, struct arena *);

/* The values as they are written, without quotes: boundaries. */
size_t		mime_values(struct span value, struct span name,
		    struct arena *, struct span out[MIME_VALUES_MAX]);

#endif
