/*
 * spf.h - check_host() of RFC 7208: may this client send for that domain?
 *
 * A state machine that asks DNS through struct policy_dns and waits for
 * nothing: where an answer is not there at once, it goes on when it comes.
 * It is bounded: ten terms that ask, ten names of an MX, ten of the client,
 * two questions without an answer (4.6.4), one minute.
 *
 * Owns: copies of what it was asked.
 */
#ifndef WB_MTA_POLICY_SPF_H
#define WB_MTA_POLICY_SPF_H

#include "mail/spf_record.h"

#include "mta/policy/policy.h"

struct spf_question {
	struct ip	ip;		/* family 4 or 6 */
	/* The mail address asked about; <> stands for postmaster@helo (2.4). */
	struct span	sender;
	size_t		sender_at;	/* its '@' */
	struct span	helo;
	struct span	receiver;	/* our name, for the r macro */
	int64_t		now_s;		/* for the t macro */
	bool		explain;	/* a fail's explanation is wanted */
};

struct spf;
typedef void spf_cb(void *arg);

/*
 * Begins; the question is copied.  cb is called from the loop when it is
 * done, and not at all when spf_done() holds on return.  cb may free it.
 */
struct spf	*spf_start(const struct policy_dns *, const struct spf_question *, spf_cb *, void *arg);
/* Gives up what it waits for. */
void		 spf_free(struct spf **);
bool		 spf_done(const struct spf *);

/* When it is done: */
enum spf_result	 spf_result(const struct spf *);
/* What is wrong, of a permerror or temperror; "" otherwise. */
const char	*spf_why(const struct spf *);
/*
 * The domain's own words for a fail (6.2): US-ASCII, written by strangers; empty: there are
 * none.
 */
struct span	 spf_explanation(const struct spf *);
/* The domain that it was asked about. */
struct span	 spf_domain(const struct spf *);
/* Whom it was asked about, as it was given; the machine's memory. */
void		 spf_asked_for(const struct spf *, struct span *sender, struct span *helo);
/* Questions that were asked of DNS. */
unsigned	 spf_asked(const struct spf *);

#endif
