/*
 * origin.h - where a client comes from: as whom rules, limits and logs see it,
 * and who has connected.
 *
 * The two differ where a proxy has told the client (PROXY, XCLIENT).  A
 * client on a local socket has the address 127.0.0.1 for rules, limits, logs and
 * Received:, as a program of this machine would have that had connected to
 * it.  But who may open the socket is said by its mode, not by any network, so
 * that address grants it nothing: what the policy accepts for the sake of
 * 127.0.0.1 alone is refused, unless `trust gateway 127.0.0.1` says otherwise.
 * A program that pickup hands on is on this machine, whoever runs it: there the
 * address is as good as that of a connection to 127.0.0.1.
 */
#ifndef WB_MTA_SMTP_ORIGIN_H
#define WB_MTA_SMTP_ORIGIN_H

#include "base/ip.h"
#include "mta/smtp/door.h"
#include "mta/smtp/gateways.h"

struct origin {
	struct ip	ip;		/* the client, for rules and limits */
	uint16_t	port;		/* 0: it has none that is known */
	struct ip	via;		/* who has connected, when another told ip; else none */
	uint16_t	via_port;
	struct ip	speaker;	/* the client before any XCLIENT: who speaks to us; none: not known */
	bool		local;		/* by a local socket */
	bool		unknown;	/* via is a proxy that cannot say who it is */
	uint32_t	uid;		/* local: of the program, UINT32_MAX: not known */
	struct span	login;		/* of who runs it; empty: it did not come by pickup; borrowed until session_new() returns */
	bool		program;	/* it came by pickup: a program of this machine, for certain */
};

/* Of a connection; ss is what accept() has told.  false: no family of ours. */
bool		origin_of(struct origin *, int fd, const struct sockaddr *);
/* Of a program of this machine that pickup hands on. */
void		origin_of_program(struct origin *, uint32_t uid,
		    struct span login);
/*
 * As whom limits count it: a program by its user, in room, so that no user
 * takes the others' place; everybody else by the client's address.
 */
const struct ip	*origin_counted(const struct origin *,
		    const struct ip *client, struct ip *room);
/* The address of who has connected. */
const struct ip	*origin_peer(const struct origin *);
/*
 * Now ip is told by who has connected (PROXY); or by who speaks (XCLIENT), who
 * stays the speaker.  ip NULL: it cannot be told, and stays the peer's.
 */
void		origin_tell(struct origin *, const struct ip *, uint16_t port);
void		origin_tell_by_speaker(struct origin *, const struct ip *,
		    uint16_t port);
/* The address grants nothing (policy_facts.gateway). */
bool		origin_doubt(const struct origin *, const struct gateways *,
		    const struct policy *);
/*
 * The speaker is in the networks of an option of the listener (xclient,
 * xforward, etrn), and not perhaps a stranger behind a gateway.  A proxy's
 * networks do not speak for those whose connections it hands on.
 */
bool		origin_may(const struct origin *, const struct door *,
		    enum rs_option, const struct gateways *,
		    const struct policy *);
/* " via=ADDRESS", " uid=N", or "": for log lines that have client=. */
#define ORIGIN_TEXT_MAX	64
const char	*origin_text(const struct origin *, char out[ORIGIN_TEXT_MAX]);

#endif
