/*
 * etrn.h - asking the queue that what waits for a node is tried now (RFC 1985).
 */
#ifndef WB_MTA_MSG_ETRN_H
#define WB_MTA_MSG_ETRN_H

#define ETRN_NAME_MAX	255	/* octets */

enum etrn_how {
	ETRN_NODE,		/* example.org: it alone */
	ETRN_SUBDOMAINS,	/* @example.org: it and all below it */
	ETRN_QUEUE,		/* #name: what goes by the relay block of that name */
	ETRN_NHOWS
};

enum etrn_result {
	ETRN_STARTED,	/* 250: it will be looked at */
	ETRN_NONE,	/* 251: nothing waits */
	ETRN_PENDING,	/* 253: so many messages waited, and are tried now */
	ETRN_UNABLE,	/* 458 */
	ETRN_NRESULTS
};

#endif
