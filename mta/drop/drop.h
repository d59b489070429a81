/*
 * drop.h - the drop folder: mail of programs while the server cannot be asked.
 *
 *	SPOOL/public/submit	socket of pickup; whoever may pass connects
 *	SPOOL/public/settings	what programs should know while nobody can be asked
 *	SPOOL/drop/		messages of programs, picked up and removed
 *
 * A message is one file, which has its mode 0404 when it is whole and synced:
 * its owner wrote it, pickup (the folder's owner) reads it as one of the
 * others, and the folder's group, which is who may write there, is the one
 * class that may not.  For the administrator: sendmail(8); the format is in
 * doc/programs-in.md.
 */
#ifndef WB_MTA_DROP_DROP_H
#define WB_MTA_DROP_DROP_H

#include "base/arena.h"
#include "base/buf.h"

#define DROP_SPOOL	"/var/spool/waybill"	/* where the policy names none */
#define DROP_PUBLIC	"public"
#define DROP_FOLDER	"drop"
#define DROP_SOCKET	"submit"
#define DROP_SETTINGS	"settings"
#define DROP_GROUP	"waybill-drop"

#define DROP_PART_MODE	0600	/* of a file that is being written */
#define DROP_WHOLE_MODE	0404

#define DROP_RCPTS_MAX	100000
#define DROP_LINE_MAX	1200		/* octets of a line of the head */
#define DROP_HEAD_MAX	(16u << 20)	/* octets of all of it */
#define DROP_MESSAGE_MAX (1u << 30)	/* octets, whatever the settings say */

/* --- a message of the folder */

enum drop_ret { DROP_RET_NONE, DROP_RET_FULL, DROP_RET_HDRS };

struct drop {
	bool		 has_sender;	/* else it is the user, at our domain */
	struct span	 sender;	/* empty: <>; without domain: at ours */
	struct span	*rcpts;		/* local@domain, or local */
	size_t		 nrcpts;
	struct span	 notify;	/* of all, as RFC 3461, 4.1 has it; empty: none */
	enum drop_ret	 ret;
	struct span	 envid;		/* decoded */
	bool		 eightbit;	/* -B 8BITMIME, or the content has such octets */
	struct span	 content;	/* lines end with CRLF; no dot-stuffing */
};

/* What stands before the content, and behind it. */
void	drop_head(const struct drop *, struct buf *out);
void	drop_tail(const struct drop *, struct buf *out);
/* A whole file, which *out borrows; false: *why (static). */
bool	drop_parse(struct span file, struct arena *, struct drop *out,
	    const char **why);

/* --- settings: "word number" lines; what is not there keeps its default */

struct drop_settings {
	uint64_t	message_max;	/* octets */
	uint64_t	files_max;	/* of one user */
	uint64_t	octets_max;
	bool		none;		/* programs may not send */
};

/* The defaults, then what SPOOL/public/settings says, if it can be read. */
void	drop_settings_read(const char *spool, struct drop_settings *);
void	drop_settings_parse(struct span, struct drop_settings *);
void	drop_settings_format(const struct drop_settings *, struct buf *out);

/* The spool of this call: WAYBILL_SPOOL, which who has privileges does not heed, or the default. */
const char *drop_spool(void);

#endif
