/*
 * fake_world.h - a world that answers from a small table, or at random but
 * always the same for the same question; it may let the asker wait first.
 */
#ifndef WB_TEST_RULESET_FAKE_WORLD_H
#define WB_TEST_RULESET_FAKE_WORLD_H

#include "base/buf.h"
#include "base/hash.h"
#include "ruleset/interp.h"

struct fake_world {
	uint64_t	seed;		/* 0: the table of fake_world.c */
	/*
	 * Not 0: questions wait some times, drawn from this; what has been
	 * answered once is there.
	 */
	uint64_t	waits;
	struct htab	answered;
	unsigned	asked, waited;
	unsigned	counted;	/* answers about rates */
	struct buf	effects;	/* "add header x; " for each */
	struct arena	arena;		/* of values */
	const struct rs_image *im;
};

extern const struct rs_world fake_world;

void		fake_clear(struct fake_world *);
/* A verdict and the effects before it, in one line. */
const char	*fake_describe(struct fake_world *, const struct rs_verdict *);
/* Runs func without arguments to its end, resuming as often as it waits. */
const char	*fake_run(struct fake_world *, struct rs_eval *, uint32_t func);

#endif
