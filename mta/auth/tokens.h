/*
 * tokens.h - who verifies the tokens of OAUTHBEARER and XOAUTH2: a program
 * outside, over Postfix's socketmap protocol (maps/asked/socketmap.h).
 *
 *   oauth USER TOKEN	a request; USER is empty where the client named none
 *   OK NAME		the token is NAME's
 *   NOTFOUND		it is nobody's, or not USER's
 *   TEMP WHY, PERM WHY	it cannot be told
 *
 * A few connections, each with one question at a time.  Nothing of a token is
 * logged, and buffers that held one are wiped.
 */
#ifndef WB_MTA_AUTH_TOKENS_H
#define WB_MTA_AUTH_TOKENS_H

#include "maps/asked/asked.h"
#include "mta/msg/auth.h"

#define TOKENS_CONNECTIONS	4
#define TOKENS_WAITING_MAX	256
#define TOKENS_WAIT_MS		10000	/* of a question */
#define TOKENS_BACKOFF_MS	500	/* after a failure; doubles */
#define TOKENS_BACKOFF_MAX_MS	30000

/* name: RIGHT: whose it is; borrowed until it returns. */
typedef void tokens_cb(void *arg, enum auth_result, struct span name);

struct tokens;
/* where: "unix:/path", "inet:address:port"; NULL with *why (static). */
struct tokens	*tokens_new(struct span where, const struct asked_names *, const char **why);
/* Open questions are answered CANNOT.  Not from inside of a callback. */
void		 tokens_free(struct tokens **);
/* cb is called exactly once, perhaps before this returns; both are copied. */
void		 tokens_ask(struct tokens *, struct span user, struct span token, tokens_cb *, void *arg);
/* The last try has failed. */
bool		 tokens_down(const struct tokens *);
/* What was asked, for a reload: the same. */
struct span	 tokens_where(const struct tokens *);

#endif
