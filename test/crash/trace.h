/*
 * trace.h - what writers of files have done, in order: the shim's record.
 *
 * A file that all processes map: u64 octets used, then events, each a struct
 * trace_event and its data, padded to 8.  A place is reserved by one atomic
 * addition; kind is stored last, so that a half-written event reads as none.
 *
 *   WRITE   ino, offset, data      ZERO     ino, offset, size (all zeros)
 *   TRUNC   ino, offset = length   CREATE   dir, ino, data = name
 *   RENAME  dir, data = old NUL new         UNLINK   dir, data = name
 *   MOVE    dir, ino = the folder it came from, data = old NUL new
 *   BEGIN, END                     of a sync of ino (a file or a folder)
 *   MARK    offset = what, size = a number: the test's own
 */
#ifndef WB_TEST_CRASH_TRACE_H
#define WB_TEST_CRASH_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_SIZE	(2ull << 30)	/* sparse */

enum trace_kind {
	TRACE_NONE, TRACE_WRITE, TRACE_ZERO, TRACE_TRUNC, TRACE_CREATE,
	TRACE_RENAME, TRACE_UNLINK, TRACE_BEGIN, TRACE_END, TRACE_MARK,
	TRACE_MOVE
};

struct trace_event {
	uint32_t	kind;
	uint32_t	data_n;
	uint64_t	ino, dir;
	uint64_t	offset, size;
};

/* A queue id each; what the test has seen from outside. */
enum trace_mark {
	MARK_ACKED,	/* acknowledged: must be there, until GONE */
	MARK_RETURNED,	/* acknowledged, cannot be delivered: it or its notification must be there */
	MARK_GONE,	/* a next hop or mailbox has it */
	MARK_COMMITTED,	/* a mailbox was told to show it: must never be prepared anew */
	MARK_BOX	/* acknowledged, for a mailbox: it is live, or stands there, and never both */
};

/* Begins to record into this file (made if needed); also by $WAYBILL_SHIM_TRACE. */
void	trace_open(const char *path);
void	trace_mark(enum trace_mark, uint64_t number);
/* Syncs are not done and not recorded: the test of the test. */
void	trace_swallow_syncs(bool);

#endif
