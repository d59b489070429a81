/*
 * notice.h - one notification while it is made: bounce.c decides that it is
 * due, bounce_ask.c asks `on bounce` about it, report.c writes it.
 */
#ifndef WB_MTA_QUEUE_NOTICE_H
#define WB_MTA_QUEUE_NOTICE_H

#include "mail/dsn_text.h"
#include "mta/queue/queue.h"

#define NOTICE_NAMES_MAX	1000	/* recipients in one notification */

enum notice_kind {
	NOTICE_FAILED,
	NOTICE_DELAYED,
	NOTICE_LATE,		/* after the deadline of BY=, mode N */
	NOTICE_ARRIVED
};

/* Who reads it. */
enum notice_reader {
	NOTICE_SENDER,
	NOTICE_COPY,		/* whom `on bounce` names: what the sender reads */
	NOTICE_POSTMASTER,	/* a copy for him */
	NOTICE_DOUBLE		/* he, because there is no sender to tell */
};

struct notice {
	struct own_batch	 batch;
	struct own_item		 item;
	struct queue		*q;
	uint64_t		 about;		/* queue id */
	enum notice_kind	 kind;
	enum notice_reader	 reader;
	struct span		 to;		/* lies in to_text */
	struct buf		 to_text;
	struct buf		 envelope, content;
	uint32_t		*dests;		/* that it tells of */
	uint32_t		 ndests;
	unsigned		 more;		/* of which the postmaster was not told */
	/* What `on bounce` has said. */
	bool			 header_only;
	struct buf		 language;
	struct buf		 copies;	/* addresses, each with LF behind it */
	/* While it is asked. */
	struct notice		*prev, *next;
	uint64_t		 ticket;
	int64_t			 asked_ms;
};

/* Nothing is left to do for a target of which it tells. */
static inline bool
notice_ends(const struct notice *no)
{
	return (no->kind == NOTICE_FAILED || no->kind == NOTICE_ARRIVED) &&
	    (no->reader == NOTICE_SENDER || no->reader == NOTICE_DOUBLE);
}

/* --- bounce.c */
/* Whether a notification of this kind is about the target. */
bool		notice_is_about(enum notice_kind, const struct dest *);
/* Written now, with its copies; it is taken. */
void		notice_go(struct notice *);
/* Its content and envelope are there: into the queue's own segment; it is taken. */
void		notice_write(struct notice *);
/* None is written, and what it tells of has ended; it is taken. */
void		notice_discard(struct notice *);

/* --- bounce_ask.c */
/* Takes it until `on bounce` has said what becomes of it; false: it is not asked. */
bool		asks_begin(struct notice *, const struct message *);

/* --- report.c */
/* Under which name a target stands in it. */
struct span	notice_name(const struct dest *, const struct envelope *);
/* Fills envelope, content and item.  The arena is used only meanwhile. */
void		notice_compose(struct notice *, const struct message *, const struct envelope *, struct arena *);
/* Envelope and item for the content that it has: to whom, flags besides ENV_DSN. */
void		notice_address(struct notice *, uint32_t flags, struct span policy);

#endif
