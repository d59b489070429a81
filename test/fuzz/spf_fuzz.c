/*
 * spf_fuzz.c - check_host() with records, macros and answers out of the input.
 *
 * The first line is the sender, the second the HELO name; the client is IPv4
 * or IPv6 by the first octet of the third.  Each question is answered by the
 * next line: its first character says how (n: no such name, d: no data, f: no
 * answer, l: later), and the rest is cut into records at '|'.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mta/policy/spf.h"

#define ASKED_MAX	200	/* no zone makes us ask more: RFC 7208, 4.6.4 */
#define RECORDS		16

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct zone {
	struct span	 left;
	/* the question that waits */
	bool		 open;
	enum dns_type	 type;
	dns_cb		*cb;
	void		*arg;
};

static struct span
cut(struct span *s, char c)
{
	ptrdiff_t	at = span_index(*s, c);
	struct span	part = *s;

	if (at >= 0)
		part.n = (size_t)at;
	*s = span_from(*s, part.n + 1);
	return part;
}

static struct dns_record
record(enum dns_type type, struct span s)
{
	struct dns_record	r = { .name = s };
	uint8_t			octets[16] = { 0 };

	if (type == DNS_A || type == DNS_AAAA) {
		if (s.n > 0)
			memcpy(octets, s.p, s.n < 16 ? s.n : 16);
		r.ip = ip_from_octets(octets, type == DNS_A ? 4 : 16);
	}
	if (type == DNS_TXT && r.name.n > DNS_TXT_MAX)
		r.name.n = DNS_TXT_MAX;
	if ((type == DNS_MX || type == DNS_PTR) && r.name.n > DNS_NAME_MAX)
		r.name.n = DNS_NAME_MAX;
	return r;
}

static void
answer(struct zone *z, char how, struct span line)
{
	struct dns_record	records[RECORDS];
	struct dns_answer	a = { .result = DNS_FOUND, .records = records };

	if (how == 'n')
		a.result = DNS_NXDOMAIN;
	else if (how == 'd')
		a.result = DNS_NODATA;
	else if (how == 'f')
		a.result = DNS_FAILING;
	else
		do
			records[a.n++] = record(z->type, cut(&line, '|'));
		while (line.n > 0 && a.n < RECORDS);
	z->open = false;
	z->cb(z->arg, &a);
}

static uint64_t
ask(void *ctx, enum dns_type type, struct span name, dns_cb *cb, void *arg)
{
	struct zone	*z = ctx;
	struct span	 line;

	if (!spf_name_ok(name) || z->open)
		abort();
	z->type = type;
	z->cb = cb;
	z->arg = arg;
	z->open = true;
	if (z->left.n > 0 && z->left.p[0] == 'l')
		return 1;
	line = cut(&z->left, '\n');
	answer(z, line.n > 0 ? line.p[0] : 'f', span_from(line, 1));
	return 1;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	struct zone	*z = ctx;

	if (ticket != 1 || !z->open)
		abort();
	z->open = false;
}

static void
done(void *arg)
{
	++*(unsigned *)arg;
}

static void
check(const struct spf *s)
{
	struct span	e = spf_explanation(s);
	size_t		i;

	if (spf_asked(s) > ASKED_MAX || spf_result(s) > SPF_PERMERROR ||
	    (e.n > 0 && spf_result(s) != SPF_FAIL))
		abort();
	if ((spf_why(s)[0] != '\0') != (spf_result(s) == SPF_TEMPERROR ||
	    spf_result(s) == SPF_PERMERROR))
		abort();
	for (i = 0; i < e.n && i < 4; i++)
		if (e.p[i] == '\0')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct zone		z = { .left = span_mem(data, n) };
	struct policy_dns	dns = { ask, cancel, &z };
	struct spf_question	q = { .explain = true, .now_s = 1,
				    .receiver = SPAN("mx.example") };
	struct span		line;
	unsigned		called = 0;
	bool			at_once;
	struct spf		*s;
	ptrdiff_t		at;

	q.sender = cut(&z.left, '\n');
	at = span_index(q.sender, '@');
	q.sender_at = at < 0 ? q.sender.n : (size_t)at;
	q.helo = cut(&z.left, '\n');
	line = cut(&z.left, '\n');
	(void)ip_parse(line.n > 0 && line.p[0] == '6' ? SPAN("2001:db8::1") :
	    SPAN("192.0.2.1"), &q.ip);
	s = spf_start(&dns, &q, done, &called);
	at_once = spf_done(s);
	while (!spf_done(s) && z.left.n > 0) {
		line = cut(&z.left, '\n');
		answer(&z, line.n > 1 ? line.p[1] : 'f', span_from(line, 2));
	}
	if (called != (spf_done(s) && !at_once))
		abort();
	if (spf_done(s))
		check(s);
	spf_free(&s);
	if (z.open)
		abort();
	return 0;
}
