/*
 * forwards.h - FORWARD_READ: a forward file is read on a thread.
 */
#ifndef WB_MTA_DELIVER_FORWARDS_H
#define WB_MTA_DELIVER_FORWARDS_H

#include "base/chan.h"

#define FORWARDS_MAX	64	/* at once; more are told LATER */

/* Answers go to c. */
void		forwards_begin(struct chan *c);
/* false: nonsense. */
bool		forwards_message(struct msg *);
/* Files that are being read. */
unsigned	forwards_open(void);
/* Called when the last of them has been answered. */
void		forwards_when_idle(void (*)(void));

#endif
