/*
 * deliverer.h - the deliver processes: who may have one, and their start.
 *
 * Owns: for each running one the channel that tells of its end.
 */
#ifndef WB_MTA_SPAWNER_DELIVERER_H
#define WB_MTA_SPAWNER_DELIVERER_H

#include "base/chan.h"

#include <sys/types.h>

#define DELIVERERS_MAX	256	/* at once */
#define UID_LEAST	100	/* below: users of the system itself */
#define QUEUE_FD	4	/* in deliver: its channel to the queue */

struct deliverer;
struct deliverers {
	struct deliverer *list;
	char		*program;
	int		 program_fd;	/* opened as root */
	const char	*log_level;	/* NULL: deliver's own default */
	bool		 root;		/* started as root: may become others */
	bool		 spared;	/* tests: one has died, the next ones live */
	unsigned	 running;
	uint64_t	 started, refused;
};

/* Before privileges are dropped; fatal() when the program is not there. */
void	deliverers_init(struct deliverers *, const char *libexec, const char *log_level);
/* Forgets them all; they end when they notice. */
void	deliverers_clear(struct deliverers *);
/*
 * Starts one; returns the queue's end of its channel, or -1 with *why
 * (static): not as root only the caller's own uid, as root none of the
 * system's.  programs: it may execute some.
 */
int	deliverer_start(struct deliverers *, uid_t, gid_t, bool programs, const char **why);
/* Whether these numbers may have one: NULL, or why not. */
const char	*deliverer_refusal(const struct deliverers *, uid_t, gid_t);

#endif
