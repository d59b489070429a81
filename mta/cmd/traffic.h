/*
 * traffic.h - sessions that have been, one a line: for `waybill diff`.
 *
 * A line is a JSON object, or a line of the server's log that has one behind
 * the word `traffic` (run --records).  waybill(8) says what may stand in it.
 */
#ifndef WB_MTA_CMD_TRAFFIC_H
#define WB_MTA_CMD_TRAFFIC_H

#include "base/ip.h"

#include "mta/cmd/cmd.h"

#define TRAFFIC_LINE_MAX	(4u << 20)	/* octets; longer lines are left out */

/* Strings are borrowed until the next line; empty ones were not said. */
struct traffic {
	unsigned long	line;		/* of the log */
	struct ip	client;
	struct span	listener, helo, login, name, verified_name;
	struct span	tls, cipher, certificate;
	struct span	from, body;
	bool		has_from, has_body;
	int64_t		now_ms;		/* 0: not said */
	uint64_t	size;
	struct cmd_list	rcpts, headers;
};

typedef void traffic_cb(void *arg, const struct traffic *);

/*
 * Calls cb for each session of the file; "-" is standard input.  *bad: lines
 * that say `traffic` or begin with a brace and cannot be read.  -1: errno.
 */
int	traffic_read(const char *path, traffic_cb *, void *arg, unsigned long *bad);
/* "2026-01-05T08:30:00Z" */
bool	traffic_time(const char *text, int64_t *ms);

#endif
