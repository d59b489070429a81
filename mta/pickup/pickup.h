/*
 * pickup.h - what the files of pickup share.
 *
 *   folders.c  the folders that programs reach, made and locked
 *   users.c    login names
 *   door.c     the socket: connections are named and handed on to smtp
 *   scan.c     the drop folder: which file is tried when
 *   job.c      one file: read, handed to smtp, told of
 */
#ifndef WB_MTA_PICKUP_PICKUP_H
#define WB_MTA_PICKUP_PICKUP_H

#include "base/chan.h"
#include "base/hash.h"
#include "base/loop.h"
#include "base/pool.h"
#include "mta/drop/drop.h"

#define PICKUP_WORKERS_MAX	32	/* smtp processes */
#define LOGIN_MAX		256	/* octets with NUL */

struct scan;

struct pickup {
	int			 public_fd, drop_fd;
	struct chan		*smtp[PICKUP_WORKERS_MAX];
	unsigned		 next;		/* whose turn it is */
	struct pool		*namers, *talkers;	/* threads: a name is found while others talk */
	struct drop_settings	 settings;
	bool			 configured, stopping;
	bool			 was_none;	/* programs could not send: the socket is closed */
	/* door.c */
	int			 listen_fd;	/* -1: closed */
	struct watch		 listening;
	struct timer		 rest;
	unsigned		 naming;	/* connections whose user is being named */
	struct scan		*scan;
	struct {
		uint64_t	connections, turned_away, picked_up, put_off,
				refused, hostile;
	} count;
};

/* --- folders.c */

/*
 * As root (or whoever runs everything): SPOOL/public and SPOOL/drop with their
 * owners and modes; what is there in the place of one of them is not followed.
 */
void	folders_open(struct pickup *, const char *spool, const char *user);
/* As pickup's own user: nobody else picks up here. */
void	folders_lock(struct pickup *);
/* What programs may know while nobody can be asked. */
void	folders_tell(struct pickup *);

/* --- users.c: may block, for threads */

/* "ann", or "#1000" where the system knows no name. */
void	user_name(uint32_t uid, char out[LOGIN_MAX]);

/* --- door.c */

/* Before the sandbox, in which nothing can begin to listen. */
void	door_make(struct pickup *);
/* Connections are taken; false: it has been closed, or could not be made. */
bool	door_open(struct pickup *);
void	door_close(struct pickup *);
/* Takes fd: smtp serves a session on it.  false: nobody is there, and it is closed. */
bool	door_hand_on(struct pickup *, int fd, uint32_t uid, const char *login);

/* --- scan.c */

struct entry {			/* a file of the folder */
	struct entry	*next, **prev;
	struct scan	*scan;
	char		*name;
	int64_t		 due_ms;	/* boot time */
	unsigned	 tries;
	size_t		 done;		/* recipients who have it; submit.h */
	bool		 running;
	bool		 seen;		/* at the last look */
};

struct scan	*scan_new(struct pickup *);
/* The next look is now. */
void		 scan_soon(struct scan *);
size_t		 scan_waiting(const struct scan *);
size_t		 scan_running(const struct scan *);
/* Its job has ended: it is gone, or tried again after a while. */
void		 scan_over(struct entry *, bool gone);

/* --- job.c */

/* Tries this file; scan_over() follows. */
void		 job_start(struct pickup *, struct entry *);
/* What nobody has gone on writing for so long is nobody's any more. */
#define PART_OLD_S	3600
/* Set aside for the administrator: not tried again. */
#define KEPT_PREFIX	"refused."

/* Something has ended: perhaps all has, after STOP. */
void		 pickup_left(struct pickup *);

#endif
