/*
 * header.h - the header section of a message (RFC 5322, 2.2): find, count, unfold, change.
 *
 * Works on the content as it goes over the wire, without dot-stuffing, lines
 * ended by CRLF.  Nothing here copies the body.
 */
#ifndef WB_MAIL_HEADER_H
#define WB_MAIL_HEADER_H

#include "base/arena.h"
#include "base/buf.h"

struct header_field {
	struct span	whole;	/* name, colon, body, all folded lines, final CRLF */
	struct span	name;
	struct span	body;	/* after the colon, still folded, without the final CRLF */
};

/* Next field at *pos (starts at 0); false at the end of the section (*pos then is the offset of the body, after the empty line). */
bool		header_next(struct span content, size_t *pos, struct header_field *out);
/* i-th field of that name (ASCII case folded), counted from the top. */
bool		header_find(struct span content, struct span name, unsigned i, struct header_field *out);
/* Octets of the header section with the empty line that ends it. */
size_t		header_size(struct span content);
/* Unfolded, trimmed, RFC 2047 words decoded to UTF-8 as far as they can be. */
struct span	header_text(struct span body, struct arena *);
/* Received: fields (hop count), RFC 5321, 6.3. */
unsigned	header_hops(struct span content);
/* Whether a field `Delivered-To: address` stands there (loop; ASCII case folded). */
bool		header_delivered_to(struct span content, struct span address);
/*
 * Its sender wants it sent whatever TLS a next hop has: one field
 * `TLS-Required: No`.  Two are nobody's word (RFC 8689, 3).
 */
bool		header_tls_not_required(struct span content);
/* Of folding white space (2.2.3, 3.2.2): a body that is still folded holds line ends. */
static inline bool
header_is_fws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without folding white space at either end. */
struct span	header_trim(struct span);
/* "Name: value" is a field that may be added: a token, a colon, no control characters. */
bool		header_field_ok(struct span field);

/* "Name: value" as a field: control characters as blanks, folded at 78, with CRLF. */
void		header_put(struct span field, struct buf *out);

/* The edits that rules ask for, applied in their order. */
enum header_edit_kind { HEADER_EDIT_ADD, HEADER_EDIT_SET, HEADER_EDIT_DEL };
struct header_edit {
	enum header_edit_kind	kind;
	struct span		name;	/* SET, DEL */
	struct span		value;	/* ADD: "Name: value"; SET: value */
};
/* The header section with edits applied, folded at 78; out gets all but the body. */
void		header_apply(struct span content, const struct header_edit *, size_t n, struct buf *out);

#endif
