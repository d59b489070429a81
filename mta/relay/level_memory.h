/*
 * level_memory.h - which hosts had TLSA records a short while ago.
 *
 * While the resolver passes no signatures on nobody can say whether a host has
 * DANE: mail goes on without.  But who can strip signatures could so take DANE
 * away from a host that is known to have it; its mail waits, for at most
 * LEVEL_MEMORY_S after its records were last seen.
 */
#ifndef WB_MTA_RELAY_LEVEL_MEMORY_H
#define WB_MTA_RELAY_LEVEL_MEMORY_H

#include "base/span.h"

#define LEVEL_MEMORY_S		86400	/* so long after its records were seen a host is remembered */
#define LEVEL_MEMORY_HOSTS	16384	/* a host may take another's place */

struct level_memory;

struct level_memory	*level_memory_new(void);
void	 level_memory_free(struct level_memory **);
/* at: "_25._tcp.mx.example"; has: it has records, else none any more. */
void	 level_memory_put(struct level_memory *, struct span at, bool has, int64_t now_ms);
bool	 level_memory_has(const struct level_memory *, struct span at, int64_t now_ms);

#endif
