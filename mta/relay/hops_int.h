/*
 * hops_int.h - what hops.c and hops_find.c share: a query under way.
 */
#ifndef WB_MTA_RELAY_HOPS_INT_H
#define WB_MTA_RELAY_HOPS_INT_H

#include "mta/relay/hops.h"

#define HOST_IPS_MAX	8	/* addresses of one host and family */

struct hop_host {
	char			 name[HOP_NAME_MAX];	/* "" : an address was given */
	uint16_t		 port;
	bool			 lmtp, filter;
	bool			 local;		/* name is the path of a socket */
	uint32_t		 pref;
	size_t			 n4, n6;
	struct ip		 ip4[HOST_IPS_MAX], ip6[HOST_IPS_MAX];
	bool			 failing;	/* DNS could not say */
	bool			 exists;	/* some answer was not NXDOMAIN */
	bool			 self;		/* it is us */
	uint64_t		 ticket4, ticket6;	/* 0: not asked, or answered */
	struct hop_query	*query;
};

struct hop_query {
	const struct hops	*hops;
	hop_cb			*cb;
	void			*arg;
	bool			 mx;		/* "mx:": hosts come from DNS */
	uint16_t		 port;		/* of the MX hosts; 0: the usual */
	char			 domain[HOP_NAME_MAX];
	uint64_t		 ticket;	/* of the MX question */
	bool			 has_set;
	uint8_t			 set[MX_SET];	/* of the hosts that it has named */
	size_t			 n, waiting;
	struct hop_host		 hosts[HOP_HOSTS_MAX];
	/* Of several hops: those not looked up yet, and what there is. */
	char			*rest;		/* in text; NULL: none */
	char			*text;
	struct hop_list		*found;
	struct outcome		 why;		/* why one has none */
	bool			 failed;
	bool			*over;		/* set when it has ended; NULL: nobody asks */
};

/* A host to look up (an address or "[address]" needs none); false: no room, or too long. */
bool	hop_add_host(struct hop_query *, struct span name, uint16_t port, uint32_t pref);
/* Puts the hosts of a text that needs no MX into q. 0, or -1 with *why filled. */
int	hop_find_hosts(struct hop_query *q, struct span hop, struct outcome *why);

#endif
