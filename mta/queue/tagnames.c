/*
 * tagnames.c - names of tags by policy; tagnames.h.
 */
#include "mta/queue/tagnames.h"

#include "base/xalloc.h"
#include "ruleset/image.h"

#include <stdlib.h>

#define FACT_TAG	0x8000u	/* envelope.h: fact */

struct of_image {
	char		*policy;	/* its hash */
	uint32_t	 n;
	char		**names;
};

struct tagnames {
	struct of_image	images[TAGNAMES_MAX];	/* the newest first */
	unsigned	n;
};

static void
clear(struct of_image *im)
{
	uint32_t	i;

	for (i = 0; i < im->n; i++)
		free(im->names[i]);
	free(im->names);
	free(im->policy);
}

static const struct of_image *
find(const struct tagnames *t, struct span policy)
{
	unsigned	i;

	for (i = 0; t != NULL && i < t->n; i++)
		if (span_eq(policy, span_of(t->images[i].policy)))
			return &t->images[i];
	return NULL;
}

static struct of_image
read_names(const struct rs_image *img)
{
	struct of_image	im = { .n = rs_ntag(img) };
	struct span	name;
	uint32_t	i;

	im.policy = xstrndup(rs_image_hash(img), strlen(rs_image_hash(img)));
	im.names = xcalloc(im.n + 1, sizeof(*im.names));
	for (i = 0; i < im.n; i++) {
		name = rs_string(img, rs_tag(img, i)->name);
		im.names[i] = xstrndup(name.n == 0 ? "" : name.p, name.n);
	}
	return im;
}

void
tagnames_learn(struct tagnames **tp, const struct rs_image *img)
{
	struct tagnames	*t = *tp;

	if (t == NULL)
		t = *tp = xcalloc(1, sizeof(*t));
	if (find(t, span_of(rs_image_hash(img))) != NULL)
		return;
	if (t->n == TAGNAMES_MAX)
		clear(&t->images[--t->n]);
	memmove(&t->images[1], &t->images[0], t->n * sizeof(t->images[0]));
	t->images[0] = read_names(img);
	t->n++;
}

void
tagnames_free(struct tagnames **tp)
{
	struct tagnames	*t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	while (t->n > 0)
		clear(&t->images[--t->n]);
	free(t);
}

struct span
tagnames_name(const struct tagnames *t, struct span policy, unsigned fact)
{
	const struct of_image	*im = find(t, policy);

	if (im == NULL || !(fact & FACT_TAG) ||
	    (fact & ~FACT_TAG) >= im->n)
		return SPAN_NONE;
	return span_of(im->names[fact & ~FACT_TAG]);
}

bool
tagnames_is(const struct tagnames *t, struct span policy, unsigned fact,
    struct span name)
{
	struct span	is = tagnames_name(t, policy, fact);

	return is.n > 0 && span_eq(is, name);
}
