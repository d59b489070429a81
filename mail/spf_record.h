/*
 * spf_record.h - SPF records and macros (RFC 7208, 4.6 and 7): pure functions.
 *
 * A record is checked whole before a term of it counts (4.6: an error anywhere
 * is a permerror); then its mechanisms are taken one by one.  What a domain
 * has published is a stranger's text, and so is all that macros put into it.
 */
#ifndef WB_MAIL_SPF_RECORD_H
#define WB_MAIL_SPF_RECORD_H

#include "base/buf.h"
#include "base/ip.h"

/* 2.6; in the order in which RFC 7208 defines them. */
enum spf_result {
	SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL,
	SPF_TEMPERROR, SPF_PERMERROR
};

const char	*spf_result_name(enum spf_result);	/* "softfail" */

/* 5; in the order of its sections. */
enum spf_mechanism {
	SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6,
	SPF_EXISTS
};

struct spf_term {
	enum spf_mechanism	mechanism;
	enum spf_result		qualifier;	/* what a match means */
	struct span		spec;		/* domain-spec with macros; empty: <domain> */
	struct ip		ip;		/* ip4, ip6 */
	uint8_t			bits4, bits6;	/* a, mx, ip4, ip6 */
};

/* Borrows the record's text. */
struct spf_record {
	struct span	terms;		/* all that follows the version */
	struct span	redirect, exp;	/* domain-specs; empty: there is none */
};

/*
 * Whether a TXT record is an SPF record (4.5): it begins with the version,
 * which ends there or before a blank.
 */
bool	spf_is_record(struct span txt);
/* Checks an SPF record whole.  0, or -1 with *why: a permerror. */
int	spf_record_parse(struct span txt, struct spf_record *, const char **why);
/*
 * The next mechanism of a record that was checked; modifiers are passed over.
 * rest begins as record.terms.  False at the end.
 */
bool	spf_term_next(struct span *rest, struct spf_term *);

/* --- macros (7) */

struct spf_macros {
	struct span	local;		/* l: left of the sender's @ */
	struct span	sender_domain;	/* o */
	struct span	domain;		/* d: the domain that is looked at */
	struct ip	ip;		/* i, c, v */
	struct span	helo;		/* h */
	struct span	validated;	/* p: "unknown" where there is none */
	struct span	receiver;	/* r: our name */
	int64_t		now_s;		/* t: seconds since 1970 */
};

#define SPF_EXPANDED_MAX	8192	/* octets that a macro string may become */

/* Whether the p macro is in it: what must be known of the client first. */
bool	spf_wants_validated(struct span macro_string);
/*
 * A domain-spec as the name to be asked for (7.3): without a final dot, its
 * left labels left out where it would be longer than 253 octets.  False: what
 * comes out cannot be asked for (an empty label, one of more than 63 octets,
 * more than SPF_EXPANDED_MAX).
 */
bool	spf_expand_name(struct span spec, const struct spf_macros *,
	    struct buf *out);
/*
 * The text of an explanation (6.2).  False: it is no macro string, or not
 * US-ASCII.  Strangers wrote all of it.
 */
bool	spf_expand_text(struct span text, const struct spf_macros *,
	    struct buf *out);
/* A name of 1 to 253 octets in labels of 1 to 63. */
bool	spf_name_ok(struct span name);

#endif
