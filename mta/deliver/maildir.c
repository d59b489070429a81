/*
 * maildir.c - the kind for a Maildir: prepared, then committed.
 */
#include "config.h"

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
maildir_work(struct job *j)
{
	struct store_error	 e = { "4.3.0", "" };

	mailboxes_failed(j, j->commit ? store_commit(j->path, j->name, &e) :
	    prepare(j, &e), &e);
}

const struct kind	kind_maildir = {
	.number = DELIVER_MAILDIR, .two_steps = true,
	.sane = mailboxes_sane, .work = maildir_work
};
