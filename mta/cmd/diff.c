/*
 * diff.c - `waybill diff OLD NEW --traffic LOG`: the decisions that would
 * change, had the sessions of a log met another policy.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/explain.h"
#include "mta/cmd/traffic.h"

enum { OLD, NEW };

struct side {
	const char	*file;
	struct cf	*cf;
	struct policy	*policy;
	struct buf	 text;		/* of the session under way */
	uint32_t	 line;		/* of the rule that decided it; 0: none */
	bool		 wrong;		/* the session has no address there */
};

/* Sessions that differ by the same two rules. */
struct change {
	uint32_t	lines[2];
	uint64_t	count;
};

struct comparison {
	struct side	 sides[2];
	struct fakedns	 dns;		/* empty: nothing is asked */
	struct change	*changes;
	size_t		 nchanges;
	uint64_t	 sessions, differ, wrong;
	bool		 all;		/* not only the first of each kind */
	bool		 as_json;
	struct buf	 out;
	struct json	 j;
};

/* --- what a policy says of a session */

static void
put_step(const struct played *p, struct buf *out)
{
	const struct target	*t;
	size_t			 i, n;

	buf_addf(out, "%.*s: %s", SPAN_ARG(p->command),
	    p->verdict.kind == RS_V_END ? "accept" :
	    rs_verdict_name(p->verdict.kind));
	if (played_refused(p))
		buf_addf(out, " %u %.*s \"%.*s\"", p->code,
		    SPAN_ARG(p->status), SPAN_ARG(p->text));
	else if (p->verdict.text.n > 0)
		buf_addf(out, " \"%.*s\"", SPAN_ARG(p->verdict.text));
	else if (p->rewritten.n > 0)
		buf_addf(out, " as %.*s", SPAN_ARG(p->rewritten));
	buf_add_char(out, '\n');
	if (p->routing == NULL || played_refused(p))
		return;
	t = routing_targets(p->routing, &n);
	for (i = 0; i < n; i++) {
		buf_add_str(out, "  ");
		explain_target(&t[i], out);
		buf_add_char(out, '\n');
	}
}

/* What is done beside the verdicts: edits of the header, delays, copies. */
static void
put_effects(struct play *pl, struct buf *out)
{
	size_t	i;

	for (i = 0; i < pl->nedits; i++)
		buf_addf(out, "header: %.*s %.*s\n",
		    SPAN_ARG(pl->edits[i].name), SPAN_ARG(pl->edits[i].value));
	for (i = 0; i < pl->neffects; i++)
		buf_addf(out, "%s: %.*s\n", pl->effects[i].kind == RS_E_DELAY ?
		    "delay" : pl->effects[i].kind == RS_E_BCC ? "copy" :
		    "other", SPAN_ARG(rs_format(&pl->effects[i].value,
		    &pl->arena)));
}

/* False: an address of it is none. */
static bool
play(struct play *pl, const struct traffic *t)
{
	const struct play_tls	tls = { t->tls, t->cipher, t->certificate };
	size_t			i;

	policy_names_set(pl->facts.names, t->name, t->verified_name);
	play_connect(pl, &t->client, t->listener, t->login);
	if (t->helo.n > 0)
		play_helo(pl, t->helo);
	if (t->tls.n > 0)
		play_starttls(pl, &tls);
	play_login(pl);
	if (t->has_from && play_mail(pl, t->from, t->size) == -1)
		return false;
	for (i = 0; i < t->rcpts.n; i++)
		if (!t->has_from || play_rcpt(pl, span_of(t->rcpts.v[i])) == -1)
			return false;
	for (i = 0; i < t->headers.n; i++)
		play_header(pl, span_of(t->headers.v[i]));
	if (t->has_body)
		play_body(pl, t->body);
	if (t->headers.n > 0 || t->has_body)
		play_content(pl);
	return true;
}

static void
ask(struct side *s, const struct traffic *t)
{
	struct play	pl;
	size_t		i;

	buf_reset(&s->text);
	s->line = 0;
	play_begin(&pl, s->policy, t->now_ms, 0);
	s->wrong = !play(&pl, t);
	for (i = 0; i < pl.n; i++) {
		put_step(&pl.v[i], &s->text);
		if (pl.v[i].line != 0)
			s->line = pl.v[i].line;
	}
	put_effects(&pl, &s->text);
	play_end(&pl);
}

/* --- what differs */

/* The same two rules have differed before: how often, with this one. */
static uint64_t
note(struct comparison *c)
{
	struct change	*k;
	size_t		 i;

	for (i = 0; i < c->nchanges; i++) {
		k = &c->changes[i];
		if (k->lines[OLD] == c->sides[OLD].line &&
		    k->lines[NEW] == c->sides[NEW].line)
			return ++k->count;
	}
	c->changes = xreallocarray(c->changes, c->nchanges + 1,
	    sizeof(*c->changes));
	k = &c->changes[c->nchanges++];
	*k = (struct change){ { c->sides[OLD].line, c->sides[NEW].line }, 1 };
	return 1;
}

/* What a stranger wrote moves no cursor. */
static void
put_line(char mark, struct span line, struct buf *out)
{
	size_t	i;

	buf_addf(out, "  %c ", mark);
	for (i = 0; i < line.n; i++)
		buf_add_char(out, (unsigned char)line.p[i] < 0x20 ||
		    line.p[i] == 0x7f ? '?' : line.p[i]);
	buf_add_char(out, '\n');
}

/* The lines of the one that the other does not have at this place. */
static void
put_side(const struct side *s, const struct side *other, char mark,
    struct buf *out)
{
	struct span	mine = buf_span(&s->text), its, line, with;
	ptrdiff_t	eol;

	its = buf_span(&other->text);
	while ((eol = span_index(mine, '\n')) >= 0) {
		line = span_mem(mine.p, (size_t)eol);
		mine = span_from(mine, (size_t)eol + 1);
		eol = span_index(its, '\n');
		with = eol < 0 ? SPAN_NONE : span_mem(its.p, (size_t)eol);
		its = eol < 0 ? SPAN_NONE : span_from(its, (size_t)eol + 1);
		if (!span_eq(line, with))
			put_line(mark, line, out);
	}
	if (s->line != 0)
		buf_addf(out, "  %c   (%s:%u)\n", mark, s->file, s->line);
}

static void
put_change(struct comparison *c, const struct traffic *t)
{
	char	ip[IP_TEXT_MAX];

	buf_addf(&c->out, "line %lu: client %s", t->line,
	    ip_format(&t->client, ip));
	if (t->login.n > 0)
		buf_addf(&c->out, " as %.*s", SPAN_ARG(t->login));
	buf_add_char(&c->out, '\n');
	put_side(&c->sides[OLD], &c->sides[NEW], '-', &c->out);
	put_side(&c->sides[NEW], &c->sides[OLD], '+', &c->out);
}

static void
put_change_json(struct comparison *c, const struct traffic *t)
{
	static const char *const	names[2] = { "old", "new" };
	size_t				i;

	json_object(&c->j, NULL);
	json_uint(&c->j, "line", t->line);
	for (i = OLD; i <= NEW; i++) {
		json_object(&c->j, names[i]);
		json_uint(&c->j, "line", c->sides[i].line);
		json_text(&c->j, "says", buf_span(&c->sides[i].text));
		json_object_end(&c->j);
	}
	json_object_end(&c->j);
}

static void
session(void *arg, const struct traffic *t)
{
	struct comparison	*c = arg;
	uint64_t		 before;

	c->sessions++;
	ask(&c->sides[OLD], t);
	ask(&c->sides[NEW], t);
	c->wrong += c->sides[NEW].wrong;
	if (span_eq(buf_span(&c->sides[OLD].text),
	    buf_span(&c->sides[NEW].text)))
		return;
	c->differ++;
	before = note(c);
	if (before > 1 && !c->all)
		return;
	if (c->as_json)
		put_change_json(c, t);
	else
		put_change(c, t);
}

/* --- the command */

static int
open_side(struct comparison *c, struct side *s)
{
	struct policy_source	 src = { .quiet = true };
	const char		*why;
	int			 status = CMD_NO;

	if ((s->cf = cmd_load(s->file, &status)) == NULL)
		return status;
	src.image_mem = cf_image(s->cf);
	src.dns = fakedns_policy(&c->dns);
	if ((s->policy = policy_open(&src, &why)) == NULL) {
		fprintf(stderr, "waybill diff: %s: %s\n", s->file, why);
		return CMD_NO;
	}
	return CMD_OK;
}

static void
put_sums(struct comparison *c, unsigned long bad)
{
	const struct change	*k;
	size_t			 i;

	for (i = 0; i < c->nchanges && !c->all; i++) {
		k = &c->changes[i];
		if (k->count > 1)
			buf_addf(&c->out, "and %llu more by lines %u and %u\n",
			    (unsigned long long)k->count - 1, k->lines[OLD],
			    k->lines[NEW]);
	}
	buf_addf(&c->out, "%llu sessions, %llu differ",
	    (unsigned long long)c->sessions, (unsigned long long)c->differ);
	if (bad + c->wrong > 0)
		buf_addf(&c->out, ", %llu cannot be read",
		    (unsigned long long)(bad + c->wrong));
	buf_add_char(&c->out, '\n');
}

static void
put_sums_json(struct comparison *c, unsigned long bad)
{
	json_array_end(&c->j);
	json_uint(&c->j, "sessions", c->sessions);
	json_uint(&c->j, "differ", c->differ);
	json_uint(&c->j, "unreadable", bad + c->wrong);
	json_object_end(&c->j);
	buf_add_char(&c->out, '\n');
}

static int
compare(struct comparison *c, const char *log)
{
	unsigned long	bad;

	json_init(&c->j, &c->out);
	if (c->as_json) {
		json_object(&c->j, NULL);
		json_array(&c->j, "changes");
	}
	if (traffic_read(log, session, c, &bad) == -1) {
		fprintf(stderr, "waybill diff: %s: %s\n", log,
		    strerror(errno));
		return CMD_USAGE;
	}
	if (c->as_json)
		put_sums_json(c, bad);
	else
		put_sums(c, bad);
	cmd_write(&c->out);
	return c->differ > 0 ? CMD_NO : CMD_OK;
}

static void
close_side(struct side *s)
{
	policy_unref(&s->policy);
	cf_free(&s->cf);
	buf_clear(&s->text);
}

int
cmd_diff(int argc, char **argv)
{
	struct comparison	 c = { .sessions = 0 };
	const char		*log = NULL;
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "traffic", 0, { .text = &log } },
		{ OPT_FLAG, "all", 0, { .flag = &c.all } },
		{ OPT_FLAG, "json", 0, { .flag = &c.as_json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 2 || log == NULL)
		return cmd_usage(argv[0], n != 2 ? "which two policies?" :
		    "which sessions? (--traffic LOG)");
	c.sides[OLD].file = argv[1];
	c.sides[NEW].file = argv[2];
	status = open_side(&c, &c.sides[OLD]);
	if (status == CMD_OK)
		status = open_side(&c, &c.sides[NEW]);
	if (status == CMD_OK)
		status = compare(&c, log);
	close_side(&c.sides[OLD]);
	close_side(&c.sides[NEW]);
	buf_clear(&c.out);
	free(c.changes);
	return status;
}
