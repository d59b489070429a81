/*
 * sts_service.c - from STS_ASK to STS_POLICY.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/fetch/sts_service.h"

struct asked {
	LIST_ENTRY(asked)	 entry;
	struct sts_asker	*asker;
	uint64_t		 ticket;
	struct sts_question	*question;
};

struct sts_asker {
	struct sts	*sts;
	struct chan	*chan;
	LIST_HEAD(, asked) open;
};

struct sts_asker *
sts_asker_new(struct sts *s, struct chan *c)
{
	struct sts_asker	*a = xcalloc(1, sizeof(*a));

	a->sts = s;
	a->chan = c;
	LIST_INIT(&a->open);
	return a;
}

static void
forget(struct asked *q)
{
	LIST_REMOVE(q, entry);
	free(q);
}

void
sts_asker_free(struct sts_asker **ap)
{
	struct sts_asker	*a = *ap;
	struct asked		*q;

	*ap = NULL;
	if (a == NULL)
		return;
	while ((q = LIST_FIRST(&a->open)) != NULL) {
		sts_cancel(&q->question);
		forget(q);
	}
	free(a);
}

static void
answered(void *arg, const struct sts_policy *p)
{
	struct asked	*q = arg;

	sts_policy_put(q->asker->chan, q->ticket, p);
	forget(q);
}

bool
sts_asker_message(struct sts_asker *a, struct msg *m)
{
	uint64_t		 ticket = msg_u64(m);
	struct span		 domain = msg_bytes(m, STS_DOMAIN_MAX);
	struct sts_question	*question;
	struct asked		*q;

	if (!msg_end(m))
		return false;
	q = xcalloc(1, sizeof(*q));
	q->asker = a;
	q->ticket = ticket;
	LIST_INSERT_HEAD(&a->open, q, entry);
	question = sts_ask(a->sts, domain, answered, q);
	if (question != NULL)		/* else q is answered, and gone */
		q->question = question;
	return true;
}
