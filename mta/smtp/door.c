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
	{ "programs",	 DOOR_PROGRAMS,	  false },
	{ "filter",	 DOOR_SMTP,	  false },
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

static enum door_tls
tls_of(struct span word)
{
	if (span_eq(word, SPAN("required")))
		return DOOR_TLS_REQUIRED;
	return span_eq(word, SPAN("offered")) ? DOOR_TLS_OFFERED :
	    DOOR_TLS_NONE;
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
	set_kind(d, rs_option_text(image, object, RS_OPT_LISTEN_kind));
	d->filter = span_eq(rs_option_text(image, object,
	    RS_OPT_LISTEN_kind), SPAN("filter"));
	d->tls = d->tls_first ? DOOR_TLS_REQUIRED : tls_of(rs_option_text(
	    image, object, RS_OPT_LISTEN_tls));
	door_read_auth(d);
	d->hidden = rs_option_hides(image, object);
	if (d->filter)		/* no rule says what they may tell */
		d->hidden |= RS_EXT_BIT(RS_EXT_VRFY) |
		    RS_EXT_BIT(RS_EXT_EXPN);
}

void
door_read_programs(struct door *d, const struct rs_image *image)
{
	uint32_t	i, n = rs_nobject(image);

	for (i = 0; i < n; i++) {
		if (rs_object(image, i)->kind != RS_O_LISTEN ||
		    !span_eq(rs_option_text(image, i, RS_OPT_LISTEN_kind),
		    SPAN("programs")))
			continue;
		door_read(d, image, i);
		d->domain = rs_option_text(image, i, RS_OPT_LISTEN_domain);
		return;
	}
	door_read(d, image, UINT32_MAX);
	d->kind = DOOR_PROGRAMS;
	d->name = SPAN("programs");
}
