/*
 * pairs.h - what the keys process has been given: the octets of certificates
 * and keys, and what it said of them.
 *
 * The parent copies the files into a sealed memory file and reads nothing of
 * their meaning.  A pair is the same for all generations that serve it; when
 * none does any more its key is kept for KEPT_MS, since sessions that began
 * with it may still begin TLS, and then dropped.  A new keys process gets all
 * pairs that are there.
 */
#ifndef WB_MTA_PARENT_PAIRS_H
#define WB_MTA_PARENT_PAIRS_H

#include <sys/queue.h>

#include "base/chan.h"
#include "base/loop.h"
#include "mta/msg/keys.h"
#include "mta/parent/generation.h"

struct pairs;

struct pair {
	TAILQ_ENTRY(pair)	 entry;
	struct pairs		*all;
	unsigned		 refs;		/* certificates of generations */
	uint64_t		 ticket;
	enum keys_owner		 owner;
	int			 material;	/* sealed: the files, one behind the other */
	uint32_t		 octets[KEYS_NPARTS];
	struct file_mark	 marks[KEYS_NPARTS];	/* when they were copied */
	bool			 answered, ok, unfit;
	unsigned		 part;		/* at fault, or warned of */
	char			*why;		/* not ok; or the warning, or NULL */
	char			*names, *algorithm;
	int64_t			 not_before_s, not_after_s;
	int64_t			 staple_until_s;	/* 0: it has none */
	int64_t			 since_ms;	/* wall: when it was certified */
	bool			 told_expiry;
	int			 bundle;	/* sealed; -1 */
	struct timer		 kept;
};

struct pairs {
	TAILQ_HEAD(, pair)	 list;
	uint64_t		 last_ticket;
	struct chan		*(*keys)(void *arg);	/* NULL: it is not there */
	void			*arg;
};

void		 pairs_init(struct pairs *, struct chan *(*keys)(void *), void *arg);
/*
 * A pair of copied files, asked of keys at once when it is there; takes
 * material.
 */
struct pair	*pair_new(struct pairs *, enum keys_owner, int material, const uint32_t octets[KEYS_NPARTS]);
struct pair	*pair_ref(struct pair *);	/* also of NULL */
void		 pair_unref(struct pair **);
/* CERTIFY of all, to a new keys process. */
void		 pairs_send(const struct pairs *, struct chan *);
/* CERTIFIED; false: nonsense. */
bool		 pairs_certified(struct pairs *, struct msg *);

#endif
