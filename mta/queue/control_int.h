/*
 * control_int.h - what the files of the control socket share.
 *
 * control.c: clients; control_parent.c: what only the parent can say;
 * control_walk.c: list, count and acts, in slices; control_content.c: the
 * octets of a message.
 */
#ifndef WB_MTA_QUEUE_CONTROL_INT_H
#define WB_MTA_QUEUE_CONTROL_INT_H

#include "mta/queue/control.h"

/* For what a client's answer waits. */
enum waits {
	WAITS_NOT,
	WAITS_STATUS, WAITS_RELOAD,	/* for the parent */
	WAITS_FETCH, WAITS_RELAY,
	WAITS_SYNC,			/* for the log */
	WAITS_WALK,			/* for its turn */
	WAITS_READER			/* until the client has read some of it */
};

struct control;
struct walking;
struct reading;

struct client {
	struct client	*next;
	struct control	*control;
	int		 fd;
	uint32_t	 uid;		/* of who has connected */
	struct watch	 watch;
	struct buf	 in, out;
	struct json	 json;
	struct arena	 arena;		/* of the request */
	struct request	 request;
	struct walking	*walking;
	struct reading	*reading;
	/* Adds to the answer when there is room again; NULL: it is complete. */
	void		(*more)(struct client *);
	uint64_t	 ticket;
	uint8_t		 waits;		/* enum waits */
	int64_t		 since_ms;	/* the last that has moved */
};

struct control {
	struct queue	*q;
	struct watch	 watch;
	struct client	*first;
	unsigned	 n;
	uint64_t	 tickets;
};

#define CLIENT_OUT_MAX	(256u << 10)	/* octets that wait for the reader */

/* An object of the answer: a line. */
void	client_begin(struct client *);
void	client_end(struct client *);
/* The answer is complete. */
void	client_finish(struct client *);
void	client_error(struct client *, const char *why);	/* and complete */
/* Of whom these wait has gone: that is their answer. */
void	client_error_all(struct control *, enum waits, const char *why);
/* Enough has gathered: more() is called when some of it is read. */
bool	client_is_full(const struct client *);
/* Nothing is read from one that waits, nor can it go meanwhile; its ticket. */
uint64_t client_wait(struct client *, enum waits);
/* What has gathered goes out, and more() is called; NULL: then the end. */
void	client_flush(struct client *, void (*more)(struct client *));
/* NULL: it has gone. */
struct client *client_by_ticket(struct control *, uint64_t ticket, enum waits);
void	client_free(struct client *);
/* {} is ended when what was logged is durable. */
void	client_finish_synced(struct client *);

/* --- control_parent.c */
void	parent_ask(struct client *, enum waits);	/* within an object */

/* --- control_walk.c */
/* false: no such command. */
bool	walk_begin(struct client *);
void	walk_end(struct client *);

/* --- control_content.c */
void	content_begin(struct client *);
void	content_end(struct client *);
/* Root, and who runs the server: what the socket's group may do ends here. */
bool	client_may_read(const struct client *);

#endif
