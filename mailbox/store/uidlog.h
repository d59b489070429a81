/*
 * uidlog.h - what the names of a folder's files cannot hold: UIDs, dates of
 * saving, ids, keywords.  The format and who may write it: doc/store.md.
 *
 * A log is read whole, and lines are added at its end.  Only the account's
 * process has it open for writing; deliver never does.
 */
#ifndef WB_MAILBOX_STORE_UIDLOG_H
#define WB_MAILBOX_STORE_UIDLOG_H

#include "base/arena.h"
#include "base/buf.h"

#define UIDLOG_NAME		"waybill-uidlog"
#define UIDLOG_VERSION		1
#define UIDLOG_LINE_MAX		4096	/* octets with LF */
#define UIDLOG_FILE_MAX		(512u << 20)
#define UIDLOG_KEYWORDS_MAX	256
#define UIDLOG_META_MAX		64
#define UIDLOG_VALUE_MAX	1000

/* A message.  Spans live as long as the log. */
struct uidlog_entry {
	uint32_t	 uid;		/* 1 and up, rising */
	bool		 gone;
	int64_t		 saved_s;	/* wall: when it came into this folder */
	struct span	 id;		/* EMAILID (RFC 8474) */
	struct span	 base;		/* of the file's name, before ":2," */
	struct span	 keywords;	/* numbers, a comma between; empty: none */
};

struct uidlog_meta { struct span key, value; };

struct uidlog {
	uint32_t		 validity;	/* UIDVALIDITY; 0: there is no log */
	uint32_t		 next;		/* UIDNEXT */
	struct uidlog_entry	*entries;	/* by uid */
	size_t			 n, cap, live;
	struct span		 keywords[UIDLOG_KEYWORDS_MAX];	/* by number; empty: not used */
	struct uidlog_meta	 meta[UIDLOG_META_MAX];
	size_t			 nmeta, lines;
	size_t			 good;		/* octets up to the end of the last whole line */
	bool			 newer;		/* nothing was read: a later version wrote it */
	bool			 damaged;	/* a line in the middle is lost: UIDVALIDITY must change */
	struct arena		 arena;
};

/*
 * Reads a log: 0, or -1: no log of a version that is known (its first line);
 * *l is empty then but for newer.  A last line that is not whole is left out, and not counted
 * in good.
 */
int	uidlog_parse(struct span octets, struct uidlog *);
void	uidlog_clear(struct uidlog *);
/* NULL: no such uid. */
const struct uidlog_entry	*uidlog_find(const struct uidlog *, uint32_t uid);

/* Lines, to be added at the end of a log and to be known from then on. */
void	uidlog_put_head(struct buf *, uint32_t validity, uint32_t next);
void	uidlog_put_message(struct buf *, uint32_t uid, int64_t saved_s, struct span id, struct span base);
void	uidlog_put_gone(struct buf *, uint32_t uid);
void	uidlog_put_keyword(struct buf *, unsigned number, struct span name);
void	uidlog_put_keywords_of(struct buf *, uint32_t uid, struct span numbers);
/* Both together at most UIDLOG_VALUE_MAX octets. */
void	uidlog_put_meta(struct buf *, struct span key, struct span value);
/* All that counts of a log, as a new one would say it. */
void	uidlog_put_all(struct buf *, const struct uidlog *);

/* A log that this process alone may write. */
struct uidlog_file {
	int		 folder, fd;
	struct uidlog	 log;		/* as it was read */
	struct buf	 added;		/* lines that are not written yet */
};
/*
 * folder is borrowed, and stays open as long.  What is torn at the end is cut
 * off; a log that is missing or damaged begins anew with a greater UIDVALIDITY.
 * 0; -1 with errno, EAGAIN: another process serves the folder;
 * EPROTONOSUPPORT: a later version wrote the log.
 */
int	uidlog_open(struct uidlog_file *, int folder);
/* Writes and syncs what was put into added; only then may it be told. */
int	uidlog_sync(struct uidlog_file *);
/* The file as short as it can be; after uidlog_sync(), and with log as read anew. */
int	uidlog_compact(struct uidlog_file *);
void	uidlog_close(struct uidlog_file *);

#endif
