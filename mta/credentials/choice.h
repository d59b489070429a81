/*
 * choice.h - which mechanism a login begins with, and which follows.
 *
 * The best that both sides have comes first: one that binds the login to the
 * TLS session, then one that proves that the password is known without saying
 * it, then those that say it.  What says it wants TLS to a hop that is
 * verified, unless the policy allows less.  No I/O, no secret.
 */
#ifndef WB_MTA_CREDENTIALS_CHOICE_H
#define WB_MTA_CREDENTIALS_CHOICE_H

#include "base/buf.h"

enum mech {
#define MECHANISM(id, name, given, says, binds, first) MECH_##id,
#include "mta/credentials/mechanisms.def"
#undef MECHANISM
	MECH_N
};
#define MECH_BIT(m)	(1u << (m))

enum mech_given { GIVEN_PASSWORD, GIVEN_TOKEN };

const char	*mech_name(enum mech);
enum mech_given	 mech_given(enum mech);
bool		 mech_says_secret(enum mech);
bool		 mech_binds(enum mech);
bool		 mech_is_first(enum mech);	/* we speak first */
/* By its name in any case; MECH_N: not known. */
enum mech	 mech_named(struct span);
/* Those of a list with blanks between that we know. */
unsigned	 mech_mask(struct span list);

struct choice {
	unsigned	 offered;	/* mask */
	enum mech_given	 given;		/* what we have */
	const enum mech	*wanted;	/* by the policy, in its order; NULL: all, the best first */
	size_t		 nwanted;
	bool		 encrypted, verified;
	bool		 binding;	/* the TLS session can be bound to */
	bool		 clear_ok;	/* `auth in clear` */
	bool		 unverified_ok;	/* `auth unverified` */
};

/* The next one that is not among those tried (mask); MECH_N: none is left. */
enum mech	 choice_next(const struct choice *, unsigned tried);
/* Why none of those that are offered may be used, for people; NULL: some may. */
void		 choice_why(const struct choice *, unsigned tried, struct buf *out);

#endif
