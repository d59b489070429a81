/*
 * chunk.h - chunks of BDAT (RFC 3030, 2), for those who read octets and
 * commands; the command itself is cmd_bdat.c.
 */
#ifndef WB_MTA_SMTP_CHUNK_H
#define WB_MTA_SMTP_CHUNK_H

#include "mta/smtp/session.h"

#define CHUNK_DIGITS_MAX	19	/* of a size: INT64_MAX has as many */

/* While s->chunk_left: takes octets of the chunk; returns how many. */
size_t	chunk_take(struct session *, struct span);
/*
 * Refuses BDAT, and the transaction that it was to go on with.  Its octets are
 * eaten, or the session ends when their number is not known.
 */
void	bdat_refuse(struct session *, const struct smtp_command *,
	    enum smtp_reply why);
/* A line that is no command has been refused; if BDAT began it, the session ends. */
void	bdat_spoiled(struct session *, struct span line);

#endif
