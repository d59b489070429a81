/*
 * maildir.c - the kind for a Maildir: prepared, then committed (commits.c).
 */
#include "config.h"

#include "mta/deliver/commits.h"
#include "mta/deliver/mailboxes.h"

static enum store_result
prepare(struct job *j, struct store_error *e)
{
	struct store_place	 place = { .maildir = j->path,
	    .quota = mailboxes_quota(j) };
	struct store_message	 m = { span_of(j->name), j->prefix,
	    j->content, j->as_is };
	enum store_result	 r;

	(void)deliver_option(j->options, DELIVER_FOLDER, &place.folder);
	r = store_prepare(&place, &m, j->final, e);
	if (r == STORE_OK)
		j->answer = JOB_PREPARED;
	return r;
}

static void
prepare_work(void *arg)
{
	struct job		*j = arg;
	struct store_error	 e = { "4.3.0", "" };

	mailboxes_failed(j, prepare(j, &e), &e);
}

static void
prepare_done(void *arg)
{
	job_done(arg);
}

static void
maildir_start(struct job *j)
{
	if (j->commit)
		commits_add(j);
	else
		jobs_run(prepare_work, prepare_done, j);
}

const struct kind	kind_maildir = {
	.number = DELIVER_MAILDIR, .two_steps = true,
	.sane = mailboxes_sane, .start = maildir_start
};
