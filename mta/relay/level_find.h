/*
 * level_find.h - what DNS and MTA-STS say of the TLS of a hop's hosts.
 *
 * DANE by RFC 7672: only where what named the host and the host's addresses
 * are secure; at the name that an alias stands for, then at the alias; TLSA at
 * the port that is connected to.  What could not be told is FAILING, and the
 * host cannot be used now; where nothing can be told, because the resolver
 * passes no signatures on, it is CANNOT_SAY or HELD (level_memory.h).
 *
 * Owns: its questions.  Borrows: the hosts, until the callback.
 */
#ifndef WB_MTA_RELAY_LEVEL_FIND_H
#define WB_MTA_RELAY_LEVEL_FIND_H

#include "mta/msg/dns.h"
#include "mta/msg/sts.h"
#include "mta/relay/level.h"
#include "mta/relay/level_memory.h"

#define LEVEL_HOSTS_MAX	32	/* of one hop */

/* One host: what is known when its addresses are, and what comes of it. */
struct level_host {
	const char	*name;		/* "": an address, or a local socket */
	uint16_t	 port;
	/* What named it: SECURE for the policy, else level_host_named() fills it. */
	enum dns_trust	 named;
	const char	*domain;	/* of the recipients, by whose MX; "": none */
	const char	*domain_canonical;	/* what that is an alias for; "": none */
	const char	*srv;		/* whose SRV records named it; NULL: none did */
	/* level_host_address() fills these. */
	bool		 found, insecure, cannot_say;
	char		 resolver[100];	/* that cannot say; "": none */
	char		 canonical[DNS_NAME_MAX + 1];	/* what name is an alias for; "": none */
	/* The result: a reference, the caller's. */
	struct hop_tls	*tls;
};

/* An answer of what names it: MX (or that there is none), SRV. */
void	level_host_named(struct level_host *, const struct dns_answer *);
/* An answer for A or AAAA of its name. */
void	level_host_address(struct level_host *, const struct dns_answer *);

/* Whom to ask; outlives all queries. */
struct level_asked {
	struct dns_client	*dns;
	struct sts_client	*sts;		/* NULL: nobody has a policy */
	struct level_memory	*memory;	/* NULL: none */
};

struct level_query;
typedef void level_cb(void *arg);
/*
 * Fills tls of all hosts, for a block with these terms (tls, no_dane, no_sts
 * count).  MTA-STS is asked for the first host's domain, if it has one.  cb
 * is called once, perhaps before this returns; then NULL is returned.
 */
struct level_query *level_find(const struct level_asked *, const struct relay_terms *, struct level_host *const *hosts, size_t n, level_cb *, void *arg);
/* Gives it up; cb is not called; results that are there are given back. */
void		 level_find_cancel(struct level_query **);

/*
 * The records of an answer that can be used (tls_tlsa_usable()).  How many
 * there are in out.
 */
size_t		 level_usable(const struct dns_answer *, struct tls_tlsa out[LEVEL_TLSA_MAX]);

#endif
