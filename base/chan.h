/*
 * chan.h - messages between processes: the transport.
 *
 * A channel is one end of a SOCK_STREAM socketpair.  A message is a type, a
 * body of fields and perhaps a descriptor.  What is sent in one turn of the
 * loop leaves with one write at its end.  Which messages there are and what
 * stands in them is said in mta/msg/messages.def; this room knows no names.
 *
 * Wire: u32 length of the body, u16 type, u16 flags (1: a descriptor comes
 * with it), body; little-endian.  A peer that sends nonsense is cut off: the
 * channel closes as if the peer had died.
 */
#ifndef WB_BASE_CHAN_H
#define WB_BASE_CHAN_H

#include "base/span.h"

#define CHAN_MSG_MAX	(8u << 20)	/* octets of one body */

struct chan;

/* A message under reading.  Borrowed: good until the callback returns. */
struct msg {
	uint16_t	type;
	struct span	left;	/* what has not been read */
	bool		bad;	/* a field was missing or too long; sticky */
	int		fd;	/* -1, or a descriptor; msg_fd() takes it */
};

struct chan_ops {
	/* Each message; false: nonsense, cut the peer off. */
	bool	(*message)(struct chan *, struct msg *, void *arg);
	/* The peer has gone (or was cut off).  The channel is freed after. */
	void	(*closed)(struct chan *, void *arg);
};

/* Takes fd (made non-blocking, close-on-exec).  name: static, for logs. */
struct chan	*chan_new(int fd, const char *name, const struct chan_ops *, void *arg);
/* Secrets pass here: its buffers are wiped when they are empty, and freed. */
void		 chan_secret(struct chan *);
/* Flushes what it can, closes, frees; closed() is not called. */
void		 chan_free(struct chan **);
/* Octets that wait to be sent: who produces much asks first. */
size_t		 chan_backlog(const struct chan *);
/* Sends now, as far as the socket takes it, without waiting for the turn's end. */
void		 chan_flush(struct chan *);

/* Writing: begin, fields in the order of messages.def, end. */
void		 chan_begin(struct chan *, uint16_t type);
void		 chan_u8(struct chan *, uint8_t);
void		 chan_u16(struct chan *, uint16_t);
void		 chan_u32(struct chan *, uint32_t);
void		 chan_u64(struct chan *, uint64_t);
void		 chan_bytes(struct chan *, struct span);	/* u32 length, octets */
void		 chan_str(struct chan *, const char *);		/* as bytes; NULL as "" */
void		 chan_fd(struct chan *, int fd);		/* one; taken, closed after sending */
void		 chan_end(struct chan *);

/* Reading: the sticky bad flag lets a reader ask once, at msg_end(). */
uint8_t		 msg_u8(struct msg *);
uint16_t	 msg_u16(struct msg *);
uint32_t	 msg_u32(struct msg *);
uint64_t	 msg_u64(struct msg *);
struct span	 msg_bytes(struct msg *, size_t max);	/* longer: bad */
int		 msg_fd(struct msg *);			/* bad when there is none */
/* True when all fields were there and nothing is left over. */
bool		 msg_end(struct msg *);

/* A connected pair of close-on-exec stream sockets with room for a batch; fatal() on failure. */
void		 chan_pair(int out[2]);

/*
 * For tests only (configure --enable-test-hooks): the environment
 * WAYBILL_TEST_KILL="PROCESS:TYPE[:N]" makes the named process end itself by
 * SIGKILL when the N-th message of that type has been read but not handed on.
 * The numbers of types are those of messages.def.
 */

#endif
