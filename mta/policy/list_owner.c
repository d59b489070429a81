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

/* Members of an `owner-LIST`. */
struct owners {
	struct span	 one;
	size_t		 n;
	bool		 other;
	struct arena	*ar;
};

static void
owner_member(void *arg, const struct alias_member *m)
{
	struct owners	*o = arg;

	if (m->kind != ALIAS_ADDRESS && m->kind != ALIAS_MAILBOX)
		o->other = true;
	else if (o->n++ == 0)
		o->one = arena_span(o->ar, m->text);
}

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

/* The one address that the owner is, else the alias owner-LIST itself. */
static struct span
owner_address(struct routing *r, const struct map *m, struct span list,
    const struct address *name)
{
	struct owners	 o = { .ar = &r->arena };
	struct address	 a;
	const char	*why;

	if (map_alias_members(m, list, owner_member, &o, &why) == -1 ||
	    o.other || o.n != 1 || address_parse(o.one,
	    ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK, &r->arena, &a, &why) == -1)
		return name->whole;
	return a.at < a.whole.n ? a.whole : arena_join(&r->arena, a.whole,
	    SPAN("@"), address_domain(name));
}

bool
list_owner(struct routing *r, const struct map *m, enum map_rank rank,
    struct span *owner)
{
	struct map_answer	 a = { .rank = MAP_EXACT };
	struct address		 name;

	*owner = r->from;
	if (r->facts.sender.n == 0 ||
	    (name = owner_name(r, rank)).whole.n == 0)
		return true;
	switch (map_get_address(m, name.whole, name.at, SPAN_NONE, &a)) {
	case MAP_FOUND:
		*owner = owner_address(r, m, a.value, &name);
		return true;
	case MAP_NONE:
		return true;
	default:
		return false;
	}
}
