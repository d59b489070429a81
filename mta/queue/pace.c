/*
 * pace.c - recipients by slots of time.
 */
#include "mta/queue/pace.h"

#include <string.h>

#define NSLOTS	(PACE_SLOTS + 2)

static int64_t
slot_ms(const struct pace *p)
{
	return p->ms < PACE_SLOTS ? 1 : p->ms / PACE_SLOTS;
}

/* Slots that are not older than the time: all of them, for long times. */
static int64_t
live_slots(const struct pace *p)
{
	int64_t	n = (p->ms + slot_ms(p) - 1) / slot_ms(p) + 1;

	return n < NSLOTS ? n : NSLOTS;
}

static void
turn_to(struct pace *p, int64_t now_ms)
{
	int64_t	slot = now_ms / slot_ms(p), by = slot - p->slot, i;

	if (by <= 0)
		return;
	p->slot = slot;
	if (by > NSLOTS)
		by = NSLOTS;
	memmove(p->gone + by, p->gone,
	    (size_t)(NSLOTS - by) * sizeof(p->gone[0]));
	memset(p->gone, 0, (size_t)by * sizeof(p->gone[0]));
	for (i = live_slots(p); i < NSLOTS; i++)
		p->gone[i] = 0;
}

static uint32_t
sum(const struct pace *p)
{
	uint32_t	n = 0, i;

	for (i = 0; i < NSLOTS; i++)
		n += p->gone[i];
	return n;
}

uint32_t
pace_gone(struct pace *p, int64_t now_ms)
{
	turn_to(p, now_ms);
	return sum(p);
}

void
pace_set(struct pace *p, uint32_t most, int64_t ms, int64_t now_ms)
{
	uint32_t	n;

	p->most = most;
	if (ms == p->ms)
		return;
	n = p->ms == 0 ? 0 : pace_gone(p, now_ms);
	memset(p->gone, 0, sizeof(p->gone));
	p->ms = ms;
	p->slot = now_ms / slot_ms(p);
	p->gone[0] = n;
}

uint32_t
pace_left(struct pace *p, int64_t now_ms)
{
	uint32_t	n;

	if (p->most == 0)
		return UINT32_MAX;
	n = pace_gone(p, now_ms);
	return n < p->most ? p->most - n : 0;
}

void
pace_take(struct pace *p, uint32_t n, int64_t now_ms)
{
	if (p->most == 0)
		return;
	turn_to(p, now_ms);
	p->gone[0] += n;
}
