/*
 * kept.c - refresh tokens that have to outlive us.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fileio.h"
#include "base/log.h"

#include "mta/credentials/kept.h"
#include "mta/credentials/reply.h"

void
kept_name(struct span parts, char out[KEPT_NAME])
{
	uint8_t	digest[32];

	digest_sha256(parts, digest);
	digest_hex(digest, sizeof(digest), out);
}

bool
kept_get(int folder, const char *name, struct buf *out)
{
	int	fd, rc;

	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		if (errno != ENOENT)
			log_warn("event=refresh-token file=%s", name);
		return false;
	}
	rc = file_read_fd(fd, REPLY_TOKEN_MAX, out);
	if (rc == -1)
		log_warn("event=refresh-token file=%s", name);
	close(fd);
	return rc == 0 && out->n > 0;
}

bool
kept_put(int folder, const char *name, struct span token)
{
	if (file_replace(folder, name, token.p, token.n, 0600) == 0)
		return true;
	log_warn("event=refresh-token file=%s why=\"it cannot be kept: after "
	    "a restart the older one will be used\"", name);
	return false;
}
