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
take_over(struct auth_table *t, struct auth_table *old)
{
	accounts_close(&t->accounts);
	t->accounts = old->accounts;
	old->accounts = NULL;
}

/* The file is the one that was read. */
static bool
take_same(struct auth_table *t, struct auth_table *old, int fd)
{
	if (old == NULL || old->accounts == NULL || fd == -1 ||
	    !accounts_of(old->accounts, fd))
		return false;
	take_over(t, old);
	return true;
}

/* As for all tables: what has mistakes does not take the place of what has none. */
static void
take_better(struct auth_table *t, struct auth_table *old)
{
	if (old == NULL || old->accounts == NULL ||
	    (t->accounts != NULL && accounts_whole(t->accounts)))
		return;
	log_warnx("event=table-kept map=%s", log_quote(span_of(t->name)));
	take_over(t, old);
}

static void
open_file(const struct auth_sources *o, struct auth_table *t, uint32_t map,
    struct auth_table *old)
{
	const char	*why = "the file is not there, or cannot be read";
	int		 fd = file_of(o, map);

	if (take_same(t, old, fd))
		return;
	if (fd != -1)
		t->accounts = accounts_open(fd, &why);
	if (t->accounts == NULL)
		log_warnx("map=%s why=\"%s\"", log_quote(span_of(t->name)),
		    why);
	take_better(t, old);
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

/* The table as it was. */
static struct auth_table *
find_old(struct auth_tables *old, const struct auth_table *t)
{
	size_t	 i;

	for (i = 0; i < old->n; i++)
		if (old->v[i].name != NULL &&
		    strcmp(old->v[i].name, t->name) == 0 &&
		    strcmp(old->v[i].driver, t->driver) == 0)
			return &old->v[i];
	return NULL;
}

static void
table_open(const struct auth_sources *o, struct auth_table *t, uint32_t map,
    struct auth_tables *old)
{
	const struct rs_map_decl	*d = rs_map(o->image, map);
	struct span			 name = rs_string(o->image, d->name);
	struct span			 driver = rs_string(o->image, d->driver);

	if (!span_eq(rs_string(o->image, d->kind), SPAN("accounts")))
		return;
	t->name = xstrndup(name.n > 0 ? name.p : "", name.n);
	t->driver = xstrndup(driver.n > 0 ? driver.p : "", driver.n);
	t->way = way_of(o->image, map);
	switch (t->way) {
	case AUTH_BY_FILE:
		open_file(o, t, map, find_old(old, t));
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
auth_tables_open(struct auth_tables *out, const struct auth_sources *o,
    struct auth_tables *old)
{
	uint32_t	 i;

	*out = (struct auth_tables){ .n = rs_nmap(o->image) };
	out->v = xcalloc(out->n + 1, sizeof(*out->v));
	for (i = 0; i < out->n; i++)
		table_open(o, &out->v[i], i, old);
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
		free(ts->v[i].driver);
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

static uint32_t
number_of(const struct auth_tables *ts, struct span map)
{
	uint32_t	 i;

	for (i = 0; i < ts->n; i++)
		if (ts->v[i].name != NULL &&
		    span_eq(map, span_of(ts->v[i].name)))
			return i;
	return UINT32_MAX;
}

enum map_result
auth_tables_user(const struct auth_tables *ts, struct span maps,
    struct span user, size_t from, struct auth_user *out)
{
	struct walk	 w = { ts, user, from, 0, out };
	enum map_result	 is;

	*out = (struct auth_user){ .way = AUTH_BY_FILE };
	do
		is = user_of(&w, number_of(ts, auth_next_map(&maps)));
	while (is == MAP_NONE && maps.n > 0);
	return is;
}

/* --- who is not there */

/* The tables that are no others, of one map, in the order in which they are asked. */
struct leaves {
	const struct auth_tables	*tables;
	size_t				 n;
	const struct auth_table		*v[RS_MAP_ASKED_MAX];
};

static void
leaves_of(struct leaves *l, uint32_t map)
{
	const struct auth_table	*t = map < l->tables->n ?
	    &l->tables->v[map] : NULL;
	size_t			 i;

	if (t == NULL || t->name == NULL || l->n == RS_MAP_ASKED_MAX)
		return;
	if (t->way != AUTH_BY_OTHERS)
		l->v[l->n++] = t;
	else
		for (i = 0; t->others[i] != UINT32_MAX; i++)
			leaves_of(l, t->others[i]);
}

static bool
can_stand_in(const struct auth_table *t, uint64_t number,
    const enum auth_hash *hash, struct auth_user *out)
{
	out->way = t->way;
	out->raw = SPAN_NONE;
	if (t->way == AUTH_BY_FILE && t->accounts != NULL)
		out->raw = accounts_stand_in(t->accounts, number, hash);
	if (t->way == AUTH_BY_PAM)
		out->name = SPAN("no-such-user");
	return out->raw.n > 0 || (t->way == AUTH_BY_PAM && hash == NULL);
}

void
auth_tables_stand_in(const struct auth_tables *ts, struct span maps,
    uint64_t number, const enum auth_hash *hash, struct auth_user *out)
{
	struct leaves	 l = { .tables = ts };
	size_t		 i;

	*out = (struct auth_user){ .way = AUTH_BY_FILE };
	do
		leaves_of(&l, number_of(ts, auth_next_map(&maps)));
	while (maps.n > 0);
	for (i = 0; i < l.n; i++)
		if (can_stand_in(l.v[(number + i) % l.n], number / l.n, hash,
		    out))
			return;
	*out = (struct auth_user){ .way = AUTH_BY_FILE };
}

/* --- what they offer */

static struct auth_offers
leaf_offers(const struct auth_table *t)
{
	struct auth_offers	 o = { AUTH_PLAIN, AUTH_PLAIN };

	if (t->way == AUTH_BY_FILE && t->accounts != NULL)
		return accounts_offers(t->accounts);
	if (t->way == AUTH_BY_SERVER && t->server != NULL &&
	    asked_verify_has_secrets(t->server))
		o.could |= AUTH_SCRAM_SHA_1 | AUTH_SCRAM_SHA_256 |
		    AUTH_CRAM_MD5;
	return o;
}

struct auth_offers
auth_tables_offers(const struct auth_tables *ts, uint32_t map)
{
	struct leaves		 l = { .tables = ts };
	struct auth_offers	 o = { ~0u, 0 }, leaf;
	size_t			 i;

	leaves_of(&l, map);
	for (i = 0; i < l.n; i++) {
		leaf = leaf_offers(l.v[i]);
		o.sane &= leaf.sane;
		o.could |= leaf.could;
	}
	if (l.n == 0)
		o.sane = 0;
	return o;
}
