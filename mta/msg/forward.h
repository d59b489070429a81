/*
 * forward.h - what is said of a forward file: FORWARD, FORWARDED.
 */
#ifndef WB_MTA_MSG_FORWARD_H
#define WB_MTA_MSG_FORWARD_H

#define FORWARD_MAX	(64u << 10)	/* octets of a forward file */

enum forward_result {
	FORWARD_NONE,	/* there is none, or it is empty */
	FORWARD_FOUND,
	FORWARD_UNSAFE,	/* it is not used; the log says why */
	FORWARD_LATER,	/* it cannot be read just now */
	FORWARD_NRESULTS
};

#endif
