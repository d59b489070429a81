/*
 * clock.c - wall time and boot time.
 */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

static struct timespec
now(clockid_t which)
{
	struct timespec	ts;

	if (clock_gettime(which, &ts) == -1)
		fatal("clock_gettime");
	return ts;
}

int64_t
clock_wall_ms(void)
{
	struct timespec	ts = now(CLOCK_REALTIME);

	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_boot_ms(void)
{
	return clock_boot_us() / 1000;
}

int64_t
clock_boot_us(void)
{
	struct timespec	ts = now(CLOCK_BOOTTIME);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
