/*
 * ask.c - asking by libunbound.
 */
#include "mta/resolve/ask.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/resolve/rdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unbound.h>

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
	struct ub_result *held;		/* bogus, and perhaps stripped; NULL: none */
};

struct ask {
	struct ub_ctx	*ub;
	struct watch	 watch;
	struct timer	 timer;		/* for the oldest question */
	TAILQ_HEAD(, ask_question) open;
	size_t		 n;
	struct validation validation;
	struct timer	 unasked;	/* a probe that could not be asked */
	char		 servers[SERVERS_MAX * (SERVER_TEXT_MAX + 1)];
	char		 above[RDATA_QUESTION_MAX];	/* the anchor's owner: what is below must be signed */
	void		(*changed)(void *);
	void		*arg;
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
	/* Who answers what it knows within a ms needs longer for the rest. */
	{ "infra-cache-min-rtt:", "500" },
	/* A library's 16 are all held by as many names with silent servers. */
	{ "outgoing-range:", "1024" },
	{ "outgoing-num-tcp:", "64" },		/* likewise 2 */
	{ "num-queries-per-thread:", "4096" },
	{ "aggressive-nsec:", "no" },	/* the probe has to be asked for */
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

/* The owner of a record of the anchor, without its final dot. */
static void
keep_owner(struct ask *a, struct span record)
{
	size_t	n;

	for (n = 0; n < record.n; n++)
		if (record.p[n] == ' ' || record.p[n] == '\t')
			break;
	if (n > 0 && record.p[n - 1] == '.')
		n--;
	snprintf(a->above, sizeof(a->above), "%.*s", (int)n, record.p);
}

/* Each line of the anchor's file that is a record.  How many were taken. */
static size_t
set_anchor(struct ask *a, struct span text)
{
	struct span	line;
	ptrdiff_t	nl;
	size_t		n = 0;
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
		if (ub_ctx_add_ta(a->ub, record) != 0) {
			log_warnx("dns anchor=%s error=refused",
			    log_quote(line));
			continue;
		}
		keep_owner(a, line);
		n++;
	}
	return n;
}

static void
readable(void *arg, int what)
{
	struct ask	*a = arg;

	(void)what;
	ub_process(a->ub);
}

/* --- whether it validates */

static void
probe_answered(void *arg, int err, struct ub_result *r)
{
	struct ask		*a = arg;
	enum probe_result	 result = PROBE_STRIPPED;

	if (err != 0 || (r->rcode != RCODE_OK && r->rcode != RCODE_NXDOMAIN))
		result = PROBE_FAILED;
	else if (r->secure)
		result = PROBE_SECURE;
	validation_probed(&a->validation, result);
	if (err == 0)
		ub_resolve_free(r);
}

static void
probe_failed(void *arg)
{
	struct ask	*a = arg;

	validation_probed(&a->validation, PROBE_FAILED);
}

/*
 * A name that nobody has, so that no answer is kept of it: that there is none
 * has to be proven.
 */
static void
probe(void *arg)
{
	struct ask	*a = arg;
	uint8_t		 random[8];
	char		 name[RDATA_QUESTION_MAX + 64];
	size_t		 i, n = 0;

	random_bytes(random, sizeof(random));
	for (i = 0; i < sizeof(random); i++)
		n += (size_t)snprintf(name + n, 3, "%02x", random[i]);
	snprintf(name + n, sizeof(name) - n, ".waybill-probe.%s", a->above);
	if (ub_resolve_async(a->ub, name, DNS_TXT, CLASS_IN, a,
	    probe_answered, NULL) != 0)
		timer_set(&a->unasked, 0, probe_failed, a);
}

static void
changed(void *arg)
{
	struct ask	*a = arg;

	a->changed(a->arg);
}

static void	settled(void *);

static void
add_servers(struct ask *a, const struct servers *servers)
{
	size_t	i, n = 0;

	for (i = 0; i < servers->n; i++) {
		if (ub_ctx_set_fwd(a->ub, servers->at[i]) != 0)
			log_warnx("dns server=%s error=refused",
			    servers->at[i]);
		n += (size_t)snprintf(a->servers + n, sizeof(a->servers) - n,
		    "%s%s", i > 0 ? "," : "", servers->at[i]);
	}
}

/* --- opening, closing */

struct ask *
ask_new(const struct servers *servers, struct span anchor,
    void (*told)(void *), void *arg)
{
	static const struct validation_ops	 ops = {
		probe, settled, changed
	};
	struct ask	*a = xcalloc(1, sizeof(*a));
	bool		 anchored;

	TAILQ_INIT(&a->open);
	a->changed = told;
	a->arg = arg;
	if ((a->ub = ub_ctx_create()) == NULL)
		fatalx("libunbound: no context");
	ub_ctx_debugout(a->ub, NULL);	/* our log has its own form */
	set_options(a->ub);
	add_servers(a, servers);
	anchored = set_anchor(a, anchor) > 0;
	/* Answered by libunbound itself otherwise; our resolver knows better. */
	if (ub_ctx_async(a->ub, 1) != 0 ||
	    ub_ctx_zone_add(a->ub, "test.", "transparent") != 0)
		fatalx("libunbound: cannot start");
	watch_set(&a->watch, ub_fd(a->ub), LOOP_READ, readable, a);
	validation_start(&a->validation, anchored, a->servers, &ops, a);
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
	validation_stop(&a->validation);
	timer_clear(&a->unasked);
	timer_clear(&a->timer);
	watch_clear(&a->watch);
	ub_ctx_delete(a->ub);
	free(a);
	*ap = NULL;
}

const struct validation *
ask_validation(const struct ask *a)
{
	return &a->validation;
}

/* --- questions */

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
	if (q->held != NULL)
		ub_resolve_free(q->held);
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
		if (q->held == NULL)
			ub_cancel(a->ub, q->id);
		q->cb(q->arg, &failing);
		drop(q);
	}
	wait_for_oldest(a);
}

/* Only of a broken domain: one that a resolver has stripped is as good as an unsigned one. */
static bool
is_bogus(const struct ask *a, const struct ub_result *r)
{
	return r->bogus && a->validation.state == VALIDATION_YES;
}

static enum dns_result
result_of(const struct ask *a, const struct ub_result *r)
{
	if (is_bogus(a, r))
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
	if (is_bogus(a, r))
		return DNS_BOGUS;
	return r->bogus || !a->validation.anchor ? DNS_CANNOT_SAY :
	    DNS_INSECURE;
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

/* r: taken. */
static void
finish(struct ask_question *q, struct ub_result *r)
{
	struct dns_record	records[DNS_RECORDS_MAX];
	struct dns_answer	answer = { .records = records };
	struct arena		arena = { 0 };

	answer.result = result_of(q->ask, r);
	answer.trust = trust_of(q->ask, r);
	if (answer.trust == DNS_CANNOT_SAY)
		answer.resolver = span_of(q->ask->servers);
	answer.ttl_s = r->ttl > 0 ? (uint32_t)r->ttl : 0;
	answer.canonical = canonical_of(r, q->type, &arena);
	if (answer.result == DNS_FOUND)
		take_records(r, q->type, &arena, &answer);
	q->cb(q->arg, &answer);
	drop(q);
	arena_clear(&arena);
	ub_resolve_free(r);
}

static void
answered(void *arg, int err, struct ub_result *r)
{
	static const struct dns_answer	 failing = { .result = DNS_FAILING };
	struct ask_question		*q = arg;

	if (err != 0) {
		q->cb(q->arg, &failing);
		drop(q);
		return;
	}
	if (r->secure)
		validation_secure(&q->ask->validation);
	if (r->bogus && validation_doubt(&q->ask->validation))
		q->held = r;
	else
		finish(q, r);
}

static struct ask_question *
next_held(const struct ask *a)
{
	struct ask_question	*q;

	TAILQ_FOREACH(q, &a->open, entry)
		if (q->held != NULL)
			return q;
	return NULL;
}

static void
settled(void *arg)
{
	struct ask		*a = arg;
	struct ask_question	*q;
	struct ub_result	*r;

	while ((q = next_held(a)) != NULL) {
		r = q->held;
		q->held = NULL;
		finish(q, r);
	}
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
	if ((*qp)->held == NULL)
		ub_cancel(a->ub, (*qp)->id);
	drop(*qp);
	*qp = NULL;
}
