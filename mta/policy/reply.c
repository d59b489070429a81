/*
 * reply.c - a verdict as the reply to a command (RFC 5321, 4.2; RFC 3463).
 */
#include "mail/status.h"

#include "mta/policy/policy_int.h"

#define TEXT_MAX	480	/* octets: a reply line has 512 (4.5.3.1.5) */

/* What is said where the policy says nothing. */
static const struct {
	unsigned	 code;
	const char	*status, *text;
} defaults[] = {
	{ 250, "2.0.0", "ok" },
	{ 421, "4.3.2", "closing the connection" },
	{ 450, "4.7.1", "refused by policy for now, try again later" },
	{ 451, "4.7.1", "refused by policy for now, try again later" },
	{ 452, "4.3.1", "not enough room, try again later" },
	{ 454, "4.7.0", "the login cannot be accepted just now, try again later" },
	{ 535, "5.7.8", "authentication credentials invalid" },
	{ 550, "5.7.1", "refused by policy" },
	{ 551, "5.1.6", "the recipient has moved" },
	{ 552, "5.2.2", "too much" },
	{ 553, "5.1.3", "the address is not allowed" },
	{ 554, "5.7.1", "refused by policy" },
};
#define NDEFAULTS	(sizeof(defaults) / sizeof(defaults[0]))

/* Texts by status, where it says more than the code. */
static const struct {
	const char	*detail, *text;
} by_status[] = {
	{ ".1.1", "no such recipient" },
	{ ".1.2", "no such destination" },
	{ ".1.6", "the recipient has moved" },
	{ ".1.8", "the sender's address is not accepted" },
	{ ".2.2", "the mailbox is full" },
	{ ".3.0", "this cannot be found out just now, try again later" },
	{ ".3.4", "the message is too large" },
	{ ".4.3", "a domain cannot be looked up just now, try again later" },
	{ ".7.23", "the sender's domain does not allow this client (SPF)" },
};

static unsigned
default_code(const struct rs_verdict *v)
{
	switch (v->kind) {
	case RS_V_REJECT:
		return 550;
	case RS_V_DEFER:
		return 451;
	case RS_V_MOVED:
		return 551;
	default:
		return 250;
	}
}

static size_t
by_code(unsigned code)
{
	size_t	i;

	for (i = 0; i < NDEFAULTS; i++)
		if (defaults[i].code == code)
			return i;
	return by_code(code < 400 ? 250 : code < 500 ? 451 : 550);
}

static struct span
default_text(unsigned code, struct span status)
{
	size_t	i;

	for (i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++)
		if (status.n > 1 && span_eq(span_from(status, 1),
		    span_of(by_status[i].detail)))
			return span_of(by_status[i].text);
	return span_of(defaults[by_code(code)].text);
}

/* Printable ASCII only, cut: nothing of it can end or begin a line. */
static struct span
clean(struct span s, struct arena *ar)
{
	size_t	 i, n = s.n > TEXT_MAX ? TEXT_MAX : s.n;
	char	*p = arena_alloc(ar, n + 1);

	for (i = 0; i < n; i++) {
		p[i] = s.p[i];
		if (p[i] == '\n' || p[i] == '\r' || p[i] == '\t')
			p[i] = ' ';
		else if (p[i] < 0x20 || p[i] > 0x7e)
			p[i] = '?';
	}
	return span_mem(p, n);
}

static struct span
reply_text(const struct rs_verdict *v, unsigned code, struct span status,
    struct arena *ar)
{
	if (v->kind == RS_V_MOVED && v->text.n == 0)
		return clean(arena_printf(ar, "please try <%.*s>",
		    SPAN_ARG(v->value.s)), ar);
	if (v->text.n == 0)
		return default_text(code, status);
	return clean(v->text, ar);
}

/* It says this, or nothing that differs from what rules say everywhere. */
static bool
is_default(const struct rs_verdict *v, unsigned code, struct span status)
{
	return (v->code == 0 || v->code == code) && v->text.n == 0 &&
	    (v->status.n == 0 || span_eq(v->status, status));
}

void
verdict_of_auth(struct rs_verdict *v)
{
	if (v->kind == RS_V_REJECT && is_default(v, 550, SPAN("5.7.1"))) {
		v->code = 535;
		v->status = SPAN("5.7.8");
	} else if (v->kind == RS_V_DEFER &&
	    (v->cannot || is_default(v, 451, SPAN("4.7.1")))) {
		v->code = 454;
		v->status = SPAN("4.7.0");
	}
}

void
policy_reply(const struct rs_verdict *v, struct arena *ar, unsigned *code,
    struct span *status, struct span *text)
{
	*code = v->code != 0 ? v->code : default_code(v);
	*status = v->status;
	if (status->n == 0)
		*status = v->cannot ? SPAN("4.3.0") :
		    span_of(defaults[by_code(*code)].status);
	/* A class that contradicts the code would be worse than none. */
	if (!status_agrees(*code, *status))
		*status = *code >= 500 ? SPAN("5.0.0") :
		    *code >= 400 ? SPAN("4.0.0") : SPAN("2.0.0");
	*text = reply_text(v, *code, *status, ar);
}
