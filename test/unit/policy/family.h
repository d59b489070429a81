/*
 * family.h - the policy of a family, made with the builder, for tests of
 * mta/policy; and DNS that answers when the test says so.
 *
 *	on rcpt {
 *	    client.verified_name == "friend.example" => accept	# 10, with DNS
 *	    rcpt.domain == "shut.example" => accept		# 11
 *	    rcpt.domain not in ours => reject 550 5.7.1		# 12
 *	    rcpt unknown => reject 550 5.1.1 "there is none"	# 13
 *	    otherwise => accept					# 14
 *	}
 *	route {
 *	    rcpt.domain == "shut.example" => reject 550 5.1.2	# 20
 *	    rcpt.domain in ours => expand aliases, deliver family	# 21
 *	        (with a table of virtusers: expand virtusers, before aliases)
 *	    rcpt.domain == "hop.example" => relay provider	# 22
 *	    rcpt.domain == "host.example" => relay "[192.0.2.9]:2525"	# 23
 *	    otherwise => mx					# 24
 *	}
 *	rewrite inbound sender, ... {		# all six, where there is a table
 *	    "{who in rewrites}" => rewrites[who]		# 30, with DNS before
 *	}
 */
#ifndef WB_TEST_POLICY_FAMILY_H
#define WB_TEST_POLICY_FAMILY_H

#include "mta/policy/policy.h"

enum { FAMILY_ALIASES, FAMILY_USERS, FAMILY_VIRTUSERS, FAMILY_REWRITES };	/* maps */

struct family {
	const struct span	*aliases;	/* name, list, ... */
	size_t			 naliases;	/* pairs */
	bool			 with_dns;	/* rule 10 is there */
	const char		*postmaster;	/* or NULL */
	const struct span	*virtusers;	/* NULL: none */
	size_t			 nvirtusers;	/* pairs */
	const struct span	*rewrites;	/* NULL: none; needs virtusers */
	size_t			 nrewrites;	/* pairs */
	bool			 ends;		/* rule 14 is not there */
};

/* DNS: questions wait until family_dns_answer(). */
struct family_dns {
	unsigned	 asked, cancelled;
	bool		 at_once;	/* answers in the call */
	struct {
		enum dns_type	 type;
		char		 name[80];
		dns_cb		*cb;
		void		*arg;
		bool		 open;
	}		 q[16];
	/* What it says. */
	const char	*ptr;		/* name of any address; NULL: none */
	const char	*address;	/* of any name */
	bool		 failing;
};

/* Accounts: colin, ann, tim, Una, "a/b", "colin+lists", postmaster. */
struct policy	*family_open(const struct family *, struct family_dns *);
/* The same, with long routings in slices. */
struct policy	*family_open_later(const struct family *, void (*later)(void (*)(void *), void *));
/* The octets of the image alone; until the next call. */
struct span	 family_image(const struct family *);
/* Answers all that is open; true when something was. */
bool		 family_dns_answer(struct family_dns *);

#endif
