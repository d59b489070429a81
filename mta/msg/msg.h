/*
 * msg.h - the names of the messages and of the processes.
 *
 * Every process includes this and nothing of another process's folder.
 */
#ifndef WB_MTA_MSG_MSG_H
#define WB_MTA_MSG_MSG_H

#include "base/chan.h"

enum proc {
	PROC_PARENT, PROC_SPAWNER, PROC_SMTP, PROC_ROUTE, PROC_QUEUE,
	PROC_RELAY, PROC_DELIVER, PROC_RESOLVE, PROC_LIMITS,
	PROC_LOOKUP, PROC_INDEX, PROC_AUTH, PROC_KEYS, PROC_PICKUP,
	PROC_FETCH,
	PROC_CREDENTIALS, PROC_NPROCS
};

enum msg_type {
	MSG_NONE,
#define MSG(name, from, to, fields, again, duplicate, timeout_s, meanwhile) MSG_##name,
#include "mta/msg/messages.def"
#undef MSG
	MSG_NTYPES
};

const char	*msg_name(unsigned type);	/* "ACCEPTED"; "?" when unknown */
const char	*proc_name(unsigned proc);	/* "smtp" */
unsigned	 msg_timeout_s(unsigned type);

/* Executes argv[0], which ends with NULL; fatal() when it cannot. */
void		 proc_exec(char *const argv[]) __attribute__((noreturn));

/*
 * The same for a program that was opened before privileges were dropped, so
 * that its folder may be closed to the user that executes it.
 */
int		 proc_program(const char *path);	/* -1: errno */
void		 proc_exec_program(int program, char *const argv[])
		    __attribute__((noreturn));

/* What route answers for one message at most: recipients asked for, and what lists add. */
#define ROUTE_RCPTS_MAX		100000
#define ROUTE_TARGETS_MAX	200000

/* RELAYED: the hop will tell the sender, or keep to the time that was set. */
enum relayed_offers { RELAYED_DSN = 1 << 0, RELAYED_DELIVERBY = 1 << 1 };

#define GATEWAYS_MAX	256	/* addresses in GATEWAYS */

/* Instances of PROC_FETCH: what a stranger's server may break has no secrets. */
enum { FETCH_STRANGERS, FETCH_TOKENS };

/* CONFIG_AUTHORITIES: those of whoever names no others. */
#define AUTHORITIES_OF_ALL	UINT32_MAX

#define PARENT_FD	3	/* the channel to the parent, in each exec'd child */

#endif
