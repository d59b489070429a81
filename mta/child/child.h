/*
 * child.h - what every process under the parent has in common.
 *
 * main.c of a process: child_open() (log, loop, channel to the parent on
 * PARENT_FD), its own opening, confine_drop(), confine_sandbox(), child_run().
 * This room answers STATS_WANTED, takes CONFIG_* and PEER apart, and ends the
 * process when the parent has gone.
 */
#ifndef WB_MTA_CHILD_CHILD_H
#define WB_MTA_CHILD_CHILD_H

#include "base/buf.h"
#include "mta/msg/msg.h"

#include <sys/types.h>

/* What arrived between CONFIG_IMAGE and CONFIG_DONE.  Descriptors are the receiver's: it takes them (sets -1) or they are closed. */
struct child_config {
	uint32_t	 generation;
	int		 image_fd;
	size_t		 nfiles;
	int		*file_fds;		/* by manifest index; -1: not there */
	size_t		 nowners;
	struct { uint32_t object; uid_t uid; gid_t gid; } *owners;
	size_t		 nusers;		/* system users whom the policy names */
	struct { char *name; uid_t uid; gid_t gid; } *users;
	size_t		 ntables;
	int		*table_fds;		/* indexes, by map number; -1: not there */
	size_t		 nlisteners;
	struct { uint32_t object; int fd; } *listeners;
	size_t		 ncerts;		/* smtp: certificates, by their tls blocks; base/tls_bundle.h */
	struct { uint32_t object; int fd; } *certs;
	size_t		 nauthorities;	/* fetch: files of authorities (PEM), by their blocks, or AUTHORITIES_OF_ALL */
	struct { uint32_t object; int fd; } *authorities;
	size_t		 nsecrets;		/* lookup: files of passwords */
	struct { uint32_t object, option; int fd; } *secrets;
};

struct child_ops {
	/* A whole configuration, first or after a reload. Answer READY is sent by the caller of this when it returns true. */
	bool	(*config)(struct child_config *, void *arg);
	/* A channel to another process, new or in place of one that died; takes fd. */
	void	(*peer)(enum proc, uint32_t instance, int fd, void *arg);
	/* Stop within drain_ms: finish or say 421, then child_done(); NULL: it is done at once. */
	void	(*stop)(uint32_t drain_ms, void *arg);
	/* Adds "\"name\":number,..." (inside of a JSON object) for `status`; may be NULL. */
	void	(*stats)(struct buf *, void *arg);
	/* Other messages of the parent (queue: RELOADED, STATUS_PART); may be NULL. */
	bool	(*message)(struct msg *, void *arg);
};

/*
 * self: for logs and test hooks.  The command line is pairs of --NAME VALUE:
 * --instance N, --log-level L, --chroot DIR and what the process adds; all
 * are there for child_option().  Signals that a terminal or a service manager
 * sends to everybody are ignored: the parent says STOP.
 */
void		 child_open(enum proc self, int argc, char **argv, const struct child_ops *, void *arg);
/* VALUE of --NAME on the command line, or NULL. */
const char	*child_option(const char *name);
uint32_t	 child_instance(void);
struct chan	*child_parent(void);	/* NULL once the parent has gone */
void		 child_run(void);	/* until child_done() or the parent has gone */
void		 child_done(void);

#endif
