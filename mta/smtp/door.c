/*
 * door.c - a listener's options out of the image.
 */
#include "config.h"

#include <stdlib.h>

#include "mta/smtp/door.h"

static const struct kind {
	const char	*word;
	enum door_kind	 kind;
	bool		 tls_first;
} kinds[] = {
	{ "smtp",	 DOOR_SMTP,	  false },
	{ "submission",	 DOOR_SUBMISSION, false },
	{ "submissions", DOOR_SUBMISSION, true },
	{ "lmtp",	 DOOR_LMTP,	  false },
};

static void
set_kind(struct door *d, struct span word)
{
	size_t	i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!span_eq(word, span_of(kinds[i].word)))
			continue;
		d->kind = kinds[i].kind;
		d->tls_first = kinds[i].tls_first;
	}
}

bool
door_has(const struct door_nets *nets, const struct ip *ip)
{
	for (size_t i = 0; i < nets->n; i++)
		if (ipnet_has(&nets->v[i], ip))
			return true;
	return false;
}

void
door_clear(struct door *d)
{
	free(d->proxy.v);
	free(d->xclient.v);
	free(d->xforward.v);
	free(d->etrn.v);
	memset(d, 0, sizeof(*d));
}

void
door_read(struct door *d, const struct rs_image *image, uint32_t object)
{
	struct span	word = SPAN("smtp");

	memset(d, 0, sizeof(*d));
	d->object = object;
	if (object != UINT32_MAX)
		word = rs_string(image, rs_object(image, object)->name);
	d->name = word;
	set_kind(d, word);
}
