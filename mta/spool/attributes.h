/*
 * attributes.h - what an envelope says only now and then (its version 3).
 *
 * Each is an id and octets.  Ids that this program does not know are kept and
 * written again as they came, so that an older program loses nothing of a
 * newer one's spool.  Format: doc/spool.md.
 */
#ifndef WB_MTA_SPOOL_ATTRIBUTES_H
#define WB_MTA_SPOOL_ATTRIBUTES_H

#include "mta/spool/envelope.h"

/* Part of the format: add at the end. */
enum attr_id {
	ATTR_PRIORITY = 1,	/* u8: enum attr_priority */
	ATTR_KEPT = 2,		/* u8: enum attr_kept, then why, a text */
	ATTR_FILTERED = 3,	/* name of the content filter that it came back from */
	ATTR_PROGRAM = 4,	/* u32 uid, then login: a program of this machine sent it */
	ATTR_LANGUAGE = 5,	/* tag of the language that its sender reads (RFC 5646) */
	ATTR_ORIGIN = 6		/* lines WORD=VALUE as XFORWARD has them: for content filters */
};

enum attr_priority { PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_LOW, NPRIORITIES };

/* How it was accepted, to be let go by a person. */
enum attr_kept { KEPT_NOT, KEPT_HOLD, KEPT_QUARANTINE, NKEPTS };

#define ATTRS_MAX	32	/* in an envelope */
#define ATTR_MAX	65535	/* octets of a value */
#define ATTR_WHY_MAX	1000	/* octets; what is longer is cut */
#define ATTR_NAME_MAX	255	/* of a filter, a login; not empty */
#define ATTR_ORIGIN_MAX	2048	/* of all lines; not empty */
#define ATTR_LANGUAGE_MAX 35	/* RFC 5646, 4.4.1; not empty */

/* PRIORITY_NORMAL without one. */
unsigned	attr_priority(const struct envelope *);
/* KEPT_NOT without one; *why is borrowed, and may be NULL. */
unsigned	attr_kept(const struct envelope *, struct span *why);
/* Empty: has not been there. */
struct span	attr_filtered(const struct envelope *);
/* false: not from a program; uid and login may be NULL, login may be empty. */
bool		attr_program(const struct envelope *, uint32_t *uid, struct span *login);
/* Empty: not known. */
struct span	attr_language(const struct envelope *);

/* Empty: nobody will ask. */
struct span	attr_origin(const struct envelope *);

/*
 * Adds or replaces; values are copied into the arena, the table too.  Values
 * above the limits are the caller's bug.
 */
void	attr_put_priority(struct envelope *, struct arena *, unsigned priority);
void	attr_put_kept(struct envelope *, struct arena *, unsigned kept, struct span why);
void	attr_put_filtered(struct envelope *, struct arena *, struct span filter);
void	attr_put_program(struct envelope *, struct arena *, uint32_t uid, struct span login);
void	attr_put_language(struct envelope *, struct arena *, struct span tag);
void	attr_put_origin(struct envelope *, struct arena *, struct span lines);

/* --- for envelope.c */
struct octets;
void	attrs_format(const struct envelope *, struct buf *);
/* Sets o->bad for nonsense, also in the value of one that is known. */
void	attrs_parse(struct octets *o, struct arena *, struct envelope *);

#endif
