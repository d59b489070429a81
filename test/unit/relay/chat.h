/*
 * chat.h - a client of relay against a hop that follows a script.
 *
 * A chat is lines: "S: " the hop says, "C: " it waits for that line, "R: " it
 * says without a line's end, "L: " with LF alone, "X" it closes, "T" time runs
 * out, "W" it waits until the client has read all, "N" the owner sends the next
 * message, "B" it waits for the content, octet by octet, "H" for the first
 * octets of TLS.
 */
#ifndef WB_TEST_UNIT_RELAY_CHAT_H
#define WB_TEST_UNIT_RELAY_CHAT_H

#include "base/loop.h"
#include "mta/relay/client_tls.h"

struct chat {
	const char	*name;
	const char	*chat;
	const char	*wanted;	/* what the owner was told */
	unsigned	 nrcpts;	/* of each message; 0: 1 */
	unsigned	 njobs;		/* messages one after the other; 0: 1 */
	unsigned	 flags;
	const char	*content;	/* NULL: "Subject: x\r\n\r\n.hi\r\n" */
	size_t		 content_n;	/* 0: to its NUL */
	const char	*sender;	/* NULL: a@x.example */
	const char	*rcpt;		/* the first; NULL: r1@y */
	const char	*envid;
	int		 by_s;		/* seconds from now, and some */
	uint8_t		 notify;	/* of the first recipient */
	const char	*orcpt_type, *orcpt;
	bool		 stays;		/* idle, until "N" */
	bool		 lmtp, filter;	/* the hop: as hops.h has it */
	enum tls_level	 tls;		/* that is wanted */
	bool		 tls_first, tls_login, tls_clear, tls_unable;	/* first, no_clear, clear of client_tls_want; no connector */
};

struct play {
	const struct chat	*chat;
	const char		*at;	/* in the chat's text */
	int			 fd;	/* the hop's end; -1: closed */
	struct watch		 watch;
	struct timer		 pause;	/* "W" */
	struct buf		 in, told;
	struct client		*client;
	struct job		*job;
	unsigned		 jobs;
	int			 content_fd;
	uint64_t		 length;
};
extern struct play	play;

/* A chat begins; loop_run() plays it. */
void	begin(const struct chat *);
/* Plays it to its end: what the owner was told is what was wanted. */
void	run_chat(const struct chat *);
void	run_chats(const struct chat *, size_t n);
void	hop_close(void);

#define CHAT(n, c, ...)	{ .name = n, .chat = c, .wanted = __VA_ARGS__ }
#define RUN(chats)	run_chats(chats, sizeof(chats) / sizeof((chats)[0]))

#endif
