/*
 * play.c - a session against a policy without a server.
 *
 * Owns: what was played.  Nothing waits here: DNS answers at once, so each
 * decision is there when it has been asked for.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/address.h"
#include "mail/header.h"

#include "mta/cmd/play.h"

void
play_begin(struct play *pl, struct policy *p, int64_t now_ms)
{
	*pl = (struct play){ .policy = p, .refused = -1, .last_rcpt = -1 };
	pl->facts.now_ms = now_ms;
	pl->facts.names = policy_names_new();
	pl->facts.tags = policy_tags_new(p, &pl->arena);
	pl->facts.listener = SPAN("smtp");
}

void
play_end(struct play *pl)
{
	size_t	i;

	for (i = 0; i < pl->n; i++) {
		routing_free(&pl->v[i].routing);
		rs_record_clear(&pl->v[i].record);
		rs_record_clear(&pl->v[i].route_record);
	}
	free(pl->v);
	free(pl->edits);
	buf_clear(&pl->content);
	policy_names_free(&pl->facts.names);
	arena_clear(&pl->arena);
}

/* --- one hook */

static void
keep_edits(struct play *pl, const struct decision *d)
{
	const struct header_edit	*e;
	struct header_edit		*k;
	size_t				 i, n;

	e = decision_edits(d, &n);
	if (n == 0)
		return;
	pl->edits = xreallocarray(pl->edits, pl->nedits + n,
	    sizeof(*pl->edits));
	for (i = 0; i < n; i++) {
		k = &pl->edits[pl->nedits++];
		k->kind = e[i].kind;
		k->name = arena_span(&pl->arena, e[i].name);
		k->value = arena_span(&pl->arena, e[i].value);
	}
}

static void
keep_verdict(struct play *pl, struct played *p, const struct decision *d)
{
	p->verdict = *decision_verdict(d);
	p->verdict.status = arena_span(&pl->arena, p->verdict.status);
	p->verdict.text = arena_span(&pl->arena, p->verdict.text);
	p->verdict.value = rs_copy(&p->verdict.value, &pl->arena);
	p->by_route = decision_by_route(d);
	p->line = decision_line(d);
	policy_reply(&p->verdict, &pl->arena, &p->code, &p->status, &p->text);
}

/* The index in pl->v; command is taken as it is. */
static size_t
ask(struct play *pl, enum rs_hook hook, struct span command)
{
	struct decision	*d;
	struct played	*p;

	pl->v = xreallocarray(pl->v, pl->n + 1, sizeof(*pl->v));
	p = &pl->v[pl->n];
	*p = (struct played){ .hook = hook, .command = command };
	d = policy_decide(pl->policy, hook, &pl->facts, &p->record, NULL,
	    NULL);
	assert(decision_done(d));
	keep_verdict(pl, p, d);
	if (!played_refused(p))
		keep_edits(pl, d);
	decision_free(&d);
	return pl->n++;
}

/* A hook whose refusal holds for the rest of the session. */
static void
ask_session(struct play *pl, enum rs_hook hook, struct span command)
{
	size_t	i;

	if (pl->refused >= 0)
		return;
	i = ask(pl, hook, command);
	if (played_refused(&pl->v[i]))
		pl->refused = (ptrdiff_t)i;
}

/* --- the commands */

void
play_connect(struct play *pl, const struct ip *ip, struct span listener,
    struct span user)
{
	char	text[IP_TEXT_MAX];

	pl->facts.client_ip = *ip;
	pl->facts.client_port = 49152;	/* ephemeral; RFC 6335, 6 */
	if (listener.n > 0)
		pl->facts.listener = listener;
	pl->facts.user = user;
	pl->facts.authenticated = user.n > 0;
	ask_session(pl, RS_HOOK_CONNECT,
	    arena_printf(&pl->arena, "connect from %s", ip_format(ip, text)));
}

void
play_helo(struct play *pl, struct span name)
{
	pl->facts.helo = name;
	ask_session(pl, RS_HOOK_HELO,
	    arena_printf(&pl->arena, "EHLO %.*s", SPAN_ARG(name)));
}

static int
parse(struct play *pl, struct span s, unsigned flags, struct address *a)
{
	const char	*why;

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = span_mem(s.p + 1, s.n - 2);
	if (s.n == 0 && (flags & ADDRESS_NULL_OK)) {
		*a = (struct address){ SPAN(""), 0 };
		return 0;
	}
	return address_parse(s, flags | ADDRESS_UTF8_OK, &pl->arena, a, &why);
}

int
play_mail(struct play *pl, struct span address)
{
	struct address	a;

	if (parse(pl, address, ADDRESS_NULL_OK, &a) == -1)
		return -1;
	pl->facts.sender = a.whole;
	pl->facts.sender_at = a.at;
	ask_session(pl, RS_HOOK_MAIL, arena_printf(&pl->arena,
	    "MAIL FROM:<%.*s>", SPAN_ARG(a.whole)));
	return 0;
}

/* Where it goes: one that is accepted, or whom `rcpt unknown` has routed. */
static void
route(struct play *pl, size_t at)
{
	struct played	*p = &pl->v[at];
	size_t		 i;
	bool		 routed = !played_refused(p) || p->by_route;

	for (i = 0; i < p->record.n && !routed; i++)
		routed = p->record.steps[i].kind == RS_STEP_UNKNOWN_RCPT;
	if (!routed)
		return;
	p->route_record.hook = RS_HOOK_ROUTE;
	p->routing = policy_route(pl->policy, &pl->facts, &p->route_record,
	    NULL, NULL);
	assert(routing_done(p->routing));
}

int
play_rcpt(struct play *pl, struct span address)
{
	struct address	a;
	size_t		i;

	if (parse(pl, address, ADDRESS_POSTMASTER_OK, &a) == -1)
		return -1;
	if (pl->refused >= 0)
		return 0;
	pl->facts.rcpt = a.whole;
	pl->facts.rcpt_at = a.at;
	i = ask(pl, RS_HOOK_RCPT, arena_printf(&pl->arena, "RCPT TO:<%.*s>",
	    SPAN_ARG(a.whole)));
	pl->v[i].rcpt = a.whole;
	pl->last_rcpt = (ptrdiff_t)i;
	pl->rcpts++;
	route(pl, i);
	if (!played_refused(&pl->v[i]))
		pl->facts.rcpts_count++;
	return 0;
}

void
play_header(struct play *pl, struct span field)
{
	buf_add_span(&pl->content, field);
	buf_add_str(&pl->content, "\r\n");
}

/* Line ends of a text become those of a message. */
void
play_body(struct play *pl, struct span text)
{
	size_t	i;

	if (!pl->in_body)
		buf_add_str(&pl->content, "\r\n");
	pl->in_body = true;
	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			buf_add_char(&pl->content, '\r');
		if (text.p[i] != '\r')
			buf_add_char(&pl->content, text.p[i]);
	}
	buf_add_str(&pl->content, "\r\n");
}

static void
content_facts(struct play *pl)
{
	struct span	s;
	size_t		i;

	if (!pl->in_body)
		buf_add_str(&pl->content, "\r\n");
	s = buf_span(&pl->content);
	pl->facts.content = s;
	pl->facts.size = s.n;
	pl->facts.hops = header_hops(s);
	pl->facts.lines = 0;
	for (i = 0; i < s.n; i++)
		pl->facts.lines += s.p[i] == '\n';
}

void
play_content(struct play *pl)
{
	if (pl->content_done || pl->refused >= 0)
		return;
	pl->content_done = true;
	/* DATA without a recipient is an error of its own (RFC 5321, 3.3). */
	if (pl->rcpts > 0 && pl->facts.rcpts_count == 0)
		return;
	ask_session(pl, RS_HOOK_DATA, SPAN("DATA"));
	content_facts(pl);
	ask_session(pl, RS_HOOK_CONTENT, SPAN("."));
}

const struct played *
play_answer(const struct play *pl)
{
	if (pl->refused >= 0)
		return &pl->v[pl->refused];
	return pl->n == 0 ? NULL : &pl->v[pl->n - 1];
}

struct span
play_message(struct play *pl)
{
	struct buf	out = { 0 };
	struct span	message;

	header_apply(buf_span(&pl->content), pl->edits, pl->nedits, &out);
	message = arena_span(&pl->arena, buf_span(&out));
	buf_clear(&out);
	return message;
}
