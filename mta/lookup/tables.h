/*
 * tables.h - the tables of the last generations that servers have.
 *
 * A table whose words are the same in the next generation goes on there, with
 * its connections and what it has kept.
 */
#ifndef WB_MTA_LOOKUP_TABLES_H
#define WB_MTA_LOOKUP_TABLES_H

#include "base/buf.h"
#include "maps/asked/asked.h"
#include "ruleset/image.h"

#define TABLES_GENERATIONS	3	/* that are held */

struct tables;
struct tables	*tables_new(const struct asked_names *);
void		 tables_free(struct tables **);
/*
 * What stands in the file of `password file` of a map's options (object);
 * called while a generation is opened, the octets are its until it returns.
 */
typedef struct span tables_secret_fn(void *arg, uint32_t object);
/* A new generation; the oldest one goes, and its questions are answered MAP_LATER. */
void		 tables_add(struct tables *, uint32_t generation, const struct rs_image *, tables_secret_fn *, void *arg);
/*
 * The table of a map.  NULL with *why: it has none, or one that cannot be
 * served.  *later: that generation is not there yet.
 */
struct asked_table *tables_find(const struct tables *, uint32_t generation, uint32_t map, const char **why, bool *later);
/* "tables":{"NAME":{...}}, of the newest generation. */
void		 tables_stats(const struct tables *, struct buf *out);

#endif
