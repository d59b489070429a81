/*
 * expansion.c - the addresses of a routing: members, loops, duplicates.
 *
 * The walk is depth first, and reads a list member by member: who needs only
 * the first that goes somewhere (a dry run) reads no further, and who needs
 * all may pause between two.  An address whose members are being routed is
 * open, one that has been routed is closed; both are noted in r->seen by their
 * folded form, once there is an expansion at all.
 *
 * A name among its own members is routed when its turn comes, by its rules
 * from the top, but passing over the expansion that led to it (r->own).
 */
#include "mail/address.h"

#include "mta/policy/routing_int.h"

/* States in r->seen. */
static char	OPEN[1], CLOSED[1];

/* Good until the next member. */
static struct span
fold(struct routing *r, struct span whole)
{
	char	*p = arena_alloc(&r->scratch, whole.n + 1);
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
	enum rs_answer	is;

	is = policy_postmaster(r->policy, whole, at,
	    asking_waiter(r->asking), &a.whole);
	if (is == RS_HAVE)
		a.at = rs_address(a.whole).at;
	begin(r, &a);
	if (is == RS_WAIT)
		r->phase = ROUTE_FIRST;
}

/* --- frames: expansions inside each other */

struct frame *
routing_push(struct routing *r)
{
	struct frame	**f = &r->stack[r->depth];

	if (r->depth == ROUTE_DEPTH)
		return NULL;
	r->depth++;
	r->is_list = true;
	if (*f == NULL)
		*f = arena_alloc(&r->arena, sizeof(**f));
	(*f)->at = r->at;
	(*f)->first = r->n;
	(*f)->owner = r->from;
	(*f)->map = UINT32_MAX;
	(*f)->forward = NULL;
	(*f)->unsafe = false;
	(*f)->n = 0;
	(*f)->self = (*f)->looped = false;
	htab_put(&r->seen, fold(r, r->at.whole), OPEN);
	return *f;
}

/* The frame of an open address: in a deep one it is looked for. */
static struct frame *
frame_of(struct routing *r, struct span whole)
{
	unsigned	i;

	for (i = r->depth; i > 0; i--)
		if (span_ieq(r->stack[i - 1]->at.whole, whole))
			return r->stack[i - 1];
	return NULL;
}

/* All its members have been routed. */
static void
pop(struct routing *r)
{
	struct frame	*f = r->stack[--r->depth];

	r->at = f->at;
	r->from = f->owner;
	r->file = NULL;
	htab_put(&r->seen, fold(r, f->at.whole), CLOSED);
	if (f->forward != NULL)
		forward_end(r, f);
	else if (f->looped && !f->self)
		routing_fail(r, 554, "5.4.6",
		    SPAN("the address leads back to itself: a loop"));
	else if (f->n == 0 && !f->self)
		routing_fail(r, 550, "5.2.4",
		    SPAN("the list has no members"));
}

/* One that cannot be read to its end: nothing of it is sent now. */
static void
broken(struct routing *r)
{
	struct frame	*f = r->stack[--r->depth];

	r->at = f->at;
	r->from = f->owner;
	r->file = NULL;
	htab_put(&r->seen, fold(r, f->at.whole), CLOSED);
	r->n = f->first;
	routing_fail(r, 451, "4.3.0", SPAN("the list cannot be read"));
	r->outcomes[r->n - 1].cannot = true;
}

static void
too_large(struct routing *r)
{
	r->at = r->stack[r->depth - 1]->at;
	routing_forget(r);
	routing_fail(r, 554, "5.3.4",
	    SPAN("the list has more than 100000 members"));
	r->phase = ROUTE_OVER;
}

/* --- members */

/* Routes an address, unless it has been, or is being, routed. */
static void
enter(struct routing *r, const struct address *a, bool mailbox_only)
{
	struct span	 key = fold(r, a->whole);
	struct frame	*f;
	char		*state;

	if (mailbox_only)
		key = arena_join(&r->scratch, SPAN("\\"), key, SPAN_NONE);
	state = htab_get(&r->seen, key);
	if (state == NULL) {
		htab_put(&r->seen, key, CLOSED);
		begin(r, a);
		r->mailbox_only = mailbox_only;
	} else if (state == OPEN && (f = frame_of(r, a->whole)) != NULL)
		f->looped = true;
	/* Else a duplicate, which is merged. */
}

/* The name itself, once: what is said of it beside this expansion. */
static void
enter_self(struct routing *r, struct frame *f)
{
	bool	*self = f->forward != NULL ? &f->forward->self : &f->self;

	if (*self)
		return;
	*self = true;
	begin(r, &f->at);
	r->own = true;
}

/* One that cannot be read waits; why is static. */
static void
member_bad(struct routing *r, const char *why)
{
	routing_fail(r, 451, "4.3.5", arena_printf(&r->arena,
	    "a member of the list cannot be used: %s", why));
}

void
routing_add_elsewhere(struct routing *r, struct target *t)
{
	struct span	rcpt = r->at.whole, name;

	name = programs_name(t, rcpt, &r->arena);
	programs_target(r->policy, t, rcpt, &r->arena);
	routing_add(r, t);
	if (t->kind != TARGET_DISCARD)
		r->targets[r->n - 1].address = name;
}

/* Not delivered here; the table's own words for "nowhere" are known. */
static void
member_elsewhere(struct routing *r, const struct frame *f,
    const struct alias_member *m)
{
	bool		 command = m->kind == ALIAS_COMMAND;
	struct target	 t = { .kind = command ? TARGET_PIPE : TARGET_FILE,
	    .path = m->text };
	const char	*why = NULL;

	if (f->unsafe)
		why = "commands and files are only taken from a table that "
		    "is a file";
	else if (command)
		why = programs_command(r->policy, m->text, &r->arena,
		    &t.path);
	else if (!span_eq(m->text, SPAN("/dev/null")))
		why = m->file != NULL ? "an included file can name none" :
		    programs_file(r->policy, m->text);
	if (why == NULL && command && m->file != NULL)
		why = "an included file can name no command";
	if (why == NULL && !programs_user(r->policy, SPAN_NONE, &t))
		why = "there is no system user as `programs { user }` says";
	if (why != NULL) {
		member_bad(r, why);
		return;
	}
	t.path = arena_span(&r->arena, t.path);
	routing_add_elsewhere(r, &t);
}

/*
 * sendmail's FEATURE(redirect): of ann@new.example.REDIRECT the sender is told
 * where she is now, and nothing goes there.
 */
static bool
has_moved(struct routing *r, const struct address *a)
{
	static const struct span	 mark = SPAN(".REDIRECT");
	struct span			 whole = a->whole;

	if (address_domain(a).n <= mark.n || !span_ieq(span_from(whole,
	    whole.n - mark.n), mark))
		return false;
	routing_fail(r, 551, "5.1.6", arena_printf(&r->arena,
	    "has moved; please try <%.*s>", (int)(whole.n - mark.n),
	    whole.p));
	return true;
}

/* Who wants to know whom the list has routes none of them. */
static void
tell(struct routing *r, const struct address *a)
{
	struct target	t = { .kind = TARGET_HOP };

	r->at = *a;
	routing_add(r, &t);
	if (r->n == POLICY_MEMBERS_MAX)
		r->phase = ROUTE_OVER;
}

static bool
is_told(const struct alias_member *m)
{
	return m->file == NULL &&
	    (m->kind == ALIAS_ADDRESS || m->kind == ALIAS_MAILBOX);
}

/* As the table has it; a bare name is one of our domain. */
static void
member_address(struct routing *r, struct frame *f,
    const struct alias_member *m)
{
	struct address	 a;
	struct span	 domain = address_domain(&f->at);
	const char	*why;

	if (address_parse(m->text, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK,
	    &r->arena, &a, &why) == -1) {
		if (f->forward != NULL)
			forward_bad(r, f, m, why);
		else
			member_bad(r, why);
		return;
	}
	if (a.at == a.whole.n) {
		a.whole = arena_join(&r->arena, a.whole, SPAN("@"),
		    domain.n > 0 ? domain : r->policy->hostname);
	}
	if (r->kind == ROUTING_MEMBERS) {
		tell(r, &a);
		return;
	}
	if (span_ieq(a.whole, f->at.whole)) {
		f->n--;
		r->members--;
		enter_self(r, f);
	} else if (!has_moved(r, &a))
		enter(r, &a, m->kind == ALIAS_MAILBOX);
}

/* One of an included file: the table's own line stands in the record already. */
static void
record_member(const struct routing *r, const struct frame *f,
    const struct alias_member *m)
{
	struct rs_step	s = { .kind = RS_STEP_MEMBER, .number = f->map,
	    .line = m->line, .key = rs_text(RS_T_TEXT, m->text) };

	if (r->record == NULL || m->file == NULL)
		return;
	s.value = rs_text(RS_T_TEXT, span_of(m->file));
	rs_record_add(r->record, &s);
}

/* One of a forward file that is no address. */
static void
forward_member(struct routing *r, struct frame *f,
    const struct alias_member *m)
{
	f->n--;
	if (m->kind == ALIAS_INCLUDE)
		forward_include(r, f, m);
	else if (m->kind == ALIAS_BAD)
		forward_bad(r, f, m, m->why);
	else
		forward_elsewhere(r, f, m);
}

static void
member(struct routing *r, struct frame *f, const struct alias_member *m)
{
	r->from = f->owner;
	r->file = m->file;
	r->line = m->line;
	r->at = f->at;
	f->n++;
	if (++r->members > ROUTE_MEMBERS) {
		too_large(r);
		return;
	}
	if (r->kind == ROUTING_MEMBERS && !is_told(m))
		return;
	if (f->forward != NULL && m->kind != ALIAS_ADDRESS &&
	    m->kind != ALIAS_MAILBOX) {
		forward_member(r, f, m);
		return;
	}
	record_member(r, f, m);
	switch (m->kind) {
	case ALIAS_ADDRESS:
	case ALIAS_MAILBOX:
		member_address(r, f, m);
		break;
	case ALIAS_COMMAND:
	case ALIAS_FILE:
		member_elsewhere(r, f, m);
		break;
	default:
		member_bad(r, m->why);
		break;
	}
}

/* The next member of a list. */
static void
list_next(struct routing *r, struct frame *f)
{
	struct alias_member	 m;

	struct map_members	*w = &f->members[f->list];

	switch (map_members_next(w, &r->scratch, &m.kind, &m.text,
	    &m.line)) {
	case MAP_MEMBERS_ITEM:
		m.file = w->file;
		m.why = w->why;
		member(r, f, &m);
		break;
	case MAP_MEMBERS_END:
		if (++f->list == f->nlists)
			pop(r);
		break;
	case MAP_MEMBERS_EMPTY:
		broken(r);
		break;
	case MAP_MEMBERS_MANY:
		too_large(r);
		break;
	}
}

void
routing_next(struct routing *r)
{
	struct alias_member	 m = { .kind = ALIAS_ADDRESS };
	struct frame		*f;

	r->last = NULL;
	r->own = false;
	arena_reset(&r->scratch);
	if (r->depth == 0) {
		r->phase = ROUTE_OVER;
		return;
	}
	f = r->stack[r->depth - 1];
	if (f->forward != NULL) {
		if (forward_next(r, f, &m))
			member(r, f, &m);
		else
			pop(r);
	} else if (f->map != UINT32_MAX)
		list_next(r, f);
	else if (f->n == 0) {
		m.text = f->redirect;
		member(r, f, &m);
	} else
		pop(r);
}

/* --- expansions */

/* The address is being routed again, and this table has led to that. */
static bool
is_own(const struct routing *r, uint32_t map)
{
	unsigned	i;

	for (i = r->own ? r->depth : 0; i > 0; i--)
		if (r->stack[i - 1]->map == map &&
		    span_ieq(r->stack[i - 1]->at.whole, r->at.whole))
			return true;
	return false;
}

/* The lists that the tables have, one behind the other. */
static void
begin_lists(struct routing *r, struct frame *f,
    const struct table_answers *as)
{
	const struct map	*m;
	struct span		 list;
	size_t			 i;

	f->members = arena_alloc(&r->arena, as->n * sizeof(*f->members));
	f->nlists = as->n;
	f->list = 0;
	for (i = 0; i < as->n; i++) {
		m = r->policy->maps[as->all[i].map];
		list = as->all[i].a.value;
		/* What is not the table's own is gone with the evaluation. */
		if (!map_holds(m, list))
			list = arena_span(&r->arena, list);
		f->unsafe |= map_is_declared(m) || as->all[i].a.filled;
		map_members_begin(&f->members[i], m, list);
	}
}

/* unsafe: the table is none that may name commands. */
static enum expansion
expand_lists(struct routing *r, uint32_t map, const struct table_answers *as,
    bool unsafe)
{
	struct frame	*f;

	if (is_own(r, map))
		return EXPANDED_SELF;
	if ((f = routing_push(r)) == NULL)
		return EXPANDED_DEEP;
	f->map = map;
	f->unsafe = unsafe;
	begin_lists(r, f, as);
	return EXPANDED;
}

/* The table is asked once more: its key tells what %1 and the like are. */
static enum map_result
entry_of(struct routing *r, uint32_t map, struct table_answers *as)
{
	struct map_question	 q = {
		.ask = MAP_ASK_ADDRESS, .key = r->at.whole, .at = r->at.at,
		.detail_chars = r->policy->detail
	};

	return tables_ask(r->asking, map, &q, as);
}

static enum expansion
expand_alias(struct routing *r, uint32_t map, const struct table_answers *as)
{
	struct span	 owner;
	enum expansion	 is;

	if (is_own(r, map))	/* nobody wants its owner */
		return EXPANDED_SELF;
	switch (list_owner(r, map, as->all[0].a.rank, &owner)) {
	case MAP_FOUND:
	case MAP_NONE:
		break;
	case MAP_WAIT:
		return EXPANDED_WAIT;
	default:
		return EXPANDED_BROKEN;
	}
	is = expand_lists(r, map, as, false);
	if (is == EXPANDED)
		r->stack[r->depth - 1]->owner = owner;
	return is;
}

/* The refusal that one of them says is that of all. */
static enum expansion
expand_virtuser(struct routing *r, uint32_t map, struct table_answers *as,
    struct rs_verdict *refusal)
{
	struct map_refusal	 said;
	struct span		 list;
	size_t			 i;

	for (i = 0; i < as->n; i++)
		switch (map_virtuser_fill(&as->all[i].a, r->at.whole,
		    r->at.at, r->policy->detail, &r->arena, &list, &said)) {
		case 0:
			as->all[i].a.value = list;
			break;
		case 1:
			*refusal = (struct rs_verdict){
				.kind = said.code < 500 ? RS_V_DEFER :
				    RS_V_REJECT,
				.code = said.code, .status = said.status,
				.text = said.text
			};
			return EXPANDED_REFUSED;
		default:
			return EXPANDED_BROKEN;
		}
	return expand_lists(r, map, as, true);
}

enum expansion
routing_expand(struct routing *r, uint32_t map, struct rs_verdict *refusal)
{
	struct table_answers	 as;

	if (map >= r->policy->nmaps)
		return EXPANDED_BROKEN;
	switch (entry_of(r, map, &as)) {
	case MAP_FOUND:
		break;
	case MAP_WAIT:
		return EXPANDED_WAIT;
	default:
		return EXPANDED_BROKEN;
	}
	if (span_eq(map_kind(r->policy->maps[map]), SPAN("virtusers")))
		return expand_virtuser(r, map, &as, refusal);
	return expand_alias(r, map, &as);
}

bool
routing_rank(struct routing *r, uint32_t map, enum map_rank *rank)
{
	struct table_answers	 as;
	enum map_result		 is = MAP_BROKEN;

	if (map < r->policy->nmaps)
		is = entry_of(r, map, &as);
	*rank = is == MAP_FOUND ? as.all[0].a.rank : MAP_EXACT;
	return is != MAP_WAIT;
}

enum expansion
routing_redirect(struct routing *r, const struct rs_value *v)
{
	struct frame	*f;

	/* To itself: nothing else is said of it. */
	if (span_ieq(v->s, r->at.whole) || (f = routing_push(r)) == NULL)
		return EXPANDED_DEEP;
	f->redirect = arena_span(&r->arena, v->s);
	return EXPANDED;
}
