/*
 * session.h - one client that talks to us (RFC 5321, 3 and 4).
 *
 * A session is data: what it waits for (a decision, a body file, the sync of
 * its message) comes as a callback; meanwhile it is parked and its input is
 * left unread.  Replies of one turn gather and leave with one send.  An idle
 * session holds no buffers and no transaction.
 *
 * The commands are in cmd_*.c; this room knows how to read, answer and wait.
 */
#ifndef WB_MTA_SMTP_SESSION_H
#define WB_MTA_SMTP_SESSION_H

#include "base/loop.h"
#include "mta/msg/limits.h"
#include "mta/smtp/command.h"
#include "mta/smtp/generation.h"
#include "mta/smtp/origin.h"
#include "mta/smtp/reply.h"

/* As bits: the command table names the states that admit a command. */
enum smtp_state {
	SMTP_GREETING	= 1 << 0,	/* `on connect` has not decided yet */
	SMTP_REFUSED	= 1 << 1,	/* refused in the greeting: only QUIT (3.1) */
	SMTP_FRESH	= 1 << 2,	/* greeted; no EHLO or HELO yet */
	SMTP_READY	= 1 << 3,	/* no transaction */
	SMTP_MAIL	= 1 << 4,	/* MAIL was accepted */
	SMTP_RCPT	= 1 << 5,	/* at least one recipient was accepted */
	SMTP_CONTENT	= 1 << 6,	/* after 354 */
	SMTP_STORING	= 1 << 7,	/* after the final dot, before its answer */
	SMTP_CLOSING	= 1 << 8,	/* the last reply is said */
	SMTP_LOGIN	= 1 << 9,	/* inside of AUTH: lines are no commands */
	SMTP_CHUNK	= 1 << 10,	/* inside a chunk of BDAT that is kept */
	SMTP_CHUNKS	= 1 << 11,	/* behind one that was not the last */
	SMTP_FAILED	= 1 << 12,	/* a chunk was refused: only RSET helps (RFC 3030, 2) */
	SMTP_HANDSHAKE	= 1 << 13	/* of TLS: secure.h */
};

#define SMTP_TRANSACTION (SMTP_MAIL | SMTP_RCPT | SMTP_CONTENT | SMTP_STORING | \
	    SMTP_CHUNK | SMTP_CHUNKS | SMTP_FAILED)

struct forwarded;
struct login;
struct notes;
struct server;
struct session;
struct transaction;
struct verify;

/* What goes on when a hook has decided; the verdict is borrowed. */
typedef void session_step(struct session *, const struct rs_verdict *);

struct secure;
struct after_connect;

struct edits {			/* of the header, in their order */
	struct header_edit	*v;
	size_t			 n, cap;
};

struct session {
	struct session		*next, **prev;	/* the server's list */
	struct server		*server;
	struct generation	*gen;
	uint64_t		 id;
	enum smtp_state		 state;
	struct watch		 watch;
	int			 fd;
	int			 watched;	/* LOOP_READ, LOOP_WRITE */
	bool			 parked;	/* waits for a callback */
	bool			 busy;		/* input is being taken: it goes on by itself */
	bool			 skipping;	/* inside a spoiled line */
	bool			 esmtp;		/* EHLO was said */
	bool			 asks_esmtp;	/* and is being decided */
	uint32_t		 hidden;	/* RS_EXT_BIT() of what rules hide from it */
	uint64_t		 chunk_left;	/* octets of BDAT that have not come yet */
	bool			 chunk_last;
	int64_t			 chunk_until_ms; /* boot time: those of a refused one */
	bool			 eof;		/* the client has said all */
	bool			 dead;		/* nothing can be sent any more */
	bool			 linger;	/* after the last reply wait for the client to close */
	bool			 shut;		/* and the client has been told that we have */
	bool			 more;		/* octets stood behind the command's line */
	bool			 secret;	/* what has been taken may be a password */
	unsigned		 commands, errors, messages;
	uint64_t		 count;		/* ticket of limits_count(); 0: none */
	bool			 uncounted;	/* it is no part of the server's limits */
	enum limits_result	 over;		/* said after the greeting: it is one too many */
	struct {
		uint64_t	 count;		/* ticket of limits_count(); 0: none */
		uint64_t	 ticket;	/* of limits_rate(), under way; 0: none */
		enum user_limit	 asked;
		user_limit_step	*step;
	}			 user;		/* user_limits.c */
	struct buf		 in;		/* not taken yet */
	struct buf		 out;		/* not sent yet */
	int64_t			 began_ms, deadline_ms;	/* boot time */
	const char		*stage;		/* of the log lines: "rcpt" */
	const char		*end;		/* how it ended */
	const struct door	*door;		/* the generation's */
	struct origin		 origin;
	bool			 told;		/* by XCLIENT who the client is */
	bool			 told_helo, told_login;	/* and these */
	struct forwarded	*forwarded;	/* by XFORWARD, of the next message */
	char			*helo, *old_helo;
	char			*account;	/* who has logged in */
	struct policy_facts	 facts;
	struct rs_value		*tags;		/* as `on connect` and `on helo` left them */
	bool			 discard;	/* they said so */
	uint8_t			 priority;	/* of its messages; enum attr_priority + 1, 0: not said */
	struct smtp_kept	*kept;		/* they said so; NULL: no */
	struct arena		 arena;		/* tags and edits of `on connect` and `on helo` */
	struct edits		 edits;
	struct {
		bool		 asked;		/* `on helo` is being decided */
		size_t		 from, to;	/* its edits among the session's */
		size_t		 was;		/* as many were there before it was asked */
	}			 hello;
	struct decision		*decision;	/* that it waits for */
	session_step		*step;
	bool			 asking, answered;
	bool			 waited;	/* the answer was not there at once */
	struct rs_record	*record;	/* of the decision that it waits for, when asked for */
	struct rewrite		*rewrite;	/* of an address, or of the header, that it waits for */
	struct verify		*verify;	/* VRFY or EXPN that it waits for */
	struct reroute		*reroute;	/* after the content, when tags may have changed it */
	struct login		*login;		/* AUTH under way */
	const char		*mechanism;
	unsigned		 wrong_logins;
	uint32_t		 decided_line;	/* of the policy; of the last decision */
	bool			 by_gateway;	/* it rests on an address that is not trusted */
	uint64_t		 etrn;		/* ticket of intake_etrn(); 0: none */
	struct transaction	*tx;
	struct notes		*notes;		/* for the postmaster; NULL: he is told nothing */
	struct secure		*secure;	/* TLS; NULL: in the clear */
	struct after_connect	*first;		/* what session_forget() goes back to */
};

/* --- its life */

/*
 * Takes fd and what the caller has entered into the server's limits.  The door
 * is one of the generation.
 */
void	session_new(struct server *, struct generation *, int fd,
	    const struct origin *, const struct door *);
/* Frees it, whatever it waits for; what is in the intake stays there. */
void	session_free(struct session **);
/* The deadline has passed. */
void	session_timeout(struct session *);
/* The server is going to stop: 421 as soon as nothing is under way. */
void	session_stop(struct session *);

/* --- octets (also the door of the fuzz target) */

/* Takes octets from the client; returns how many, the rest waits. */
size_t	session_take(struct session *, struct span);

/* --- for the commands */

/* The only place where a state changes; event: static, for the log. */
void	session_enter(struct session *, enum smtp_state, const char *event);
void	session_reply(struct session *, enum smtp_reply, struct span arg);
/* A reply that refuses: also logged, and a 5xx counted as an error. */
void	session_refuse(struct session *, enum smtp_reply, struct span arg);
/*
 * The reply to a verdict that refuses (reject, defer); 421 closes.  True when
 * it was one.
 */
bool	session_refused(struct session *, const struct rs_verdict *);
/* Who has logged in is nobody again. */
void	session_forget_login(struct session *);
/* Logs that a rule discards. */
void	session_discarded(struct session *);
/* After what is to be sent has been sent, the end.  why: static. */
void	session_close(struct session *, const char *why);
/*
 * Around the question `on helo`: what it leaves is the session's, also when a
 * transaction is open, and its edits stand for those of a former EHLO.
 */
void	session_hello_begin(struct session *);
void	session_hello_end(struct session *, bool accepted);
/* Asks the policy; step is called now or later. */
void	session_ask(struct session *, enum rs_hook, session_step *);
/*
 * Nothing is read until session_resume(), which takes what came meanwhile. May
 * free the session.
 */
void	session_park(struct session *);
void	session_resume(struct session *);
/*
 * For a callback that takes a step which may park again: session_unpark(),
 * the step, session_go_on(). May free the session.
 */
void	session_unpark(struct session *);
void	session_go_on(struct session *);
/* The longest wait for what comes next starts now. */
void	session_touch(struct session *);
/*
 * After `on connect`: what it has left is kept; all that comes later can be
 * forgotten, as if the client had said nothing yet (RFC 3207, 4.2).
 */
void	session_remember(struct session *);
void	session_forget(struct session *);
/*
 * "S6920b1a5000f3.7": session and command, in log lines and decision records.
 */
const char *session_ref(const struct session *, char out[32]);

#endif
