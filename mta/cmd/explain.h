/*
 * explain.h - a hook that was asked, as text and as JSON: for `explain` and for
 * tests that fail.
 */
#ifndef WB_MTA_CMD_EXPLAIN_H
#define WB_MTA_CMD_EXPLAIN_H

#include "base/json.h"

#include "mta/cmd/play.h"

/* "colin@example.org: deliver family \"colin\" into /var/mail/colin" */
void	explain_target(const struct target *, struct buf *);
/* The command, rules, routes and the reply; policy: the text's name. */
void	explain_played(const struct played *, const struct rs_image *, const char *policy, struct buf *);
void	explain_played_json(struct json *, const struct played *, const struct rs_image *);

/* All that was played, on stdout. */
void	explain_say(const struct play *, const char *policy);
void	explain_say_json(const struct play *, const char *policy);

#endif
