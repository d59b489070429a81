/*
 * database.h - a table as a database, as map_build() writes it, and as other
 * programs do.
 *
 * Of ours, in any format: a key is folded (ASCII), a value is "LINE CRC VALUE":
 * the line of the text, CRC-32C of key, line and value in eight hex digits.
 * The key "\0waybill" says what the table is, with the number of its entries
 * and the sum of their CRCs: a file that is not whole never says that a key is
 * not there.  A database without that key is of others; its keys and values
 * are those of the kind, a NUL behind them left out.
 *
 * A file of ours is never changed, only renamed into place.
 */
#ifndef WB_MAPS_DATABASE_H
#define WB_MAPS_DATABASE_H

#include "maps/map_int.h"

#define MAP_DB_ABOUT	SPAN("\0waybill")

struct map_format;

/*
 * Reads all of a database of this format into the map; where the file is not
 * named as one and is a text, that text.
 */
void		 map_database_open(struct map *, const struct map_source *, const struct map_format *);
/* All pairs of a database as they lie there; 0, or -1 with *why: it is none, is damaged, or each() has stopped. */
int		 map_database_pairs(int fd, int (*each)(void *arg, struct span key, struct span value), void *arg, const char **why);
/* What goes into the about record; the sum is of map_db_crc(). */
struct map_db_about {
	struct span		 kind;
	uint64_t		 entries, sum;
	struct map_prefixes	 prefixes;	/* of access */
	bool			 host_names;
};
void		 map_db_about_format(const struct map_db_about *, struct buf *);
bool		 map_db_about_parse(struct span, struct map_db_about *, const char **why);
/* A value of ours, made and taken apart (false: it is none, or damaged). */
void		 map_db_value_format(struct span key, uint32_t line, struct span value, struct buf *);
bool		 map_db_value_parse(struct span key, struct span stored, struct map_answer *);
uint32_t	 map_db_crc(struct span key, uint32_t line, struct span value);

#endif
