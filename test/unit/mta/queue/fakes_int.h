/*
 * fakes_int.h - what fakes.c and fakes_out.c share.
 */
#ifndef WB_TEST_QUEUE_FAKES_INT_H
#define WB_TEST_QUEUE_FAKES_INT_H

#include "test/unit/mta/queue/fakes.h"

/* Of any of the channels: it is there no more. */
void	fakes_closed(struct chan *, void *fakes);
extern const struct chan_ops	fakes_relay_ops, fakes_spawner_ops;

#endif
