/*
 * read_log.h - a status log as octets of the test's own.
 */
#ifndef WB_TEST_QUEUE_READ_LOG_H
#define WB_TEST_QUEUE_READ_LOG_H

#include "mta/queue/journal.h"

/* Added to out. 0 or -1. */
static inline int
read_log(int dirfd, struct buf *out)
{
	struct span	s;

	if (journal_map(dirfd, &s) == -1)
		return -1;
	buf_add_span(out, s);
	journal_unmap(&s);
	return 0;
}

#endif
