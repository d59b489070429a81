/*
 * reply.h - what an endpoint of tokens answers (RFC 6749, 5), and what a hop
 * says of a token (RFC 7628, 3.2.2): JSON of strangers, read by jansson.
 *
 * For people no text of theirs is kept but short words of printable ASCII.
 */
#ifndef WB_MTA_CREDENTIALS_REPLY_H
#define WB_MTA_CREDENTIALS_REPLY_H

#include "base/span.h"

#define REPLY_JSON_MAX		(64u << 10)	/* octets */
#define REPLY_TOKEN_MAX		8192		/* octets of a token */
#define REPLY_WORD_MAX		200		/* of an error and its description */
#define REPLY_EXPIRES_MAX_S	(30 * 86400)	/* longer is cut */

struct token_reply {
	char	*token;			/* NULL: none; error says why */
	char	*refresh;		/* NULL: the old one stays */
	int64_t	 expires_s;		/* 0: not said */
	char	 error[REPLY_WORD_MAX + 1];	/* "invalid_grant"; "" when there is a token */
};

/* false: no such answer; *why is static, and there is nothing to clear. */
bool	token_reply_parse(struct span json, struct token_reply *, const char **why);
void	token_reply_clear(struct token_reply *);	/* wipes */
/* "status" of a hop's JSON, cut to size with NUL; "" where there is none. */
void	reply_status(struct span json, char *out, size_t size);

#endif
