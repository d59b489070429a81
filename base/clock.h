/*
 * clock.h - the two times: wall time for disk and people, boot time for waiting.
 */
#ifndef WB_BASE_CLOCK_H
#define WB_BASE_CLOCK_H

#include <stdint.h>

int64_t	clock_wall_ms(void);	/* since 1970, UTC; CLOCK_REALTIME */
int64_t	clock_boot_ms(void);	/* CLOCK_BOOTTIME */
int64_t	clock_boot_us(void);

#endif
