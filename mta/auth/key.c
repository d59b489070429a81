/*
 * key.c - the key of salts that are nobody's.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/fileio.h"
#include "base/log.h"

#include "mta/auth/key.h"

#define FOLDER		"auth"
#define NAME		"key"
#define NEW_NAME	"key.new"
#define USER_MAX	1024	/* octets */

static int
folder_open(const char *spool)
{
	int	 at, fd;

	if (mkdir(spool, 0700) == -1 && errno != EEXIST)
		fatal("spool %s", spool);
	if ((at = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		fatal("spool %s", spool);
	if (mkdirat(at, FOLDER, 0700) == -1 && errno != EEXIST)
		fatal("spool folder " FOLDER);
	fd = openat(at, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		fatal("spool folder " FOLDER);
	close(at);
	return fd;
}

/* false: there is none, or not all of one. */
static bool
key_read(int folder, uint8_t key[AUTH_KEY_OCTETS])
{
	struct buf	 b = { 0 };
	int		 fd = openat(folder, NAME,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool		 ok;

	if (fd == -1)
		return false;
	ok = file_read_fd(fd, AUTH_KEY_OCTETS, &b) == 0 &&
	    b.n == AUTH_KEY_OCTETS;
	if (ok)
		memcpy(key, buf_span(&b).p, AUTH_KEY_OCTETS);
	buf_clear(&b);
	close(fd);
	return ok;
}

static void
key_make(int folder, uint8_t key[AUTH_KEY_OCTETS])
{
	int	 fd = openat(folder, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0600);

	random_bytes(key, AUTH_KEY_OCTETS);
	if (fd == -1 || file_write_all(fd, key, AUTH_KEY_OCTETS) == -1 ||
	    fsync(fd) == -1 ||
	    renameat(folder, NEW_NAME, folder, NAME) == -1)
		fatal("spool file " FOLDER "/" NAME);
	close(fd);
}

void
key_open(const char *spool, uint8_t key[AUTH_KEY_OCTETS])
{
	int	 folder;

	if (spool == NULL) {
		random_bytes(key, AUTH_KEY_OCTETS);
		return;
	}
	folder = folder_open(spool);
	if (!key_read(folder, key))
		key_make(folder, key);
	close(folder);
}

/* --- what comes out of it */

/* One block of SHA-256. */
static void
block(const uint8_t key[AUTH_KEY_OCTETS], const struct key_of *of,
    unsigned nth, uint8_t out[32])
{
	uint8_t	 text[2 + 32 + USER_MAX];
	size_t	 i, n = of->user.n < USER_MAX ? of->user.n : USER_MAX;

	text[0] = (uint8_t)of->purpose;
	text[1] = (uint8_t)nth;
	digest_sha256(of->maps, text + 2);
	for (i = 0; i < n; i++)
		text[34 + i] = (uint8_t)ascii_lower(of->user.p[i]);
	if (HMAC(EVP_sha256(), key, AUTH_KEY_OCTETS, text, n + 34, out,
	    NULL) == NULL)
		fatalx("HMAC-SHA-256");
}

void
key_octets(const uint8_t key[AUTH_KEY_OCTETS], const struct key_of *of,
    uint8_t *out, size_t n)
{
	uint8_t		 some[32];
	unsigned	 nth;
	size_t		 take;

	for (nth = 0; n > 0; nth++) {
		block(key, of, nth, some);
		take = n < sizeof(some) ? n : sizeof(some);
		memcpy(out, some, take);
		out += take;
		n -= take;
	}
}
