/*
 * queue.h - what the files of the queue process share.
 *
 * The way of a message through them: intake.c takes it from a server session
 * (or recover.c from the spool, or bounce.c writes it), route.c asks where its
 * recipients go, schedule.c says when, relay_jobs.c and local.c hand it on,
 * messages.c decides what an outcome means and ends it.
 */
#ifndef WB_MTA_QUEUE_QUEUE_H
#define WB_MTA_QUEUE_QUEUE_H

#include "base/loop.h"
#include "mta/child/child.h"
#include "mta/msg/etrn.h"
#include "mta/queue/index.h"
#include "mta/queue/journal.h"
#include "mta/queue/own.h"
#include "mta/queue/schedule.h"
#include "mta/queue/segments.h"
#include "mta/queue/terms_read.h"
#include "mta/queue/throttle.h"
#include "mta/spool/qid.h"

#define WARNS_MAX	16	/* times at which a sender is told of a delay */

/* From the policy's image. */
struct settings {
	uint64_t	 segment_octets, reserve_octets;
	int64_t		 warns_ms[WARNS_MAX];	/* rising; of the delay */
	unsigned	 nwarns;
	bool		 login_facts;		/* logins at next hops depend on the message */
	bool		 soft_bounce;		/* refusals for good are tried again */
	int64_t		 transaction_ms;
	int64_t		 quarantine_ms;		/* 0: for ever */
	char		*hostname;
	struct notify_set *notify;		/* notify_set.c */
	char		**relays;		/* names of the relay blocks */
	size_t		 nrelays;
};

struct counters {
	uint64_t	accepted, sent, delivered, deferred, failed, bounced,
			discarded, removed;
};

struct worker;		/* intake.c */
struct router;		/* route.c */
struct relay_jobs;	/* relay_jobs.c */
struct local;		/* local.c */
struct forwards;	/* forward.c */
struct control;		/* control.c */
struct tls_reports;	/* tls_reports.c */
struct resolver;	/* resolver.c */
struct bodies;		/* bodies.c */
struct etrn;		/* etrn.c */
struct notify_set;	/* notify_set.c */
struct asks;		/* bounce_ask.c */
struct postmaster;	/* postmaster.c */
struct tagnames;	/* tagnames.c */

struct queue {
	int			 spool_fd, seg_fd, body_fd, control_fd;
	struct settings		 set;
	bool			 running;	/* recovered */
	struct throttle		 throttle;	/* whether more mail is taken */
	bool			 full;		/* no space for what could wait: bodies, moving */
	uint64_t		 free_octets;	/* of the disk, when last looked at */
	bool			 moving;	/* deferred.c is at work */
	struct pool		*syncs, *work;
	struct journal		*journal;
	struct segments		 segments;
	struct own		*own;
	struct index		 index;
	struct sched		 sched;
	struct terms_table	*terms;		/* of hops; NULL: all have the same */
	struct qid_gen		 qids;
	uint64_t		 max_qid;	/* ever seen */
	uint32_t		 copy_after_ms;	/* sealing to moving what is left */
	uint32_t		 resume_ms;	/* a worker names its segments by then, or never */
	struct worker		*workers;
	struct router		*router;
	struct relay_jobs	*relay;
	struct local		*local;
	struct forwards		*forwards;
	struct control		*control;
	struct tls_reports	*tls_reports;	/* tls_reports.c; NULL: fetch was never there */
	struct resolver		*resolver;	/* resolver.c; NULL: resolve was never there */
	struct bodies		*bodies;
	struct etrn		*etrn;
	struct tagnames		*tags;		/* of the policies so far */
	struct htab		 kept;		/* kept.c: on hold by hand */
	size_t			 nheld, nquarantined;	/* messages in the index */
	struct asks		*asks;		/* notifications that wait for `on bounce` */
	struct postmaster	*postmaster;	/* what he was told */
	uint64_t		 dump_qid;	/* state.c: the message under way */
	uint32_t		 dump_at;	/* its next target */
	struct counters		 count;
	struct timer		 tick;
	uint64_t		 ticks;
	bool			 stopping;
	int64_t			 stop_ms;	/* then also with jobs under way */
	struct turn_hook	 turn;
};

#define QUEUE_COPY_AFTER_MS	(5 * 60 * 1000)
#define QUEUE_RESUME_MS		(60 * 1000)

/* --- service.c; folder.c and settings.c for what main.c opens */
void	queue_init(struct queue *);	/* parts; before all else */
void	queue_start(struct queue *);	/* with settings and folder: recovers, runs */
void	queue_stop(struct queue *, uint32_t drain_ms);
void	spool_open(struct queue *, const char *path);
void	spool_fill(struct queue *, bool control);
int	settings_read(struct queue *, int image_fd, const char **why);

/* --- messages.c: what becomes of a message */

/* Stands in the segment at offset: into the index, and on. m is taken; false: known already. */
bool	message_admit(struct queue *, struct message *, struct segment *, uint64_t offset);
/* Outcomes of one target; the caller then calls message_settle() once. */
void	dest_done(struct queue *, struct message *, struct dest *);
void	dest_defer(struct queue *, struct message *, struct dest *, const struct answer *);
void	dest_fail(struct queue *, struct message *, struct dest *, const struct answer *);
/* Refused for good, by a hop or by route: it has failed, or is tried again (`soft bounce`). */
void	dest_refused(struct queue *, struct message *, struct dest *, const struct answer *);
/* Done, and its sender is to be told; at the next hop, or in a mailbox. */
void	dest_arrive(struct queue *, struct message *, struct dest *, const struct answer *, bool relayed);
/* Of an ARRIVED target: enum record_how. */
uint8_t	dest_how(const struct dest *);
/* Looks at what is due for it: routing, line, notification, end.  May free it. */
void	message_settle(struct queue *, struct message *);
/* What the log says of it, when it stands there: MESSAGE.  The envelope is borrowed. */
struct record message_record(const struct message *, const struct segment *, uint64_t offset);
/* Its place has changed: accounts, no log. */
void	message_move(struct message *, struct segment *, uint64_t offset);
/* Each second: retries, warnings, ends of lifetimes. */
void	messages_tick(struct queue *);
/* By hand: due now; away. */
void	message_retry(struct queue *, struct message *);
/* by: "uid:0", or why the queue does so itself. */
void	message_remove(struct queue *, struct message *, const char *by);
/* One target that waits is due now; message_settle() follows. */
void	dest_wake(struct message *, struct dest *);
void	message_log_accepted(const struct message *);
uint32_t index_now_s(void);
/* Deadline that the sender has given (RFC 2852), wall time, 0: none. */
int64_t	message_by_ms(const struct message *);
/* It was to be returned rather than sent at this time. */
bool	message_too_late(const struct message *);
/* Wall time of a target's next try, 0: none. */
int64_t	dest_next_ms(const struct dest *);

/* --- intake.c: server sessions */
void	intake_peer(struct queue *, uint32_t instance, int fd);
void	intake_spare(struct queue *);
void	intake_space(struct queue *);
/* A worker has no segment to write, and none can be made for it. */
bool	intake_starved(const struct queue *);
void	intake_tick(struct queue *);
/* ETRN_STARTED: what a worker is told (enum etrn_result); nothing when it has gone. */
void	intake_etrn(struct queue *, uint32_t instance, uint64_t ticket, unsigned result, uint32_t messages);
/* Reads the records of a segment from what is known up to `to` (0: as far as they go). */
void	intake_read_on(struct queue *, struct segment *, uint64_t to, bool check);

/* --- bodies.c: contents with a file of their own */
void	bodies_open(struct queue *);
/* Makes it and its name durable, then calls cb with the descriptor, or -1. */
void	body_make(struct queue *, uint64_t qid, void (*cb)(void *, int fd), void *arg);
void	body_remove(struct queue *, uint64_t qid);
/* Removes it when the log's FINISHED is durable: a live record must have its body. */
void	body_finished(struct queue *, uint64_t qid);
int	body_open_read(const struct queue *, uint64_t qid);
/* Removes files that no message names and no transaction can still be writing. */
void	bodies_sweep(struct queue *);

/* --- etrn.c */
void	etrn_open(struct queue *);
/*
 * A worker asks that what waits for this name is tried now; it is answered by
 * intake_etrn(), at once or after a walk through the index.
 */
void	etrn_ask(struct queue *, uint32_t instance, uint64_t ticket, enum etrn_how, struct span name);

/* --- route.c */
void	router_open(struct queue *);
void	router_peer(struct queue *, int fd);
/* NEW targets of it are to be routed. */
void	router_want(struct queue *, struct message *);
void	router_turn(struct queue *);
void	router_tick(struct queue *);

/* The channel to route, NULL: it is not there. */
struct chan *router_chan(const struct queue *);

/* A recipient of this message is being expanded just now. */
bool	router_expands(const struct queue *, uint64_t qid, uint32_t rcpt);
/* The route process can be asked. */
bool	router_there(const struct queue *);

/* --- targets.c: what one target means */

/*
 * The target says where this one goes: failed, waiting, done, or then (READY;
 * LOGGING: one of an expansion, which has its place already).
 */
void	target_apply(struct queue *, struct message *, struct dest *, const struct target *, struct span given, unsigned then);
/* FAIL or LATER. */
void	target_refuse(struct queue *, struct message *, struct dest *, const struct target *);

/* --- expand.c: what route has answered of ROUTING targets */

/* Some of it, as it came: whole targets (mta/msg/target.h), those of a recipient together. */
struct answered {
	struct answered	*next;
	size_t		 n;
	char		 octets[];
};
struct applying;
/* The answer is borrowed until targets_end(). */
struct applying	*targets_begin(struct queue *, struct message *, const struct answered *);
/* Goes on until this time (boot, us; INT64_MAX: to the end).  True: it is over, and the message may be gone. */
bool	targets_step(struct applying *, int64_t until_us);
/* The recipient that is being expanded; false: none is. */
bool	targets_expands(const struct applying *, uint32_t rcpt);
void	targets_end(struct applying **);

/* --- relay_jobs.c */
void	relay_open(struct queue *);
void	relay_peer(struct queue *, int fd);
bool	relay_start(struct queue *, struct hop *, struct message *, const uint32_t *dests, uint32_t n);
void	relay_segment_gone(struct queue *, struct segment *);
void	relay_tick(struct queue *);
/* NULL: it is not there. */
struct chan *relay_chan(struct queue *);

/* --- local.c, deliverer.c */
void	local_open(struct queue *);
void	local_peer(struct queue *, int fd);	/* the spawner */
bool	local_start(struct queue *, struct hop *, struct message *, uint32_t dest);
void	local_tick(struct queue *);
/* Text of the hop that a deliverer is: by its owner, and whether it runs programs. */
const char *local_hop(const struct target *, char out[32]);

/* --- forward.c */
void	forwards_open(struct queue *);
/* FORWARD_WANTED of route; route has a new channel; time. */
bool	forwards_wanted(struct queue *, struct msg *);
void	forwards_drop(struct queue *);
void	forwards_tick(struct queue *);

/* --- bounce.c */
/* All FAILED targets, or else all ARRIVED ones. */
void	bounce_ended(struct queue *, struct message *);
/* What has neither arrived nor failed: for long, or after its deadline. */
void	bounce_delayed(struct queue *, struct message *);
void	bounce_late(struct queue *, struct message *);

/* --- bounce_ask.c: `on bounce` */
void	asks_open(struct queue *);
/* BOUNCE_ANSWER; false: it makes no sense. */
bool	asks_answered(struct queue *, struct msg *);
/* route is not there, or takes too long: the notifications go out as ever. */
void	asks_lost(struct queue *);
void	asks_tick(struct queue *);

/* --- postmaster.c: of what the postmaster is told */
enum notify_class {
	TOLD_DOUBLE,	/* a notification, or mail without a sender, has failed */
	TOLD_FAILED,	/* copies of what senders are told */
	TOLD_DELAYED,
	TOLD_RESOURCE,	/* space, descriptors, disks */
	TOLD_SOFTWARE,	/* a process has ended, something is not as it should be */
	TOLD_POLICY,	/* a rule has refused a client */
	TOLD_PROTOCOL,	/* a client has not kept to the protocol */
	TOLD_NCLASSES
};
void	postmaster_open(struct queue *);
const char *postmaster_class_name(unsigned);
/*
 * Whether he is told of this class now: what is more than TOLD_MAX an hour is
 * counted and told by *more with the next.
 */
bool	postmaster_wants(struct queue *, enum notify_class, unsigned *more);
/* So many more of this class are told of with the next. */
void	postmaster_more(struct queue *, enum notify_class, uint32_t n);
/* PROCESS_ENDED; false: it makes no sense. */
bool	postmaster_process(struct queue *, struct msg *);
/* A next hop has said what is no SMTP, and its session was ended. */
void	postmaster_nonsense(struct queue *, const struct hop *, const struct answer *);
/* A message of ours, which nobody answers; text has LF lines. */
void	postmaster_tell(struct queue *, enum notify_class, const char *subject, struct span text);

/* --- resolver.c */
/* A channel to resolve, new or again: whether its answers are validated. */
void	resolver_peer(struct queue *, int fd);

/* --- deferred.c */
void	deferred_tick(struct queue *);

/* --- space.c */
void	space_begin(struct queue *);
/* Now; each second; at the end of a turn, when a limit may have been passed. */
void	space_check(struct queue *);
void	space_tick(struct queue *);
void	space_turn(struct queue *);

/* --- recover.c, state.c */
/* Status log and segments become index and journal; fatal() when it cannot be. */
void	recover(struct queue *);
/* The live state as records, for a checkpoint. */
bool	state_slice(void *queue, struct journal *, unsigned step);

/* --- control.c */
void	control_open(struct queue *);
void	control_tick(struct queue *);
bool	control_message(struct queue *, struct msg *);	/* RELOADED, STATUS_PART */

#endif
