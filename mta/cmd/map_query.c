/*
 * map_query.c - what a table says of a key, with its line; of a list its
 * members, with theirs.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/findings.h"
#include "mta/cmd/map_query.h"
#include "mta/cmd/play.h"
#include "mta/cmd/servers.h"

/* Who had a part in an answer of a table that is made of others. */
struct stages {
	struct policy			*policy;
	const char			*path;	/* of the policy */
	const struct table_says		*says;
};

/* --- asking */

/* `Connect:` and the like; without one an address is a sender's. */
static enum map_role
role_of(struct span *key)
{
	static const struct span	 tags[] = {
		[MAP_CONNECT] = { "Connect:", 8 },
		[MAP_FROM] = { "From:", 5 }, [MAP_TO] = { "To:", 3 }
	};
	size_t				 i;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (span_iprefix(*key, tags[i])) {
			*key = span_from(*key, tags[i].n);
			return (enum map_role)i;
		}
	return span_index(*key, '@') >= 0 ? MAP_FROM : MAP_CONNECT;
}

static struct map_question
question(const struct map_asking *r, struct span key)
{
	struct map_question	 q = { .ask = MAP_ASK_ADDRESS, .key = key,
	    .detail_chars = r->detail };
	struct span		 kind = map_kind(r->map);
	ptrdiff_t		 at;

	if (span_eq(kind, SPAN("access"))) {
		q.role = role_of(&q.key);
		q.ask = ip_parse(q.key, &q.ip) ? MAP_ASK_ACCESS_IP :
		    span_index(q.key, '@') < 0 ? MAP_ASK_ACCESS_HOST :
		    MAP_ASK_ACCESS_ADDRESS;
	} else if (span_eq(kind, SPAN("routes")) ||
	    span_eq(kind, SPAN("domains")))
		q.ask = MAP_ASK_DOMAIN;
	at = span_index(q.key, '@');
	q.at = at < 0 ? q.key.n : (size_t)at;
	return q;
}

/* What the kind puts into a value: %1 and the like. */
static void
fill(const struct map_asking *r, const struct map_question *q, struct arena *ar,
    struct map_answer *a)
{
	struct span		 kind = map_kind(r->map);
	struct map_refusal	 refusal;

	if (span_eq(kind, SPAN("routes")))
		a->value = map_route_fill(a, q->key, ar);
	else if (span_eq(kind, SPAN("virtusers")))
		(void)map_virtuser_fill(a, q->key, q->at, q->detail_chars, ar,
		    &a->value, &refusal);
	else if (span_eq(kind, SPAN("generics")))
		a->value = map_generic_fill(a, q->key, q->at,
		    q->detail_chars, ar);
}

/* --- saying it */

/* A list: its members are asked with a policy's delimiters and tables, not here. */
static bool
is_list(const struct map *m)
{
	return span_eq(map_kind(m), SPAN("aliases"));
}

struct members {
	struct json	 j;
	bool		 json;
};

static void
member_json(struct json *j, const struct alias_member *m)
{
	static const char *const	 kinds[] = {
		[ALIAS_ADDRESS] = "address", [ALIAS_MAILBOX] = "mailbox",
		[ALIAS_COMMAND] = "command", [ALIAS_FILE] = "file",
		[ALIAS_BAD] = "bad"
	};

	json_object(j, NULL);
	json_str(j, "kind", kinds[m->kind]);
	json_text(j, "text", m->text);
	if (m->file != NULL) {
		json_str(j, "file", m->file);
		json_uint(j, "line", m->line);
	}
	if (m->why != NULL)
		json_str(j, "problem", m->why);
	json_object_end(j);
}

/* Those of an included file, and those that cannot be read. */
static void
on_member(void *arg, const struct alias_member *m)
{
	struct members	*ms = arg;

	if (ms->json) {
		member_json(&ms->j, m);
		return;
	}
	if (m->kind == ALIAS_BAD)
		printf("    %.*s\t(%s)", SPAN_ARG(m->text), m->why);
	else if (m->file != NULL)
		printf("    %s%.*s\t", m->kind == ALIAS_COMMAND ? "|" :
		    m->kind == ALIAS_MAILBOX ? "\\" : "", SPAN_ARG(m->text));
	else
		return;
	if (m->file != NULL)
		printf("(%s:%u)", findings_path(m->file), m->line);
	putchar('\n');
}

static void
say_members(const struct map_asking *r, const struct map_answer *a,
    struct members *ms)
{
	const char	*why;

	if (is_list(r->map) && map_alias_members(r->map, a->value, on_member,
	    ms, &why) == -1 && !r->json)
		printf("    (%s)\n", why);
}

/* --- of a table that is made of others: which of them has it */

/* "FILE", or "map NAME" of a server's. */
static char *
where_of(const struct stages *st, uint32_t map)
{
	const struct rs_image		*im = policy_image(st->policy);
	const struct rs_map_decl	*d = rs_map(im, map);
	struct span			 s;

	if (rs_map_is_asked(im, map)) {
		s = rs_string(im, d->name);
		return xasprintf("map %.*s", SPAN_ARG(s));
	}
	if (d->file == UINT32_MAX)
		return xstrdup(findings_path(st->path));
	s = rs_string(im, rs_file(im, d->file)->path);
	return xasprintf("%.*s", SPAN_ARG(s));
}

static void
say_stages_json(const struct stages *st, struct json *j)
{
	const struct table_said	*by;
	const struct rs_image	*im;
	char			*where;
	size_t			 i;

	if (st == NULL)
		return;
	im = policy_image(st->policy);
	json_array(j, "by");
	for (i = 0; i < st->says->nby; i++) {
		by = &st->says->by[i];
		where = where_of(st, by->map);
		json_object(j, NULL);
		json_text(j, "map", rs_string(im, rs_map(im, by->map)->name));
		json_str(j, "file", where);
		json_uint(j, "line", by->answer.line);
		if (by->is == MAP_FOUND) {
			json_text(j, "key", by->answer.key);
			json_text(j, "value", by->answer.value);
		}
		json_object_end(j);
		free(where);
	}
	json_array_end(j);
}

/* A line for each: what it says, and where. */
static void
say_stages(const struct stages *st, FILE *to)
{
	const struct rs_image	*im = policy_image(st->policy);
	const struct table_said	*by;
	struct span		 name;
	char			*where;
	size_t			 i;

	for (i = 0; i < st->says->nby; i++) {
		by = &st->says->by[i];
		name = rs_string(im, rs_map(im, by->map)->name);
		where = where_of(st, by->map);
		fprintf(to, "    by %.*s\t", SPAN_ARG(name));
		if (by->is == MAP_NONE)
			fprintf(to, "nothing\t(%s)\n", where);
		else if (by->is != MAP_FOUND)
			fprintf(to, "cannot say%s%.*s\t(%s)\n",
			    by->answer.value.n > 0 ? ": " : "",
			    SPAN_ARG(by->answer.value), where);
		else if (by->answer.line > 0)
			fprintf(to, "%.*s\t(%s:%u, %.*s)\n",
			    SPAN_ARG(by->answer.value), where,
			    by->answer.line, SPAN_ARG(by->answer.key));
		else
			fprintf(to, "%.*s\t(%s, %.*s)\n",
			    SPAN_ARG(by->answer.value), where,
			    SPAN_ARG(by->answer.key));
		free(where);
	}
}

static void
say_json(const struct map_asking *r, const struct map_answer *a)
{
	struct buf	 out = { 0 };
	struct members	 ms = { .json = true };

	json_init(&ms.j, &out);
	json_object(&ms.j, NULL);
	json_text(&ms.j, "key", a->key);
	json_text(&ms.j, "value", a->value);
	json_str(&ms.j, "file", r->path);
	json_uint(&ms.j, "line", a->line);
	say_stages_json(r->stages, &ms.j);
	if (is_list(r->map)) {
		json_array(&ms.j, "members");
		say_members(r, a, &ms);
		json_array_end(&ms.j);
	}
	json_object_end(&ms.j);
	buf_add_char(&out, '\n');
	cmd_write(&out);
}

static void
say_answer(const struct map_asking *r, const struct map_answer *a)
{
	struct members	 ms = { .json = false };

	if (r->json) {
		say_json(r, a);
		return;
	}
	printf("%.*s\t(%s", SPAN_ARG(a->value), r->path);
	if (a->line > 0)	/* else it stands in no file of its own */
		printf(":%u", a->line);
	printf(", %.*s)\n", SPAN_ARG(a->key));
	say_members(r, a, &ms);
}

int
map_query(const struct map_asking *r, const char *key)
{
	struct arena		 ar = { 0 };
	struct map_look		 l = { .map = r->map, .arena = &ar };
	struct map_question	 q = question(r, span_of(key));
	struct map_answer	 a;
	int			 status = CMD_OK;

	switch (map_look(&l, &q, &a)) {
	case MAP_FOUND:
		fill(r, &q, &ar, &a);
		say_answer(r, &a);
		break;
	case MAP_NONE:
		status = CMD_NO;
		break;
	default:
		fprintf(stderr, "waybill map: %s: '%s' cannot be asked\n",
		    r->path, key);
		status = CMD_USAGE;
		break;
	}
	arena_clear(&ar);
	return status;
}

/* --- a policy's table */

static void
problem(void *arg, const char *map, const char *path,
    const struct map_problem *p)
{
	if (strcmp(map, arg) == 0)
		fprintf(stderr, "%s:%u:%u: %s: %s\n", findings_path(path),
		    p->line, p->column, p->warning ? "warning" : "error",
		    p->what);
}

/* --- a table that a server has, or that is made of others */

struct elsewhere {
	struct policy		*policy;
	uint32_t		 map;
	struct map_asking	*asking;
	struct map_question	 q;
	const char		*path, *key;	/* path: of the policy */
	int			 status;
};

static bool
is_made(const struct elsewhere *e)
{
	return rs_map_made(policy_image(e->policy), e->map) != RS_MADE_NOT;
}

/* For people, "map NAME" is told of one that has a file too. */
static char *
place_of(const struct elsewhere *e, const struct stages *st, uint32_t map)
{
	const struct rs_image	*im = policy_image(e->policy);
	struct span		 name = rs_string(im, rs_map(im, map)->name);
	char			*where = where_of(st, map), *both;

	if (e->asking->json || rs_map_is_asked(im, map))
		return where;
	both = xasprintf("map %.*s, %s", SPAN_ARG(name), where);
	free(where);
	return both;
}

static void
say_elsewhere(struct elsewhere *e, const struct table_said *said,
    const struct stages *st)
{
	struct map_asking	 r = *e->asking;
	struct map_answer	 filled = said->answer;
	struct arena		 ar = { 0 };
	char			*path = place_of(e, st, said->map);

	r.map = policy_map(e->policy, said->map);
	r.path = path;
	r.stages = is_made(e) ? st : NULL;
	fill(&r, &e->q, &ar, &filled);
	say_answer(&r, &filled);
	arena_clear(&ar);
	free(path);
}

static void
says(void *arg, const struct table_says *s)
{
	struct elsewhere	*e = arg;
	struct stages		 st = { e->policy, e->path, s };
	size_t			 i;

	e->status = s->is == MAP_FOUND ? CMD_OK : s->is == MAP_NONE ? CMD_NO :
	    CMD_USAGE;
	for (i = 0; i < s->n; i++)
		say_elsewhere(e, &s->all[i], &st);
	if (e->status == CMD_USAGE)
		fprintf(stderr, "waybill map: '%s' cannot be asked%s%.*s\n",
		    e->key, s->why.n > 0 ? ": " : "", SPAN_ARG(s->why));
	if (!is_made(e))
		return;
	if (e->status == CMD_USAGE)
		say_stages(&st, stderr);
	else if (!e->asking->json && s->nby > s->n)	/* a pipe's */
		say_stages(&st, stdout);
}

static int
ask_elsewhere(struct policy *p, uint32_t map, const char *path,
    const char *key, struct map_asking *a)
{
	struct elsewhere	 e = { .policy = p, .map = map, .asking = a,
	    .path = path, .key = key, .status = CMD_USAGE };

	e.q = question(a, span_of(key));
	policy_table_ask(p, map, &e.q, says, &e);
	return e.status;
}

static int
ask_policy(struct policy *p, const char *policy, const char *name,
    const char *key, struct map_asking *a)
{
	const struct rs_image	*im = policy_image(p);
	uint32_t		 map = rs_map_named(im, span_of(name)), file;
	char			*path;
	int			 status;

	if (map == UINT32_MAX)
		return cmd_usage("map", "the policy has no map '%s'", name);
	a->map = policy_map(p, map);
	a->detail = rs_setting_text(im, RS_OPT_SERVER_detail);
	if (map_is_declared(a->map))
		return ask_elsewhere(p, map, policy, key, a);
	file = rs_map(im, map)->file;
	path = file == UINT32_MAX ? xstrdup(policy) : xstrndup(
	    rs_string(im, rs_file(im, file)->path).p,
	    rs_string(im, rs_file(im, file)->path).n);
	a->path = findings_path(path);
	status = map_query(a, key);
	free(path);
	return status;
}

static int
query_image(struct policy_source *src, const char *policy, const char *name,
    const char *key, struct map_asking *a)
{
	struct servers	*servers = servers_start(src, name, "error");
	struct policy	*p;
	const char	*why;
	int		 status = CMD_NO;

	if ((p = policy_open(src, &why)) == NULL)
		fprintf(stderr, "waybill map: %s: %s\n", policy, why);
	else {
		status = ask_policy(p, policy, name, key, a);
		policy_unref(&p);
	}
	servers_stop(&servers);
	return status;
}

int
map_query_policy(const char *policy, const char *name, const char *key,
    struct map_asking *a)
{
	struct fakedns		 dns = { .n = 0 };
	struct policy_source	 src = { .dns = fakedns_policy(&dns),
	    .quiet = true, .problem = problem,
	    .problem_arg = (void *)(uintptr_t)name };
	struct cf		*cf;
	int			 io, status;

	cf = cf_compile_tables(policy, CF_TABLES_UNTOLD, &io);
	src.image_mem = cf_image(cf);
	if (io == -1 || cf_errors(cf) > 0) {
		cmd_say_diags(cf, false);
		status = CMD_USAGE;
	} else
		status = query_image(&src, policy, name, key, a);
	cf_free(&cf);
	fakedns_clear(&dns);
	return status;
}
