/*
 * mime_int.h - a walk over the parts of a message, for the two files that
 * make it: mime.c finds lines and boundaries, mime_part.c reads the fields of
 * a part.
 */
#ifndef WB_MAIL_MIME_INT_H
#define WB_MAIL_MIME_INT_H

#include "mail/mime.h"

#define OPEN_MAX_BOUNDARIES	64	/* several may belong to one multipart */
#define BODY_LINE_MAX		512	/* octets of a body's line that are looked at */

/* A boundary whose multipart has begun. */
struct boundary {
	size_t		at, n;		/* in texts; n 0: not known yet */
	unsigned	depth;		/* of its multipart */
	bool		digest;		/* parts are messages; RFC 2046, 5.1.5 */
};

struct mime {
	mime_found	*found;
	void		*arg;
	struct boundary	 open[OPEN_MAX_BOUNDARIES];
	size_t		 nopen;
	struct buf	 texts;		/* of the boundaries */
	unsigned	 depth;
	unsigned	 nparts;
	bool		 in_header;
	bool		 kept;		/* the last field is in fields */
	bool		 digest;	/* the part is a message unless it says more */
	struct buf	 fields;	/* Content- fields of the part */
	struct buf	 line;		/* begun, not ended */
	struct arena	 arena;		/* what is told of a part */
	bool		 incomplete;
	bool		 over;		/* nothing more is looked at */
};

/* Opens a boundary of the multipart at that depth; empty: not known yet. */
void	mime_push(struct mime *, struct span text, unsigned depth,
	    bool digest);
/* What m->fields say of the part is told; true: a message begins in it. */
bool	mime_part_header(struct mime *);
/* A file by its name alone. */
void	mime_tell_file(struct mime *, struct span name);

#endif
