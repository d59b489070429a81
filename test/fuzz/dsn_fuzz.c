/*
 * dsn_fuzz.c - a template, and what strangers write into it (behind a NUL): a
 * template without a mistake makes a notification of short lines of ASCII.
 */
#include "config.h"

#include <assert.h>

#include "mail/dsn_text.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(struct span s)
{
	size_t	i, line = 0;

	for (i = 0; i < s.n; i++) {
		unsigned char	ch = (unsigned char)s.p[i];

		assert(ch < 0x80 && ch != 0x7f && ch != 0);
		line = ch == '\n' ? 0 : line + 1;
		assert(line <= 999);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span		all = span_mem(data, n), wild = SPAN_NONE;
	ptrdiff_t		nul = span_index(all, '\0');
	struct dsn_mistake	m;
	struct buf		out = { 0 };

	if (nul >= 0) {
		wild = span_from(all, (size_t)nul + 1);
		all.n = (size_t)nul;
	}
	struct dsn_rcpt	rc[2] = {
		{ .address = SPAN("a@b.example"), .status = SPAN("5.0.0"),
		  .reply = wild, .why = wild, .mta = wild },
		{ .address = SPAN("c@b.example"), .action = DSN_DELAYED,
		  .status = SPAN("4.0.0"), .will_retry_until_ms = 1 },
	};
	struct dsn	d = { .reporting_mta = SPAN("mail.example"),
			    .id = SPAN("0"), .to = SPAN("x@y.example"),
			    .sender = wild, .rcpts = rc, .n = 2,
			    .arrival_ms = 1, .now_ms = 1, .original = wild,
			    .text = all, .more = 2 };

	if (all.n > 0 && dsn_text_check(all, &m)) {
		d.original = SPAN_NONE;
		dsn_compose(&d, &out);
		check(buf_span(&out));
	}
	buf_clear(&out);
	return 0;
}
