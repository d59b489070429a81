/*
 * report_send.c - one domain's report: who wants it (DNS), then to each place in turn.
 */
#include "mta/fetch/reports_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

#define ANSWER_MAX	(64u << 10)	/* octets of what a server answers; nobody reads it */
#define PREFIX		"_smtp._tls."

struct sending {
	LIST_ENTRY(sending)	 entry;
	struct reports		*reports;
	struct report_day	*day;
	struct report_domain	*domain;
	struct arena		 arena;
	uint64_t		 dns_ticket, mail_ticket;	/* 0: none is open */
	struct transfer		*transfer;
	struct report_record	 record;
	size_t			 next;		/* place */
	bool			 failed;	/* one of the places is to be tried again */
	struct buf		 zipped;
};

static void try_next(struct sending *);

static void
sending_free(struct sending *s)
{
	struct reports	*r = s->reports;

	if (s->dns_ticket != 0)
		dns_cancel(r->dns, s->dns_ticket);
	if (s->mail_ticket != 0)
		report_queue_cancel(r->queue, s->mail_ticket);
	transfer_cancel(&s->transfer);
	LIST_REMOVE(s, entry);
	r->running--;
	buf_clear(&s->zipped);
	arena_clear(&s->arena);
	free(s);
}

void
report_send_cancel(struct reports *r, const struct report_day *d)
{
	struct sending	*s, *next;

	for (s = LIST_FIRST(&r->sending); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->day == d)
			sending_free(s);
	}
}

/* --- ends */

static void
log_it(const struct sending *s, const char *event, struct span to,
    const char *why)
{
	char	day[REPORT_DAY_TEXT];

	log_info("event=%s day=%s domain=%s to=%s%s%s", event,
	    report_day_text(s->day->day, day), log_quote(s->domain->name),
	    to.n == 0 ? "-" : log_quote(to), why == NULL ? "" : " why=",
	    why == NULL ? "" : log_quote(span_of(why)));
}

/* Nothing more is to be sent. */
static void
is_done(struct sending *s)
{
	s->domain->sending.done = true;
	s->day->changed = true;
	sending_free(s);
}

/* RFC 8460, 5.5: for a day, less and less often. */
static void
again(struct sending *s)
{
	struct report_sending	*o = &s->domain->sending;
	int64_t			 now = reports_now_ms() / 1000;
	int64_t			 wait = REPORTS_RETRY_S;
	uint32_t		 i;

	for (i = 1; i < o->tries && wait < REPORTS_RETRY_MAX_S; i++)
		wait *= 2;
	if (now + wait > o->first_s + REPORTS_TRY_S) {
		log_it(s, "tls-report-given-up", SPAN_NONE, NULL);
		is_done(s);
		return;
	}
	o->due_s = now + wait;
	s->day->changed = true;
	sending_free(s);
}

/* --- a place */

static void
arrived(struct sending *s)
{
	struct span	rua = s->record.rua[s->next];

	s->reports->nsent++;
	report_sent(s->day, s->domain, rua);
	log_it(s, "tls-report-sent", rua, NULL);
	s->next++;
	try_next(s);
}

static void
failed(struct sending *s, const char *why)
{
	s->reports->nfailed++;
	s->failed = true;
	log_it(s, "tls-report-failed", s->record.rua[s->next], why);
	s->next++;
	try_next(s);
}

static void
posted(void *arg, const struct http_answer *a)
{
	struct sending	*s = arg;
	char		 why[64];

	s->transfer = NULL;
	if (a->result == HTTP_DONE && a->status / 100 == 2) {
		arrived(s);
		return;
	}
	if (a->result == HTTP_DONE)
		snprintf(why, sizeof(why), "the server says %u", a->status);
	else
		snprintf(why, sizeof(why), "%s",
		    http_result_name(a->result));
	failed(s, why);
}

/* RFC 8460, 5.4 */
static void
post(struct sending *s, struct span url)
{
	const struct http_question	q = {
		.method = HTTP_POST, .url = url,
		.type = SPAN("application/tlsrpt+gzip"),
		.body = buf_span(&s->zipped), .octets_max = ANSWER_MAX
	};

	s->transfer = transfer_start(s->reports->transfers, &q, posted, s);
}

static void
mailed(void *arg, bool ok)
{
	struct sending	*s = arg;

	s->mail_ticket = 0;
	if (ok)
		arrived(s);
	else
		failed(s, "the queue does not take it");
}

/* false: no address of ours. */
static bool
mail(struct sending *s, struct span rua)
{
	const struct report_author	 who = reports_author(s->reports);
	struct buf			 content = { 0 };
	struct span			 to;

	if (!report_mailto(rua, &s->arena, &to))
		return false;
	report_mail(s->day, s->domain, &who, to, reports_now_ms(),
	    buf_span(&s->zipped), &content);
	s->mail_ticket = report_queue_mail(s->reports->queue, to,
	    buf_span(&content), mailed, s);
	buf_clear(&content);
	return true;
}

static void
try_next(struct sending *s)
{
	struct span	rua;

	for (; s->next < s->record.n; s->next++) {
		rua = s->record.rua[s->next];
		if (report_was_sent(s->domain, rua))
			continue;
		if (span_iprefix(rua, SPAN("https:"))) {
			post(s, rua);
			return;
		}
		if (mail(s, rua))
			return;
		log_it(s, "tls-report-failed", rua, "that is no address");
	}
	if (s->failed)
		again(s);
	else
		is_done(s);
}

/* --- who wants it */

static bool
make(struct sending *s)
{
	const struct report_author	who = reports_author(s->reports);
	struct buf			json = { 0 };
	bool				ok;

	report_json(s->day, s->domain, &who, &json);
	ok = report_gzip(buf_span(&json), &s->zipped);
	buf_clear(&json);
	return ok;
}

/* Kept beyond the answer. */
static bool
keep_record(struct sending *s, const struct dns_answer *a)
{
	struct span	texts[DNS_RECORDS_MAX];
	size_t		i;

	for (i = 0; i < a->n; i++)
		texts[i] = a->records[i].name;
	if (!report_record_find(texts, a->n, &s->record))
		return false;
	for (i = 0; i < s->record.n; i++)
		s->record.rua[i] = arena_span(&s->arena, s->record.rua[i]);
	return true;
}

static void
got_record(void *arg, const struct dns_answer *a)
{
	struct sending	*s = arg;

	s->dns_ticket = 0;
	if (a->result == DNS_FAILING) {
		log_it(s, "tls-report-failed", SPAN_NONE,
		    "DNS cannot say who wants it");
		again(s);
	} else if (a->result != DNS_FOUND || !keep_record(s, a))
		is_done(s);	/* nobody does */
	else if (!make(s))
		again(s);
	else
		try_next(s);
}

void
report_send(struct reports *r, struct report_day *d, struct report_domain *o)
{
	struct sending	*s = xcalloc(1, sizeof(*s));
	char		 name[sizeof(PREFIX) + TLSRPT_NAME_MAX];

	s->reports = r;
	s->day = d;
	s->domain = o;
	LIST_INSERT_HEAD(&r->sending, s, entry);
	r->running++;
	o->sending.tries++;
	if (o->sending.first_s == 0)
		o->sending.first_s = reports_now_ms() / 1000;
	/* Not a second time while it is under way; a restart tries again. */
	o->sending.due_s = reports_now_ms() / 1000 + REPORTS_RETRY_S;
	d->changed = true;
	snprintf(name, sizeof(name), PREFIX "%.*s", SPAN_ARG(o->name));
	s->dns_ticket = dns_ask(r->dns, DNS_TXT, span_of(name), got_record, s);
}
