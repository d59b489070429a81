/*
 * kind_moved.c - Postfix's relocated: who is somewhere else now, and where.
 *
 *	user@domain	new@elsewhere.example
 *	user		a text for people: call him
 *	@domain		new.example
 */
#include "config.h"

#include "mail/address.h"
#include "mail/domain.h"
#include "maps/map_int.h"

static int
fault(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return -1;
}

static int
moved_key(struct map *m, struct span in, struct arena *scratch,
    struct span *out, struct map_fault *f)
{
	struct address	 a;
	struct span	 domain;

	(void)m;
	if (in.p[0] == '@') {
		if (domain_normalise(span_from(in, 1), scratch, &domain,
		    &f->what) == -1)
			return fault(f, in.p + 1, f->what);
		*out = arena_join(scratch, SPAN("@"), domain, SPAN_NONE);
		return 0;
	}
	if (address_parse(in, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK,
	    scratch, &a, &f->what) == -1)
		return fault(f, in.p, f->what);
	*out = a.whole;
	return 0;
}

/* It becomes a reply. */
static int
moved_value(struct span value, struct map_fault *f)
{
	size_t	 i;

	for (i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < ' ' &&
		    !map_is_blank(value.p[i])) || value.p[i] == 0x7f)
			return fault(f, value.p + i,
			    "a reply has no control characters");
	return 0;
}

/* Postfix's order (relocated(5)). */
static enum map_result
moved_get_address(struct map_look *l, struct span whole, size_t at,
    struct span detail_chars, struct map_answer *out)
{
	struct span	 local = span_mem(whole.p, at), user, detail;
	struct span	 domain = span_from(whole, at);
	enum map_result	 r;

	address_detail(local, detail_chars, &user, &detail);
	if (user.n == 0)
		user = local;
	const struct {
		struct span	 pieces[2];
		enum map_rank	 rank;
		bool		 asked;
	} keys[] = {
		{ { local, domain }, MAP_EXACT, true },
		{ { user, domain }, MAP_DETAIL, user.n < local.n },
		{ { local, SPAN_NONE }, MAP_LOCAL, domain.n > 0 },
		{ { user, SPAN_NONE }, MAP_DETAIL, user.n < local.n },
		{ { SPAN_NONE, domain }, MAP_CATCH_ALL, domain.n > 1 },
	};
	size_t		 i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!keys[i].asked)
			continue;
		r = map_find_pieces(l, keys[i].pieces, 2, out);
		out->rank = keys[i].rank;
		if (r != MAP_NONE)
			return r;
	}
	return map_none(l);
}

const struct map_kind map_kind_moved = {
	.name = "moved",
	.line = map_words_line,
	.entry = map_words_entry,
	.key = moved_key,
	.value = moved_value,
	.get_address = moved_get_address,
	.continued = true,
};
