/*
 * list_owner.c - sendmail's owner-LIST: whom the mail of a list's members comes
 * from, and so who is told when it cannot be delivered.
 *
 * It is the address that the alias owner-LIST stands for; where that is no
 * single address, owner-LIST itself.  The owner of owner-LIST is owner-owner.
 * What has no sender gets none (RFC 5321, 4.5.5): sendmail gives it one.
 */
#include "mail/address.h"

#include "mta/policy/routing_int.h"

/* "owner-LIST" of the list that the table has under this key. */
static struct address
owner_name(struct routing *r, enum map_rank rank)
{
	struct span	 local = address_local(&r->at), user, detail;
	struct span	 domain = address_domain(&r->at);
	struct address	 a = { .at = 0 };

	address_detail(local, r->policy->detail, &user, &detail);
	if (rank == MAP_DETAIL)
		local = user;
	if (local.n == 0 || local.p[0] == '"')
		return a;
	if (span_iprefix(local, SPAN("owner-")))
		local = SPAN("owner");
	if (domain.n == 0)
		domain = r->policy->hostname;
	a.whole = arena_printf(&r->arena, "owner-%.*s@%.*s", SPAN_ARG(local),
	    SPAN_ARG(domain));
	a.at = local.n + sizeof("owner-") - 1;
	return a;
}

/* The one address that a list is; false: it is another thing, or several. */
static bool
one_address(const struct map *m, struct span list, struct arena *ar,
    struct address *out)
{
	struct map_members	 w;
	struct arena		 scratch = { 0 };
	enum alias_item		 kind = ALIAS_BAD;
	struct span		 text, more;
	uint32_t		 line;
	const char		*why;
	bool			 is;

	map_members_begin(&w, m, list);
	is = map_members_next(&w, &scratch, &kind, &text, &line) ==
	    MAP_MEMBERS_ITEM &&
	    (kind == ALIAS_ADDRESS || kind == ALIAS_MAILBOX) &&
	    address_parse(text, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK, ar,
	    out, &why) == 0 &&
	    map_members_next(&w, &scratch, &kind, &more, &line) ==
	    MAP_MEMBERS_END;
	arena_clear(&scratch);
	return is;
}

/* The one address that the owner is, else the alias owner-LIST itself. */
static struct span
owner_address(struct routing *r, const struct map *m, struct span list,
    const struct address *name)
{
	struct address	 a;

	if (!one_address(m, list, &r->arena, &a))
		return name->whole;
	return a.at < a.whole.n ? a.whole : arena_join(&r->arena, a.whole,
	    SPAN("@"), address_domain(name));
}

/*
 * What decides: who the owner is, or that it cannot be said.  That there is none
 * is not said of each list.
 */
static void
record_owner(struct routing *r, uint32_t map, const struct address *name,
    enum map_result is, const struct table_answers *as)
{
	struct rs_step	s = { .kind = RS_STEP_MAP, .number = map,
	    .key = rs_address(name->whole) };

	if (r->record == NULL || is == MAP_NONE || is == MAP_WAIT)
		return;
	if (as->all[0].map == map)
		s.line = as->all[0].a.line;
	s.value = is == MAP_FOUND ? rs_text(RS_T_TEXT, as->all[0].a.value) :
	    rs_unknown(RS_WHY_TABLE);
	rs_record_add(r->record, &s);
	trace_record(r->asking, r->record);
}

enum map_result
list_owner(struct routing *r, uint32_t map, enum map_rank rank,
    struct span *owner)
{
	struct map_question	 q = { .ask = MAP_ASK_ADDRESS };
	struct table_answers	 as;
	struct address		 name;
	enum map_result		 is;

	*owner = r->from;
	if (r->facts.sender.n == 0 ||
	    (name = owner_name(r, rank)).whole.n == 0)
		return MAP_NONE;
	q.key = name.whole;
	q.at = name.at;
	is = tables_ask(r->asking, map, &q, &as);
	record_owner(r, map, &name, is, &as);
	if (is == MAP_FOUND && as.n == 1)
		*owner = owner_address(r, r->policy->maps[as.all[0].map],
		    as.all[0].a.value, &name);
	else if (is == MAP_FOUND)	/* of several lists: itself */
		*owner = name.whole;
	return is;
}
