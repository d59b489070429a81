/*
 * msg.c - the tables that come out of messages.def.
 */
#include "mta/msg/msg.h"

static const struct {
	const char	*name;
	unsigned	 timeout_s;
} types[MSG_NTYPES] = {
	{ "NONE", 0 },
#define MSG(name, from, to, fields, again, duplicate, timeout_s, meanwhile) \
	{ #name, timeout_s },
#include "mta/msg/messages.def"
#undef MSG
};

static const char *const procs[PROC_NPROCS] = {
	[PROC_PARENT] = "parent",
	[PROC_SPAWNER] = "spawner",
	[PROC_SMTP] = "smtp",
	[PROC_ROUTE] = "route",
	[PROC_QUEUE] = "queue",
	[PROC_RELAY] = "relay",
	[PROC_DELIVER] = "deliver",
	[PROC_RESOLVE] = "resolve",
	[PROC_LIMITS] = "limits",
	[PROC_LOOKUP] = "lookup",
	[PROC_INDEX] = "index",
	[PROC_AUTH] = "auth",
	[PROC_KEYS] = "keys",
	[PROC_PICKUP] = "pickup",
	[PROC_FETCH] = "fetch",
	[PROC_CREDENTIALS] = "credentials",
};

const char *
msg_name(unsigned type)
{
	return type < MSG_NTYPES ? types[type].name : "?";
}

const char *
proc_name(unsigned proc)
{
	return proc < PROC_NPROCS ? procs[proc] : "?";
}

unsigned
msg_timeout_s(unsigned type)
{
	return type < MSG_NTYPES ? types[type].timeout_s : 0;
}
