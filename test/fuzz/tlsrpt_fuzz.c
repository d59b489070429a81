/*
 * tlsrpt_fuzz.c - what a domain says of reports, and what was kept of a day.
 *
 * The first octet chooses: a TXT record (its places' addresses too), or a
 * file of counts, which is written and read again and must be the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mta/fetch/report_json.h"
#include "mta/fetch/report_keep.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
record(struct span in)
{
	struct report_record	r;
	struct arena		a = { 0 };
	struct span		address;
	size_t			i;

	if (report_record_find(&in, 1, &r) != (r.n > 0) ||
	    r.n > REPORT_RUA_MAX)
		abort();
	for (i = 0; i < r.n; i++) {
		if (span_has_control(r.rua[i]) ||
		    r.rua[i].n > REPORT_RUA_OCTETS)
			abort();
		if (report_mailto(r.rua[i], &a, &address) &&
		    (span_has_control(address) || address.n == 0))
			abort();
	}
	arena_clear(&a);
}

static void
kept(struct span in)
{
	const struct report_author	 who = {
		SPAN("o"), SPAN("c@o.example"), SPAN("f@o.example")
	};
	struct report_day		*d = report_kept(in), *again;
	const struct report_domain	*o;
	struct buf			 one = { 0 }, two = { 0 };

	if (d == NULL)
		return;
	report_keep(d, &one);
	if ((again = report_kept(buf_span(&one))) == NULL)
		abort();
	report_keep(again, &two);
	if (!span_eq(buf_span(&one), buf_span(&two)))
		abort();
	for (o = d->first; o != NULL; o = o->next) {
		buf_reset(&two);
		report_json(d, o, &who, &two);
	}
	report_day_free(&d);
	report_day_free(&again);
	buf_clear(&one);
	buf_clear(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	in = span_mem(data, n);

	if (n == 0)
		return 0;
	if (data[0] == 'r')
		record(span_from(in, 1));
	else
		kept(span_from(in, 1));
	return 0;
}
