/*
 * mx_set.h - which domains have the same MX hosts, told by a few octets.
 *
 * Two domains have the same set when their hosts, in the order of preference,
 * and the port are the same; the numbers that give the order do not count.
 */
#ifndef WB_MTA_RELAY_MX_SET_H
#define WB_MTA_RELAY_MX_SET_H

#include "mta/msg/dns.h"

#define MX_SET	16	/* octets of a digest */

/* Records of one answer; they are sorted. */
void	mx_set(struct dns_record *, size_t n, uint16_t port, uint8_t out[MX_SET]);

#endif
