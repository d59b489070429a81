/*
 * target.h - where a recipient goes: what route answers and queue keeps.
 *
 * The text of a next hop is that of hop.h.
 */
#ifndef WB_MTA_MSG_TARGET_H
#define WB_MTA_MSG_TARGET_H

#include "base/arena.h"
#include "base/chan.h"

enum target_kind {
	TARGET_DELIVER = 1,	/* into a mailbox */
	TARGET_HOP,		/* relay, mx, lmtp */
	TARGET_DISCARD,
	TARGET_FAIL,		/* for good: a DSN says so */
	TARGET_LATER,		/* cannot say now: route again */
	/* No process of this version delivers so: route says LATER for them. */
	TARGET_PIPE = 7,	/* path: command; account: system user */
	TARGET_FILE,		/* path */
	TARGET_EXPANDED		/* nowhere: all that it has become goes as another recipient */
};

struct target {
	uint32_t	rcpt;		/* index in the envelope: whom it came from */
	uint8_t		kind;
	struct span	address;	/* final recipient, "local@domain" */
	struct span	hop;		/* TARGET_HOP */
	struct span	mail_from;	/* in the place of the message's sender; empty: that */
	bool		owned;		/* mail_from is the owner of a list that has it */
	struct span	rcpt_to;	/* TARGET_HOP, in the place of address; empty: that */
	struct span	mailbox;	/* TARGET_DELIVER: name in the policy */
	struct span	account;	/* key in its accounts */
	struct span	path;		/* absolute, of the Maildir or file */
	struct span	how;		/* kind and options of DELIVER (deliver.h); empty: a plain Maildir */
	struct span	forward;	/* the file that its owner is asked for; of dry runs alone, not sent */
	uint32_t	uid, gid;	/* its owner */
	uint16_t	code;		/* FAIL, LATER: reply code */
	struct span	status;		/* "5.1.1" */
	struct span	text;
};

/* It is done by a process of its owner (uid, gid). */
static inline bool
target_is_local(const struct target *t)
{
	return t->kind == TARGET_DELIVER || t->kind == TARGET_PIPE ||
	    t->kind == TARGET_FILE;
}

void	target_put(struct chan *, const struct target *);
/* Spans are borrowed from the message. false: nonsense (m->bad is set). */
bool	target_get(struct msg *, struct target *);

#endif
