/*
 * client_probe.h - what a session has seen of its hop, for `waybill route --probe`.
 */
#ifndef WB_MTA_RELAY_CLIENT_PROBE_H
#define WB_MTA_RELAY_CLIENT_PROBE_H

#include "base/json.h"
#include "mta/relay/client.h"

/*
 * In ready() or failed(): greeting, TLS wanted and reached, extensions, login; members
 * of the object under way.  Never a secret.
 */
void	client_probe_tell(const struct client *, struct json *);

#endif
