/*
 * door.h - what a listener asks of its clients, and what it offers them.
 *
 * Taken out of the image once for each generation; a session holds its
 * generation, and so its door.  What has to do with one subject is read by
 * the file of that subject (door.c calls it); nothing else looks at options.
 */
#ifndef WB_MTA_SMTP_DOOR_H
#define WB_MTA_SMTP_DOOR_H

#include "ruleset/image.h"
#include "mta/sasl/sasl.h"

enum door_kind {
	DOOR_SMTP,
	DOOR_SUBMISSION,	/* RFC 6409; also where TLS comes first (RFC 8314) */
	DOOR_LMTP,		/* RFC 2033 */
	DOOR_PROGRAMS		/* of this machine, by pickup; programs.h */
};

enum door_auth { DOOR_AUTH_NONE, DOOR_AUTH_OFFERED, DOOR_AUTH_REQUIRED };
enum door_tls {
	DOOR_TLS_NONE,
	DOOR_TLS_OFFERED,
	DOOR_TLS_REQUIRED	/* RFC 3207, 4: 530 to what comes before STARTTLS */
};

struct door {
	const struct rs_image *image;	/* the generation's */
	enum door_kind	 kind;
	bool		 tls_first;	/* RFC 8314: submissions */
	bool		 filter;	/* where a content filter gives mail back: filtered.h */
	enum door_tls	 tls;
	struct span	 name;		/* what `listener` is in rules; the image's */
	uint32_t	 object;	/* of the listen block; UINT32_MAX: none */
	enum door_auth	 auth;
	bool		 auth_clear;	/* also without TLS */
	unsigned	 nmaps;		/* of the logins: door_map() */
	sasl_mask	 mechanisms;	/* that may be offered */
	bool		 names_mechanisms;	/* the policy says which */
	uint32_t	 hidden;	/* RS_EXT_BIT() of what `hide` names */
	struct span	 domain;	/* programs: of addresses that have none; empty: not said */
};

/* The one of programs: what the policy says of it, or its defaults. */
void	door_read_programs(struct door *, const struct rs_image *);
/* Of the listener that is this object of the image; UINT32_MAX: one of tests, "smtp". */
void	door_read(struct door *, const struct rs_image *, uint32_t object);
/*
 * Whether the address is in the networks of an option (proxy, xclient,
 * xforward, etrn).
 */
bool	door_trusts(const struct door *, enum rs_option, const struct ip *);
/* door_auth.c: for door_read() */
void	door_read_auth(struct door *);
/* The nth map of the logins, in the order in which they are asked; UINT32_MAX behind the last. */
uint32_t door_map(const struct door *, unsigned n);
struct span door_map_name(const struct door *, unsigned n);

#endif
