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
play_begin(struct play *pl, struct policy *p, int64_t now_ms, uint64_t tx)
{
	*pl = (struct play){ .policy = p, .refused = -1, .last_rcpt = -1,
	    .last_route = -1 };
	pl->facts.now_ms = now_ms;
	pl->facts.tx = tx;
	pl->facts.names = policy_names_new();
	pl->facts.tags = policy_tags_new(p, &pl->arena);
	pl->facts.listener = SPAN("smtp");
	pl->facts.filtered = SPAN(POLICY_ALL_FILTERS);
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
	free(pl->effects);
	free(pl->milter_on);
	buf_clear(&pl->content);
	policy_names_free(&pl->facts.names);
	arena_clear(&pl->arena);
}

/* A hook whose refusal, or that of its milters, holds for the session. */
static void
ask_session(struct play *pl, enum rs_hook hook, struct span command)
{
	size_t	i;

	if (pl->refused >= 0)
		return;
	i = play_milters(pl, play_ask(pl, hook, command));
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
	pl->facts.user = SPAN_NONE;
	pl->facts.authenticated = false;
	pl->login = user;
	if (span_eq(pl->facts.listener, SPAN("programs"))) {
		pl->facts.user = user;	/* the kernel says so */
		pl->login = SPAN_NONE;
	}
	play_milters_begin(pl);
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

void
play_starttls(struct play *pl, const struct play_tls *tls)
{
	pl->facts.tls_version = tls->version;
	pl->facts.tls_cipher = tls->cipher;
	pl->facts.tls_verified = tls->certificate.n > 0;
	pl->facts.certificate = tls->certificate;
	ask_session(pl, RS_HOOK_STARTTLS, SPAN("STARTTLS"));
}

void
play_login(struct play *pl)
{
	if (pl->login.n == 0 || pl->refused >= 0)
		return;
	pl->facts.user = pl->login;
	pl->login = SPAN_NONE;
	pl->facts.authenticated = true;
	ask_session(pl, RS_HOOK_AUTH, arena_printf(&pl->arena, "AUTH as %.*s",
	    SPAN_ARG(pl->facts.user)));
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
play_mail(struct play *pl, struct span address, uint64_t size)
{
	struct address	a;
	struct span	command;

	if (parse(pl, address, ADDRESS_NULL_OK, &a) == -1)
		return -1;
	play_login(pl);
	if (pl->refused >= 0)
		return 0;
	if (pl->facts.tx != 0)
		pl->facts.tx++;
	pl->facts.size = size;
	command = arena_printf(&pl->arena, "MAIL FROM:<%.*s>",
	    SPAN_ARG(a.whole));
	if (!play_rewrite(pl, RS_HOOK_REWRITE_IN_SENDER, &a)) {
		pl->refused = (ptrdiff_t)pl->n - 1;
		return 0;
	}
	pl->facts.sender = a.whole;
	pl->facts.sender_at = a.at;
	ask_session(pl, RS_HOOK_MAIL, command);
	return 0;
}

/* Where it goes: one that is accepted, or whom `rcpt unknown` has routed. */
static void
route(struct play *pl, size_t at)
{
	struct played	*p = &pl->v[at];
	size_t		 i;
	bool		 routed = rs_verdict_accepts(p->verdict.kind) ||
	    p->by_route;

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
	struct span	command;
	size_t		i;

	if (parse(pl, address, ADDRESS_POSTMASTER_OK, &a) == -1)
		return -1;
	if (pl->refused >= 0)
		return 0;
	command = arena_printf(&pl->arena, "RCPT TO:<%.*s>",
	    SPAN_ARG(a.whole));
	pl->rcpts++;
	if (!play_rewrite(pl, RS_HOOK_REWRITE_IN_RCPT, &a)) {
		pl->last_rcpt = (ptrdiff_t)pl->n - 1;
		pl->rcpt_refused = true;
		return 0;
	}
	pl->facts.rcpt = a.whole;
	pl->facts.rcpt_at = a.at;
	i = play_ask(pl, RS_HOOK_RCPT, command);
	pl->v[i].rcpt = a.whole;
	pl->last_rcpt = (ptrdiff_t)i;
	pl->last_route = -1;
	route(pl, i);
	i = play_milters(pl, i);
	pl->rcpt_refused = played_refused(&pl->v[i]);
	pl->v[pl->last_rcpt].taken = !pl->rcpt_refused &&
	    pl->v[pl->last_rcpt].verdict.kind != RS_V_DISCARD;
	pl->facts.rcpts_count += !pl->rcpt_refused;
	return 0;
}

/* Without a verdict nothing is told (RFC 5321, 3.5.3; 4.2.4). */
static void
untold(struct played *p, bool expands)
{
	if (p->verdict.kind != RS_V_END)
		return;
	p->code = expands ? 502 : 252;
	p->status = expands ? SPAN("5.5.1") : SPAN("2.0.0");
	p->text = expands ? SPAN("not told here") : SPAN("send it and see");
}

/*
 * VRFY and EXPN (RFC 5321, 3.5) say nothing of the session: a refusal is the
 * answer to this one.
 */
int
play_vrfy(struct play *pl, struct span who, bool expands)
{
	struct address	a;
	struct span	rcpt = pl->facts.rcpt;
	size_t		i, at = pl->facts.rcpt_at;

	if (span_index(who, '@') < 0)
		who = arena_printf(&pl->arena, "%.*s@%.*s", SPAN_ARG(who),
		    SPAN_ARG(policy_hostname(pl->policy)));
	if (parse(pl, who, 0, &a) == -1)
		return -1;
	play_login(pl);
	if (pl->refused >= 0)
		return 0;
	pl->facts.rcpt = a.whole;
	pl->facts.rcpt_at = a.at;
	i = play_ask(pl, expands ? RS_HOOK_EXPN : RS_HOOK_VRFY,
	    arena_printf(&pl->arena, "%s %.*s", expands ? "EXPN" : "VRFY",
	    SPAN_ARG(a.whole)));
	untold(&pl->v[i], expands);
	pl->facts.rcpt = rcpt;
	pl->facts.rcpt_at = at;
	return 0;
}

/* Line ends of a text become those of a message. */
static void
add_lines(struct play *pl, struct span text)
{
	size_t	i;

	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			buf_add_char(&pl->content, '\r');
		if (text.p[i] != '\r')
			buf_add_char(&pl->content, text.p[i]);
	}
	buf_add_str(&pl->content, "\r\n");
}

void
play_header(struct play *pl, struct span field)
{
	add_lines(pl, field);
}

void
play_body(struct play *pl, struct span text)
{
	if (!pl->in_body)
		buf_add_str(&pl->content, "\r\n");
	pl->in_body = true;
	add_lines(pl, text);
}

static void
content_facts(struct play *pl)
{
	struct span	s;
	size_t		i;

	if (pl->content.n > 0)		/* else it is as announced */
		pl->facts.size = pl->content.n + (pl->in_body ? 0 : 2);
	if (!pl->in_body)
		buf_add_str(&pl->content, "\r\n");
	s = buf_span(&pl->content);
	pl->facts.content = s;
	pl->facts.hops = header_hops(s);
	pl->facts.lines = 0;
	for (i = 0; i < s.n; i++)
		pl->facts.lines += s.p[i] == '\n';
}

/* Edits of the rules come first; then what originates here is rewritten. */
static void
leave(struct play *pl)
{
	struct buf	whole = { 0 };
	struct span	content = buf_span(&pl->content);

	if (!policy_has(pl->policy, RS_HOOK_REWRITE_OUT_HEADER) ||
	    !play_originates(pl))
		return;
	buf_add_span(&whole, play_message(pl));
	buf_add_span(&whole, span_from(content, header_size(content)));
	buf_clear(&pl->content);
	pl->content = whole;
	pl->nedits = 0;
	if (!play_rewrite_header(pl, RS_HOOK_REWRITE_OUT_HEADER))
		pl->refused = (ptrdiff_t)pl->n - 1;
}

void
play_content(struct play *pl)
{
	const struct rs_value	*tags = play_tags(pl);

	if (pl->content_done || pl->refused >= 0)
		return;
	pl->content_done = true;
	/* DATA without a recipient is an error of its own (RFC 5321, 3.3). */
	if (pl->rcpts > 0 && pl->facts.rcpts_count == 0)
		return;
	ask_session(pl, RS_HOOK_DATA, SPAN("DATA"));
	if (pl->refused >= 0)
		return;
	content_facts(pl);
	if (!play_rewrite_header(pl, RS_HOOK_REWRITE_IN_HEADER)) {
		pl->refused = (ptrdiff_t)pl->n - 1;
		return;
	}
	ask_session(pl, RS_HOOK_CONTENT, SPAN("."));
	if (pl->refused < 0)
		play_reroute(pl, tags);
	if (pl->refused < 0)
		leave(pl);
}

bool
play_sender_is(const struct play *pl, struct span address)
{
	const struct routing	*r = play_routing(pl);
	const struct target	*t;
	size_t			 i, n = 0;

	t = r == NULL ? NULL : routing_targets(r, &n);
	for (i = 0; i < n; i++)
		if (span_ieq(t[i].mail_from.n > 0 ? t[i].mail_from :
		    pl->facts.sender, address))
			return true;
	return n == 0 && span_ieq(pl->facts.sender, address);
}

const struct played *
play_answer(const struct play *pl)
{
	if (pl->refused >= 0)
		return &pl->v[pl->refused];
	return pl->n == 0 ? NULL : &pl->v[pl->n - 1];
}

struct routing *
play_routing(const struct play *pl)
{
	if (pl->last_rcpt < 0 || pl->rcpt_refused)
		return NULL;
	return pl->v[pl->last_route >= 0 ? pl->last_route :
	    pl->last_rcpt].routing;
}

const struct played *
play_fate(const struct play *pl, enum rs_verdict_kind kind)
{
	size_t	i;

	for (i = 0; i < pl->n; i++)
		if (pl->v[i].verdict.kind == kind &&
		    (pl->v[i].hook != RS_HOOK_RCPT ||
		    (ptrdiff_t)i >= pl->last_rcpt))
			return &pl->v[i];
	return NULL;
}

const struct played *
play_kept(const struct play *pl, enum rs_verdict_kind kind)
{
	size_t	i;

	for (i = 0; i < pl->n; i++)
		if (pl->v[i].kept == kind)
			return &pl->v[i];
	return NULL;
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
