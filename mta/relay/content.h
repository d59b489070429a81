/*
 * content.h - a message's content, from a descriptor or memory, as it goes over the wire.
 */
#ifndef WB_MTA_RELAY_CONTENT_H
#define WB_MTA_RELAY_CONTENT_H

#include "base/buf.h"
#include "mail/dot.h"

#define CONTENT_PIECE	(256u << 10)	/* octets read at once */

/* Where it lies; borrowed. */
struct content_place {
	const char	*mem;		/* in memory; NULL: in fd */
	int		 fd;
	uint64_t	 offset, length;	/* octets */
};

struct content {
	struct content_place from;
	uint64_t	at, left;	/* octets */
	bool		raw;		/* for BDAT: octets as they are, no final dot */
	struct dot_out	dot;
};

enum content_got {
	CONTENT_MORE,
	CONTENT_LAST,		/* the final dot is in out */
	CONTENT_BROKEN,		/* errno: it cannot be read */
	CONTENT_BARE		/* it has a CR or LF that stands alone; not for DATA */
};

void			content_start(struct content *, const struct content_place *, bool raw);
/* Adds the next piece, dot-stuffed (RFC 5321, 4.5.2) or raw. */
enum content_got	content_next(struct content *, struct buf *out);
/* Whether an octet above 127 stands in it; true when it cannot be read. */
bool			content_is_8bit(const struct content_place *);

/* Whether it cannot go by DATA: a NUL, a CR or LF alone, a line of more than 998 octets; true when it cannot be read. */
bool			content_is_binary(const struct content_place *);
/* Whether an octet above 127 stands in its header section, or may, since that is longer than 256 KiB; true when it cannot be read. */
bool			content_header_is_8bit(const struct content_place *);

#endif
