/*
 * proxy.h - the header by which a proxy tells whose connection it hands on
 * (PROXY protocol, versions 1 and 2; haproxy's proxy-protocol.txt, 2.1, 2.2).
 *
 * Bytes to a struct, strictly; no session in sight.  While the header is not
 * whole all octets are its own, so that who reads takes exactly those that
 * belong to it and leaves what follows (a ClientHello, say) in the socket.
 */
#ifndef WB_MTA_SMTP_PROXY_H
#define WB_MTA_SMTP_PROXY_H

#include "base/ip.h"

#define PROXY_LINE_MAX	107	/* octets of version 1 with CRLF; 2.1 */
/*
 * Octets of version 2, its vectors too.  The format admits 65551; 2.2 says that
 * a header is smaller than a TCP segment, and nobody needs more.
 */
#define PROXY_HEADER_MAX	4096

enum proxy_result {
	PROXY_WHOLE,	/* *used octets are the header */
	PROXY_PART,	/* so far it could be one, and all octets belong to it */
	PROXY_BAD	/* *why (static) says what is wrong */
};

enum proxy_says {
	PROXY_CLIENT,	/* the addresses are the client's */
	PROXY_LOCAL,	/* the proxy itself speaks (a health check) */
	PROXY_UNKNOWN	/* somebody does, and the proxy cannot say who */
};

struct proxy_header {
	enum proxy_says	says;
	unsigned	version;	/* 1 or 2 */
	/* Of PROXY_CLIENT; else none. */
	struct ip	source, destination;
	uint16_t	source_port, destination_port;
};

/*
 * The header at the start of in.  A CRC-32C is checked where there is one; all
 * other vectors (TLS among them: nothing vouches for it) are passed over.
 */
enum proxy_result proxy_parse(struct span in, struct proxy_header *out,
	    size_t *used, const char **why);

#endif
