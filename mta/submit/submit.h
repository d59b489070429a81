/*
 * submit.h - a message handed to the server as one of a program of this
 * machine: the client's half of a session, waiting for each answer.
 *
 * For who has nothing else to do meanwhile: the program sendmail, and a thread
 * of pickup.  The server says in its answer to EHLO which domain addresses
 * without one have; it is written into the envelope and the header here.
 */
#ifndef WB_MTA_SUBMIT_SUBMIT_H
#define WB_MTA_SUBMIT_SUBMIT_H

#include "mta/drop/drop.h"

enum submit_result {
	SUBMIT_TAKEN,	/* 250 for all who are not in refused */
	SUBMIT_REFUSED,	/* 5xx: for all of them, or with `together` for one */
	SUBMIT_LATER	/* 4xx, or nobody there: nothing was taken (beyond done), or it is not known */
};

struct submit_refusal {
	struct span	rcpt;		/* as it was sent; empty: of the message */
	struct span	reply;		/* "550 5.1.1 no such user" */
	unsigned	code;
};

struct submit {
	/* asked */
	const struct drop *mail;
	struct span	 login;		/* of the user: the sender, where none is given */
	bool		 together;	/* all recipients or nobody */
	bool		 impatient;	/* 4xx, or an end in the middle, is a refusal: it has waited long enough */
	bool		 only_ask;	/* whether they would be taken: no content follows */
	/*
	 * More recipients than a transaction may have are sent to in several,
	 * when all have been asked.  Asked and said: so many of the first need
	 * nothing more.
	 */
	size_t		 done;
	void		(*trace)(void *arg, char way, struct span line);	/* 'C' or 'S'; NULL: none */
	void		*trace_arg;
	/* said; in the arena */
	struct arena	 arena;
	struct span	 why;		/* SUBMIT_LATER: the reply, or what has happened */
	struct submit_refusal *refused;
	size_t		 nrefused;
	struct span	 sender;	/* as it was sent, empty: <> */
	struct span	 domain;	/* of addresses without one */
	struct span	 hostname;	/* the server's */
};

/* A connection to SPOOL/public/submit, or -1 with errno. */
int	submit_connect(const char *spool);
/* Over fd, which stays open; fills what is said, which submit_clear() frees. */
enum submit_result submit(struct submit *, int fd);
void	submit_clear(struct submit *);

/* qualify.c: "ann" is "ann@domain"; what has one, and "", stays. */
struct span submit_qualify(struct span address, struct span domain,
	    struct arena *);
/* The header section (all but the body) with such addresses; false: there are none, and nothing was added. */
bool	submit_qualify_header(struct span content, struct span domain,
	    struct buf *out);

#endif
