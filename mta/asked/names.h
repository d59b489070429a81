/*
 * names.h - the names that drivers ask for, looked up by the resolve process.
 */
#ifndef WB_MTA_ASKED_NAMES_H
#define WB_MTA_ASKED_NAMES_H

#include "maps/asked/asked.h"
#include "mta/msg/dns.h"

struct asked_names	names_by(struct dns_client *);

#endif
