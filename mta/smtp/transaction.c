/*
 * transaction.c - what a transaction holds, and its envelope.
 */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/header.h"
#include "mta/smtp/cut.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/kept.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"
#include "mta/smtp/xclient.h"
#include "mta/spool/attributes.h"

/* Tags start as the session left them. */
static struct rs_value *
tags_begin(struct session *s, struct transaction *t)
{
	const struct policy	*p = s->gen->policy;
	struct rs_value		*tags;

	if (s->tags == NULL)
		return NULL;
	tags = policy_tags_new(p, &t->arena);
	memcpy(tags, s->tags, rs_ntag(policy_image(p)) * sizeof(*tags));
	return tags;
}

struct transaction *
transaction_begin(struct session *s)
{
	struct transaction	*t = xcalloc(1, sizeof(*t));

	t->qid = intake_qid(s->server->intake);
	qid_format(t->qid, t->qid_text);
	t->mail_ms = clock_wall_ms();
	t->deadline_ms = loop_now_ms() + s->gen->transaction_ms;
	t->discard = s->discard;
	t->kept = smtp_kept_copy(s->kept);
	t->priority = s->priority;
	s->facts.tags = t->tags = tags_begin(s, t);
	s->tx = t;
	intake_transaction(s->server->intake, 1);
	return t;
}

void
transaction_end(struct session *s)
{
	struct transaction	*t = s->tx;
	struct policy_facts	*f = &s->facts;

	if (t == NULL)
		return;
	cut_free(&t->cut);
	s->tx = NULL;
	if (s->state & SMTP_TRANSACTION)
		xforward_clear(s);
	intake_transaction(s->server->intake, -1);
	if (t->storing)
		intake_forget(s->server->intake, s);
	s->server->held -= t->held;
	body_close(&t->body, false);
	buf_clear(&t->content);
	buf_clear(&t->header);
	buf_clear(&t->new_header);
	policy_parts_free(&t->parts);
	timer_clear(&t->delay);
	free(t->edits.v);
	free(t->rcpts);
	free(t->rcpts_params);
	free(t->kept);
	arena_clear(&t->arena);
	free(t);
	f->sender = f->rcpt = f->content = SPAN_NONE;
	f->parts = NULL;
	f->sender_at = f->rcpt_at = 0;
	f->rcpts_count = f->hops = 0;
	f->size = f->lines = 0;
	f->tags = s->tags;
}

static bool
has_param(const struct envelope_param *p)
{
	return p->notify != 0 || p->orcpt_type.n > 0;
}

/* Space for parameters is only had once a recipient has one. */
static void
add_param(struct transaction *t)
{
	struct envelope_param	*p = &t->rcpt_param;

	if (t->rcpts_params == NULL && !has_param(p))
		return;
	if (t->rcpts_params == NULL)
		t->rcpts_params = xcalloc(t->cap, sizeof(*p));
	t->rcpts_params[t->nrcpts] = *p;
	if (has_param(p))
		t->rcpts_octets += ENVELOPE_PARAM_MAX -
		    ENVELOPE_ORCPT_MAX + p->orcpt.n;
}

void
transaction_add_rcpt(struct transaction *t, struct span whole)
{
	if (t->nrcpts == t->cap) {
		t->cap = t->cap == 0 ? 4 : 2 * t->cap;
		t->rcpts = xreallocarray(t->rcpts, t->cap, sizeof(*t->rcpts));
		if (t->rcpts_params != NULL)
			t->rcpts_params = xreallocarray(t->rcpts_params,
			    t->cap, sizeof(*t->rcpts_params));
	}
	add_param(t);
	t->rcpts[t->nrcpts++] = whole;
	t->rcpts_octets += whole.n + 16;
}

struct span
transaction_sender(const struct transaction *t)
{
	return t->sender.whole.n > 0 ? t->sender.whole : SPAN("<>");
}

/* --- the header section, at the start of what is in memory */

struct span
transaction_content(const struct transaction *t)
{
	return span_from(buf_span(t->body != NULL ? &t->header : &t->content),
	    t->received_n);
}

void
transaction_new_header(struct transaction *t, struct span section)
{
	struct buf	*b = t->body != NULL ? &t->header : &t->content;
	struct span	 client = transaction_content(t);
	struct buf	 out = { 0 };

	buf_add(&out, buf_span(b).p, t->received_n);
	buf_add_span(&out, section);
	buf_add_span(&out, span_from(client, header_size(client)));
	buf_clear(b);
	*b = out;
	t->header_changed = true;
}

void
transaction_read_header(struct transaction *t)
{
	const struct buf	*b = t->body == NULL ? &t->content :
				    t->new_header.n > 0 ? &t->new_header :
				    &t->header;

	t->tls_not_required = header_tls_not_required(buf_span(b));
}

/* --- the envelope */

static void
freeze(const struct session *s, const struct policy_facts *f, unsigned fact,
    struct envelope *e)
{
	e->facts[e->nfacts].fact = (uint16_t)fact;
	e->facts[e->nfacts].value = policy_fact_get(s->gen->policy, f, fact);
	e->nfacts++;
}

/* It is not what it began with: the queue can be asked for it. */
static bool
is_tagged(const struct session *s, const struct policy_facts *f,
    unsigned tag)
{
	const struct rs_image	*im = policy_image(s->gen->policy);
	struct rs_value		 first = rs_const(im, rs_tag(im, tag)->dflt);
	const struct rs_value	*v;

	if (f->tags == NULL)
		return false;
	v = &f->tags[tag];
	return v->type != first.type || v->i != first.i ||
	    !span_eq(v->s, first.s) || !ip_eq(&v->ip, &first.ip);
}

/*
 * What route may name, as it was when `on content` had decided; who sent it is
 * always wanted in the queue's log.
 */
static void
freeze_facts(const struct session *s, const struct policy_facts *f,
    struct envelope *e)
{
	const struct policy	*p = s->gen->policy;
	uint32_t		 ntags = rs_ntag(policy_image(p));

	e->facts = arena_alloc(&s->tx->arena,
	    (RS_NFACTS + ntags) * sizeof(*e->facts));
	for (unsigned i = 0; i < RS_NFACTS; i++)
		if (s->gen->route_facts >> i & 1 || i == RS_FACT_CLIENT_IP ||
		    (i == RS_FACT_CLIENT_USER && s->facts.user.n > 0))
			freeze(s, f, i, e);
	for (unsigned i = 0; i < ntags; i++)
		if (policy_route_tag(p, i) || is_tagged(s, f, i))
			freeze(s, f, POLICY_FACT_TAG | i, e);
}

uint32_t
transaction_flags(const struct transaction *t)
{
	static const uint32_t ret[] = {
		[PARAMS_RET_FULL] = ENV_RET_FULL,
		[PARAMS_RET_HDRS] = ENV_RET_HDRS,
	}, by[] = {
		[PARAMS_BY_NOTIFY] = ENV_BY_NOTIFY,
		[PARAMS_BY_RETURN] = ENV_BY_RETURN,
	};
	const struct smtp_params *p = &t->params;
	uint32_t flags = 0;

	if (p->body == PARAMS_BODY_8BITMIME || t->dot.eightbit)
		flags |= ENV_8BIT;
	if (p->body == PARAMS_BODY_BINARYMIME)
		flags |= ENV_BINARY | ENV_8BIT;
	if (p->smtputf8)
		flags |= ENV_UTF8;
	if (p->requiretls)
		flags |= ENV_REQUIRETLS;
	else if (t->tls_not_required)	/* RFC 8689, 3 */
		flags |= ENV_TLS_NOT_REQUIRED;
	if (p->by_trace)
		flags |= ENV_BY_TRACE;
	flags |= ret[p->ret] | by[p->by];
	return flags;
}

/* What MAIL said besides the sender. */
static void
set_params(const struct transaction *t, struct envelope *e)
{
	const struct smtp_params *p = &t->params;

	e->flags |= transaction_flags(t);
	e->envid = p->envid;
	if (p->by != PARAMS_BY_NONE)
		e->by_ms = t->mail_ms + (int64_t)p->by_s * 1000;
}

void
transaction_envelope(const struct session *s, uint64_t size, struct buf *out)
{
	struct transaction	*t = s->tx;
	struct policy_facts	 f = s->facts;
	struct policy_names	*names = NULL;
	struct envelope		 e = {
		.qid = t->qid,
		.arrival_ms = t->arrival_ms,
		.size = size,
		.sender = t->sender.whole,
		.policy = span_of(rs_image_hash(policy_image(s->gen->policy))),
		.nrcpts = t->nrcpts,
		.rcpts = t->rcpts,
		.params = t->rcpts_params,
	};

	set_params(t, &e);
	if (t->kept != NULL)
		attr_put_kept(&e, &t->arena, t->kept->how,
		    smtp_kept_why(t->kept));
	if (t->priority != 0 && t->priority != PRIORITY_NORMAL + 1)
		attr_put_priority(&e, &t->arena, t->priority - 1u);
	if (filtered_door(s))
		filtered_facts(s, &f, names = policy_names_new());
	freeze_facts(s, &f, &e);
	if (s->origin.program)
		attr_put_program(&e, &t->arena, s->origin.uid,
		    s->origin.login);
	if (s->gen->filters)
		filtered_envelope(s, &e, &t->arena);
	envelope_format(&e, out);
	policy_names_free(&names);
}
