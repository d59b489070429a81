/*
 * reply_fuzz.c - replies of a next hop: whatever it says, in any pieces.
 *
 * The octets are read as a stream of replies, once whole and once growing by
 * the steps that the first octet gives; both must see the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mta/relay/outcome.h"
#include "mta/relay/replies.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REPLIES	64	/* of one input */

struct seen {
	size_t		n, used;
	unsigned	codes[REPLIES];
	bool		nonsense;
};

static void
use(const struct reply *r)
{
	struct outcome	o;
	struct ehlo	e;
	struct span	host;
	size_t		i;

	outcome_reply(&o, r);
	for (i = 0; o.text[i] != '\0'; i++)
		if (o.text[i] < ' ' || o.text[i] > '~')
			abort();
	if (i > REPLY_TEXT_MAX || o.code < 200 || o.code > 559)
		abort();
	ehlo_parse(r, &e);
	host = reply_host(r);
	if (host.n > 255)
		abort();
}

static void
read_all(struct span in, size_t grow, struct seen *s)
{
	struct reply_pos	pos = { 0 };
	struct reply		r;
	size_t			have = grow;
	enum reply_got		got;

	*s = (struct seen){ 0 };
	while (s->n < REPLIES) {
		if (have > in.n - s->used)
			have = in.n - s->used;
		got = reply_parse((struct span){ in.p + s->used, have }, &pos,
		    &r);
		if (got == REPLY_NONSENSE) {
			s->nonsense = true;
			return;
		}
		if (got == REPLY_MORE && have == in.n - s->used)
			return;
		if (got == REPLY_MORE) {
			have += grow;
			continue;
		}
		if (r.raw.n == 0 || r.raw.n > have)
			abort();
		use(&r);
		s->codes[s->n++] = r.code;
		s->used += r.raw.n;
		have -= r.raw.n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seen	whole, pieces;
	struct span	in;

	if (n < 2)
		return 0;
	in = span_mem(data + 1, n - 1);
	read_all(in, in.n, &whole);
	read_all(in, (size_t)data[0] + 1, &pieces);
	if (whole.n != pieces.n || whole.used != pieces.used ||
	    whole.nonsense != pieces.nonsense ||
	    memcmp(whole.codes, pieces.codes, sizeof(whole.codes)) != 0)
		abort();
	return 0;
}
