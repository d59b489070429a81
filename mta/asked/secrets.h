/*
 * secrets.h - passwords for servers, out of the files that came along with a
 * configuration (CONFIG_SECRET).
 */
#ifndef WB_MTA_ASKED_SECRETS_H
#define WB_MTA_ASKED_SECRETS_H

#include "base/buf.h"
#include "mta/child/child.h"

struct asked_secrets {
	struct child_config	*config;	/* borrowed */
	struct buf		 text;		/* of the last one */
};

/*
 * The first line of the file of a map's options (object); arg: a struct
 * asked_secrets, whose the octets are until the next call.  Empty: there is
 * none.
 */
struct span	asked_secret(void *arg, uint32_t object);
/* Wipes it. */
void		asked_secrets_clear(struct asked_secrets *);

#endif
