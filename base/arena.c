/*
 * arena.c - blocks that are filled from the front and freed together.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/xalloc.h"

#define ARENA_FIRST	2048		/* octets of the first block */
#define ARENA_LARGEST	(256u << 10)	/* blocks grow up to this */
#define ALIGN		16

struct arena_block {
	struct arena_block	*next;	/* older */
	size_t			 cap;	/* octets that follow the head */
};

#define ALIGNED(n)	(((n) + ALIGN - 1) & ~(size_t)(ALIGN - 1))
#define HEAD		ALIGNED(sizeof(struct arena_block))

static char *
block_data(struct arena_block *b)
{
	return (char *)b + HEAD;
}

/* A new head with room for n octets at least. */
static void
add_block(struct arena *a, size_t n)
{
	struct arena_block	*b;
	size_t			 cap;

	cap = a->head == NULL ? ARENA_FIRST : a->head->cap * 2;
	if (cap > ARENA_LARGEST)
		cap = ARENA_LARGEST;
	if (cap < n)
		cap = n;
	b = xmalloc(HEAD + cap);
	b->cap = cap;
	b->next = a->head;
	a->head = b;
	a->used = 0;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	size_t	 size;
	char	*p;

	if (n > SIZE_MAX / 2)
		fatalx("out of memory");
	size = ALIGNED(n);
	if (a->head == NULL || a->head->cap - a->used < size)
		add_block(a, size);
	p = block_data(a->head) + a->used;
	a->used += size;
	a->total += size;
	return memset(p, 0, size);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	size_t	n = strlen(s) + 1;

	return memcpy(arena_alloc(a, n), s, n);
}

struct span
arena_span(struct arena *a, struct span s)
{
	char	*p = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct span){ p, s.n };
}

static char *
put(char *at, struct span s)
{
	if (s.n > 0)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

struct span
arena_join(struct arena *a, struct span x, struct span y, struct span z)
{
	size_t	 n = x.n + y.n + z.n;
	char	*p = arena_alloc(a, n + 1);

	put(put(put(p, x), y), z);
	return (struct span){ p, n };
}

struct span
arena_printf(struct arena *a, const char *fmt, ...)
{
	char	 text[256];
	va_list	 ap;
	char	*p;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		fatal("vsnprintf");
	if ((size_t)n < sizeof(text))
		return arena_span(a, span_mem(text, (size_t)n));
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct span){ p, (size_t)n };
}

bool
arena_holds(const struct arena *a, const void *p)
{
	struct arena_block	*b;
	uintptr_t		 at = (uintptr_t)p, from;

	for (b = a->head; b != NULL; b = b->next) {
		from = (uintptr_t)block_data(b);
		if (at >= from && at < from + b->cap)
			return true;
	}
	return false;
}

/* Frees the blocks that are newer than the first, or all. */
static void
free_blocks(struct arena *a, bool keep_first)
{
	struct arena_block	*next;

	while (a->head != NULL && !(keep_first && a->head->next == NULL)) {
		next = a->head->next;
		free(a->head);
		a->head = next;
	}
}

void
arena_reset(struct arena *a)
{
	/* A first block made for one large allocation is not worth keeping. */
	free_blocks(a, true);
	if (a->head != NULL && a->head->cap > ARENA_FIRST)
		free_blocks(a, false);
	a->used = a->total = 0;
}

void
arena_clear(struct arena *a)
{
	free_blocks(a, false);
	*a = (struct arena){ 0 };
}
