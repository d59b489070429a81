/*
 * login.h - one login: logins.c has them all, login.c says what is next.
 */
#ifndef WB_MTA_CREDENTIALS_LOGIN_H
#define WB_MTA_CREDENTIALS_LOGIN_H

#include <sys/queue.h>

#include "base/arena.h"
#include "mta/credentials/client.h"
#include "mta/credentials/gate.h"
#include "mta/credentials/logins.h"
#include "mta/msg/login.h"
#include "mta/policy/place.h"

enum login_state {
	LOGIN_SECRET,		/* its secret is being looked up */
	LOGIN_GATE,		/* another session tries it */
	LOGIN_EXCHANGE,		/* the hop is to answer */
	LOGIN_ENDED
};

struct login {
	TAILQ_ENTRY(login)	 entry;
	struct logins		*all;
	uint64_t		 ticket;
	enum login_state	 state;
	struct arena		 arena;		/* texts of LOGIN_BEGIN */
	struct login_ask	 asks;
	struct source		*source;
	struct span		 login;
	struct choice		 choice;
	unsigned		 tried, refused_mechs;	/* masks */
	enum mech		 mech;
	struct sasl_client	*sasl;		/* NULL: no exchange is under way */
	bool			 cancelled;	/* we have said "*" */
	bool			 renewed;	/* a token was refused once and asked for anew */
	struct buf		 secret;	/* of this login; wiped */
	struct place		*place;		/* an expression under way */
	struct policy		*policy;	/* that it is evaluated by */
	struct policy_facts	 facts;
	struct token_wait	*token;
	struct gate_wait	 wait;
	uint8_t			 key[GATE_KEY];
	bool			 quiet;		/* another session was refused, and has said so */
	bool			 holds;		/* it has GO, and has not left the gate */
};

struct logins {
	struct chan		*chan;		/* NULL: relay is not there */
	struct tokens		*tokens;
	struct gate		*gate;
	struct sources		 sources;
	struct policy		*policy;
	TAILQ_HEAD(, login)	 open;
	struct logins_counts	 counts;
	struct buf		 said;		/* last complaint, not to be logged again and again */
	int64_t			 said_ms;
};

/* A login that has asks, arena, ticket and all: begins.  It may have ended when this returns. */
void	login_start(struct login *);
void	login_challenged(struct login *, struct span octets);
void	login_answered(struct login *, unsigned code, struct span status, struct span text);
/* Frees it, silently. */
void	login_drop(struct login *);

/* logins.c */
void	logins_ended(struct login *, enum login_end, struct span told);	/* frees it */

#endif
