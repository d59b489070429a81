/*
 * door.c - a listener's options out of the image.
 */
#include "config.h"

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
door_trusts(const struct door *d, enum rs_option option, const struct ip *ip)
{
	return d->object != UINT32_MAX &&
	    rs_option_has_ip(d->image, d->object, option, ip);
}

/* The word of an option that has one; empty: it has none. */
static struct span
word_of(const struct door *d, enum rs_option option)
{
	const struct rs_optval	*v;
	struct rs_place		 place;

	if (!rs_option(d->image, d->object, option, 0, &v))
		return SPAN_NONE;
	place = rs_option_place(d->image, v, 0);
	if (place.is_func || place.index == UINT32_MAX)
		return SPAN_NONE;
	return rs_const(d->image, place.index).s;
}

/* Words of a list, as bits. */
static uint32_t
read_hidden(const struct rs_image *image, uint32_t object)
{
	const struct rs_optval	*v;
	uint32_t		 set = 0;
	unsigned		 e;

	if (!rs_option(image, object, RS_OPT_LISTEN_hide, 0, &v))
		return 0;
	for (unsigned i = 0; i < v->nplaces; i++) {
		e = rs_extension_named(rs_const(image,
		    rs_option_place(image, v, i).index).s);
		if (e < RS_NEXTENSIONS)
			set |= RS_EXT_BIT(e);
	}
	return set;
}

void
door_read(struct door *d, const struct rs_image *image, uint32_t object)
{
	memset(d, 0, sizeof(*d));
	d->image = image;
	d->object = object;
	d->name = SPAN("smtp");
	if (object == UINT32_MAX)
		return;
	d->name = rs_string(image, rs_object(image, object)->name);
	set_kind(d, word_of(d, RS_OPT_LISTEN_kind));
	door_read_auth(d);
	d->hidden = read_hidden(image, object);
}
