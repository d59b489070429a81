/*
 * uidlog_fuzz.c - a uid log, whatever stands in it: what was read of it is
 * written, and read again as the same.  The checksums of its lines are put
 * right, so that what they say is looked at.  And names of folders and files.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc.h"
#include "mailbox/store/names.h"
#include "mailbox/store/uidlog.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Each line of text with its checksum. */
static void
with_checksums(struct span text, struct buf *out)
{
	struct span	 line;
	ptrdiff_t	 at;

	for (; (at = span_index(text, '\n')) != -1;
	    text = span_from(text, (size_t)at + 1)) {
		line = span_mem(text.p, (size_t)at);
		buf_addf(out, "%08x ", crc32c(0, line.p, line.n));
		buf_add_span(out, line);
		buf_add_char(out, '\n');
	}
	buf_add_span(out, text);
}

static void
same(const struct uidlog *a, const struct uidlog *b)
{
	const struct uidlog_entry	*e, *f;
	size_t				 i;

	if (a->validity != b->validity || a->next != b->next ||
	    a->live != b->live || a->nmeta != b->nmeta)
		abort();
	for (i = 0; i < a->n; i++) {
		e = &a->entries[i];
		if (e->gone)
			continue;
		f = uidlog_find(b, e->uid);
		if (f == NULL || f->gone || f->saved_s != e->saved_s ||
		    !span_eq(f->base, e->base) || !span_eq(f->id, e->id) ||
		    !span_eq(f->keywords, e->keywords))
			abort();
	}
}

static void
one_log(struct span octets)
{
	struct buf	 again = { 0 };
	struct uidlog	 l, m;

	if (uidlog_parse(octets, &l) == 0) {
		if (l.good > octets.n)
			abort();
		uidlog_put_all(&again, &l);
		if (uidlog_parse(buf_span(&again), &m) == -1 || m.damaged ||
		    m.good != again.n)
			abort();
		same(&l, &m);
		uidlog_clear(&m);
	}
	uidlog_clear(&l);
	buf_clear(&again);
}

static void
names(struct span s)
{
	char			 disk[STORE_FOLDER_MAX], text[1000];
	struct name_parts	 parts;
	int			 n;

	name_parse(s, &parts);
	if (parts.base.n > s.n || parts.flags.n > s.n)
		abort();
	(void)name_folder_text(s, text, sizeof(text));
	if (!name_of_folder(s, disk))
		return;
	n = name_folder_text(span_of(disk), text, sizeof(text));
	if (n < 0 || !name_is_folder(span_of(disk)) ||
	    !span_eq(span_mem(text, (size_t)n), s))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span	 s = span_mem(p, n);
	struct buf	 b = { 0 };

	one_log(s);
	with_checksums(s, &b);
	one_log(buf_span(&b));
	names(s);
	buf_clear(&b);
	return 0;
}
