/*
 * explain_cmd.c - `waybill explain FILE ...`: the session that is asked about.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "mta/cmd/cmd.h"
#include "mta/cmd/explain.h"
#include "mta/cmd/servers.h"
#include "mta/cmd/traffic.h"

struct asked {
	const char	*client, *helo, *auth, *listener, *from, *body;
	const char	*tls, *certificate, *time, *vrfy, *expn;
	struct cmd_list	 rcpts, headers, dns, maps, callouts;
	bool		 json, ask;
	struct ip	 ip;
	int64_t		 now_ms;	/* 0: the clock */
};

/* What others say of it. */
struct given {
	struct fakedns		dns;
	struct fakecallouts	callouts;
};

/* --- the session */

static void
play_content_of(struct play *pl, const struct asked *a)
{
	const struct play_wait	now = { 0, 0 };
	size_t			i;

	for (i = 0; i < a->headers.n; i++)
		play_header(pl, span_of(a->headers.v[i]));
	if (a->body != NULL)
		play_body(pl, span_of(a->body));
	if (a->headers.n == 0 && a->body == NULL)
		return;
	play_content(pl);
	if (rs_hook(policy_image(pl->policy), RS_HOOK_DELIVER) != UINT32_MAX)
		play_delivery(pl, &now);
}

static int
play_vrfys(struct play *pl, const struct asked *a)
{
	if (a->vrfy != NULL && play_vrfy(pl, span_of(a->vrfy), false) == -1)
		return cmd_usage("explain", "--vrfy: '%s' is no name and no "
		    "address", a->vrfy);
	if (a->expn != NULL && play_vrfy(pl, span_of(a->expn), true) == -1)
		return cmd_usage("explain", "--expn: '%s' is no name and no "
		    "address", a->expn);
	return CMD_OK;
}

static int
play(struct play *pl, const struct asked *a)
{
	struct play_tls	tls;
	size_t		i;

	play_connect(pl, &a->ip, span_of(a->listener), span_of(a->auth));
	if (a->helo != NULL)
		play_helo(pl, span_of(a->helo));
	if (a->tls != NULL) {
		tls = (struct play_tls){ span_of(a->tls), SPAN_NONE,
		    span_of(a->certificate) };
		play_starttls(pl, &tls);
	}
	play_login(pl);
	if (play_vrfys(pl, a) != CMD_OK)
		return CMD_USAGE;
	if (a->from != NULL && play_mail(pl, span_of(a->from), 0) == -1)
		return cmd_usage("explain", "--from: '%s' is no address",
		    a->from);
	for (i = 0; i < a->rcpts.n; i++)
		if (play_rcpt(pl, span_of(a->rcpts.v[i])) == -1)
			return cmd_usage("explain",
			    "--rcpt: '%s' is no address", a->rcpts.v[i]);
	play_content_of(pl, a);
	return CMD_OK;
}

/* --- tables: "NAME[KEY]=VALUE", "NAME=failing" */

static int
no_such_map(const char *text)
{
	return cmd_usage("explain", "--map: '%s' is not NAME[KEY]=VALUE or "
	    "NAME=failing of a map of this policy", text);
}

/* What is made of others has no lines: theirs are given. */
static int
made_map(void)
{
	return cmd_usage("explain", "--map: a map that is made of others has "
	    "no lines of its own; give them to those");
}

static int
one_map(struct policy *p, const char *text)
{
	struct span	all = span_of(text);
	const char	*end = strstr(text, "]=");
	ptrdiff_t	open = span_index(all, '['), eq = span_index(all, '=');
	uint32_t	map;

	if (open > 0 && end != NULL && end > text + open) {
		map = rs_map_named(policy_image(p), span_mem(text, (size_t)open));
		if (map == UINT32_MAX)
			return no_such_map(text);
		if (rs_map_made(policy_image(p), map) != RS_MADE_NOT)
			return made_map();
		map_add(policy_map(p, map), span_mem(text + open + 1,
		    (size_t)(end - text - open - 1)), span_of(end + 2));
		return CMD_OK;
	}
	if (eq <= 0 || !span_eq(span_from(all, (size_t)eq + 1),
	    SPAN("failing")))
		return no_such_map(text);
	map = rs_map_named(policy_image(p), span_mem(text, (size_t)eq));
	if (map == UINT32_MAX)
		return no_such_map(text);
	if (rs_map_made(policy_image(p), map) != RS_MADE_NOT)
		return made_map();
	policy_map_failing(p, map);
	return CMD_OK;
}

static int
maps(struct policy *p, const struct asked *a)
{
	int	status = CMD_OK;
	size_t	i;

	for (i = 0; i < a->maps.n && status == CMD_OK; i++)
		status = one_map(p, a->maps.v[i]);
	return status;
}

static int
explain_by(struct policy *p, const struct asked *a, const char *file)
{
	struct play	 pl;
	int		 status = maps(p, a);

	if (status != CMD_OK)
		return status;
	play_begin(&pl, p, a->now_ms, 0);
	if ((status = play(&pl, a)) == CMD_OK) {
		if (a->json)
			explain_say_json(&pl, file);
		else
			explain_say(&pl, file);
	}
	play_end(&pl);
	return status;
}

static int
explain(const struct cf *cf, const struct asked *a, struct given *given,
    const char *file)
{
	struct policy_source	 src = { .image_mem = cf_image(cf) };
	struct servers		*servers = NULL;
	struct policy		*p;
	const char		*why;
	int			 status = CMD_NO;

	src.dns = fakedns_policy(&given->dns);
	src.callouts = fakecallouts_policy(&given->callouts);
	src.quiet = true;
	if (a->ask)
		servers = servers_start(&src, NULL, "warn");
	if ((p = policy_open(&src, &why)) == NULL)
		fprintf(stderr, "waybill explain: %s: %s\n", file, why);
	else {
		status = explain_by(p, a, file);
		policy_unref(&p);
	}
	servers_stop(&servers);
	return status;
}

/* --- the command line */

/* CMD_OK, or what is wrong with the facts has been said. */
static int
check_facts(struct asked *a)
{
	if (a->client == NULL || !ip_parse(span_of(a->client), &a->ip))
		return cmd_usage("explain", a->client == NULL ?
		    "which client? (--client IP)" :
		    "--client: '%s' is no address of IPv4 or IPv6", a->client);
	if (a->rcpts.n > 0 && a->from == NULL)
		return cmd_usage("explain", "--rcpt stands behind --from");
	if (a->certificate != NULL && a->tls == NULL)
		return cmd_usage("explain", "--certificate stands behind "
		    "--tls");
	if (a->time != NULL && !traffic_time(a->time, &a->now_ms))
		return cmd_usage("explain", "--time: '%s' is not like "
		    "2026-01-05T08:30:00Z", a->time);
	return CMD_OK;
}

static int
check_lists(const struct asked *a, struct given *given)
{
	size_t	i;

	for (i = 0; i < a->headers.n; i++)
		if (!header_field_ok(span_of(a->headers.v[i])))
			return cmd_usage("explain",
			    "--header: '%s' is not \"Name: value\"",
			    a->headers.v[i]);
	for (i = 0; i < a->dns.n; i++)
		if (fakedns_add_text(&given->dns, a->dns.v[i]) == -1)
			return cmd_usage("explain", "--dns: '%s' is not "
			    "NAME=IP, 'NAME=TYPE VALUE' or NAME=failing",
			    a->dns.v[i]);
	for (i = 0; i < a->callouts.n; i++)
		if (fakecallouts_add_text(&given->callouts,
		    a->callouts.v[i]) == -1)
			return cmd_usage("explain", "--callout: '%s' is not "
			    "ADDRESS=yes, ADDRESS=no or ADDRESS=failing",
			    a->callouts.v[i]);
	return CMD_OK;
}

int
cmd_explain(int argc, char **argv)
{
	struct asked		 a = { .listener = "smtp" };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "client", 0, { .text = &a.client } },
		{ OPT_TEXT, "helo", 0, { .text = &a.helo } },
		{ OPT_TEXT, "tls", 0, { .text = &a.tls } },
		{ OPT_TEXT, "certificate", 0, { .text = &a.certificate } },
		{ OPT_TEXT, "auth", 0, { .text = &a.auth } },
		{ OPT_TEXT, "listener", 0, { .text = &a.listener } },
		{ OPT_TEXT, "from", 0, { .text = &a.from } },
		{ OPT_LIST, "rcpt", 0, { .list = &a.rcpts } },
		{ OPT_TEXT, "vrfy", 0, { .text = &a.vrfy } },
		{ OPT_TEXT, "expn", 0, { .text = &a.expn } },
		{ OPT_LIST, "header", 0, { .list = &a.headers } },
		{ OPT_TEXT, "body", 0, { .text = &a.body } },
		{ OPT_TEXT, "time", 0, { .text = &a.time } },
		{ OPT_LIST, "dns", 0, { .list = &a.dns } },
		{ OPT_LIST, "map", 0, { .list = &a.maps } },
		{ OPT_LIST, "callout", 0, { .list = &a.callouts } },
		{ OPT_FLAG, "ask", 0, { .flag = &a.ask } },
		{ OPT_FLAG, "json", 0, { .flag = &a.json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct given		 given = { .dns.n = 0 };
	struct cf		*cf;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which policy?");
	status = check_facts(&a);
	if (status == CMD_OK)
		status = check_lists(&a, &given);
	if (status == CMD_OK && (cf = cmd_load(argv[1], &status)) != NULL) {
		status = explain(cf, &a, &given, argv[1]);
		cf_free(&cf);
	}
	fakedns_clear(&given.dns);
	fakecallouts_clear(&given.callouts);
	cmd_list_clear(&a.rcpts);
	cmd_list_clear(&a.headers);
	cmd_list_clear(&a.dns);
	cmd_list_clear(&a.maps);
	cmd_list_clear(&a.callouts);
	return status;
}
