/*
 * digest.c - SHA-256 and random octets.
 */
#include <sys/random.h>

#include <errno.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/log.h"

void
digest_sha256(struct span s, uint8_t out[32])
{
	if (EVP_Digest(s.n > 0 ? s.p : "", s.n, out, NULL, EVP_sha256(),
	    NULL) != 1)
		fatalx("SHA-256 is not there");
}

void
digest_hex(const uint8_t *in, size_t n, char *out)
{
	static const char	hex[] = "0123456789abcdef";
	size_t			i;

	for (i = 0; i < n; i++) {
		*out++ = hex[in[i] >> 4];
		*out++ = hex[in[i] & 15];
	}
	*out = '\0';
}

void
random_bytes(void *out, size_t n)
{
	char	*p = out;
	ssize_t	 got;

	while (n > 0) {
		if ((got = getrandom(p, n, 0)) == -1) {
			if (errno == EINTR)
				continue;
			fatal("getrandom");
		}
		p += got;
		n -= (size_t)got;
	}
}
