/*
 * rdata.h - the data of resource records (RFC 1035, 3.3; RFC 3596): octets in, records out.
 *
 * A record that is malformed, or whose name is no host name, is left out: what
 * comes from here stands in logs, commands and look-ups.
 */
#ifndef WB_MTA_RESOLVE_RDATA_H
#define WB_MTA_RESOLVE_RDATA_H

#include "base/arena.h"
#include "mta/msg/dns.h"

#define RDATA_QUESTION_MAX	1024	/* 253 octets, each as "\\255" */

/* One record; names and texts lie in the arena. */
bool	rdata_parse(enum dns_type, struct span rdata, struct arena *, struct dns_record *out);
/* "example.org" is a host's name: labels of 1 to 63 octets, 253 in all, without controls, blanks and quotes. */
bool	rdata_name_ok(struct span name);
/* The name can be asked for: the same lengths, no controls (the macros of SPF put anything else into names). */
bool	rdata_question_ok(struct span name);
/* As master files and libunbound write it (RFC 1035, 5.1): "\DDD" for what is not in hosts' names. */
const char *rdata_question(struct span name, char out[RDATA_QUESTION_MAX]);

#endif
