/*
 * crc.h - CRC-32C (Castagnoli; RFC 3720, appendix B.4), with the processor's
 * instruction where there is one.
 */
#ifndef WB_BASE_CRC_H
#define WB_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continues crc (0 to begin) over n octets. */
uint32_t	crc32c(uint32_t crc, const void *, size_t n);

#endif
