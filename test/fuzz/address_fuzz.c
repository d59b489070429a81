/*
 * address_fuzz.c - whatever is taken for an address has one spelling, which
 * parses to itself, and nothing in it that could end a line.
 *
 * The first octet of the input chooses the flags.
 */
#include "config.h"

#include <assert.h>

#include "mail/address.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_octets(const struct address *ad)
{
	size_t	 i;

	assert(ad->whole.n <= ADDRESS_PATH_MAX - 2);
	assert(ad->at <= ADDRESS_LOCAL_MAX && ad->at <= ad->whole.n);
	assert(ad->at == ad->whole.n || ad->whole.p[ad->at] == '@');
	for (i = 0; i < ad->whole.n; i++)
		assert((unsigned char)ad->whole.p[i] >= ' ' &&
		    ad->whole.p[i] != 0x7f);
}

static void
check_parts(const struct address *ad, struct arena *a)
{
	struct span	 local = address_local(ad), user, detail;

	assert(address_user(ad, a).n <= local.n);
	address_detail(local, SPAN("+-"), &user, &detail);
	assert(user.n + detail.n <= local.n);
	assert(local.n + address_domain(ad).n <= ad->whole.n);
}

/* The same address by both ways in; a null path has no brackets to lose. */
static void
check_round_trip(const struct address *ad, unsigned flags, struct arena *a)
{
	struct address	 again;
	struct span	 path;
	const char	*why;
	size_t		 used;

	assert(address_parse(ad->whole, flags, a, &again, &why) == 0 ||
	    ((flags & ADDRESS_BARE_LOCAL_OK) == 0 && ad->at == ad->whole.n));
	path = arena_printf(a, "<%.*s>", SPAN_ARG(ad->whole));
	assert(address_parse_path(path, flags, a, &again, &used, &why) == 0);
	assert(used == path.n && again.at == ad->at);
	assert(span_eq(again.whole, ad->whole));
}

static void
check(const struct address *ad, unsigned flags, struct arena *a)
{
	check_octets(ad);
	check_parts(ad, a);
	check_round_trip(ad, flags, a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena	 a = { 0 };
	struct address	 ad;
	struct span	 in;
	const char	*why = NULL;
	unsigned	 flags;
	size_t		 used;

	if (n == 0)
		return 0;
	flags = data[0] & 15;
	in = span_mem(data + 1, n - 1);
	if (address_parse_path(in, flags, &a, &ad, &used, &why) == 0) {
		assert(used <= in.n);
		check(&ad, flags, &a);
	} else
		assert(why != NULL);
	why = NULL;
	if (address_parse(in, flags, &a, &ad, &why) == 0)
		check(&ad, flags | ADDRESS_NULL_OK, &a);
	else
		assert(why != NULL);
	arena_clear(&a);
	return 0;
}
