/*
 * http.h - asking the fetch process for something by HTTPS (RFC 9110, 9112).
 *
 * Instance 0 of fetch talks to strangers' servers: policies of MTA-STS,
 * reports.  Instance 1 talks to those that hand out tokens, and is asked by
 * credentials alone; what passes there is secret.  Names are resolved by
 * resolve; certificates are verified, always; nothing but https is spoken.
 *
 * A client keeps its open questions, so that they are asked again when fetch
 * is new: a server may then see a POST twice.  An answer comes as a callback
 * on the loop.
 */
#ifndef WB_MTA_MSG_HTTP_H
#define WB_MTA_MSG_HTTP_H

#include "base/chan.h"

#define HTTP_URL_MAX		2048		/* octets */
#define HTTP_TYPE_MAX		256		/* octets of a Content-Type */
#define HTTP_HEADERS_MAX	8192		/* octets of all lines of the question */
#define HTTP_BODY_MAX		(4u << 20)	/* octets of either body */
#define HTTP_WHY_MAX		512		/* octets */
#define HTTP_SECONDS_MAX	60
#define HTTP_REDIRECTS_MAX	5

enum http_method { HTTP_GET, HTTP_POST };

enum http_result {
	HTTP_DONE,	/* the server has answered: status, type, body; whatever the status is */
	HTTP_NO_HOST,	/* its name has no address, or cannot be resolved now */
	HTTP_NO_CONNECT,/* no address of it takes a connection */
	HTTP_TLS,	/* no handshake */
	HTTP_UNTRUSTED,	/* its certificate: another name, expired, not by a known authority */
	HTTP_SLOW,	/* the question's time is over */
	HTTP_LARGE,	/* more octets than the question takes */
	HTTP_BROKEN,	/* it is no HTTP, or was broken off */
	HTTP_REFUSED,	/* the question: not https, no such URL, a text too long */
	HTTP_CANNOT,	/* fetch is not there, or has too much to do: ask again later */
	HTTP_NRESULTS
};

/* Spans are borrowed until the call returns. */
struct http_question {
	enum http_method method;
	struct span	url;		/* "https://host[:port]/path[?query]" */
	struct span	type;		/* of a POST's body */
	struct span	headers;	/* lines "Name: value", each with a final "\n"; may be empty */
	struct span	body;		/* of a POST */
	uint32_t	octets_max;	/* of the answer's body; at most HTTP_BODY_MAX */
	uint32_t	seconds;	/* for all of it, names too; 0, or more than HTTP_SECONDS_MAX: that */
	uint8_t		redirects;	/* of a GET: so many are followed, to https alone; 0: a 3xx is the answer */
};

struct http_answer {
	enum http_result result;
	unsigned	status;		/* DONE: 200 */
	struct span	type;		/* DONE: Content-Type as it came, or empty */
	struct span	body;		/* DONE */
	struct span	why;		/* else: for people, without secrets */
};

const char	*http_result_name(enum http_result);	/* "untrusted" */

/* --- who asks */

struct http_client;
typedef void http_cb(void *arg, const struct http_answer *);	/* answer: borrowed */

/* secret: questions and answers are wiped; for instance 1. */
struct http_client	*http_client_new(bool secret);
/* A channel to fetch, new or again; takes fd. */
void			 http_client_attach(struct http_client *, int fd);
void			 http_client_free(struct http_client **);	/* no callbacks */
/*
 * cb is called exactly once, from the loop: with CANNOT after 75 s at the
 * latest, with REFUSED where a text is longer than the above.  Returns a
 * ticket for http_client_cancel().
 */
uint64_t		 http_client_ask(struct http_client *, const struct http_question *, http_cb *, void *arg);
void			 http_client_cancel(struct http_client *, uint64_t ticket);

/* --- the messages themselves */

/* None of its texts is too long. */
bool	 http_question_fits(const struct http_question *);
/* A copy in one piece, for free(); texts of a secret one are the caller's to wipe (http_question_wipe). */
struct http_question *http_question_keep(const struct http_question *);
void	 http_question_wipe(struct http_question *);
void	 http_question_put(struct chan *, uint64_t ticket, const struct http_question *);
/* false: nonsense.  Spans: borrowed from the message. */
bool	 http_question_read(struct msg *, uint64_t *ticket, struct http_question *);
void	 http_answer_put(struct chan *, uint64_t ticket, const struct http_answer *);
bool	 http_answer_read(struct msg *, uint64_t *ticket, struct http_answer *);

#endif
