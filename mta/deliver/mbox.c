/*
 * mbox.c - the kind for a file of messages.
 */
#include "config.h"

#include "mailbox/store/mbox.h"

#include "mta/deliver/mailboxes.h"

static bool
locks_of(const struct job *j, struct lock_order *order)
{
	struct span	 v = SPAN("fcntl,dotlock");

	(void)deliver_option(j->options, DELIVER_LOCKS, &v);
	return lock_order_parse(v, order);
}

static bool
mbox_sane(const struct job *j)
{
	struct lock_order	 order;

	return mailboxes_sane(j) && locks_of(j, &order);
}

static void
mbox_work(struct job *j)
{
	struct mbox_place	 place = { .path = j->path,
	    .quota = mailboxes_quota(j), .wait_ms = LOCK_WAIT_MS };
	struct mbox_message	 m = { j->sender,
	    (int64_t)(j->arrived_ms / 1000), j->prefix, j->content,
	    j->as_is };
	struct store_error	 e = { "4.3.0", "" };

	(void)locks_of(j, &place.locks);
	mailboxes_failed(j, mbox_deliver(&place, &m, &e), &e);
}

const struct kind	kind_mbox = {
	.number = DELIVER_MBOX, .sane = mbox_sane, .work = mbox_work
};
