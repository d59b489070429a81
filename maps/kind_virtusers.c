/*
 * kind_virtusers.c - sendmail's virtusertable: whose mail an address of a
 * virtual domain is.
 *
 *	user@domain	address		%1: the user as asked
 *	user+*@domain	address		%2: the detail, %3: "+detail"
 *	@domain		address		any other user
 *	user@domain	error:5.1.6:551 text
 *
 * `+` and one more `+` is a detail that is not empty, `+*` one that may be.
 * As in Postfix' virtual(5) the right side may be a list.
 */
#include "config.h"

#include "mail/address.h"
#include "mail/domain.h"
#include "maps/alias_list.h"
#include "maps/map_int.h"

static int
fault(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return -1;
}

/* "@domain": any user. */
static int
catch_all(struct span in, struct arena *scratch, struct span *out,
    struct map_fault *f)
{
	struct span	 domain;

	if (domain_normalise(span_from(in, 1), scratch, &domain,
	    &f->what) == -1)
		return fault(f, in.p + 1, f->what);
	*out = arena_join(scratch, SPAN("@"), domain, SPAN_NONE);
	return 0;
}

static int
virtusers_key(struct map *m, struct span in, struct arena *scratch,
    struct span *out, struct map_fault *f)
{
	struct address	 a;

	(void)m;
	if (in.p[0] == '@')
		return catch_all(in, scratch, out, f);
	if (address_parse(in, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK,
	    scratch, &a, &f->what) == -1)
		return fault(f, in.p, f->what);
	if (a.at == a.whole.n)
		return fault(f, in.p,
		    "a key is user@domain, or @domain for any other user");
	*out = a.whole;
	return 0;
}

/* What stands behind `error:`, in quotes or not. */
static bool
error_of(struct span value, struct span *refusal)
{
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = map_trim(span_mem(value.p + 1, value.n - 2));
	if (!span_iprefix(value, SPAN("error:")))
		return false;
	*refusal = span_from(value, sizeof("error:") - 1);
	return true;
}

/* The list, with something in the place of each %1. */
static int
list_check(struct span list, struct arena *scratch, const char **why)
{
	struct arena		 a = { 0 };
	struct alias_list	 l = { .left = list, .scratch = &a };
	enum alias_list_result	 r;
	enum alias_item		 kind;
	struct address		 ad;
	struct span		 text;
	size_t			 n = 0;
	int			 rc = 0;

	while (rc == 0 && (r = alias_list_next(&l, &kind, &text)) ==
	    ALIAS_LIST_ITEM) {
		n++;
		*why = "the right side is an address, or error:";
		rc = kind != ALIAS_ADDRESS && kind != ALIAS_MAILBOX ? -1 :
		    address_parse(text, ADDRESS_BARE_LOCAL_OK |
		    ADDRESS_UTF8_OK, scratch, &ad, why);
	}
	if (rc == 0 && r == ALIAS_LIST_BAD) {
		*why = text.n > 0 && text.p[0] == '@' ? "the same user of "
		    "another domain is written %1@domain" : l.why;
		rc = -1;
	} else if (rc == 0 && n == 0) {
		*why = "the list has no members";
		rc = -1;
	}
	arena_clear(&a);
	return rc;
}

static int
virtusers_value(struct span value, struct map_fault *f)
{
	const struct span	 sample[10] = {
		SPAN("x"), SPAN("x"), SPAN("x"), SPAN("x"), SPAN("x"),
		SPAN("x"), SPAN("x"), SPAN("x"), SPAN("x"), SPAN("x")
	};
	struct map_refusal	 r;
	struct span		 error;
	struct arena		 scratch = { 0 };
	int			 rc;

	if (error_of(value, &error))
		return map_refusal_parse(error, &r, f);
	f->at = value.p;
	rc = list_check(map_fill(value, sample, &scratch), &scratch,
	    &f->what);
	arena_clear(&scratch);
	return rc;
}

/* --- look-ups */

/* An address taken apart: user, delimiter and detail, "@domain". */
struct parts {
	struct span	 user, delimiter, detail, domain;
};

static struct parts
parts_of(struct span whole, size_t at, struct span detail_chars)
{
	struct span	 local = span_mem(whole.p, at);
	struct parts	 p = { .domain = span_from(whole, at) };

	address_detail(local, detail_chars, &p.user, &p.detail);
	if (p.user.n < local.n && p.user.n > 0)
		p.delimiter = span_mem(local.p + p.user.n, 1);
	else
		p.user = local;
	return p;
}

/* user, delimiter and what stands for the detail. */
static enum map_result
find_detail(struct map_look *l, const struct parts *p, struct span user,
    struct span detail, struct map_answer *out)
{
	struct span	 pieces[4] = { user, p->delimiter, detail, p->domain };

	return map_find_pieces(l, pieces, 4, out);
}

/* sendmail's order for one user, or for any. */
static enum map_result
find_wildcards(struct map_look *l, const struct parts *p, struct span user,
    struct map_answer *out)
{
	enum map_result	 r = MAP_NONE;

	if (p->delimiter.n == 0)
		return MAP_NONE;
	if (p->detail.n > 0)
		r = find_detail(l, p, user, p->delimiter, out);
	if (r == MAP_NONE)
		r = find_detail(l, p, user, SPAN("*"), out);
	return r;
}

static enum map_result
ranked(enum map_result r, enum map_rank rank, struct map_answer *out)
{
	out->rank = rank;
	return r;
}

static enum map_result
virtusers_get_address(struct map_look *l, struct span whole, size_t at,
    struct span detail_chars, struct map_answer *out)
{
	struct parts	 p = parts_of(whole, at, detail_chars);
	struct span	 user[2] = { p.user, p.domain };
	enum map_result	 r;

	if ((r = map_find(l, whole, out)) != MAP_NONE)
		return ranked(r, MAP_EXACT, out);
	if ((r = find_wildcards(l, &p, p.user, out)) != MAP_NONE)
		return ranked(r, MAP_DETAIL, out);
	if (p.delimiter.n > 0 &&
	    (r = map_find_pieces(l, user, 2, out)) != MAP_NONE)
		return ranked(r, MAP_DETAIL, out);
	if ((r = find_wildcards(l, &p, SPAN_NONE, out)) != MAP_NONE)
		return ranked(r, MAP_PATTERN, out);
	if (p.domain.n > 1 && (r = map_find(l, p.domain, out)) != MAP_NONE)
		return ranked(r, MAP_CATCH_ALL, out);
	return map_none(l);
}

const struct map_kind map_kind_virtusers = {
	.name = "virtusers",
	.line = map_words_line,
	.entry = map_words_entry,
	.key = virtusers_key,
	.value = virtusers_value,
	.trap = map_trap_virtusers,
	.get_address = virtusers_get_address,
	.continued = true,
};

/*
 * %0 the address, %1 the user: with its detail where the key has no place for
 * one and the whole address matched, else without; %2 the detail, %3 with its
 * delimiter.
 */
int
map_virtuser_fill(const struct map_answer *a, struct span whole, size_t at,
    struct span detail_chars, struct arena *ar, struct span *list,
    struct map_refusal *refusal)
{
	struct parts		 p = parts_of(whole, at, detail_chars);
	struct span		 args[10] = { whole, span_mem(whole.p, at) };
	struct span		 error;
	struct map_fault	 f;

	if (error_of(a->value, &error))
		return map_refusal_parse(error, refusal, &f) == 0 ? 1 : -1;
	if (a->rank != MAP_EXACT) {
		args[1] = p.user;
		args[2] = p.detail;
		if (p.delimiter.n > 0)
			args[3] = span_mem(p.delimiter.p, p.detail.n + 1);
	}
	*list = map_fill(a->value, args, ar);
	return 0;
}
