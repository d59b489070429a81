/*
 * words.c - what a policy says of a table that a server has.
 */
#include "config.h"

#include "base/buf.h"

#include "mta/asked/words.h"

/* Drivers of servers, and whether it is a file that they read. */
static const struct {
	const char	*driver;
	bool		 is_file;
} asked[] = {
#define WHERE_FILE	true
#define WHERE_TEXT	false
#define READ(name, where)
#define MADE(name, where)
#define ASKED(name, where)	{ #name, WHERE_##where },
#define DRIVER(name, where, how, with, options, meaning) how(name, where)
#include "maps/drivers.def"
#undef DRIVER
#undef READ
#undef MADE
#undef ASKED
};

struct span
words_file(const struct rs_image *im, uint32_t map)
{
	const struct rs_map_decl	*d = rs_map(im, map);
	struct span			 driver = rs_string(im, d->driver);
	size_t				 i;

	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (asked[i].is_file && span_eq(driver,
		    span_of(asked[i].driver)))
			return rs_string(im, d->where);
	return SPAN_NONE;
}

/* --- options */

/* A place of an option; RS_T_NONE: it is not there. */
static struct rs_value
option(const struct rs_image *im, uint32_t object, enum rs_option opt,
    unsigned place)
{
	const struct rs_optval	*v;
	struct rs_place		 pl;

	if (object == UINT32_MAX || !rs_option(im, object, opt, 0, &v) ||
	    place >= v->nplaces)
		return (struct rs_value){ .type = RS_T_NONE };
	pl = rs_option_place(im, v, place);
	if (pl.is_func || pl.index == UINT32_MAX)
		return (struct rs_value){ .type = RS_T_NONE };
	return rs_const(im, pl.index);
}

static struct span
text(const struct rs_image *im, uint32_t object, enum rs_option opt)
{
	struct rs_value	v = option(im, object, opt, 0);

	return v.type == RS_T_TEXT ? v.s : SPAN_NONE;
}

static int64_t
number(const struct rs_image *im, uint32_t object, enum rs_option opt,
    unsigned place, int64_t otherwise)
{
	struct rs_value	v = option(im, object, opt, place);

	return v.type == RS_T_TIME || v.type == RS_T_INT ? v.i : otherwise;
}

/* All values of a list, a blank between. */
static struct span
list(const struct rs_image *im, uint32_t object, enum rs_option opt,
    struct arena *ar)
{
	struct buf	b = { 0 };
	struct rs_value	v;
	struct span	out;
	unsigned	i;

	for (i = 0; (v = option(im, object, opt, i)).type == RS_T_TEXT; i++) {
		if (i > 0)
			buf_add_char(&b, ' ');
		buf_add_span(&b, v.s);
	}
	out = arena_span(ar, buf_span(&b));
	buf_clear(&b);
	return out;
}

static struct span
password(const struct rs_image *im, uint32_t object, struct span secret)
{
	struct rs_value	v = option(im, object, RS_OPT_MAP_login, 1);

	return v.type == RS_T_TEXT ? secret : SPAN_NONE;
}

/* `cache 5m, 30s`; one time is for both. */
static void
cache(const struct rs_image *im, uint32_t object, struct asked_source *src)
{
	src->cache_ms = number(im, object, RS_OPT_MAP_cache, 0, 0);
	src->cache_none_ms = number(im, object, RS_OPT_MAP_cache, 1,
	    src->cache_ms);
}

void
words_read(const struct rs_image *im, uint32_t map, struct span secret,
    struct arena *ar, struct asked_source *src)
{
	const struct rs_map_decl	*d = rs_map(im, map);
	uint32_t			 o = d->object;

	*src = (struct asked_source){
		.name = rs_string(im, d->name),
		.driver = rs_string(im, d->driver),
		.kind = rs_string(im, d->kind),
		.where = rs_string(im, d->where),
		.host = rs_setting_text(im, RS_OPT_SERVER_hostname),
		.query = text(im, o, RS_OPT_MAP_query),
		.base = text(im, o, RS_OPT_MAP_base),
		.filter = text(im, o, RS_OPT_MAP_filter),
		.scope = text(im, o, RS_OPT_MAP_scope),
		.type = text(im, o, RS_OPT_MAP_type),
		.map = text(im, o, RS_OPT_MAP_map),
		.attributes = list(im, o, RS_OPT_MAP_attributes, ar),
		.login = text(im, o, RS_OPT_MAP_login),
		.password = password(im, o, secret),
		.timeout_ms = number(im, o, RS_OPT_MAP_timeout, 0, 5000),
		.connections = (uint32_t)number(im, o,
		    RS_OPT_MAP_connections, 0, 4)
	};
	cache(im, o, src);
}

bool
words_verify(const struct rs_image *im, uint32_t map, struct span secret,
    struct arena *ar, struct asked_source *src)
{
	uint32_t		 o = rs_map(im, map)->object;
	const struct rs_optval	*v;

	words_read(im, map, secret, ar, src);
	src->query = text(im, o, RS_OPT_MAP_verify);
	if (src->query.n == 0 && o != UINT32_MAX &&
	    rs_option(im, o, RS_OPT_MAP_bind, 0, &v))
		src->want = ASKED_BIND;
	return src->query.n > 0 || src->want == ASKED_BIND;
}
