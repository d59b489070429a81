/*
 * index.h - a table as one block of octets, that processes share.
 *
 * waybill-index reads a table (map_open) and writes it as an index; workers
 * map the sealed memory read-only and ask it as any other map.  An index has a
 * hash over folded keys, the entries with their lines, the octets of keys and
 * values, the members of included files, and what the driver needs besides
 * (networks, patterns).  Nothing in it is a pointer; who maps it checks every
 * offset before use, so that a damaged one gives MAP_BROKEN and no crash.
 * It lives as long as the generation that it was made for and never lies on a
 * disk: its format has no version to keep.
 */
#ifndef WB_MAPS_INDEX_H
#define WB_MAPS_INDEX_H

#include "maps/map.h"

/*
 * Writes the index of a map that has been opened to fd, an empty memfd or
 * file.  0, or -1 with errno: EFBIG above 4 GiB.
 */
int		 map_index_write(const struct map *, int fd);
/*
 * A map out of an index, mapped from fd (which stays the caller's); name,
 * driver, kind and host of the source count, the rest of it does not.  Always
 * gives a map, as map_open() does: one that is damaged, that is no memfd sealed
 * against writing and shrinking, or is -1, answers MAP_BROKEN.
 */
struct map	*map_index_open(const struct map_source *, int fd);

#endif
