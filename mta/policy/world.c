/*
 * world.c - an evaluation, and what the interpreter asks of the world of mail.
 *
 * Owns: the evaluations (used again, so that a decision allocates nothing),
 * the header edits of one.  Borrows: the facts.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "mail/header.h"

#include "mta/policy/policy_int.h"

struct rs_value *
policy_tags_new(const struct policy *p, struct arena *ar)
{
	size_t		 i, n = rs_ntag(p->image);
	struct rs_value	*tags = tags_alloc(n, ar);

	for (i = 0; i < n; i++)
		tags[i] = rs_const(p->image,
		    rs_tag(p->image, (uint32_t)i)->dflt);
	return tags;
}

/* --- facts */

static enum rs_answer
given(struct span s, enum rs_type type, bool tainted, struct rs_value *out)
{
	if (s.n == 0)
		return RS_ABSENT;
	*out = rs_text(type, s);
	out->tainted = tainted;
	return RS_HAVE;
}

static enum rs_answer
number(enum rs_type type, uint64_t i, struct rs_value *out)
{
	*out = rs_int(type, i > INT64_MAX ? INT64_MAX : (int64_t)i);
	return RS_HAVE;
}

static enum rs_answer
mailbox_of(struct span whole, size_t at, struct rs_value *out)
{
	*out = rs_address(whole);
	out->at = (uint32_t)at;
	out->tainted = true;
	return RS_HAVE;
}

static enum rs_answer
client_name(struct asking *a, bool verified, struct rs_value *out)
{
	struct policy_facts	*f = a->facts;
	struct span		 name;
	enum rs_answer		 is;

	if (f->names == NULL)
		return RS_ABSENT;
	is = names_get(f->names, &a->policy->dns, &f->client_ip, verified,
	    &a->wait, &name);
	a->dns_failed |= is == RS_CANNOT;
	return is == RS_HAVE ? given(name, RS_T_DOMAIN, true, out) : is;
}

/* A value of the account: escaped where it becomes part of a path. */
static enum rs_answer
of_account(struct asking *a, struct span s, enum rs_type type,
    struct rs_value *out)
{
	if (!a->as_path)
		return given(s, type, true, out);
	if (s.n == 0)
		a->empty_name = true;
	return given(mailbox_escape(s, rs_eval_arena(a->eval)), type, false,
	    out);
}

/* The time in one of its forms. */
static enum rs_answer
of_time(const struct policy_facts *f, unsigned which, struct rs_value *out)
{
	int64_t	ms = f->now_ms != 0 ? f->now_ms : clock_wall_ms();

	switch (which) {
	case RS_FACT_TIME_HOUR:
		return number(RS_T_INT, (uint64_t)(ms / 3600000 % 24), out);
	case RS_FACT_TIME_MINUTE:
		return number(RS_T_INT, (uint64_t)(ms / 60000 % 60), out);
	case RS_FACT_TIME_WEEKDAY:	/* 1970-01-01 was a Thursday */
		return number(RS_T_INT, (uint64_t)((ms / 86400000 + 3) % 7 + 1),
		    out);
	default:
		return number(RS_T_DATE, (uint64_t)ms, out);
	}
}

/* Of TLS, and of what happens behind the queue. */
static enum rs_answer
later_fact(const struct policy_facts *f, unsigned which, struct rs_value *out)
{
	switch (which) {
	case RS_FACT_CLIENT:
		*out = rs_ip(&f->client_ip);
		out->type = RS_T_CLIENT;
		return f->client_ip.family == 0 ? RS_ABSENT : RS_HAVE;
	case RS_FACT_CLIENT_CERTIFICATE:
		return given(f->certificate, RS_T_TEXT, false, out);
	case RS_FACT_TLS_VERSION:
		return given(f->tls_version, RS_T_TEXT, false, out);
	case RS_FACT_TLS_CIPHER:
		return given(f->tls_cipher, RS_T_TEXT, false, out);
	case RS_FACT_TLS_VERIFIED:
		*out = rs_bool(f->tls_verified);
		return RS_HAVE;
	case RS_FACT_QUEUE_AGE:
		return number(RS_T_TIME, (uint64_t)f->queue_age_ms, out);
	case RS_FACT_QUEUE_ATTEMPTS:
		return number(RS_T_INT, f->queue_attempts, out);
	case RS_FACT_BOUNCE_KIND:
		return given(f->bounce_kind, RS_T_TEXT, false, out);
	case RS_FACT_BOUNCE_STATUS:
		return given(f->bounce_status, RS_T_TEXT, true, out);
	case RS_FACT_HOP_NAME:
		return given(f->hop_name, RS_T_DOMAIN, true, out);
	case RS_FACT_HOP_IP:
		*out = rs_ip(&f->hop_ip);
		return f->hop_ip.family == 0 ? RS_ABSENT : RS_HAVE;
	default:
		return RS_ABSENT;
	}
}

/* Names of hosts have no case: what compares with one may be written small. */
static struct span
helo_name(const struct asking *a)
{
	struct span	 helo = a->facts->helo, copy;
	size_t		 i;
	char		*p;

	for (i = 0; i < helo.n; i++)
		if (ascii_lower(helo.p[i]) != helo.p[i])
			break;
	if (i == helo.n || a->eval == NULL)	/* no evaluation: as it is */
		return helo;
	copy = arena_span(rs_eval_arena(a->eval), helo);
	p = (char *)(uintptr_t)copy.p;
	for (; i < copy.n; i++)
		p[i] = ascii_lower(p[i]);
	return copy;
}

static enum rs_answer
fact(struct asking *a, unsigned which, struct rs_value *out)
{
	const struct policy_facts	*f = a->facts;

	switch (which) {
	case RS_FACT_CLIENT_IP:
		*out = rs_ip(&f->client_ip);
		return f->client_ip.family == 0 ? RS_ABSENT : RS_HAVE;
	case RS_FACT_CLIENT_PORT:
		return number(RS_T_INT, f->client_port, out);
	case RS_FACT_CLIENT_NAME:
		return client_name(a, false, out);
	case RS_FACT_CLIENT_VERIFIED_NAME:
		return client_name(a, true, out);
	case RS_FACT_LISTENER:
		return given(f->listener, RS_T_TEXT, false, out);
	case RS_FACT_TIME_HOUR:
	case RS_FACT_TIME_MINUTE:
	case RS_FACT_TIME_WEEKDAY:
	case RS_FACT_TIME_NOW:
		return of_time(f, which, out);
	case RS_FACT_CLIENT_HELO:
		return given(helo_name(a), RS_T_TEXT, true, out);
	case RS_FACT_CLIENT_AUTHENTICATED:
		*out = rs_bool(f->authenticated);
		return RS_HAVE;
	case RS_FACT_CLIENT_USER:
		return given(f->user, RS_T_TEXT, false, out);
	case RS_FACT_SENDER:
		return mailbox_of(f->sender, f->sender_at, out);
	case RS_FACT_MESSAGE_SIZE:
		return number(RS_T_SIZE, f->size, out);
	case RS_FACT_RCPT:
		return mailbox_of(f->rcpt, f->rcpt_at, out);
	case RS_FACT_RCPTS_COUNT:
		return number(RS_T_INT, f->rcpts_count, out);
	case RS_FACT_MESSAGE_LINES:
		return number(RS_T_INT, f->lines, out);
	case RS_FACT_MESSAGE_HOPS:
		return number(RS_T_INT, f->hops, out);
	case RS_FACT_ACCOUNT:
		return of_account(a, f->account, RS_T_TEXT, out);
	case RS_FACT_USER:
		return of_account(a, f->account_user, RS_T_TEXT, out);
	case RS_FACT_DOMAIN:
		return of_account(a, f->account_domain, RS_T_DOMAIN, out);
	case RS_FACT_DETAIL:
		return of_account(a, f->account_detail, RS_T_TEXT, out);
	default:
		return later_fact(f, which, out);
	}
}

static enum rs_answer
world_fact(void *ctx, struct rs_eval *e, unsigned which, struct rs_value *out)
{
	struct asking	*a = ctx;
	enum rs_answer	 is = fact(a, which, out);

	(void)e;
	/* What a client wrote never becomes a path as it is. */
	if (is == RS_HAVE && a->as_path && out->tainted &&
	    (out->type == RS_T_TEXT || out->type == RS_T_DOMAIN ||
	    out->type == RS_T_ADDRESS)) {
		out->s = mailbox_escape(out->s, rs_eval_arena(a->eval));
		if (out->type == RS_T_ADDRESS)
			*out = rs_address(out->s);
	}
	return is;
}

struct rs_value
policy_fact_get(const struct policy *p, const struct policy_facts *f,
    unsigned which)
{
	struct asking	a = { 0 };
	struct rs_value	v = { .type = RS_T_NONE };
	struct span	name;
	bool		verified = which == RS_FACT_CLIENT_VERIFIED_NAME;

	if (which & POLICY_FACT_TAG) {
		which &= ~POLICY_FACT_TAG;
		return f->tags != NULL && which < rs_ntag(p->image) ?
		    f->tags[which] : v;
	}
	if (which == RS_FACT_CLIENT_NAME || verified) {
		if (f->names == NULL)
			return v;
		switch (names_peek(f->names, verified, &name)) {
		case RS_HAVE:
			(void)given(name, RS_T_DOMAIN, true, &v);
			return v;
		case RS_ABSENT:
			return v;
		default:
			return rs_unknown(RS_WHY_TABLE);
		}
	}
	/* The other facts are looked at, never changed. */
	a.facts = (struct policy_facts *)(uintptr_t)f;
	if (fact(&a, which, &v) != RS_HAVE)
		v = (struct rs_value){ .type = RS_T_NONE };
	return v;
}

/* --- headers, recipients */

static enum rs_answer
world_header(void *ctx, struct rs_eval *e, struct span name, unsigned i,
    struct rs_value *out)
{
	struct asking		*a = ctx;
	struct header_field	 hf;

	if (!header_find(a->facts->content, name, i, &hf))
		return RS_ABSENT;
	*out = rs_text(RS_T_TEXT, header_text(hf.body, rs_eval_arena(e)));
	out->tainted = true;
	return RS_HAVE;
}

static enum rs_answer
world_tag_get(void *ctx, struct rs_eval *e, uint32_t tag,
    struct rs_value *out)
{
	struct asking	*a = ctx;

	(void)e;
	if (tag >= rs_ntag(a->policy->image))
		return RS_ABSENT;
	*out = a->facts->tags != NULL ? a->facts->tags[tag] :
	    rs_const(a->policy->image, rs_tag(a->policy->image, tag)->dflt);
	return RS_HAVE;
}

static const struct rs_world world = {
	.fact = world_fact,
	.map_get = world_map_get,
	.access = world_access,
	.answered = world_answered,
	.verdict = world_verdict,
	.header = world_header,
	.item = world_item,
	.rcpt_unknown = world_rcpt_unknown,
	.tag_get = world_tag_get,
	.reachable = world_reachable,
	.srs = world_srs,
	.owned = world_owned,
	.rate = world_rate,
	.greylisted = world_greylisted,
	.listed = world_listed,
	.spf = world_spf,
	.resolves = world_resolves,
	.effect = world_effect,
};

/* --- evaluations */

struct asking *
asking_new(struct policy *p)
{
	struct asking	*a = p->idle_askings;

	if (a != NULL) {
		p->idle_askings = a->next;
		p->nidle_askings--;
		a->next = NULL;
		return a;
	}
	a = xcalloc(1, sizeof(*a));
	a->policy = p;
	a->eval = rs_eval_new(p->image, &world, a, NULL);
	return a;
}

static void
asking_destroy(struct asking *a)
{
	rs_eval_free(&a->eval);
	free(a->edits);
	free(a->effects);
	free(a);
}

void
asking_free(struct asking **ap)
{
	struct asking	*a = *ap;
	struct policy	*p;

	*ap = NULL;
	if (a == NULL)
		return;
	p = a->policy;
	waiter_stop(&a->wait);
	asked_stop(a);
	if (a->memo.entries != NULL)
		memo_drop(&a->memo);
	routing_free(&a->unknown);
	policy_parts_free(&a->parts);
	routing_free(&a->owner);
	a->trace = (struct trace){ .on = false };
	rs_eval_reset(a->eval, NULL);
	if (p->nidle_askings == IDLE_MAX || a->edits_cap > 64 ||
	    a->effects_cap > 64) {
		asking_destroy(a);
		return;
	}
	a->nedits = a->neffects = 0;
	a->dry = a->routing = a->as_path = a->empty_name = a->peeks = false;
	a->dns_failed = false;
	a->tags_arena = NULL;
	a->facts = NULL;
	a->next = p->idle_askings;
	p->idle_askings = a;
	p->nidle_askings++;
}

void
askings_drop(struct policy *p)
{
	struct asking	*a;

	while ((a = p->idle_askings) != NULL) {
		p->idle_askings = a->next;
		asking_destroy(a);
	}
	p->nidle_askings = 0;
}

void
asking_reset(struct asking *a, struct policy_facts *f,
    struct rs_record *record)
{
	a->facts = f;
	a->nedits = a->neffects = 0;
	a->empty_name = a->dns_failed = a->quarantined = false;
	asked_stop(a);
	if (a->memo.entries != NULL)
		memo_drop(&a->memo);
	routing_free(&a->unknown);
	policy_parts_free(&a->parts);
	routing_free(&a->owner);
	a->trace = (struct trace){ .on = record != NULL };
	rs_eval_reset(a->eval, record);
}

static void
names_there(void *arg)
{
	struct asking	*a = arg;

	a->resume(a->arg);
}

struct waiter *
asking_waiter(struct asking *a)
{
	a->wait.cb = names_there;
	a->wait.arg = a;
	return &a->wait;
}

static enum rs_run
ended(const struct asking *a, enum rs_run run, struct rs_verdict *out)
{
	if (run == RS_DONE)
		world_dns_ended(a, out);
	return run;
}

enum rs_run
asking_call(struct asking *a, uint32_t func, const struct rs_value *args,
    unsigned n, struct rs_verdict *out)
{
	(void)asking_waiter(a);
	a->hook = rs_func(a->policy->image, func)->hook;
	return ended(a, rs_eval_run(a->eval, func, args, n, out), out);
}

enum rs_run
asking_run(struct asking *a, uint32_t func, struct rs_verdict *out)
{
	return asking_call(a, func, NULL, 0, out);
}

enum rs_run
asking_resume(struct asking *a, struct rs_verdict *out)
{
	return ended(a, rs_eval_resume(a->eval, out), out);
}

struct routing *
asking_take_dry(struct asking *a)
{
	struct routing	*r = a->unknown;

	a->unknown = NULL;
	return r;
}
