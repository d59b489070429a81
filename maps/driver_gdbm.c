/*
 * driver_gdbm.c - a gdbm database, or the text that it will be made of.
 */
#include "config.h"

#include "maps/map_int.h"

const struct map_driver map_driver_gdbm = { "gdbm", map_text_open };
