/*
 * questions.c - from DNS_ASK to DNS_ANSWER.
 */
#include "mta/resolve/questions.h"

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/resolve/rdata.h"

#include <stdlib.h>
#include <sys/queue.h>

struct peer;

struct question {
	LIST_ENTRY(question)	 entry;
	struct peer		*asker;
	uint64_t		 ticket;
	enum dns_type		 type;
	bool			 in_hosts;	/* the name is there, whatever DNS says */
	struct ask_question	*at;
};

/* A process that asks: one channel. */
struct peer {
	struct questions	*all;
	struct chan		*chan;
	LIST_HEAD(, question)	 open;
};

static void
answer(struct peer *k, uint64_t ticket, enum dns_type type,
    const struct dns_answer *a)
{
	if (a->result == DNS_FAILING)
		k->all->failing++;
	dns_answer_put(k->chan, ticket, type, a);
}

static void
answer_without_asking(struct peer *k, uint64_t ticket, enum dns_type type,
    enum dns_result result)
{
	const struct dns_answer	a = { .result = result };

	answer(k, ticket, type, &a);
}

static void
forget(struct question *q)
{
	LIST_REMOVE(q, entry);
	q->asker->all->open--;
	free(q);
}

static void
asked(void *arg, const struct dns_answer *got)
{
	struct question		*q = arg;
	struct dns_answer	 a = *got;

	if (q->in_hosts && a.result == DNS_NXDOMAIN)
		a.result = DNS_NODATA;
	answer(q->asker, q->ticket, q->type, &a);
	forget(q);
}

static void
ask_for(struct peer *k, uint64_t ticket, enum dns_type type, struct span name)
{
	struct question	*q = xcalloc(1, sizeof(*q));

	*q = (struct question){ .asker = k, .ticket = ticket, .type = type,
	    .in_hosts = hosts_has(k->all->hosts, name) };
	q->at = ask_start(k->all->ask, type, name, asked, q);
	if (q->at == NULL) {
		answer_without_asking(k, ticket, type, DNS_FAILING);
		free(q);
		return;
	}
	LIST_INSERT_HEAD(&k->open, q, entry);
	k->all->open++;
}

static void
question(struct peer *k, uint64_t ticket, enum dns_type type, struct span name)
{
	struct dns_record	records[DNS_RECORDS_MAX];
	struct dns_answer	a;

	k->all->asked++;
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (hosts_answer(k->all->hosts, type, name, records, &a)) {
		k->all->from_hosts++;
		answer(k, ticket, type, &a);
	} else if (!rdata_question_ok(name)) {
		answer_without_asking(k, ticket, type, DNS_NXDOMAIN);
	} else {
		ask_for(k, ticket, type, name);
	}
}

static bool
type_ok(unsigned type)
{
	switch (type) {
	case DNS_A:
	case DNS_CNAME:
	case DNS_PTR:
	case DNS_MX:
	case DNS_TXT:
	case DNS_AAAA:
	case DNS_SRV:
	case DNS_TLSA:
		return true;
	}
	return false;
}

static bool
asker_message(struct chan *c, struct msg *m, void *arg)
{
	uint64_t	ticket;
	unsigned	type;
	struct span	name;

	(void)c;
	if (m->type != MSG_DNS_ASK)
		return false;
	ticket = msg_u64(m);
	type = msg_u16(m);
	name = msg_bytes(m, 1024);
	if (!msg_end(m) || !type_ok(type))
		return false;
	question(arg, ticket, (enum dns_type)type, name);
	return true;
}

static void
asker_closed(struct chan *c, void *arg)
{
	struct peer	*k = arg;
	struct question	*q;

	(void)c;
	while ((q = LIST_FIRST(&k->open)) != NULL) {
		ask_cancel(k->all->ask, &q->at);
		forget(q);
	}
	free(k);
}

void
questions_serve(struct questions *all, int fd, const char *name)
{
	static const struct chan_ops	 ops = { asker_message, asker_closed };
	struct peer			*k = xcalloc(1, sizeof(*k));

	k->all = all;
	LIST_INIT(&k->open);
	k->chan = chan_new(fd, name, &ops, k);
}
