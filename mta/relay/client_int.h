/*
 * client_int.h - what the files of a session share.
 *
 *   states, replies, the end				client.c
 *   octets						client_io.c
 *   CONNECTING -> GREETING -> EHLO (-> HELO) -> IDLE	client_hello.c
 *   EHLO -> STARTTLS -> HANDSHAKE -> EHLO		client_tls.c
 *   CONNECTING -> HANDSHAKE -> GREETING		TLS first
 *   EHLO -> AUTH -> IDLE				client_auth.c
 *   IDLE (-> LOOKING) -> ENVELOPE			client_convert.c
 *   ENVELOPE -> CONTENT -> DOT -> IDLE			client_mail.c
 *           ENVELOPE -> LONE_DOT -> IDLE	nobody accepted, yet 354 came
 *   LMTP: in DOT there is a reply for each recipient that RCPT accepted
 *   IDLE -> QUIT -> GONE
 *
 * In ENVELOPE the commands RSET, XFORWARD ..., MAIL, RCPT ..., DATA are numbered: `sent` is
 * how many left, `next` the one whose reply comes next.
 */
#ifndef WB_MTA_RELAY_CLIENT_INT_H
#define WB_MTA_RELAY_CLIENT_INT_H

#include "base/buf.h"
#include "base/loop.h"
#include "mta/relay/client_auth.h"
#include "mta/relay/client_tls.h"
#include "mta/relay/content.h"

/* RFC 5321, 4.5.3.2; what it leaves open is marked. */
#define STATES(X)							\
	X(CONNECTING,	30,	"the connection")	/* open */	\
	X(GREETING,	300,	"the greeting")				\
	X(EHLO,		300,	"the answer to EHLO")	/* open; LHLO too */ \
	X(HELO,		300,	"the answer to HELO")	/* open */	\
	X(STARTTLS,	300,	"the answer to STARTTLS") /* open */	\
	X(HANDSHAKE,	60,	"the end of the handshake") /* open */	\
	X(AUTH,		300,	"the answer to AUTH")	/* open */	\
	X(IDLE,		0,	"-")			/* the owner's */ \
	X(LOOKING,	0,	"-")			/* ours */ \
	X(ENVELOPE,	300,	"the answer to MAIL or RCPT")		\
	X(CONTENT,	180,	"the hop to take the content")		\
	X(DOT,		600,	"the answer to the final dot")		\
	X(LONE_DOT,	600,	"the answer to the final dot")		\
	X(QUIT,		5,	"-")			/* open */	\
	X(GONE,		0,	"-")

enum state {
#define STATE(name, seconds, meaning) name,
	STATES(STATE)
#undef STATE
};

/* By state. */
extern const struct client_state {
	const char	*name;
	int		 seconds;
	const char	*waits_for;
} client_states[];

struct client_tls {
	struct client_tls_want	 want;
	struct tls_connect	*conn;		/* NULL: in the clear */
	bool			 on;		/* the handshake is done */
	bool			 tried;		/* one was begun */
	bool			 back;		/* it has failed: the host may be tried in the clear */
	bool			 turned;	/* a write waits for something to read */
	enum tls_class		 class;
	char			 why[256];	/* why no more was reached; "" */
};

struct client_auth {
	struct login_client	*logins;	/* NULL: none is wanted */
	struct buf		 facts;		/* of the first job (RELAY) */
	struct login		*login;		/* under way */
	bool			 awaits;	/* the hop is to answer */
	bool			 cancelled;	/* we have said "*" */
	struct buf		 initial;	/* a response that was too long for AUTH; wiped */
	struct buf		 told;		/* how it has logged in, or why not */
	struct buf		 tried;		/* mechanisms, a blank before each */
	bool			 held;		/* the login was refused */
};

/* A message that the hop may not take as it is. */
struct client_convert {
	unsigned		 lacks;		/* enum downgrade_lacks that matter for it */
	struct downgrade	*how;		/* NULL: as it is */
	struct content		 at;		/* how far it has been looked at */
	bool			 measuring;	/* it is decided: how long it gets */
	uint64_t		 length;	/* octets that are sent */
	struct timer		 next;		/* the next piece */
};

struct client {
	const struct client_ops	*ops;
	void			*arg;
	int			 fd;
	struct watch		 watch;
	enum state		 state;
	int64_t			 deadline_ms;	/* 0: none */
	struct hop_addr		 addr;
	struct self		*self;
	char			*mta;		/* "name[address]" */
	char			 greeted[HOP_NAME_MAX];	/* the name in its greeting */
	struct ehlo		 ext;
	struct buf		 in, out;
	struct reply_pos	 pos;
	size_t			 unread;	/* octets received behind the last reply that was taken */
	struct job		*job;
	bool			 used;		/* has sent a message before this one */
	bool			 wants_rset;	/* a transaction was left open */
	bool			 mail_ok;
	uint32_t		 mails;		/* commands MAIL in this session */
	bool			 bdat;		/* the content goes by BDAT, not by DATA */
	size_t			 sent, next, accepted;
	unsigned		 nxforward;	/* commands XFORWARD of this message */
	size_t			 answered;	/* LMTP: recipients before this one have the dot's reply */
	struct content		 content;
	struct client_convert	 convert;
	struct client_tls	 tls;
	struct client_auth	 auth;
	bool			 content_done;	/* the final dot is in out or has left */
	bool			 busy, freed;	/* in a callback; freed after it */
};

/* The one way into another state: logs it, sets its deadline. */
void	client_step(struct client *, enum state, const char *event);
int64_t	client_deadline(int seconds);
/* No session, or none any more. */
void	client_fail(struct client *, const struct outcome *why);
/* The job has its results. */
void	client_finish(struct client *, enum client_end);
/* The session broke: those without an answer are to be tried again. */
void	client_break_off(struct client *, const struct outcome *why);
/* No SMTP: nothing after it can be trusted. */
void	client_nonsense(struct client *);
/*
 * Where we speak next, and the hop awaits it: it has said something already.
 * That cannot be an answer to what is not yet sent, and must not become one.
 */
bool	client_out_of_step(const struct client *);
/* More replies than commands: which one answers what is not known any more. */
void	client_surplus(struct client *);
/* The session had been idle and is of no use; the job has no results. */
void	client_stale(struct client *);
/* Around what others than the loop call: the owner may free the session meanwhile. */
void	client_call_begin(struct client *);
void	client_call_end(struct client *);
/* What the loop calls: the socket can be read or written (LOOP_READ, LOOP_WRITE). */
void	client_on_ready(void *client, int what);

/* client_io.c */
enum io_got {
	IO_OCTETS,
	IO_LATER,	/* client_on_ready() will be called */
	IO_ENDED	/* *why: static; NULL: the hop has closed */
};
/* A socket on which connect() is under way or done; taken. */
void	client_io_open(struct client *, int fd);
/* connect() has ended: 0, or an errno.  Input is waited for from now on. */
int	client_io_connected(struct client *);
/* What is waited for: LOOP_READ, LOOP_WRITE or both. */
void	client_io_want(struct client *, int what);
/* client_on_ready() is not called any more. */
void	client_io_stop(struct client *);
/* Closes; forgets what was not sent or taken. */
void	client_io_close(struct client *);
/* Up to size octets; *n is above 0 with IO_OCTETS. */
enum io_got client_io_read(struct client *, void *to, size_t size, size_t *n, const char **why);
/* There is more to read that the loop does not announce. */
bool	client_io_pending(const struct client *);
/* The hop has said something that was not read yet. */
bool	client_io_waiting(const struct client *);
/*
 * Sends c->out, as far as the socket takes it.  A broken connection is noticed
 * by the reader, who may find a reply first.
 */
void	client_flush(struct client *);
/* Another turn, when the socket takes more. */
void	client_want_write(struct client *);

/* client_tls.c */
bool	client_tls_first(const struct client *);
/* Enters HANDSHAKE. */
void	client_tls_begin(struct client *);
/* In HANDSHAKE: the socket can be read or written, or there is a signature. */
void	client_tls_proceed(struct client *);
/* In HANDSHAKE: the time is over. */
void	client_tls_late(struct client *);
/* The hop has ended TLS before it took a command; false: that was not it. */
bool	client_tls_broken(struct client *, const char *why);
/* EHLO is answered: true: STARTTLS is under way, or the session is over. */
bool	client_tls_after_ehlo(struct client *);
void	client_starttls_reply(struct client *, const struct reply *);
/* close_notify; gives up what it holds. */
void	client_tls_end(struct client *);

/* client_auth.c */
/* The hop is known, with the TLS that it gets: true: a login is under way. */
bool	client_auth_after_ehlo(struct client *);
void	client_auth_reply(struct client *, const struct reply *);
/* Gives up what it holds. */
void	client_auth_end(struct client *);

/* client_hello.c */
/* EHLO, or EHLO anew. */
void	client_hello(struct client *);
/* The hop is known, and the session has the TLS that it gets. */
void	client_hello_done(struct client *);
/* It takes messages. */
void	client_ready(struct client *);
void	client_set_mta(struct client *, struct span name);
void	client_greeting_reply(struct client *, const struct reply *);
void	client_ehlo_reply(struct client *, const struct reply *);
void	client_helo_reply(struct client *, const struct reply *);

/* client_params.c */
/*
 * Whether the hop can take the job, apart from its octets; how: c->bdat.
 * false: *why is for all recipients that have no result yet.
 */
bool	client_can_take(struct client *, struct outcome *why);
/* The same once its form is decided: the addresses as they go. */
bool	client_can_say(struct client *, struct outcome *why);
/* With the parameters that the hop knows. */
void	client_put_mail(struct client *);
void	client_put_rcpt(struct client *, const struct job_rcpt *);

/* client_requiretls.c (RFC 8689, 4.2.1) */
/* Opened for such mail, verified, and the hop will keep it too. */
bool	client_keeps_requiretls(const struct client *);
/* LMTP to a socket or the loopback of this machine: nothing leaves it. */
bool	client_is_end(const struct client *);
/* Why it may not have such mail: for good, by this host. */
void	client_lacks_requiretls(const struct client *, struct outcome *why);
/*
 * After EHLO: a session that is opened for such mail ends where the hop does not keep
 * it, and the next host is tried.  true: it has ended.
 */
bool	client_requiretls_ends(struct client *);

/* client_convert.c */
/*
 * Looks at the content where the hop may not take it as it is, a piece for each
 * turn, and goes on with client_begin_mail(), or says why it cannot.
 */
void	client_convert_begin(struct client *);
/* Of this job nothing more is sent. */
void	client_convert_end(struct client *);

/* client_xforward.c */
/* How many commands tell the filter where the job's message came from. */
unsigned client_xforwards(const struct client *);
void	client_put_xforward(struct client *, unsigned nth);

/* client_mail.c */
/* c->convert is decided. */
void	client_begin_mail(struct client *);
/* In ENVELOPE: the next reply is that to DATA. */
bool	client_at_data(const struct client *);
void	client_envelope_reply(struct client *, const struct reply *);
void	client_dot_reply(struct client *, const struct reply *);
void	client_early_reply(struct client *, const struct reply *);
/* More of the content. */
void	client_proceed(struct client *);

#endif
