/*
 * names.h - names in a Maildir: of folders, and of files.
 *
 * A folder "a.b" of Maildir++ is the folder ".a.b" beside cur, new and tmp;
 * on the disk its name is in modified UTF-7 (RFC 3501, 5.1.3), as other
 * servers write it.  A file is "BASE,S=n,W=n:2,FLAGS" (doc/store.md).
 */
#ifndef WB_MAILBOX_STORE_NAMES_H
#define WB_MAILBOX_STORE_NAMES_H

#include "base/span.h"

#define STORE_NAME_MAX		200	/* octets of a base name */
#define STORE_FOLDER_MAX	200	/* octets of a folder's name on the disk */

/*
 * The folder that this UTF-8 text names, with its dot in front: "lists" is
 * ".lists".  false: it names none, or not one that may be: empty, INBOX, an
 * empty part between dots, a slash, a control character, no UTF-8, too long.
 */
bool	name_of_folder(struct span text, char out[STORE_FOLDER_MAX]);
/* A folder's name on the disk, as it may stand in a journal. */
bool	name_is_folder(struct span disk);
/* The text of a folder's name (with its dot), at most max octets; its length, or -1: none of ours. */
int	name_folder_text(struct span disk, char *out, size_t max);

/* A file name that we can have made: no path, hidden file or info part. */
bool	name_is_base(struct span);

/* A file's name, taken apart. */
struct name_parts {
	struct span	base;		/* all before ":2," */
	struct span	flags;		/* behind it; may be empty */
	bool		has_s, has_w;
	uint64_t	s, w;		/* octets of the file; with CRLF */
};
void	name_parse(struct span file, struct name_parts *);

#endif
