/*
 * header_address.c - the addresses of a header section, found and replaced.
 */
#include "config.h"

#include "mail/header_address.h"

/* RFC 5322, 3.6.2, 3.6.3, 3.6.6. */
bool
header_is_address(struct span name)
{
	static const struct span	 names[] = {
		{ "From", 4 }, { "Sender", 6 }, { "Reply-To", 8 },
		{ "To", 2 }, { "Cc", 2 }, { "Bcc", 3 },
	};
	size_t	 i;

	if (span_iprefix(name, SPAN("Resent-")))
		name = span_from(name, 7);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_ieq(name, names[i]))
			return true;
	return false;
}

bool
header_address_next(struct header_addresses *h, struct arena *a,
    struct address_item *item)
{
	enum address_list_result	 is;

	for (;;) {
		while ((is = address_list_next(&h->list, a, item)) !=
		    ADDRESS_LIST_END)
			if (is == ADDRESS_LIST_ITEM)
				return true;
		do {
			if (h->over || !header_next(h->content, &h->pos,
			    &h->field)) {
				h->over = true;
				return false;
			}
		} while (!header_is_address(h->field.name));
		h->list = (struct address_list){ .body = h->field.body,
		    .flags = ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK };
	}
}

size_t
header_rewrite(struct span content, address_rewrite *fn, void *arg,
    struct buf *out)
{
	struct header_field	 f;
	size_t			 pos = 0, end = 0, n = 0, before;

	while (header_next(content, &pos, &f)) {
		end = pos;
		if (!header_is_address(f.name)) {
			buf_add_span(out, f.whole);
			continue;
		}
		before = (size_t)(f.body.p - f.whole.p);
		buf_add(out, f.whole.p, before);
		n += address_list_rewrite(f.body, before, fn, arg, out);
		buf_add_span(out, span_from(f.whole, before + f.body.n));
	}
	buf_add(out, content.p + end, pos - end);
	return n;
}
