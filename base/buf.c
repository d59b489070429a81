/*
 * buf.c - a growing run of octets.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/xalloc.h"

#define BUF_FIRST	256	/* octets of the first allocation */

void
buf_clear(struct buf *b)
{
	free(b->base);
	*b = (struct buf){ 0 };
}

void
buf_wipe(struct buf *b)
{
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	buf_clear(b);
}

void
buf_reset(struct buf *b)
{
	b->off = b->n = 0;
}

/* Moves what is held to the front of the allocation. */
static void
close_up(struct buf *b)
{
	if (b->off > 0 && b->n > 0)
		memmove(b->base, b->base + b->off, b->n);
	b->off = 0;
}

static void
enlarge(struct buf *b, size_t need)
{
	size_t	cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	b->base = xreallocarray(b->base, cap, 1);
	b->cap = cap;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->base != NULL && b->cap - b->off - b->n >= n)
		return b->base + b->off + b->n;
	if (n > SIZE_MAX - b->n)
		fatalx("out of memory");
	close_up(b);
	if (b->base == NULL || b->cap - b->n < n)
		enlarge(b, b->n + n);
	return b->base + b->n;
}

void
buf_grown(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->off - b->n);
	b->n += n;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->n += n;
}

void
buf_add_span(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_char(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->n++;
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list	again;
	char	*at;
	size_t	room;
	int	n;

	va_copy(again, ap);
	at = buf_reserve(b, 64);
	room = b->cap - b->off - b->n;
	if ((n = vsnprintf(at, room, fmt, ap)) < 0)
		fatal("vsnprintf");
	if ((size_t)n >= room) {
		at = buf_reserve(b, (size_t)n + 1);
		(void)vsnprintf(at, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	b->n += (size_t)n;
}

void
buf_eat(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n -= n;
	b->off = b->n == 0 ? 0 : b->off + n;
}

void
buf_cut(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n = n;
	if (n == 0)
		b->off = 0;
}

void
buf_take(struct buf *dst, struct buf *src)
{
	if (dst->n == 0) {
		free(dst->base);
		*dst = *src;
		*src = (struct buf){ 0 };
		return;
	}
	buf_add_span(dst, buf_span(src));
	buf_clear(src);
}

const char *
buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return b->base + b->off;
}
