/*
 * cmd_vrfy.c - VRFY and EXPN (RFC 5321, 4.1.1.6 and 4.1.1.7).
 *
 * Both are answered by the policy alone: who has no hook for them tells
 * nothing.  A name without a domain is one of this host.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/extensions.h"
#include "mta/smtp/server.h"
#include "mta/smtp/verify.h"

struct verify {
	struct session	*session;
	struct arena	 arena;
	struct address	 at;		/* who is asked for */
	bool		 expands;	/* EXPN */
	bool		 utf8;		/* the answer may be UTF-8 */
	bool		 asking, answered;
	struct routing	*routing;
};

/* --- the argument */

/* "SMTPUTF8" behind it (RFC 6531, 3.7.4.2), where that is offered. */
static bool
takes_utf8(const struct session *s, struct span *args)
{
	static const struct span	 word = SPAN(" SMTPUTF8");

	if (!(extensions_offered(s) & EXT_BIT(SMTPUTF8)) || args->n <= word.n ||
	    !span_ieq(span_from(*args, args->n - word.n), word))
		return false;
	*args = span_trim(span_mem(args->p, args->n - word.n));
	return true;
}

/* A mailbox or a local part, in brackets or without; 0, or -1 with *why. */
static int
parse(struct verify *v, struct span args, const char **why)
{
	unsigned	flags = ADDRESS_BARE_LOCAL_OK;
	size_t		used = args.n;
	int		is;

	if (v->utf8)
		flags |= ADDRESS_UTF8_OK;
	is = args.p[0] == '<' ? address_parse_path(args, flags, &v->arena,
	    &v->at, &used, why) : address_parse(args, flags, &v->arena, &v->at,
	    why);
	if (is == -1 || used < args.n) {
		if (is == 0)
			*why = "an address ends with '>'";
		return -1;
	}
	if (v->at.at == v->at.whole.n)
		v->at.whole = arena_join(&v->arena, v->at.whole, SPAN("@"),
		    v->session->gen->hostname);
	return 0;
}

/* --- answers */

static void
say_untold(struct session *s, bool expands)
{
	if (expands)
		session_refuse(s, REPLY_NOT_SERVED, SPAN("EXPN"));
	else
		session_reply(s, REPLY_VRFY, SPAN_NONE);
}

/* The refusal of route. */
static void
say_refusal(struct verify *v, const struct target *t)
{
	struct rs_verdict	is = {
		.kind = t->kind == TARGET_LATER ? RS_V_DEFER : RS_V_REJECT,
		.code = t->code, .status = t->status, .text = t->text,
		.rule = UINT32_MAX
	};

	v->session->decided_line = 0;
	(void)session_refused(v->session, &is);
}

/* One line of "<address>". */
static void
say_address(struct verify *v, struct span whole, bool more)
{
	struct span	text;

	text = arena_join(&v->arena, SPAN("<"), whole, SPAN(">"));
	reply_put_line(&v->session->out, 250, more, SPAN("2.1.5"), text,
	    v->utf8);
}

static void
say_vrfy(struct verify *v)
{
	const struct target	*t;
	size_t			 n;

	t = routing_targets(v->routing, &n);
	if (n > 0 && t[n - 1].kind == TARGET_DELIVER)
		say_address(v, v->at.whole, false);
	else
		session_reply(v->session, REPLY_VRFY_ELSEWHERE, SPAN_NONE);
}

/* RFC 6531, 3.7.4.2: an answer in UTF-8 is only for who has asked for it. */
static bool
may_tell(const struct verify *v, const struct target *t, size_t n)
{
	for (size_t i = 0; i < n && !v->utf8; i++)
		if (!span_is_ascii(t[i].address))
			return false;
	return true;
}

static void
say_members(struct verify *v)
{
	struct session		*s = v->session;
	const struct target	*t;
	size_t			 n;

	t = routing_targets(v->routing, &n);
	if (!routing_is_list(v->routing))
		session_refuse(s, REPLY_NO_LIST, SPAN_NONE);
	else if (n == 0)
		session_reply(s, REPLY_EXPN_UNTOLD, SPAN_NONE);
	else if (!may_tell(v, t, n))
		session_refuse(s, REPLY_UTF8_ANSWER, SPAN_NONE);
	else
		for (size_t i = 0; i < n; i++)
			say_address(v, t[i].address, i + 1 < n);
}

/* The fact lies in what is freed. */
static void
over(struct session *s)
{
	s->facts.rcpt = SPAN_NONE;
	verify_free(&s->verify);
}

static void
say(struct verify *v)
{
	struct session	*s = v->session;
	ptrdiff_t	 at = routing_refusal(v->routing);
	size_t		 n;

	s->facts.tx = s->id;
	if (routing_unknown(v->routing) == 1)
		session_refuse(s, REPLY_NO_USER, SPAN_NONE);
	else if (at >= 0)
		say_refusal(v, &routing_targets(v->routing, &n)[at]);
	else if (v->expands)
		say_members(v);
	else
		say_vrfy(v);
	over(s);
}

/* --- what is asked */

static void
routed(void *arg, struct routing *routing)
{
	struct verify	*v = arg;
	struct session	*s = v->session;

	(void)routing;
	v->answered = true;
	if (v->asking)
		return;		/* ask_route() goes on */
	session_unpark(s);
	say(v);
	session_go_on(s);
}

/* Without counting: nothing is sent. */
static void
ask_route(struct verify *v)
{
	struct session	*s = v->session;
	struct policy	*p = s->gen->policy;

	s->facts.tx = 0;
	v->asking = true;
	v->routing = v->expands ?
	    policy_route_members(p, &s->facts, routed, v) :
	    policy_route_dry(p, &s->facts, NULL, routed, v);
	v->asking = false;
	if (v->answered)
		say(v);
	else
		session_park(s);
}

static void
hook_decided(struct session *s, const struct rs_verdict *is)
{
	if (is->kind == RS_V_ACCEPT) {
		ask_route(s->verify);
		return;
	}
	if (!session_refused(s, is))
		say_untold(s, s->verify->expands);
	over(s);
}

static void
verify(struct session *s, const struct smtp_command *c, enum rs_hook hook)
{
	struct verify	*v = xcalloc(1, sizeof(*v));
	struct span	 args = c->args;
	const char	*why = NULL;

	s->verify = v;
	v->session = s;
	v->expands = hook == RS_HOOK_EXPN;
	v->utf8 = takes_utf8(s, &args);
	if (!v->utf8 && !span_is_ascii(args))
		session_refuse(s, REPLY_UTF8,
		    SPAN("an address outside ASCII needs SMTPUTF8"));
	else if (parse(v, args, &why) == -1)
		session_refuse(s, REPLY_RCPT_PATH, span_of(why));
	else {
		s->facts.rcpt = v->at.whole;
		s->facts.rcpt_at = v->at.at;
		session_ask(s, hook, hook_decided);
		return;
	}
	verify_free(&s->verify);
}

void
cmd_vrfy(struct session *s, const struct smtp_command *c)
{
	if (c->args.n == 0)
		session_refuse(s, REPLY_NEEDS_ARG, c->word);
	else
		verify(s, c, RS_HOOK_VRFY);
}

void
cmd_expn(struct session *s, const struct smtp_command *c)
{
	if (!policy_has(s->gen->policy, RS_HOOK_EXPN))
		session_refuse(s, REPLY_NOT_SERVED, c->word);
	else if (c->args.n == 0)
		session_refuse(s, REPLY_NEEDS_ARG, c->word);
	else
		verify(s, c, RS_HOOK_EXPN);
}

void
verify_free(struct verify **vp)
{
	struct verify	*v = *vp;

	if (v == NULL)
		return;
	*vp = NULL;
	routing_free(&v->routing);
	arena_clear(&v->arena);
	free(v);
}
