/*
 * relayed.h - what RELAYED says besides the results: what of the way failed,
 * and which TLS there was.
 */
#ifndef WB_MTA_MSG_RELAYED_H
#define WB_MTA_MSG_RELAYED_H

#include "base/span.h"

/*
 * Why a message was not taken, apart from what the hop said of it: the part of
 * the way that failed, in their order.
 */
enum relay_trouble {
	RELAY_TROUBLE_NONE,	/* a session came about, and has answers */
	RELAY_TROUBLE_CONNECT,	/* DNS, the connection, the greeting, EHLO; it broke or hung */
	RELAY_TROUBLE_TLS,	/* not the TLS that is wanted */
	RELAY_TROUBLE_LOGIN,	/* AUTH was refused, or not possible */
	RELAY_TROUBLE_BUSY,	/* 421, too many sessions */
	RELAY_TROUBLE_OTHER,	/* on our side: contents that cannot be read */
	RELAY_NTROUBLES
};

/*
 * The field tls: one line for logs and records, made of words KEY=VALUE with blanks
 * between, in this order; empty where no session came about and no TLS was
 * wanted.
 *
 *   wanted=none|opportunistic|required|verified|dane
 *   by=block|dane|sts|requiretls|tls-required-no
 *   reached=clear|encrypted|verified|dane
 *   version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 resumed=yes	where it was
 *   why=...	the rest of the line: why no more was reached; text
 */
#define RELAYED_TLS_MAX	512	/* octets */
#define RELAYED_KEY_MAX	16	/* octets of a KEY, which are letters */
/*
 * The next word of such a line, which is eaten; false: there is none, or it is
 * none.  Borrowed.
 */
bool	relayed_tls_next(struct span *line, struct span *key, struct span *value);

/*
 * For the log's line of an attempt: " tls-wanted=.. tls-by=.. tls-reached=..
 * tls-version=.. tls-cipher=.. login=..", what is known of it, a blank before
 * each.  Good until the next call.
 */
const char *relayed_log(struct span tls, struct span login);

#endif
