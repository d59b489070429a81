/*
 * drop.c - a message of the drop folder, to octets and back.
 *
 * A user writes these files, perhaps not by our program: nothing in them is
 * believed but that the owner wants it sent.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc.h"
#include "mta/drop/drop.h"

#define MAGIC	"WBDROP1\n"
#define NOTIFY_MAX	40	/* octets of SUCCESS,FAILURE,DELAY */
#define ENVID_MAX	100	/* RFC 3461, 4.4 */

static const struct span	rets[] = {
	[DROP_RET_NONE] = { "", 0 },
	[DROP_RET_FULL] = { "FULL", 4 },
	[DROP_RET_HDRS] = { "HDRS", 4 },
};

void
drop_head(const struct drop *d, struct buf *out)
{
	size_t	i;

	buf_add_str(out, MAGIC);
	if (d->has_sender)
		buf_addf(out, "sender %.*s\n", SPAN_ARG(d->sender));
	for (i = 0; i < d->nrcpts; i++) {
		buf_add_str(out, "rcpt ");
		buf_add_span(out, d->rcpts[i]);
		buf_add_char(out, '\n');
	}
	if (d->notify.n > 0)
		buf_addf(out, "notify %.*s\n", SPAN_ARG(d->notify));
	if (d->ret != DROP_RET_NONE)
		buf_addf(out, "ret %s\n", rets[d->ret].p);
	if (d->envid.n > 0)
		buf_addf(out, "envid %.*s\n", SPAN_ARG(d->envid));
	if (d->eightbit)
		buf_add_str(out, "eightbit \n");
	buf_addf(out, "content %zu\n", d->content.n);
}

void
drop_tail(const struct drop *d, struct buf *out)
{
	buf_addf(out, "crc %08x\n",
	    (unsigned)crc32c(0, d->content.p, d->content.n));
}

/* --- reading */

struct reading {
	struct span	 left;
	struct span	*rcpts;		/* on the heap */
	size_t		 nrcpts, cap;
	const char	*why;
};

/* The next line, in two at its first blank. */
static bool
next_line(struct reading *r, struct span *word, struct span *value)
{
	ptrdiff_t	end, blank;
	struct span	line;

	line = r->left;
	if (line.n > DROP_LINE_MAX)
		line.n = DROP_LINE_MAX;
	if ((end = span_index(line, '\n')) < 0)
		return false;
	line.n = (size_t)end;
	r->left = span_from(r->left, line.n + 1);
	if (span_has_control(line) || (blank = span_index(line, ' ')) < 0)
		return false;
	*word = span_mem(line.p, (size_t)blank);
	*value = span_from(line, (size_t)blank + 1);
	return true;
}

static bool
add_rcpt(struct reading *r, struct span rcpt)
{
	if (r->nrcpts == DROP_RCPTS_MAX || rcpt.n == 0)
		return false;
	if (r->nrcpts == r->cap) {
		struct span	*more;

		r->cap = r->cap == 0 ? 8 : 2 * r->cap;
		more = reallocarray(r->rcpts, r->cap, sizeof(*more));
		if (more == NULL)
			return false;
		r->rcpts = more;
	}
	r->rcpts[r->nrcpts++] = rcpt;
	return true;
}

static bool
is_notify(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] != ',' && (s.p[i] < 'A' || s.p[i] > 'Z'))
			return false;
	return s.n > 0 && s.n <= NOTIFY_MAX;
}

static bool
take_ret(struct drop *d, struct span value)
{
	d->ret = span_eq(value, rets[DROP_RET_FULL]) ? DROP_RET_FULL :
	    span_eq(value, rets[DROP_RET_HDRS]) ? DROP_RET_HDRS :
	    DROP_RET_NONE;
	return d->ret != DROP_RET_NONE;
}

static bool
take(struct reading *r, struct drop *d, struct span word, struct span value)
{
	if (span_eq(word, SPAN("rcpt")))
		return add_rcpt(r, value);
	if (span_eq(word, SPAN("sender"))) {
		d->has_sender = true;
		d->sender = value;
	} else if (span_eq(word, SPAN("notify")) && is_notify(value))
		d->notify = value;
	else if (span_eq(word, SPAN("envid")) && value.n <= ENVID_MAX)
		d->envid = value;
	else if (span_eq(word, SPAN("eightbit")))
		d->eightbit = true;
	else
		return span_eq(word, SPAN("ret")) && take_ret(d, value);
	return true;
}

/* The content, and its checksum at the very end. */
static bool
take_content(struct reading *r, struct drop *d, struct span size)
{
	struct buf	tail = { 0 };
	uint64_t	n;
	bool		same;

	if (!span_u64(size, r->left.n, &n)) {
		r->why = "it is not whole";
		return false;
	}
	d->content = span_mem(r->left.p, (size_t)n);
	drop_tail(d, &tail);
	same = span_eq(buf_span(&tail), span_from(r->left, (size_t)n));
	buf_clear(&tail);
	if (!same)
		r->why = "it is not whole, or damaged";
	return same;
}

static bool
read_all(struct reading *r, struct drop *d)
{
	struct span	word, value;

	while (next_line(r, &word, &value)) {
		if (span_eq(word, SPAN("content")))
			return take_content(r, d, value);
		if (!take(r, d, word, value))
			return false;
	}
	return false;
}

bool
drop_parse(struct span file, struct arena *a, struct drop *out,
    const char **why)
{
	struct reading	r = { .why = "it is not of this format" };
	bool		ok;

	*out = (struct drop){ .ret = DROP_RET_NONE };
	if (!span_prefix(file, SPAN(MAGIC))) {
		*why = r.why;
		return false;
	}
	r.left = span_from(file, sizeof(MAGIC) - 1);
	ok = read_all(&r, out);
	if (ok && r.nrcpts == 0) {
		ok = false;
		r.why = "it has no recipients";
	}
	if (ok) {
		out->nrcpts = r.nrcpts;
		out->rcpts = arena_alloc(a, r.nrcpts * sizeof(*out->rcpts));
		memcpy(out->rcpts, r.rcpts, r.nrcpts * sizeof(*out->rcpts));
	}
	free(r.rcpts);
	*why = r.why;
	return ok;
}
