/*
 * buf.h - a growing run of octets, written at the end, eaten at the front.
 *
 * A zeroed struct buf is a valid empty one.  It owns its memory; a pointer
 * into it is good until the next buf_ call that adds.  An empty buffer that
 * is cleared holds no memory, so that idle sessions cost none.
 */
#ifndef WB_BASE_BUF_H
#define WB_BASE_BUF_H

#include "base/span.h"

#include <stdarg.h>

struct buf {
	char	*base;		/* start of the allocation */
	size_t	 off;		/* octets eaten at the front */
	size_t	 n;		/* octets held, from off on */
	size_t	 cap;		/* size of the allocation */
};

/* Frees the memory; the buffer is empty and usable. */
void		 buf_clear(struct buf *);
/* The same for what held a secret: it is wiped before. */
void		 buf_wipe(struct buf *);
/* Empties it, keeps the memory. */
void		 buf_reset(struct buf *);
void		 buf_add(struct buf *, const void *, size_t);
void		 buf_add_span(struct buf *, struct span);
void		 buf_add_str(struct buf *, const char *);
void		 buf_add_char(struct buf *, char);
void		 buf_addf(struct buf *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
void		 buf_vaddf(struct buf *, const char *, va_list);
/* Room for at least n octets at the end; write there, then buf_grown(). */
char		*buf_reserve(struct buf *, size_t n);
void		 buf_grown(struct buf *, size_t n);
/* Eats n octets (n <= held) at the front. */
void		 buf_eat(struct buf *, size_t n);
/* Cuts back to n octets held. */
void		 buf_cut(struct buf *, size_t n);
/* Moves all of src to the end of dst; src is empty after. */
void		 buf_take(struct buf *dst, struct buf *src);
/* NUL-terminated (the NUL is not counted); good until the next add. */
const char	*buf_cstr(struct buf *);

static inline struct span
buf_span(const struct buf *b)
{
	/* Of an empty one there is no place to count from. */
	return b->base == NULL ? SPAN_NONE :
	    (struct span){ b->base + b->off, b->n };
}

#endif
