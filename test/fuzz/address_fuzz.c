/*
 * address_fuzz.c - whatever is taken for an address has one spelling, which
 * parses to itself, and nothing in it that could end a line.  In a list each
 * address reads the same at its place, in order; rewriting with the identity
 * changes nothing, and what is written in their place is read back.
 *
 * The first octet of the input chooses the flags.
 */
#include "config.h"

#include <assert.h>

#include "mail/address_list.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_octets(const struct address *ad)
{
	size_t	 i;

	assert(ad->whole.n <= ADDRESS_PATH_MAX - 2);
	assert(ad->at <= ad->whole.n);
	assert(ad->at <= ADDRESS_LOCAL_MAX ||
	    span_iprefix(ad->whole, SPAN("SRS")) ||
	    span_iprefix(ad->whole, SPAN("\"SRS")));
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

/* --- lists */

static size_t
end_of(const struct address_item *item)
{
	return item->domain.at + item->domain.n;
}

static void
check_place(struct span body, unsigned flags, const struct address_item *item,
    struct arena *a)
{
	struct address_list	 l = { .flags = flags };
	struct address_item	 again;

	l.body = span_mem(body.p + item->local.at,
	    end_of(item) - item->local.at);
	if (item->address.whole.n == 0)
		return;
	assert(address_list_next(&l, a, &again) == ADDRESS_LIST_ITEM);
	assert(span_eq(again.address.whole, item->address.whole));
	assert(l.pos == l.body.n);
}

/* Returns how many addresses there are. */
static size_t
check_list(struct span body, unsigned flags, struct arena *a)
{
	struct address_list		 l = { .body = body, .flags = flags };
	struct address_item		 item;
	enum address_list_result	 is;
	size_t				 n = 0, from = 0;

	while ((is = address_list_next(&l, a, &item)) != ADDRESS_LIST_END) {
		assert(l.pos > from && l.pos <= body.n);
		assert((is == ADDRESS_LIST_BAD) == (item.why != NULL));
		if (is == ADDRESS_LIST_ITEM) {
			assert(item.local.at >= from &&
			    end_of(&item) <= l.pos);
			check_octets(&item.address);
			check_place(body, flags, &item, a);
			n++;
		}
		from = l.pos;
	}
	return n;
}

static bool
identity(void *arg, const struct address *old, struct span *new)
{
	(void)arg;
	*new = old->whole;
	return true;
}

static bool
another(void *arg, const struct address *old, struct span *new)
{
	(void)arg;
	(void)old;
	*new = SPAN("\"an other\"@rather.long.name.example");
	return true;
}

static bool
is_other(const struct address_item *item)
{
	return span_eq(item->address.whole,
	    SPAN("\"an other\"@rather.long.name.example"));
}

/* The replaced list has the same members, each of them the other address. */
static void
check_replaced(struct span body, size_t n, struct arena *a)
{
	struct address_list		 l = { .body = body,
	    .flags = ADDRESS_UTF8_OK | ADDRESS_BARE_LOCAL_OK };
	struct address_item		 item;
	enum address_list_result	 is;

	while ((is = address_list_next(&l, a, &item)) != ADDRESS_LIST_END)
		if (is == ADDRESS_LIST_ITEM) {
			assert(item.address.whole.n == 0 || is_other(&item));
			n--;
		}
	assert(n == 0);
}

static void
check_rewriting(struct span body, struct arena *a)
{
	struct buf	 same = { 0 }, out = { 0 };
	size_t		 n;

	n = check_list(body, ADDRESS_UTF8_OK | ADDRESS_BARE_LOCAL_OK, a);
	assert(address_list_rewrite(body, 6, identity, NULL, &same) == 0);
	assert(span_eq(buf_span(&same), body));
	assert(address_list_rewrite(body, 6, another, NULL, &out) <= n);
	check_replaced(buf_span(&out), n, a);
	buf_clear(&same);
	buf_clear(&out);
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
	(void)check_list(in, flags, &a);
	check_rewriting(in, &a);
	arena_clear(&a);
	return 0;
}
