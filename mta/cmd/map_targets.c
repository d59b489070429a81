/*
 * map_targets.c - names in lists that nobody has, keys that nobody asks, and
 * domains that another server would let go.
 */
#include "config.h"

#include "mail/address.h"

#include "mta/cmd/map_check.h"

/* The table that is being walked over. */
struct walking {
	struct checking	*c;
	uint32_t	 table;
	uint32_t	 line;		/* of the entry */
	struct span	 key;
	struct address	 from;
	struct htab	 told;		/* domains */
};

static const struct checked_table *
table_of(const struct walking *w)
{
	return &w->c->tables[w->table];
}

/* Where the text stands in this entry. */
static void
place(const struct walking *w, struct span text, uint32_t *line,
    uint32_t *column)
{
	*line = w->line;
	findings_place(w->c->found, table_of(w)->path, text, line, column);
}

/* --- names that nobody has */

/* Routed as mail for it would be. */
static bool
is_unknown(struct checking *c, const struct address *a)
{
	struct routing	*r;
	bool		 unknown;

	c->facts.rcpt = a->whole;
	c->facts.rcpt_at = a->at;
	r = policy_route_dry(c->policy, &c->facts, NULL, NULL, NULL);
	unknown = routing_done(r) && routing_unknown(r) == 1;
	routing_free(&r);
	return unknown;
}

static void
tell_unknown(struct walking *w, const struct alias_member *m,
    const struct address *a)
{
	const char	*path = m->file != NULL ? m->file : table_of(w)->path;
	const char	*near;
	uint32_t	 line = m->file != NULL ? m->line : w->line, column;

	if (!findings_want(w->c->found, FINDING_ERROR))
		return;
	near = checked_near(w->c, a);
	findings_place(w->c->found, path, m->text, &line, &column);
	findings_add(w->c->found, FINDING_ERROR, path, line, column,
	    "'%.*s' is neither an alias nor a mailbox here: mail for it "
	    "bounces%s", SPAN_ARG(m->text), near);
}

/* `|command`, `/file`: what the policy allows. */
static void
check_elsewhere(struct walking *w, const struct alias_member *m)
{
	const char	*path = m->file != NULL ? m->file : table_of(w)->path;
	uint32_t	 line = m->file != NULL ? m->line : w->line, column;
	bool		 command = m->kind == ALIAS_COMMAND;
	const char	*why;

	if (!command && span_eq(m->text, SPAN("/dev/null")))
		return;
	why = m->file != NULL ? "an included file can name no command and no "
	    "file" : table_of(w)->kind != CHECKED_ALIASES ?
	    "commands and files are only taken from aliases" :
	    policy_alias_refusal(w->c->policy, command, m->text);
	if (why == NULL || !findings_want(w->c->found, FINDING_ERROR))
		return;
	findings_place(w->c->found, path, m->text, &line, &column);
	findings_add(w->c->found, FINDING_ERROR, path, line, column,
	    "mail for this %s waits: %s", command ? "command" : "file", why);
}

/* One that another entry takes on is looked at there. */
static void
on_member(void *arg, const struct alias_member *m)
{
	struct walking		*w = arg;
	struct checking		*c = w->c;
	struct map_answer	 ans;
	struct address		 a;

	if (m->kind == ALIAS_COMMAND || m->kind == ALIAS_FILE)
		check_elsewhere(w, m);
	if ((m->kind != ALIAS_ADDRESS && m->kind != ALIAS_MAILBOX) ||
	    !checked_member(c, m->text, address_domain(&w->from), &a) ||
	    a.at == a.whole.n || !checked_domain(c, address_domain(&a))->local)
		return;
	if (m->kind == ALIAS_ADDRESS && !span_ieq(a.whole, w->from.whole) &&
	    checked_entry(c, w->table, &a, &ans) != UINT32_MAX)
		return;
	if (is_unknown(c, &a))
		tell_unknown(w, m, &a);
}

/* --- keys */

/* `user+*`, `++`: the delimiter of a detail that may be any. */
static char
wild_delimiter(struct span key)
{
	ptrdiff_t	 at = span_index(key, '@');
	size_t		 n = at < 0 ? key.n : (size_t)at;

	if (n < 2 || (key.p[n - 1] != '*' && key.p[n - 1] != key.p[n - 2]))
		return '\0';
	return key.p[n - 2] == '+' || key.p[n - 1] == '*' ? key.p[n - 2] :
	    '\0';
}

static void
check_delimiter(struct walking *w)
{
	char		 c = wild_delimiter(w->key);
	uint32_t	 line, column;

	if (c == '\0' || span_index(w->c->detail, c) >= 0)
		return;
	place(w, w->key, &line, &column);
	findings_add(w->c->found, FINDING_WARNING, table_of(w)->path, line,
	    column, "this never matches: '%c' divides no detail here; "
	    "`detail \"%c\"` at the top of the policy says that it does", c,
	    c);
}

/* false: no rule asks for addresses of its domain, and that has been told. */
static bool
check_domain(struct walking *w)
{
	struct checking	*c = w->c;
	struct span	 domain = address_domain(&w->from);
	uint32_t	 line, column;

	if (c->policy == NULL || domain.n == 0 ||
	    span_index(w->key, '@') < 0 ||
	    checked_domain(c, domain)->asks[w->table])
		return true;
	if (findings_want(c->found, FINDING_WARNING)) {
		place(w, w->key, &line, &column);
		findings_add(c->found, FINDING_WARNING, table_of(w)->path,
		    line, column, "this never matches: no rule of `route` "
		    "asks '%s' for addresses of %.*s%s", table_of(w)->name,
		    SPAN_ARG(domain), checked_near_domain(c, domain));
	}
	return false;
}

/* An owner of a list that is not there. */
static void
check_owner(struct walking *w)
{
	static const struct span	 prefix = { "owner-", 6 };
	const struct map		*m = table_of(w)->map;
	struct map_answer		 ans;
	struct address			 list;
	uint32_t			 line, column;

	if (!span_iprefix(w->key, prefix) ||
	    span_iprefix(w->key, SPAN("owner-owner")) ||
	    !checked_member(w->c, span_from(w->key, prefix.n),
	    table_of(w)->domain, &list) || map_get_address(m, list.whole,
	    list.at, w->c->detail, &ans) != MAP_NONE)
		return;
	place(w, w->key, &line, &column);
	findings_add(w->c->found, FINDING_NOTE, table_of(w)->path, line,
	    column, "there is no list '%.*s' whose owner this is",
	    SPAN_ARG(span_from(w->key, prefix.n)));
}

/* A virtual domain that says nothing of most of its users. */
static void
check_virtual(struct walking *w)
{
	struct span		 domain = address_domain(&w->from);
	struct map_answer	 ans;
	uint32_t		 line, column;

	if (domain.n == 0 || htab_put(&w->told, domain, w) != NULL ||
	    map_get(table_of(w)->map, arena_join(&w->c->scratch, SPAN("@"),
	    domain, SPAN_NONE), &ans) != MAP_NONE ||
	    !findings_want(w->c->found, FINDING_NOTE))
		return;
	place(w, w->key, &line, &column);
	findings_add(w->c->found, FINDING_NOTE, table_of(w)->path, line,
	    column, "there is no '@%.*s' for its other users: sendmail sends "
	    "their mail on by DNS, here `route` says what becomes of it",
	    SPAN_ARG(domain));
}

/* --- the walk */

static void
on_entry(void *arg, const struct map_answer *a)
{
	struct walking	*w = arg;
	struct span	 list;
	const char	*why;

	arena_reset(&w->c->scratch);
	w->key = a->key;
	w->line = a->line;
	if (!checked_key_address(w->c, w->table, a->key, &w->from))
		return;
	check_delimiter(w);
	if (!check_domain(w))
		return;
	if (table_of(w)->kind == CHECKED_ALIASES)
		check_owner(w);
	else
		check_virtual(w);
	if (w->c->policy != NULL &&
	    checked_list(w->c, w->table, a, &w->from, &list))
		(void)map_alias_members(table_of(w)->map, list, on_member, w,
		    &why);
}

/* Keys with any detail in tables that are no lists. */
static void
on_key(void *arg, const struct map_answer *a)
{
	struct walking	*w = arg;

	w->key = a->key;
	w->line = a->line;
	check_delimiter(w);
}

/* `local:user` */
static void
on_route(void *arg, const struct map_answer *a)
{
	struct walking		*w = arg;
	struct map_route	 r;
	struct map_fault	 f;
	struct address		 to;
	struct alias_member	 m = { .kind = ALIAS_ADDRESS };

	arena_reset(&w->c->scratch);
	w->key = a->key;
	w->line = a->line;
	if (map_route_parse(a->value, &r, &f) == -1 ||
	    r.kind != MAP_ROUTE_LOCAL || r.user.n == 0 ||
	    !checked_member(w->c, r.user, w->c->hostname, &to))
		return;
	m.text = r.user;
	if (is_unknown(w->c, &to))
		tell_unknown(w, &m, &to);
}

static map_walk_cb *
walk_of(const struct checking *c, const struct checked_table *t)
{
	struct span	 kind = map_kind(t->map);

	if (t->kind == CHECKED_ALIASES || t->kind == CHECKED_VIRTUSERS)
		return on_entry;
	if (span_eq(kind, SPAN("access")) || span_eq(kind, SPAN("generics")))
		return on_key;
	return span_eq(kind, SPAN("routes")) && c->policy != NULL ? on_route :
	    NULL;
}

void
check_targets(struct checking *c)
{
	struct walking	 w = { .c = c };
	map_walk_cb	*cb;

	for (w.table = 0; w.table < c->n; w.table++) {
		if (!table_of(&w)->wanted || table_of(&w)->served ||
		    (cb = walk_of(c, table_of(&w))) == NULL)
			continue;
		(void)map_walk(table_of(&w)->map, cb, &w);
		htab_clear(&w.told);
	}
}
