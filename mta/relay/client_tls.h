/*
 * client_tls.h - TLS of a session with a next hop: what is wanted, and what came
 * of it.
 *
 * The level is decided before the connection (level.h) and kept by the session:
 * by STARTTLS (RFC 3207), or TLS first (RFC 8314, 3.3).  A session that is to be
 * opportunistic and has failed in its handshake is tried once more in the
 * clear, on a new connection (client_wants_clear()); nothing else falls back.
 *
 * For the administrator: waybill.conf(5), RELAY; doc/relay-tls.md.
 */
#ifndef WB_MTA_RELAY_CLIENT_TLS_H
#define WB_MTA_RELAY_CLIENT_TLS_H

#include "base/buf.h"
#include "base/tls_connect.h"
#include "mta/relay/client.h"
#include "mta/relay/level.h"

/* What a session is to reach.  Zeroed: it stays in the clear. */
struct client_tls_want {
	struct level	 level;
	const struct hop_tls *facts;	/* names and records that level needs; may be NULL where it is opportunistic or less */
	struct tls_connector *connector; /* NULL: TLS cannot be spoken; why_not */
	const char	*why_not;
	bool		 first;		/* no STARTTLS: TLS from the first octet */
	bool		 no_clear;	/* never in the clear: a login is wanted under TLS, or ours is to be mended */
	bool		 clear;		/* a handshake has failed there: opportunistic goes without */
};

/* Before the loop has had a turn with a new session; takes references. */
void		 client_want_tls(struct client *, const struct client_tls_want *);
/* Whether a session will do for another message, which wants this level. */
bool		 client_tls_serves(const struct client *, const struct level *);
/* In failed(): the handshake has failed, and the same host may be tried without TLS. */
bool		 client_wants_clear(const struct client *);
/* It is encrypted; the connection, for channel binding.  NULL: in the clear. */
const struct tls_connect *client_tls_on(const struct client *);
/* Encrypted, and verified as the level or the certificate had it. */
bool		 client_tls_verified(const struct client *);
/* How it ended, for reports; NONE: as wanted, or nothing was wanted. */
enum tls_class	 client_tls_class(const struct client *);
/* TLS_RESULT of it, once it is clear what became of TLS; hop: its text, flags: of the message that it is for. */
void		 client_tls_report(const struct client *, struct span hop, uint32_t flags);
/* The field tls of RELAYED (mta/msg/relayed.h); empty before there is something to say. */
void		 client_tls_line(const struct client *, struct buf *);

/* The line, to the message that the session is for. */
void		 client_tell_tls(const struct client *, struct job *);

struct client_tls_counters {
	uint64_t	done, resumed, failed;	/* handshakes */
	uint64_t	clear;		/* sessions in the clear, though TLS was wanted */
	uint64_t	fell_back;	/* of them after a handshake that failed */
	uint64_t	refused;	/* sessions given up: not the TLS that is wanted */
	uint64_t	plaintext;	/* of them for octets behind the answer to STARTTLS */
};
const struct client_tls_counters *client_tls_counters(void);

#endif
