/*
 * cut.c - where the recipients leave for, what the hop has said, what follows.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/relayed.h"
#include "mta/smtp/cut.h"
#include "mta/smtp/cut_relay.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/spool/attributes.h"
#include "mta/spool/segment.h"

/*
 * However short the policy's times are, the session outlives the wait for relay
 * (CUT in messages.def) and for the disk: who is cut off then sends again what
 * the hop has.
 */
#define PATIENCE_MS	120000

struct cut {
	struct session		*session;
	struct policy_facts	 facts;		/* as the real route has them */
	struct routing		*routing;
	struct rs_record	*record;
	size_t			 next;		/* recipient */
	bool			 asking, answered;
	struct span		 hop;		/* of all (mta/msg/hop.h) */
	const struct cut_terms	*terms;		/* of it */
	struct span		 sender;	/* as it leaves */
	struct span		*leave;		/* the recipients, as they do */
	uint64_t		 ticket;	/* of cut_relay_send(); 0: not there */
	cut_step		*step;
};

/* --- whether it may be tried */

/* Only the queue can tell of success, or keep a time. */
static bool
asks_more(const struct transaction *t)
{
	size_t	i;

	if (t->params.by != PARAMS_BY_NONE || t->params.requiretls)
		return true;
	for (i = 0; t->rcpts_params != NULL && i < t->nrcpts; i++)
		if (t->rcpts_params[i].notify & NOTIFY_SUCCESS)
			return true;
	return false;
}

bool
cut_wanted(const struct session *s)
{
	const struct transaction	*t = s->tx;

	return s->gen->cut.n > 0 && t->body == NULL && t->kept == NULL &&
	    t->content.n <= SEGMENT_BODY_MAX &&
	    t->priority != PRIORITY_LOW + 1 && !filtered_door(s) &&
	    !s->server->stopping && !asks_more(t);
}

/* --- its end */

static void
over(struct cut *c, enum cut_end end, const struct rs_verdict *v)
{
	struct session	*s = c->session;
	cut_step	*step = c->step;

	cut_free(&s->tx->cut);
	step(s, end, v);
}

/* From the loop, while the session is parked. */
static void
over_later(struct cut *c, enum cut_end end, const struct rs_verdict *v)
{
	struct session	*s = c->session;

	session_unpark(s);
	over(c, end, v);
	session_go_on(s);
}

void
cut_free(struct cut **cp)
{
	struct cut	*c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->ticket != 0)
		cut_relay_forget(c->session->server->cut, c->ticket);
	routing_free(&c->routing);
	policy_record_free(&c->record);
	free(c->leave);
	free(c);
}

/* --- log lines, as the queue writes them */

static void
log_accepted(const struct session *s)
{
	const struct transaction	*t = s->tx;
	char				 ip[IP_TEXT_MAX];

	log_info("accepted id=%s from=%s size=%zu nrcpt=%zu client=%s user=%s "
	    "policy=%s cut=through", t->qid_text, log_quote(t->sender.whole),
	    t->content.n, t->nrcpts, ip_format(&s->facts.client_ip, ip),
	    s->facts.user.n == 0 ? "-" : log_quote(s->facts.user),
	    rs_image_hash(policy_image(s->gen->policy)));
}

static void
log_sent(const struct cut *c, size_t rcpt, const struct cut_answer *a)
{
	const struct transaction	*t = c->session->tx;
	const struct cut_result		*r = &a->rcpts[rcpt];

	log_info("sent id=%s to=%s hop=%.*s mta=%s%s code=%u reply=%s "
	    "cut=through", t->qid_text, log_quote(t->rcpts[rcpt]),
	    SPAN_ARG(c->hop), log_quote(a->mta),
	    relayed_log(a->tls, a->login), r->code, log_quote(r->text));
}

/*
 * Why it goes to the spool ("spooled"), or is refused ("hop-refused"), by the
 * first whom the hop has not taken.
 */
static void
log_why(const struct cut *c, const char *event, size_t left,
    const struct cut_result *why, struct span mta)
{
	log_info("%s id=%s hop=%.*s mta=%s nrcpt=%zu code=%u reply=%s "
	    "cut=through", event, c->session->tx->qid_text,
	    SPAN_ARG(c->hop), mta.n == 0 ? "-" : log_quote(mta), left,
	    why->code, log_quote(why->text));
}

/* --- what the hop has said */

/* Those whom the hop has taken leave the transaction; what is left is counted. */
static size_t
keep_others(struct transaction *t, const struct cut_answer *a)
{
	size_t	i, n = 0;

	for (i = 0; i < t->nrcpts; i++) {
		if (a->rcpts[i].code / 100 == 2)
			continue;
		t->rcpts[n] = t->rcpts[i];
		if (t->rcpts_params != NULL)
			t->rcpts_params[n] = t->rcpts_params[i];
		n++;
	}
	return t->nrcpts = n;
}

static struct rs_verdict
refusal(struct transaction *t, const struct cut_answer *a)
{
	const struct cut_result	*r = &a->rcpts[0];

	return (struct rs_verdict){
		.kind = RS_V_REJECT, .code = (uint16_t)r->code,
		.status = arena_span(&t->arena, r->status),
		.text = arena_printf(&t->arena, "%.*s says: %.*s",
		    SPAN_ARG(a->mta), SPAN_ARG(r->text)),
		.rule = UINT32_MAX
	};
}

static size_t
count_class(const struct cut_answer *a, unsigned class)
{
	size_t	i, n = 0;

	for (i = 0; i < a->n; i++)
		n += a->rcpts[i].code / 100 == class;
	return n;
}

static void
taken(struct cut *c, const struct cut_answer *a)
{
	struct session	*s = c->session;
	size_t		 i;

	log_accepted(s);
	for (i = 0; i < a->n; i++)
		log_sent(c, i, a);
	s->server->count.cut++;
	over_later(c, CUT_TAKEN, NULL);
}

static void
spool(struct cut *c, const struct cut_answer *a)
{
	const struct cut_result	*why = NULL;
	size_t			 i;

	for (i = 0; i < a->n; i++)
		if (a->rcpts[i].code / 100 == 2)
			log_sent(c, i, a);
		else if (why == NULL)
			why = &a->rcpts[i];
	log_why(c, "spooled", keep_others(c->session->tx, a), why, a->mta);
	c->session->server->count.cut_spooled++;
	over_later(c, CUT_SPOOL, NULL);
}

static void
unanswered(struct cut *c)
{
	const struct cut_result	why = {
		.code = 451, .text = SPAN("relay has not answered")
	};

	log_why(c, "spooled", c->session->tx->nrcpts, &why, SPAN_NONE);
	c->session->server->count.cut_spooled++;
	over_later(c, CUT_SPOOL, NULL);
}

/* The sender's own server tells of it: we write no notification. */
static void
refuse(struct cut *c, const struct cut_answer *a)
{
	struct session		*s = c->session;
	struct rs_verdict	 v = refusal(s->tx, a);

	log_why(c, "hop-refused", a->n, &a->rcpts[0], a->mta);
	s->server->count.cut_refused++;
	over_later(c, CUT_REFUSED, &v);
}

static void
hop_said(void *arg, const struct cut_answer *a)
{
	struct cut	*c = arg;

	c->ticket = 0;
	c->session->decided_line = 0;
	if (a == NULL)
		unanswered(c);
	else if (count_class(a, 2) == a->n)
		taken(c, a);
	else if (count_class(a, 5) == a->n &&
	    !c->session->gen->cut.soft_bounce)
		refuse(c, a);
	else
		spool(c, a);
}

/* Parks the session; false: it cannot be sent. */
static bool
send_it(struct cut *c)
{
	struct session			*s = c->session;
	struct transaction		*t = s->tx;
	const struct cut_message	 m = {
		.qid = t->qid, .hop = c->hop, .terms = c->terms,
		.flags = transaction_flags(t), .sender = c->sender,
		.envid = t->params.envid, .content = buf_span(&t->content),
		.n = t->nrcpts, .rcpts = c->leave, .params = t->rcpts_params
	};

	c->ticket = cut_relay_send(s->server->cut, &m, hop_said, c);
	if (c->ticket != 0 && s->deadline_ms < loop_now_ms() + PATIENCE_MS)
		s->deadline_ms = loop_now_ms() + PATIENCE_MS;
	return c->ticket != 0;
}

/* --- where the recipients leave for */

/* false: this one stays, or leaves otherwise than those before it. */
static bool
take_target(struct cut *c, const struct target *t)
{
	struct transaction	*tx = c->session->tx;
	struct span		 rcpt = tx->rcpts[c->next];
	const struct cut_terms	*terms;
	struct span		 from, to;
	size_t			 i;

	if (t == NULL || !span_eq(t->address, rcpt) ||
	    (terms = cut_hops_find(&c->session->gen->cut, t->hop)) == NULL)
		return false;
	from = t->mail_from.n > 0 ? t->mail_from : tx->sender.whole;
	to = t->rcpt_to.n > 0 ? t->rcpt_to : t->address;
	if (c->next == 0) {
		c->hop = arena_span(&tx->arena, t->hop);
		c->terms = terms;
		c->sender = arena_span(&tx->arena, from);
	}
	for (i = 0; i < c->next; i++)
		if (span_eq(c->leave[i], to))
			return false;	/* the queue sends it once */
	c->leave[c->next] = arena_span(&tx->arena, to);
	return span_eq(c->hop, t->hop) && span_eq(c->sender, from) &&
	    tx->nrcpts <= terms->recipients;
}

/* false: it is not to be cut through. */
static bool
take_routing(struct cut *c)
{
	struct policy	*p = c->session->gen->policy;
	bool		 good;

	policy_record_log(p, &c->record);
	good = take_target(c, routing_leaves(c->routing));
	routing_free(&c->routing);
	c->next++;
	return good;
}

static struct rs_record *
record_new(const struct session *s)
{
	struct rs_record	*r;

	if (!s->server->records)
		return NULL;
	if ((r = policy_record_new(s->tx->qid_text)) != NULL)
		r->hook = RS_HOOK_ROUTE;
	return r;
}

static void	routed(void *, struct routing *);

enum asked { ASK_WAITS, ASK_STAYS, ASK_LEAVES };

static enum asked
ask_on(struct cut *c)
{
	struct session		*s = c->session;
	struct transaction	*t = s->tx;

	while (c->next < t->nrcpts) {
		c->facts.rcpt = t->rcpts[c->next];
		c->facts.rcpt_at = rs_address(c->facts.rcpt).at;
		c->answered = false;
		c->asking = true;
		c->record = record_new(s);
		c->routing = policy_route_leaving(s->gen->policy, &c->facts,
		    c->record, routed, c);
		c->asking = false;
		if (!c->answered)
			return ASK_WAITS;
		if (!take_routing(c))
			return ASK_STAYS;
	}
	return ASK_LEAVES;
}

static void
routed(void *arg, struct routing *routing)
{
	struct cut	*c = arg;
	enum asked	 is;

	(void)routing;
	c->answered = true;
	if (c->asking)
		return;		/* ask_on() goes on */
	is = take_routing(c) ? ask_on(c) : ASK_STAYS;
	if (is == ASK_WAITS || (is == ASK_LEAVES && send_it(c)))
		return;
	over_later(c, CUT_SPOOL, NULL);
}

/* What the envelope would say; a rate counts once for each message. */
static void
set_facts(struct cut *c)
{
	const struct session	*s = c->session;
	const struct policy	*p = s->gen->policy;
	struct policy_facts	*f = &c->facts;

	*f = s->facts;
	f->content = SPAN_NONE;
	f->parts = NULL;
	f->tx = s->tx->qid;
	f->command = 0;
	if (f->tags != NULL) {
		f->tags = policy_tags_new(p, &s->tx->arena);
		memcpy(f->tags, s->facts.tags,
		    rs_ntag(policy_image(p)) * sizeof(*f->tags));
	}
}

void
cut_try(struct session *s, cut_step *step)
{
	struct cut	*c = xcalloc(1, sizeof(*c));
	enum asked	 is;

	c->session = s;
	c->step = step;
	c->leave = xcalloc(s->tx->nrcpts, sizeof(*c->leave));
	s->tx->cut = c;
	set_facts(c);
	is = ask_on(c);
	if (is == ASK_WAITS || (is == ASK_LEAVES && send_it(c)))
		session_park(s);
	else
		over(c, CUT_SPOOL, NULL);
}
