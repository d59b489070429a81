/*
 * content.h - a message's content, from a descriptor or memory, as it goes over the wire.
 */
#ifndef WB_MTA_RELAY_CONTENT_H
#define WB_MTA_RELAY_CONTENT_H

#include "base/buf.h"
#include "mail/dot.h"
#include "mail/downgrade.h"

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
	struct downgrade *convert;	/* decided; borrowed; NULL: it goes as it is */
};

enum content_got {
	CONTENT_MORE,
	CONTENT_LAST,		/* the final dot is in out */
	CONTENT_BROKEN,		/* errno: it cannot be read */
	CONTENT_BARE		/* it has a CR or LF that stands alone; not for DATA */
};

/* convert: as it is converted by that, unless NULL; begun here. */
void			content_start(struct content *, const struct content_place *, bool raw, struct downgrade *convert);
/* Adds the next piece, converted, dot-stuffed (RFC 5321, 4.5.2) or raw. */
enum content_got	content_next(struct content *, struct buf *out);
/* The next octets as they lie there, at most CONTENT_PIECE; good until the next call for any content.  -1: errno. */
int			content_read(struct content *, struct span *);

#endif
