/*
 * expansion.c - the addresses of a routing: members, loops, duplicates.
 *
 * The walk is depth first.  An address whose members are being routed is
 * open, one that has been routed is closed; both are noted in r->seen by their
 * folded form, once there is an expansion at all.
 */
#include "mail/address.h"

#include "mta/policy/routing_int.h"

/* States in r->seen. */
static char	OPEN[1], OPEN_SELF[1], CLOSED[1];

struct collecting {
	struct routing	*r;
	struct frame	*frame;
	bool		 large, bad;
	bool		 unsafe;	/* the table is none that may name commands */
};

static struct span
fold(struct routing *r, struct span whole)
{
	char	*p = arena_alloc(&r->arena, whole.n + 1);
	size_t	 i;

	for (i = 0; i < whole.n; i++)
		p[i] = ascii_lower(whole.p[i]);
	return span_mem(p, whole.n);
}

static void
begin(struct routing *r, const struct address *a)
{
	r->at = *a;
	r->facts.rcpt = a->whole;
	r->facts.rcpt_at = a->at;
	r->phase = ROUTE_RULES;
	r->has_kept = false;
	r->mailbox_only = false;
}

void
routing_first(struct routing *r, struct span whole, size_t at)
{
	struct address	a = { whole, at };

	if (policy_postmaster(r->policy, whole, at, &a.whole))
		a.at = rs_address(a.whole).at;
	begin(r, &a);
}

/* Routes a member, unless it has been, or is being, routed. */
static void
enter_address(struct routing *r, const struct address *a, bool mailbox_only)
{
	struct span	 key = fold(r, a->whole);
	char		*state;

	if (mailbox_only)
		key = arena_join(&r->arena, SPAN("\\"), key, SPAN_NONE);
	state = htab_get(&r->seen, key);
	r->at = *a;
	if (state == NULL) {
		htab_put(&r->seen, key, CLOSED);
		begin(r, a);
		r->mailbox_only = mailbox_only;
	} else if (state == OPEN)
		routing_fail(r, 554, "5.4.6",
		    SPAN("the address leads back to itself: a loop"));
	/* Else a duplicate, which is merged. */
}

/* Not delivered here; the table's own words for "nowhere" are known. */
static void
enter_elsewhere(struct routing *r, const struct member *m)
{
	struct target	t = { .kind = TARGET_FILE, .path = m->to.whole };

	if (m->kind == ALIAS_COMMAND)
		t.kind = TARGET_PIPE;
	else if (span_eq(t.path, SPAN("/dev/null")))
		t = (struct target){ .kind = TARGET_DISCARD };
	routing_add(r, &t);
}

static void
enter(struct routing *r, const struct frame *f, const struct member *m)
{
	r->from = f->owner;
	r->file = m->file;
	r->line = m->line;
	r->at = f->list;
	switch (m->kind) {
	case ALIAS_COMMAND:
	case ALIAS_FILE:
		enter_elsewhere(r, m);
		break;
	case ALIAS_BAD:
		routing_fail(r, 451, "4.3.5", m->to.whole);
		break;
	default:
		enter_address(r, &m->to, m->kind == ALIAS_MAILBOX);
		break;
	}
}

void
routing_next(struct routing *r)
{
	struct frame	*f;

	r->last = NULL;
	while (r->depth > 0) {
		f = &r->stack[r->depth - 1];
		while (f->next < f->n) {
			enter(r, f, &f->members[f->next++]);
			if (r->phase == ROUTE_RULES)
				return;
		}
		htab_put(&r->seen, f->key, CLOSED);
		r->depth--;
	}
	r->phase = ROUTE_OVER;
}

static struct member *
member_add(struct collecting *c, const struct alias_member *from)
{
	struct frame	*f = c->frame;
	struct member	*grown;

	if (c->r->members == ROUTE_MEMBERS) {
		c->large = true;
		return NULL;
	}
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 4 : f->cap * 2;
		grown = arena_alloc(&c->r->arena, f->cap * sizeof(*grown));
		if (f->n > 0)
			memcpy(grown, f->members, f->n * sizeof(*grown));
		f->members = grown;
	}
	c->r->members++;
	f->members[f->n] = (struct member){ .kind = (uint8_t)from->kind,
	    .file = from->file, .line = from->line };
	return &f->members[f->n++];
}

/* One that cannot be read waits; why is static. */
static void
member_bad(struct collecting *c, const struct alias_member *from,
    const char *why)
{
	struct alias_member	 bad = *from;
	struct member		*m;

	bad.kind = ALIAS_BAD;
	if ((m = member_add(c, &bad)) != NULL)
		m->to.whole = arena_printf(&c->r->arena,
		    "a member of the list cannot be used: %s", why);
}

static void
member_elsewhere(struct collecting *c, const struct alias_member *from)
{
	struct member	*m;

	if (c->unsafe)
		member_bad(c, from, "commands and files are only taken from "
		    "a table that is a file");
	else if ((m = member_add(c, from)) != NULL)
		m->to.whole = arena_span(&c->r->arena, from->text);
}

/* As the table has it; a bare name is one of our domain. */
static void
member_address(struct collecting *c, const struct alias_member *from)
{
	struct routing	*r = c->r;
	struct member	*m;
	struct address	 a;
	struct span	 domain = address_domain(&r->at);
	const char	*why;

	if (address_parse(from->text, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK,
	    &r->arena, &a, &why) == -1) {
		member_bad(c, from, why);
		return;
	}
	if (a.at == a.whole.n) {
		a.whole = arena_join(&r->arena, a.whole, SPAN("@"),
		    domain.n > 0 ? domain : r->policy->hostname);
	}
	if (span_ieq(a.whole, r->at.whole))
		c->frame->self = true;
	else if ((m = member_add(c, from)) != NULL)
		m->to = a;
}

static void
member(void *arg, const struct alias_member *from)
{
	struct collecting	*c = arg;

	switch (from->kind) {
	case ALIAS_ADDRESS:
	case ALIAS_MAILBOX:
		member_address(c, from);
		break;
	case ALIAS_COMMAND:
	case ALIAS_FILE:
		member_elsewhere(c, from);
		break;
	default:
		member_bad(c, from, from->why);
		break;
	}
}

/* A frame for the address under way; NULL: 32 deep already. */
static struct frame *
push(struct routing *r)
{
	struct frame	*f;

	if (r->depth == ROUTE_DEPTH)
		return NULL;
	if (r->stack == NULL)
		r->stack = arena_alloc(&r->arena,
		    ROUTE_DEPTH * sizeof(*r->stack));
	f = &r->stack[r->depth++];
	*f = (struct frame){ .key = fold(r, r->at.whole), .list = r->at,
	    .owner = r->from };
	return f;
}

static enum expansion
collected(struct routing *r, struct collecting *c)
{
	struct frame	*f = c->frame;

	if (c->large)
		return EXPANDED_LARGE;
	if (c->bad) {
		r->depth--;
		return EXPANDED_BROKEN;
	}
	htab_put(&r->seen, f->key, f->self ? OPEN_SELF : OPEN);
	if (f->self)
		return EXPANDED_SELF;
	if (f->n == 0)
		return EXPANDED_EMPTY;
	return EXPANDED;
}

static enum expansion
expand_list(struct routing *r, const struct map *m, struct span list,
    bool unsafe)
{
	struct collecting	 c = { .r = r, .unsafe = unsafe };
	const char		*why;

	if ((c.frame = push(r)) == NULL)
		return EXPANDED_DEEP;
	if (map_alias_members(m, list, member, &c, &why) == -1)
		c.bad = true;
	return collected(r, &c);
}

/* The table is asked once more: its key tells what %1 and the like are. */
static enum map_result
entry_of(const struct routing *r, const struct map *m, struct map_answer *a)
{
	*a = (struct map_answer){ .rank = MAP_EXACT };
	return map_get_address(m, r->at.whole, r->at.at, r->policy->detail,
	    a);
}

static enum expansion
expand_alias(struct routing *r, const struct map *m, struct span list)
{
	struct map_answer	 a;
	struct span		 owner;
	enum expansion		 is;

	if (entry_of(r, m, &a) != MAP_FOUND ||
	    !list_owner(r, m, a.rank, &owner))
		return EXPANDED_BROKEN;
	is = expand_list(r, m, list, map_is_declared(m));
	if (is == EXPANDED || is == EXPANDED_SELF) {
		r->from = owner;
		r->stack[r->depth - 1].owner = owner;
	}
	return is;
}

static enum expansion
expand_virtuser(struct routing *r, const struct map *m,
    struct rs_verdict *refusal)
{
	struct map_refusal	 said;
	struct map_answer	 a;
	struct span		 list;

	if (entry_of(r, m, &a) != MAP_FOUND)
		return EXPANDED_BROKEN;
	switch (map_virtuser_fill(&a, r->at.whole, r->at.at,
	    r->policy->detail, &r->arena, &list, &said)) {
	case 0:
		return expand_list(r, m, list, true);
	case 1:
		*refusal = (struct rs_verdict){
			.kind = said.code < 500 ? RS_V_DEFER : RS_V_REJECT,
			.code = said.code, .status = said.status,
			.text = said.text
		};
		return EXPANDED_REFUSED;
	default:
		return EXPANDED_BROKEN;
	}
}

enum expansion
routing_expand(struct routing *r, uint32_t map, struct span value,
    struct rs_verdict *refusal)
{
	const struct map	*m;

	if (map >= r->policy->nmaps)
		return EXPANDED_BROKEN;
	m = r->policy->maps[map];
	if (span_eq(map_kind(m), SPAN("virtusers")))
		return expand_virtuser(r, m, refusal);
	return expand_alias(r, m, value);
}

enum map_rank
routing_rank(const struct routing *r, uint32_t map)
{
	struct map_answer	 a;

	if (map >= r->policy->nmaps ||
	    entry_of(r, r->policy->maps[map], &a) != MAP_FOUND)
		return MAP_EXACT;
	return a.rank;
}

enum expansion
routing_redirect(struct routing *r, const struct rs_value *v)
{
	struct alias_member	to = { .kind = ALIAS_ADDRESS, .text = v->s };
	struct collecting	c = { .r = r, .unsafe = true };

	if ((c.frame = push(r)) == NULL)
		return EXPANDED_DEEP;
	member(&c, &to);
	if (c.frame->self)	/* nothing else is said of it: a loop */
		return EXPANDED_DEEP;
	return collected(r, &c);
}
