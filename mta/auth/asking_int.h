/*
 * asking_int.h - what asking.c (who decides) and answer.c (what is told, and
 * when) share of a question.
 */
#ifndef WB_MTA_AUTH_ASKING_INT_H
#define WB_MTA_AUTH_ASKING_INT_H

#include "mta/auth/asking.h"
#include "mta/auth/proof.h"
#include "mta/auth/rows.h"
#include "mta/auth/secret.h"

#include "base/loop.h"

struct asking {
	TAILQ_ENTRY(asking)	 entry;		/* of those that are held */
	struct auth_peer	*peer;
	struct auth_service	*service;
	uint64_t		 ticket;
	struct auth_question	 q;		/* its texts lie behind */
	int64_t			 began_ms;
	size_t			 from;		/* tables before it do not have him */
	enum auth_way		 way;		/* who decides */
	bool			 nobody;	/* whoever decides, it is wrong */
	const char		*why;		/* it cannot be decided; static; NULL: not told */
	struct span		 raw;		/* a file's entry; wiped and freed */
	struct auth_rows	*rows;		/* a server's, or NULL */
	struct proof_of		 of;		/* of these two */
	struct proof		 proof;
	struct turn		 turn;
	bool			 has_id, cached;
	uint8_t			 id[CACHE_ID];
	struct auth_verdict	 verdict;
	struct timer		 timer;		/* it is held */
	char			 named[AUTH_USER_MAX];	/* by who verifies tokens */
	size_t			 n;
	char			 octets[];
};

static inline struct asking *
asking_of(struct turn *t)
{
	return (struct asking *)((char *)t - offsetof(struct asking, turn));
}

/* answer.c: its address has failed too often to be listened to. */
bool	asking_is_refused(const struct asking *);
/* answer.c: it is decided; tells it at once or later, and frees it. */
void	asking_ends(struct asking *, enum auth_result);
/* asking.c: nothing secret is left in it. */
void	asking_wipe(struct asking *);

#endif
