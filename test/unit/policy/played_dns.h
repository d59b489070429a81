/*
 * played_dns.h - DNS that a test plays: records by name, answers at once or
 * when the test wants them.
 */
#ifndef WB_TEST_UNIT_POLICY_PLAYED_DNS_H
#define WB_TEST_UNIT_POLICY_PLAYED_DNS_H

#include "mta/policy/policy.h"

struct played_rr {
	char	name[512];
	char	type[8];	/* "A", "TXT" ..., "*" of a name that fails */
	char	data[4096];
	size_t	octets;		/* of data */
};

struct played_question {
	uint64_t	 ticket;
	enum dns_type	 type;
	char		 name[512];
	dns_cb		*cb;
	void		*arg;
};

#define PLAYED_OPEN_MAX	32

struct played_dns {
	struct played_rr	*rr;
	size_t			 n;
	bool			 later;		/* answers wait for played_answer() */
	struct played_question	 open[PLAYED_OPEN_MAX];
	size_t			 nopen;
	uint64_t		 tickets;
	unsigned		 asked, cancelled;
};

void	played_add(struct played_dns *, const char *name, const char *type, const char *data, size_t octets);
/* The same for texts: "A", "192.0.2.1". */
void	played_say(struct played_dns *, const char *name, const char *type, const char *data);
/* Forgets all records. */
void	played_clear(struct played_dns *);
/* Answers the oldest open question; false: there is none. */
bool	played_answer(struct played_dns *);
struct policy_dns played_policy(struct played_dns *);

#endif
