/*
 * map_check.h - tables held against each other and against the policy that
 * uses them.
 *
 *   map_check.c    `waybill map check`: opens them, says what was found
 *   map_domains.c  what the policy's route asks for a domain's addresses
 *   map_graph.c    entries that lead to others: loops, depth
 *   map_targets.c  names that nobody has, keys that nobody asks
 *   map_near.c     whom a name may have meant
 *   map_ask.c      whether servers answer
 *   findings.c     what was found
 *
 * Owns: nothing of the tables.  A table of a million entries is looked at in
 * seconds: each step is one pass over the entries, and names that may have
 * been meant are only looked for a few times.
 */
#ifndef WB_MTA_CMD_MAP_CHECK_H
#define WB_MTA_CMD_MAP_CHECK_H

#include "base/hash.h"
#include "mail/address.h"

#include "mta/cmd/findings.h"
#include "mta/policy/policy.h"

enum checked_kind { CHECKED_OTHER, CHECKED_ALIASES, CHECKED_VIRTUSERS, CHECKED_ACCOUNTS };

struct checked_table {
	const struct map	*map;
	char			*path;	/* or the policy's, in place */
	char			*name;	/* in the policy */
	enum checked_kind	 kind;
	bool			 wanted;	/* what is wrong in it is told */
	bool			 served;	/* a server has it: nothing is known of its entries */
	bool			 asked, answers;	/* by map_ask.c */
	struct span		 domain;	/* of names without one; empty: not known */
};

struct checked_domain;
struct map_nodes;

struct checking {
	struct policy		*policy;	/* NULL: one table by itself */
	struct checked_table	*tables;	/* by number in the image */
	uint32_t		 n;
	struct span		 detail;	/* its delimiters */
	struct span		 hostname;
	struct findings		*found;
	struct arena		 arena;		/* for the whole check */
	struct arena		 scratch;	/* for one address */
	struct htab		 domains;	/* struct checked_domain */
	struct policy_facts	 facts;
	unsigned		 near_left;	/* searches */
	uint64_t		*masks;		/* map_near.c: letters of the names */
};

/* `waybill map check ...`: argv[0] is "map", argv[1] "check". */
int		 cmd_map_check(int argc, char **argv);

/* --- map_domains.c */

/* What route does with addresses of a domain; asked once each. */
struct checked_domain {
	bool	local;		/* lists are asked, or a mailbox */
	bool	asks[];		/* by table: its entries are looked for */
};
const struct checked_domain *checked_domain(struct checking *, struct span domain);
/* Finds each table's domain among those that have been tried. */
void		 checked_domains_give(struct checking *);
/* A domain that may be ours. */
void		 checked_domain_try(struct checking *, struct span domain);

/* --- map_graph.c */

/*
 * An address as an entry's key stands for it: a bare name at the table's
 * domain, a pattern with something in its place.  false: none.
 */
bool		 checked_key_address(struct checking *, uint32_t table, struct span key, struct address *out);
/* The list of an entry for this address; false: it is a refusal, or none. */
bool		 checked_list(struct checking *, uint32_t table, const struct map_answer *, const struct address *, struct span *list);
/* A member as an address; a bare name is one of the domain. false: it is none. */
bool		 checked_member(struct checking *, struct span text, struct span domain, struct address *out);
/*
 * The entry that the policy expands this address with: table, and its answer;
 * the exact before the general.  UINT32_MAX: none.
 */
uint32_t	 checked_entry(struct checking *, uint32_t from, const struct address *, struct map_answer *);
/* Loops, and what is expanded too deep. */
void		 check_graph(struct checking *);

/* --- map_targets.c */
void		 check_targets(struct checking *);

/* --- map_near.c */

/* " did you mean 'colin' (users:12)?", or nothing. */
const char	*checked_near(struct checking *, const struct address *);
const char	*checked_near_domain(struct checking *, struct span domain);

/* --- map_ask.c */

/* Asks each wanted table that a server has; the policy's lookup really asks. */
void		 check_servers(struct checking *);

#endif
