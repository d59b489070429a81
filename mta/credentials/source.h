/*
 * source.h - what the relay blocks of a policy say of their logins, and the
 * secrets that came with them in files (CONFIG_SECRET).
 *
 * Owns: copies of all texts and secrets, wiped when they are freed.  One is
 * held by each login under way, also while a newer configuration is there.
 */
#ifndef WB_MTA_CREDENTIALS_SOURCE_H
#define WB_MTA_CREDENTIALS_SOURCE_H

#include "mta/credentials/choice.h"
#include "ruleset/image.h"

struct child_config;

enum source_kind {
	SOURCE_NONE,		/* nothing says a secret */
	SOURCE_PASSWORD,	/* secret is it */
	SOURCE_PASSWORDS,	/* secret has a line for each login */
	SOURCE_EXPRESSION,	/* it is asked of the policy */
	SOURCE_TOKEN_FILE,	/* secret: the token, or lines of them */
	SOURCE_TOKEN_COMMAND,
	SOURCE_OAUTH
};

#define SOURCE_DIGEST	32

struct source {
	unsigned	 refs;
	char		*relay;		/* name of the block */
	uint32_t	 object;
	enum source_kind kind;
	char		*login;		/* NULL: an expression says it, whose value comes with each login */
	struct buf	 secret;	/* what stands in the file; of OAUTH the refresh token's */
	struct buf	 client_secret;	/* OAUTH */
	char		*url, *client, *scope;	/* OAUTH; scope may be NULL */
	bool		 has_refresh;	/* OAUTH: else the client's own credentials are the grant */
	char		*command, *user;	/* TOKEN_COMMAND */
	uint32_t	 uid, gid;	/* of user; uid 0: not known */
	bool		 clear_ok, unverified_ok;
	enum mech	 wanted[MECH_N];
	size_t		 nwanted;	/* 0: all */
	uint8_t		 digest[SOURCE_DIGEST];	/* of all of it: another one means that it was changed */
};

struct sources {
	struct source	**v;
	size_t		  n;
};

/* Of the newest configuration; its descriptors of secrets are read. */
void		 sources_read(struct sources *, const struct rs_image *, struct child_config *);
void		 sources_clear(struct sources *);
/* A reference; NULL: no such block, or it has no login. */
struct source	*sources_find(const struct sources *, struct span relay);
struct source	*source_ref(struct source *);
void		 source_unref(struct source **);
enum mech_given	 source_gives(const struct source *);

#endif
