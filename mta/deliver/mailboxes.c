/*
 * mailboxes.c - what the kinds of mailboxes share: quota, and what a failure
 * of the store is for the queue.
 */
#include "config.h"

#include "mta/deliver/mailboxes.h"

bool
mailboxes_sane(const struct job *j)
{
	struct span	 v;
	uint64_t	 n;

	if (deliver_option(j->options, DELIVER_QUOTA, &v) &&
	    !span_u64(v, INT64_MAX, &n))
		return false;
	return !deliver_option(j->options, DELIVER_OVER, &v) ||
	    span_eq(v, SPAN("refuse")) || span_eq(v, SPAN("defer"));
}

uint64_t
mailboxes_quota(const struct job *j)
{
	struct span	 v;
	uint64_t	 n;

	return deliver_option(j->options, DELIVER_QUOTA, &v) &&
	    span_u64(v, INT64_MAX, &n) ? n : 0;
}

static bool
refuses(const struct job *j)
{
	struct span	 v;

	return deliver_option(j->options, DELIVER_OVER, &v) &&
	    span_eq(v, SPAN("refuse"));
}

void
mailboxes_failed(struct job *j, enum store_result r,
    const struct store_error *e)
{
	switch (r) {
	case STORE_OK:
		return;
	case STORE_LATER:
		job_fail(j, strcmp(e->status, "4.3.1") == 0 ||
		    strcmp(e->status, "4.2.2") == 0 ? 452 : 451, e->status,
		    "%s", e->text);
		return;
	case STORE_NEVER:
		job_fail(j, 554, e->status, "%s", e->text);
		return;
	case STORE_FULL:
		job_fail(j, refuses(j) ? 552 : 452,
		    refuses(j) ? "5.2.2" : "4.2.2", "%s", e->text);
		return;
	case STORE_LARGE:
		job_fail(j, 552, "5.2.3", "%s", e->text);
		return;
	case STORE_LOST:
		job_fail(j, JOB_LOST, "", "it has gone with its folder");
		return;
	}
}
