/*
 * credentials.c - the credentials process, and its files of secrets.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/parent/credentials.h"
#include "mta/parent/generation_int.h"

/* The places of a relay block that name files of secrets. */
static const struct {
	enum rs_option	option;
	unsigned	place;
	bool		is_secret;	/* "file:PATH"; else the path alone */
} files[] = {
	{ RS_OPT_RELAY_auth,		1, true },
	{ RS_OPT_RELAY_passwords,	0, false },
	{ RS_OPT_RELAY_token_file,	0, false },
	{ RS_OPT_RELAY_oauth_client,	1, true },
	{ RS_OPT_RELAY_oauth_refresh,	0, false },
};
#define NFILES	(sizeof(files) / sizeof(files[0]))

static bool
is_said(const struct rs_image *im, uint32_t relay, enum rs_option option)
{
	const struct rs_optval	*o;

	return rs_object(im, relay)->kind == RS_O_RELAY &&
	    rs_option(im, relay, option, 0, &o);
}

static bool
any_says(const struct generation *g, enum rs_option option)
{
	const struct rs_image	*im = generation_image(g);
	uint32_t		 i;

	for (i = 0; i < rs_nobject(im); i++)
		if (is_said(im, i, option))
			return true;
	return false;
}

bool
credentials_wanted(const struct generation *g)
{
	return any_says(g, RS_OPT_RELAY_auth);
}

bool
credentials_fetches(const struct generation *g)
{
	return any_says(g, RS_OPT_RELAY_oauth);
}

/* Empty: this place names no file. */
static struct span
path_of(const struct rs_image *im, uint32_t relay, size_t file)
{
	const struct rs_optval	*o;
	struct rs_place		 pl;
	struct rs_value		 v;

	if (!is_said(im, relay, RS_OPT_RELAY_auth) ||
	    !rs_option(im, relay, files[file].option, 0, &o) ||
	    files[file].place >= o->nplaces)
		return SPAN_NONE;
	pl = rs_option_place(im, o, files[file].place);
	if (pl.is_func || pl.index == UINT32_MAX)
		return SPAN_NONE;
	v = rs_const(im, pl.index);
	if (!files[file].is_secret)
		return v.s;
	return span_prefix(v.s, SPAN("file:")) ? span_from(v.s, 5) :
	    SPAN_NONE;
}

static void
send_file(const struct generation *g, struct chan *c, uint32_t relay,
    size_t file)
{
	struct span	 path = path_of(generation_image(g), relay, file);
	char		*text;
	int		 fd;

	if (path.n == 0)
		return;
	text = xstrndup(path.p, path.n);
	fd = gen_open_secret(text);
	free(text);
	if (fd == -1)
		return;
	chan_begin(c, MSG_CONFIG_SECRET);
	chan_u32(c, generation_number(g));
	chan_u32(c, relay);
	chan_u32(c, files[file].option);
	chan_fd(c, fd);
	chan_end(c);
}

void
credentials_send(const struct generation *g, struct chan *c)
{
	uint32_t	i;
	size_t		f;

	for (i = 0; i < rs_nobject(generation_image(g)); i++)
		for (f = 0; f < NFILES; f++)
			send_file(g, c, i, f);
}

static uint64_t
mark_of(struct span path)
{
	struct {
		bool		there;
		ino_t		ino;
		off_t		size;
		struct timespec	mtime, ctime;
	} mark;
	char		*text = xstrndup(path.p, path.n);
	struct stat	 st;

	memset(&mark, 0, sizeof(mark));
	if (stat(text, &st) == 0) {
		mark.there = true;
		mark.ino = st.st_ino;
		mark.size = st.st_size;
		mark.mtime = st.st_mtim;
		mark.ctime = st.st_ctim;
	}
	free(text);
	return hash_fixed(span_mem((const char *)&mark, sizeof(mark)));
}

uint64_t
credentials_look(const struct generation *g)
{
	const struct rs_image	*im = generation_image(g);
	struct span		 path;
	uint64_t		 sum = 0;
	uint32_t		 i;
	size_t			 f;

	for (i = 0; i < rs_nobject(im); i++)
		for (f = 0; f < NFILES; f++)
			if ((path = path_of(im, i, f)).n > 0)
				sum = sum * 31 + mark_of(path);
	return sum;
}
