/*
 * facts.c - which facts are frozen into an envelope, and how they come back.
 */
#include "mta/policy/policy_int.h"

uint64_t
facts_named(const struct policy *p)
{
	static const enum rs_hook	asked[] = { RS_HOOK_ROUTE, RS_HOOK_DELIVER,
	    RS_HOOK_REWRITE_OUT_SENDER, RS_HOOK_REWRITE_OUT_RCPT };
	uint64_t			bits = 0;
	uint32_t			i;

	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (p->hooks[asked[i]] != UINT32_MAX)
			bits |= rs_func_facts(p->image, p->hooks[asked[i]]);
	for (i = 0; i < rs_nfunc(p->image); i++)
		if (rs_func(p->image, i)->kind == RS_FUNC_EXPR)
			bits |= rs_func_facts(p->image, i);
	return bits;
}

uint64_t
policy_route_facts(const struct policy *p)
{
	/* These stand in the envelope, or are an account's. */
	static const uint64_t	not_frozen = RS_FACT_BIT(RS_FACT_SENDER) |
	    RS_FACT_BIT(RS_FACT_RCPT) | RS_FACT_BIT(RS_FACT_MESSAGE_SIZE) |
	    RS_FACT_BIT(RS_FACT_ACCOUNT) | RS_FACT_BIT(RS_FACT_USER) |
	    RS_FACT_BIT(RS_FACT_DOMAIN) | RS_FACT_BIT(RS_FACT_DETAIL) |
	    RS_FACT_BIT(RS_FACT_QUEUE_AGE) |
	    RS_FACT_BIT(RS_FACT_QUEUE_ATTEMPTS) |
	    RS_FACT_BIT(RS_FACT_BOUNCE_KIND) |
	    RS_FACT_BIT(RS_FACT_BOUNCE_STATUS) |
	    RS_FACT_BIT(RS_FACT_HOP_NAME) | RS_FACT_BIT(RS_FACT_HOP_IP);

	return p->named & (RS_TAG_BIT(0) - 1) & ~not_frozen;
}

bool
policy_route_tag(const struct policy *p, unsigned tag)
{
	return (p->named & RS_TAG_BIT(tag)) != 0;
}

bool
facts_have_tags(const struct policy *p)
{
	return p->named >= RS_TAG_BIT(0);
}

/* --- back from the envelope */

static struct span
text_of(const struct rs_value *v)
{
	return v->type == RS_T_TEXT || v->type == RS_T_DOMAIN ||
	    v->type == RS_T_ADDRESS ? v->s : SPAN_NONE;
}

static uint64_t
number_of(const struct rs_value *v)
{
	return (v->type == RS_T_INT || v->type == RS_T_SIZE ||
	    v->type == RS_T_BOOL) && v->i > 0 ? (uint64_t)v->i : 0;
}

static void
set_address(struct span *whole, size_t *at, const struct rs_value *v)
{
	if (v->type != RS_T_ADDRESS || v->at > v->s.n)
		return;
	*whole = v->s;
	*at = v->at;
}

static void
set_name(struct policy_facts *f, bool verified, const struct rs_value *v)
{
	struct span	other;

	/* A name that could not be asked when the client was here: none. */
	if (f->names == NULL)
		return;
	if (names_peek(f->names, !verified, &other) != RS_HAVE)
		other = SPAN_NONE;
	policy_names_set(f->names, verified ? other : text_of(v),
	    verified ? text_of(v) : other);
}

#define HOUR_MS		3600000
#define DAY_MS		86400000

/* As it was, not as it is: each part in its place, whichever are known. */
static void
set_time(struct policy_facts *f, unsigned fact, uint64_t n)
{
	int64_t	day = f->now_ms / DAY_MS, ms = f->now_ms % DAY_MS;

	switch (fact) {
	case RS_FACT_TIME_HOUR:
		ms = (int64_t)(n % 24) * HOUR_MS + ms % HOUR_MS;
		break;
	case RS_FACT_TIME_MINUTE:
		ms = ms / HOUR_MS * HOUR_MS + (int64_t)(n % 60) * 60000;
		break;
	case RS_FACT_TIME_WEEKDAY:	/* 1970-01-01 was a Thursday */
		day = (int64_t)((n + 3) % 7);
		break;
	default:
		return;
	}
	f->now_ms = day * DAY_MS + ms;
	if (f->now_ms == 0)		/* would be the clock */
		f->now_ms = 1;
}

/* Of TLS with the client. */
static void
set_tls(struct policy_facts *f, unsigned fact, const struct rs_value *v)
{
	switch (fact) {
	case RS_FACT_CLIENT_CERTIFICATE:
		f->certificate = text_of(v);
		break;
	case RS_FACT_TLS_VERSION:
		f->tls_version = text_of(v);
		break;
	case RS_FACT_TLS_CIPHER:
		f->tls_cipher = text_of(v);
		break;
	case RS_FACT_TLS_VERIFIED:
		f->tls_verified = number_of(v) != 0;
		break;
	default:
		break;
	}
}

void
policy_fact_set(const struct policy *p, struct policy_facts *f,
    unsigned fact, const struct rs_value *v)
{
	if (fact & POLICY_FACT_TAG) {
		fact &= ~POLICY_FACT_TAG;
		if (f->tags != NULL && fact < rs_ntag(p->image) &&
		    v->type == rs_tag(p->image, fact)->type)
			f->tags[fact] = *v;
		return;
	}
	switch (fact) {
	case RS_FACT_CLIENT_IP:
		if (v->type == RS_T_IP)
			f->client_ip = v->ip;
		break;
	case RS_FACT_CLIENT_PORT:
		f->client_port = (uint16_t)number_of(v);
		break;
	case RS_FACT_CLIENT_NAME:
		set_name(f, false, v);
		break;
	case RS_FACT_CLIENT_VERIFIED_NAME:
		set_name(f, true, v);
		break;
	case RS_FACT_LISTENER:
		f->listener = text_of(v);
		break;
	case RS_FACT_TIME_HOUR:
	case RS_FACT_TIME_MINUTE:
	case RS_FACT_TIME_WEEKDAY:
		set_time(f, fact, number_of(v));
		break;
	case RS_FACT_TIME_NOW:
		if (v->type == RS_T_DATE)
			f->now_ms = v->i;
		break;
	case RS_FACT_CLIENT_HELO:
		f->helo = text_of(v);
		break;
	case RS_FACT_CLIENT_AUTHENTICATED:
		f->authenticated = number_of(v) != 0;
		break;
	case RS_FACT_CLIENT_USER:
		f->user = text_of(v);
		break;
	case RS_FACT_SENDER:
		set_address(&f->sender, &f->sender_at, v);
		break;
	case RS_FACT_RCPT:
		set_address(&f->rcpt, &f->rcpt_at, v);
		break;
	case RS_FACT_RCPTS_COUNT:
		f->rcpts_count = (unsigned)number_of(v);
		break;
	case RS_FACT_MESSAGE_SIZE:
		f->size = number_of(v);
		break;
	case RS_FACT_MESSAGE_LINES:
		f->lines = number_of(v);
		break;
	case RS_FACT_MESSAGE_HOPS:
		f->hops = (unsigned)number_of(v);
		break;
	default:
		set_tls(f, fact, v);
		break;
	}
}
