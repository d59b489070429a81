/*
 * terms.h - how a destination is treated: waits, lifetimes, limits, fallback.
 *
 * The policy's `queue` says them for all, `queue for ...` for some hops; what
 * the second does not say is the first's.  Errors are of a few classes, which
 * have waits and lifetimes of their own.
 *
 * For the administrator: waybill.conf(5), QUEUE; doc/queue.md.
 */
#ifndef WB_MTA_QUEUE_TERMS_H
#define WB_MTA_QUEUE_TERMS_H

#include <stdint.h>

#include "base/span.h"

#define TERMS_WAITS_MAX	16

/* CLASS(ID, "name"): what an attempt has failed by. */
#define TERMS_CLASSES(X)						\
	X(OTHER,	"other")					\
	X(CONNECT,	"connect")	/* no connection, or 421 */	\
	X(GREYLISTED,	"greylisted")	/* 450, 451 with 4.2.0 or 4.7.x, but 5, 8 */ \
	X(FULL,		"full")		/* 452, 4.2.2, 4.3.1 */

enum error_class {
#define CLASS(id, name) CLASS_##id,
	TERMS_CLASSES(CLASS)
#undef CLASS
	CLASS_N
};

struct retry_waits {
	uint32_t	n;
	int64_t		ms[TERMS_WAITS_MAX];
};

struct terms {
	int64_t		 lifetime_ms[CLASS_N];
	struct retry_waits	 retry[CLASS_N];
	uint32_t	 concurrency;	/* most connections */
	uint32_t	 start;		/* of them, to a hop that is new */
	uint32_t	 recipients;	/* of one transaction */
	uint32_t	 messages;	/* over one connection */
	uint32_t	 rate;		/* most recipients in rate_ms; 0: any number */
	int64_t		 rate_ms;
	char		*fallback;	/* text of a hop; NULL: none */
	int64_t		 fallback_ms;	/* age from which it is used */
};

const char	*error_class_name(unsigned);
/* Of a reply, or of what relay says in its place. */
enum error_class error_class_of(unsigned code, struct span status);
/* The wait before attempt n + 1 after an error of the class, with 10 % of jitter by seed. */
int64_t		 terms_retry_ms(const struct terms *, enum error_class, unsigned attempts, uint64_t seed);
/* The same waits and lifetimes for all classes: what is to be changed then. */
void		 terms_set_retry(struct terms *, const struct retry_waits *);
void		 terms_set_lifetime(struct terms *, int64_t ms);

#endif
