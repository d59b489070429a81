/*
 * tables.c - the accounts tables of a policy.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/asked/words.h"

#include "mta/auth/tables.h"

/* A table that has not been built stands in the image as its text. */
static enum auth_way
way_of(const struct rs_image *im, uint32_t map)
{
	struct span	 driver = rs_string(im, rs_map(im, map)->driver);

	if (span_eq(driver, SPAN("text")) || span_eq(driver, SPAN("gdbm")))
		return AUTH_BY_FILE;
	if (span_eq(driver, SPAN("passwd")))
		return AUTH_BY_PAM;
	if (rs_map_is_asked(im, map))
		return AUTH_BY_SERVER;
	switch (rs_map_made(im, map)) {
	case RS_MADE_FIRST:
	case RS_MADE_UNION:
		return AUTH_BY_OTHERS;
	default:
		return AUTH_BY_NOBODY;
	}
}

static int
file_of(const struct auth_sources *o, uint32_t map)
{
	uint32_t	 file = rs_map(o->image, map)->file;

	return file < o->nfiles ? o->files[file] : -1;
}

static void
open_file(const struct auth_sources *o, struct auth_table *t, uint32_t map)
{
	const char	*why = "the file is not there, or cannot be read";
	int		 fd = file_of(o, map);

	if (fd != -1)
		t->accounts = accounts_open(fd, &why);
	if (t->accounts == NULL)
		log_warnx("map=%s why=\"%s\"", log_quote(span_of(t->name)),
		    why);
}

static void
open_system(const struct auth_sources *o, struct auth_table *t, uint32_t map)
{
	struct map_source	 src = { .name = span_of(t->name),
	    .driver = SPAN("passwd"), .kind = SPAN("accounts") };

	src.fd = file_of(o, map);
	t->users = map_open(&src);
}

static void
open_server(const struct auth_sources *o, struct auth_table *t, uint32_t map)
{
	uint32_t		 object = rs_map(o->image, map)->object;
	struct asked_source	 src;
	struct arena		 ar = { 0 };
	const char		*why = "it has neither 'verify' nor 'bind'";

	if (o->names == NULL)
		why = "this process was not started to ask servers";
	else if (words_verify(o->image, map, o->secret == NULL ? SPAN_NONE :
	    o->secret(o->arg, object), &ar, &src)) {
		src.names = o->names;
		t->server = asked_verify_open(&src, &why);
	}
	if (t->server == NULL)
		log_warnx("map=%s why=%s", log_quote(span_of(t->name)),
		    log_quote(span_of(why)));
	arena_clear(&ar);
}

static void
open_others(const struct auth_sources *o, struct auth_table *t, uint32_t map)
{
	uint32_t	 i;

	t->others = xcalloc(RS_MAP_MEMBERS_MAX + 1, sizeof(*t->others));
	for (i = 0; i < RS_MAP_MEMBERS_MAX; i++)
		t->others[i] = rs_map_member(o->image, map, i);
	t->others[i] = UINT32_MAX;
}

static void
table_open(const struct auth_sources *o, struct auth_table *t, uint32_t map)
{
	const struct rs_map_decl	*d = rs_map(o->image, map);
	struct span			 name = rs_string(o->image, d->name);

	if (!span_eq(rs_string(o->image, d->kind), SPAN("accounts")))
		return;
	t->name = xstrndup(name.n > 0 ? name.p : "", name.n);
	t->way = way_of(o->image, map);
	switch (t->way) {
	case AUTH_BY_FILE:
		open_file(o, t, map);
		break;
	case AUTH_BY_PAM:
		open_system(o, t, map);
		break;
	case AUTH_BY_SERVER:
		open_server(o, t, map);
		break;
	case AUTH_BY_OTHERS:
		open_others(o, t, map);
		break;
	case AUTH_BY_NOBODY:
		log_warnx("map=%s driver=%.*s why=\"this version verifies no "
		    "passwords there\"", log_quote(span_of(t->name)),
		    SPAN_ARG(rs_string(o->image, d->driver)));
		break;
	}
}

void
auth_tables_open(struct auth_tables *out, const struct auth_sources *o)
{
	uint32_t	 i;

	*out = (struct auth_tables){ .n = rs_nmap(o->image) };
	out->v = xcalloc(out->n + 1, sizeof(*out->v));
	for (i = 0; i < out->n; i++)
		table_open(o, &out->v[i], i);
}

void
auth_tables_clear(struct auth_tables *ts)
{
	size_t	 i;

	/* Who is told so may look here once more. */
	for (i = 0; i < ts->n; i++)
		asked_verify_close(&ts->v[i].server);
	for (i = 0; i < ts->n; i++) {
		accounts_close(&ts->v[i].accounts);
		map_close(&ts->v[i].users);
		free(ts->v[i].others);
		free(ts->v[i].name);
	}
	free(ts->v);
	*ts = (struct auth_tables){ .n = 0 };
}

size_t
auth_tables_size(const struct auth_tables *ts)
{
	size_t	 i, n = 0;

	for (i = 0; i < ts->n; i++)
		if (ts->v[i].accounts != NULL)
			n += accounts_size(ts->v[i].accounts);
	return n;
}

/* --- who decides */

/* A walk through a map's tables, those that it is made of. */
struct walk {
	const struct auth_tables	*tables;
	struct span			 user;
	size_t				 from, at;
	struct auth_user		*out;
};

static enum map_result
system_user(const struct auth_table *t, struct span user,
    struct auth_user *out)
{
	struct map_answer	 a;
	enum map_result		 is = map_get(t->users, user, &a);

	if (is == MAP_FOUND)
		out->name = a.key;
	return is;
}

static enum map_result
user_of_table(struct walk *w, const struct auth_table *t)
{
	if (w->at++ < w->from)
		return MAP_NONE;	/* it has said so */
	w->out->way = t->way;
	w->out->next = w->at;
	switch (t->way) {
	case AUTH_BY_FILE:
		return t->accounts == NULL ? MAP_BROKEN :
		    accounts_find(t->accounts, w->user, &w->out->raw);
	case AUTH_BY_PAM:
		return system_user(t, w->user, w->out);
	case AUTH_BY_SERVER:
		w->out->server = t->server;
		return t->server == NULL ? MAP_BROKEN : MAP_FOUND;
	default:
		return MAP_BROKEN;
	}
}

/* The image's verifier has proved that this comes to an end. */
static enum map_result
user_of(struct walk *w, uint32_t map)
{
	const struct auth_table	*t = map < w->tables->n ?
	    &w->tables->v[map] : NULL;
	enum map_result		 is = MAP_NONE;
	size_t			 i;

	if (t == NULL || t->name == NULL)
		return MAP_BROKEN;
	if (t->way != AUTH_BY_OTHERS)
		return user_of_table(w, t);
	for (i = 0; is == MAP_NONE && t->others[i] != UINT32_MAX; i++)
		is = user_of(w, t->others[i]);
	return is;
}

enum map_result
auth_tables_user(const struct auth_tables *ts, struct span map,
    struct span user, size_t from, struct auth_user *out)
{
	struct walk	 w = { ts, user, from, 0, out };
	size_t		 i;

	*out = (struct auth_user){ .way = AUTH_BY_FILE };
	for (i = 0; i < ts->n; i++)
		if (ts->v[i].name != NULL &&
		    span_eq(map, span_of(ts->v[i].name)))
			return user_of(&w, (uint32_t)i);
	return MAP_BROKEN;
}
