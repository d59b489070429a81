/*
 * sts.h - asking the fetch process for a domain's MTA-STS policy (RFC 8461).
 *
 * fetch (instance 0) asks for the TXT record, compares its id with the policy
 * that it keeps, fetches another when it has changed, and answers.  A policy
 * that is kept holds until its max_age is over, whatever DNS or the web server
 * say meanwhile.
 */
#ifndef WB_MTA_MSG_STS_H
#define WB_MTA_MSG_STS_H

#include "base/chan.h"

#define STS_DOMAIN_MAX	245		/* octets; "mta-sts." goes before it */
#define STS_ID_MAX	32		/* octets; RFC 8461, 3.1 */
#define STS_POLICY_MAX	(64u << 10)	/* octets of a policy; RFC 8461, 3.3 */
#define STS_MX_MAX	512		/* patterns in a policy; with more it is none */
#define STS_WHY_MAX	512		/* octets */

enum sts_result {
	STS_NONE,	/* the domain has none, or none that can be used: see trouble */
	STS_FOUND,	/* it holds */
	STS_LATER,	/* fetch does not answer: perhaps one is kept that holds, so put the mail off */
	STS_NRESULTS
};

/* RFC 8461, 5. */
enum sts_mode {
	STS_MODE_NONE,		/* the domain says that it has no policy any more */
	STS_MODE_TESTING,	/* deliver all the same, and report */
	STS_MODE_ENFORCE,	/* only to hosts that match, by a certificate for them that is trusted */
	STS_NMODES
};

/*
 * What is wrong with the newest policy that DNS promises, as RFC 8460, 4.3.2.2
 * names it; an older one that is kept may hold all the same.
 */
enum sts_trouble {
	STS_FINE,
	STS_FETCH_ERROR,	/* sts-policy-fetch-error */
	STS_INVALID,		/* sts-policy-invalid */
	STS_WEBPKI_INVALID,	/* sts-webpki-invalid: the web server's certificate */
	STS_NTROUBLES
};

struct sts_policy {
	enum sts_result	result;
	enum sts_trouble trouble;
	struct span	why;		/* of the trouble, for people; empty when fine */
	/* FOUND: */
	enum sts_mode	mode;
	struct span	id;		/* of the TXT record by which it was fetched */
	uint64_t	fetched_s;	/* since 1970 */
	uint64_t	expires_s;
	struct span	text;		/* as it came: its lines are RFC 8460's policy-string */
	size_t		n;
	const struct span *mx;		/* lower case; "*." before one stands for exactly one label */
};

const char	*sts_mode_name(enum sts_mode);		/* "enforce" */
const char	*sts_trouble_name(enum sts_trouble);	/* as RFC 8460 has it; "" when fine */
/* Whether the policy has this host (RFC 8461, 4.1); any case, no final dot. */
bool		 sts_matches(const struct sts_policy *, struct span host);
/* A copy in one piece, for free(). */
struct sts_policy *sts_policy_keep(const struct sts_policy *);

/* --- who asks */

struct sts_client;
typedef void sts_cb(void *arg, const struct sts_policy *);	/* policy: borrowed */

struct sts_client	*sts_client_new(void);
/* A channel to fetch, new or again; takes fd. */
void			 sts_client_attach(struct sts_client *, int fd);
/* The channel, for what else is said to fetch; NULL: it is not there. */
struct chan		*sts_client_chan(struct sts_client *);
void			 sts_client_free(struct sts_client **);	/* no callbacks */
/*
 * domain: of the recipients, A-labels.  cb is called exactly once, from the
 * loop: with LATER after 90 s at the latest (a policy may take a minute), with
 * NONE where the domain is too long to have one.  Returns a ticket for
 * sts_client_cancel().
 */
uint64_t		 sts_client_ask(struct sts_client *, struct span domain, sts_cb *, void *arg);
void			 sts_client_cancel(struct sts_client *, uint64_t ticket);

/* --- the message itself */

void	 sts_policy_put(struct chan *, uint64_t ticket, const struct sts_policy *);
/* false: nonsense.  Spans: borrowed from the message; patterns go to mx. */
bool	 sts_policy_read(struct msg *, uint64_t *ticket, struct sts_policy *, struct span mx[STS_MX_MAX]);

#endif
