/*
 * tables.h - the tables of a configuration that are files, as indexes.
 *
 * waybill-index reads a file; what it made of it (a sealed memfd, maps/index.h)
 * goes to all who evaluate the policy.  A file whose mark is still the same is
 * not read again by the next generation.  What cannot be read whole does not
 * take the place of what serves.
 */
#ifndef WB_MTA_PARENT_TABLES_H
#define WB_MTA_PARENT_TABLES_H

#include "base/chan.h"
#include "base/json.h"

struct generation;

/* Fills in which tables there are; none of them has been read. */
void		 tables_init(struct generation *);
void		 tables_clear(struct generation *);
/*
 * What old has serves on where it is the same table; it is wanted anew when a
 * file of it, or one that it includes, has changed since, and has not failed
 * already as it is now.  Of a file that is not there this is said at once.
 */
void		 tables_inherit(struct generation *, const struct generation *old);

/* How many are wanted by the run for accounts, or by the other. */
size_t		 tables_wanted(const struct generation *, bool accounts);
/* CONFIG_FILE of those, and of all files that tables include. */
void		 tables_send_files(const struct generation *, struct chan *, bool accounts);
/* CONFIG_FILE of all tables of accounts, for auth alone. */
void		 tables_send_accounts(const struct generation *, struct chan *);
/* An INDEXED of that run has come; false: nonsense. */
bool		 tables_indexed(struct generation *, struct msg *, bool accounts);
/* Those of that run that are still wanted will not come. */
void		 tables_give_up(struct generation *, bool accounts, const char *why);

/* One has a new index, compared with what it inherited. */
bool		 tables_have_new(const struct generation *);
/* One includes a file that the image does not name: it must be compiled. */
bool		 tables_need_image(const struct generation *);
/* One was given up, and nothing is wrong with its file. */
bool		 tables_need_again(const struct generation *);
/* What is wrong with files of `from` is said of these, which serve on. */
void		 tables_take_faults(struct generation *, struct generation *from);

/* CONFIG_TABLE of all that there are. */
void		 tables_send(const struct generation *, struct chan *);
/* "tables": an array for `status`. */
void		 tables_json(const struct generation *, struct json *);

#endif
