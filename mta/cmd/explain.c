/*
 * explain.c - `waybill explain FILE ...`: what is decided, and why.
 */
#include "config.h"

#include <stdio.h>

#include "base/json.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/explain.h"
#include "mta/cmd/play.h"

struct asked {
	const char	*client, *helo, *auth, *listener, *from, *body;
	struct cmd_list	 rcpts, headers, dns;
	bool		 json;
	struct ip	 ip;
};

/* --- for people */

void
explain_target(const struct target *t, struct buf *out)
{
	buf_addf(out, "%.*s: ", SPAN_ARG(t->address));
	switch (t->kind) {
	case TARGET_DELIVER:
		buf_addf(out, "deliver %.*s \"%.*s\" into %.*s",
		    SPAN_ARG(t->mailbox), SPAN_ARG(t->account),
		    SPAN_ARG(t->path));
		break;
	case TARGET_HOP:
		buf_addf(out, "send to %.*s", SPAN_ARG(t->hop));
		break;
	case TARGET_DISCARD:
		buf_add_str(out, "discard");
		break;
	case TARGET_LMTP:
		buf_addf(out, "lmtp \"%.*s\"", SPAN_ARG(t->path));
		break;
	case TARGET_PIPE:
		buf_addf(out, "pipe \"%.*s\" as %.*s", SPAN_ARG(t->path),
		    SPAN_ARG(t->account));
		break;
	case TARGET_FILE:
		buf_addf(out, "file \"%.*s\"", SPAN_ARG(t->path));
		break;
	default:
		buf_addf(out, "%s %u %.*s \"%.*s\"",
		    t->kind == TARGET_LATER ? "defer" : "fail", t->code,
		    SPAN_ARG(t->status), SPAN_ARG(t->text));
		break;
	}
}

static void
indented(struct buf *out, struct span text)
{
	ptrdiff_t	eol;
	struct span	line;

	while (text.n > 0) {
		eol = span_index(text, '\n');
		line = span_mem(text.p, eol < 0 ? text.n : (size_t)eol);
		buf_addf(out, "   %.*s\n", SPAN_ARG(line));
		text = span_from(text, line.n + 1);
	}
}

static void
record_text(const struct rs_record *r, const struct rs_image *im,
    const char *policy, struct buf *out)
{
	struct buf	text = { 0 };

	rs_record_text(r, im, policy, &text);
	indented(out, buf_span(&text));
	buf_clear(&text);
}

void
explain_played(const struct played *p, const struct rs_image *im,
    const char *policy, struct buf *out)
{
	const struct target	*t;
	size_t			 i, n;

	buf_addf(out, "%.*s\n", SPAN_ARG(p->command));
	if (p->record.n > 0)
		record_text(&p->record, im, policy, out);
	if (p->routing != NULL) {
		record_text(&p->route_record, im, policy, out);
		t = routing_targets(p->routing, &n);
		for (i = 0; i < n; i++) {
			buf_add_str(out, "   -> ");
			explain_target(&t[i], out);
			buf_add_char(out, '\n');
		}
	}
	buf_addf(out, "   %u %.*s %.*s\n", p->code, SPAN_ARG(p->status),
	    SPAN_ARG(p->text));
}

static void
say(const struct play *pl, const char *policy)
{
	const struct rs_image	*im = policy_image(pl->policy);
	struct buf		 out = { 0 };
	size_t			 i;

	for (i = 0; i < pl->n; i++)
		explain_played(&pl->v[i], im, policy, &out);
	cmd_write(&out);
}

/* --- for programs */

void
explain_target_json(struct json *j, const struct target *t)
{
	static const char *const kinds[] = {
		"?", "deliver", "hop", "discard", "fail", "later", "lmtp",
		"pipe", "file"
	};

	json_object(j, NULL);
	json_str(j, "kind", kinds[t->kind <= TARGET_FILE ? t->kind : 0]);
	json_text(j, "address", t->address);
	if (t->kind == TARGET_HOP)
		json_text(j, "hop", t->hop);
	if (t->kind == TARGET_DELIVER)
		json_text(j, "mailbox", t->mailbox);
	if (t->kind == TARGET_DELIVER || t->kind == TARGET_PIPE)
		json_text(j, "account", t->account);
	if (t->path.n > 0)
		json_text(j, "path", t->path);
	if (t->kind == TARGET_FAIL || t->kind == TARGET_LATER) {
		json_uint(j, "code", t->code);
		json_text(j, "status", t->status);
		json_text(j, "text", t->text);
	}
	json_object_end(j);
}

static void
record_json(struct json *j, const char *key, const struct rs_record *r,
    const struct rs_image *im)
{
	struct buf	one = { 0 };

	rs_record_json(r, im, &one);
	json_raw(j, key, buf_span(&one));
	buf_clear(&one);
}

void
explain_played_json(struct json *j, const struct played *p,
    const struct rs_image *im)
{
	const struct target	*t;
	size_t			 i, n;

	json_object(j, NULL);
	json_text(j, "command", p->command);
	json_str(j, "hook", rs_hook_names[p->hook]);
	json_str(j, "verdict", rs_verdict_name(p->verdict.kind));
	json_bool(j, "by_route", p->by_route);
	json_uint(j, "line", p->line);
	json_uint(j, "code", p->code);
	json_text(j, "status", p->status);
	json_text(j, "text", p->text);
	record_json(j, "record", &p->record, im);
	if (p->routing != NULL) {
		record_json(j, "route_record", &p->route_record, im);
		json_array(j, "targets");
		t = routing_targets(p->routing, &n);
		for (i = 0; i < n; i++)
			explain_target_json(j, &t[i]);
		json_array_end(j);
	}
	json_object_end(j);
}

static void
say_json(const struct play *pl, const char *policy)
{
	const struct rs_image	*im = policy_image(pl->policy);
	struct buf		 out = { 0 };
	struct json		 j;
	size_t			 i;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_str(&j, "file", policy);
	json_str(&j, "policy", rs_image_hash(im));
	json_array(&j, "steps");
	for (i = 0; i < pl->n; i++)
		explain_played_json(&j, &pl->v[i], im);
	json_array_end(&j);
	json_object_end(&j);
	buf_add_char(&out, '\n');
	cmd_write(&out);
}

/* --- the session */

static int
play(struct play *pl, const struct asked *a)
{
	size_t	i;

	play_connect(pl, &a->ip, span_of(a->listener), span_of(a->auth));
	if (a->helo != NULL)
		play_helo(pl, span_of(a->helo));
	if (a->from != NULL && play_mail(pl, span_of(a->from)) == -1)
		return cmd_usage("explain", "--from: '%s' is no address",
		    a->from);
	for (i = 0; i < a->rcpts.n; i++)
		if (play_rcpt(pl, span_of(a->rcpts.v[i])) == -1)
			return cmd_usage("explain",
			    "--rcpt: '%s' is no address", a->rcpts.v[i]);
	for (i = 0; i < a->headers.n; i++)
		play_header(pl, span_of(a->headers.v[i]));
	if (a->body != NULL)
		play_body(pl, span_of(a->body));
	if (a->headers.n > 0 || a->body != NULL)
		play_content(pl);
	return CMD_OK;
}

static int
explain(const struct cf *cf, const struct asked *a, struct fakedns *dns,
    const char *file)
{
	struct policy_source	 src = { .image_mem = cf_image(cf) };
	struct policy		*p;
	struct play		 pl;
	const char		*why;
	int			 status;

	src.dns = fakedns_policy(dns);
	src.quiet = true;
	if ((p = policy_open(&src, &why)) == NULL) {
		fprintf(stderr, "waybill explain: %s: %s\n", file, why);
		return CMD_NO;
	}
	play_begin(&pl, p, 0, 0);
	if ((status = play(&pl, a)) == CMD_OK) {
		if (a->json)
			say_json(&pl, file);
		else
			say(&pl, file);
	}
	play_end(&pl);
	policy_unref(&p);
	return status;
}

/* CMD_OK, or what is wrong with the command line has been said. */
static int
check_args(struct asked *a, struct fakedns *dns)
{
	size_t	i;

	if (a->client == NULL || !ip_parse(span_of(a->client), &a->ip))
		return cmd_usage("explain", a->client == NULL ?
		    "which client? (--client IP)" :
		    "--client: '%s' is no address of IPv4 or IPv6", a->client);
	if (a->rcpts.n > 0 && a->from == NULL)
		return cmd_usage("explain", "--rcpt stands behind --from");
	for (i = 0; i < a->headers.n; i++)
		if (!header_field_ok(span_of(a->headers.v[i])))
			return cmd_usage("explain",
			    "--header: '%s' is not \"Name: value\"",
			    a->headers.v[i]);
	for (i = 0; i < a->dns.n; i++)
		if (fakedns_add_text(dns, a->dns.v[i]) == -1)
			return cmd_usage("explain",
			    "--dns: '%s' is not NAME=IP", a->dns.v[i]);
	return CMD_OK;
}

int
cmd_explain(int argc, char **argv)
{
	struct asked		 a = { .listener = "smtp" };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "client", 0, { .text = &a.client } },
		{ OPT_TEXT, "helo", 0, { .text = &a.helo } },
		{ OPT_TEXT, "auth", 0, { .text = &a.auth } },
		{ OPT_TEXT, "listener", 0, { .text = &a.listener } },
		{ OPT_TEXT, "from", 0, { .text = &a.from } },
		{ OPT_LIST, "rcpt", 0, { .list = &a.rcpts } },
		{ OPT_LIST, "header", 0, { .list = &a.headers } },
		{ OPT_TEXT, "body", 0, { .text = &a.body } },
		{ OPT_LIST, "dns", 0, { .list = &a.dns } },
		{ OPT_FLAG, "json", 0, { .flag = &a.json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct fakedns		 dns = { .n = 0 };
	struct cf		*cf;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which policy?");
	status = check_args(&a, &dns);
	if (status == CMD_OK && (cf = cmd_load(argv[1], &status)) != NULL) {
		status = explain(cf, &a, &dns, argv[1]);
		cf_free(&cf);
	}
	fakedns_clear(&dns);
	cmd_list_clear(&a.rcpts);
	cmd_list_clear(&a.headers);
	cmd_list_clear(&a.dns);
	return status;
}
