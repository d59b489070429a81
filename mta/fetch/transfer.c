/*
 * transfer.c - from a question to an address, and its end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/fetch/transfer_int.h"

static void begin(struct transfer *);

struct transfers *
transfers_new(struct dns_client *dns, const struct trust *trust,
    bool strangers)
{
	struct transfers	*ts = xcalloc(1, sizeof(*ts));

	ts->dns = dns;
	ts->trust = trust;
	ts->strangers = strangers;
	ts->curls = curls_new();
	TAILQ_INIT(&ts->waiting);
	TAILQ_INIT(&ts->running);
	return ts;
}

void
transfers_free(struct transfers **tsp)
{
	struct transfers	*ts = *tsp;

	*tsp = NULL;
	if (ts == NULL)
		return;
	curls_free(&ts->curls);
	free(ts);
}

/* --- whose turn it is */

static void
enlist(struct transfer *t, enum transfer_state state)
{
	struct transfers	*ts = t->all;

	t->state = state;
	if (state == TRANSFER_WAITS) {
		TAILQ_INSERT_TAIL(&ts->waiting, t, entry);
		ts->nwaiting++;
	} else {
		TAILQ_INSERT_TAIL(&ts->running, t, entry);
		ts->nrunning++;
	}
}

static void
delist(struct transfer *t)
{
	struct transfers	*ts = t->all;

	if (t->state == TRANSFER_WAITS) {
		TAILQ_REMOVE(&ts->waiting, t, entry);
		ts->nwaiting--;
	} else {
		TAILQ_REMOVE(&ts->running, t, entry);
		ts->nrunning--;
	}
}

static void
next_turns(struct transfers *ts)
{
	struct transfer	*t;

	while (ts->nrunning < TRANSFERS_RUNNING_MAX &&
	    (t = TAILQ_FIRST(&ts->waiting)) != NULL) {
		delist(t);
		enlist(t, TRANSFER_NAMES);
		begin(t);
	}
}

/* --- its end */

static void
release(struct transfer *t)
{
	struct transfers	*ts = t->all;

	delist(t);
	addrs_cancel(&t->names);
	transfer_run_clear(t);
	timer_clear(&t->timer);
	buf_wipe(&t->body);
	http_question_wipe(t->asks);
	free(t->asks);
	free(t->location);
	free(t);
	next_turns(ts);
}

void
transfer_cancel(struct transfer **tp)
{
	struct transfer	*t = *tp;

	*tp = NULL;
	if (t != NULL)
		release(t);
}

static void
tell(struct transfer *t, const struct http_answer *a)
{
	t->all->results[a->result]++;
	t->cb(t->arg, a);
	release(t);
}

static void
on_end(void *arg)
{
	struct transfer			*t = arg;
	const struct http_answer	 a = {
		.result = t->result, .why = span_of(t->why)
	};

	tell(t, &a);
}

/* Told in the next turn: whoever has begun it may not know it yet. */
void
transfer_fail(struct transfer *t, enum http_result result, const char *why,
    ...)
{
	va_list	ap;

	addrs_cancel(&t->names);
	transfer_run_clear(t);
	va_start(ap, why);
	(void)vsnprintf(t->why, sizeof(t->why), why, ap);
	va_end(ap);
	t->result = result;
	if (t->state == TRANSFER_WAITS) {
		delist(t);
		enlist(t, TRANSFER_ENDS);
	}
	t->state = TRANSFER_ENDS;
	timer_set(&t->timer, 0, on_end, t);
}

/* From libcurl's handle: its texts go with it. */
void
transfer_done(struct transfer *t, unsigned status, const char *type)
{
	const struct http_answer	a = {
		.result = HTTP_DONE, .status = status, .type = span_of(type),
		.body = buf_span(&t->body)
	};

	tell(t, &a);
}

static void
on_deadline(void *arg)
{
	struct transfer			*t = arg;
	static const char *const	 what[] = {
		[TRANSFER_WAITS] = "others before it have taken too long",
		[TRANSFER_NAMES] = "its name has not been resolved in time",
		[TRANSFER_RUNS] = "the time is over",
		[TRANSFER_ENDS] = ""
	};

	transfer_fail(t, t->state == TRANSFER_WAITS ? HTTP_CANNOT : HTTP_SLOW,
	    "%s", what[t->state]);
}

/* --- its server */

static void
on_addrs(void *arg, const struct addrs *all, bool failing)
{
	struct transfer	*t = arg;
	size_t		 i;

	t->names = NULL;
	for (i = 0; i < all->n; i++)
		if (!t->all->strangers || addrs_public(&all->v[i]))
			t->addrs.v[t->addrs.n++] = all->v[i];
	if (t->addrs.n > 0)
		transfer_run(t);
	else
		transfer_fail(t, HTTP_NO_HOST, "%.*s %s",
		    SPAN_ARG(t->url.host), failing ?
		    "cannot be resolved now" : all->n > 0 ?
		    "has no address that a stranger may name" :
		    "has no address");
}

/* The server of t->url. */
static void
find_server(struct transfer *t)
{
	t->addrs.n = 0;
	t->next = 0;
	t->state = TRANSFER_NAMES;
	if (t->url.ip.family == 0) {
		t->names = addrs_ask(t->all->dns, t->url.host, on_addrs, t);
		return;
	}
	if (t->all->strangers) {
		transfer_fail(t, HTTP_REFUSED, "a stranger names a host, and "
		    "no address");
		return;
	}
	t->addrs.v[t->addrs.n++] = t->url.ip;
	transfer_run(t);
}

static unsigned
seconds(const struct http_question *q)
{
	return q->seconds == 0 || q->seconds > HTTP_SECONDS_MAX ?
	    HTTP_SECONDS_MAX : q->seconds;
}

static void
begin(struct transfer *t)
{
	const char	*why;

	/* With less than half of its time left a failure would not be its server's. */
	if (t->until_ms - loop_now_ms() < (int64_t)seconds(t->asks) * 500)
		transfer_fail(t, HTTP_CANNOT, "others before it have taken "
		    "too long");
	else if (url_parse(t->asks->url, &t->url, &why) == -1)
		transfer_fail(t, HTTP_REFUSED, "the URL: %s", why);
	else
		find_server(t);
}

void
transfer_elsewhere(struct transfer *t, const char *location)
{
	char		*copy = xstrndup(location, HTTP_URL_MAX);
	const char	*why;

	transfer_run_clear(t);
	buf_reset(&t->body);
	free(t->location);
	t->location = copy;
	t->redirects--;
	if (url_parse(span_of(copy), &t->url, &why) == -1)
		transfer_fail(t, HTTP_REFUSED, "it says to ask %s: %s",
		    log_quote(span_of(copy)), why);
	else
		find_server(t);
}

/* --- questions */

struct transfer *
transfer_start(struct transfers *ts, const struct http_question *q,
    transfer_cb *cb, void *arg)
{
	struct transfer	*t = xcalloc(1, sizeof(*t));
	bool		 many = ts->nwaiting >= TRANSFERS_WAITING_MAX;

	t->all = ts;
	t->asks = http_question_keep(q);
	t->cb = cb;
	t->arg = arg;
	t->redirects = q->method != HTTP_GET ? 0 :
	    q->redirects > HTTP_REDIRECTS_MAX ? HTTP_REDIRECTS_MAX :
	    q->redirects;
	if (t->asks->octets_max > HTTP_BODY_MAX)
		t->asks->octets_max = HTTP_BODY_MAX;
	ts->asked++;
	t->until_ms = loop_now_ms() + (int64_t)seconds(q) * 1000;
	timer_set(&t->timer, t->until_ms - loop_now_ms(), on_deadline, t);
	enlist(t, TRANSFER_WAITS);
	if (many)
		transfer_fail(t, HTTP_CANNOT, "%d questions wait already",
		    TRANSFERS_WAITING_MAX);
	else
		next_turns(ts);
	return t;
}

void
transfers_stats(const struct transfers *ts, struct buf *out)
{
	unsigned	r;

	buf_addf(out, "\"authorities\":%zu,\"asked\":%llu,\"running\":%zu,"
	    "\"waiting\":%zu", ts->trust->n, (unsigned long long)ts->asked,
	    ts->nrunning, ts->nwaiting);
	for (r = 0; r < HTTP_NRESULTS; r++)
		buf_addf(out, ",\"%s\":%llu", http_result_name(r),
		    (unsigned long long)ts->results[r]);
}
