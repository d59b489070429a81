/*
 * edit.h - what `waybill user` changes in the text of an accounts file.
 *
 * All other lines stay as they are, comments too.  Places are octets from the
 * start of the file.  Pure, but for reading the file once.
 */
#ifndef WB_MTA_AUTH_EDIT_H
#define WB_MTA_AUTH_EDIT_H

#include "base/buf.h"
#include "maps/account.h"

struct edit_place {
	bool		 found;
	uint32_t	 line;
	size_t		 at, n;			/* the logical line */
	size_t		 secrets_at, secrets_n;	/* what stands behind the ':', without its '\n' */
	size_t		 napps;
	bool		 app_found;
	size_t		 app_at, app_n;		/* the app's line */
};

/*
 * Where the user is, and his app password called app (empty: none is looked
 * for).  0 also when he is not there; -1 with *why (static): the file cannot
 * be read.
 */
int	edit_find(int fd, struct span name, struct span app, struct edit_place *, const char **why);

/* Each makes the whole new text, which has secrets, in out, which is empty. */
struct edit_column {
	struct span	 name, value;
};
void	edit_add(struct span text, struct span name, struct span secrets, const struct edit_column *, size_t n, struct buf *out);
void	edit_passwd(struct span text, const struct edit_place *, struct span secrets, struct buf *out);
void	edit_remove(struct span text, const struct edit_place *, struct buf *out);
/* date: "2026-11-21" */
void	edit_app_add(struct span text, const struct edit_place *, struct span app, struct span date, struct span secrets, struct buf *out);
void	edit_app_remove(struct span text, const struct edit_place *, struct buf *out);

#endif
