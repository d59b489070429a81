/*
 * lines.c - what is written into a mailbox's file.
 */
#include "config.h"

#include <stdlib.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "mailbox/store/lines.h"

#define CHUNK	(64u << 10)	/* octets of one write */

void
lines_measure(struct span s, struct lines_size *sz)
{
	const char	*p = s.p, *end;

	if (s.n == 0)
		return;
	end = p + s.n;
	sz->lf += s.n;
	sz->crlf += s.n;
	while (p < end &&
	    (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (p > s.p && p[-1] == '\r')
			sz->lf--;
		else
			sz->crlf++;
		p++;
	}
}

void
lines_begin(struct lines_writer *w,
    int (*out)(void *, const char *, size_t), void *arg, bool as_is)
{
	*w = (struct lines_writer){ out, arg, as_is, 0, xmalloc(CHUNK) };
}

int
lines_to_fd(void *fd, const char *p, size_t n)
{
	return file_write_all(*(int *)fd, p, n);
}

void
lines_end(struct lines_writer *w)
{
	free(w->chunk);
	w->chunk = NULL;
}

int
lines_flush(struct lines_writer *w)
{
	size_t	 n = w->n;

	w->n = 0;
	return n == 0 ? 0 : w->out(w->arg, w->chunk, n);
}

int
lines_put(struct lines_writer *w, struct span s)
{
	size_t	 some;

	for (; s.n > 0; s = span_from(s, some)) {
		if (w->n == CHUNK && lines_flush(w) == -1)
			return -1;
		some = CHUNK - w->n < s.n ? CHUNK - w->n : s.n;
		memcpy(w->chunk + w->n, s.p, some);
		w->n += some;
	}
	return 0;
}

int
lines_put_text(struct lines_writer *w, struct span s)
{
	const char	*p = s.p, *end, *cr;

	if (w->as_is || s.n == 0)
		return lines_put(w, s);
	end = p + s.n;
	while (p < end) {
		cr = memchr(p, '\r', (size_t)(end - p));
		if (cr == NULL)
			return lines_put(w, span_mem(p, (size_t)(end - p)));
		if (lines_put(w, span_mem(p, (size_t)(cr - p))) == -1)
			return -1;
		p = cr + 1;
		if ((p == end || *p != '\n') &&
		    lines_put(w, span_mem(cr, 1)) == -1)
			return -1;
	}
	return 0;
}
