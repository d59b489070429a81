/*
 * route.c - `waybill route FROM TO`: where a message would go, by which rules, and
 * whether it would be taken there.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/explain.h"
#include "mta/cmd/route.h"
#include "mta/cmd/servers.h"

struct asked {
	const char	*policy, *spool, *client, *auth;
	bool		 json, probe, every, ask;
	struct span	 from, to;
	struct ip	 ip;
};

/* What comes of it, as text and as JSON. */
struct routed {
	const struct asked	*asked;
	const struct rs_image	*im;
	struct routing		*routing;
	const struct rs_record	*record;
	unsigned		 refused;	/* how the session would be; 0: not */
	struct span		 refused_text;
	struct buf		 text, doc;
	struct json		 j;
	int			 status;
};

/* --- rules */

enum fate { NOT_ASKED, LOST, CANNOT_SAY, TAKEN, CHOSEN };

/* What the steps behind a rule's say of it. */
static enum fate
fate_from(const struct rs_record *r, size_t i)
{
	uint32_t	rule = r->steps[i].number;
	uint8_t		depth = r->steps[i].depth;
	enum fate	fate = TAKEN;

	for (i++; i < r->n; i++) {
		const struct rs_step	*s = &r->steps[i];

		if (s->kind == RS_STEP_RULE && s->depth <= depth)
			break;
		if (s->kind == RS_STEP_VERDICT)
			fate = CHOSEN;
		if (s->kind != RS_STEP_TEST || s->number != rule)
			continue;
		if (rs_truth(&s->value) == RS_FALSE)
			return LOST;
		if (rs_truth(&s->value) != RS_TRUE)
			return CANNOT_SAY;
	}
	return fate;
}

/* Of several askings the one that came furthest. */
static enum fate
fate_of(const struct rs_record *r, uint32_t rule)
{
	enum fate	fate = NOT_ASKED, one;
	size_t		i;

	for (i = 0; i < r->n; i++)
		if (r->steps[i].kind == RS_STEP_RULE &&
		    r->steps[i].number == rule &&
		    (one = fate_from(r, i)) > fate)
			fate = one;
	return fate;
}

static bool
is_meant(const struct routed *r, uint32_t rule, enum fate fate)
{
	return fate != NOT_ASKED || rs_func(r->im, rs_rule(r->im,
	    rule)->func)->hook == RS_HOOK_ROUTE;
}

static struct span
path_of(const struct routed *r, uint32_t file)
{
	return file == 0 ? span_of(r->asked->policy) :
	    rs_string(r->im, rs_file(r->im, file)->path);
}

static void
rules(struct routed *r)
{
	static const struct {
		const char	*word, *why;
	} fates[] = {
		[NOT_ASKED] = { "lost", "a rule before it has decided" },
		[LOST] = { "lost", "condition false" },
		[CANNOT_SAY] = { "lost", "its condition cannot be said now" },
		[TAKEN] = { "taken", NULL }, [CHOSEN] = { "chosen", NULL }
	};
	const struct rs_rule	*rule;
	uint32_t		 i;
	enum fate		 f;

	json_array(&r->j, "rules");
	for (i = 0; i < rs_nrule(r->im); i++) {
		f = fate_of(r->record, i);
		if (!is_meant(r, i, f))
			continue;
		rule = rs_rule(r->im, i);
		buf_addf(&r->text, "   %-6s %.*s:%u  %.*s%s%s\n",
		    fates[f].word, SPAN_ARG(path_of(r, rule->file)),
		    rule->line, SPAN_ARG(rs_string(r->im, rule->text)),
		    fates[f].why == NULL ? "" : ": ",
		    fates[f].why == NULL ? "" : fates[f].why);
		json_object(&r->j, NULL);
		json_str(&r->j, "fate", fates[f].word);
		json_text(&r->j, "file", path_of(r, rule->file));
		json_uint(&r->j, "line", rule->line);
		json_text(&r->j, "text", rs_string(r->im, rule->text));
		json_str(&r->j, "why", fates[f].why);
		json_object_end(&r->j);
	}
	json_array_end(&r->j);
}

/* --- where it goes */

/* An address as people write it, without < and >. */
static struct span
bare(struct span a)
{
	return a.n >= 2 && a.p[0] == '<' && a.p[a.n - 1] == '>' ?
	    span_mem(a.p + 1, a.n - 2) : a;
}

static void
probe(struct routed *r, const struct target *t, const char *spool)
{
	char			*from, *to;
	struct span		 sender = t->mail_from.n > 0 ? t->mail_from :
				    bare(r->asked->from);
	struct span		 rcpt = t->rcpt_to.n > 0 ? t->rcpt_to :
				    t->address;
	struct route_probe	 p = { .spool = spool,
	    .every = r->asked->every };
	int			 status;

	p.from = from = xstrndup(sender.p, sender.n);
	p.to = to = xstrndup(rcpt.p, rcpt.n);
	status = route_probe(&p, t->hop);
	buf_add_span(&r->text, buf_span(&p.said));
	if (p.asked)
		json_raw(&r->j, "probe", span_of(p.json));
	if (r->status != EX_UNAVAILABLE && status != CMD_OK)
		r->status = status;
	route_probe_clear(&p);
	free(from);
	free(to);
}

static void
target(struct routed *r, const struct target *t, const char *spool)
{
	explain_target(t, &r->text);
	buf_add_char(&r->text, '\n');
	json_object(&r->j, NULL);
	json_text(&r->j, "address", t->address);
	if (t->kind == TARGET_FAIL || t->kind == TARGET_LATER) {
		json_uint(&r->j, "code", t->code);
		json_text(&r->j, "status", t->status);
		json_text(&r->j, "text", t->text);
		r->status = CMD_NO;
	}
	if (t->kind == TARGET_HOP) {
		json_text(&r->j, "hop", t->hop);
		route_hop_say(r->im, t->hop, &r->text);
		json_array(&r->j, "hops");
		route_hop_json(r->im, t->hop, &r->j);
		json_array_end(&r->j);
		if (spool != NULL)
			probe(r, t, spool);
	}
	json_object_end(&r->j);
}

static void
say(struct routed *r, const char *spool)
{
	const struct target	*t;
	size_t			 i, n;

	json_init(&r->j, &r->doc);
	json_object(&r->j, NULL);
	json_text(&r->j, "from", r->asked->from);
	json_text(&r->j, "to", r->asked->to);
	json_str(&r->j, "file", r->asked->policy);
	json_str(&r->j, "policy", rs_image_hash(r->im));
	if (r->refused != 0) {
		buf_addf(&r->text, "A session from there is refused: %u %.*s "
		    "(`waybill explain` tells why).  Else:\n",
		    r->refused, SPAN_ARG(r->refused_text));
		json_uint(&r->j, "refused", r->refused);
	}
	json_array(&r->j, "targets");
	t = routing_targets(r->routing, &n);
	for (i = 0; i < n; i++)
		target(r, &t[i], spool);
	json_array_end(&r->j);
	buf_add_str(&r->text, "rules\n");
	rules(r);
	json_object_end(&r->j);
	buf_add_char(&r->doc, '\n');
	cmd_write(r->asked->json ? &r->doc : &r->text);
	buf_clear(&r->doc);
	buf_clear(&r->text);
}

/* --- the session that asks */

/* What refuses a session, which goes on in spite of it. */
static void
note_refusal(struct play *pl, struct routed *r)
{
	const struct played	*p = play_answer(pl);

	if ((pl->refused >= 0 || pl->rcpt_refused) && r->refused == 0) {
		r->refused = p->code;
		r->refused_text = p->text;
	}
	pl->refused = -1;
}

static int
play(struct play *pl, struct routed *r)
{
	const struct asked	*a = r->asked;

	play_connect(pl, &a->ip, SPAN("smtp"), span_of(a->auth));
	note_refusal(pl, r);
	if (play_mail(pl, a->from, 0) == -1)
		return cmd_usage("route", "'%.*s' is no address",
		    SPAN_ARG(a->from));
	note_refusal(pl, r);
	if (play_rcpt(pl, a->to) == -1)
		return cmd_usage("route", "'%.*s' is no address",
		    SPAN_ARG(a->to));
	note_refusal(pl, r);
	return CMD_OK;
}

static int
route_by(struct policy *p, const struct asked *a, const char *spool)
{
	struct rs_record	 record = { .hook = RS_HOOK_ROUTE };
	struct routed		 r = { .asked = a, .im = policy_image(p) };
	struct play		 pl;

	play_begin(&pl, p, 0, 0);
	if ((r.status = play(&pl, &r)) == CMD_OK) {
		r.record = &record;
		r.routing = policy_route(p, &pl.facts, &record, NULL, NULL);
		assert(routing_done(r.routing));
		say(&r, spool);
		routing_free(&r.routing);
	}
	rs_record_clear(&record);
	play_end(&pl);
	return r.status;
}

static int
route(const struct cf *cf, const struct asked *a, const char *spool)
{
	struct policy_source	 src = { .image_mem = cf_image(cf),
	    .quiet = true };
	struct fakedns		 dns = { .n = 0 };
	struct fakecallouts	 callouts = { .n = 0 };
	struct servers		*servers = NULL;
	struct policy		*p;
	const char		*why;
	int			 status = CMD_NO;

	src.dns = fakedns_policy(&dns);
	src.callouts = fakecallouts_policy(&callouts);
	if (a->ask)
		servers = servers_start(&src, NULL, "warn");
	if ((p = policy_open(&src, &why)) == NULL)
		fprintf(stderr, "waybill route: %s: %s\n", a->policy, why);
	else {
		status = route_by(p, a, spool);
		policy_unref(&p);
	}
	servers_stop(&servers);
	fakedns_clear(&dns);
	fakecallouts_clear(&callouts);
	return status;
}

static int
check(const struct asked *a, int n)
{
	if (n != 2)
		return cmd_usage("route", "from whom, to whom?");
	if (a->policy == NULL)
		return cmd_usage("route", "which policy? (-c FILE)");
	if (a->every && !a->probe)
		return cmd_usage("route", "--all stands beside --probe");
	return CMD_OK;
}

int
cmd_route(int argc, char **argv)
{
	struct asked		 a = { .client = "127.0.0.1" };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "policy", 'c', { .text = &a.policy } },
		{ OPT_TEXT, "spool", 0, { .text = &a.spool } },
		{ OPT_TEXT, "client", 0, { .text = &a.client } },
		{ OPT_TEXT, "auth", 0, { .text = &a.auth } },
		{ OPT_FLAG, "ask", 0, { .flag = &a.ask } },
		{ OPT_FLAG, "probe", 0, { .flag = &a.probe } },
		{ OPT_FLAG, "all", 0, { .flag = &a.every } },
		{ OPT_FLAG, "json", 0, { .flag = &a.json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct cmd_server	 sv;
	struct cf		*cf;
	char			*spool = NULL;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if ((status = check(&a, n)) != CMD_OK)
		return status;
	if (!ip_parse(span_of(a.client), &a.ip))
		return cmd_usage("route", "--client: '%s' is no address of "
		    "IPv4 or IPv6", a.client);
	a.from = span_of(argv[1]);
	a.to = span_of(argv[2]);
	sv = (struct cmd_server){ .spool = a.spool, .policy = a.policy };
	if (a.probe && (spool = cmd_spool(&sv, &status)) == NULL)
		return status;
	if ((cf = cmd_load(a.policy, &status)) != NULL) {
		status = route(cf, &a, spool);
		cf_free(&cf);
	}
	free(spool);
	return status;
}
