/*
 * intake_int.h - what the files of the intake share.
 *
 *   intake.c           messages that wait, batches, who is answered what
 *   intake_segments.c  the segments: asked for, sealed, retired
 *   intake_queue.c     the channel to the queue, body files
 *   intake_etrn.c      what is asked of the queue by ETRN
 *   batch.c            what the thread does
 */
#ifndef WB_MTA_SMTP_INTAKE_INT_H
#define WB_MTA_SMTP_INTAKE_INT_H

#include "base/chan.h"
#include "base/hash.h"
#include "base/loop.h"
#include "mta/msg/space.h"
#include "mta/smtp/batch.h"
#include "mta/spool/qid.h"

struct message_list {		/* first come first */
	struct intake_message	*head, **tail;
	size_t			 n;
};

struct intake {
	struct chan		*chan;		/* to the queue; NULL: it has died */
	struct intake_segment	 active, spare;
	bool			 wanted;	/* SEGMENT_WANTED is under way */
	struct space		 space;		/* as the queue has said last */
	bool			 has_floor;
	bool			 revoked;	/* active, while a batch runs on it */
	struct qid_gen		 gen;
	unsigned		 transactions;
	struct message_list	 waiting;
	struct batch		*running;
	struct batch		*parked;	/* running, on disk, no queue to tell */
	struct pool		*pool;
	struct htab		 bodies;	/* qid: body_question */
	struct etrn_question	*etrns, **etrns_tail;	/* oldest first */
	uint64_t		 etrn_ticket;
	int64_t			 gone_ms;	/* when the channel was lost */
	uint64_t		 held;
	struct turn_hook	 hook;
	struct timer		 company, sweep;
	void			(*finished)(void *);
	void			*finished_arg;
	struct intake_counters	 count;
};

/* --- intake.c */
/* The batch that waited for a queue is answered. */
void	parked_answer(struct intake *, enum intake_result);

/* --- intake_segments.c */
void	segment_drop(struct intake_segment *);
/* type, segment, its tail: to the queue, when there is one. */
void	say_segment(struct intake *, unsigned type,
	    const struct intake_segment *);
/* Asks for one, unless both are there or one is under way. */
void	want_segment(struct intake *);
/* The spare one is written from now on. */
void	next_segment(struct intake *);
/* A thread writes its table of contents; the queue is told. */
void	seal_active(struct intake *);
/* After a failure nothing more is written to it: not even a table. */
void	retire_active(struct intake *, int error);

/* --- intake_etrn.c */
/* Those that were asked at this time or before are not answered any more. */
void	etrns_fail(struct intake *, int64_t before);
bool	etrn_answered(struct intake *, struct msg *);

/* --- intake_queue.c */
/* Body files that were asked for at this time or before: they do not come. */
void	bodies_fail(struct intake *, int64_t before);

#endif
