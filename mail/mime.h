/*
 * mime.h - the parts of a message (RFC 2045, RFC 2046), as its octets come.
 *
 * For rules on attachments, so it errs to one side: what some mail program
 * would show as an attachment is told, also where the RFCs see only text.
 * A boundary counts whatever follows it on its line and whatever its case;
 * an outer one ends all inner parts; what stands behind the last one goes on
 * as parts; of fields and parameters that stand there twice both are told; a
 * multipart without a boundary takes the first line that looks like one.
 *
 * The transfer encoding of a part is not undone: what is inside an archive, or
 * inside a message that is encoded as a whole (which RFC 2045, 6.4 forbids), is
 * not seen.  The latter, and what lies beyond the limits, makes the walk
 * incomplete.
 */
#ifndef WB_MAIL_MIME_H
#define WB_MAIL_MIME_H

#include "base/arena.h"
#include "base/buf.h"

#define MIME_DEPTH_MAX		32		/* multiparts and messages in each other */
#define MIME_PARTS_MAX		10000
#define MIME_HEADER_MAX		(64u << 10)	/* octets of the Content- fields of a part */
#define MIME_BOUNDARY_MAX	200		/* octets; RFC 2046, 5.1.1 has 70 */

struct mime_part {
	struct span	type;		/* "application/pdf", lower case */
	struct span	name;		/* of the file, UTF-8; empty: none */
	bool		attachment;	/* Content-Disposition says so, or it has a name */
};

/*
 * A part that is no multipart; more than once when several types or names
 * stand there.  The spans are good until it returns.
 */
typedef void mime_found(void *arg, const struct mime_part *);

struct mime;

struct mime	*mime_new(mime_found *, void *arg);
/* Octets of the message from its first header field on, without dot-stuffing. */
void		 mime_feed(struct mime *, struct span);
/* After the last of them; false: there is more than has been told. */
bool		 mime_end(struct mime *);
void		 mime_free(struct mime **);

#endif
