/*
 * process.h - a process of the server as a child of the command, which is its
 * parent: starts it, gives it a configuration, and ends it.
 */
#ifndef WB_MTA_CMD_PROCESS_H
#define WB_MTA_CMD_PROCESS_H

#include <sys/types.h>

#include "mta/msg/msg.h"
#include "ruleset/image.h"

#define PROCESS_GENERATION	1	/* of the only configuration */

struct process {
	struct chan	*chan;		/* NULL: it has ended */
	pid_t		 pid;
	const char	*options[4];	/* --NAME, VALUE; NULL: no more */
	const char	*level;		/* of its log; NULL: warn */
	/* May be zero: a message that is not READY, and that it has ended. */
	bool		(*message)(struct process *, struct msg *);
	void		(*closed)(struct process *);
	void		*arg;
};

/*
 * Executes libexec/waybill-NAME with the options, which are set before, as the
 * callbacks are; fatal() when it cannot be.
 */
void	process_start(struct process *, const char *libexec, const char *name);
/* Without its parent it ends by itself; waits for that. */
void	process_stop(struct process *);

/* CONFIG_IMAGE, then CONFIG_FILE and CONFIG_SECRET as often as it takes, then CONFIG_DONE. */
void	process_send_image(struct process *, struct span octets);
/* A file of the manifest, opened as whoever we are; one that cannot be is left out. */
void	process_send_file(struct process *, const struct rs_image *, uint32_t file);
/* The password of the map's `login "user" password file "path"`, likewise; it is a warning. */
void	process_send_secret(struct process *, const struct rs_image *, uint32_t map);
void	process_send_done(struct process *);

/* Our end of a channel to it, on which it takes us for proc. */
int	process_peer(struct process *, enum proc);
/* A channel between two. */
void	process_join(struct process *a, enum proc a_is, struct process *b, enum proc b_is);

#endif
