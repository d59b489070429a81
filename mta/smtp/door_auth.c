/*
 * door_auth.c - a listener's options of logins.
 */
#include "config.h"

#include "base/log.h"
#include "mta/smtp/door.h"

static struct rs_value
value(const struct door *d, enum rs_option option, unsigned n)
{
	return rs_option_value(d->image, d->object, option, n);
}

static enum door_auth
mode(const struct door *d)
{
	struct rs_value	word = value(d, RS_OPT_LISTEN_auth, 0);

	if (word.type != RS_T_TEXT)
		return DOOR_AUTH_NONE;
	if (span_eq(word.s, SPAN("offered")))
		return DOOR_AUTH_OFFERED;
	return span_eq(word.s, SPAN("required")) ? DOOR_AUTH_REQUIRED :
	    DOOR_AUTH_NONE;
}

uint32_t
door_map(const struct door *d, unsigned n)
{
	struct rs_value	map = value(d, RS_OPT_LISTEN_accounts, n);

	if (map.type != RS_T_INT || map.i < 0 ||
	    map.i >= (int64_t)rs_nmap(d->image))
		return UINT32_MAX;
	return (uint32_t)map.i;
}

struct span
door_map_name(const struct door *d, unsigned n)
{
	return rs_string(d->image, rs_map(d->image, door_map(d, n))->name);
}

/*
 * Without a word: all, but those that need a secret which is the password, and
 * those that bind the channel: programs that take the best of a list and have
 * not learnt to bind one stop there (mutt with GNU SASL).
 */
#define NOT_UNASKED \
	(SASL_BIT(SASL_CRAM_MD5) | SASL_BIT(SASL_SCRAM_SHA_1_PLUS) | \
	SASL_BIT(SASL_SCRAM_SHA_256_PLUS))

static void
read_mechanisms(struct door *d)
{
	struct rs_value	word;
	enum sasl_mech	mech;

	d->mechanisms = ~NOT_UNASKED;
	word = value(d, RS_OPT_LISTEN_mechanisms, 0);
	if (word.type != RS_T_TEXT)
		return;
	d->mechanisms = 0;
	d->names_mechanisms = true;
	for (unsigned i = 0; word.type == RS_T_TEXT; i++) {
		if (sasl_named(word.s, &mech))
			d->mechanisms |= SASL_BIT(mech);
		else
			log_warnx("listener=%s mechanism=%s why=\"not known\"",
			    log_quote(d->name), log_quote(word.s));
		word = value(d, RS_OPT_LISTEN_mechanisms, i + 1);
	}
}

void
door_read_auth(struct door *d)
{
	d->auth = mode(d);
	d->auth_clear = value(d, RS_OPT_LISTEN_auth_clear, 0).type !=
	    RS_T_NONE;
	while (door_map(d, d->nmaps) != UINT32_MAX)
		d->nmaps++;
	read_mechanisms(d);
}
