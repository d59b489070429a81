/*
 * writer_gdbm.c - GDBM files.  The library's locks are not used: nobody else
 * knows the name that is written.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gdbm.h>
#include <limits.h>
#include <stdlib.h>

#include "maps/writer_int.h"

static void *
open_gdbm(int of, const char **why)
{
	GDBM_FILE	 file;
	int		 fd = fcntl(of, F_DUPFD_CLOEXEC, 0);

	(void)why;
	if (fd == -1)
		return NULL;
	/* Without mmap, which grows with each block, it takes a third less. */
	file = gdbm_fd_open(fd, "table", 0, GDBM_NEWDB | GDBM_NOLOCK |
	    GDBM_NOMMAP | GDBM_CLOERROR, NULL);
	return file;		/* fd is its own now; closed when it is NULL */
}

static int
put(void *file, struct span key, struct span value, const char **why)
{
	datum	 k = { (char *)(uintptr_t)key.p, (int)key.n };
	datum	 v = { (char *)(uintptr_t)value.p, (int)value.n };

	if (key.n > INT_MAX || value.n > INT_MAX) {
		*why = "an entry is too large for gdbm";
		return -1;
	}
	return gdbm_store(file, k, v, GDBM_INSERT) == 0 ? 0 : -1;
}

static int
close_gdbm(void *file, bool keep, const char **why)
{
	int	 rc = 0, saved = 0;

	(void)why;
	if (keep && gdbm_sync(file) != 0) {
		saved = errno;
		rc = -1;
	}
	if (gdbm_close(file) != 0) {
		saved = errno;
		rc = -1;
	}
	errno = saved;
	return rc;
}

const struct map_writer_format map_writer_gdbm = { "gdbm", ".gdbm", false,
    open_gdbm, put, close_gdbm };
