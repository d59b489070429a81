/*
 * driver_regex.c - regular expressions and what is said of what they match:
 * Postfix's regexp_table(5) and pcre_table(5), with PCRE2.
 *
 * The first line that matches holds: order is what such a file means.  The
 * whole key is asked, never a part of it.  An entry of the table is a line as
 * it stands, under the key "\0LINE", which nobody can ask; so a table that
 * came as an index is compiled again out of its entries.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "maps/include.h"
#include "maps/map_int.h"
#include "maps/patterns.h"

/* Of a table: each is compiled, in each process. */
#define PATTERNS_MAX	10000
#define IF_DEPTH	32
#define LOOK_MS		500	/* of all patterns together */

struct pattern {
	enum pattern_what	 what;
	bool			 negated, broken, filled;
	struct regex		*re;	/* NULL: broken, or endif */
	struct span		 shown, value;
	uint32_t		 line;
	size_t			 end;	/* of if: its endif */
};

struct patterns {
	struct pattern	*p;
	size_t		 n, cap;
	bool		 safe;		/* captures go into lists of addresses */
	/* While it is read. */
	size_t		 begun[IF_DEPTH];
	unsigned	 depth;
};

/* Where a line stands; text NULL: in an index. */
struct place {
	struct map_text	*text;
	struct span	 raw;
	uint32_t	 line;
};

static void
mistake(struct map *m, const struct place *at, const char *where,
    const char *what)
{
	if (at->text != NULL)
		map_mistake(m, at->text, at->raw, at->line, where, what);
	m->key_lost = true;
}

/* --- what a line says */

/* Neither a command nor a file may have a stranger's words in it. */
static bool
runs_something(struct span value)
{
	return span_index(value, '|') >= 0 || span_index(value, '/') >= 0 ||
	    span_index(value, ':') >= 0;
}

static bool
is_access(const struct map *m)
{
	return m->kind == &map_kind_access;
}

/* What is wrong with the references; 0, or -1. */
static int
check_refs(const struct map *m, const struct pattern_line *l,
    const struct regex *re, bool *filled, struct map_fault *f)
{
	unsigned	 refs;
	ptrdiff_t	 dollar = span_index(l->value, '$');
	size_t		 i;

	if (pattern_refs(l->value, &refs, f) == -1)
		return -1;
	*filled = dollar >= 0;
	f->at = l->value.p + (dollar < 0 ? 0 : dollar);
	f->what = "a pattern that must not match has no captures";
	if (refs > 0 && l->negated)
		return -1;
	f->what = "the pattern has fewer captures";
	if (refs > regex_ngroups(re))
		return -1;
	f->what = "what a sender wrote cannot stand in a command, a file, "
	    "an included file or an error";
	if (refs > 0 && !is_access(m) && m->kind != &map_kind_plain &&
	    runs_something(l->value))
		return -1;
	f->what = "what a sender wrote cannot be the action";
	for (i = 0; i < l->value.n && !map_is_blank(l->value.p[i]); i++)
		if (refs > 0 && is_access(m) && l->value.p[i] == '$')
			return -1;
	return 0;
}

/*
 * What is wrong with the value as the kind sees it, with "x" for captures; 0,
 * or -1.  Whoever made an index has read the files that lists include.
 */
static int
check_value(struct map *m, const struct place *at, struct span value,
    bool filled, struct map_fault *f)
{
	struct list_place	 list = { at->text, at->raw, at->line,
	    m->path, 0 };
	struct span		 groups[REGEX_GROUPS_MAX], sample = value;
	struct arena		 scratch = { 0 };
	unsigned		 i;
	int			 rc = 0;

	for (i = 0; i < REGEX_GROUPS_MAX; i++)
		groups[i] = SPAN("x");
	if (filled)
		(void)pattern_fill(value, groups, REGEX_GROUPS_MAX, false,
		    &scratch, &sample);
	if (m->kind->value != NULL)
		rc = m->kind->value(sample, f);
	if (filled) {			/* places are those of the text */
		f->at = value.p;
		list.text = NULL;
	}
	if (at->text != NULL && m->kind == &map_kind_aliases &&
	    !map_list_check(m, &list, sample))
		m->bad_members = true;
	arena_clear(&scratch);
	return rc;
}

static void
compile(struct map *m, const struct place *at, const struct pattern_line *l,
    struct pattern *p)
{
	struct map_fault	 f = { NULL, NULL };
	char			 why[200];

	p->broken = true;
	if ((p->re = pattern_compile(l, &f, why, sizeof(why))) == NULL ||
	    (l->what == PATTERN_ENTRY &&
	    (check_refs(m, l, p->re, &p->filled, &f) == -1 ||
	    check_value(m, at, l->value, p->filled, &f) == -1)))
		mistake(m, at, f.at, f.what);
	else
		p->broken = false;
}

/* --- the list of them */

static struct pattern *
add(struct patterns *all)
{
	if (all->n == all->cap) {
		all->cap = all->cap == 0 ? 64 : 2 * all->cap;
		all->p = xreallocarray(all->p, all->cap, sizeof(*all->p));
	}
	all->p[all->n] = (struct pattern){ .broken = false };
	return &all->p[all->n++];
}

static void
nest(struct map *m, struct patterns *all, const struct place *at,
    enum pattern_what what)
{
	if (what == PATTERN_IF && all->depth == IF_DEPTH)
		mistake(m, at, at->raw.p, "`if` stands in `if` 32 deep at "
		    "most");
	else if (what == PATTERN_IF)
		all->begun[all->depth++] = all->n - 1;
	else if (all->depth == 0)
		mistake(m, at, at->raw.p, "there is no `if` that this ends");
	else
		all->p[all->begun[--all->depth]].end = all->n - 1;
}

static void
take(struct map *m, const struct place *at)
{
	struct patterns		*all = m->own;
	struct pattern_line	 l;
	struct map_fault	 f;
	struct pattern		*p;

	if (all->n == PATTERNS_MAX) {
		mistake(m, at, at->raw.p, "a table has at most 10000 "
		    "patterns");
		m->broken = true;
		return;
	}
	p = add(all);
	p->line = at->line;
	if (pattern_parse(at->raw, &l, &f) == -1) {
		p->broken = true;
		mistake(m, at, f.at, f.what);
		return;
	}
	p->what = l.what;
	p->negated = l.negated;
	p->shown = l.shown;
	p->value = l.value;
	if (l.what != PATTERN_ENDIF)
		compile(m, at, &l, p);
	if (l.what != PATTERN_ENTRY)
		nest(m, all, at, l.what);
}

/* --- look-ups */

/* Whether the line holds for the key; TOO_MUCH: nobody knows. */
static enum regex_result
holds(const struct pattern *p, struct span key, struct span *groups,
    unsigned *n)
{
	enum regex_result	 r;

	if (p->broken)
		return REGEX_TOO_MUCH;
	r = regex_match(p->re, key, groups, n);
	if (!p->negated || r == REGEX_TOO_MUCH)
		return r;
	return r == REGEX_YES ? REGEX_NO : REGEX_YES;
}

/* False: what was captured cannot stand there, so the line does not hold. */
static bool
answer(const struct patterns *all, const struct pattern *p,
    const struct map_look *l, const struct span *groups, unsigned n,
    struct map_answer *out)
{
	*out = (struct map_answer){ .key = p->shown, .value = p->value,
	    .line = p->line, .filled = p->filled };
	if (!p->filled || l->arena == NULL)
		return true;
	return pattern_fill(p->value, groups, n, all->safe, l->arena,
	    &out->value);
}

static enum map_result
find(struct map_look *l, struct span key, struct map_answer *out)
{
	const struct patterns	*all = l->map->own;
	int64_t			 until = clock_boot_ms() + LOOK_MS;
	struct span		 groups[REGEX_GROUPS_MAX];
	const struct pattern	*p;
	enum regex_result	 r;
	unsigned		 n = 0;
	size_t			 i;

	for (i = 0; i < all->n; i++) {
		p = &all->p[i];
		if (p->what == PATTERN_ENDIF)
			continue;
		r = holds(p, key, groups, &n);
		if (r == REGEX_TOO_MUCH ||
		    (i % 64 == 63 && clock_boot_ms() > until)) {
			*out = (struct map_answer){ .line = p->line };
			return MAP_BROKEN;
		}
		if (p->what == PATTERN_IF)
			i = r == REGEX_NO ? p->end : i;
		else if (r == REGEX_YES && answer(all, p, l, groups, n, out))
			return MAP_FOUND;
	}
	return MAP_NONE;
}

/* --- opening */

static void
clear(struct map *m)
{
	struct patterns	*all = m->own;
	size_t		 i;

	for (i = 0; i < all->n; i++)
		regex_free(&all->p[i].re);
	free(all->p);
	free(all);
	m->own = NULL;
}

static void
begin(struct map *m)
{
	struct patterns	*all = xcalloc(1, sizeof(*all));

	all->safe = m->kind == &map_kind_aliases ||
	    m->kind == &map_kind_virtusers;
	m->own = all;
	m->clear = clear;
	m->find = find;
	m->whole = true;
	m->host_names = true;
}

/* A key without its end would skip nothing, or all. */
static void
end(struct map *m)
{
	struct patterns	*all = m->own;

	if (all->depth > 0) {
		all->p[all->begun[all->depth - 1]].end = all->n;
		m->broken = true;
	}
}

static void
regex_line(struct map *m, struct map_text *t, struct span raw, uint32_t line)
{
	struct place	 at = { t, raw, line };
	char		 key[16];

	take(m, &at);
	map_one_line(t->octets + (raw.p - t->octets), raw.n);
	key[0] = '\0';
	map_store_copy(m, t, span_mem(key, 1 + (size_t)snprintf(key + 1,
	    sizeof(key) - 1, "%u", line)), map_trim(raw), line);
}

static void
open_regex(struct map *m, const struct map_source *src)
{
	if (m->kind != &map_kind_plain && m->kind != &map_kind_access &&
	    m->kind != &map_kind_aliases && m->kind != &map_kind_virtusers) {
		map_unreadable(m, "patterns are asked by tables of the kinds "
		    "plain, access, aliases and virtusers");
		return;
	}
	begin(m);
	/* A line of which nothing is known could be an `if`. */
	if (!map_text_lines(m, src, true, regex_line))
		m->broken = true;
	if (((struct patterns *)m->own)->depth > 0)
		map_mistake(m, NULL, SPAN_NONE, 0, NULL,
		    "an `if` has no `endif`");
	end(m);
}

static void
thaw(struct map *m)
{
	struct map_entry	 e;
	struct place		 at = { .text = NULL };
	uint64_t		 pos = 0;
	int			 is;

	begin(m);
	while ((is = map_next_entry(m, &pos, &e)) == 1) {
		at.raw = span_mem(e.key + e.value_off, e.value_n);
		at.line = e.line;
		take(m, &at);
	}
	if (is == -1)
		m->broken = true;
	end(m);
}

const struct map_driver map_driver_regex = { .name = "regex",
	.open = open_regex, .thaw = thaw };
