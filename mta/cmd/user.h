/*
 * user.h - `waybill user`: what its files share.
 *
 * user.c the words, user_where.c which table is meant, user_file.c the file
 * that is replaced, user_list.c, user_verify.c, password.c the terminal.
 */
#ifndef WB_MTA_CMD_USER_H
#define WB_MTA_CMD_USER_H

#include <sys/stat.h>

#include "maps/account.h"
#include "mta/cmd/cmd.h"

struct user_run {
	/* Options; NULL: not given. */
	const char		*policy, *file, *map, *scheme, *libexec;
	bool			 json, no_password;
	/* What is meant, by user_where(). */
	struct cf		*cf;		/* NULL: --file */
	struct rs_image		*image;
	uint32_t		 index;		/* of the map in it */
	char			*path;		/* of its text; NULL: it has none */
	const char		*kept;		/* where accounts are kept then; static */
};

/* CMD_OK, or said why. */
int	 user_where(struct user_run *);
void	 user_where_clear(struct user_run *);
/* "the accounts of 'users' are ...": CMD_NO. */
int	 user_say_kept(const struct user_run *);

/* --- user_file.c */

struct user_file {
	char		*path;		/* without symbolic links */
	const char	*name;		/* its last part */
	int		 dir, fd;	/* fd -1: it is not there yet */
	struct stat	 st;
	struct buf	 text;
	size_t		 mistakes;
};

/*
 * Opens and reads it; for a change the folder is locked until it is closed.
 * Says the mistakes of the table.  CMD_OK (also with mistakes), or said why.
 */
int	 user_file_open(struct user_file *, const char *path, bool change, bool may_be_new);
/* What edit.c has made takes its place, with its mode and owner; 0, or -1: said why. */
int	 user_file_replace(struct user_file *, struct span text);
void	 user_file_close(struct user_file *);

/* --- password.c */

/*
 * From the terminal without echo, asked twice when `again`; else a line of the
 * standard input.  Appended to out, which the caller wipes.  0, or -1: said why.
 */
int	 user_password(const char *user, bool again, struct buf *out);

/* --- */

int	 user_list(struct user_run *, const char *only);
/* Is it his password?  RIGHT is CMD_OK, WRONG is CMD_NO. */
int	 user_verify(struct user_run *, const char *user);

#endif
