/*
 * address_rewrite.c - other addresses in a field body, in the place of theirs.
 */
#include "config.h"

#include <assert.h>

#include "mail/address_list.h"

#define LINE_MAX_OCTETS	998	/* without CRLF; RFC 5322, 2.1.1 */

/* A body on its way into out. */
struct rewriting {
	struct span	 body;
	size_t		 done;		/* octets of the body that are copied */
	size_t		 line;		/* where the last line begins in out */
	size_t		 column;	/* before the first line */
	struct buf	*out;
};

/* Where a part ends, and the next begins. */
static size_t
end_of(struct address_place p)
{
	return p.at + p.n;
}

static void
put(struct rewriting *r, struct span s)
{
	const char	*lf = s.n == 0 ? NULL : memrchr(s.p, '\n', s.n);

	if (lf != NULL) {
		r->line = r->out->n + (size_t)(lf - s.p) + 1;
		r->column = 0;
	}
	buf_add_span(r->out, s);
}

static void
copy_to(struct rewriting *r, size_t end)
{
	put(r, span_mem(r->body.p + r->done, end - r->done));
	r->done = end;
}

/* Of the octets up to end only the blanks and comments. */
static void
copy_cfws(struct rewriting *r, size_t end)
{
	struct span	 s;
	size_t		 n;

	for (; r->done < end; r->done += n) {
		s = span_mem(r->body.p + r->done, end - r->done);
		n = s.p[0] == '(' ? address_comment_size(s) :
		    s.p[0] == '"' ? address_quoted_size(s) : 1;
		assert(n > 0);	/* it was parsed */
		if (s.p[0] == '(' || strchr(" \t\r\n", s.p[0]) != NULL)
			put(r, span_mem(s.p, n));
	}
}

/* One part: what is new in its place, or as it is written. */
static void
put_part(struct rewriting *r, struct address_place old, struct span was,
    struct span is)
{
	if (span_eq(was, is)) {
		copy_to(r, end_of(old));
		return;
	}
	put(r, is);
	copy_cfws(r, end_of(old));
}

/*
 * What stands behind octet pos of the body, on the same line; of a line that
 * is too long already only its beginning.
 */
static struct span
rest_of_line(const struct rewriting *r, size_t pos)
{
	struct span	 rest = span_from(r->body, pos);
	const char	*cr;

	if (rest.n > LINE_MAX_OCTETS + 2)
		rest.n = LINE_MAX_OCTETS + 2;
	cr = rest.n == 0 ? NULL : memmem(rest.p, rest.n, "\r\n", 2);
	if (cr != NULL)
		rest.n = (size_t)(cr - rest.p);
	return rest;
}

/* Octets of the last line in out, and of what follows there. */
static size_t
line_size(const struct rewriting *r, struct span rest)
{
	return r->column + (r->out->n - r->line) + rest.n;
}

/* A fold; never so that a line of blanks is left. */
static void
fold(struct rewriting *r)
{
	size_t	 i;

	for (i = r->line; i < r->out->n; i++)
		if (strchr(" \t\r\n", buf_span(r->out).p[i]) == NULL)
			break;
	if (i < r->out->n || r->column > 0)
		put(r, SPAN("\r\n "));
}

static void
put_address(struct rewriting *r, const struct address_item *item,
    const struct address *new)
{
	struct span	 domain = address_domain(new);

	put_part(r, item->local, address_local(&item->address),
	    address_local(new));
	if (item->domain.n == 0) {
		if (domain.n > 0)
			put(r, SPAN("@"));
		put(r, domain);
		return;
	}
	if (domain.n == 0)
		copy_cfws(r, item->domain.at);	/* the '@' goes */
	else
		copy_to(r, item->domain.at);
	put_part(r, item->domain, address_domain(&item->address), domain);
}

static void
replace(struct rewriting *r, const struct address_item *item,
    const struct address *new)
{
	struct span	 rest;
	size_t		 end, old, was, is;

	end = end_of(item->domain.n > 0 ? item->domain : item->local);
	old = end - item->local.at;
	copy_to(r, item->local.at);
	rest = rest_of_line(r, item->local.at);
	was = line_size(r, rest);
	is = was - (old < rest.n ? old : rest.n) + new->whole.n;
	if (is > LINE_MAX_OCTETS && is > was)
		fold(r);
	put_address(r, item, new);
	rest = rest_of_line(r, end);
	if (span_trim(rest).n > 0 && is > was &&
	    line_size(r, rest) > LINE_MAX_OCTETS)
		fold(r);
}

/* What fn has for it, if that is an address and another one. */
static bool
is_new(const struct address *old, address_rewrite *fn, void *arg,
    struct arena *a, struct address *new)
{
	struct span	 text;
	const char	*why;

	return old->whole.n > 0 && fn(arg, old, &text) &&
	    address_parse(text, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK, a,
	    new, &why) == 0 && !span_eq(new->whole, old->whole);
}

size_t
address_list_rewrite(struct span body, size_t column, address_rewrite *fn,
    void *arg, struct buf *out)
{
	struct rewriting		 r = { .body = body, .line = out->n,
	    .column = column, .out = out };
	struct address_list		 l = { .body = body,
	    .flags = ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK };
	struct arena			 a = { 0 };
	struct address_item		 item;
	struct address			 new;
	enum address_list_result	 is;
	size_t				 n = 0;

	while ((is = address_list_next(&l, &a, &item)) != ADDRESS_LIST_END) {
		if (is == ADDRESS_LIST_ITEM &&
		    is_new(&item.address, fn, arg, &a, &new)) {
			replace(&r, &item, &new);
			n++;
		}
		arena_reset(&a);
	}
	copy_to(&r, body.n);
	arena_clear(&a);
	return n;
}
