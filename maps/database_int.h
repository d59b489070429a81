/*
 * database_int.h - what reading and writing a database share.
 */
#ifndef WB_MAPS_DATABASE_INT_H
#define WB_MAPS_DATABASE_INT_H

#include "base/span.h"

#define MAP_DB_ABOUT	SPAN("\0waybill")
#define MAP_DB_LISTS	SPAN("\0lists")
#define MAP_DB_SEAL	SPAN("\0seal")
#define MAP_DB_UNSEALED	SPAN("waybill-sum 0000000000000000 00000000")

uint32_t	map_db_crc(struct span key, uint32_t line, struct span value);

#endif
