/*
 * counters_fuzz.c - the files of the counters.
 *
 * The first octet says how the rest is read: as a file as it is, or as the
 * body of blocks whose checksums are made here, so that records are reached.
 * What has been read is counted on, written and read once more: the second
 * writing must be the same as the first.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mta/counters/store.h"

#define NOW	INT64_C(1000000000)
#define WALL	INT64_C(1795000000000)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
write_all(struct counters *c, struct buf *out)
{
	const struct rate	*r;
	const struct grey	*g;
	size_t			 at;

	aged_walk(&c->rates.keys);
	while ((r = rates_next(&c->rates, NOW)) != NULL) {
		at = store_begin(out);
		store_put_rate(out, r, WALL);
		store_end(out, at);
	}
	greylist_walk(&c->greylist);
	while ((g = greylist_next(&c->greylist, NOW)) != NULL) {
		at = store_begin(out);
		store_put_grey(out, g, WALL);
		store_end(out, at);
	}
}

/* The same keys with the same values, in whatever order. */
static void
read_again(const struct buf *first)
{
	struct store_report	report;
	struct counters		c;
	struct buf		second = { 0 };

	counters_init(&c);
	store_read(&c, buf_span(first), NOW, WALL, &report);
	write_all(&c, &second);
	if (report.damaged != 0 || second.n != first->n)
		abort();
	buf_clear(&second);
	counters_clear(&c);
}

static void
count_on(struct counters *c)
{
	struct rate_ask	q = { .name = SPAN("r"), .key = SPAN("k"),
	    .count = 3, .period_ms = 1000 };

	for (q.tx = 1; q.tx < 6; q.tx++) {
		(void)counters_rate(c, &q, NOW, NULL);
		(void)counters_greylisted(c, span_mem(&q.tx, 8), 1000, false,
		    NOW, NULL);
	}
}

static void
as_blocks(struct span in, struct buf *file)
{
	size_t	at, n;

	while (in.n > 0) {
		n = in.n > 600 ? 600 : in.n;
		at = store_begin(file);
		buf_add(file, in.p, n);
		store_end(file, at);
		in = span_from(in, n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span		in;
	struct buf		file = { 0 }, first = { 0 };
	struct store_report	report;
	struct counters		c;

	if (n == 0)
		return 0;
	in = span_mem(data + 1, n - 1);
	counters_init(&c);
	c.rates.max = c.greylist.max = 64;
	if (data[0] & 1)
		as_blocks(in, &file);
	else
		buf_add_span(&file, in);
	store_read(&c, buf_span(&file), NOW, WALL, &report);
	if (report.damaged > file.n)
		abort();
	count_on(&c);
	write_all(&c, &first);
	read_again(&first);
	buf_clear(&file);
	buf_clear(&first);
	counters_clear(&c);
	return 0;
}
