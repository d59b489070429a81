/*
 * programs_fuzz.c - what programs hand in: a message on standard input, and a
 * file of the drop folder.
 *
 * The first octet says which.  A message comes in pieces of as many octets as
 * its second says; whatever it is, lines that can be sent come out.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "mail/dot.h"
#include "mail/header.h"
#include "mta/sendmail/sendmail.h"
#include "mta/submit/submit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct person	person = { "ann", "Ann & Co,1" };

static void
can_be_sent(struct span content)
{
	struct dot_out	dot = { false, false };
	struct buf	wire = { 0 };

	assert(dot_out(&dot, content, &wire));
	assert(dot_end(&dot, &wire));
	buf_clear(&wire);
}

static void
message(struct span s)
{
	struct options	 o = { .mode = MODE_SEND };
	struct input	 in = { .most = 1u << 20 };
	struct buf	 content = { 0 }, header = { 0 };
	struct arena	 a = { 0 };
	struct drop	 d = { .nrcpts = 0 };
	size_t		 cap = 0, step = s.n > 0 ? (uint8_t)s.p[0] + 1 : 1;
	const char	*why;

	for (s = span_from(s, 1); s.n > 0; s = span_from(s, step))
		input_take(&in, span_mem(s.p, s.n < step ? s.n : step));
	input_end(&in);
	(void)compose_header_rcpts(buf_span(&in.out), &a, &d, &cap, &why);
	compose_unique(&d);
	compose_content(buf_span(&in.out), &o, &person, 1795258989123,
	    &content);
	can_be_sent(buf_span(&content));
	if (submit_qualify_header(buf_span(&content), SPAN("x.example"),
	    &header))
		can_be_sent(buf_span(&header));
	buf_clear(&in.out);
	buf_clear(&content);
	buf_clear(&header);
	arena_clear(&a);
	free(d.rcpts);
}

static void
file(struct span s)
{
	struct arena	 a = { 0 };
	struct buf	 again = { 0 };
	struct drop	 d;
	const char	*why = NULL;

	if (drop_parse(s, &a, &d, &why)) {
		assert(d.nrcpts > 0);
		drop_head(&d, &again);
		buf_add_span(&again, d.content);
		drop_tail(&d, &again);
		assert(drop_parse(buf_span(&again), &a, &d, &why));
	} else
		assert(why != NULL);
	buf_clear(&again);
	arena_clear(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	s = span_mem(data, n);

	if (n == 0)
		return 0;
	if (data[0] & 1)
		file(span_from(s, 1));
	else
		message(span_from(s, 1));
	return 0;
}
