/*
 * scram_text.h - the client's messages of SCRAM (RFC 5802, 7), taken apart.
 *
 * All spans lie in what was given, but for scram_name()'s.
 */
#ifndef WB_MTA_SASL_SCRAM_TEXT_H
#define WB_MTA_SASL_SCRAM_TEXT_H

#include "base/span.h"

struct sasl;

struct scram_first {
	char		 flag;		/* 'n', 'y', 'p' */
	struct span	 binding;	/* 'p': the type's name */
	struct span	 authzid;	/* saslname; empty: none */
	struct span	 gs2;		/* gs2-header: all up to and with its last comma */
	struct span	 bare;		/* what follows it */
	struct span	 user;		/* saslname */
	struct span	 nonce;
};

struct scram_final {
	struct span	 binding;	/* of c=, base64 */
	struct span	 nonce;
	struct span	 proof;		/* base64 */
	struct span	 without_proof;
};

/* gs2-header, then anything; fills flag, binding, authzid, gs2, bare. */
bool		 scram_gs2(struct span in, struct scram_first *);
/*
 * client-first-message.  NULL, or a server-error-value with its "e=" (static);
 * extensions that are not mandatory are passed over, as 5.1 wants.
 */
const char	*scram_first(struct span in, struct scram_first *);
/* client-final-message; as above. */
const char	*scram_final(struct span in, struct scram_final *);
/*
 * saslname without its =2C and =3D; lies in the session.  False: another '=',
 * nothing, no UTF-8, or an octet 0.
 */
bool		 scram_name(struct sasl *, struct span, struct span *out);

#endif
