/*
 * ask.c - asking by libunbound.
 */
#include "mta/resolve/ask.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/resolve/rdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unbound.h>

#define TYPE_NS		2	/* RFC 1035, 3.2.2: what the root is asked */
#define CLASS_IN	1
#define RCODE_OK	0	/* RFC 1035, 4.1.1 */
#define RCODE_NXDOMAIN	3

struct ask_question {
	TAILQ_ENTRY(ask_question) entry;	/* oldest first */
	struct ask	*ask;
	enum dns_type	 type;
	int		 id;		/* libunbound's */
	int64_t		 until_ms;
	ask_cb		*cb;
	void		*arg;
};

struct ask {
	struct ub_ctx	*ub;
	struct watch	 watch;
	struct timer	 timer;		/* for the oldest question */
	TAILQ_HEAD(, ask_question) open;
	size_t		 n;
	bool		 validates;	/* an answer has been secure */
};

static void	timed_out(void *);

/* The name servers and options; why each differs from libunbound's default. */
static const struct {
	const char	*name, *value;
} options[] = {
	{ "do-not-query-localhost:", "no" },	/* a resolver of this machine */
	{ "unblock-lan-zones:", "yes" },	/* PTR of private addresses */
	{ "insecure-lan-zones:", "yes" },	/* which nobody signs */
	{ "outbound-msg-retry:", "3" },		/* some 6 s for a dead server */
	{ "num-queries-per-thread:", "4096" },
};

static void
set_options(struct ub_ctx *ub)
{
	size_t	i;
	int	err;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if ((err = ub_ctx_set_option(ub, options[i].name,
		    options[i].value)) != 0)
			log_warnx("libunbound option=%s error=\"%s\"",
			    options[i].name, ub_strerror(err));
}

/* Each line of the anchor's file that is a record. */
static void
set_anchor(struct ub_ctx *ub, struct span text)
{
	struct span	line;
	ptrdiff_t	nl;
	char		record[1024];

	while (text.n > 0) {
		line = text;
		if ((nl = span_index(text, '\n')) >= 0)
			line.n = (size_t)nl;
		text = span_from(text, line.n + 1);
		line = span_trim(line);
		if (line.n == 0 || line.p[0] == ';' || line.n >= sizeof(record))
			continue;
		snprintf(record, sizeof(record), "%.*s", SPAN_ARG(line));
		if (ub_ctx_add_ta(ub, record) != 0)
			log_warnx("dns anchor=%s error=refused",
			    log_quote(line));
	}
}

static void
readable(void *arg, int what)
{
	struct ask	*a = arg;

	(void)what;
	ub_process(a->ub);
}

/* The root's answer: whether the name servers pass signatures on. */
static void
root_answered(void *arg, int err, struct ub_result *r)
{
	struct ask	*a = arg;

	if (err == 0 && r->secure)
		a->validates = true;
	log_info("dns validates=%s", a->validates ? "yes" : "no");
	ub_resolve_free(r);
}

struct ask *
ask_new(const struct servers *servers, struct span anchor)
{
	struct ask	*a = xcalloc(1, sizeof(*a));
	size_t		 i;

	TAILQ_INIT(&a->open);
	if ((a->ub = ub_ctx_create()) == NULL)
		fatalx("libunbound: no context");
	ub_ctx_debugout(a->ub, NULL);	/* our log has its own form */
	set_options(a->ub);
	for (i = 0; i < servers->n; i++)
		if (ub_ctx_set_fwd(a->ub, servers->at[i]) != 0)
			log_warnx("dns server=%s error=refused",
			    servers->at[i]);
	set_anchor(a->ub, anchor);
	/* Answered by libunbound itself otherwise; our resolver knows better. */
	if (ub_ctx_async(a->ub, 1) != 0 ||
	    ub_ctx_zone_add(a->ub, "test.", "transparent") != 0)
		fatalx("libunbound: cannot start");
	watch_set(&a->watch, ub_fd(a->ub), LOOP_READ, readable, a);
	if (anchor.n > 0)
		ub_resolve_async(a->ub, ".", TYPE_NS, CLASS_IN, a,
		    root_answered, NULL);
	return a;
}

void
ask_free(struct ask **ap)
{
	struct ask		*a = *ap;
	struct ask_question	*q;

	if (a == NULL)
		return;
	while ((q = TAILQ_FIRST(&a->open)) != NULL)
		ask_cancel(a, &q);
	timer_clear(&a->timer);
	watch_clear(&a->watch);
	ub_ctx_delete(a->ub);
	free(a);
	*ap = NULL;
}

bool
ask_validates(const struct ask *a)
{
	return a->validates;
}

static void
wait_for_oldest(struct ask *a)
{
	const struct ask_question	*q = TAILQ_FIRST(&a->open);
	int64_t				 left;

	if (q == NULL || timer_pending(&a->timer))
		return;
	left = q->until_ms - clock_boot_ms();
	timer_set(&a->timer, left > 0 ? left : 0, timed_out, a);
}

/* Off the list and freed, after its answer or without one. */
static void
drop(struct ask_question *q)
{
	TAILQ_REMOVE(&q->ask->open, q, entry);
	q->ask->n--;
	free(q);
}

static void
timed_out(void *arg)
{
	struct ask		*a = arg;
	struct ask_question	*q;
	const struct dns_answer	 failing = { .result = DNS_FAILING };
	int64_t			 now = clock_boot_ms();

	while ((q = TAILQ_FIRST(&a->open)) != NULL && q->until_ms <= now) {
		ub_cancel(a->ub, q->id);
		q->cb(q->arg, &failing);
		drop(q);
	}
	wait_for_oldest(a);
}

static enum dns_result
result_of(struct ask *a, int err, const struct ub_result *r)
{
	if (err != 0 || r == NULL)
		return DNS_FAILING;
	if (r->bogus && a->validates)
		return DNS_FAILING;
	if (r->rcode == RCODE_NXDOMAIN)
		return DNS_NXDOMAIN;
	if (r->rcode != RCODE_OK)
		return DNS_FAILING;
	return r->havedata ? DNS_FOUND : DNS_NODATA;
}

static enum dns_trust
trust_of(const struct ask *a, const struct ub_result *r)
{
	if (r->secure)
		return DNS_SECURE;
	if (!a->validates)
		return DNS_CANNOT_SAY;
	return r->bogus ? DNS_BOGUS : DNS_INSECURE;
}

/* Without a final dot; of an answer that follows no alias none. */
static struct span
canonical_of(const struct ub_result *r, enum dns_type type, struct arena *arena)
{
	struct span	 name;
	char		*p;
	size_t		 i;

	if (r->canonname == NULL || type == DNS_CNAME)
		return SPAN_NONE;
	name = span_of(r->canonname);
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (!rdata_name_ok(name))
		return SPAN_NONE;
	p = arena_alloc(arena, name.n);
	for (i = 0; i < name.n; i++)
		p[i] = ascii_lower(name.p[i]);
	return span_mem(p, name.n);
}

static void
take_records(const struct ub_result *r, enum dns_type type, struct arena *arena,
    struct dns_answer *out)
{
	size_t	i;

	for (i = 0; r->data[i] != NULL && out->n < DNS_RECORDS_MAX; i++)
		if (r->len[i] >= 0 && rdata_parse(type,
		    (struct span){ r->data[i], (size_t)r->len[i] }, arena,
		    &out->records[out->n]))
			out->n++;
	if (out->n == 0)
		out->result = DNS_NODATA;
}

static void
answered(void *arg, int err, struct ub_result *r)
{
	struct ask_question	*q = arg;
	struct dns_record	 records[DNS_RECORDS_MAX];
	struct dns_answer	 answer = { .records = records };
	struct arena		 arena = { 0 };

	if (err == 0 && r->secure)
		q->ask->validates = true;
	answer.result = result_of(q->ask, err, r);
	if (err == 0) {
		answer.trust = trust_of(q->ask, r);
		answer.ttl_s = r->ttl > 0 ? (uint32_t)r->ttl : 0;
		answer.canonical = canonical_of(r, q->type, &arena);
	}
	if (answer.result == DNS_FOUND)
		take_records(r, q->type, &arena, &answer);
	q->cb(q->arg, &answer);
	drop(q);
	arena_clear(&arena);
	ub_resolve_free(r);
}

struct ask_question *
ask_start(struct ask *a, enum dns_type type, struct span name, ask_cb *cb,
    void *arg)
{
	struct ask_question	*q;
	char			 text[RDATA_QUESTION_MAX];

	if (a->n >= ASK_MAX || name.n > DNS_NAME_MAX)
		return NULL;
	q = xcalloc(1, sizeof(*q));
	*q = (struct ask_question){ .ask = a, .type = type, .cb = cb,
	    .arg = arg, .until_ms = clock_boot_ms() + ASK_TIMEOUT_MS };
	if (ub_resolve_async(a->ub, rdata_question(name, text), type, CLASS_IN,
	    q, answered, &q->id) != 0) {
		free(q);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&a->open, q, entry);
	a->n++;
	wait_for_oldest(a);
	return q;
}

void
ask_cancel(struct ask *a, struct ask_question **qp)
{
	if (*qp == NULL)
		return;
	ub_cancel(a->ub, (*qp)->id);
	drop(*qp);
	*qp = NULL;
}
