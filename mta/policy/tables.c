/*
 * tables.c - what the interpreter asks of tables, and what their verdicts
 * mean at a hook (design: Verdicts of an access map).
 *
 * A table is asked as its kind says.  What comes out is text, an address or a
 * domain; with %1 put in where the kind knows that.
 */
#include "mail/address.h"
#include "mail/domain.h"

#include "mta/policy/policy_int.h"

static enum rs_answer
answer_of(enum map_result is)
{
	return is == MAP_FOUND ? RS_HAVE : is == MAP_NONE ? RS_ABSENT :
	    is == MAP_WAIT ? RS_WAIT : RS_CANNOT;
}

static bool
is_kind(const struct map *m, const char *name)
{
	return span_eq(map_kind(m), span_of(name));
}

/* --- key in M, M[key], expand M */

static struct map_question
question_of(const struct policy *p, const struct rs_value *key,
    struct arena *ar)
{
	if (key->type == RS_T_ADDRESS)
		return (struct map_question){ .ask = MAP_ASK_ADDRESS,
		    .key = key->s, .at = key->at, .detail_chars = p->detail };
	if (key->type == RS_T_DOMAIN)
		return (struct map_question){ .ask = MAP_ASK_DOMAIN,
		    .key = key->s };
	return (struct map_question){ .ask = MAP_ASK_KEY,
	    .key = rs_format(key, ar) };
}

/* The new name of an old domain. */
static enum rs_answer
as_domain(struct span s, struct arena *ar, struct rs_value *out)
{
	const char	*why;
	struct span	 norm;

	if (domain_normalise(s, ar, &norm, &why) == -1)
		return RS_CANNOT;
	*out = rs_text(RS_T_DOMAIN, norm);
	return RS_HAVE;
}

static enum rs_answer
as_address(struct span s, struct arena *ar, struct rs_value *out)
{
	struct address	 a;
	const char	*why;

	if (address_parse(s, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK, ar, &a,
	    &why) == -1)
		return RS_CANNOT;
	*out = rs_address(a.whole);
	out->at = (uint32_t)a.at;
	return RS_HAVE;
}

/* The list for this address; a refusal stays as the table writes it. */
static struct span
virtuser(struct policy *p, const struct map_answer *a,
    const struct rs_value *key, struct arena *ar)
{
	struct map_refusal	 refusal;
	struct span		 list = a->value;

	(void)map_virtuser_fill(a, key->s, key->at, p->detail, ar, &list,
	    &refusal);
	return list;
}

static enum rs_answer
value_of(struct policy *p, const struct map *m, const struct map_answer *a,
    const struct rs_value *key, struct arena *ar, struct rs_value *out)
{
	bool		 address = key->type == RS_T_ADDRESS;
	struct span	 s = a->value;
	enum rs_answer	 is = RS_HAVE;

	if (is_kind(m, "domains"))
		is = as_domain(s, ar, out);
	else if (address && is_kind(m, "generics"))
		is = as_address(map_generic_fill(a, key->s, key->at,
		    p->detail, ar), ar, out);
	else {
		if (address && is_kind(m, "virtusers"))
			s = virtuser(p, a, key, ar);
		else if (key->type == RS_T_DOMAIN && is_kind(m, "routes"))
			s = map_route_fill(a, key->s, ar);
		*out = rs_text(RS_T_TEXT, s);
		/* something put in */
		out->tainted = s.p != a->value.p && s.n > 0;
	}
	if (is == RS_HAVE)
		out->tainted |= a->filled;
	return is;
}

/* What several tables have, as one list. */
static enum rs_answer
joined(struct policy *p, const struct table_answers *as,
    const struct rs_value *key, struct arena *ar, struct rs_value *out)
{
	struct rs_value	one;
	enum rs_answer	is = RS_HAVE;
	size_t		i;

	for (i = 0; i < as->n && is == RS_HAVE; i++) {
		is = value_of(p, p->maps[as->all[i].map], &as->all[i].a, key,
		    ar, &one);
		if (i == 0 || is != RS_HAVE)
			*out = one;
		else {
			out->s = arena_join(ar, out->s, SPAN(", "), one.s);
			out->tainted |= one.tainted;
		}
	}
	return is;
}

/* Of one that is made of others, the line is that of another table. */
static uint32_t
line_in(uint32_t map, const struct table_answers *as)
{
	return as->all[0].map == map ? as->all[0].a.line : 0;
}

enum rs_answer
world_map_get(void *ctx, struct rs_eval *e, uint32_t map,
    const struct rs_value *key, struct rs_value *out, uint32_t *line)
{
	struct asking		*a = ctx;
	struct arena		*ar = rs_eval_arena(e);
	struct map_question	 q = question_of(a->policy, key, ar);
	struct table_answers	 as;
	enum map_result		 is;

	*line = 0;
	a->trace.n = 0;
	if (q.ask == MAP_ASK_ADDRESS && q.key.n == 0)
		return RS_ABSENT;
	is = tables_ask(a, map, &q, &as);
	*line = line_in(map, &as);
	if (is != MAP_FOUND)
		return answer_of(is);
	return joined(a->policy, &as, key, ar, out);
}

/* --- access[client], access[sender], access[rcpt] */

/* By its address; else by its name, when that is verified. */
static enum rs_answer
client_line(struct asking *a, uint32_t map, struct table_answers *as)
{
	struct policy_facts	*f = a->facts;
	struct map_question	 q = { .ask = MAP_ASK_ACCESS_IP,
				    .role = MAP_CONNECT };
	enum map_result		 is;
	enum rs_answer		 known;

	if (f->client_ip.family == 0)
		return RS_ABSENT;
	q.ip = f->client_ip;
	is = tables_ask(a, map, &q, as);
	if (is != MAP_NONE || f->names == NULL ||
	    !tables_have_names(a->policy, map))
		return answer_of(is);
	known = names_get(f->names, &a->policy->dns, &f->client_ip, true,
	    &a->wait, &q.key);
	if (known != RS_HAVE)
		return known;
	q.ask = MAP_ASK_ACCESS_HOST;
	return answer_of(tables_ask(a, map, &q, as));
}

static enum rs_answer
address_line(struct asking *a, uint32_t map, enum map_role role,
    struct table_answers *as)
{
	const struct policy_facts	*f = a->facts;
	bool				 from = role == MAP_FROM;
	struct map_question		 q = {
		.ask = MAP_ASK_ACCESS_ADDRESS, .role = role,
		.key = from ? f->sender : f->rcpt,
		.at = from ? f->sender_at : f->rcpt_at,
		.detail_chars = a->policy->detail
	};

	return answer_of(tables_ask(a, map, &q, as));
}

static enum rs_answer
line_of(struct asking *a, uint32_t map, enum rs_role role,
    struct table_answers *as)
{
	switch (role) {
	case RS_ROLE_CLIENT:
		return client_line(a, map, as);
	case RS_ROLE_SENDER:
		return address_line(a, map, MAP_FROM, as);
	case RS_ROLE_RCPT:
		return address_line(a, map, MAP_TO, as);
	default:
		return RS_CANNOT;
	}
}

/* "user@" is a user of any domain. */
static bool
has_domain(struct span key)
{
	return key.n > 0 && key.p[key.n - 1] != '@';
}

enum rs_answer
world_access(void *ctx, struct rs_eval *e, uint32_t map, enum rs_role role,
    struct rs_value *out, uint32_t *line)
{
	struct asking		*a = ctx;
	struct table_answers	 as = { .all = &as.one };
	const struct map_answer	*ans;
	enum rs_answer		 is;

	(void)e;
	a->trace.n = 0;
	is = line_of(a, map, role, &as);
	ans = &as.all[0].a;
	*line = line_in(map, &as);
	if (is != RS_HAVE)
		return is;
	*out = rs_text(RS_T_VERDICT, ans->value);
	out->bits = (uint8_t)role;
	if (!has_domain(ans->key))
		out->bits |= RS_VERDICT_ANY_DOMAIN;
	return RS_HAVE;
}

/* --- what a verdict means here */

static enum rs_answer
refuse(const struct map_refusal *r, struct rs_verdict *out)
{
	out->kind = r->code < 500 ? RS_V_DEFER : RS_V_REJECT;
	out->code = r->code;
	out->status = r->status;
	out->text = r->text;
	return RS_HAVE;
}

static enum rs_answer
accepts(bool yes, struct rs_verdict *out)
{
	out->kind = RS_V_ACCEPT;
	return yes ? RS_HAVE : RS_ABSENT;
}

/*
 * In `on rcpt` accepting means to relay: OK is no objection there, and RELAY
 * does it for a client, or for a recipient whose domain the table names.  A
 * sender can be forged, so it never does.
 */
static bool
relays(const struct asking *a, const struct rs_value *v)
{
	enum rs_role	 role = v->bits & ~RS_VERDICT_ANY_DOMAIN;

	if (role == RS_ROLE_SENDER)
		return false;
	return a->hook != RS_HOOK_RCPT || role == RS_ROLE_CLIENT ||
	    (v->bits & RS_VERDICT_ANY_DOMAIN) == 0;
}

/*
 * In `on rcpt` it is no objection, as OK is: a table of senders must not let
 * them relay, and a rule behind it may refuse.
 */
static enum rs_answer
quarantines(struct asking *a, struct span why, struct rs_verdict *out)
{
	if (a->hook != RS_HOOK_RCPT) {
		out->kind = RS_V_QUARANTINE;
		out->text = why;
		return RS_HAVE;
	}
	if (!a->quarantined)
		a->quarantine_why = arena_span(rs_eval_arena(a->eval), why);
	a->quarantined = true;
	return RS_ABSENT;
}

static enum rs_answer
access_means(struct asking *a, const struct rs_value *v,
    struct rs_verdict *out)
{
	struct map_access	 acc;
	struct map_fault	 fault;

	if (map_access_parse(v->s, &acc, &fault) == -1)
		return RS_CANNOT;
	switch (acc.kind) {
	case MAP_ACCESS_OK:
		return accepts(a->hook != RS_HOOK_RCPT, out);
	case MAP_ACCESS_RELAY:
		return accepts(relays(a, v), out);
	case MAP_ACCESS_SKIP:
		return RS_ABSENT;
	case MAP_ACCESS_REJECT:
		return refuse(&acc.refusal, out);
	case MAP_ACCESS_DISCARD:
		out->kind = RS_V_DISCARD;
		return RS_HAVE;
	case MAP_ACCESS_QUARANTINE:
		return quarantines(a, acc.why, out);
	}
	return RS_CANNOT;
}

static struct span
host_port(const struct map_route *r, struct arena *ar)
{
	struct ip	ip;
	struct span	text = r->host;

	if (ip_parse(text, &ip))
		text = arena_printf(ar, "[%.*s]", SPAN_ARG(text));
	if (r->port != 0)
		text = arena_printf(ar, "%.*s:%u", SPAN_ARG(text), r->port);
	return text;
}

/* Each with a word before it where its MX is meant; a blank between. */
static struct span
several_hosts(const struct map_route *first, struct arena *ar)
{
	struct map_route	r = *first;
	struct span		text = SPAN_NONE;

	for (;;) {
		text = arena_printf(ar, "%.*s%s%s%.*s", SPAN_ARG(text),
		    text.n > 0 ? " " : "", r.exactly ? "" : "mx:",
		    SPAN_ARG(host_port(&r, ar)));
		if (r.more.n == 0)
			return text;
		r = map_route_next(&r);
	}
}

/* In brackets: the host itself; else the host that its MX says. */
static enum rs_answer
hop(const struct map_route *r, struct arena *ar, struct rs_verdict *out)
{
	bool	several = r->more.n > 0;

	out->kind = r->exactly || several ? RS_V_RELAY_TO : RS_V_MX;
	out->value = rs_text(RS_T_TEXT, several ? several_hosts(r, ar) :
	    host_port(r, ar));
	return RS_HAVE;
}

/* The one mailbox block there is; where there are several, rules say. */
static enum rs_answer
the_mailbox(const struct rs_image *im, struct rs_verdict *out)
{
	uint32_t	i, n = 0;

	for (i = 0; i < rs_nobject(im); i++)
		if (rs_object(im, i)->kind == RS_O_MAILBOX) {
			out->object = i;
			n++;
		}
	out->kind = RS_V_DELIVER;
	return n == 1 ? RS_HAVE : RS_ABSENT;
}

static enum rs_answer
local(const struct policy *p, struct span user, struct arena *ar,
    struct rs_verdict *out)
{
	if (user.n == 0)
		return the_mailbox(p->image, out);
	out->kind = RS_V_REDIRECT;
	out->value = rs_address(span_index(user, '@') >= 0 ? user :
	    arena_printf(ar, "%.*s@%.*s", SPAN_ARG(user),
	    SPAN_ARG(p->hostname)));
	return RS_HAVE;
}

static enum rs_answer
route_means(struct asking *a, const struct rs_value *v,
    struct rs_verdict *out)
{
	struct arena		*ar = rs_eval_arena(a->eval);
	struct map_route	 r;
	struct map_fault	 fault;

	if (map_route_parse(v->s, &r, &fault) == -1)
		return RS_CANNOT;
	switch (r.kind) {
	case MAP_ROUTE_HOP:
		return hop(&r, ar, out);
	case MAP_ROUTE_LOCAL:
		return local(a->policy, r.user, ar, out);
	case MAP_ROUTE_ERROR:
		return refuse(&r.refusal, out);
	case MAP_ROUTE_DISCARD:
		out->kind = RS_V_DISCARD;
		return RS_HAVE;
	}
	return RS_CANNOT;
}

enum rs_answer
world_verdict(void *ctx, struct rs_eval *e, uint32_t map,
    const struct rs_value *v, struct rs_verdict *out)
{
	struct asking	*a = ctx;
	struct policy	*p = a->policy;

	(void)e;
	if (map >= p->nmaps)
		return RS_CANNOT;
	if (is_kind(p->maps[map], "access"))
		return access_means(a, v, out);
	if (is_kind(p->maps[map], "routes"))
		return route_means(a, v, out);
	return RS_CANNOT;
}
