/*
 * crc_int.h - the slow way, which the test holds against the fast one.
 */
#ifndef WB_BASE_CRC_INT_H
#define WB_BASE_CRC_INT_H

#include <stddef.h>
#include <stdint.h>

uint32_t	crc32c_table(uint32_t crc, const void *, size_t n);

#endif
