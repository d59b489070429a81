/*
 * lookup.c - domains that mail can be sent to, and SPF; what a session asks
 * once.
 *
 * Owns: the look-ups.  Borrows: who waits, the policy.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/domain.h"

#include "mta/policy/lookup.h"
#include "mta/policy/spf.h"

#define SPF_ALARM_MS	600000	/* between two lines of the log */

/* --- what a session has asked */

static void
lookup_free(struct lookup *l)
{
	waiters_stop(&l->waiting);
	if (l->open && l->dns.cancel != NULL)
		l->dns.cancel(l->dns.ctx, l->ticket);
	free(l);
}

void
lookups_free(struct lookups **lp)
{
	struct lookups	*ls = *lp;
	struct lookup	*l;

	*lp = NULL;
	if (ls == NULL)
		return;
	while ((l = ls->newest) != NULL) {
		ls->newest = l->next;
		lookup_free(l);
	}
	waiters_stop(&ls->spf_waiting);
	spf_free(&ls->spf);
	free(ls);
}

/* Makes room: the oldest goes, unless somebody may wait for it. */
static void
drop_oldest(struct lookups *ls)
{
	struct lookup	**at, **oldest = NULL;
	struct lookup	 *l;

	for (at = &ls->newest; *at != NULL; at = &(*at)->next)
		if ((*at)->state != LOOKUP_OPEN)
			oldest = at;
	if (oldest == NULL)
		return;
	l = *oldest;
	*oldest = l->next;
	ls->n--;
	lookup_free(l);
}

struct lookup *
lookup_of(struct lookups *ls, struct policy *p, uint32_t list,
    struct span name, bool *fresh)
{
	struct lookup	*l;

	*fresh = false;
	for (l = ls->newest; l != NULL; l = l->next)
		if (l->list == list && l->policy == p &&
		    span_ieq(span_mem(l->name, l->octets), name))
			return l;
	if (ls->n >= LOOKUPS_MAX)
		drop_oldest(ls);
	*fresh = true;
	l = xcalloc(1, sizeof(*l));
	l->policy = p;
	l->dns = p->dns;
	l->list = list;
	l->octets = name.n;
	memcpy(l->name, name.p, name.n);
	l->next = ls->newest;
	ls->newest = l;
	ls->n++;
	return l;
}

void
lookup_ask(struct lookup *l, enum dns_type type, struct span name, dns_cb *cb)
{
	unsigned	n = ++l->asked;
	uint64_t	ticket;

	l->open = true;
	ticket = l->dns.ask(l->dns.ctx, type, name, cb, l);
	if (l->open && l->asked == n)	/* else it was answered at once */
		l->ticket = ticket;
}

void
lookup_ends(struct lookup *l, enum lookup_state st)
{
	l->open = false;
	l->state = st;
	waiters_tell(&l->waiting);
}

/* --- resolves (RFC 5321, 5.1; RFC 7505) */

static void
aaaa_answered(void *arg, const struct dns_answer *a)
{
	lookup_ends(arg, a->result == DNS_FOUND ? LOOKUP_YES :
	    a->result == DNS_FAILING ? LOOKUP_CANNOT : LOOKUP_NO);
}

static void
a_answered(void *arg, const struct dns_answer *a)
{
	struct lookup	*l = arg;

	if (a->result == DNS_NODATA)
		lookup_ask(l, DNS_AAAA, span_mem(l->name, l->octets),
		    aaaa_answered);
	else
		aaaa_answered(arg, a);
}

/* A null MX says that the domain takes no mail. */
static bool
takes_mail(const struct dns_answer *a)
{
	size_t	i;

	for (i = 0; i < a->n; i++)
		if (a->records[i].name.n > 0)
			return true;
	return false;
}

static void
mx_answered(void *arg, const struct dns_answer *a)
{
	struct lookup	*l = arg;

	switch (a->result) {
	case DNS_FOUND:
		lookup_ends(l, takes_mail(a) ? LOOKUP_YES : LOOKUP_NO);
		break;
	case DNS_NODATA:
		lookup_ask(l, DNS_A, span_mem(l->name, l->octets), a_answered);
		break;
	case DNS_NXDOMAIN:
		lookup_ends(l, LOOKUP_NO);
		break;
	case DNS_FAILING:
		lookup_ends(l, LOOKUP_CANNOT);
		break;
	}
}

/* "[192.0.2.1]", "[IPv6:...]": the client's own address. */
static bool
own_literal(struct span s, const struct ip *client)
{
	char	text[64];

	return client->family != 0 && span_ieq(s, span_of(ip_literal(client,
	    text)));
}

enum rs_answer
lookup_resolves(struct lookups *ls, struct policy *p,
    const struct policy_facts *f, const struct rs_value *v, struct waiter *w,
    bool *out)
{
	struct arena	 ar = { 0 };
	struct span	 name;
	struct lookup	*l = NULL;
	const char	*why;
	bool		 fresh;

	*out = false;
	if (!rs_has_span(v->type) || v->s.n == 0)
		return RS_HAVE;
	if (v->s.p[0] == '[') {
		*out = own_literal(v->s, &f->client_ip);
		return RS_HAVE;
	}
	if (domain_normalise(v->s, &ar, &name, &why) == 0) {
		l = lookup_of(ls, p, LOOKUP_DOMAIN, name, &fresh);
		if (fresh)
			lookup_ask(l, DNS_MX, name, mx_answered);
	}
	arena_clear(&ar);
	if (l == NULL)
		return RS_HAVE;		/* no domain at all */
	if (l->state == LOOKUP_OPEN) {
		waiter_add(&l->waiting, w);
		return RS_WAIT;
	}
	*out = l->state == LOOKUP_YES;
	return l->state == LOOKUP_CANNOT ? RS_CANNOT : RS_HAVE;
}

/* --- SPF */

/* One line in a while, whichever domain it is. */
static void
spf_alarm(struct policy *p, const struct lookups *ls)
{
	int64_t	now = clock_boot_ms();

	p->counts.spf_cannot++;
	if (p->quiet || now < p->spf_alarm_ms)
		return;
	p->spf_alarm_ms = now + SPF_ALARM_MS;
	log_warnx("spf result=temperror from=%s helo=%s problem=%s "
	    "cannot_say=%llu", log_quote(ls->spf_sender),
	    log_quote(ls->spf_helo), log_quote(span_of(spf_why(ls->spf))),
	    (unsigned long long)p->counts.spf_cannot);
}

static void
spf_there(void *arg)
{
	struct lookups	*ls = arg;

	if (spf_result(ls->spf) == SPF_TEMPERROR)
		spf_alarm(ls->spf_policy, ls);
	waiters_tell(&ls->spf_waiting);
}

static void
spf_begin(struct lookups *ls, struct policy *p, const struct policy_facts *f)
{
	struct spf_question	q = {
		.ip = f->client_ip, .sender = f->sender,
		.sender_at = f->sender_at, .helo = f->helo,
		.receiver = p->hostname,
		.now_s = (f->now_ms != 0 ? f->now_ms : clock_wall_ms()) / 1000,
		.explain = true
	};

	waiters_stop(&ls->spf_waiting);
	spf_free(&ls->spf);
	ls->spf_policy = p;
	ls->spf = spf_start(&p->dns, &q, spf_there, ls);
	spf_asked_for(ls->spf, &ls->spf_sender, &ls->spf_helo);
	if (spf_done(ls->spf))
		spf_there(ls);
}

enum rs_answer
lookup_spf(struct lookups *ls, struct policy *p, const struct policy_facts *f,
    struct waiter *w, const char **out)
{
	if (f->client_ip.family == 0)
		return RS_CANNOT;
	if (ls->spf == NULL || ls->spf_policy != p ||
	    !span_eq(ls->spf_sender, f->sender) ||
	    !span_eq(ls->spf_helo, f->helo))
		spf_begin(ls, p, f);
	if (!spf_done(ls->spf)) {
		waiter_add(&ls->spf_waiting, w);
		return RS_WAIT;
	}
	*out = spf_result_name(spf_result(ls->spf));
	return spf_result(ls->spf) == SPF_TEMPERROR ? RS_CANNOT : RS_HAVE;
}

struct span
lookup_spf_text(const struct lookups *ls, struct arena *ar)
{
	struct span	text;

	if (ls->spf == NULL || !spf_done(ls->spf))
		return SPAN_NONE;
	text = spf_explanation(ls->spf);
	return text.n == 0 ? SPAN_NONE : arena_printf(ar,
	    "%.*s explains: %.*s", SPAN_ARG(spf_domain(ls->spf)),
	    SPAN_ARG(text));
}
