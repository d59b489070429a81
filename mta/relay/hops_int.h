/*
 * hops_int.h - what hops.c, hops_find.c, hops_mx.c and hops_srv.c share: a query
 * under way.
 */
#ifndef WB_MTA_RELAY_HOPS_INT_H
#define WB_MTA_RELAY_HOPS_INT_H

#include "mta/relay/hops.h"

#define HOST_IPS_MAX	8	/* addresses of one host and family */
#define HOP_SRV_MAX	4	/* lines `srv` of one block */
#define HOP_RANK_LINE	(1u << 17)	/* ranks of one line of a block: what SRV says is below */

struct hop_host {
	char			 name[HOP_NAME_MAX];	/* "" : an address was given */
	uint16_t		 port;
	bool			 lmtp, filter, tls_first;
	bool			 local;		/* name is the path of a socket */
	uint32_t		 rank;		/* smaller ones first; MX: the preference */
	uint16_t		 weight;	/* among those of one rank */
	const char		*domain;	/* whose MX or SRV named it; NULL: the policy */
	size_t			 n4, n6;
	struct ip		 ip4[HOST_IPS_MAX], ip6[HOST_IPS_MAX];
	bool			 failing;	/* DNS could not say */
	bool			 exists;	/* some answer was not NXDOMAIN */
	bool			 self;		/* it is us */
	uint64_t		 ticket4, ticket6;	/* 0: not asked, or answered */
	struct level_host	 level;		/* its TLS */
	struct hop_query	*query;
};

/* Two questions for SRV records, for one line of a block. */
struct hop_srv {
	char			 domain[HOP_NAME_MAX];
	uint32_t		 rank;		/* of the line */
	uint64_t		 tickets[2];	/* _submissions, _submission */
	bool			 failing;	/* DNS could not say */
	bool			 found;
	struct hop_query	*query;
};

struct hop_query {
	const struct hops	*hops;
	hop_cb			*cb;
	void			*arg;
	const struct relay_way	*way;		/* of the hop under way */
	bool			 mx;		/* hosts come from MX */
	uint16_t		 port;		/* of the MX hosts; 0: the usual */
	char			 domain[HOP_NAME_MAX];
	uint64_t		 ticket;	/* of the MX question */
	bool			 has_set;
	uint8_t			 set[MX_SET];	/* of the hosts that it has named */
	char			 canonical[HOP_NAME_MAX];	/* what the domain is an alias for; "": none */
	struct level_query	*levels;	/* after the addresses */
	size_t			 n, waiting;
	size_t			 asked;		/* of hosts, from the first on */
	size_t			 room;		/* for so many there is memory */
	struct hop_host		*hosts;		/* stay where they are once one is asked for */
	size_t			 nsrv, srv_waiting;
	struct hop_srv		 srv[HOP_SRV_MAX];
	/* Of several hops: those not looked up yet, and what there is. */
	char			*rest;		/* in text; NULL: none */
	char			*text;
	struct hop_list		*found;
	struct outcome		 why;		/* why one has none */
	bool			 failed;
	bool			*over;		/* set when it has ended; NULL: nobody asks */
};

/*
 * A host to look up (an address or "[address]" needs none), of rank 0, no
 * weight; good until the next one is added.  NULL: no room, or too long.
 */
struct hop_host	*hop_add_host(struct hop_query *, struct span name, uint16_t port);
/* "HOST[:PORT]", HOST perhaps an address in brackets; port 0: it must be there. */
struct hop_host	*hop_add_host_port(struct hop_query *, struct span text, uint16_t port);

/* --- hops.c */
/* Where the next host goes, zeroed; NULL: no room.  It counts with q->n. */
struct hop_host	*hop_host_room(struct hop_query *);
/* The hop has no addresses, for this reason: it, or the query, is over. */
void	hop_fails(struct hop_query *, unsigned code, const char *status, const char *text, const char *what);
/* All hosts are there: their addresses are asked for. */
void	hop_look_up(struct hop_query *);

/* --- hops_find.c */
/* The hosts that the text names; 0, or -1 with *why filled. */
int	hop_find_hosts(struct hop_query *, const struct hop_text *, struct outcome *why);

/* cause may be NULL. */
void	hop_no_hosts(struct outcome *why, struct span hop, const char *cause);

/* --- hops_mx.c */
/* The domain, or "[address]", perhaps with a port, whose hosts they are. */
void	hop_ask_mx(struct hop_query *, struct span domain);
/* RFC 5321, 5.1: only hosts more preferred than ourselves are left; false: there are none. */
bool	hop_drop_self(struct hop_query *);

/* --- hops_srv.c */
/* A domain whose SRV records name hosts of this rank; false: no room, or too long. */
bool	hop_want_srv(struct hop_query *, struct span domain, uint32_t rank);
/* Asks for all of them; hop_look_up() follows.  At least one. */
void	hop_ask_srv(struct hop_query *);

#endif
