/*
 * login.h - a login at a next hop: relay speaks to the hop, credentials knows
 * what is to be said.
 *
 * Relay begins with what the hop offers and how the session is protected;
 * credentials chooses the mechanism and makes each answer (RFC 4954), out of
 * secrets that never leave it but as octets of these answers.  Whoever holds a
 * struct login frees it; its channel may die meanwhile, then what had not been
 * said to the hop begins anew, and the rest ends LATER.
 *
 * Facts are an envelope's octets (mta/spool/envelope.h): the sender, the first
 * recipient and the tags of the message for which a session is made.
 */
#ifndef WB_MTA_MSG_LOGIN_H
#define WB_MTA_MSG_LOGIN_H

#include "base/chan.h"

#define LOGIN_NAME_MAX		256	/* octets of a block's or host's name */
#define LOGIN_LOGIN_MAX		512	/* of a login */
#define LOGIN_FACTS_MAX		(64u << 10)
#define LOGIN_MECHANISMS_MAX	1024	/* of the hop's list */
#define LOGIN_BINDING_MAX	64
#define LOGIN_OCTETS_MAX	9216	/* of one challenge or answer: 12288 in base64 (RFC 4954, 4) */
#define LOGIN_TEXT_MAX		1024	/* of what is told */

enum login_flags {
	LOGIN_ENCRYPTED = 1 << 0,	/* by TLS */
	LOGIN_VERIFIED	= 1 << 1	/* and the hop is whom the policy names */
};

/* What relay is to say next. */
enum login_say {
	LOGIN_SAY_AUTH,		/* AUTH MECHANISM, with an initial response where there are octets */
	LOGIN_SAY_ANSWER,	/* the answer to a challenge */
	LOGIN_SAY_CANCEL	/* "*" */
};

enum login_end {
	LOGIN_OK,	/* logged in */
	LOGIN_LATER,	/* not now: a table or an endpoint of tokens cannot be asked, 454 */
	LOGIN_REFUSED,	/* the hop does not take this login: to be held */
	LOGIN_UNFIT	/* nothing may be said: no mechanism that both have, no TLS, no secret */
};

struct login_ask {
	struct span	relay;		/* name of the block */
	struct span	login;		/* empty: the block's own */
	struct span	host;		/* that is spoken to, for OAUTHBEARER */
	uint16_t	port;
	struct span	facts;
	struct span	mechanisms;	/* as EHLO lists them, blanks between */
	unsigned	flags;		/* enum login_flags */
	struct span	binding;	/* tls-exporter; empty: none */
};

struct login_step {
	enum login_say	say;
	struct span	mechanism;	/* of AUTH */
	bool		has_octets;
	struct span	octets;		/* decoded; secret: wiped by who sends them */
};

struct login_ops {
	/* In each of these the owner may free the login; what is told is borrowed. */
	void	(*step)(void *arg, const struct login_step *);
	void	(*ended)(void *arg, enum login_end, struct span told);
};

/* --- relay */

struct login_client;
struct login;

struct login_client	*login_client_new(void);
/* A channel to credentials, new or again; takes fd. */
void		 login_client_attach(struct login_client *, int fd);
/* After all logins are freed. */
void		 login_client_free(struct login_client **);

/* Answers come later, from the loop; none after ended(). */
struct login	*login_begin(struct login_client *, const struct login_ask *, const struct login_ops *, void *arg);
/* 334: what stood in it, decoded. */
void		 login_challenge(struct login *, struct span octets);
/* What AUTH was answered in the end; another step, or the end, follows. */
void		 login_result(struct login *, unsigned code, struct span status, struct span text);
/* No callbacks. */
void		 login_free(struct login **);

/* --- credentials */

/* Of the messages; spans are borrowed from them.  false: nonsense. */
bool	login_ask_read(struct msg *, uint64_t *ticket, struct login_ask *);
bool	login_challenge_read(struct msg *, uint64_t *ticket, struct span *octets);
bool	login_result_read(struct msg *, uint64_t *ticket, unsigned *code, struct span *status, struct span *text);
void	login_step_put(struct chan *, uint64_t ticket, const struct login_step *);
void	login_end_put(struct chan *, uint64_t ticket, enum login_end, struct span told);

#endif
