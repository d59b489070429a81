/*
 * hop.h - the text of a next hop: by it the queue schedules, and relay finds
 * its way.
 *
 *   relay:NAME[?PARAMS]	a relay block of the policy
 *   mx:DOMAIN[:PORT][?PARAMS]	the MX hosts of the domain; an address in brackets
 *   host:NAME:PORT, host:[A]:PORT	relay "host:port"
 *   lmtp:/PATH, lmtp:NAME:PORT, lmtp:[A]:PORT
 *   filter:NAME		a filter block
 *
 * or several of these, a blank between, which are tried in that order.  PARAMS
 * are what the expressions of the block have come to for this message:
 * name=value with '&' between, in the order of hop_param, host as often as the
 * block has such hosts, in their order.  In values all but letters, digits and
 * -._~@:/,+[] is %XX, so a text never has a blank in it.  Two texts are two
 * hops; none has a secret in it.
 */
#ifndef WB_MTA_MSG_HOP_H
#define WB_MTA_MSG_HOP_H

#include "base/arena.h"
#include "base/buf.h"

#define HOP_TEXT_MAX	1024	/* octets of a text */

enum hop_kind {
	HOP_TO_RELAY, HOP_TO_MX, HOP_TO_HOST, HOP_TO_LMTP, HOP_TO_FILTER,
	HOP_NKINDS
};

/* PARAM(ID, "name"): what a relay block's expressions have come to. */
#define HOP_PARAMS(X)							\
	X(VIA,		"via")	/* MX: the relay block with `host mx` */ \
	X(HOST,		"host")		/* NAME[:PORT] or [A][:PORT] */	\
	X(LOGIN,	"login")	/* as whom to log in */		\
	X(SOURCE,	"source")	/* addresses, by comma */	\
	X(HELO,		"helo")

enum hop_param {
#define PARAM(id, name) HOP_P_##id,
	HOP_PARAMS(PARAM)
#undef PARAM
	HOP_NPARAMS
};

/* One hop taken apart; spans are borrowed from the text. */
struct hop_text {
	enum hop_kind	kind;
	struct span	whole;
	struct span	where;		/* what stands before the parameters */
	struct span	params;		/* still escaped */
};

/* One hop; false: it is none. */
bool		hop_parse(struct span one, struct hop_text *);
/* The next of several, which is taken off *rest; false: there is no more, or it is none. */
bool		hop_next(struct span *rest, struct hop_text *);
/* The first one of a text is of this kind. */
bool		hop_is(struct span text, enum hop_kind);

/* The relay block (RELAY, and MX with via) or filter; empty: none. */
struct span	hop_block(const struct hop_text *);
/* The relay block of the first one of a text; empty: none. */
struct span	hop_relay_block(struct span text);
/* MX, HOST, LMTP: the name of host or domain; empty: an address, or none. */
struct span	hop_name(const struct hop_text *);
/* The nth value of a parameter as it was before it was escaped, in the arena; false: there is none. */
bool		hop_param(const struct hop_text *, enum hop_param, unsigned nth, struct arena *, struct span *value);

/* Puts a text together: first the kind and where it leads, then its parameters, in their order. */
void		hop_put(struct buf *, enum hop_kind, struct span where);
void		hop_put_param(struct buf *, enum hop_param, struct span value);
/* One without parameters. */
struct span	hop_format(struct arena *, enum hop_kind, struct span where);

#endif
