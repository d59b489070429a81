/*
 * json.h - writing JSON (RFC 8259): records, status, answers on the control socket.
 *
 * One line, no blanks; commas and escapes are this room's business.  A key is
 * a text of ours, NULL inside an array.  Octets that are not UTF-8 become
 * U+FFFD, so that what a peer wrote never breaks a document.
 */
#ifndef WB_BASE_JSON_H
#define WB_BASE_JSON_H

#include "base/buf.h"

struct json {
	struct buf	*out;		/* borrowed */
	bool		 comma;		/* before the next value */
};

void	json_init(struct json *, struct buf *out);
void	json_object(struct json *, const char *key);	/* until json_object_end */
void	json_object_end(struct json *);
void	json_array(struct json *, const char *key);	/* until json_array_end */
void	json_array_end(struct json *);
void	json_text(struct json *, const char *key, struct span);
void	json_str(struct json *, const char *key, const char *);	/* NULL: null */
void	json_int(struct json *, const char *key, int64_t);
void	json_uint(struct json *, const char *key, uint64_t);
void	json_bool(struct json *, const char *key, bool);
void	json_null(struct json *, const char *key);
/* A value that is JSON already. */
void	json_raw(struct json *, const char *key, struct span);
/* The text in quotes, escaped; without a struct json, for pieces. */
void	json_quote(struct buf *, struct span);

#endif
