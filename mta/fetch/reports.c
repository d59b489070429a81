/*
 * reports.c - days: counting into today's, sending those that are over; reports.h.
 */
#include "config.h"

#include "mta/fetch/reports_int.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "ruleset/image.h"

#define TICK_MS		5000
#define PIECE_OCTETS	(256u << 10)	/* of REPORT_TEXT */

int64_t
reports_now_ms(void)
{
	int64_t	ahead_s = 0;
#ifdef WAYBILL_TEST_HOOKS
	const char	*env = getenv("WAYBILL_TEST_REPORT_AHEAD_S");

	if (env != NULL)
		ahead_s = atoll(env);
#endif
	return clock_wall_ms() + ahead_s * 1000;
}

struct report_author
reports_author(const struct reports *r)
{
	return (struct report_author){ buf_span(&r->organization),
	    buf_span(&r->contact), buf_span(&r->from) };
}

static int64_t
today(void)
{
	return report_day_of(reports_now_ms());
}

/* --- days */

/* Where a day stands, or could. NULL: no place. */
static struct report_day **
place_of(struct reports *r, int64_t day)
{
	struct report_day	**at = &r->days[day % REPORTS_DAYS];

	return *at == NULL || (*at)->day == day ? at : NULL;
}

static void
drop_day(struct reports *r, struct report_day **at)
{
	report_send_cancel(r, *at);
	report_folder_remove(r->folder, (*at)->day);
	report_day_free(at);
}

/* Those of which nothing may be sent any more; those of a clock that was wrong. */
static void
drop_old(struct reports *r)
{
	int64_t	now = today();
	size_t	i;

	for (i = 0; i < REPORTS_DAYS; i++)
		if (r->days[i] != NULL && (r->days[i]->day > now ||
		    r->days[i]->day <= now - REPORTS_DAYS))
			drop_day(r, &r->days[i]);
}

static struct report_day *
day_of_today(struct reports *r)
{
	struct report_day	**at;

	drop_old(r);
	if ((at = place_of(r, today())) == NULL)
		return NULL;
	if (*at == NULL)
		*at = report_day_new(today());
	return *at;
}

/* Today's a minute after it was kept last, others as soon as something was sent. */
static void
keep(struct reports *r, bool all)
{
	int64_t	now = loop_now_ms();
	bool	due = all || now - r->kept_ms >= REPORTS_KEEP_MS;
	size_t	i;

	for (i = 0; i < REPORTS_DAYS; i++)
		if (r->days[i] != NULL && r->days[i]->changed &&
		    (due || r->days[i]->day != today()))
			(void)report_folder_write(r->folder, r->days[i]);
	if (due)
		r->kept_ms = now;
}

/* --- sending */

/* A time of its own in the hours after midnight, the same after a restart. */
static int64_t
first_due(const struct report_day *d, const struct report_domain *o)
{
	return (d->day + 1) * REPORT_DAY_S + (int64_t)((d->seed ^
	    hash_fixed(o->name)) % REPORTS_SPREAD_S);
}

static void
send_due(struct reports *r, struct report_day *d, int64_t now_s)
{
	struct report_domain	*o;

	for (o = d->first; o != NULL && r->running < REPORTS_RUNNING_MAX;
	    o = o->next) {
		if (o->sending.done)
			continue;
		if (o->sending.due_s == 0)
			o->sending.due_s = first_due(d, o);
		if (o->sending.due_s <= now_s)
			report_send(r, d, o);
	}
}

static void
on_tick(void *arg)
{
	struct reports	*r = arg;
	size_t		 i;

	timer_set(&r->tick, TICK_MS, on_tick, r);
	drop_old(r);
	for (i = 0; i < REPORTS_DAYS && r->on; i++)
		if (r->days[i] != NULL && r->days[i]->day < today())
			send_due(r, r->days[i], reports_now_ms() / 1000);
	keep(r, false);
}

/* --- who asks what there is */

static void
put_sending(struct json *j, const struct report_sending *s)
{
	size_t	i;

	json_object(j, "sending");
	json_bool(j, "done", s->done);
	json_uint(j, "tries", s->tries);
	json_int(j, "due", s->done ? 0 : s->due_s);
	json_array(j, "sent");
	for (i = 0; i < s->nsent; i++)
		json_text(j, NULL, s->sent[i]);
	json_array_end(j);
	json_object_end(j);
}

/* A line: the report as it would go out, and what became of it. */
static void
put_domain(const struct reports *r, const struct report_day *d,
    const struct report_domain *o, struct buf *out)
{
	const struct report_author	who = reports_author(r);
	struct buf			report = { 0 };
	struct json			j;

	report_json(d, o, &who, &report);
	json_init(&j, out);
	json_object(&j, NULL);
	json_text(&j, "domain", o->name);
	put_sending(&j, &o->sending);
	json_raw(&j, "report", buf_span(&report));
	json_object_end(&j);
	buf_add_char(out, '\n');
	buf_clear(&report);
}

static void
put_end(const struct reports *r, int64_t day, const struct report_day *d,
    struct buf *out)
{
	char		text[REPORT_DAY_TEXT];
	struct json	j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_object(&j, "end");
	json_str(&j, "day", report_day_text(day, text));
	json_bool(&j, "on", r->on);
	json_uint(&j, "domains", d == NULL ? 0 : d->n);
	json_uint(&j, "sessions", d == NULL ? 0 : d->sessions);
	json_uint(&j, "left_out", d == NULL ? 0 : d->left_out);
	json_object_end(&j);
	json_object_end(&j);
	buf_add_char(out, '\n');
}

static void
put_piece(struct chan *c, uint64_t ticket, bool last, struct buf *b)
{
	chan_begin(c, MSG_REPORT_TEXT);
	chan_u64(c, ticket);
	chan_u8(c, last);
	chan_bytes(c, buf_span(b));
	chan_end(c);
	buf_reset(b);
}

static void
answer(struct reports *r, struct chan *c, uint64_t ticket, int64_t day)
{
	struct report_day		**at = place_of(r, day);
	const struct report_day		*d = at == NULL ? NULL : *at;
	const struct report_domain	*o = d == NULL ? NULL : d->first;
	struct buf			 b = { 0 };

	for (; o != NULL; o = o->next) {
		put_domain(r, d, o, &b);
		if (b.n >= PIECE_OCTETS)
			put_piece(c, ticket, false, &b);
	}
	put_end(r, day, d, &b);
	put_piece(c, ticket, true, &b);
	buf_clear(&b);
}

static bool
on_ask(void *arg, struct chan *c, struct msg *m)
{
	uint64_t	ticket = msg_u64(m);
	struct span	text = msg_bytes(m, REPORT_DAY_TEXT);
	int64_t		day = today();

	if (!msg_end(m) || (text.n > 0 && !report_day_parse(text, &day)))
		return false;
	answer(arg, c, ticket, day);
	return true;
}

/* --- what the process calls */

bool
reports_take(struct reports *r, struct msg *m)
{
	struct arena		 a = { 0 };
	struct tlsrpt_result	 result;
	struct report_day	*d;
	bool			 ok = tlsrpt_read(m, &a, &result);

	if (ok && r->on && (d = day_of_today(r)) != NULL &&
	    !report_count(d, &result) && d->left_out == 1)
		log_warnx("event=tls-report-full domains=%zu octets=%zu", d->n,
		    d->arena.total);
	arena_clear(&a);
	return ok;
}

static void
set(struct buf *b, struct span text)
{
	buf_reset(b);
	buf_add_span(b, text);
}

void
reports_config(struct reports *r, const struct rs_image *im)
{
	struct span	contact = rs_setting_text(im, RS_OPT_REPORTS_contact);
	struct span	name = rs_setting_text(im,
			    RS_OPT_REPORTS_organization);
	struct span	from = rs_setting_text(im, RS_OPT_REPORTS_from);
	struct report_author who;

	r->on = contact.n > 0;
	set(&r->contact, contact);
	set(&r->from, from.n > 0 ? from : contact);
	who = reports_author(r);
	set(&r->organization, name.n > 0 ? name : report_submitter(&who));
}

void
reports_queue(struct reports *r, int fd)
{
	report_queue_attach(r->queue, fd);
}

struct reports *
reports_new(struct dns_client *dns, struct transfers *transfers, int folder)
{
	struct reports		*r = xcalloc(1, sizeof(*r));
	struct report_day	*days[REPORTS_DAYS], **at;
	size_t			 i, n;

	r->dns = dns;
	r->transfers = transfers;
	r->folder = folder;
	r->queue = report_queue_new(on_ask, r);
	LIST_INIT(&r->sending);
	n = report_folder_read(folder, days, REPORTS_DAYS);
	for (i = 0; i < n; i++) {
		if ((at = place_of(r, days[i]->day)) != NULL && *at == NULL)
			*at = days[i];
		else
			report_day_free(&days[i]);
	}
	timer_set(&r->tick, 0, on_tick, r);
	return r;
}

void
reports_stop(struct reports *r)
{
	timer_clear(&r->tick);
	keep(r, true);
}

void
reports_stats(const struct reports *r, struct buf *out)
{
	uint64_t	sessions = 0, left_out = 0;
	size_t		i;

	for (i = 0; i < REPORTS_DAYS; i++)
		if (r->days[i] != NULL && r->days[i]->day == today()) {
			sessions = r->days[i]->sessions;
			left_out = r->days[i]->left_out;
		}
	buf_addf(out, "\"tls_report_sessions\":%llu,"
	    "\"tls_report_left_out\":%llu,\"tls_reports_sent\":%llu,"
	    "\"tls_reports_failed\":%llu", (unsigned long long)sessions,
	    (unsigned long long)left_out, (unsigned long long)r->nsent,
	    (unsigned long long)r->nfailed);
}
