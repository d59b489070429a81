/*
 * kind_generics.c - sendmail's genericstable: the address under which the
 * world sees a user.
 *
 *	user@host	address		%1: the detail, where the key has
 *	user+*@host	address		a `+*`
 *	user		address		of our own host
 *
 * A user alone is one of this host, never one of any other domain: sendmail
 * keeps a list of generic domains for it; a rule of a policy says so itself.
 */
#include "config.h"

#include "mail/address.h"
#include "maps/map_int.h"

static int
parse(struct span in, struct arena *scratch, struct span *out,
    struct map_fault *f)
{
	struct address	 a;

	f->at = in.p;
	if (address_parse(in, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK,
	    scratch, &a, &f->what) == -1)
		return -1;
	*out = a.whole;
	return 0;
}

static int
generics_key(struct map *m, struct span in, struct arena *scratch,
    struct span *out, struct map_fault *f)
{
	(void)m;
	return parse(in, scratch, out, f);
}

static int
generics_value(struct span value, struct map_fault *f)
{
	const struct span	 sample[10] = { SPAN("x"), SPAN("x") };
	struct arena		 scratch = { 0 };
	struct span		 out;
	int			 rc;

	rc = parse(map_fill(value, sample, &scratch), &scratch, &out, f);
	f->at = value.p;
	arena_clear(&scratch);
	return rc;
}

/* user+detail, user+*, user, each before what follows it. */
static enum map_result
find(struct map_look *l, struct span local, struct span user,
    struct span domain, struct map_answer *out)
{
	struct span	 pieces[4] = { local, SPAN_NONE, SPAN_NONE, domain };
	enum map_result	 r;

	out->rank = MAP_EXACT;
	if ((r = map_find_pieces(l, pieces, 4, out)) != MAP_NONE ||
	    user.n == local.n)
		return r;
	pieces[0] = user;
	pieces[1] = span_mem(local.p + user.n, 1);
	pieces[2] = SPAN("*");
	r = map_find_pieces(l, pieces, 4, out);
	if (r == MAP_NONE) {
		pieces[1] = pieces[2] = SPAN_NONE;
		r = map_find_pieces(l, pieces, 4, out);
	}
	out->rank = MAP_DETAIL;
	return r;
}

static bool
is_ours(const struct map *m, struct span domain)
{
	return domain.n == 0 || (m->host != NULL &&
	    span_ieq(span_from(domain, 1), span_of(m->host)));
}

static enum map_result
generics_get_address(struct map_look *l, struct span whole, size_t at,
    struct span detail_chars, struct map_answer *out)
{
	struct span	 local = span_mem(whole.p, at), user, detail;
	struct span	 domain = span_from(whole, at);
	enum map_result	 r;

	address_detail(local, detail_chars, &user, &detail);
	if (user.n == 0)
		user = local;
	r = find(l, local, user, domain, out);
	if (r == MAP_NONE && domain.n > 0 && is_ours(l->map, domain))
		r = find(l, local, user, SPAN_NONE, out);
	return r == MAP_NONE ? map_none(l) : r;
}

const struct map_kind map_kind_generics = {
	.name = "generics",
	.line = map_words_line,
	.entry = map_words_entry,
	.key = generics_key,
	.value = generics_value,
	.get_address = generics_get_address,
	.continued = true,
};

struct span
map_generic_fill(const struct map_answer *a, struct span whole, size_t at,
    struct span detail_chars, struct arena *ar)
{
	struct span	 args[10] = { whole }, local = span_mem(whole.p, at);
	struct span	 user, to;

	address_detail(local, detail_chars, &user, &args[1]);
	to = map_fill(a->value, args, ar);
	if (span_index(to, '@') >= 0 || at == whole.n)
		return to;
	return arena_join(ar, to, span_from(whole, at), SPAN_NONE);
}
