/*
 * redis_command.h - the command that a table of redis is asked with, and what
 * its replies mean.
 */
#ifndef WB_MAPS_ASKED_REDIS_COMMAND_H
#define WB_MAPS_ASKED_REDIS_COMMAND_H

#include "base/arena.h"
#include "maps/asked/gather.h"

#define REDIS_WORDS_MAX	16

enum redis_shape {
	REDIS_VALUES,	/* one value, or an array: a row each */
	REDIS_PAIRS,	/* field, value, field, value: one row of named columns */
	REDIS_COLUMNS,	/* the values of the fields that the command names: one row */
	REDIS_MEMBER	/* a number; 0: not there, else there without a value */
};

/* Each word is a template of its own: what is put in never divides it. */
struct redis_command {
	enum redis_shape	 shape;
	size_t			 n;
	struct asked_template	 words[REDIS_WORDS_MAX];
};

/*
 * Words are divided by blanks; '...' and "..." hold words with blanks.  Only
 * commands that read are taken.  0, or -1 with *why (static).
 */
int	redis_command_init(struct redis_command *, struct span query, const char **why);
void	redis_command_clear(struct redis_command *);
/* The words for this key, in the arena; their number. */
size_t	redis_command_fill(const struct redis_command *, struct span key, struct arena *, const char *argv[REDIS_WORDS_MAX], size_t lengths[REDIS_WORDS_MAX]);

struct redisReply;
/*
 * The reply as rows, gathered in g.  MAP_LATER and MAP_BROKEN: why says it.
 */
enum map_result	redis_reply_rows(const struct redis_command *, const struct redisReply *, struct asked_gather *g, struct asked_rows *, char why[256]);

#endif
