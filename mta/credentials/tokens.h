/*
 * tokens.h - access tokens of logins: where they come from, how long they last.
 *
 * From a file that somebody else renews, from a command, or from an endpoint
 * of OAuth 2 (RFC 6749: refresh token, client credentials).  What a command or
 * an endpoint gives is kept in memory until shortly before it expires, or until
 * a hop refuses it.  One question at a time for each login: all who want its
 * token wait for the same answer.  After a failure nobody asks for a while, the
 * longer the more have failed.
 */
#ifndef WB_MTA_CREDENTIALS_TOKENS_H
#define WB_MTA_CREDENTIALS_TOKENS_H

#include "mta/credentials/source.h"
#include "mta/msg/http.h"

#define TOKENS_MAX		10000	/* logins; the one that was not used for longest is forgotten */
#define TOKENS_EARLY_MS		60000	/* before it expires, or a tenth of its time */
#define TOKENS_UNKNOWN_MS	3600000	/* used so long where nobody says how long it lasts */
#define TOKENS_COMMAND_MS	300000	/* the same of a command's */
#define TOKENS_BACKOFF_MS	5000	/* after a failure; doubles */
#define TOKENS_BACKOFF_MAX_MS	600000
#define TOKENS_REFUSED_MS	60000	/* after an endpoint has refused */
#define TOKENS_HTTP_S		30

enum token_result {
	TOKEN_HAVE,
	TOKEN_LATER,	/* the endpoint or command does not answer now */
	TOKEN_REFUSED	/* it gives none: an administrator has to see to it */
};

/* token and why are borrowed; why is for people, without secrets. */
typedef void token_cb(void *arg, enum token_result, struct span token, const char *why);

/* What a command has written; ok: it has ended well. */
typedef void token_run_cb(void *arg, bool ok, struct span output, const char *why);

struct tokens_how {
	int64_t		(*now_ms)(void);
	/* As http_client_ask(). */
	uint64_t	(*http)(void *ctx, const struct http_question *, http_cb *, void *arg);
	void		(*run)(void *ctx, const struct source *, struct span login, token_run_cb *, void *arg);
	void		*ctx;
	int		folder;		/* kept.h; -1: nothing is kept */
};

struct tokens;
struct token_wait;

struct tokens	*tokens_new(const struct tokens_how *);
/* After all waits; answers that are under way must not come any more. */
void		 tokens_free(struct tokens **);
/* cb is called once, also before this returns: then NULL is returned. */
struct token_wait *tokens_get(struct tokens *, struct source *, struct span login, token_cb *, void *arg);
void		 tokens_cancel(struct token_wait **);
/* A hop has refused this one: it is not used again. */
void		 tokens_refused(struct tokens *, const struct source *, struct span login, struct span token);
size_t		 tokens_count(const struct tokens *);

#endif
