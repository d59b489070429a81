/*
 * encode.h - the body of a part in a transfer encoding (RFC 2045, 6.7 and 6.8),
 * as its octets come.
 *
 * A body is runs of octets with CRLF between them.  What is decoded again is
 * octet for octet the same.
 */
#ifndef WB_MAIL_ENCODE_H
#define WB_MAIL_ENCODE_H

#include "base/buf.h"

enum encode_kind {
	ENCODE_QUOTED,		/* quoted-printable; CRLF is a line's end */
	ENCODE_QUOTED_ALL,	/* the same, where CRLF is data */
	ENCODE_QUOTED_AGAIN,	/* is quoted-printable already, with what may not stand there */
	ENCODE_BASE64,
	ENCODE_BASE64_AGAIN	/* is base64 already: only in other lines */
};

struct encode {
	enum encode_kind	kind;
	size_t			column;		/* octets of the line so far */
	char			blank;		/* at the end of a line, perhaps; 0: none */
	unsigned char		rest[3];	/* base64: not yet written */
	size_t			nrest;
};

void	encode_begin(struct encode *, enum encode_kind);
/* CR and LF in it are data. */
void	encode_octets(struct encode *, struct span, struct buf *out);
void	encode_crlf(struct encode *, struct buf *out);
/*
 * After the last octet.  last: nothing follows, so a line that is open gets an
 * end; otherwise the caller's CRLF and boundary do.
 */
void	encode_end(struct encode *, bool last, struct buf *out);

/* What a body would be in each: octets, a few more or less. */
struct encode_size {
	uint64_t	octets, quoted;
	size_t		column;		/* of the quoted line so far */
};
/* crlf_is_data as in ENCODE_QUOTED_ALL. */
void	encode_measure(struct encode_size *, struct span);
void	encode_measure_crlf(struct encode_size *, bool crlf_is_data);
/* Octets in base64. */
uint64_t encode_size_base64(const struct encode_size *);

#endif
