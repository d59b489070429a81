/*
 * writer_int.h - what the writers share.
 */
#ifndef WB_MAPS_WRITER_INT_H
#define WB_MAPS_WRITER_INT_H

#include "maps/writer.h"

extern const struct map_writer_format	map_writer_btree, map_writer_cdb,
    map_writer_gdbm, map_writer_hash, map_writer_lmdb;

/*
 * A name of an open file for libraries that take names only: what stands in its
 * folder meanwhile under the name that it was made with does not matter.
 */
#define FD_PATH_MAX	32
void	map_write_fd_path(int fd, char *out);	/* of FD_PATH_MAX octets */

#endif
