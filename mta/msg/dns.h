/*
 * dns.h - asking the resolve process.
 *
 * A client keeps its open questions, so that they are asked again when
 * resolve is new; an answer comes as a callback on the loop.
 */
#ifndef WB_MTA_MSG_DNS_H
#define WB_MTA_MSG_DNS_H

#include "base/ip.h"
#include "base/chan.h"

enum dns_type {
	DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16,
	DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52
};

enum dns_result {
	DNS_FOUND,	/* at least one record */
	DNS_NODATA,	/* the name is there, no record of this type */
	DNS_NXDOMAIN,	/* no such name */
	DNS_FAILING	/* SERVFAIL, time-out, bogus: cannot say now */
};

#define DNS_RECORDS_MAX	256	/* more of an answer are left out; some domains have 100 TXT */
#define DNS_NAME_MAX	255	/* octets; RFC 1035, 2.3.4 */
#define DNS_TXT_MAX	4096	/* octets of one TXT record; the rest is left out */

#define DNS_RESOLVER_MAX	600	/* octets of the name servers' addresses */
#define DNS_TLSA_MAX	4096	/* octets of one TLSA record's data; longer ones are left out */

struct dns_record {
	uint16_t	pref;		/* MX; SRV: priority */
	uint16_t	weight, port;	/* SRV (RFC 2782) */
	uint8_t		usage, selector, matching;	/* TLSA (RFC 6698, 2.1) */
	struct ip	ip;		/* A, AAAA */
	struct span	name;		/* MX, SRV, PTR, CNAME: lower case, no final dot ("" is the root); TXT: its text; TLSA: its data */
};

/*
 * DNSSEC (RFC 4033, 5), of the whole answer: all aliases on the way, and the
 * records or the proof that there are none.
 */
enum dns_trust {
	DNS_INSECURE,	/* proven to be unsigned, or from /etc/hosts */
	DNS_SECURE,	/* validated from the trust anchor */
	DNS_CANNOT_SAY,	/* the name servers pass no signatures on: neither */
	DNS_BOGUS	/* wrong or missing signatures; the result is DNS_FAILING */
};

struct dns_answer {
	enum dns_result		 result;
	enum dns_trust		 trust;
	uint32_t		 ttl_s;
	/*
	 * The name that the records stand at when the name asked for is an
	 * alias, "" when it is none.  Whether the alias itself is signed where
	 * the rest of the chain is not, says a question for its CNAME: that
	 * answer is of the one record and follows nothing.
	 */
	struct span		 canonical;
	struct span		 resolver;	/* with CANNOT_SAY: the name servers, "192.0.2.53@53,..."; else empty */
	size_t			 n;
	struct dns_record	*records;	/* in the order received */
};

/* Whether the name servers pass signatures on; what RESOLVER tells the queue. */
enum resolver_state {
	RESOLVER_UNKNOWN,	/* nobody has answered yet */
	RESOLVER_VALIDATES,
	RESOLVER_STRIPS,	/* never so far */
	RESOLVER_LOST,		/* they did, and do no more */
	RESOLVER_NSTATES
};

struct dns_client;
typedef void dns_cb(void *arg, const struct dns_answer *);	/* answer: borrowed */

struct dns_client	*dns_client_new(void);
/* A channel to resolve, new or again; takes fd.  Open questions are asked on it. */
void			 dns_client_attach(struct dns_client *, int fd);
/*
 * Asks; cb is called exactly once, from the loop, with DNS_FAILING after 30 s
 * at the latest.  Returns a ticket for dns_cancel().
 */
uint64_t		 dns_ask(struct dns_client *, enum dns_type, struct span name, dns_cb *, void *arg);
void			 dns_cancel(struct dns_client *, uint64_t ticket);

void			 dns_client_free(struct dns_client **);	/* no callbacks */

/*
 * The other side: resolve writes an answer.  A record's octets: A 4 and AAAA
 * 16 in network order; MX two for the preference, in network order, and the
 * name; SRV priority, weight and port so, and the name; TLSA usage, selector,
 * matching type and the data; PTR and CNAME the name; TXT its text.
 */
void			 dns_answer_put(struct chan *, uint64_t ticket, enum dns_type, const struct dns_answer *);

#endif
