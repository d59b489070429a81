/*
 * landlock.h - a process that opens files, but only some (landlock(7)).
 */
#ifndef WB_BASE_LANDLOCK_H
#define WB_BASE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * From here on this thread, and those that it begins, may open for reading
 * what lies at or below the n paths, and nothing else; nothing may be written,
 * made or removed.  Those that are not there are passed over.  For
 * good: a second call can only take away.  After confine_sandbox() (no new
 * privileges).  False: the kernel has none, nothing has changed.
 */
bool	landlock_read_only(const char *const *paths, size_t n);

#endif
