/*
 * level_find.c - questions for DANE and MTA-STS, and the facts that come of them.
 *
 * Each host goes through a few steps: what is known already; the alias itself
 * where its target is not signed; TLSA at one name after the other.  The
 * policy of MTA-STS is asked for meanwhile.
 */
#include "mta/relay/level_find.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/xalloc.h"

#define TLSA_NAME_MAX	(DNS_NAME_MAX + 16)	/* "_65535._tcp." before it */
#define WHY_MAX		(TLSA_NAME_MAX + 120)

/* One host's way. */
struct step {
	struct level_query	*query;
	struct level_host	*host;
	uint64_t		 ticket;	/* 0: nothing is asked */
	const char		*bases[2];	/* names at which TLSA may stand, in order */
	size_t			 nbases, base;	/* base: the one that is asked, or had records */
	char			 tlsa_at[TLSA_NAME_MAX];
	char			 why[WHY_MAX];
	enum level_dane		 dane;
	size_t			 ntlsa;
	struct tls_tlsa		 tlsa[LEVEL_TLSA_MAX];
	enum level_sts		 sts;
};

struct level_query {
	const struct level_asked	*asked;
	const struct relay_terms	*terms;
	level_cb			*cb;
	void				*arg;
	struct arena			 arena;
	uint64_t			 sts_ticket;
	char				 sts_text[LEVEL_STS_MAX + 1];
	enum tls_class			 sts_trouble;
	size_t				 waiting;
	bool				*over;	/* set when it has ended */
	size_t				 n;
	struct step			 steps[];
};

/* Who cannot say; cut if need be. */
static void
keep_resolver(struct level_host *h, const struct dns_answer *a)
{
	if (a->trust == DNS_CANNOT_SAY)
		snprintf(h->resolver, sizeof(h->resolver), "%.*s",
		    SPAN_ARG(a->resolver));
}

void
level_host_named(struct level_host *h, const struct dns_answer *a)
{
	h->named = a->trust;
	keep_resolver(h, a);
}

void
level_host_address(struct level_host *h, const struct dns_answer *a)
{
	if (a->canonical.n > 0 && a->canonical.n < sizeof(h->canonical)) {
		memcpy(h->canonical, a->canonical.p, a->canonical.n);
		h->canonical[a->canonical.n] = '\0';
	}
	if (a->result != DNS_FOUND)
		return;
	h->found = true;
	keep_resolver(h, a);
	h->insecure |= a->trust == DNS_INSECURE;
	h->cannot_say |= a->trust == DNS_CANNOT_SAY;
}

/* --- the end */

/* Without what is there twice; base domain first (RFC 7672, 3.2.2). */
static void
add_name(struct hop_tls *t, const char *name)
{
	struct span	s = span_of(name == NULL ? "" : name);
	size_t		i;

	for (i = 0; i < t->nnames; i++)
		if (span_ieq(t->names[i], s))
			return;
	if (s.n > 0 && t->nnames < LEVEL_NAMES_MAX)
		t->names[t->nnames++] = s;
}

static const char *
text_or_none(const char *s)
{
	return s == NULL ? "" : s;
}

static void
fill_dane(struct hop_tls *t, const struct step *s)
{
	const struct level_host	*h = s->host;
	size_t			 i;

	t->dane = s->dane;
	if (s->why[0] != '\0')
		t->dane_why = s->why;
	if (s->dane != LEVEL_DANE_RECORDS && s->dane != LEVEL_DANE_UNUSABLE)
		return;
	t->tlsa_at = s->tlsa_at;
	t->sni = s->bases[s->base];	/* RFC 7672, 8.1 */
	add_name(t, t->sni);
	add_name(t, h->name);
	add_name(t, h->domain);
	add_name(t, h->domain_canonical);
	t->ntlsa = s->ntlsa;
	for (i = 0; i < s->ntlsa; i++)
		t->tlsa[i] = s->tlsa[i];
}

static bool
is_within(struct span name, struct span domain)
{
	size_t	more = name.n - domain.n;

	return name.n >= domain.n && span_ieq(span_from(name, more), domain) &&
	    (more == 0 || name.p[more - 1] == '.');
}

/*
 * Whose certificate is asked for.  SRV that is not signed may be anybody's word:
 * a host outside of the domain has to show one of the domain (RFC 6186, 6).
 */
static const char *
reference_of(const struct level_host *h)
{
	if (h->srv == NULL || h->named == DNS_SECURE ||
	    is_within(span_of(h->name), span_of(h->srv)))
		return h->name;
	return h->srv;
}

static struct hop_tls *
facts_of(const struct level_query *q, const struct step *s)
{
	const struct level_host	*h = s->host;
	struct hop_tls		 t = {
		.word = q->terms->tls, .no_dane = q->terms->no_dane,
		.no_sts = q->terms->no_sts,
		.name_secure = h->named == DNS_SECURE,
		.sni = h->name, .host = reference_of(h), .tlsa_at = "",
		.domain = text_or_none(h->domain), .sts = s->sts,
		.sts_text = q->sts_text, .sts_trouble = q->sts_trouble
	};

	fill_dane(&t, s);
	return hop_tls_copy(&t);
}

static void
query_free(struct level_query **qp)
{
	struct level_query	*q = *qp;

	*qp = NULL;
	arena_clear(&q->arena);
	free(q);
}

static void
ends(struct level_query *q)
{
	level_cb	*cb = q->cb;
	void		*arg = q->arg;
	size_t		 i;

	for (i = 0; i < q->n; i++)
		q->steps[i].host->tls = facts_of(q, &q->steps[i]);
	if (q->over != NULL)
		*q->over = true;
	query_free(&q);
	cb(arg);
}

static void
one_answered(struct level_query *q)
{
	if (--q->waiting == 0)
		ends(q);
}

/* --- DANE */

size_t
level_usable(const struct dns_answer *a, struct tls_tlsa out[LEVEL_TLSA_MAX])
{
	size_t	i, n = 0;

	for (i = 0; a->result == DNS_FOUND && i < a->n &&
	    n < LEVEL_TLSA_MAX; i++) {
		out[n] = (struct tls_tlsa){
			.usage = a->records[i].usage,
			.selector = a->records[i].selector,
			.matching = a->records[i].matching,
			.data = a->records[i].name
		};
		n += tls_tlsa_usable(&out[n]);
	}
	return n;
}

static void	ask_tlsa(struct step *);

/* The end of a host's way. */
static void
dane_is(struct step *s, enum level_dane dane)
{
	s->dane = dane;
	one_answered(s->query);
}

static void
remember(const struct step *s, bool has)
{
	if (s->query->asked->memory != NULL)
		level_memory_put(s->query->asked->memory, span_of(s->tlsa_at),
		    has, clock_boot_ms());
}

static void
set_tlsa_at(struct step *s, const char *base)
{
	snprintf(s->tlsa_at, sizeof(s->tlsa_at), "_%u._tcp.%s",
	    (unsigned)s->host->port, base);
}

static bool
is_remembered(struct step *s, const char *base)
{
	if (s->query->asked->memory == NULL || base[0] == '\0')
		return false;
	set_tlsa_at(s, base);
	return level_memory_has(s->query->asked->memory, span_of(s->tlsa_at),
	    clock_boot_ms());
}

/* Nothing can be told of any name. */
static enum level_dane
unknown(struct step *s)
{
	bool	had = is_remembered(s, s->host->canonical) ||
		    is_remembered(s, s->host->name);

	snprintf(s->why, sizeof(s->why), "%sthe resolver %s passes no "
	    "signatures on (DNSSEC)", had ? "it has had TLSA records, and " :
	    "", s->host->resolver);
	return had ? LEVEL_DANE_HELD : LEVEL_DANE_CANNOT_SAY;
}

static void
take_records(struct step *s, const struct dns_answer *a)
{
	size_t	i;

	s->ntlsa = level_usable(a, s->tlsa);
	for (i = 0; i < s->ntlsa; i++)
		s->tlsa[i].data = arena_span(&s->query->arena,
		    s->tlsa[i].data);
	remember(s, true);
	if (s->ntlsa > 0) {
		dane_is(s, LEVEL_DANE_RECORDS);
		return;
	}
	snprintf(s->why, sizeof(s->why), "%s has no record that can be used",
	    s->tlsa_at);
	dane_is(s, LEVEL_DANE_UNUSABLE);
}

static void
got_tlsa(void *arg, const struct dns_answer *a)
{
	struct step	*s = arg;

	s->ticket = 0;
	keep_resolver(s->host, a);
	if (a->result == DNS_FAILING) {
		snprintf(s->why, sizeof(s->why), "%s %s", s->tlsa_at,
		    a->trust == DNS_BOGUS ? "is not signed as it should be" :
		    "cannot be asked for");
		dane_is(s, LEVEL_DANE_FAILING);
	} else if (a->trust == DNS_CANNOT_SAY)
		dane_is(s, unknown(s));
	else if (a->result == DNS_FOUND && a->trust == DNS_SECURE)
		take_records(s, a);
	else {
		remember(s, false);
		s->base++;
		ask_tlsa(s);
	}
}

static void
ask_tlsa(struct step *s)
{
	if (s->base == s->nbases) {
		dane_is(s, LEVEL_DANE_NONE);
		return;
	}
	set_tlsa_at(s, s->bases[s->base]);
	s->ticket = dns_ask(s->query->asked->dns, DNS_TLSA,
	    span_of(s->tlsa_at), got_tlsa, s);
}

/* The alias is signed or not, its target is not (RFC 7672, 2.2.2). */
static void
got_cname(void *arg, const struct dns_answer *a)
{
	struct step	*s = arg;

	s->ticket = 0;
	keep_resolver(s->host, a);
	if (a->result == DNS_FAILING) {
		snprintf(s->why, sizeof(s->why), "whether %s is a signed alias "
		    "cannot be told", s->host->name);
		dane_is(s, LEVEL_DANE_FAILING);
	} else if (a->trust == DNS_CANNOT_SAY)
		dane_is(s, unknown(s));
	else {
		if (a->result == DNS_FOUND && a->trust == DNS_SECURE)
			s->bases[s->nbases++] = s->host->name;
		ask_tlsa(s);
	}
}

static void
begin_dane(struct step *s)
{
	struct level_host	*h = s->host;

	if (h->named == DNS_CANNOT_SAY || (h->named == DNS_SECURE &&
	    h->cannot_say)) {
		dane_is(s, unknown(s));
	} else if (h->named != DNS_SECURE || !h->found) {
		dane_is(s, LEVEL_DANE_NONE);
	} else if (!h->insecure) {
		if (h->canonical[0] != '\0')
			s->bases[s->nbases++] = h->canonical;
		s->bases[s->nbases++] = h->name;
		ask_tlsa(s);
	} else if (h->canonical[0] != '\0') {
		s->ticket = dns_ask(s->query->asked->dns, DNS_CNAME,
		    span_of(h->name), got_cname, s);
	} else
		dane_is(s, LEVEL_DANE_NONE);
}

/* --- MTA-STS */

static enum tls_class
class_of(enum sts_trouble trouble)
{
	switch (trouble) {
	case STS_FETCH_ERROR:
		return TLS_CLASS_STS_FETCH_ERROR;
	case STS_INVALID:
		return TLS_CLASS_STS_INVALID;
	case STS_WEBPKI_INVALID:
		return TLS_CLASS_STS_WEBPKI;
	case STS_FINE:
	case STS_NTROUBLES:
		break;
	}
	return TLS_CLASS_NONE;
}

/* What does not fit is cut at a line's end; a NUL ends it. */
static void
keep_text(struct level_query *q, struct span text)
{
	ptrdiff_t	nul = span_index(text, '\0');
	size_t		n = nul >= 0 ? (size_t)nul : text.n;

	if (n > LEVEL_STS_MAX)
		for (n = LEVEL_STS_MAX; n > 0 && text.p[n - 1] != '\n';)
			n--;
	if (n > 0)
		memcpy(q->sts_text, text.p, n);
	q->sts_text[n] = '\0';
}

static enum level_sts
sts_of(const struct sts_policy *p, const char *host)
{
	bool	has;

	if (p->result == STS_LATER)
		return LEVEL_STS_LATER;
	if (p->result != STS_FOUND || p->mode == STS_MODE_NONE)
		return LEVEL_STS_NONE;
	has = sts_matches(p, span_of(host));
	if (p->mode == STS_MODE_ENFORCE)
		return has ? LEVEL_STS_ENFORCE : LEVEL_STS_ENFORCE_OTHER;
	return has ? LEVEL_STS_TESTING : LEVEL_STS_TESTING_OTHER;
}

static void
got_policy(void *arg, const struct sts_policy *p)
{
	struct level_query	*q = arg;
	size_t			 i;

	q->sts_ticket = 0;
	q->sts_trouble = class_of(p->trouble);
	if (p->result == STS_FOUND)
		keep_text(q, p->text);
	for (i = 0; i < q->n; i++)
		q->steps[i].sts = sts_of(p, q->steps[i].host->name);
	one_answered(q);
}

static bool
wants_sts(const struct level_query *q)
{
	return q->asked->sts != NULL && q->n > 0 && !q->terms->no_sts &&
	    q->terms->tls != RELAY_TLS_NONE &&
	    q->terms->tls != RELAY_TLS_DANE &&
	    text_or_none(q->steps[0].host->domain)[0] != '\0';
}

static bool
wants_dane(const struct level_query *q, const struct level_host *h)
{
	return !q->terms->no_dane && h->name[0] != '\0' &&
	    q->terms->tls != RELAY_TLS_NONE && q->terms->tls != RELAY_TLS_STS;
}

/* --- beginning, giving up */

struct level_query *
level_find(const struct level_asked *asked, const struct relay_terms *terms,
    struct level_host *const *hosts, size_t n, level_cb *cb, void *arg)
{
	struct level_query	*q;
	bool			 over = false;
	size_t			 i;

	q = xcalloc(1, sizeof(*q) + n * sizeof(q->steps[0]));
	q->asked = asked;
	q->terms = terms;
	q->cb = cb;
	q->arg = arg;
	q->over = &over;
	q->n = n;
	q->waiting = 1;		/* ours, until all is asked */
	for (i = 0; i < n; i++) {
		q->steps[i].query = q;
		q->steps[i].host = hosts[i];
	}
	if (wants_sts(q)) {
		q->waiting++;
		q->sts_ticket = sts_client_ask(asked->sts,
		    span_of(hosts[0]->domain), got_policy, q);
	}
	for (i = 0; i < n; i++)
		if (wants_dane(q, hosts[i])) {
			q->waiting++;
			begin_dane(&q->steps[i]);
		}
	one_answered(q);
	if (over)
		return NULL;
	q->over = NULL;
	return q;
}

void
level_find_cancel(struct level_query **qp)
{
	struct level_query	*q = *qp;
	size_t			 i;

	if (q == NULL)
		return;
	if (q->sts_ticket != 0)
		sts_client_cancel(q->asked->sts, q->sts_ticket);
	for (i = 0; i < q->n; i++)
		if (q->steps[i].ticket != 0)
			dns_cancel(q->asked->dns, q->steps[i].ticket);
	query_free(qp);
}
