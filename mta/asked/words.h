/*
 * words.h - what a policy says of a table that a server has.
 */
#ifndef WB_MTA_ASKED_WORDS_H
#define WB_MTA_ASKED_WORDS_H

#include "base/arena.h"
#include "maps/asked/asked.h"
#include "ruleset/image.h"

/*
 * A map's words; spans lie in the image or in the arena.  The password of
 * `password file` is secret, what stands in the file.
 */
void	words_read(const struct rs_image *, uint32_t map, struct span secret, struct arena *, struct asked_source *);
/*
 * The same for the passwords of a map of accounts: what `verify` asks, or that
 * `bind` is wanted.  False: it has neither.  Only auth asks so.
 */
bool	words_verify(const struct rs_image *, uint32_t map, struct span secret, struct arena *, struct asked_source *);
/* The file that its driver reads itself, and so must be allowed to; empty: none. */
struct span	words_file(const struct rs_image *, uint32_t map);

#endif
