/*
 * digest.h - SHA-256 (OpenSSL).
 */
#ifndef WB_BASE_DIGEST_H
#define WB_BASE_DIGEST_H

#include "base/span.h"

void	digest_sha256(struct span, uint8_t out[32]);
/* 2 * n hex digits and NUL into out. */
void	digest_hex(const uint8_t *, size_t n, char *out);
/* Random octets from the kernel; fatal() when there are none. */
void	random_bytes(void *, size_t n);

#endif
