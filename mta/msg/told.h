/*
 * told.h - what SESSION_TOLD says (messages.def): sessions of which the
 * postmaster may be told.
 */
#ifndef WB_MTA_MSG_TOLD_H
#define WB_MTA_MSG_TOLD_H

enum session_told {
	SESSION_TOLD_POLICY,	/* a rule has refused its mail */
	SESSION_TOLD_PROTOCOL,	/* it has not kept to the protocol */
	SESSION_TOLD_N
};

#define SESSION_TOLD_MAX	(24 * 1024)	/* octets of a text */
/* Of each class in an hour: what a worker sends, and what the queue passes on. */
#define TOLD_HOURLY	20

#endif
