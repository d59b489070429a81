/*
 * dot.h - content as it stands on the wire, strictly: DATA (RFC 5321, 4.5.2) and
 * BDAT (RFC 3030).
 *
 * Only CRLF ends a line, only CRLF.CRLF ends the data.  A bare CR or LF is
 * noticed; the caller reads on to the end and refuses.
 */
#ifndef WB_MAIL_DOT_H
#define WB_MAIL_DOT_H

#include "base/buf.h"

/* Zero it before the first octet of data. */
struct dot_in {
	unsigned	state;
	bool		bare;		/* a CR or LF stood alone */
	bool		nul;		/* an octet 0 */
	bool		eightbit;
	bool		long_line;	/* a line above line_max */
	size_t		line;		/* octets of this line so far */
	size_t		line_max;	/* with CRLF; 0: none */
	uint64_t	lines;
	bool		body;		/* chunks: the header section has ended */
};

/*
 * Takes in, unstuffed, to out.  Returns true when the end has been seen; *used
 * is the octets of in that belong to the data (the rest are commands).
 */
bool	dot_in(struct dot_in *, struct span in, struct buf *out, size_t *used);
/*
 * Takes octets of a chunk as they are.  binary (BODY=BINARYMIME): behind the
 * header section lines, CR, LF and NUL are octets like any other.
 */
void	dot_chunk(struct dot_in *, struct span in, bool binary, struct buf *out);
/*
 * After the last chunk: a CR at the very end stands alone.  True when the last
 * line lacks its CRLF, which text has.
 */
bool	dot_chunk_end(struct dot_in *, bool binary);
/* What is known of the content so far; zeroed at first. */
struct dot_out {
	bool	within;		/* a line */
	bool	cr;		/* the last octet is a CR */
};

/*
 * Stuffs the next piece of a content for the wire.  False: a CR or an LF
 * stands alone in it, so that a receiver might see line ends, or the end of
 * the data, where there are none: it must not be sent so.
 */
bool	dot_out(struct dot_out *, struct span content, struct buf *out);
/* Writes ".\r\n", with CRLF before it where the last line has none; false: it ends with a CR. */
bool	dot_end(const struct dot_out *, struct buf *out);

#endif
