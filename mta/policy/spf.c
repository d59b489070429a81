/*
 * spf.c - check_host() (RFC 7208, 4 to 6): records, terms, results.
 *
 * A domain that is looked at is a frame: `include` puts one upon the other,
 * `redirect` puts another domain into the same.  What is being done is in
 * `phase`; each phase asks one question at most, whose answer sets the next.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "mail/domain.h"

#include "mta/policy/spf_int.h"

/* --- results */

/* The end of all; what is wrong is static. */
static void
finish(struct spf *s, enum spf_result r, const char *why)
{
	s->result = r;
	s->why = why;
	s->decided = true;
	s->phase = SPF_OVER;
	if (r == SPF_FAIL && s->explain && s->frames[0].record.exp.n > 0)
		s->phase = SPF_EXPLAIN;
}

/*
 * check_host() of the upmost frame has ended.  What `include` makes of it
 * (5.2) may end the frame below, too.
 */
void
spf_leave(struct spf *s, enum spf_result r, const char *why)
{
	while (s->depth > 0) {
		s->depth--;
		switch (r) {
		case SPF_PASS:
			r = spf_frame(s)->qualifier;
			break;
		case SPF_FAIL:
		case SPF_SOFTFAIL:
		case SPF_NEUTRAL:
			s->phase = SPF_TERM;	/* no match: the next one */
			return;
		case SPF_NONE:
			r = SPF_PERMERROR;
			why = "an included domain has no record";
			break;
		case SPF_TEMPERROR:
		case SPF_PERMERROR:
			break;
		}
	}
	finish(s, r, why);
}

/* An error that ends all frames at once: includes pass it on. */
void
spf_error(struct spf *s, enum spf_result r, const char *why)
{
	s->depth = 0;
	finish(s, r, why);
}

void
spf_matched(struct spf *s)
{
	spf_leave(s, s->term.qualifier, "");
}

/* --- questions */

static void
out_of_time(struct spf *s)
{
	if (s->decided) {	/* a fail, without its explanation */
		s->explanation = SPAN_NONE;
		s->phase = SPF_OVER;
	} else
		spf_error(s, SPF_TEMPERROR, "it takes too long");
}

void
spf_ask(struct spf *s, enum dns_type type, struct span name, dns_cb *cb)
{
	uint64_t	ticket;

	if (clock_boot_ms() - s->began_ms > ELAPSED_MAX_MS) {
		out_of_time(s);
		return;
	}
	s->asked++;
	s->open = true;
	ticket = s->dns.ask(s->dns.ctx, type, name, cb, s);
	if (s->open)		/* else it was answered at once */
		s->ticket = ticket;
}

void
spf_answered(struct spf *s)
{
	s->open = false;
	if (!s->running)
		spf_run(s);
}

/* --- a domain's record (4.4, 4.5) */

static void
take_record(struct spf *s, const struct dns_answer *a)
{
	struct spf_frame	*f = spf_frame(s);
	const char		*why;
	struct span		 txt = SPAN_NONE;
	size_t			 i, n = 0;

	for (i = 0; i < a->n; i++)
		if (spf_is_record(a->records[i].name)) {
			txt = a->records[i].name;
			n++;
		}
	if (n > 1) {
		spf_error(s, SPF_PERMERROR, "a domain has several records");
		return;
	}
	if (n == 0 && f->redirected)
		spf_error(s, SPF_PERMERROR,
		    "the redirect's domain has no record");
	else if (n == 0)
		spf_leave(s, SPF_NONE, "");
	else if (spf_record_parse(arena_span(&s->arena, txt), &f->record,
	    &why) == -1)
		spf_error(s, SPF_PERMERROR, why);
	else {
		f->rest = f->record.terms;
		s->phase = SPF_TERM;
	}
}

static void
record_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;

	if (a->result == DNS_FAILING)
		spf_error(s, SPF_TEMPERROR, "a record cannot be asked for");
	else
		take_record(s, a);
	spf_answered(s);
}

static void
ask_record(struct spf *s)
{
	spf_ask(s, DNS_TXT, spf_frame(s)->domain, record_answered);
}

/* --- terms (4.6) */

/* False: there have been too many (4.6.4). */
static bool
count_term(struct spf *s)
{
	if (s->terms++ < TERMS_MAX)
		return true;
	spf_error(s, SPF_PERMERROR, "more than 10 terms ask DNS");
	return false;
}

static bool
network_has(const struct spf *s)
{
	const struct spf_term	*t = &s->term;
	unsigned		 bits = t->mechanism == SPF_IP4 ? t->bits4 :
				    t->bits6;

	/* ip6 with a mapped address has become IPv4: it matches nothing (5). */
	return t->ip.family == (t->mechanism == SPF_IP4 ? 4 : 6) &&
	    spf_near(&s->macros.ip, &t->ip, bits);
}

static void
next_term(struct spf *s)
{
	struct spf_frame	*f = spf_frame(s);

	if (!spf_term_next(&f->rest, &s->term)) {
		if (f->record.redirect.n == 0)
			spf_leave(s, SPF_NEUTRAL, "");	/* 4.7 */
		else if (count_term(s))
			s->phase = SPF_REDIRECT;
		return;
	}
	switch (s->term.mechanism) {
	case SPF_ALL:
		spf_matched(s);
		break;
	case SPF_IP4:
	case SPF_IP6:
		if (network_has(s))
			spf_matched(s);
		break;
	default:
		if (count_term(s))
			s->phase = SPF_EVALUATE;
	}
}

/*
 * The name that a domain-spec means; false: none that can be asked for, or
 * (phase is SPF_NAMES then) the client's names have to be known first.
 */
bool
spf_target(struct spf *s, struct span spec, struct span *out)
{
	struct spf_frame	*f = spf_frame(s);

	if (spec.n == 0) {
		*out = f->domain;
		return true;
	}
	if (spf_wants_validated(spec) && !spf_names_known(s))
		return false;
	s->macros.domain = f->domain;
	s->macros.validated = spf_validated(s, f->domain);
	if (!spf_expand_name(spec, &s->macros, &s->room))
		return false;
	*out = arena_span(&s->arena, buf_span(&s->room));
	return true;
}

/* --- include (5.2), redirect (6.1) */

static void
enter(struct spf *s, struct span domain)
{
	/* The frame below keeps what a match will mean there. */
	spf_frame(s)->qualifier = s->term.qualifier;
	s->depth++;
	*spf_frame(s) = (struct spf_frame){ .domain = domain };
	s->phase = SPF_RECORD;
}

static void
redirect(struct spf *s)
{
	struct spf_frame	*f = spf_frame(s);
	struct span		 domain;

	if (spf_target(s, f->record.redirect, &domain)) {
		*f = (struct spf_frame){ .domain = domain, .redirected = true };
		s->phase = SPF_RECORD;
	} else if (s->phase == SPF_REDIRECT)
		spf_error(s, SPF_PERMERROR, "the redirect leads to no domain");
}

static void
evaluate(struct spf *s)
{
	struct span	target;

	if (s->term.mechanism == SPF_PTR && !spf_names_known(s))
		return;
	if (!spf_target(s, s->term.spec, &target)) {
		if (s->phase != SPF_EVALUATE)
			return;
		/* No name: as one that is not there (4.3, 4.8). */
		if (s->term.mechanism == SPF_INCLUDE)
			spf_error(s, SPF_PERMERROR,
			    "an include leads to no domain");
		else
			s->phase = SPF_TERM;
		return;
	}
	s->phase = SPF_TERM;
	if (s->term.mechanism == SPF_INCLUDE)
		enter(s, target);
	else
		spf_ask_mechanism(s, target);
}

/* --- the machine */

static void (*const phases[])(struct spf *) = {
	[SPF_RECORD]	= ask_record,
	[SPF_TERM]	= next_term,
	[SPF_EVALUATE]	= evaluate,
	[SPF_REDIRECT]	= redirect,
	[SPF_HOSTS]	= spf_ask_host,
	[SPF_NAMES]	= spf_ask_names,
	[SPF_FORWARD]	= spf_ask_forward,
	[SPF_EXPLAIN]	= spf_ask_explanation,
	[SPF_EXPLAINED]	= spf_take_explanation,
};

void
spf_run(struct spf *s)
{
	s->running = true;
	while (s->phase != SPF_OVER && !s->open)
		phases[s->phase](s);
	s->running = false;
	if (s->phase == SPF_OVER && !s->starting)
		s->cb(s->arg);
}

/* 4.3: a domain that is malformed, a literal, or a single label. */
static bool
first_domain(struct spf *s, struct span name)
{
	struct spf_frame	*f = &s->frames[0];
	const char		*why;

	return domain_normalise(name, &s->arena, &f->domain, &why) == 0 &&
	    span_index(f->domain, '.') > 0;
}

struct spf *
spf_start(const struct policy_dns *dns, const struct spf_question *q,
    spf_cb *cb, void *arg)
{
	struct spf	*s = xcalloc(1, sizeof(*s));
	struct span	 sender = arena_span(&s->arena, q->sender);
	bool		 null = sender.n == 0 || q->sender_at >= sender.n;

	s->dns = *dns;
	s->sender = sender;
	s->cb = cb;
	s->arg = arg;
	s->explain = q->explain;
	s->why = "";
	s->began_ms = clock_boot_ms();
	s->macros = (struct spf_macros){ .ip = q->ip, .now_s = q->now_s,
	    .helo = arena_span(&s->arena, q->helo),
	    .receiver = arena_span(&s->arena, q->receiver) };
	s->macros.sender_domain = null ? s->macros.helo :
	    span_from(sender, q->sender_at + 1);
	s->macros.local = null || q->sender_at == 0 ? SPAN("postmaster") :
	    span_mem(sender.p, q->sender_at);	/* 4.3 */
	s->starting = true;
	if (!first_domain(s, s->macros.sender_domain))
		finish(s, SPF_NONE, "");
	spf_run(s);
	s->starting = false;
	return s;
}

void
spf_free(struct spf **sp)
{
	struct spf	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	if (s->open && s->dns.cancel != NULL)
		s->dns.cancel(s->dns.ctx, s->ticket);
	buf_clear(&s->room);
	arena_clear(&s->arena);
	free(s);
}

bool
spf_done(const struct spf *s)
{
	return s->phase == SPF_OVER;
}

enum spf_result
spf_result(const struct spf *s)
{
	return s->result;
}

const char *
spf_why(const struct spf *s)
{
	return s->why;
}

struct span
spf_explanation(const struct spf *s)
{
	return s->explanation;
}

struct span
spf_domain(const struct spf *s)
{
	return s->macros.sender_domain;
}

void
spf_asked_for(const struct spf *s, struct span *sender, struct span *helo)
{
	*sender = s->sender;
	*helo = s->macros.helo;
}

unsigned
spf_asked(const struct spf *s)
{
	return s->asked;
}
