/*
 * tlsrpt.h - TLS_RESULT: how one session with a mail host ended, as RFC 8460 counts it.
 *
 * relay tells it of each session with a host that was found by a recipient's
 * domain: a session that got as far as the policy wanted (or, without a policy,
 * has TLS at all) is a success; one that did not is a failure, also when it
 * went on in the clear.  What ended before TLS was spoken of (no connection, no
 * greeting) is nothing (RFC 8460, 4.3.4).  A session of mail that goes without
 * regard to policies (RFC 8689: TLS-Required: No, which our own reports have) is not
 * told.
 */
#ifndef WB_MTA_MSG_TLSRPT_H
#define WB_MTA_MSG_TLSRPT_H

#include "base/arena.h"
#include "base/chan.h"
#include "base/ip.h"

/* RFC 8460, 4.4, policy-type; part of the format of the kept counts. */
enum tlsrpt_policy { TLSRPT_NO_POLICY, TLSRPT_TLSA, TLSRPT_STS, TLSRPT_NPOLICIES };

#define TLSRPT_STRINGS_MAX	16	/* lines of a policy, or TLSA records */
#define TLSRPT_STRING_MAX	512	/* octets of one; what is longer is cut */
#define TLSRPT_MX_MAX		10	/* mx patterns of an STS policy */
#define TLSRPT_NAME_MAX		253	/* octets of a domain or host */
#define TLSRPT_REASON_MAX	200	/* octets of the reason; what is longer is cut */

struct tlsrpt_result {
	enum tlsrpt_policy	 policy;
	struct span		 domain;	/* the recipients', with A-labels: it is asked whether it wants reports */
	struct span		 policy_domain;	/* whose policy it is (RFC 8460, 1.1); empty: the same */
	size_t			 nstrings;	/* policy-string: TLSA records as "3 1 1 0D6F..", or the STS policy's lines */
	const struct span	*strings;
	size_t			 nmx;		/* mx-host: of an STS policy */
	const struct span	*mx;
	struct span		 result;	/* a result type of 4.3 ("certificate-expired"); empty: a success */
	struct span		 reason;	/* failure-reason-code; empty: none */
	struct span		 host;		/* receiving-mx-hostname; empty: not known */
	struct span		 helo;		/* receiving-mx-helo; empty: not known */
	struct ip		 source;	/* sending-mta-ip; family 0: not known */
	struct ip		 target;	/* receiving-ip; family 0: not known */
};

/* "tlsa"; "?" for what is none. */
const char	*tlsrpt_policy_name(unsigned policy);
/* Writes TLS_RESULT; what is above the limits is cut or left out. */
void		 tlsrpt_put(struct chan *, const struct tlsrpt_result *);
/* Reads it; spans borrow from the message, tables lie in the arena. false: nonsense. */
bool		 tlsrpt_read(struct msg *, struct arena *, struct tlsrpt_result *);

#endif
