/*
 * kind_aliases.c - sendmail's aliases: `name: member, member`.
 *
 * A name is a local part, with or without detail, or a whole address; it is
 * kept in the one spelling that mail/address gives it.
 */
#include "config.h"

#include "mail/address.h"
#include "maps/alias_list.h"
#include "maps/include.h"

#define MEMBERS_MAX	100000	/* of one list, included files opened */

/* Offset of the ':' that ends the name, outside of quotes; -1 without one. */
static ptrdiff_t
name_end(struct span raw)
{
	bool	 quoted = false;
	size_t	 i;

	for (i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\' && quoted)
			i++;
		else if (raw.p[i] == '"')
			quoted = !quoted;
		else if (raw.p[i] == ':' && !quoted)
			return (ptrdiff_t)i;
	}
	return -1;
}

/* The name in its one spelling: where it stands, or in the map's arena. */
static int
canonical(struct map *m, struct span name, struct span *out, const char **why)
{
	struct arena	 a = { 0 };
	struct address	 ad;
	int		 rc;

	rc = address_parse(name, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK, &a,
	    &ad, why);
	if (rc == 0)
		*out = span_eq(ad.whole, name) ? name :
		    arena_span(&m->arena, ad.whole);
	arena_clear(&a);
	return rc;
}

/* No member at all would lose mail. */
static bool
is_empty(struct span list)
{
	size_t	 i;

	for (i = 0; i < list.n; i++)
		if (!map_is_blank(list.p[i]) && list.p[i] != ',')
			return false;
	return true;
}

/* A name and its list; raw and line say where they stand. */
static void
take_entry(struct map *m, const struct list_place *at, struct span name,
    struct span value)
{
	struct span	 key;
	const char	*why;

	if (canonical(m, name, &key, &why) == -1) {
		map_line_broken(m, at->text, at->raw, at->line, at->raw.p,
		    why);
		return;
	}
	if (is_empty(value)) {
		map_mistake(m, at->text, at->raw, at->line, name.p + name.n,
		    "the list has no members");
		map_store_broken(m, at->text, key, at->line);
	} else if (!map_list_check(m, at, value))
		map_store_broken(m, at->text, key, at->line);
	else if (at->text != NULL && key.p == name.p)
		map_store(m, at->text, key, value, at->line);
	else
		map_store_copy(m, at->text, key, value, at->line);
}

static void
aliases_line(struct map *m, struct map_text *t, struct span raw,
    uint32_t line)
{
	struct list_place	 at = { t, raw, line, m->path, 0 };
	ptrdiff_t		 colon = name_end(raw);

	if (colon < 0) {
		map_line_broken(m, t, raw, line, raw.p,
		    "a ':' is missing: name: member, member");
		return;
	}
	take_entry(m, &at, map_trim(span_mem(raw.p, (size_t)colon)),
	    map_trim(span_from(raw, (size_t)colon + 1)));
}

static void
aliases_entry(struct map *m, struct span name, struct span value)
{
	struct list_place	 at = { NULL, SPAN_NONE, 0, m->path, 0 };

	take_entry(m, &at, name, value);
}

/* The exact before the general: whole address, user+detail, user. */
static enum map_result
aliases_get_address(struct map_look *l, struct span whole, size_t at,
    struct span detail_chars, struct map_answer *out)
{
	struct span	 local = span_mem(whole.p, at), user, detail;
	enum map_result	 r;

	address_detail(local, detail_chars, &user, &detail);
	r = map_find(l, whole, out);
	out->rank = MAP_EXACT;
	if (r == MAP_NONE && local.n < whole.n) {
		r = map_find(l, local, out);
		out->rank = MAP_LOCAL;
	}
	if (r == MAP_NONE && user.n < local.n) {
		r = map_find(l, user, out);
		out->rank = MAP_DETAIL;
	}
	return r == MAP_NONE ? map_none(l) : r;
}

const struct map_kind map_kind_aliases = {
	.name = "aliases",
	.line = aliases_line,
	.entry = aliases_entry,
	.get_address = aliases_get_address,
	.continued = true,
};

/* Members: a walk through the list and what it includes. */

struct walk {
	const struct map		*m;
	alias_cb			*cb;
	void				*arg;
	struct arena			 scratch;
	const struct map_include	*within[MAP_INCLUDE_DEPTH];
	unsigned			 depth;
	size_t				 n;	/* members and files so far */
	const char			*why;
};

static int	walk_list(struct walk *, struct span, uint32_t, const char *);

static int
give_up(struct walk *w, const char *why)
{
	w->why = why;
	return -1;
}

static int
walk_lines(struct walk *w, const struct map_include *inc)
{
	struct span	 s;
	uint32_t	 line = 0;
	size_t		 pos = 0;

	while (map_include_line(inc->text, &pos, &line, &s))
		if (walk_list(w, s, line, inc->path) == -1)
			return -1;
	return 0;
}

static int
walk_include(struct walk *w, struct span path, const char *from)
{
	const struct map_include	*inc;
	unsigned			 i;
	int				 rc;

	inc = map_include_find(w->m, path, from);
	if (inc == NULL || inc->broken)
		return give_up(w, "an included file cannot be read");
	if (w->depth == MAP_INCLUDE_DEPTH)
		return give_up(w, "files are included more than 16 deep");
	for (i = 0; i < w->depth; i++)
		if (w->within[i] == inc)
			return give_up(w, "a file includes itself");
	w->within[w->depth++] = inc;
	rc = walk_lines(w, inc);
	w->depth--;
	return rc;
}

static int
walk_item(struct walk *w, enum alias_item kind, struct span text,
    uint32_t line, const char *from)
{
	if (++w->n > MEMBERS_MAX)
		return give_up(w, "the list has more than 100000 members");
	if (kind == ALIAS_INCLUDE)
		return walk_include(w, text, from);
	w->cb(w->arg, kind, text, line);
	return 0;
}

static int
walk_list(struct walk *w, struct span list, uint32_t line, const char *from)
{
	struct alias_list	 l = { .left = list, .scratch = &w->scratch };
	enum alias_list_result	 r;
	enum alias_item		 kind;
	struct span		 text;

	while ((r = alias_list_next(&l, &kind, &text)) == ALIAS_LIST_ITEM)
		if (walk_item(w, kind, text, line, from) == -1)
			return -1;
	return r == ALIAS_LIST_BAD ? give_up(w, l.why) : 0;
}

struct counted {
	alias_cb	*cb;
	void		*arg;
	size_t		 n;
};

static void
count_member(void *arg, enum alias_item kind, struct span text, uint32_t line)
{
	struct counted	*c = arg;

	c->n++;
	c->cb(c->arg, kind, text, line);
}

int
map_alias_members(const struct map *m, struct span value, alias_cb *cb,
    void *arg, const char **why)
{
	struct counted	 c = { cb, arg, 0 };
	struct walk	 w = { .m = m, .cb = count_member, .arg = &c };
	int		 rc;

	rc = walk_list(&w, value, 0, m->path);
	if (rc == 0 && c.n == 0)
		rc = give_up(&w, "the list has no members");
	arena_clear(&w.scratch);
	*why = w.why;
	return rc;
}
