/*
 * throttle.c - rates, reasons, delay; throttle.h.
 */
#include "mta/queue/throttle.h"

#include <assert.h>

#define SMOOTH		8	/* seconds that a rate looks back, about */
#define LEAVE		64	/* a limit is left when this part of it is free again */

static unsigned
reason_bit(enum reason r)
{
	assert(reason_of(r) == REASON_OF_SERVER);
	return (unsigned)r - REASON_DISK;
}

bool
throttle_held(uint32_t holds, enum reason r)
{
	return (holds >> reason_bit(r) & 1) != 0;
}

bool
throttle_holds(const struct throttle *t, enum reason r)
{
	return throttle_held(t->holds, r);
}

int64_t
throttle_since_ms(const struct throttle *t, enum reason r)
{
	return t->since_ms[reason_bit(r)];
}

static void
set(struct throttle *t, enum reason r, bool on, int64_t wall_ms)
{
	uint32_t	bit = 1u << reason_bit(r);

	if (on == throttle_holds(t, r))
		return;
	t->holds ^= bit;
	t->since_ms[reason_bit(r)] = wall_ms;
}

/* Reached; it is left a little below, so that it does not begin each second. */
static bool
above(uint64_t n, uint64_t limit, bool held)
{
	return limit > 0 && n >= limit - (held ? limit / LEAVE : 0);
}

static bool
above_own(uint64_t n, uint64_t limit)
{
	return above(n, limit + limit / THROTTLE_OWN_SHARE, false);
}

/* --- what strangers and users are told */

static enum space_state
for_strangers(const struct throttle *t)
{
	if (throttle_holds(t, REASON_DISK) ||
	    throttle_holds(t, REASON_NO_SEGMENT) ||
	    throttle_holds(t, REASON_MEMORY))
		return SPACE_FULL;
	return throttle_holds(t, REASON_MESSAGES) ? SPACE_BUSY : SPACE_OPEN;
}

static enum space_state
for_users(const struct throttle *t, const struct throttle_now *now)
{
	if (throttle_holds(t, REASON_NO_SEGMENT) ||
	    now->free < now->reserve / 2 ||
	    above_own(now->memory, t->memory))
		return SPACE_FULL;
	return above_own(now->queued, t->messages) ? SPACE_BUSY : SPACE_OPEN;
}

bool
throttle_look(struct throttle *t, const struct throttle_now *now,
    int64_t wall_ms)
{
	struct space	was = t->space;
	uint32_t	held = t->holds;

	set(t, REASON_DISK, now->free < now->reserve, wall_ms);
	set(t, REASON_NO_SEGMENT, now->no_segment, wall_ms);
	set(t, REASON_MEMORY, above(now->memory, t->memory,
	    throttle_holds(t, REASON_MEMORY)), wall_ms);
	set(t, REASON_MESSAGES, above(now->queued, t->messages,
	    throttle_holds(t, REASON_MESSAGES)), wall_ms);
	t->space.strangers = for_strangers(t);
	t->space.users = for_users(t, now);
	return held != t->holds || !space_eq(&was, &t->space);
}

/* --- rates and the delay */

static uint64_t
smooth(uint64_t rate, uint64_t n)
{
	return (rate * (SMOOTH - 1) + n * 1000) / SMOOTH;
}

/* Up by a quarter a second while more come than go, down by half when not. */
static uint32_t
next_delay(uint32_t ms, bool grows)
{
	if (!grows)
		return ms / 2 < THROTTLE_DELAY_FIRST_MS ? 0 : ms / 2;
	if (ms == 0)
		return THROTTLE_DELAY_FIRST_MS;
	ms += ms / 4;
	return ms > THROTTLE_DELAY_MAX_MS ? THROTTLE_DELAY_MAX_MS : ms;
}

void
throttle_begin(struct throttle *t, const struct throttle_now *now)
{
	t->come = now->come;
	t->gone = now->gone;
	t->come_mps = t->gone_mps = 0;
}

bool
throttle_step(struct throttle *t, const struct throttle_now *now,
    int64_t wall_ms)
{
	bool		over = t->mark > 0 && now->queued > t->mark;
	uint32_t	was = t->space.delay_ms, held = t->holds;
	bool		changed;

	t->come_mps = smooth(t->come_mps, now->come - t->come);
	t->gone_mps = smooth(t->gone_mps, now->gone - t->gone);
	t->come = now->come;
	t->gone = now->gone;
	t->space.delay_ms = next_delay(was,
	    over && t->come_mps > t->gone_mps);
	set(t, REASON_MARK, t->space.delay_ms > 0, wall_ms);
	changed = was != t->space.delay_ms || held != t->holds;
	return throttle_look(t, now, wall_ms) || changed;
}
