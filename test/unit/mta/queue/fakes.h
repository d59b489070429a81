/*
 * fakes.h - a whole queue in one process with the test, and the processes
 * around it, played by the test over real channels.
 *
 * The route that is played looks at the recipient's local part:
 *   hop...     to the next hop relay:DOMAIN
 *   box...     into the mailbox /DOMAIN of uid 1000
 *   pair...    to box1@DOMAIN and hop1@DOMAIN
 *   fail...    550 5.1.1        later...   451 4.3.0
 *   drop...    discarded
 *   as1..., as2...   as hop..., MAIL FROM hop1@s.test (hop2), RCPT TO new@out.test
 *   twoas...   to as1@DOMAIN and as2@DOMAIN
 *   forward...   to hop@else.test
 *   list...      to hop1@list.test and hop2@list.test, whose owner is
 *                box-owner@s.test; list1...: to the first alone
 *   manyN      to mI@DOMAIN, N of them, I from many_from on, in pieces
 */
#ifndef WB_TEST_QUEUE_FAKES_H
#define WB_TEST_QUEUE_FAKES_H

#include "base/loop.h"
#include "mta/queue/queue.h"

#define FAKE_LOG_MAX	4096
#define FAKE_MEMBERS	100000

/* Ends the process: these tests run in children of their own. */
#define CHECK(what) \
	do { \
		if (!(what)) \
			fakes_failed(__FILE__, __LINE__, #what); \
	} while (0)

/* What a next hop has seen. */
struct fake_job {
	uint64_t	id, qid;
	char		hop[64];
	uint32_t	rcpts[100], n;
	char		first[80];	/* address of the first recipient */
	char		sender[80];
	uint32_t	flags;
	char		envid[80];
	int64_t		by_ms;
	char		param[160];	/* "NOTIFY;type;address" of the first recipient */
	bool		answered;
	uint32_t	messages_max;
};

struct fakes {
	struct queue		 q;
	char			*dir;
	struct chan		*smtp, *route, *relay, *spawner, *deliver;
	/* smtp */
	int			 seg_fd;
	struct segment_id	 seg;
	uint64_t		 seg_size, seg_at;
	struct segment_toc	 toc;
	struct qid_gen		 qids;
	unsigned		 revoked;	/* SEGMENT_REVOKED received */
	unsigned		 segments;	/* received so far */
	unsigned		 told;		/* ACCEPTED sent */
	bool			 wanted;	/* a segment */
	struct space		 space;		/* the last SPACE */
	bool			 unsynced;	/* the next records are not synced */
	int			 body_fd;	/* of BODY; -2: refused */
	unsigned		 etrns;		/* ETRN_STARTED received */
	unsigned		 etrn_result, etrn_messages;	/* of the last */
	/* route */
	unsigned		 asked;		/* recipients */
	bool			 route_silent;
	unsigned		 gap_asks;	/* times that gap... was asked */
	unsigned		 later_until;	/* asks that later... is answered so */
	unsigned		 many_from;
	/* `on bounce`, as BOUNCE_ANSWER has it */
	unsigned		 bounces;	/* asked */
	bool			 bounce_silent, bounce_discard, bounce_header_only;
	const char		*bounce_language, *bounce_copy;	/* NULL: none */
	/* relay */
	struct fake_job		 jobs[FAKE_LOG_MAX];
	unsigned		 njobs;
	const char		*status4;	/* of 4xx */
	const char		*tls, *login;	/* that RELAYED tells */
	bool			 login_held;
	size_t			 nfacts;	/* octets, of the last RELAY */
	bool			 has_mx;	/* the hop's MX hosts are these */
	uint8_t			 mx[SCHED_SET];
	unsigned		 shown, gone;	/* SEGMENT_FD, SEGMENT_GONE */
	struct { struct segment_id id; int fd; } open[64];
	bool			 body;		/* the last job had a body file */
	uint16_t		 code;		/* answered at once; 0: not */
	uint8_t			 offers;	/* enum relayed_offers */
	uint8_t			 got[FAKE_MEMBERS];	/* how often mI... came */
	unsigned		 ngot;
	bool			 unconnected;
	/* deliver */
	unsigned		 prepares, commits;
	char			 names[FAKE_LOG_MAX][200];	/* committed */
	struct buf		 last_prefix, last_content;
	bool			 deliver_silent;	/* reads, says nothing */
	bool			 hold_commit;	/* does not answer COMMIT */
	uint16_t		 deliver_code;	/* DELIVER_FAILED with it; 0: no */
	bool			 as_is;		/* of the last content */
	bool			 as_file;	/* the last content came as a memfd */
	/* fakes_until() */
	struct turn_hook	 look;
	struct timer		 beat;
	bool			(*holds)(struct fakes *);
	bool			 held, logged;
	/* A next hop has got it, or a mailbox is told to show it; may be NULL. */
	void			(*saw)(uint64_t qid, bool commit);
	/* A mailbox that is none of ours: final gets its name there; NULL: none. */
	void			(*prepare)(struct span name, struct span prefix, struct span content, char final[220]);
	void			(*commit)(const char *final);
};

void	fakes_failed(const char *file, int line, const char *what) __attribute__((noreturn));
/* A queue on this folder (made if needed), recovered, with all peers. */
struct fakes *fakes_open(const char *dir, uint64_t segment_octets);
/* One wait between attempts, one lifetime, whatever the error. */
void	fakes_retry(struct fakes *, int64_t ms);
void	fakes_lifetime(struct fakes *, int64_t ms);
/* Also one peer alone, new: its earlier channel closes. */
void	fakes_peer(struct fakes *, enum proc);
/* Turns of the loop until this holds at the end of one; two minutes are a failure. */
#define fakes_until(f, holds) \
	fakes_wait((f), (holds), __FILE__, __LINE__, #holds)
void	fakes_wait(struct fakes *, bool (*)(struct fakes *), const char *file, int line, const char *what);
/* Until the status log has on disk what has been so far. */
void	fakes_logged(struct fakes *);
/* That long: for what must not happen. */
void	fakes_run_ms(struct fakes *, int ms);
/* A message is written, synced, and the queue told. Returns its queue id. */
uint64_t fakes_accept(struct fakes *, const char *sender, const char *rcpt, size_t octets);
uint64_t fakes_accept_n(struct fakes *, const char *sender, const char *const *rcpts, size_t n, size_t octets, bool tell);
/* With this envelope's sender, recipients, flags and parameters. */
uint64_t fakes_accept_as(struct fakes *, const struct envelope *like, size_t octets, bool tell);
/* With its content in a body file. */
uint64_t fakes_accept_body(struct fakes *, const char *sender, const char *rcpt, size_t octets);
/* What a message of that id holds, by fakes_accept. */
void	fakes_content(uint64_t qid, size_t octets, struct buf *out);
/* A client has said ETRN. */
void	fakes_etrn(struct fakes *, enum etrn_how, const char *name);
void	fakes_seal(struct fakes *);
void	fakes_relayed(struct fakes *, unsigned job, uint16_t code, const char *text);
/* The first of its recipients are taken, the others have this code. */
void	fakes_relayed_some(struct fakes *, unsigned job, uint32_t taken, uint16_t code, const char *status);
/* What the control socket answers to a line (with its end). */
const char *fakes_ask(struct fakes *, const char *line);
/*
 * n steps of a test, with the same folder, each a process of its own that ends
 * by _exit; the test fails when one fails.
 */
void	fakes_in_children(void (*const *steps)(const char *dir), size_t n);

#endif
