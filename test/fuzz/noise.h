/*
 * noise.h - a world that says, and delays, whatever it likes; and counts what
 * it is asked, as rs_cost_hook() does.
 */
#ifndef WB_TEST_FUZZ_NOISE_H
#define WB_TEST_FUZZ_NOISE_H

#include "ruleset/cost.h"
#include "ruleset/interp.h"

struct noise {
	uint64_t		 x;		/* not 0: where it is drawn from */
	unsigned		 waits;		/* answers that may still be late */
	const struct rs_image	*im;
	struct rs_cost		 asked;
};

extern const struct rs_world noise_world;	/* its ctx: struct noise */

uint64_t	noise_draw(struct noise *);
struct rs_value	noise_value(struct noise *);	/* of any type */

#endif
