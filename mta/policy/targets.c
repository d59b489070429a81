/*
 * targets.c - what a routing has found, and its memory.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/domain.h"
#include "mta/msg/hop.h"

#include "mta/policy/routing_int.h"

#define SMTP_PORT	25	/* RFC 5321, 4.5.4.2 */
#define SOCKET_PATH_MAX	107	/* octets; unix(7) */

struct routing *
routing_new(struct policy *p, struct policy_facts *f)
{
	struct routing	*r = p->idle_routings;

	if (r != NULL) {
		p->idle_routings = r->next;
		p->nidle_routings--;
		r->next = NULL;
	} else
		r = xcalloc(1, sizeof(*r));
	r->policy = policy_ref(p);
	r->facts = *f;
	r->asking = asking_new(p);
	r->asking->routing = r->asking->dry = true;
	r->asking->tags_arena = &r->arena;
	r->targets = &r->first;
	r->outcomes = &r->first_outcome;
	r->cap = 1;
	return r;
}

/* Ready for the next; only the arenas' first blocks are kept. */
static void
clear(struct routing *r)
{
	struct arena	ar, scratch;

	if (r->cap > 1) {
		free(r->targets);
		free(r->outcomes);
	}
	htab_clear(&r->seen);
	arena_reset(&r->arena);
	arena_reset(&r->scratch);
	ar = r->arena;
	scratch = r->scratch;
	*r = (struct routing){ .arena = ar, .scratch = scratch };
}

void
routing_free(struct routing **rp)
{
	struct routing	*r = *rp;
	struct policy	*p;

	*rp = NULL;
	if (r == NULL)
		return;
	if (r->busy || r->queued) {	/* who runs it frees it */
		r->given_up = true;
		return;
	}
	p = r->policy;
	forward_stop(r);
	asking_free(&r->asking);
	clear(r);
	if (p->nidle_routings < IDLE_MAX) {
		r->next = p->idle_routings;
		p->idle_routings = r;
		p->nidle_routings++;
	} else {
		arena_clear(&r->arena);
		arena_clear(&r->scratch);
		free(r);
	}
	policy_unref(&p);
}

void
routings_drop(struct policy *p)
{
	struct routing	*r;

	while ((r = p->idle_routings) != NULL) {
		p->idle_routings = r->next;
		arena_clear(&r->arena);
		arena_clear(&r->scratch);
		free(r);
	}
	p->nidle_routings = 0;
}

static void
grow(struct routing *r)
{
	size_t		 cap = r->cap == 1 ? 8 : r->cap * 2;
	struct target	*t = r->cap == 1 ? NULL : r->targets;
	struct outcome	*o = r->cap == 1 ? NULL : r->outcomes;

	t = xreallocarray(t, cap, sizeof(*t));
	o = xreallocarray(o, cap, sizeof(*o));
	if (r->cap == 1) {
		*t = r->first;
		*o = r->first_outcome;
	}
	r->targets = t;
	r->outcomes = o;
	r->cap = cap;
}

/* A verdict whose spans last as long as the routing. */
static const struct rs_verdict *
keep(struct routing *r, const struct rs_verdict *v)
{
	struct rs_verdict	k = *v, *kept;

	if (!r->dry && r->record == NULL && r->policy->later != NULL)
		return NULL;	/* nobody asks; there may be many */
	if (v->text.n > 0)
		k.text = arena_span(&r->arena, v->text);
	if (v->status.n > 0)
		k.status = arena_span(&r->arena, v->status);
	if (v->kind == RS_V_EXPAND)	/* a list may be long */
		k.value = (struct rs_value){ .type = RS_T_NONE };
	else if (v->value.type != RS_T_NONE)
		k.value = rs_copy(&v->value, &r->arena);
	kept = arena_alloc(&r->arena, sizeof(*kept));
	*kept = k;
	return kept;
}

void
routing_add(struct routing *r, const struct target *t)
{
	static const struct rs_verdict	none;

	if (r->n == r->cap)
		grow(r);
	r->targets[r->n] = *t;
	r->targets[r->n].address = r->at.whole;
	if (t->kind != TARGET_DISCARD) {
		r->targets[r->n].mail_from = r->from;
		r->targets[r->n].owned = r->from.n > 0;
	}
	r->outcomes[r->n] = (struct outcome){ .verdict = &none,
	    .file = r->file, .line = r->line };
	if (r->last != NULL)
		r->outcomes[r->n].verdict = keep(r, r->last);
	r->n++;
}

void
routing_forget(struct routing *r)
{
	r->n = 0;
}

void
routing_fail(struct routing *r, unsigned code, const char *status,
    struct span text)
{
	struct target	t = { .kind = code < 500 ? TARGET_LATER : TARGET_FAIL };

	t.code = (uint16_t)code;
	t.status = span_of(status);
	t.text = text;
	routing_add(r, &t);
}

/* --- what others ask */

const struct target *
routing_targets(const struct routing *r, size_t *n)
{
	*n = r->n;
	return r->targets;
}

const struct rs_verdict *
routing_verdict(const struct routing *r, size_t target)
{
	return target < r->n ? r->outcomes[target].verdict : NULL;
}

const char *
routing_member(const struct routing *r, size_t target, uint32_t *line)
{
	*line = target < r->n ? r->outcomes[target].line : 0;
	return target < r->n ? r->outcomes[target].file : NULL;
}

bool
routing_done(const struct routing *r)
{
	return r->over || r->phase == ROUTE_OVER;
}

uint64_t
routing_steps(const struct routing *r)
{
	return r->steps;
}

int
routing_unknown(const struct routing *r)
{
	bool	unknown = false, cannot_say = false;
	size_t	i;

	for (i = 0; i < r->n; i++) {
		if (r->outcomes[i].unknown)
			unknown = true;
		else if (r->outcomes[i].cannot)
			cannot_say = true;
		else
			return 0;
	}
	if (cannot_say)
		return -1;
	return unknown ? 1 : 0;
}

ptrdiff_t
routing_refusal(const struct routing *r)
{
	ptrdiff_t	at = -1;
	size_t		i;

	for (i = 0; i < r->n; i++) {
		if (target_good(&r->targets[i]) || r->outcomes[i].unknown)
			return -1;
		/* What may succeed later comes before what never will. */
		if (at == -1 || (r->targets[i].kind == TARGET_LATER &&
		    r->targets[at].kind == TARGET_FAIL))
			at = (ptrdiff_t)i;
	}
	return at;
}

bool
routing_is_local(const struct routing *r)
{
	size_t	i;

	for (i = 0; i < r->n; i++)
		if (r->targets[i].kind == TARGET_DELIVER)
			return true;
	return false;
}

/* --- next hops as text (mta/msg/hop.h) */

static bool
address_hop(struct span text, unsigned port, struct arena *ar,
    struct span *hop)
{
	char		buf[IP_TEXT_MAX];
	struct ip	ip;

	if (span_iprefix(text, SPAN("IPv6:")))
		text = span_from(text, 5);
	if (!ip_parse(text, &ip))
		return false;
	*hop = hop_format(ar, HOP_TO_HOST, arena_printf(ar, "[%s]:%u",
	    ip_format(&ip, buf), port));
	return true;
}

static bool
port_parse(struct span s, unsigned *port)
{
	uint64_t	n;

	if (!span_u64(s, 65535, &n) || n == 0)
		return false;
	*port = (unsigned)n;
	return true;
}

/* "[address]" or "[address]:port" */
static bool
literal_hop(struct span s, struct arena *ar, struct span *hop)
{
	ptrdiff_t	end = span_index(s, ']');
	unsigned	port = SMTP_PORT;
	struct span	rest;

	if (end < 0)
		return false;
	rest = span_from(s, (size_t)end + 1);
	if (rest.n > 0 &&
	    (rest.p[0] != ':' || !port_parse(span_from(rest, 1), &port)))
		return false;
	return address_hop(span_mem(s.p + 1, (size_t)end - 1), port, ar, hop);
}

/* "mx:name" or "mx:name:port", as a table of routes says it among several. */
static bool
mx_hop(struct span s, struct arena *ar, struct span *hop)
{
	ptrdiff_t	 colon = span_index(s, ':');
	struct span	 name = s, norm;
	unsigned	 port;
	const char	*why;

	if (colon >= 0) {
		name = span_mem(s.p, (size_t)colon);
		if (!port_parse(span_from(s, (size_t)colon + 1), &port))
			return false;
	}
	if (domain_normalise(name, ar, &norm, &why) == -1)
		return false;
	*hop = hop_format(ar, HOP_TO_MX, arena_join(ar, norm,
	    span_from(s, name.n), SPAN_NONE));
	return true;
}

static bool
one_hop(struct span s, struct arena *ar, struct span *hop)
{
	struct span	 name = s, norm;
	unsigned	 port = SMTP_PORT;
	const char	*why;
	ptrdiff_t	 colon;

	if (s.n == 0)
		return false;
	if (s.p[0] == '[')
		return literal_hop(s, ar, hop);
	if (address_hop(s, port, ar, hop))
		return true;
	if ((colon = span_index(s, ':')) >= 0) {
		name = span_mem(s.p, (size_t)colon);
		if (!port_parse(span_from(s, (size_t)colon + 1), &port))
			return false;
	}
	if (address_hop(name, port, ar, hop))
		return true;
	if (domain_normalise(name, ar, &norm, &why) == -1)
		return false;
	*hop = hop_format(ar, HOP_TO_HOST, arena_printf(ar, "%.*s:%u",
	    SPAN_ARG(norm), port));
	return true;
}

bool
routing_host(struct span s, struct arena *ar, struct span *hop)
{
	struct span	 one;
	ptrdiff_t	 blank;

	*hop = SPAN_NONE;
	do {
		blank = span_index(s, ' ');
		one = blank < 0 ? s : span_mem(s.p, (size_t)blank);
		s = blank < 0 ? SPAN_NONE : span_from(s, one.n + 1);
		if (!(span_prefix(one, SPAN("mx:")) ?
		    mx_hop(span_from(one, 3), ar, &one) :
		    one_hop(one, ar, &one)))
			return false;
		*hop = hop->n == 0 ? one :
		    arena_printf(ar, "%.*s %.*s", SPAN_ARG(*hop),
		    SPAN_ARG(one));
	} while (s.n > 0);
	return true;
}

/* "host:25" has a port; "host" and "[address]" have none. */
static bool
has_port(struct span s)
{
	size_t	i = s.n;

	while (i > 0 && s.p[i - 1] >= '0' && s.p[i - 1] <= '9')
		i--;
	return i > 0 && i < s.n && s.p[i - 1] == ':';
}

bool
routing_host_value(struct span s, struct arena *ar, struct span *out)
{
	struct hop_text	 host;
	struct span	 hop;
	struct ip	 ip;
	size_t		 i;

	if (!one_hop(s, ar, &hop) || !hop_parse(hop, &host))
		return false;
	*out = host.where;
	if (has_port(s) && !ip_parse(s, &ip))
		return true;
	for (i = out->n; out->p[i - 1] != ':'; i--)
		;
	out->n = i - 1;		/* the usual one was put there */
	return true;
}

bool
routing_lmtp(struct span s, struct arena *ar, struct span *hop)
{
	struct hop_text	 host;

	if (span_index(s, ' ') >= 0 || span_has_control(s))
		return false;
	if (span_prefix(s, SPAN("unix:")))
		s = span_from(s, 5);
	if (span_prefix(s, SPAN("/"))) {
		*hop = hop_format(ar, HOP_TO_LMTP, s);
		return s.n > 1 && s.n <= SOCKET_PATH_MAX;
	}
	if (!has_port(s) || !one_hop(s, ar, hop) || !hop_parse(*hop, &host))
		return false;
	*hop = hop_format(ar, HOP_TO_LMTP, host.where);
	return true;
}
