/*
 * generation_int.h - what generation.c, tables.c and tables_read.c share of a
 * configuration.
 */
#ifndef WB_MTA_PARENT_GENERATION_INT_H
#define WB_MTA_PARENT_GENERATION_INT_H

#include <sys/types.h>

#include "mta/parent/certs.h"
#include "mta/parent/generation.h"
#include "mta/parent/tables.h"

/* Roles of struct rs_file. */
enum { ROLE_TEXT, ROLE_SET, ROLE_TABLE, ROLE_INCLUDED };

struct gen_file {
	char			*path;
	unsigned		 role;
	int			 fd;	/* tables; -1: not there */
	int			 error;	/* why not: errno, 0: it is no plain file */
	struct file_mark	 mark;	/* when it was opened */
};

struct gen_owner {
	uint32_t	object;
	uid_t		uid;
	gid_t		gid;
};

/* A system user whom the policy names: `pipe ... as USER`, `programs { user }`. */
struct gen_user {
	char		*name;
	uid_t		 uid;
	gid_t		 gid;
};

struct generation {
	uint32_t		 number;
	int			 image_fd;	/* sealed */
	struct rs_image		*image;
	struct gen_file		*files;
	size_t			 nfiles;
	struct gen_owner	*owners;
	size_t			 nowners;
	struct gen_user		*users;
	size_t			 nusers;
	struct table		*tables;	/* maps that are files */
	size_t			 ntables;
	uint64_t		 authorities;	/* authorities_look() when it was made */
	struct cert		*certs;		/* tls blocks, relay blocks */
	size_t			 ncerts;
};

/* --- users.c */
/* -1 with *why (free it): one of them is not there, or may have no mail. */
int	gen_users_find(struct generation *, char **why);
void	gen_users_send(const struct generation *, struct chan *);
void	gen_users_clear(struct generation *);

/* What stat(2) says of it now. */
void	file_mark_take(const struct stat *, struct file_mark *);
bool	file_mark_same(const struct file_mark *, const struct file_mark *);
/* Another file has been renamed into its place: it is whole. */
bool	file_mark_renamed(const struct file_mark *now, const struct file_mark *was);
/* A channel takes what it sends, so each gets a copy. */
int	gen_copy(int fd);
/*
 * The file opened once more, or -1, said in the log: only its descriptor is
 * left of it, and there is no /proc.
 */
int	gen_file_again(const struct gen_file *);

/*
 * lookup.c: a file of secrets, plain only; -1: said in the log, as is that
 * everybody may read it.
 */
int	gen_open_secret(const char *path);

#endif
