/*
 * header_fuzz.c - a stranger's header: fields cover the section without a
 * gap, text has no control characters, edits keep what they do not touch, and
 * rewriting with the identity keeps all.
 */
#include "config.h"

#include <assert.h>

#include "mail/header_address.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_text(struct span body, struct arena *a)
{
	struct span	 t = header_text(body, a);
	size_t		 i;

	for (i = 0; i < t.n; i++)
		assert((unsigned char)t.p[i] >= ' ' && t.p[i] != 0x7f);
}

/* Returns the octets of all fields; *found counts those named X. */
static size_t
check_fields(struct span content, unsigned *found, struct arena *a)
{
	struct header_field	 f, same;
	size_t			 pos = 0, n = 0;

	*found = 0;
	while (header_next(content, &pos, &f)) {
		assert(f.whole.p == content.p + n && f.whole.n > 0);
		n += f.whole.n;
		check_text(f.body, a);
		assert(f.name.n == 0 ||
		    header_find(content, f.name, 0, &same));
		*found += span_ieq(f.name, SPAN("X"));
	}
	assert(pos == n || pos == n + 2);
	assert(header_size(content) == pos);
	return n;
}

static void
check_edits(struct span content, struct arena *a)
{
	const struct header_edit	 set = { HEADER_EDIT_SET, SPAN("X"),
	    SPAN("value") };
	struct header_field		 f;
	struct buf			 same = { 0 }, out = { 0 };
	size_t				 size = header_size(content);
	unsigned			 after;

	header_apply(content, NULL, 0, &same);
	assert(span_eq(buf_span(&same), span_mem(content.p, size)));
	header_apply(content, &set, 1, &out);
	check_fields(buf_span(&out), &after, a);
	assert(after == 1 && header_find(buf_span(&out), SPAN("X"), 0, &f));
	assert(span_eq(span_trim(f.body), SPAN("value")));
	buf_clear(&same);
	buf_clear(&out);
}

static bool
identity(void *arg, const struct address *old, struct span *new)
{
	++*(size_t *)arg;
	*new = old->whole;
	return true;
}

/* All addresses that are listed are asked for, and nothing else changes. */
static void
check_rewriting(struct span content, struct arena *a)
{
	struct header_addresses	 h = { .content = content };
	struct address_item	 item;
	struct buf		 same = { 0 };
	size_t			 asked = 0, listed = 0;

	assert(header_rewrite(content, identity, &asked, &same) == 0);
	assert(span_eq(buf_span(&same),
	    span_mem(content.p, header_size(content))));
	while (header_address_next(&h, a, &item))
		listed += item.address.whole.n > 0;
	assert(asked == listed);
	buf_clear(&same);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	 content = span_mem(data, n);
	struct arena	 a = { 0 };
	unsigned	 found;

	check_fields(content, &found, &a);
	check_edits(content, &a);
	check_rewriting(content, &a);
	(void)header_hops(content);
	(void)header_delivered_to(content, SPAN("a@x.example"));
	(void)header_field_ok(content);
	arena_clear(&a);
	return 0;
}
