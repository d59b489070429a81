/*
 * ip.h - addresses and networks of IPv4 and IPv6: text, order, masks.
 *
 * An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is made IPv4 on the way in, so
 * that a rule for a network cannot be slipped past by the other spelling.
 */
#ifndef WB_BASE_IP_H
#define WB_BASE_IP_H

#include "base/span.h"

#include <sys/socket.h>

struct ip {
	uint8_t	family;		/* 4, 6, or 0 for none */
	uint8_t	a[16];		/* network order; IPv4 in the first four */
};

struct ipnet {
	struct ip	ip;	/* host bits are zero */
	uint8_t		bits;	/* 0..32 or 0..128 */
};

#define IP_TEXT_MAX	46	/* with NUL */
#define IPNET_TEXT_MAX	50

/* Strict text forms ("192.0.2.1", "2001:db8::1"); false when it is neither. */
bool		ip_parse(struct span, struct ip *);
/* "ADDRESS/BITS", or an address alone; false also when host bits are set. */
bool		ipnet_parse(struct span, struct ipnet *);
const char	*ip_format(const struct ip *, char out[IP_TEXT_MAX]);
/* "ADDRESS/BITS" */
const char	*ipnet_format(const struct ipnet *, char out[IPNET_TEXT_MAX]);
/* RFC 5321, 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]"; out has 64 octets. */
const char	*ip_literal(const struct ip *, char out[64]);
/* 4 or 16 octets in network order; any other number gives none. */
struct ip	ip_from_octets(const void *, size_t n);
bool		ip_eq(const struct ip *, const struct ip *);
int		ip_cmp(const struct ip *, const struct ip *);
bool		ipnet_has(const struct ipnet *, const struct ip *);
struct ip	ip_mask(const struct ip *, unsigned bits);
/* false: neither family.  port may be NULL. */
bool		ip_from_sockaddr(const struct sockaddr *, struct ip *, uint16_t *port);
socklen_t	ip_to_sockaddr(const struct ip *, uint16_t port, struct sockaddr_storage *);
/* "1.2.0.192.in-addr.arpa" and the like, without final dot; out has 80. */
const char	*ip_reverse_name(const struct ip *, char out[80]);
/* 127/8, ::1. */
bool		ip_is_loopback(const struct ip *);

#endif
