/*
 * ask.h - questions to the name servers, by libunbound.
 *
 * libunbound runs on a thread of its own and tells by a descriptor that
 * answers are there; callbacks come on the loop.  What is asked twice at once
 * goes out once, what was answered is kept for its time to live.
 *
 * DNSSEC: an answer counts as secure when it was validated from the trust
 * anchor.  Whether a bogus one is taken for that, or for one whose signatures a
 * resolver has stripped, validation.h says; it is held until that is known.
 *
 * Owns: libunbound's context.
 */
#ifndef WB_MTA_RESOLVE_ASK_H
#define WB_MTA_RESOLVE_ASK_H

#include "mta/msg/dns.h"
#include "mta/resolve/servers.h"
#include "mta/resolve/validation.h"

struct ask;
struct ask_question;
typedef void ask_cb(void *arg, const struct dns_answer *);	/* answer: borrowed */

/*
 * anchor: zone-file text of DS or DNSKEY records (of the root, as a rule), or
 * empty.  changed(arg): whether answers are validated has changed.  fatal() on
 * failure.
 */
struct ask	*ask_new(const struct servers *, struct span anchor, void (*changed)(void *), void *arg);
void		 ask_free(struct ask **);
/*
 * cb is called once: from the loop, within ASK_TIMEOUT_MS.  NULL when the
 * question could not be asked (cb is not called).
 */
struct ask_question *ask_start(struct ask *, enum dns_type, struct span name, ask_cb *, void *arg);
/* Gives a question up; cb is not called. */
void		 ask_cancel(struct ask *, struct ask_question **);
const struct validation *ask_validation(const struct ask *);

#define ASK_TIMEOUT_MS	15000
#define ASK_MAX		4096	/* open questions */

#endif
