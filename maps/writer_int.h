/*
 * writer_int.h - what the writers share.
 */
#ifndef WB_MAPS_WRITER_INT_H
#define WB_MAPS_WRITER_INT_H

#include "maps/writer.h"

extern const struct map_writer_format	map_writer_btree, map_writer_cdb,
    map_writer_gdbm, map_writer_hash, map_writer_lmdb;

/* The octets of a file that a library has written; 0 or -1 with errno. */
int	map_write_sync(const char *path);

#endif
