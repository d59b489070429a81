/*
 * certs_int.h - what certs.c (which serve) and certs_read.c (files) share.
 */
#ifndef WB_MTA_PARENT_CERTS_INT_H
#define WB_MTA_PARENT_CERTS_INT_H

#include "mta/parent/certs.h"
#include "mta/parent/generation_int.h"
#include "mta/parent/pairs.h"

struct cert {
	uint32_t		 object;	/* the tls block, or relay block, in the image */
	enum keys_owner		 owner;		/* which of them */
	char			*paths[KEYS_NPARTS];	/* NULL: not given */
	struct file_mark	 marks[KEYS_NPARTS];	/* when the generation was made */
	bool			 wanted;	/* is to be examined */
	bool			 fresh;		/* has come to this generation */
	bool			 again;		/* given up, but for no fault of its files */
	struct pair		*pair;		/* serves; NULL: none */
	struct pair		*candidate;	/* keys has been asked */
	char			*why;		/* what is wrong; NULL: nothing */
	uint64_t		 failed;	/* sum of the marks that had it */
	int64_t			 unsaid_ms;	/* since when why is not in the log; 0: it is */
};

/* Borrowed from the image: of `for`, or empty; or the relay block's name. */
struct span	 cert_host(const struct generation *, const struct cert *);
/*
 * The files as they are now are not taken.  later: it may mend itself, and is
 * said when it lasts.  why is copied.
 */
void		 cert_fail(struct generation *, struct cert *, const char *why, bool again, bool later);
/* The same, with the name of the file before it. */
void		 cert_fail_part(struct generation *, struct cert *, unsigned part, const char *why, bool later);

/* certs_read.c */
/* Marks of its files now; a file that is not given has none. */
void		 cert_look(const struct cert *, struct file_mark marks[KEYS_NPARTS]);
uint64_t	 cert_sum(const struct file_mark marks[KEYS_NPARTS]);
/* Its files, copied; NULL: why has been said. */
struct pair	*cert_copy(struct generation *, struct cert *, struct pairs *);

#endif
