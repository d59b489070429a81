/*
 * settings.c - the block `auth` of a policy.
 */
#include "config.h"

#include "base/log.h"

#include "mta/auth/settings.h"

/* UINT32_MAX: there is none. */
static uint32_t
block(const struct rs_image *im)
{
	uint32_t	 i;

	for (i = 0; i < rs_nobject(im); i++)
		if (rs_object(im, i)->kind == RS_O_AUTH)
			return i;
	return UINT32_MAX;
}

/* false: it is not said. */
static bool
value_of(const struct rs_image *im, enum rs_option option,
    struct rs_value *out)
{
	const struct rs_optval	*v;
	struct rs_place		 place;
	uint32_t		 object = block(im);

	if (object == UINT32_MAX || !rs_option(im, object, option, 0, &v))
		return false;
	place = rs_option_place(im, v, 0);
	if (place.is_func || place.index == UINT32_MAX)
		return false;
	*out = rs_const(im, place.index);
	return true;
}

/* `never` is a word: 0. */
static void
read_time(const struct rs_image *im, enum rs_option option, int64_t *ms)
{
	struct rs_value	 v;

	if (value_of(im, option, &v))
		*ms = v.type == RS_T_TIME && v.i > 0 ? v.i : 0;
}

static void
read_count(const struct rs_image *im, enum rs_option option, uint32_t *n)
{
	struct rs_value	 v;

	if (value_of(im, option, &v))
		*n = v.i < 1 ? 1 : v.i > UINT32_MAX ? UINT32_MAX :
		    (uint32_t)v.i;
}

void
settings_read(const struct rs_image *im, struct auth_settings *s)
{
	*s = auth_settings_default;
	read_time(im, RS_OPT_AUTH_cache, &s->cache_ms);
	read_time(im, RS_OPT_AUTH_slowest, &s->limits.slowest_ms);
	read_time(im, RS_OPT_AUTH_window, &s->limits.window_ms);
	read_count(im, RS_OPT_AUTH_failures, &s->limits.failures);
	read_count(im, RS_OPT_AUTH_refuse, &s->limits.refuse);
	if (s->limits.slowest_ms > SLOWEST_MAX_MS)
		s->limits.slowest_ms = SLOWEST_MAX_MS;
}

void
settings_tokens(const struct rs_image *im, const struct asked_names *names,
    struct tokens **t)
{
	struct span	 where = SPAN_NONE;
	struct rs_value	 v;
	const char	*why = "this process was not started to ask others";

	if (value_of(im, RS_OPT_AUTH_tokens, &v))
		where = v.s;
	if (*t != NULL && span_eq(where, tokens_where(*t)))
		return;
	tokens_free(t);
	if (where.n > 0 && (names == NULL ||
	    (*t = tokens_new(where, names, &why)) == NULL))
		log_warnx("tokens=%s why=%s", log_quote(where),
		    log_quote(span_of(why)));
}
