/*
 * report_queue.h - the channel to the queue: reports that go by mail, and who asks what there is.
 *
 * A report that is open is told again on a new channel.
 */
#ifndef WB_MTA_FETCH_REPORT_QUEUE_H
#define WB_MTA_FETCH_REPORT_QUEUE_H

#include "base/chan.h"

struct report_queue;
/* ok: it is in the queue, durable. */
typedef void report_mailed_cb(void *arg, bool ok);
/* REPORT_ASK, to be answered on the channel; false: nonsense. */
typedef bool report_ask_cb(void *arg, struct chan *, struct msg *);

struct report_queue *report_queue_new(report_ask_cb *, void *arg);
/* A channel to the queue, new or again; takes fd. */
void	 report_queue_attach(struct report_queue *, int fd);
/* cb is called exactly once, from the loop, unless it is cancelled.  Texts are copied. */
uint64_t report_queue_mail(struct report_queue *, struct span to, struct span content, report_mailed_cb *, void *arg);
void	 report_queue_cancel(struct report_queue *, uint64_t ticket);

#endif
