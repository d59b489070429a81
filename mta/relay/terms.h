/*
 * terms.h - what a relay block, or `mx`, says of its next hops.
 *
 * Read out of the policy's image once for each generation; sessions hold what
 * they began with beyond a reload.  A way is the same with what the block's
 * expressions have come to, which stands in the hop's text (mta/msg/hop.h).
 *
 * Owns: all texts.  Both are reference counted.
 * For the administrator: waybill.conf(5), RELAY.
 */
#ifndef WB_MTA_RELAY_TERMS_H
#define WB_MTA_RELAY_TERMS_H

#include "base/ip.h"
#include "mta/msg/hop.h"

struct rs_image;
struct tls_connector;

enum relay_tls {
	RELAY_TLS_NONE, RELAY_TLS_OPPORTUNISTIC, RELAY_TLS_REQUIRED,
	RELAY_TLS_VERIFIED, RELAY_TLS_DANE, RELAY_TLS_STS
};

/* `move on`: failures that go to the next host at once; a set of these. */
enum relay_move {
	MOVE_CONNECT = 1 << 0,	/* no connection, or it broke before MAIL */
	MOVE_TLS = 1 << 1,	/* TLS as it is wanted cannot be had */
	MOVE_BUSY = 1 << 2,	/* 421, or 4yz before MAIL */
	MOVE_LOGIN = 1 << 3,	/* the login was refused */
	MOVE_TEMPORARY = 1 << 4,	/* 4yz for the sender, a recipient, the content */
	MOVE_REFUSED = 1 << 5	/* 5yz likewise */
};

/* One line of where a block leads, in the order of the text. */
enum relay_host_kind { RELAY_HOST, RELAY_SRV, RELAY_MX };

struct relay_host {
	enum relay_host_kind	kind;
	char		*name;		/* NULL: an expression, whose value is in the hop's text */
	uint16_t	 port;		/* 0: none is said */
	bool		 tls_first;	/* `tls first` is said */
	uint16_t	 weight;	/* 0: none; those in a row that have one are a group */
};

struct relay_terms {
	unsigned		 refs;
	uint32_t		 object;	/* in the image of its generation; UINT32_MAX: of no block */
	char			*name;		/* "": `mx`, or of no block */
	size_t			 nhosts;
	struct relay_host	*hosts;
	unsigned		 move_on;	/* enum relay_move */
	enum relay_tls		 tls;
	bool			 no_dane, no_sts;
	char			*authorities;	/* file; NULL: the server's */
	char			*certificate, *key;	/* files; NULL: none is shown */
	bool			 tls13;		/* nothing below TLS 1.3 */
	bool			 auth;		/* a login is wanted */
	bool			 auth_clear;	/* without TLS, too */
	size_t			 nmechanisms;	/* 0: any */
	char			**mechanisms;
	struct tls_connector	*connector;	/* how TLS is spoken (tls_ways.h); NULL: it is not, no_tls */
	const char		*no_tls;
	bool			 prefer_ipv6;
	/* Constants; what is computed is in the hop's text. */
	char			*login, *helo;	/* NULL: none */
	size_t			 nsources;
	char			*sources[2];
	bool			 says_login, says_source, says_helo;	/* an expression: the text has to have it */
};

/* What holds for a hop: its block, and its own values. */
struct relay_way {
	unsigned		 refs;
	const struct relay_terms	*terms;
	char			*login;		/* NULL: none */
	char			*helo;		/* NULL: the server's name */
	struct ip		 source4, source6;	/* family 0: whichever the system takes */
};

/* The blocks of a policy. */
struct relay_blocks;

/* image may be NULL: all hops are of no block. */
struct relay_blocks	*relay_blocks_read(const struct rs_image *image);
void			 relay_blocks_free(struct relay_blocks **);
/* All of them, and what holds where there is none. */
void			 relay_blocks_each(struct relay_blocks *, void (*)(struct relay_terms *, void *arg), void *arg);
/* Borrowed from the blocks. "": `mx`; NULL: no such block. */
struct relay_terms	*relay_blocks_find(const struct relay_blocks *, struct span name);
/* Of what names no block: defaults; for LMTP and filters no TLS. */
struct relay_terms	*relay_blocks_plain(const struct relay_blocks *, enum hop_kind);

struct relay_terms	*relay_terms_ref(const struct relay_terms *);
void			 relay_terms_unref(const struct relay_terms **);

/*
 * A reference; NULL: the text names no block of this policy, or a value of it
 * is of no use (*why, static).
 */
struct relay_way	*relay_way_of(const struct relay_blocks *, const struct hop_text *, const char **why);
const struct relay_way	*relay_way_ref(const struct relay_way *);
void			 relay_way_unref(const struct relay_way **);

/* "connect", "tls", ...; 0: no such word. */
unsigned		 relay_move_named(struct span word);

#endif
