/*
 * segments.c - the table of segments.
 */
#include "mta/relay/segments.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"

struct segment {
	int		fd;
	unsigned	refs;
};

struct key {
	uint32_t	segment, generation;
};

static struct span
span_key(const struct key *k)
{
	return span_mem(k, sizeof(*k));
}

void
segment_release(struct segment **sp)
{
	struct segment	*s = *sp;

	*sp = NULL;
	if (s == NULL || --s->refs > 0)
		return;
	close(s->fd);
	free(s);
}

void
segments_add(struct segments *all, uint32_t segment, uint32_t generation,
    int fd)
{
	const struct key	 key = { segment, generation };
	struct segment		*s = xcalloc(1, sizeof(*s)), *old;

	*s = (struct segment){ .fd = fd, .refs = 1 };
	old = htab_put(&all->by_id, span_key(&key), s);
	segment_release(&old);
}

void
segments_gone(struct segments *all, uint32_t segment, uint32_t generation)
{
	const struct key	 key = { segment, generation };
	struct segment		*s = htab_del(&all->by_id, span_key(&key));

	segment_release(&s);
}

void
segments_clear(struct segments *all)
{
	struct span	 key;
	void		*v;
	size_t		 pos = 0;

	while (htab_next(&all->by_id, &pos, &key, &v)) {
		struct segment	*s = v;

		segment_release(&s);
	}
	htab_clear(&all->by_id);
}

struct segment *
segments_hold(struct segments *all, uint32_t segment, uint32_t generation)
{
	const struct key	 key = { segment, generation };
	struct segment		*s = htab_get(&all->by_id, span_key(&key));

	if (s != NULL)
		s->refs++;
	return s;
}

int
segment_fd(const struct segment *s)
{
	return s->fd;
}
