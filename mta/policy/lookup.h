/*
 * lookup.h - what DNS is asked for the rules of a session, once: DNS lists,
 * domains that resolve, SPF.
 *
 *   lookup.c   what a session has asked, and domains (`resolves`, `spf`)
 *   lists.c    DNS lists, and whether they can be believed (RFC 5782)
 *
 * Answers are kept for the session; whether a list tells the truth is asked
 * once in a while, for all sessions of the policy.
 */
#ifndef WB_MTA_POLICY_LOOKUP_H
#define WB_MTA_POLICY_LOOKUP_H

#include "mta/policy/policy_int.h"

struct spf;

#define LOOKUPS_MAX	64	/* answers of one session that are kept */
#define LOOKUP_DOMAIN	UINT32_MAX	/* in the place of a list: `resolves` */

enum lookup_state { LOOKUP_OPEN, LOOKUP_YES, LOOKUP_NO, LOOKUP_CANNOT };

/* A question of rules, which may be several of DNS. */
struct lookup {
	struct lookup		*next;		/* older */
	struct policy		*policy;
	struct policy_dns	 dns;
	uint32_t		 list;		/* or LOOKUP_DOMAIN */
	enum lookup_state	 state;
	bool			 held;		/* lists: against what the list says of itself */
	bool			 open;		/* DNS is being asked */
	unsigned		 asked;
	uint64_t		 ticket;
	struct waiter		*waiting;
	size_t			 octets;
	char			 name[DNS_NAME_MAX + 1];
};

/* Of one session. */
struct lookups {
	struct lookup		*newest;
	unsigned		 n;
	struct spf		*spf;		/* of the last transaction that asked */
	struct policy		*spf_policy;
	struct span		 spf_helo, spf_sender;	/* what it was asked for */
	struct waiter		*spf_waiting;
};

/* Questions under way are given up; nobody waits for them then. */
void	lookups_free(struct lookups **);

/*
 * Each: RS_HAVE with the answer, RS_CANNOT, or RS_WAIT: the waiter is told.
 * The facts are read at once.
 */
enum rs_answer	lookup_resolves(struct lookups *, struct policy *, const struct policy_facts *, const struct rs_value *, struct waiter *, bool *out);
enum rs_answer	lookup_spf(struct lookups *, struct policy *, const struct policy_facts *, struct waiter *, const char **out);
/*
 * "b.example explains: ...": why the last SPF that was asked has failed, in the domain's
 * own words (RFC 7208, 8.4); strangers wrote it.  Empty: it has not, or says nothing.
 */
struct span	lookup_spf_text(const struct lookups *, struct arena *);
enum rs_answer	lookup_listed(struct lookups *, struct policy *, uint32_t list, const struct rs_value *, struct waiter *, bool *out);

/* --- between lookup.c and lists.c */

/* The look-up of a name, or a new one (*fresh) that is still to be asked for. */
struct lookup	*lookup_of(struct lookups *, struct policy *, uint32_t list, struct span name, bool *fresh);
void		 lookup_ask(struct lookup *, enum dns_type, struct span name, dns_cb *);
/* Its end: who waits is told, and may free it. */
void		 lookup_ends(struct lookup *, enum lookup_state);

/* --- lists.c */

/* What is known of a policy's lists themselves; one for each. */
struct list;
void	lists_open(struct policy *);
void	lists_close(struct policy *);

#endif
