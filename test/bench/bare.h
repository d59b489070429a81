/*
 * bare.h - look-ups by the libraries of databases alone, beside which ours are
 * measured.
 */
#ifndef WB_TEST_BENCH_BARE_H
#define WB_TEST_BENCH_BARE_H

#include "base/span.h"

struct bare;

/* gdbm, cdb or lmdb, or a message and the end; NULL: cdb is not built. */
struct bare	*bare_open(const char *library, const char *path);
/* Whether it has the key; b is the struct bare. */
bool		 bare_find(void *b, struct span key);
void		 bare_close(struct bare **);

#endif
