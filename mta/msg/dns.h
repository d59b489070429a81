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

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_result {
	DNS_FOUND,	/* at least one record */
	DNS_NODATA,	/* the name is there, no record of this type */
	DNS_NXDOMAIN,	/* no such name */
	DNS_FAILING	/* SERVFAIL, time-out, bogus: cannot say now */
};

#define DNS_RECORDS_MAX	256	/* more of an answer are left out; some domains have 100 TXT */
#define DNS_NAME_MAX	255	/* octets; RFC 1035, 2.3.4 */
#define DNS_TXT_MAX	4096	/* octets of one TXT record; the rest is left out */

struct dns_record {
	uint16_t	pref;		/* MX */
	struct ip	ip;		/* A, AAAA */
	struct span	name;		/* MX, PTR: lower case, no final dot ("" is the root); TXT: its text */
};

struct dns_answer {
	enum dns_result		 result;
	bool			 secure;
	uint32_t		 ttl_s;
	size_t			 n;
	struct dns_record	*records;	/* in the order received */
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
 * name; PTR the name; TXT its text.
 */
void			 dns_answer_put(struct chan *, uint64_t ticket, enum dns_type, const struct dns_answer *);

#endif
