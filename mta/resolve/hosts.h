/*
 * hosts.h - /etc/hosts: names and addresses that DNS is not asked for.
 *
 * "localhost" is there always (RFC 6761, 6.3).  Names are kept lower case,
 * addresses under their reverse names, the first line of each counts for PTR.
 */
#ifndef WB_MTA_RESOLVE_HOSTS_H
#define WB_MTA_RESOLVE_HOSTS_H

#include "base/arena.h"
#include "base/hash.h"
#include "mta/msg/dns.h"

#define HOSTS_LINES_MAX	65536	/* lines beyond are left out */

struct hosts {
	struct arena	arena;
	struct htab	names;		/* lower-case name -> struct hosts_name */
	struct htab	reverse;	/* "1.0.0.127.in-addr.arpa" -> struct hosts_name */
};

/* Reads the text of a hosts file into a zeroed table; localhost is added. */
void	hosts_parse(struct hosts *, struct span text);
void	hosts_clear(struct hosts *);
/* Whether the file names it (any type). */
bool	hosts_has(const struct hosts *, struct span name);
/*
 * Answers A, AAAA or PTR.  false: the file says nothing of this name, ask
 * DNS.  records has DNS_RECORDS_MAX places; spans are the table's.
 */
bool	hosts_answer(const struct hosts *, enum dns_type, struct span name, struct dns_record *records, struct dns_answer *out);

#endif
