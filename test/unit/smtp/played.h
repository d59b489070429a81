/*
 * played.h - a worker of the smtp process in this process: its policy is
 * compiled from text, its clients are socket pairs, and the queue is played:
 * it gives segments and body files in memory, and looks at what is stored.
 */
#ifndef WB_TEST_UNIT_SMTP_PLAYED_H
#define WB_TEST_UNIT_SMTP_PLAYED_H

#include "mta/smtp/server.h"
#include "mta/spool/segment.h"

#define PLAYED_SEGMENT	(4u << 20)	/* octets of a segment */

/* A message that the worker has said ACCEPTED of. */
struct played_message {
	struct envelope	envelope;
	struct arena	arena;
	struct buf	head;
	struct buf	content;
};

struct played {
	struct server		*server;
	struct cf		*cf;
	struct chan		*queue;		/* the queue's end */
	uint32_t		 segment;	/* of the last message */
	size_t			 nmessages;	/* ACCEPTED so far */
	struct played_message	 last;
	size_t			 nsegments, nsealed, nfailed, nresumed, nbodies, ndropped;
	/* what the queue does */
	bool			 no_segments, no_bodies, broken_segments;
	bool			 no_etrn;	/* it does not answer ETRN */
	enum etrn_result	 etrn;		/* or so */
	char			 etrn_name[300]; /* of the last: "HOW NAME" */
	bool			 own_content;	/* content is read and checked */
	int			 dns_ms;	/* DNS says "no such name" after so long */
	size_t			 nasked, ncancelled;
	int			*fds;		/* of segments, by their number */
	int			 body_fd;	/* of the last body given */
};

/* One for each process: it is started again with another policy. */
struct played	*played_start(const char *policy);
/* The queue dies; played_queue() starts another. */
void		 played_queue_dies(struct played *);
void		 played_queue(struct played *);

/* A client from this address; fd of its end. */
int		 played_client(struct played *, const char *ip);
/* The same, by a listener of the policy. */
int		 played_client_by(struct played *, const char *ip, const char *listener);
/* The same of a connection that is not counted yet, and may be a proxy's. */
int		 played_connection(struct played *, const char *ip,
	    const char *listener);
/*
 * Runs the loop until the client has n complete replies (or is closed); what it
 * got is added to out.
 */
void		 played_replies(int fd, size_t n, struct buf *out);
/*
 * The same, after these octets have been sent. Returns the text, until the next
 * call.
 */
const char	*played_say(int fd, const char *octets, size_t n,
	    size_t replies);
#define SAY(fd, text, replies) played_say((fd), (text), sizeof(text) - 1, (replies))
/* Turns of the loop until no session is left, or ms are over. */
void		 played_settle(struct played *, int ms);
/* One turn, and another for what it has brought. */
void		 played_turn(void);
/* Some turns. */
void		 played_turns(int ms);

#endif
