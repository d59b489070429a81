/*
 * maildir.c - the kind for a Maildir: prepared, then committed.
 */
#include "config.h"

#include "mailbox/store/store.h"

#include "mta/deliver/job.h"

/* The reply code that a server would give with this status. */
static unsigned
code_of(enum store_result r, const struct store_error *e)
{
	if (r == STORE_NEVER)
		return 554;
	return strcmp(e->status, "4.3.0") == 0 ? 451 : 452;
}

static void
maildir_work(struct job *j)
{
	struct store_error	 e;
	enum store_result	 r;

	if (j->commit)
		r = store_commit(j->path, j->name, &e);
	else
		r = store_prepare(j->path, span_of(j->name), j->prefix,
		    j->content, j->as_is, j->final, &e);
	if (r != STORE_OK)
		job_fail(j, code_of(r, &e), e.status, "%s", e.text);
	else if (!j->commit)
		j->answer = JOB_PREPARED;
}

const struct kind	kind_maildir = {
	.number = DELIVER_MAILDIR, .two_steps = true, .work = maildir_work
};
