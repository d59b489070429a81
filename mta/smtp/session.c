/*
 * session.c - a session's life: states, decisions, waiting, its end.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/admit.h"
#include "mta/smtp/auth.h"
#include "mta/smtp/chunk.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/kept.h"
#include "mta/smtp/notes.h"
#include "mta/smtp/reroute.h"
#include "mta/smtp/rewrite.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/session_int.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/verify.h"
#include "mta/smtp/xclient.h"

#define LINGER_MS	2000	/* for the client to read our last reply */
#define SEND_MS		30000	/* for the last replies to leave */
#define PARKED_MS	600000	/* RFC 5321, 4.5.3.2.6: what a client waits at most */

static const char *
state_name(enum smtp_state st)
{
	switch (st) {
	case SMTP_GREETING:	return "greeting";
	case SMTP_REFUSED:	return "refused";
	case SMTP_FRESH:	return "fresh";
	case SMTP_READY:	return "ready";
	case SMTP_MAIL:		return "mail";
	case SMTP_RCPT:		return "rcpt";
	case SMTP_CONTENT:	return "content";
	case SMTP_STORING:	return "storing";
	case SMTP_CLOSING:	return "closing";
	case SMTP_LOGIN:	return "login";
	case SMTP_CHUNK:	return "chunk";
	case SMTP_CHUNKS:	return "chunks";
	case SMTP_FAILED:	return "failed";
	case SMTP_HANDSHAKE:	return "handshake";
	}
	return "?";
}

void
session_enter(struct session *s, enum smtp_state to, const char *event)
{
	assert(s->state != SMTP_CLOSING);
	log_debug("session=S%" PRIx64 " %s: %s -> %s", s->id, event,
	    state_name(s->state), state_name(to));
	s->state = to;
}

const char *
session_ref(const struct session *s, char out[32])
{
	snprintf(out, 32, "S%" PRIx64 ".%u", s->id, s->commands);
	return out;
}

/* --- decision records: when asked for (--records), each as one line */

static struct rs_record *
record_new(const struct session *s)
{
	char	ref[32];

	return s->server->records ? policy_record_new(session_ref(s, ref)) :
	    NULL;
}

/* --- beginning and end */

void
session_new(struct server *sv, struct generation *g, int fd,
    const struct origin *o, const struct door *door)
{
	struct session	*s = xcalloc(1, sizeof(*s));

	s->server = sv;
	s->gen = generation_ref(g);
	s->id = sv->next_id++;
	s->state = SMTP_GREETING;
	s->stage = "connect";
	s->fd = fd;
	s->began_ms = loop_now_ms();
	s->facts.tx = s->id;
	s->origin = *o;
	s->facts.client_ip = o->ip;
	s->facts.client_port = o->port;
	s->facts.names = policy_names_new();
	s->door = door;
	s->facts.listener = door->name;
	if (o->program) {
		s->account = xstrndup(o->login.p, o->login.n);
		s->facts.user = span_of(s->account);
		s->origin.login = s->facts.user;
	}
	if (rs_ntag(policy_image(s->gen->policy)) > 0)
		s->tags = policy_tags_new(s->gen->policy, &s->arena);
	s->facts.tags = s->tags;
	notes_begin(s);
	s->next = sv->sessions;
	s->prev = &sv->sessions;
	if (s->next != NULL)
		s->next->prev = &s->next;
	sv->sessions = s;
	sv->count.sessions++;
	session_touch(s);
	admit_session(s);
	session_settle(s);
}

static void
log_end(const struct session *s)
{
	char	ip[IP_TEXT_MAX], via[ORIGIN_TEXT_MAX];

	log_info("session id=S%" PRIx64 " client=%s%s listener=%.*s helo=%s "
	    "user=%s commands=%u messages=%u errors=%u ms=%" PRId64 " policy=%s end=%s",
	    s->id, ip_format(&s->facts.client_ip, ip),
	    origin_text(&s->origin, via), SPAN_ARG(s->door->name),
	    s->helo == NULL ? "-" : log_quote(s->facts.helo),
	    s->account == NULL ? "-" : log_quote(s->facts.user), s->commands,
	    s->messages, s->errors, loop_now_ms() - s->began_ms,
	    rs_image_hash(policy_image(s->gen->policy)),
	    s->end == NULL ? "-" : s->end);
}

/* What `on connect` has left. */
struct after_connect {
	size_t		nedits;
	bool		discard;
	struct smtp_kept *kept;
	uint8_t		 priority;
	uint32_t	hidden;
	struct rs_value	tags[];
};

static void
free_after_connect(struct session *s)
{
	if (s->first != NULL)
		free(s->first->kept);
	free(s->first);
	s->first = NULL;
}

void
session_free(struct session **sp)
{
	struct session	*s = *sp;
	struct server	*sv = s->server;

	*sp = NULL;
	log_end(s);
	notes_end(s);
	decision_free(&s->decision);
	policy_record_free(&s->record);
	reroute_free(&s->reroute);
	verify_free(&s->verify);
	rewrite_free(&s->rewrite);
	auth_end(s);
	transaction_end(s);
	secure_free(s);
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	watch_clear(&s->watch);
	close(s->fd);
	user_limit_leave(s);
	admit_leave(s);
	policy_names_free(&s->facts.names);
	generation_unref(&s->gen);
	buf_wipe(&s->in);
	buf_clear(&s->out);
	arena_clear(&s->arena);
	free(s->edits.v);
	xforward_clear(s);
	if (s->etrn != 0)
		intake_etrn_cancel(sv->intake, s->etrn);
	free(s->helo);
	free(s->old_helo);
	free(s->account);
	free(s->kept);
	free_after_connect(s);
	free(s);
	server_left(sv);
}

/* --- what STARTTLS forgets */

static size_t
tags_size(const struct session *s)
{
	return s->tags == NULL ? 0 : rs_ntag(policy_image(s->gen->policy)) *
	    sizeof(*s->tags);
}

void
session_remember(struct session *s)
{
	size_t	n = tags_size(s);

	free_after_connect(s);
	/* Not in the arena: most sessions need none of its blocks. */
	s->first = xmalloc(sizeof(*s->first) + n);
	s->first->nedits = s->edits.n;
	s->first->discard = s->discard;
	s->first->kept = smtp_kept_copy(s->kept);
	s->first->priority = s->priority;
	s->first->hidden = s->hidden;
	if (n > 0)
		memcpy(s->first->tags, s->tags, n);
}

void
session_forget(struct session *s)
{
	size_t	n = tags_size(s);

	transaction_end(s);
	free(s->helo);
	free(s->old_helo);
	s->helo = s->old_helo = NULL;
	s->facts.helo = SPAN_NONE;
	s->esmtp = s->asks_esmtp = s->told_helo = s->told_login = false;
	session_forget_login(s);
	xforward_clear(s);
	s->edits.n = s->first->nedits;
	s->hello.from = s->hello.to = 0;
	s->discard = s->first->discard;
	free(s->kept);
	s->kept = smtp_kept_copy(s->first->kept);
	s->priority = s->first->priority;
	s->hidden = s->first->hidden;
	if (n > 0)
		memcpy(s->tags, s->first->tags, n);
}

void
session_forget_login(struct session *s)
{
	if (s->origin.program)
		return;		/* it has not logged in */
	user_limit_leave(s);
	free(s->account);
	s->account = NULL;
	s->mechanism = NULL;
	s->facts.user = SPAN_NONE;
	s->facts.user_map = 0;
	s->facts.authenticated = false;
}

void
session_close(struct session *s, const char *why)
{
	if (s->state == SMTP_CLOSING)
		return;
	session_enter(s, SMTP_CLOSING, why);
	s->end = why;
	s->deadline_ms = loop_now_ms() + (s->linger ? LINGER_MS : SEND_MS);
}

void
session_touch(struct session *s)
{
	s->deadline_ms = loop_now_ms() + s->gen->idle_ms;
	if (s->tx != NULL && s->tx->deadline_ms < s->deadline_ms)
		s->deadline_ms = s->tx->deadline_ms;
	else if (s->tx == NULL && s->chunk_left > 0 &&
	    s->chunk_until_ms < s->deadline_ms)
		s->deadline_ms = s->chunk_until_ms;
}

/* A last word that the client did not ask for. */
static void
last_word(struct session *s, enum smtp_reply id, const char *why)
{
	s->linger = true;
	session_reply(s, id, s->gen->hostname);
	session_close(s, why);
}

void
session_timeout(struct session *s)
{
	bool	slow;

	if (s->state == SMTP_HANDSHAKE)
		s->end = "handshake took too long";
	if ((s->state & (SMTP_CLOSING | SMTP_HANDSHAKE)) || s->parked ||
	    s->out.n > 0) {
		if (s->end == NULL)
			s->end = s->parked ? "waited too long" : "not read";
		session_free(&s);
		return;
	}
	slow = s->tx != NULL && s->tx->deadline_ms <= s->deadline_ms;
	last_word(s, slow ? REPLY_SLOW : REPLY_IDLE, "timeout");
	session_settle(s);
}

void
session_last_word(struct session *s)
{
	if (s->parked || (s->state & (SMTP_CONTENT | SMTP_CHUNK |
	    SMTP_STORING | SMTP_CLOSING)))
		return;
	if (s->state == SMTP_HANDSHAKE) {	/* nothing can be said */
		session_close(s, s->server->stopping ? "stop" :
		    "one too many");
		return;
	}
	if (s->server->stopping) {
		last_word(s, REPLY_STOPPING, "stop");
		return;
	}
	s->linger = true;
	admit_refuse(s->server, &s->facts.client_ip, s->over, &s->out);
	session_close(s, "one too many");
}

void
session_stop(struct session *s)
{
	session_settle(s);
}

/* --- replies */

void
session_reply(struct session *s, enum smtp_reply id, struct span arg)
{
	reply_put(&s->out, id, arg);
	notes_reply(s, id);
}

static void
log_refused(const struct session *s, unsigned code, struct span status,
    uint32_t line)
{
	const struct transaction *t = s->tx;
	char			  ip[IP_TEXT_MAX], ref[32], via[ORIGIN_TEXT_MAX];

	log_info("refused stage=%s client=%s%s helo=%s from=%s rcpt=%s code=%u "
	    "status=%.*s line=%u%s ref=%s policy=%s", s->stage,
	    ip_format(&s->facts.client_ip, ip), origin_text(&s->origin, via),
	    s->helo == NULL ? "-" : log_quote(s->facts.helo),
	    t == NULL ? "-" : log_quote(transaction_sender(t)),
	    s->facts.rcpt.n == 0 ? "-" : log_quote(s->facts.rcpt), code,
	    SPAN_ARG(status), (unsigned)line,
	    s->by_gateway ? " by=gateway" : "", session_ref(s, ref),
	    rs_image_hash(policy_image(s->gen->policy)));
}

/* 4xx is the fault of nobody, and not counted. */
static void
count_refused(struct session *s, unsigned code)
{
	s->server->count.refused++;
	if (code >= 500)
		s->errors++;
}

void
session_refuse(struct session *s, enum smtp_reply id, struct span arg)
{
	reply_put(&s->out, id, arg);
	notes_reply(s, id);
	count_refused(s, reply_code(id));
	log_refused(s, reply_code(id), reply_status(id), 0);
}

bool
session_refused(struct session *s, const struct rs_verdict *v)
{
	struct arena	*a = &s->server->scratch;
	struct span	 status, text;
	unsigned	 code;

	if (v->kind != RS_V_REJECT && v->kind != RS_V_DEFER &&
	    v->kind != RS_V_MOVED)
		return false;
	policy_reply(v, a, &code, &status, &text);
	reply_put_raw(&s->out, code, status, text);
	count_refused(s, code);
	notes_refusal(s, code, status, text);
	log_refused(s, code, status, s->decided_line);
	arena_reset(a);
	if (code == 421) {
		s->linger = true;
		session_close(s, "421 by policy");
	}
	return true;
}

void
session_discarded(struct session *s)
{
	char	ip[IP_TEXT_MAX], ref[32];

	log_info("discarded stage=%s client=%s from=%s rcpt=%s line=%u ref=%s "
	    "policy=%s", s->stage, ip_format(&s->facts.client_ip, ip),
	    s->tx == NULL ? "-" : log_quote(transaction_sender(s->tx)),
	    s->facts.rcpt.n == 0 ? "-" : log_quote(s->facts.rcpt),
	    (unsigned)s->decided_line, session_ref(s, ref),
	    rs_image_hash(policy_image(s->gen->policy)));
}

/* --- commands */

#define PROGRAM_COMMANDS	400000u

/* Limits that end a session: the reply stands for the command's own. */
static bool
worn_out(struct session *s)
{
	bool	errors = s->errors >= s->gen->errors_max;

	/* A message of a program may have this many recipients, all unknown. */
	if (s->origin.program && s->commands < PROGRAM_COMMANDS)
		return false;
	if (!errors && s->commands <= s->gen->commands_max)
		return false;
	last_word(s, errors ? REPLY_ERRORS : REPLY_COMMANDS,
	    errors ? "too many errors" : "too many commands");
	return true;
}

void
session_command(struct session *s, struct span line)
{
	struct smtp_command	c;

	s->commands++;
	s->server->count.commands++;
	s->stage = "command";
	s->facts.rcpt = SPAN_NONE;
	s->facts.tx = s->id;
	s->facts.command = s->commands;
	if (worn_out(s))
		return;
	if (command_parse(line, &c))
		commands_run(s, &c);
	else {
		session_refuse(s, REPLY_CONTROL, SPAN_NONE);
		bdat_spoiled(s, line);
	}
	if (s->state != SMTP_CLOSING && !s->parked)
		session_touch(s);
}

/* --- decisions */

static void
edits_add(struct edits *e, struct arena *a, const struct header_edit *v,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (e->n == e->cap) {
			e->cap = e->cap == 0 ? 4 : 2 * e->cap;
			e->v = xreallocarray(e->v, e->cap, sizeof(*e->v));
		}
		e->v[e->n++] = (struct header_edit){ v[i].kind,
		    arena_span(a, v[i].name), arena_span(a, v[i].value) };
	}
}

/* `hide` in `on connect` and `on helo`. */
static void
keep_hidden(struct session *s, const struct decision *d)
{
	const struct policy_effect	*v;
	size_t				 n;

	v = decision_effects(d, &n);
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == RS_E_HIDE)
			s->hidden |= v[i].object;
}

/* `priority`: of this message, or of all of the session; the last counts. */
static void
keep_priority(struct session *s, const struct decision *d)
{
	uint8_t				*at = s->tx != NULL &&
	    !s->hello.asked ? &s->tx->priority : &s->priority;
	const struct policy_effect	*v;
	size_t				 n;

	v = decision_effects(d, &n);
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == RS_E_PRIORITY)
			*at = (uint8_t)(v[i].object + 1);
}

static void
keep_edits(struct session *s, const struct decision *d)
{
	const struct header_edit	*v;
	size_t				 n;

	v = decision_edits(d, &n);
	if (n == 0)
		return;
	if (s->tx != NULL && !s->hello.asked)
		edits_add(&s->tx->edits, &s->tx->arena, v, n);
	else
		edits_add(&s->edits, &s->arena, v, n);
}

void
session_hello_begin(struct session *s)
{
	s->hello.asked = true;
	s->hello.was = s->edits.n;
	s->facts.tags = s->tags;
}

void
session_hello_end(struct session *s, bool accepted)
{
	struct edits	*e = &s->edits;
	size_t		 old = s->hello.to - s->hello.from;

	s->hello.asked = false;
	s->facts.tags = s->tx != NULL ? s->tx->tags : s->tags;
	if (!accepted) {
		e->n = s->hello.was;
		return;
	}
	if (old > 0) {
		memmove(e->v + s->hello.from, e->v + s->hello.to,
		    (e->n - s->hello.to) * sizeof(*e->v));
		e->n -= old;
	}
	s->hello.from = s->hello.was - old;
	s->hello.to = e->n;
}

/* A session for `waybill diff`: each recipient, and what ends before one. */
static void
log_traffic(const struct session *s, const struct rs_verdict *v)
{
	char	ref[32];

	if (s->record != NULL && (s->record->hook == RS_HOOK_RCPT ||
	    v->kind == RS_V_REJECT || v->kind == RS_V_DEFER))
		policy_traffic_log(s->gen->policy, &s->facts,
		    session_ref(s, ref));
}

/* The decision lives until its step has ended: the verdict lies in it. */
static void
go_on(struct session *s)
{
	struct decision	*d = s->decision;

	s->decision = NULL;
	log_traffic(s, decision_verdict(d));
	policy_record_log(s->gen->policy, &s->record);
	s->decided_line = decision_line(d);
	s->by_gateway = decision_by_gateway(d);
	keep_edits(s, d);
	keep_hidden(s, d);
	smtp_keep(s, d);
	keep_priority(s, d);
	s->step(s, decision_verdict(d));
	decision_free(&d);
}

static void
decided(void *arg, struct decision *d)
{
	struct session	*s = arg;

	s->answered = true;
	if (s->asking)
		return;		/* session_ask() goes on */
	assert(d == s->decision);
	session_unpark(s);
	go_on(s);
	session_go_on(s);
}

void
session_ask(struct session *s, enum rs_hook hook, session_step *step)
{
	assert(s->decision == NULL);
	if (filtered_door(s)) {
		s->decided_line = 0;
		s->by_gateway = false;
		step(s, filtered_verdict(s, hook));
		return;
	}
	s->step = step;
	s->answered = s->waited = false;
	s->asking = true;
	s->record = record_new(s);
	s->decision = policy_decide(s->gen->policy, hook, &s->facts,
	    s->record, decided, s);
	s->asking = false;
	if (s->answered)
		go_on(s);
	else {
		s->waited = true;
		session_park(s);
	}
}

void
session_unpark(struct session *s)
{
	s->parked = false;
	s->busy = true;
}

void
session_go_on(struct session *s)
{
	s->busy = false;
	if (s->parked)
		session_settle(s);
	else
		session_resume(s);
}

void
session_park(struct session *s)
{
	s->parked = true;
	s->deadline_ms = loop_now_ms() + PARKED_MS;
}
