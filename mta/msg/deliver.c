/*
 * deliver.c - the kinds and the packed options of a delivery.
 */
#include "mta/msg/deliver.h"

#define HEAD	3	/* octets before an option's value */

const char *
deliver_kind_name(unsigned kind)
{
	switch (kind) {
#define DELIVER_KIND(NAME, number, name, meaning) case number: return name;
#define DELIVER_OPTION(NAME, number, meaning)
#include "mta/msg/deliver.def"
#undef DELIVER_KIND
#undef DELIVER_OPTION
	}
	return NULL;
}

void
deliver_option_add(struct buf *b, unsigned option, struct span value)
{
	if (value.n > UINT16_MAX)
		value.n = UINT16_MAX;
	buf_add_char(b, (char)option);
	buf_add_char(b, (char)(value.n & 0xff));
	buf_add_char(b, (char)(value.n >> 8));
	buf_add_span(b, value);
}

/* The first option of the rest, which is eaten; 0: none, or nonsense. */
static unsigned
next(struct span *left, struct span *value)
{
	const uint8_t	*p = (const uint8_t *)left->p;
	size_t		 n;

	if (left->n < HEAD)
		return 0;
	n = p[1] | (size_t)p[2] << 8;
	if (left->n - HEAD < n)
		return 0;
	*value = span_mem(left->p + HEAD, n);
	*left = span_from(*left, HEAD + n);
	return p[0];
}

bool
deliver_option(struct span options, unsigned option, struct span *value)
{
	struct span	 v;
	unsigned	 o;

	while ((o = next(&options, &v)) != 0)
		if (o == option) {
			*value = v;
			return true;
		}
	return false;
}

bool
deliver_options_ok(struct span options)
{
	struct span	 v;
	uint32_t	 seen = 0;
	unsigned	 o;

	while (options.n > 0) {
		o = next(&options, &v);
		if (o == 0 || o >= DELIVER_OPTIONS_END || seen >> o & 1)
			return false;
		seen |= UINT32_C(1) << o;
	}
	return true;
}

bool
deliver_how(struct span how, unsigned *kind, struct span *options)
{
	*kind = how.n == 0 ? (unsigned)DELIVER_MAILDIR : (uint8_t)how.p[0];
	*options = span_from(how, 1);
	return deliver_kind_name(*kind) != NULL && how.n <= DELIVER_HOW_MAX &&
	    deliver_options_ok(*options);
}
