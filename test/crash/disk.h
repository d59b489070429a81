/*
 * disk.h - what stands on a disk after a power cut.
 *
 * Fed with a trace up to some event it knows what is durable (covered by a
 * sync that began after it and has ended) and what is not.  An image has all
 * that is durable; of the rest each sector of 512 octets of each write, and
 * each change of a folder, is there or is not.
 */
#ifndef WB_TEST_CRASH_DISK_H
#define WB_TEST_CRASH_DISK_H

#include "test/crash/trace.h"

struct disk;

enum disk_rest {
	DISK_NOTHING,	/* of what was not synced */
	DISK_ALL,
	DISK_SECTORS,	/* each by itself, by chance */
	DISK_WRITES,	/* whole ones, by chance */
	DISK_NRESTS
};

struct disk	*disk_new(void);
void		 disk_free(struct disk **);
void		 disk_feed(struct disk *, const struct trace_event *);
/*
 * The folder `top` of an image below `path`, which is made: its files and
 * those of its sub-folders, whose inodes are named.  0 or -1.
 */
struct disk_folder {
	uint64_t	 ino;
	const char	*name;	/* below path; "" is path itself */
};
int		 disk_write(const struct disk *, const struct disk_folder *, unsigned n,
		    const char *path, enum disk_rest, uint64_t seed);

#endif
