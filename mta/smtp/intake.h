/*
 * intake.h - messages that have ended go into this worker's segment; then, and
 * only then, they are answered.
 *
 * Group commit: the messages that end while a sync runs, and those that end
 * within a moment of each other, share the next pwritev and fdatasync, which a
 * thread does.  A batch starts as soon as half of the open transactions
 * wait (so at once when there is one session), or INTAKE_COMPANY_MS after the
 * first began to.  After the sync: ACCEPTED to the queue, flushed, then 250.
 *
 * A failed write or sync fails all of its batch (451 4.3.0) and retires the
 * segment: what a failed fdatasync has left is known to nobody, so it is never
 * synced again.  The queue is told how far the segment is good.
 *
 * Owns: the segments' descriptors, the channel to the queue, queue ids.
 */
#ifndef WB_MTA_SMTP_INTAKE_H
#define WB_MTA_SMTP_INTAKE_H

#include "base/buf.h"
#include "mta/msg/etrn.h"
#include "mta/msg/told.h"
#include "mta/spool/envelope.h"

#define INTAKE_COMPANY_MS	4
/* Octets that may wait for the queue to read them; above it MAIL gets 451. */
#define INTAKE_BACKLOG_MAX	(8u << 20)

struct intake;

enum intake_result {
	INTAKE_OK,	/* synced, and told to the queue: 250 */
	INTAKE_FAILED,	/* 451 4.3.0: not written, or no segment came in time */
	INTAKE_FULL	/* 452 4.3.1 */
};
typedef void intake_cb(void *arg, enum intake_result);

/* What is stored: all of it belongs to the intake once it has been given. */
struct intake_message {
	struct intake_message	*next;
	uint64_t		 qid;
	struct buf		 envelope;	/* formatted */
	struct buf		 content;	/* empty when it is in a body file */
	bool			 in_body;
	uint64_t		 content_length;
	uint32_t		 content_crc;	/* of the body file */
	size_t			 held;		/* octets that the session has counted as held */
	int64_t			 since_ms;
	uint64_t		 offset;	/* in the segment */
	size_t			 head, head_n;	/* the batch's: where its record's head is made */
	intake_cb		*done;		/* NULL: the client has gone; the message stays ours */
	void			*arg;
};

/* Lives as long as the process. */
struct intake	*intake_new(unsigned instance);
/* A channel to the queue, new or again; takes fd. */
void		 intake_attach(struct intake *, int fd);

enum intake_state {
	INTAKE_READY,
	INTAKE_NOT_NOW,	/* 451 4.3.0: the queue has not given a segment yet, or does not keep up */
	INTAKE_NO_SPACE, /* 452 4.3.1 */
	INTAKE_BUSY	/* 452 4.3.2: as many messages are queued as may be */
};
/* Asked at MAIL; user: one's own, for whom a part of each limit is kept. */
enum intake_state intake_state(const struct intake *, bool user);
/* So long MAIL's answer waits, because more comes than goes; 0: not at all. */
uint32_t	 intake_delay_ms(const struct intake *);
/* Unique for ever; only when intake_state() says READY. */
uint64_t	 intake_qid(struct intake *);

/* Transactions from MAIL to their end: how much company a batch may expect. */
void		 intake_transaction(struct intake *, int change);

/*
 * Takes m (made by xcalloc). done is called once, from the loop, never before
 * this returns.
 */
void		 intake_store(struct intake *, struct intake_message *m);
/* The client of m's done and arg has gone: forget them. */
void		 intake_forget(struct intake *, void *arg);

/*
 * A body file of the queue's for a content above SEGMENT_BODY_MAX.  cb is
 * called once, from
 * the loop, with a descriptor that it owns, or -1 with result FAILED or FULL.
 */
typedef void intake_body_cb(void *arg, int fd, enum intake_result);
void		 intake_body_wanted(struct intake *, uint64_t qid,
	    intake_body_cb *, void *arg);
/*
 * cb of that question is not wanted any more; the file is dropped when it
 * comes.
 */
void		 intake_body_cancel(struct intake *, uint64_t qid);
/* The file of a message that is not kept. */
void		 intake_body_dropped(struct intake *, uint64_t qid);

/* Nothing waits and no batch runs. */
bool		 intake_idle(const struct intake *);
/*
 * Seals the segment, so that the next start need not read it; cb when that is
 * done. Nothing may be stored after it.
 */
void		 intake_finish(struct intake *, void (*cb)(void *), void *arg);
/* Octets of content in memory that the intake holds. */
uint64_t	 intake_held(const struct intake *);

/*
 * ETRN: asks the queue to try what waits for a node.  cb is called once, from
 * the loop; UNABLE when the queue is away or does not answer in time.  Returns
 * a ticket for intake_etrn_cancel().
 */
typedef void intake_etrn_cb(void *arg, enum etrn_result, uint32_t messages);
uint64_t	 intake_etrn(struct intake *, enum etrn_how, struct span name,
	    intake_etrn_cb *, void *arg);
void		 intake_etrn_cancel(struct intake *, uint64_t ticket);

/*
 * The postmaster may be told of a session; more: of which he was not.  False:
 * the queue is away.
 */
bool		 intake_tell(struct intake *, enum session_told, unsigned more,
	    struct span text);

struct intake_counters {
	uint64_t	messages, batches, syncs, failed, sealed;
};
const struct intake_counters *intake_counters(const struct intake *);

#endif
