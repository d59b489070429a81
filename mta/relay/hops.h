/*
 * hops.h - from the text of a next hop (mta/msg/hop.h) to the addresses to try,
 * in order.
 *
 * A relay block's hosts come in the order of its lines, those with a weight by
 * chance; what SRV says by priority and weight (RFC 2782), `_submissions` before
 * `_submission` of the same priority (RFC 8314, 5.1).  MX as RFC 5321, 5.1 asks: by preference, equal ones in
 * random order, A and AAAA of the domain when it has no MX, nothing that is
 * less preferred than ourselves; null MX (RFC 7505) is an answer for good.  Of
 * several hops the addresses of the first come first, and it is enough that
 * one of them has some.
 */
#ifndef WB_MTA_RELAY_HOPS_H
#define WB_MTA_RELAY_HOPS_H

#include "mta/msg/dns.h"
#include "mta/relay/level_find.h"
#include "mta/relay/mx_set.h"
#include "mta/relay/order.h"
#include "mta/relay/outcome.h"
#include "mta/relay/self.h"
#include "mta/relay/terms.h"

struct rs_image;

#define HOP_HOSTS_MAX	64	/* hosts of one hop */
#define HOP_ASKED_MAX	10	/* of these are looked up at once; the next ones when none has an address */
#define HOP_ADDRS_MAX	32	/* addresses of one hop */
#define HOP_NAME_MAX	254	/* with NUL */

/* What finding addresses needs; outlives all queries. */
struct hops {
	struct dns_client	*dns;
	struct self		*self;
	const struct rs_image	*image;		/* filters; may be NULL */
	struct relay_blocks	*blocks;
	uint16_t		 mx_port;	/* 25 but in tests */
	const struct level_asked *levels;	/* whom to ask for DANE and MTA-STS; NULL: nobody */
	order_random		*random;	/* NULL: the system's */
	void			*random_arg;
	struct login_client	*logins;	/* NULL: nobody logs in */
};

struct hop_addr {
	struct ip	ip;			/* family 0: a local socket, name is its path */
	uint16_t	port;
	uint16_t	host;			/* addresses of one host have the same number */
	bool		lmtp;			/* RFC 2033 is spoken there */
	bool		tls_first;		/* RFC 8314, 3.3: no STARTTLS */
	bool		filter;			/* it is told by XFORWARD where mail came from */
	char		name[HOP_NAME_MAX];	/* "" when the policy gives an address */
	char		domain[HOP_NAME_MAX];	/* whose MX or SRV named it; "": the policy */
	const struct relay_way	*way;		/* what holds there; NULL only in tests */
	struct hop_tls	*tls;			/* what its TLS has to be; NULL: nobody was asked */
	bool		aside;		/* it works, but others are tried first (tries_aside()) */
};

/* With references of its own. */
void		 hop_addr_copy(struct hop_addr *to, const struct hop_addr *from);
/* Gives the references back. */
void		 hop_addr_clear(struct hop_addr *);

static inline bool
hop_is_local(const struct hop_addr *a)
{
	return a->ip.family == 0;
}

/* Of a socket none: what it is called says its path. */
static inline struct span
hop_addr_name(const struct hop_addr *a)
{
	return hop_is_local(a) ? SPAN_NONE : span_of(a->name);
}

#define HOP_ADDR_TEXT	(HOP_NAME_MAX + IP_TEXT_MAX + 2)
/* "name[address]", "[/path]": as logs and notifications call it. */
const char	*hop_addr_text(const struct hop_addr *, struct span name, char out[HOP_ADDR_TEXT]);
#define SMTP_PORT	25
#define SUBMISSIONS_PORT	465	/* TLS comes first there (RFC 8314, 7.3) */
#define HOP_PORT_TEXT	8
/* ":PORT" where it is not that of SMTP, to stand behind hop_addr_text(). */
const char	*hop_port_text(const struct hop_addr *, char out[HOP_PORT_TEXT]);

struct hop_list {
	bool		has_set;	/* they are MX hosts */
	uint8_t		set[MX_SET];
	uint16_t	nhops;		/* that it was put together from */
	size_t		n;
	struct hop_addr	at[];
};

void	hop_list_free(struct hop_list **);

/*
 * Either list (at least one address; it is the callee's) or why (borrowed),
 * never both.
 */
typedef void hop_cb(void *arg, struct hop_list *list, const struct outcome *why);

struct hop_query;
/* cb is called once, perhaps before this returns; then NULL is returned. */
struct hop_query *hop_resolve(const struct hops *, struct span hop, hop_cb *, void *arg);
/* Gives it up; cb is not called. */
void		  hop_cancel(struct hop_query **);

#endif
