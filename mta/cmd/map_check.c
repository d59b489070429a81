/*
 * map_check.c - `waybill map check`: what is wrong in tables, and between them.
 *
 * With a policy all its tables are read and held against each other and
 * against its route; without one a table is looked at by itself.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/map_check.h"
#include "mta/cmd/maptable.h"
#include "mta/cmd/play.h"
#include "mta/cmd/servers.h"

#define NEAR_SEARCHES	25	/* each looks at all names */
#define KEYS_AS_DOMAINS	1000	/* of a table that may say what is ours */

struct asked {
	const char	*policy, *kind, *driver, *detail;
	bool		 json, ask;
};

/* --- tables */

static enum checked_kind
kind_of(const struct map *m)
{
	struct span	 kind = map_kind(m);

	if (span_eq(kind, SPAN("aliases")))
		return CHECKED_ALIASES;
	if (span_eq(kind, SPAN("virtusers")))
		return CHECKED_VIRTUSERS;
	return span_eq(kind, SPAN("accounts")) ? CHECKED_ACCOUNTS :
	    CHECKED_OTHER;
}

static enum finding_level
level_of(const struct map_problem *p)
{
	return p->note ? FINDING_NOTE : p->warning ? FINDING_WARNING :
	    FINDING_ERROR;
}

static void
checking_clear(struct checking *c)
{
	uint32_t	 i;

	for (i = 0; i < c->n; i++) {
		free(c->tables[i].name);
		free(c->tables[i].path);
	}
	free(c->tables);
	htab_clear(&c->domains);
	arena_clear(&c->arena);
	arena_clear(&c->scratch);
}

static void
check_exposed(struct checking *c)
{
	const struct checked_table	*t;
	uint32_t			 i;

	for (i = 0; i < c->n; i++) {
		t = &c->tables[i];
		if (t->wanted && t->kind == CHECKED_ACCOUNTS && !t->served &&
		    !map_is_database(t->map) && cmd_exposed(t->path))
			findings_add(c->found, FINDING_WARNING, t->path, 0, 0,
			    "%s: " CMD_EXPOSED_HELP, CMD_EXPOSED, t->path);
	}
}

static void
say_found(struct checking *c)
{
	struct buf	 out = { 0 };

	findings_print(c->found, &out);
	fflush(stdout);
	fputs(buf_cstr(&out), stderr);
	buf_clear(&out);
}

static void
say_table(const struct checked_table *t)
{
	if (t->answers)
		printf("%s: a server's, and it answers\n", t->name);
	else
		printf("%s: %zu entries of %.*s\n", t->name, map_size(t->map),
	    SPAN_ARG(map_kind(t->map)));
}

static void
say_json(struct checking *c)
{
	struct buf	 out = { 0 };
	struct json	 j;
	uint32_t	 i;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_array(&j, "tables");
	for (i = 0; i < c->n; i++) {
		if (!c->tables[i].wanted)
			continue;
		json_object(&j, NULL);
		json_str(&j, "name", c->tables[i].name);
		json_str(&j, "file", c->tables[i].path);
		json_text(&j, "kind", map_kind(c->tables[i].map));
		json_uint(&j, "entries", map_size(c->tables[i].map));
		if (c->tables[i].asked)
			json_bool(&j, "answers", c->tables[i].answers);
		json_object_end(&j);
	}
	json_array_end(&j);
	findings_json(c->found, &j);
	json_object_end(&j);
	buf_add_char(&out, '\n');
	cmd_write(&out);
}

static int
say(struct checking *c, bool json)
{
	uint32_t	 i;

	if (json)
		say_json(c);
	else {
		say_found(c);
		for (i = 0; i < c->n; i++)
			if (c->tables[i].wanted)
				say_table(&c->tables[i]);
	}
	return c->found->count[FINDING_ERROR] > 0 ? CMD_NO : CMD_OK;
}

/* --- a policy's tables */

/* What is wrong in a table, while the policy is opened. */
struct opening {
	struct findings	*found;
	char		**names;	/* of the wanted ones; none: all */
	int		 nnames;
	const char	*policy;
};

static bool
is_wanted(const struct opening *o, const char *name)
{
	int	 i;

	for (i = 0; i < o->nnames; i++)
		if (strcmp(o->names[i], name) == 0)
			return true;
	return o->nnames == 0;
}

static void
problem(void *arg, const char *map, const char *path,
    const struct map_problem *p)
{
	struct opening	*o = arg;

	if (is_wanted(o, map))
		findings_add(o->found, level_of(p), path[0] == '/' ? path :
		    o->policy, p->line, p->column, "%s", p->what);
}

static char *
text_of(const struct rs_image *im, uint32_t string)
{
	struct span	 s = rs_string(im, string);

	return xstrndup(s.n == 0 ? "" : s.p, s.n);
}

static void
take_tables(struct checking *c, const struct opening *o)
{
	const struct rs_image		*im = policy_image(c->policy);
	const struct rs_map_decl	*d;
	struct checked_table		*t;

	c->tables = xcalloc(rs_nmap(im) + 1, sizeof(*c->tables));
	for (c->n = 0; c->n < rs_nmap(im); c->n++) {
		d = rs_map(im, c->n);
		t = &c->tables[c->n];
		t->map = policy_map(c->policy, c->n);
		t->name = text_of(im, d->name);
		t->path = d->file == UINT32_MAX ? xstrdup(o->policy) :
		    text_of(im, rs_file(im, d->file)->path);
		t->kind = kind_of(t->map);
		t->served = map_is_declared(t->map);
		t->wanted = is_wanted(o, t->name);
	}
}

struct keys {
	struct checking	*c;
	size_t		 left;
	bool		 lists;		/* of addresses */
};

static void
try_key(void *arg, const struct map_answer *a)
{
	struct keys	*k = arg;
	ptrdiff_t	 at = span_index(a->key, '@');

	if (k->left == 0)
		return;
	if (k->lists && at >= 0)
		checked_domain_try(k->c, span_from(a->key, (size_t)at + 1));
	else if (!k->lists && at < 0 && span_index(a->key, '.') > 0 &&
	    span_index(a->key, ' ') < 0)
		checked_domain_try(k->c, a->key);
	else
		return;
	k->left--;
}

/* Domains that may be ours: of sets, of tables, our own name's. */
static void
find_domains(struct checking *c, const struct cf *cf)
{
	struct span	 domain;
	size_t		 pos[2] = { 0, 0 };
	ptrdiff_t	 dot = span_index(c->hostname, '.');
	uint32_t	 i;

	checked_domain_try(c, c->hostname);
	if (dot > 0)
		checked_domain_try(c, span_from(c->hostname, (size_t)dot + 1));
	while (cf_set_domain(cf, pos, &domain))
		checked_domain_try(c, domain);
	for (i = 0; i < c->n; i++) {
		struct keys	 k = { c, KEYS_AS_DOMAINS, c->tables[i].kind !=
		    CHECKED_OTHER };

		if (c->tables[i].kind != CHECKED_ACCOUNTS &&
		    !c->tables[i].served)
			(void)map_walk(c->tables[i].map, try_key, &k);
	}
	checked_domains_give(c);
}

/* A stranger's mail, of which nothing is known but where it goes. */
static void
give_facts(struct checking *c)
{
	c->facts.listener = SPAN("smtp");
	c->facts.sender = SPAN("nobody@waybill-map-check.invalid");
	c->facts.sender_at = sizeof("nobody") - 1;
	(void)ip_parse(SPAN("203.0.113.1"), &c->facts.client_ip);
	c->facts.tags = policy_tags_new(c->policy, &c->arena);
	c->hostname = policy_hostname(c->policy);
	c->detail = rs_setting_text(policy_image(c->policy),
	    RS_OPT_SERVER_detail);
}

/* A name that is no map of the policy's. */
static int
names_are_there(const struct checking *c, const struct opening *o)
{
	uint32_t	 j;
	int		 i;

	for (i = 0; i < o->nnames; i++) {
		for (j = 0; j < c->n; j++)
			if (strcmp(c->tables[j].name, o->names[i]) == 0)
				break;
		if (j == c->n)
			return cmd_usage("map", "the policy has no map '%s'",
			    o->names[i]);
	}
	return CMD_OK;
}

static int
check_policy(struct checking *c, const struct cf *cf, const struct asked *a,
    const struct opening *o)
{
	int	 status;

	take_tables(c, o);
	if ((status = names_are_there(c, o)) != CMD_OK)
		return status;
	give_facts(c);
	find_domains(c, cf);
	check_exposed(c);
	check_graph(c);
	check_targets(c);
	if (a->ask)
		check_servers(c);
	return say(c, a->json);
}

static int
with_policy(const struct cf *cf, const struct asked *a, char **names,
    int nnames)
{
	struct findings		 found = { .n = 0 };
	struct opening		 o = { &found, names, nnames, a->policy };
	struct fakedns		 dns = { .n = 0 };
	struct policy_source	 src = { .image_mem = cf_image(cf),
	    .dns = fakedns_policy(&dns), .quiet = true, .notes = true,
	    .problem = problem, .problem_arg = &o };
	struct checking		 c = { .found = &found,
	    .near_left = NEAR_SEARCHES };
	struct servers		*servers = NULL;
	const char		*why;
	int			 status = CMD_NO;

	if (a->ask)
		servers = servers_start(&src, NULL, "error");
	if ((c.policy = policy_open(&src, &why)) == NULL)
		fprintf(stderr, "waybill map: %s: %s\n", a->policy, why);
	else
		status = check_policy(&c, cf, a, &o);
	checking_clear(&c);
	policy_unref(&c.policy);
	servers_stop(&servers);
	fakedns_clear(&dns);
	findings_clear(&found);
	return status;
}

static int
by_policy(const struct asked *a, char **names, int nnames)
{
	struct cf	*cf;
	int		 io, status;

	cf = cf_compile_tables(a->policy, CF_TABLES_UNTOLD, &io);
	if (io == -1 || cf_errors(cf) > 0) {
		cmd_say_diags(cf, false);
		status = io == -1 ? CMD_USAGE : CMD_NO;
	} else
		status = with_policy(cf, a, names, nnames);
	cf_free(&cf);
	return status;
}

/* --- a table by itself */

static void
problem_alone(void *arg, const char *path, const struct map_problem *p)
{
	findings_add(arg, level_of(p), path, p->line, p->column, "%s",
	    p->what);
}

static int
say_alone(struct checking *c, bool json)
{
	const struct checked_table	*t = &c->tables[0];

	if (json) {
		say_json(c);
		return c->found->count[FINDING_ERROR] > 0 ? CMD_NO : CMD_OK;
	}
	say_found(c);
	if (c->found->count[FINDING_ERROR] > 0)
		return CMD_NO;
	printf("%s: ok%s\n", t->path, map_is_database(t->map) ?
	    ", a database" : "");
	return CMD_OK;
}

static int
check_alone(const struct maptable *t, struct findings *found,
    const struct asked *a)
{
	struct checking	 c = { .found = found, .n = 1,
	    .detail = span_of(a->detail) };
	int		 status;

	c.tables = xcalloc(1, sizeof(*c.tables));
	c.tables[0] = (struct checked_table){ .map = t->map, .wanted = true,
	    .path = xstrdup(t->path), .name = xstrdup(t->path),
	    .kind = kind_of(t->map) };
	check_exposed(&c);
	check_graph(&c);
	check_targets(&c);
	status = say_alone(&c, a->json);
	checking_clear(&c);
	return status;
}

/* The database beside a text is what counts when no kind is named. */
static int
by_itself(const struct asked *a, const char *path)
{
	struct findings	 found = { .n = 0 };
	struct maptable	 t = { .who = "waybill map", .kind = a->kind,
	    .notes = true, .problem = problem_alone, .arg = &found };
	int		 status = CMD_USAGE;

	t.path = a->kind == NULL && a->driver == NULL ?
	    maptable_beside(path) : xstrdup(path);
	if (maptable_open(&t, span_of(a->driver)) == 0)
		status = check_alone(&t, &found, a);
	maptable_close(&t);
	findings_clear(&found);
	return status;
}

int
cmd_map_check(int argc, char **argv)
{
	struct asked		 a = { .detail = "+" };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "policy", 'c', { .text = &a.policy } },
		{ OPT_TEXT, "as", 0, { .text = &a.kind } },
		{ OPT_TEXT, "driver", 0, { .text = &a.driver } },
		{ OPT_TEXT, "detail", 0, { .text = &a.detail } },
		{ OPT_FLAG, "ask", 0, { .flag = &a.ask } },
		{ OPT_FLAG, "json", 0, { .flag = &a.json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	int			 n;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (a.ask && a.policy == NULL)
		return cmd_usage(argv[0], "--ask stands with -c POLICY, whose "
		    "servers are asked");
	if (a.policy != NULL && a.kind != NULL)
		return cmd_usage(argv[0], "a policy says itself which kind "
		    "its tables are");
	if (a.policy != NULL)
		return by_policy(&a, argv + 2, n - 1);
	if (n != 2)
		return cmd_usage(argv[0], "which table? (or -c POLICY)");
	return by_itself(&a, argv[2]);
}
