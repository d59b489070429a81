/*
 * store.h - what deliver, IMAP and POP3 share of a Maildir.
 *
 * Delivery in two steps, so that a message stands in new/ exactly once (the
 * spool's journal has PREPARED between them):
 *   store_prepare  writes and syncs tmp/NAME, with S= and W= in the name
 *   store_commit   renames it into new/, syncs the folder
 * maildir(5); Maildir++ names (S=, W=).
 */
#ifndef WB_MAILBOX_STORE_H
#define WB_MAILBOX_STORE_H

#include "base/span.h"

#define STORE_NAME_MAX	200	/* octets of a base name */

enum store_result {
	STORE_OK,
	STORE_LATER,	/* full disk, no permission, ...: 4.x.x; *status says */
	STORE_NEVER	/* cannot be: path names no folder that could be made; 5.x.x */
};

struct store_error {
	const char	*status;	/* "4.3.1" */
	char		 text[200];	/* for the log and the sender */
};

/*
 * base: the name's first part, unique and the same on each try.  prefix: header
 * fields that are written before content.  Lines end with LF in the file,
 * unless as_is, for binary content: then every octet is written as it is, and
 * lines end with CRLF.  final gets "BASE,S=n,W=n", both the same with as_is.  Makes
 * maildir, tmp, new, cur (0700) where they are missing, but no more than the
 * last two components of the path.  Safe to call again with the same base.
 */
enum store_result	store_prepare(const char *maildir, struct span base, struct span prefix, struct span content, bool as_is, char final[STORE_NAME_MAX], struct store_error *);
/* Content from a descriptor instead (large messages). */
enum store_result	store_prepare_fd(const char *maildir, struct span base, struct span prefix, int fd, uint64_t size, bool as_is, char final[STORE_NAME_MAX], struct store_error *);
/* OK also when tmp/NAME is gone: it was delivered. */
enum store_result	store_commit(const char *maildir, const char *final, struct store_error *);

#endif
