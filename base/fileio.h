/*
 * fileio.h - whole reads and writes, and names that survive a power cut.
 */
#ifndef WB_BASE_FILEIO_H
#define WB_BASE_FILEIO_H

#include "base/buf.h"

/* All of fd (from its start, at most max octets) to the end of out; 0 or -1 with errno (EFBIG). */
int	file_read_fd(int fd, size_t max, struct buf *out);
int	file_read(const char *path, size_t max, struct buf *out);
/* All n octets, or -1 with errno; goes on after EINTR and short writes. */
int	file_write_all(int fd, const void *, size_t n);
int	file_pwrite_all(int fd, const void *, size_t n, uint64_t off);
int	file_pread_all(int fd, void *, size_t n, uint64_t off);	/* short: errno = ENODATA */
/* Written beside, synced, renamed, folder synced.  0 or -1 with errno. */
int	file_replace(int dirfd, const char *name, const void *, size_t n, unsigned mode);

#endif
