/*
 * level.h - what TLS has to be at a next hop, and who wants it so.
 *
 * Three may want something of a host: the relay block (or the block `mx`), the
 * hop's own DNS (DANE: RFC 7672), its domain's MTA-STS policy (RFC 8461); a
 * message may want more (REQUIRETLS, RFC 8689) or less (`TLS-Required: no`).
 * DNS is asked once for a host; for each message level_of() decides from what
 * is known of the host then.  The rules are a table: levels.def, doc/levels.md.
 *
 * struct hop_tls: facts of one host, the same for all messages; shared by
 * reference.  struct level: the decision for one message; the caller's.
 */
#ifndef WB_MTA_RELAY_LEVEL_H
#define WB_MTA_RELAY_LEVEL_H

#include "base/tls_connect.h"
#include "mta/relay/terms.h"

#define LEVEL_NAMES_MAX	4	/* reference names of one host */
#define LEVEL_TLSA_MAX	32	/* TLSA records of one host; more are left out */
#define LEVEL_STS_MAX	8192	/* octets of a policy that are kept for reports */

/* What a session is to reach; each wants more than the one before. */
enum tls_level {
	TLS_LEVEL_NONE,			/* no STARTTLS */
	TLS_LEVEL_OPPORTUNISTIC,	/* STARTTLS where it is offered, nothing verified */
	TLS_LEVEL_REQUIRED,		/* TLS or no session; nothing verified */
	TLS_LEVEL_VERIFIED,		/* a chain to the authorities, one of the names (PKIX) */
	TLS_LEVEL_DANE			/* one of the TLSA records matches (RFC 7672, 3) */
};

enum level_by {
	LEVEL_BY_BLOCK,			/* the policy's text */
	LEVEL_BY_DANE,
	LEVEL_BY_STS,
	LEVEL_BY_REQUIRETLS,
	LEVEL_BY_TLS_REQUIRED_NO	/* the message's header has lowered it */
};

enum level_verdict {
	LEVEL_USE,	/* connect, and reach the level */
	LEVEL_WAIT,	/* this host not now: the next one, or a later attempt (4yz) */
	LEVEL_REFUSE	/* this message never by this host (5yz) */
};

/* What DNS says of a host's DANE (RFC 7672, 2.1 and 2.2). */
enum level_dane {
	LEVEL_DANE_NONE,	/* no TLSA records, or something on the way is not signed */
	LEVEL_DANE_RECORDS,	/* at least one that can be used */
	LEVEL_DANE_UNUSABLE,	/* records, none that can be used: TLS, not verified */
	LEVEL_DANE_FAILING,	/* bogus, SERVFAIL, no answer: the host cannot be used now */
	LEVEL_DANE_CANNOT_SAY,	/* the resolver passes no signatures on */
	LEVEL_DANE_HELD		/* likewise, and it had records a short while ago */
};

/* What the policy of the recipient's domain says of a host (RFC 8461, 4.1). */
enum level_sts {
	LEVEL_STS_NONE,		/* no policy, mode none, or none could be had */
	LEVEL_STS_TESTING,	/* the host matches; failures are reported only */
	LEVEL_STS_TESTING_OTHER, /* it does not match; likewise */
	LEVEL_STS_ENFORCE,	/* the host matches */
	LEVEL_STS_ENFORCE_OTHER, /* it does not: no mail to it */
	LEVEL_STS_LATER		/* it could not be asked whether there is one */
};

struct hop_tls {
	unsigned	 refs;
	/* What decides. */
	enum relay_tls	 word;		/* of the block */
	bool		 no_dane, no_sts;	/* the block's */
	bool		 name_secure;	/* the host was named by the policy or by a signed MX */
	enum level_dane	 dane;
	enum level_sts	 sts;
	const char	*dane_why;	/* of FAILING, UNUSABLE, CANNOT_SAY and HELD, for people; else NULL */
	/* What the client needs. All of it lies behind this struct. */
	const char	*sni;		/* the name to ask for: TLSA base domain or host; "": an address, send none */
	const char	*host;		/* reference name of VERIFIED; "": an address (then it is an IP in the certificate) */
	size_t		 nnames;	/* reference names of usage 2 (RFC 7672, 3.2.2): base domain first */
	struct span	 names[LEVEL_NAMES_MAX];
	size_t		 ntlsa;		/* usages 2 and 3 only (RFC 7672, 3.1) */
	struct tls_tlsa	 tlsa[LEVEL_TLSA_MAX];
	const char	*tlsa_at;	/* "_25._tcp.mx.example", "" without DANE */
	/* For reports (RFC 8460, 4.3). */
	const char	*domain;	/* the recipients'; "": the policy names the host, and nothing is reported */
	const char	*sts_text;	/* the policy as it came, cut at a line's end; "": none */
	enum tls_class	 sts_trouble;	/* of the newest policy that DNS promises; NONE: it is fine */
};

/* A host without any of this: an address, a local socket; tests.  One reference is the caller's. */
struct hop_tls	*hop_tls_new(enum relay_tls, const char *host);
/* Copies; all spans and texts of `from` are copied behind it. */
struct hop_tls	*hop_tls_copy(const struct hop_tls *from);
struct hop_tls	*hop_tls_ref(const struct hop_tls *);
/* NULL is fine; *t is NULL then. */
void		 hop_tls_unref(struct hop_tls **t);

#define LEVEL_WHY_MAX	400

/* The decision for one message. */
struct level {
	unsigned	 line;		/* of levels.def, from 1: which one has decided */
	enum level_verdict verdict;
	enum tls_level	 level;
	enum level_by	 by;
	bool		 plain_after;	/* OPPORTUNISTIC: after a failed handshake once more without TLS */
	bool		 sts_testing;	/* a policy in testing wants VERIFIED: failures are told, and it goes on */
	bool		 requires_requiretls;	/* EHLO has to offer REQUIRETLS (RFC 8689, 4.2.1) */
	bool		 dane_cannot_say;	/* "dane=cannot-say" in the delivery record */
	const char	*host;		/* whose certificate VERIFIED and DANE are about; borrowed from the facts */
	const char	*names_of;	/* likewise: the domain for whose name the certificate may be, too (TLSA usage 2); "": none */
	enum tls_class	 report;	/* of WAIT and REFUSE: how reports call it */
	char		 status[8];	/* likewise: enhanced status */
	char		 why[LEVEL_WHY_MAX];	/* likewise: for people */
};

/*
 * flags: those of the envelope (enum envelope_flags: ENV_REQUIRETLS,
 * ENV_TLS_NOT_REQUIRED; other bits do not count).  t NULL: no TLS.
 */
void		 level_of(const struct hop_tls *t, uint32_t flags, struct level *out);
/*
 * Whether a session that was opened for `had` will do for a message that wants
 * `want`: no less, and where it is to be verified, as the same host, and by
 * DANE for the same names.
 */
bool		 level_serves(const struct level *had, const struct level *want);

/* "none", "opportunistic", "required", "verified", "dane": of logs and records. */
const char	*tls_level_name(enum tls_level);
/* "block", "dane", "sts", "requiretls", "tls-required-no". */
const char	*level_by_name(enum level_by);

#endif
