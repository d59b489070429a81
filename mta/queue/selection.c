/*
 * selection.c - requests against messages; selection.h.
 */
#include "mta/queue/selection.h"

#include "base/clock.h"
#include "mta/msg/hop.h"
#include "mta/queue/reasons.h"
#include "mta/queue/tagnames.h"

#include <stdio.h>

#define KEPT	(REQUEST_HELD | REQUEST_QUARANTINED)

void
selection_begin(struct selection *s, struct queue *q, const struct request *r)
{
	memset(s, 0, sizeof(*s));
	s->q = q;
	s->r = r;
	s->by_target = request_selects_targets(r);
}

void
selection_end(struct selection *s)
{
	arena_clear(&s->arena);
}

/* --- states, as people see them */

/* Kept, and nothing of it under way: as reason_of_dest() has it. */
static bool
is_kept(const struct message *m, const struct dest *d)
{
	return m->flags & M_HELD && (d->state == DEST_NEW ||
	    d->state == DEST_READY || d->state == DEST_WAIT) &&
	    !(d->flags & DEST_PREPARED);
}

const char *
selection_state(const struct message *m, const struct dest *d)
{
	if (is_kept(m, d))
		return m->flags & M_QUARANTINED ? "quarantined" : "held";
	return dest_state_name(d->state);
}

static uint32_t
state_bit(const struct message *m, const struct dest *d)
{
	if (is_kept(m, d))
		return m->flags & M_QUARANTINED ? REQUEST_QUARANTINED :
		    REQUEST_HELD;
	return 1u << d->state;
}

/* --- conditions on messages */

static bool
is_of_age(const struct request *r, const struct message *m)
{
	int64_t	age;

	if (r->older_ms == 0 && r->newer_ms == 0)
		return true;
	age = clock_wall_ms() - message_arrival_ms(m);
	return (r->older_ms == 0 || age >= r->older_ms) &&
	    (r->newer_ms == 0 || age < r->newer_ms);
}

/* Kept as a whole: what is under way of it does not matter. */
static bool
is_in_message_state(const struct request *r, const struct message *m)
{
	if (r->states == 0 || (r->states & ~KEPT) != 0)
		return true;	/* it is asked of each target */
	return m->flags & M_HELD && (m->flags & M_QUARANTINED ?
	    r->states & REQUEST_QUARANTINED : r->states & REQUEST_HELD);
}

/* It may be there because route reads it, with what it begins with. */
static bool
is_set(const struct rs_value *v)
{
	switch (v->type) {
	case RS_T_NONE:
	case RS_T_UNKNOWN:
		return false;
	case RS_T_BOOL:
	case RS_T_INT:
	case RS_T_SIZE:
	case RS_T_TIME:
		return v->i != 0;
	case RS_T_IP:
	case RS_T_NET:
		return v->ip.family != 0;
	default:
		return v->s.n > 0;
	}
}

static bool
has_tag(const struct selection *s)
{
	const struct envelope	*e = &s->e;
	struct arena		 a = { 0 };
	bool			 has = false;
	size_t			 i;

	for (i = 0; i < e->nfacts && !has; i++) {
		if (!tagnames_is(s->q->tags, e->policy, e->facts[i].fact,
		    s->r->tag.text))
			continue;
		has = s->r->tag_value.given ?
		    request_text_matches(&s->r->tag_value,
		    rs_format(&e->facts[i].value, &a)) :
		    is_set(&e->facts[i].value);
	}
	arena_clear(&a);
	return has;
}

/* Without its envelope. */
static bool
takes_outside(const struct selection *s, const struct message *m)
{
	const struct request	*r = s->r;

	if (m->flags & M_GONE || (r->has_id && m->qid != r->id))
		return false;
	if (r->priorities != 0 &&
	    !(r->priorities >> message_priority(m) & 1))
		return false;
	if (!is_in_message_state(r, m) || !is_of_age(r, m))
		return false;
	return !r->sender.given ||
	    request_text_matches(&r->sender, message_sender(m));
}

/* --- conditions on targets */

struct span
selection_domain(struct span address)
{
	const char	*at = address.n == 0 ? NULL :
			    memrchr(address.p, '@', address.n);

	return at == NULL ? SPAN_NONE : span_from(address,
	    (size_t)(at - address.p) + 1);
}

/* "d" itself, or ".d": those below it; '*' stands for anything. */
static bool
is_domain(struct span wanted, struct span domain)
{
	struct request_text	t = { true, wanted };

	if (wanted.p[0] != '.')
		return request_text_matches(&t, domain);
	return domain.n > wanted.n && span_ieq(wanted,
	    span_from(domain, domain.n - wanted.n));
}

/* Its text, what stands behind "relay:" or "mx:", its block, or its host alone. */
static bool
is_hop(const struct request_text *wanted, const struct dest *d)
{
	struct span	hop = d->hop == NULL ? SPAN_NONE :
			    span_mem(d->hop->text, d->hop->text_n);
	struct hop_text	h;

	if (request_text_matches(wanted, hop))
		return true;
	while (hop_next(&hop, &h))
		if (request_text_matches(wanted, h.whole) ||
		    request_text_matches(wanted, h.where) ||
		    request_text_matches(wanted, hop_block(&h)) ||
		    request_text_matches(wanted, hop_name(&h)))
			return true;
	return false;
}

static bool
is_rcpt(const struct selection *s, const struct dest *d)
{
	const struct request	*r = s->r;
	struct span		 given = s->e.rcpts[d->rcpt];
	struct span		 address = dest_address(d, &s->e);

	if (r->recipient.given &&
	    !request_text_matches(&r->recipient, given) &&
	    !request_text_matches(&r->recipient, address))
		return false;
	return r->domain.n == 0 ||
	    is_domain(r->domain, selection_domain(address)) ||
	    is_domain(r->domain, selection_domain(given));
}

static bool
starts_with(uint16_t code, struct span digits)
{
	char	text[8];

	(void)snprintf(text, sizeof(text), "%03u", (unsigned)code);
	return span_prefix(span_of(text), digits);
}

/* "4.4" is 4.4 and all 4.4.x, and not 4.40. */
static bool
is_status(struct span status, struct span wanted)
{
	return span_prefix(status, wanted) && (status.n == wanted.n ||
	    wanted.p[wanted.n - 1] == '.' || status.p[wanted.n] == '.');
}

static bool
contains(struct span text, struct span part)
{
	for (; text.n >= part.n; text = span_from(text, 1))
		if (span_iprefix(text, part))
			return true;
	return false;
}

static bool
is_answer(const struct request *r, const struct dest *d)
{
	struct answer	an;

	if (r->code.n == 0 && r->status.n == 0 && r->text.n == 0)
		return true;
	if (!dest_answer(d, &an))
		return false;
	return (r->code.n == 0 || starts_with(an.code, r->code)) &&
	    (r->status.n == 0 || is_status(an.status, r->status)) &&
	    (r->text.n == 0 || contains(an.text, r->text) ||
	    contains(an.mta, r->text));
}

static bool
is_open(const struct dest *d)
{
	return d->state != DEST_DONE;
}

bool
selection_takes_dest(const struct selection *s, const struct dest *d)
{
	const struct request	*r = s->r;

	if ((r->states & ~KEPT) == 0 ? !is_open(d) :
	    !(r->states & state_bit(s->m, d)))
		return false;
	if (r->reasons != 0 &&
	    !(r->reasons >> reason_of_dest(s->q, s->m, d) & 1))
		return false;
	return is_answer(r, d) && (!r->hop.given || is_hop(&r->hop, d)) &&
	    is_rcpt(s, d);
}

static bool
any_target(const struct selection *s)
{
	uint32_t	i;

	for (i = 0; i < s->m->ndests; i++)
		if (selection_takes_dest(s, &s->m->dests[i]))
			return true;
	return false;
}

bool
selection_takes(struct selection *s, struct message *m)
{
	if (!takes_outside(s, m))
		return false;
	arena_reset(&s->arena);
	s->m = m;
	message_envelope(m, &s->arena, &s->e);
	if (s->r->tag.given && !has_tag(s))
		return false;
	return !s->by_target || any_target(s);
}
