/*
 * maptable.h - a table that a sub-command opens by itself, beside no policy:
 * its mistakes on stderr, and the database that is made of it.
 */
#ifndef WB_MTA_CMD_MAPTABLE_H
#define WB_MTA_CMD_MAPTABLE_H

#include "maps/map.h"

struct maptable {
	const char	*who;		/* for messages: "waybill map" */
	const char	*kind;		/* NULL: what the database says, or plain */
	bool		 notes;		/* what other servers do otherwise is said too */
	/* Told of a problem and its file; NULL: it is said on stderr. */
	void		(*problem)(void *arg, const char *path, const struct map_problem *);
	void		*arg;
	char		*path;		/* that is opened; freed by maptable_close() */
	struct map	*map;
	char		**includes;
	uint32_t	 nincludes;
	size_t		 mistakes, warnings;
	unsigned	 mode, uid, gid;	/* of the file */
};

/* Opens t->path with this driver, or with that which its octets or name tell (SPAN_NONE). -1: said why. */
int	 maptable_open(struct maptable *, struct span driver);
void	 maptable_close(struct maptable *);
/* What a text's database is called; the caller frees it. */
char	*maptable_database(const char *text, struct span driver);
/* The database beside a text where one is there, else the text; the caller frees it. */
char	*maptable_beside(const char *text);
/* Makes a database of t, with mode and owner of the text. CMD_OK; else it has said why. */
int	 maptable_build(struct maptable *t, const char *to, const char *out);
/* a was written after b; also when b is not there. */
bool	 maptable_is_newer(const char *a, const char *b);

#endif
