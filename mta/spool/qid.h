/*
 * qid.h - queue ids: 64 bits, unique over workers, generations and restores.
 *
 * Microseconds of wall time (52 bits), then the worker's instance and a spare
 * bit (6 bits) and a counter (6 bits); each worker gives out rising numbers, above the floor
 * that the queue names (the greatest it has ever seen), so that a clock set
 * back makes no duplicates.  As text 13 digits of base 32 (0-9, A-V), which
 * sort like the numbers.
 */
#ifndef WB_MTA_SPOOL_QID_H
#define WB_MTA_SPOOL_QID_H

#include "base/span.h"

#define QID_TEXT	14	/* with NUL */
#define QID_LOW_BITS	12	/* instance and counter; above them microseconds */
#define QID_QUEUE	62	/* instance of the queue */

struct qid_gen {
	uint64_t	last;
	unsigned	instance;	/* 0..31 smtp workers, 62 queue */
};

uint64_t	qid_next(struct qid_gen *);
void		qid_floor(struct qid_gen *, uint64_t floor);
const char	*qid_format(uint64_t, char out[QID_TEXT]);
bool		qid_parse(struct span, uint64_t *out);

/*
 * For tables of a power of two.  Queue ids are unique but regular: the low
 * bits of a worker repeat, the others count; the product's upper half is even.
 */
static inline uint64_t
qid_hash(uint64_t qid)
{
	return qid * 0x9E3779B97F4A7C15ull >> 32;
}

#endif
