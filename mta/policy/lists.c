/*
 * lists.c - DNS lists (RFC 5782): what they say, and whether it is believed.
 *
 * A listing is an A record that the policy has declared as a code, and
 * nothing else.  What is no answer of a list ('cannot say', softly, with one
 * alarm for each list and cause in a while): no answer; one outside 127/8
 * (the zone has been sold, or a resolver sends its users to itself); an error
 * code, 127.255.255.0/24 ("you ask too much"); and whatever contradicts the
 * list's test entries (section 5), which are asked for once in a while:
 *
 *   127.0.0.1, ::ffff:127.0.0.1, "invalid"	are never listed: when they
 *		are, the list lists everything, and "listed" is not believed
 *   127.0.0.2	is always listed: when it is not, the list is empty, and
 *		"not listed" is not believed
 *
 * Lists of domains and of IPv6 addresses often have no entry that is always
 * there; of them it is not asked for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/domain.h"

#include "mta/policy/lookup.h"

#define ALARM_MS	3600000		/* between two lines for one cause */
#define TEST_GOOD_MS	3600000		/* until a test entry is asked again */
#define TEST_BAD_MS	600000
#define TEST_FAILED_MS	60000
#define FAILS_MAX	5		/* in a row: then nobody waits for it */
#define REST_MS		30000		/* and it is not asked for this long */

/* Why a list cannot say. */
enum cause {
	CAUSE_FAILING, CAUSE_ERROR_CODE, CAUSE_NO_CODE, CAUSE_EVERYTHING,
	CAUSE_NOTHING,
	NCAUSES
};

static const char *const cause_names[NCAUSES] = {
	[CAUSE_FAILING] = "failing",
	[CAUSE_ERROR_CODE] = "error-code",
	[CAUSE_NO_CODE] = "not-127/8",
	[CAUSE_EVERYTHING] = "lists-everything",
	[CAUSE_NOTHING] = "lists-nothing"
};

/* Test entries. */
enum test { TEST_NOT_IP4, TEST_NOT_IP6, TEST_NOT_DOMAIN, TEST_IS_IP4, NTESTS };

static const char *const test_names[NTESTS] = {
	[TEST_NOT_IP4] = "1.0.0.127",
	[TEST_NOT_IP6] = ("1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0."
	    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"),
	[TEST_NOT_DOMAIN] = "invalid",
	[TEST_IS_IP4] = "2.0.0.127"
};

enum finding { UNTESTED, AS_IT_SHOULD, CONTRADICTS, NO_FINDING };

struct list_test {
	struct policy	*policy;
	enum test	 which;
	enum finding	 found;
	int64_t		 until_ms;	/* the finding is good */
	bool		 open;
	uint64_t	 ticket;
	struct waiter	*waiting;
};

struct list {
	struct list_test tests[NTESTS];
	int64_t		 alarm_ms[NCAUSES];	/* none before */
	unsigned	 fails;			/* answers that failed, in a row */
	int64_t		 rests_ms;		/* not asked before */
};

void
lists_open(struct policy *p)
{
	uint32_t	i, n = rs_nlist(p->image);
	unsigned	t;

	p->lists = xcalloc(n + 1, sizeof(*p->lists));
	for (i = 0; i < n; i++)
		for (t = 0; t < NTESTS; t++) {
			p->lists[i].tests[t].policy = p;
			p->lists[i].tests[t].which = (enum test)t;
		}
}

void
lists_close(struct policy *p)
{
	uint32_t		 i;
	unsigned		 t;
	struct list_test	*lt;

	for (i = 0; i < rs_nlist(p->image); i++)
		for (t = 0; t < NTESTS; t++) {
			lt = &p->lists[i].tests[t];
			waiters_stop(&lt->waiting);
			if (lt->open && p->dns.cancel != NULL)
				p->dns.cancel(p->dns.ctx, lt->ticket);
		}
	free(p->lists);
	p->lists = NULL;
}

/* --- alarms */

static struct span
zone_of(const struct policy *p, uint32_t list)
{
	return rs_string(p->image, rs_list(p->image, list)->zone);
}

/* answer: what it said, or NULL. */
static void
cannot_say(struct policy *p, uint32_t list, enum cause cause,
    const struct ip *answer)
{
	struct list	*l = &p->lists[list];
	int64_t		 now = clock_boot_ms();
	char		 text[IP_TEXT_MAX] = "-";

	p->counts.list_cannot++;
	if (p->quiet || now < l->alarm_ms[cause])
		return;
	l->alarm_ms[cause] = now + ALARM_MS;
	if (answer != NULL)
		(void)ip_format(answer, text);
	log_warnx("dnslist name=%s zone=%.*s cause=%s answer=%s "
	    "cannot_say=%llu", log_quote(rs_string(p->image,
	    rs_list(p->image, list)->name)), SPAN_ARG(zone_of(p, list)),
	    cause_names[cause], text,
	    (unsigned long long)p->counts.list_cannot);
}

/* --- answers */

static bool
is_code(const struct ip *ip)
{
	return ip->family == 4 && ip->a[0] == 127;
}

static bool
is_error_code(const struct ip *ip)
{
	return is_code(ip) && ip->a[1] == 255 && ip->a[2] == 255;
}

/* The first address that is no answer of a list; NULL: all are. */
static const struct ip *
no_answer(const struct dns_answer *a, enum cause *why)
{
	const struct ip	*ip;
	size_t		 i;

	for (i = 0; i < a->n; i++) {
		ip = &a->records[i].ip;
		*why = is_error_code(ip) ? CAUSE_ERROR_CODE : CAUSE_NO_CODE;
		if (!is_code(ip) || is_error_code(ip))
			return ip;
	}
	return NULL;
}

static bool
has_code(const struct lookup *l, const struct dns_answer *a)
{
	uint32_t	codes = rs_list(l->policy->image, l->list)->codes;
	size_t		i;

	for (i = 0; i < a->n; i++)
		if (rs_nets_has(l->policy->image, codes, &a->records[i].ip))
			return true;
	return false;
}

/* A list that never answers would hold each client up for its time-out. */
static void
count_fails(struct list *l, bool failed)
{
	l->fails = failed ? l->fails + 1 : 0;
	if (l->fails >= FAILS_MAX)
		l->rests_ms = clock_boot_ms() + REST_MS;
}

static void
failing(struct lookup *l)
{
	cannot_say(l->policy, l->list, CAUSE_FAILING, NULL);
	lookup_ends(l, LOOKUP_CANNOT);
}

static void
listing_answered(void *arg, const struct dns_answer *a)
{
	struct lookup	*l = arg;
	const struct ip	*bad;
	enum cause	 why;

	count_fails(&l->policy->lists[l->list], a->result == DNS_FAILING);
	if (a->result == DNS_FAILING) {
		failing(l);
	} else if ((bad = no_answer(a, &why)) != NULL) {
		cannot_say(l->policy, l->list, why, bad);
		lookup_ends(l, LOOKUP_CANNOT);
	} else
		lookup_ends(l, has_code(l, a) ? LOOKUP_YES : LOOKUP_NO);
}

/* --- test entries */

static enum finding
finding_of(enum test which, const struct dns_answer *a)
{
	enum cause	 why;
	const struct ip	*bad = no_answer(a, &why);
	bool		 wanted = which == TEST_IS_IP4;

	if (a->result == DNS_FAILING ||
	    (bad != NULL && (is_error_code(bad) || wanted)))
		return NO_FINDING;
	return (a->n > 0) == wanted ? AS_IT_SHOULD : CONTRADICTS;
}

static void
test_answered(void *arg, const struct dns_answer *a)
{
	static const int64_t	 good_ms[] = {
		[AS_IT_SHOULD] = TEST_GOOD_MS, [CONTRADICTS] = TEST_BAD_MS,
		[NO_FINDING] = TEST_FAILED_MS
	};
	struct list_test	*t = arg;
	struct policy		*p = t->policy;

	t->open = false;
	t->found = finding_of(t->which, a);
	t->until_ms = clock_boot_ms() + good_ms[t->found];
	policy_ref(p);		/* who waits may let go of it */
	waiters_tell(&t->waiting);
	policy_unref(&p);
}

static void
ask_test(struct policy *p, uint32_t list, struct list_test *t)
{
	char		name[DNS_NAME_MAX + 80];
	uint64_t	ticket;
	int		n;

	n = snprintf(name, sizeof(name), "%s.%.*s", test_names[t->which],
	    SPAN_ARG(zone_of(p, list)));
	t->open = true;
	ticket = p->dns.ask(p->dns.ctx, DNS_A, span_mem(name, (size_t)n),
	    test_answered, t);
	if (t->open)		/* else it was answered at once */
		t->ticket = ticket;
}

/* Asks again where it is time; an older finding stands until the answer. */
static struct list_test *
test_of(struct policy *p, uint32_t list, enum test which)
{
	struct list_test	*t = &p->lists[list].tests[which];

	if (!t->open && (t->found == UNTESTED || t->until_ms < clock_boot_ms()))
		ask_test(p, list, t);
	return t;
}

/* --- questions */

/* "9.113.0.203.zen.example": the reversed address or the domain, in the zone. */
static bool
question(const struct policy *p, uint32_t list, const struct rs_value *v,
    char name[DNS_NAME_MAX + 1], size_t *octets)
{
	struct arena	ar = { 0 };
	struct span	what;
	const char	*why;
	char		reverse[80];
	int		n;

	if (v->type == RS_T_IP) {
		what = span_of(ip_reverse_name(&v->ip, reverse));
		what.n -= strlen(v->ip.family == 4 ? ".in-addr.arpa" :
		    ".ip6.arpa");
	} else if (domain_normalise(v->s, &ar, &what, &why) == -1) {
		arena_clear(&ar);
		return false;
	}
	n = snprintf(name, DNS_NAME_MAX + 1, "%.*s.%.*s", SPAN_ARG(what),
	    SPAN_ARG(zone_of(p, list)));
	arena_clear(&ar);
	*octets = (size_t)n;
	return n > 0 && n <= 253;
}

static enum test
never_listed(const struct rs_value *v)
{
	if (v->type != RS_T_IP)
		return TEST_NOT_DOMAIN;
	return v->ip.family == 4 ? TEST_NOT_IP4 : TEST_NOT_IP6;
}

/*
 * Holds an answer against the test entry that could contradict it.  False:
 * that is being asked for.
 */
static bool
hold(struct lookup *l, const struct rs_value *v, struct waiter *w)
{
	struct list_test	*t;
	bool			 listed = l->state == LOOKUP_YES;

	if (l->state == LOOKUP_CANNOT || (!listed && (l->policy->quiet ||
	    never_listed(v) != TEST_NOT_IP4)))
		return l->held = true;
	t = test_of(l->policy, l->list, listed ? never_listed(v) :
	    TEST_IS_IP4);
	if (t->found == UNTESTED) {
		waiter_add(&t->waiting, w);
		return false;
	}
	if (t->found == CONTRADICTS) {
		cannot_say(l->policy, l->list, listed ? CAUSE_EVERYTHING :
		    CAUSE_NOTHING, NULL);
		l->state = LOOKUP_CANNOT;
	}
	return l->held = true;
}

enum rs_answer
lookup_listed(struct lookups *ls, struct policy *p, uint32_t list,
    const struct rs_value *v, struct waiter *w, bool *out)
{
	char		 name[DNS_NAME_MAX + 1];
	size_t		 octets;
	struct lookup	*l;
	bool		 fresh;

	*out = false;
	if (list >= rs_nlist(p->image))
		return RS_CANNOT;
	if (rs_is_void(v) || (v->type != RS_T_IP && !rs_has_span(v->type)) ||
	    !question(p, list, v, name, &octets))
		return RS_HAVE;		/* what is none is in no list */
	l = lookup_of(ls, p, list, span_mem(name, octets), &fresh);
	if (fresh && clock_boot_ms() < p->lists[list].rests_ms)
		failing(l);
	else if (fresh)
		lookup_ask(l, DNS_A, span_mem(l->name, l->octets),
		    listing_answered);
	if (l->state == LOOKUP_OPEN) {
		/* Both are asked for at once. */
		(void)test_of(p, list, never_listed(v));
		waiter_add(&l->waiting, w);
		return RS_WAIT;
	}
	if (!l->held && !hold(l, v, w))
		return RS_WAIT;
	*out = l->state == LOOKUP_YES;
	return l->state == LOOKUP_CANNOT ? RS_CANNOT : RS_HAVE;
}
