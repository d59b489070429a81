/*
 * transfer_int.h - what transfer.c and transfer_run.c share.
 */
#ifndef WB_MTA_FETCH_TRANSFER_INT_H
#define WB_MTA_FETCH_TRANSFER_INT_H

#include <sys/queue.h>

#include "base/loop.h"

#include "mta/fetch/addrs.h"
#include "mta/fetch/curls.h"
#include "mta/fetch/transfer.h"
#include "mta/fetch/url.h"

enum transfer_state {
	TRANSFER_WAITS,		/* for its turn */
	TRANSFER_NAMES,		/* for its addresses */
	TRANSFER_RUNS,		/* libcurl has it */
	TRANSFER_ENDS		/* its answer is told in the next turn */
};

struct transfer {
	TAILQ_ENTRY(transfer)	 entry;
	struct transfers	*all;
	enum transfer_state	 state;
	struct http_question	*asks;		/* a copy, wiped */
	transfer_cb		*cb;
	void			*arg;
	int64_t			 until_ms;
	struct timer		 timer;		/* the deadline; ENDS: now */

	char			*location;	/* a redirect's target; NULL: asks->url */
	unsigned		 redirects;	/* so many are left */
	struct url		 url;		/* of location, or of asks */
	struct addrs_question	*names;
	struct addrs		 addrs;
	size_t			 next;		/* address */

	CURL			*easy;
	struct curl_slist	*headers, *to;
	char			 error[CURL_ERROR_SIZE];
	size_t			 header_octets;
	struct buf		 body;
	bool			 large;		/* more came than was asked for */

	enum http_result	 result;	/* ENDS */
	char			 why[HTTP_WHY_MAX];
};

TAILQ_HEAD(transfer_list, transfer);

struct transfers {
	struct dns_client	*dns;
	const struct trust	*trust;
	struct curls		*curls;
	bool			 strangers;
	struct transfer_list	 waiting, running;
	size_t			 nwaiting, nrunning;
	uint64_t		 asked, results[HTTP_NRESULTS];
};

/* --- transfer.c */
/* It is over without an answer; why: printf's. */
void	transfer_fail(struct transfer *, enum http_result, const char *why, ...)
	    __attribute__((format(printf, 3, 4)));
/* The server has answered. */
void	transfer_done(struct transfer *, unsigned status, const char *type);
/* It has said to ask elsewhere. */
void	transfer_elsewhere(struct transfer *, const char *location);

/* --- transfer_run.c */
/* Its next address is tried. */
void	transfer_run(struct transfer *);
/* Gives back what is libcurl's. */
void	transfer_run_clear(struct transfer *);

#endif
