/*
 * snapshot.h - a file's octets as they were at one moment.
 *
 * A database may be written in its place by the program that made it (sendmail
 * and Postfix lock it meanwhile); a text is renamed or, by some editors,
 * overwritten.  Only a descriptor is needed, no path and no library.
 */
#ifndef WB_MAPS_SNAPSHOT_H
#define WB_MAPS_SNAPSHOT_H

#include "maps/map_int.h"

/*
 * Reads all of fd under a shared lock (fcntl(2)) that is waited for at most a
 * second, and sees that the file did not change meanwhile.  The octets are the
 * map's.  NULL with *why (static).
 */
struct map_text	*map_snapshot(struct map *, int fd, const char **why);

#endif
