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
		return;
	}
	if (!map_list_check(m, at, value))
		m->bad_members = true;	/* the others of the list hold */
	if (at->text != NULL && key.p == name.p)
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

/* The exact before the general: whole address, user+detail, user+*, user. */
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
		struct span	 any[2] = { span_mem(local.p, user.n + 1),
		    SPAN("*") };

		r = map_find_pieces(l, any, 2, out);
		if (r == MAP_NONE)
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

/* --- members: a walk through the list and what it includes */

void
map_members_begin(struct map_members *w, const struct map *m,
    struct span value)
{
	w->m = m;
	w->depth = 0;
	w->n = w->files = 0;
	w->why = w->file = NULL;
	w->within[0] = (struct map_members_in){ .left = value };
}

/* The next line of the file that is being read; false: that was the last. */
static bool
next_line(struct map_members_in *in)
{
	return in->file != NULL && map_include_line(in->file->text, &in->pos,
	    &in->line, &in->left);
}

/* Opens an included file; false: w->why. */
static bool
enter(struct map_members *w, struct span path)
{
	const struct map_members_in	*in = &w->within[w->depth];
	const struct map_include	*inc;
	unsigned			 i;

	w->why = "an included file is not there, or cannot be read";
	inc = map_include_find(w->m, path, in->file == NULL ? w->m->path :
	    in->file->path);
	if (inc == NULL)
		return false;
	w->why = "files are included more than 16 deep";
	if (w->depth == MAP_INCLUDE_DEPTH)
		return false;
	w->why = "a file includes itself";
	for (i = 1; i <= w->depth; i++)
		if (w->within[i].file == inc)
			return false;
	w->within[++w->depth] = (struct map_members_in){ .file = inc };
	return true;
}

/* The next of the lists and files, ends of files passed over. */
static enum alias_list_result
next_item(struct map_members *w, struct arena *scratch, enum alias_item *kind,
    struct span *text)
{
	struct map_members_in	*in;
	struct alias_list	 l = { .scratch = scratch };
	enum alias_list_result	 r;

	for (;;) {
		in = &w->within[w->depth];
		l.left = in->left;
		r = alias_list_next(&l, kind, text);
		in->left = l.left;
		if (r == ALIAS_LIST_BAD)
			w->why = l.why;
		if (r != ALIAS_LIST_END)
			return r;
		if (!next_line(in)) {
			if (w->depth == 0)
				return r;
			w->depth--;
		}
	}
}

enum map_members_result
map_members_next(struct map_members *w, struct arena *scratch,
    enum alias_item *kind, struct span *text, uint32_t *line)
{
	const struct map_members_in	*in;
	enum alias_list_result		 r;

	while ((r = next_item(w, scratch, kind, text)) != ALIAS_LIST_END) {
		if (r == ALIAS_LIST_ITEM && *kind == ALIAS_INCLUDE) {
			if (++w->files > MAP_MEMBERS_MAX)
				return MAP_MEMBERS_MANY;
			if (enter(w, *text))
				continue;
			r = ALIAS_LIST_BAD;
		}
		if (r == ALIAS_LIST_BAD)
			*kind = ALIAS_BAD;
		in = &w->within[w->depth];
		*line = in->line;
		w->file = in->file == NULL ? NULL : in->file->path;
		return ++w->n > MAP_MEMBERS_MAX ? MAP_MEMBERS_MANY :
		    MAP_MEMBERS_ITEM;
	}
	w->why = "the list has no members";
	return w->n == 0 ? MAP_MEMBERS_EMPTY : MAP_MEMBERS_END;
}

int
map_alias_members(const struct map *m, struct span value, alias_cb *cb,
    void *arg, const char **why)
{
	struct map_members	 w;
	struct arena		 scratch = { 0 };
	struct alias_member	 one;
	enum map_members_result	 is;

	map_members_begin(&w, m, value);
	while ((is = map_members_next(&w, &scratch, &one.kind, &one.text,
	    &one.line)) == MAP_MEMBERS_ITEM) {
		one.file = w.file;
		one.why = one.kind == ALIAS_BAD ? w.why : NULL;
		cb(arg, &one);
	}
	arena_clear(&scratch);
	*why = is == MAP_MEMBERS_MANY ?
	    "the list has more than 100000 members" : w.why;
	return is == MAP_MEMBERS_END ? 0 : -1;
}
