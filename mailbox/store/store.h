/*
 * store.h - delivery into a Maildir, in two steps, so that a message stands
 * in new/ exactly once (the spool's journal has PREPARED between them):
 *   store_prepare  writes and syncs tmp/NAME, with S= and W= in the name
 *   store_commit   renames it into new/, syncs the folder
 * maildir(5); Maildir++ names (S=, W=), folders and quota.  What else is in a
 * Maildir, and whose it is: doc/store.md.
 */
#ifndef WB_MAILBOX_STORE_H
#define WB_MAILBOX_STORE_H

#include "base/span.h"
#include "mailbox/store/names.h"

/* Octets of "NAME" or ".FOLDER/NAME", the final name. */
#define STORE_FINAL_MAX	(STORE_FOLDER_MAX + STORE_NAME_MAX)

enum store_result {
	STORE_OK,
	STORE_LATER,	/* full disk, no permission, ...: 4.x.x; *status says */
	STORE_NEVER,	/* cannot be: path names no folder that could be made; 5.x.x */
	STORE_FULL,	/* over its quota: whoever delivers knows 4.2.2 or 5.2.2 */
	STORE_LARGE,	/* larger than the whole quota: 5.2.3 */
	STORE_LOST	/* what was prepared has gone with its folder: prepare it again */
};

struct store_error {
	const char	*status;	/* "4.3.1" */
	char		 text[200];	/* for the log and the sender */
};

/* One of several to be committed. */
struct store_commit {
	const char		*final;		/* what store_prepare gave */
	enum store_result	 result;	/* what came of it, */
	struct store_error	 error;		/* and why, when it is not STORE_OK */
};

/* Where a message is to go. */
struct store_place {
	const char	*maildir;	/* path */
	struct span	 folder;	/* UTF-8, "lists.linux"; where there is none such: the INBOX */
	uint64_t	 quota;		/* octets; 0: none */
};

/*
 * base: the name's first part, unique and the same on each try.  prefix: header
 * fields that are written before content.  Lines end with LF in the file,
 * unless as_is, for binary content: then every octet is written as it is, and
 * lines end with CRLF.
 */
struct store_message {
	struct span	base, prefix, content;
	bool		as_is;
};

/*
 * final gets "BASE,S=n,W=n", both the same with as_is, and ".FOLDER/" before it
 * where it is not the INBOX.  Makes the Maildir, tmp, new, cur (0700) where
 * they are missing, but no more than the last two components of the path.
 * Safe to call again with the same base.
 */
enum store_result	store_prepare(const struct store_place *, const struct store_message *, char final[STORE_FINAL_MAX], struct store_error *);
/* OK also when tmp/NAME is gone: it was delivered. */
enum store_result	store_commit(const char *maildir, const char *final, struct store_error *);
/* The same for n of them; those of one folder that follow each other share the sync. */
void			store_commit_all(const char *maildir, struct store_commit *, size_t n);

#endif
