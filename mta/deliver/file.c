/*
 * file.c - the kind for a file that an alias, a forward file or the policy
 * names: messages are appended as in an mbox.
 *
 * As sendmail has it, a file that can be executed, or runs as somebody else, is
 * not written; the store looks at the rest: a plain file, ours, under one
 * name, no link.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>

#include "mailbox/store/mbox.h"

#include "mta/deliver/mailboxes.h"

#define ANY_EXECUTES	(S_IXUSR | S_IXGRP | S_IXOTH)

/* NULL: it may be written, or is not there. */
static const char *
fault_of(const char *path)
{
	struct stat	st;

	if (lstat(path, &st) == -1)
		return NULL;	/* the store says what is the matter */
	if (!S_ISREG(st.st_mode))
		return "the file is no plain file";
	if ((st.st_mode & (S_ISUID | S_ISGID | ANY_EXECUTES)) != 0)
		return "the file can be executed";
	if ((st.st_mode & S_IWOTH) != 0)
		return "everybody may write the file";
	return NULL;
}

static bool
file_sane(const struct job *j)
{
	return j->path[0] == '/' && j->path[strlen(j->path) - 1] != '/';
}

static void
file_work(struct job *j)
{
	struct mbox_place	 place = { .path = j->path,
	    .wait_ms = LOCK_WAIT_MS };
	struct mbox_message	 m = { j->sender,
	    (int64_t)(j->arrived_ms / 1000), j->prefix, j->content,
	    j->as_is };
	struct store_error	 e = { "4.3.0", "" };
	const char		*why = fault_of(j->path);

	if (why != NULL) {
		job_fail(j, 554, "5.2.0", "%s", why);
		return;
	}
	(void)lock_order_parse(SPAN("fcntl"), &place.locks);
	mailboxes_failed(j, mbox_deliver(&place, &m, &e), &e);
}

const struct kind	kind_file = {
	.number = DELIVER_FILE, .sane = file_sane, .work = file_work
};
