/*
 * body.h - the content of a large message on its way into a file of its own.
 *
 * The file comes from the queue (this process opens none).  A thread writes,
 * one piece at a time; meanwhile the session is parked and its input unread,
 * which is what slows a client down that sends faster than the disk writes.
 */
#ifndef WB_MTA_SMTP_BODY_H
#define WB_MTA_SMTP_BODY_H

#include "mta/smtp/intake.h"

struct body;
struct pool;

/* After each step; error: 0, ENOSPC (452 4.3.1), another errno (451 4.3.0). */
typedef void body_cb(void *arg, int error);

/* Asks the queue for the file; cb when it is there. */
struct body	*body_open(struct intake *, struct pool *, uint64_t qid,
	    body_cb *, void *arg);
/* Writes what is in piece at the end; takes its memory. */
void		 body_write(struct body *, struct buf *piece, body_cb *,
	    void *arg);
/*
 * Takes the last piece, puts header (when it is not empty) in the place of the
 * first old_header
 * octets, syncs, computes the checksum.
 */
void		 body_finish(struct body *, struct buf *piece,
	    struct buf *header, uint64_t old_header, body_cb *, void *arg);
uint64_t	 body_length(const struct body *);
uint32_t	 body_crc(const struct body *);		/* after body_finish() */
/*
 * keep: a record will name it; else the queue is told to remove it. May be
 * called at any time, cb is then not called.
 */
void		 body_close(struct body **, bool keep);

#endif
