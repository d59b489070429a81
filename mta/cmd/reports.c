/*
 * reports.c - `waybill reports`: what other domains are told of our TLS sessions with them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/table.h"

struct printing {
	json_t	*all;		/* the domains of one document; NULL: for people */
	bool	 refused, whole;
};

/* --- for people */

static long long
number(const json_t *o, const char *key)
{
	return (long long)cmd_json_int(o, key);
}

static void
print_failure(const json_t *f)
{
	printf("    %6lld %s", number(f, "failed-session-count"),
	    table_text(f, "result-type"));
	if (json_is_string(json_object_get(f, "receiving-mx-hostname")))
		printf(" at %s", table_text(f, "receiving-mx-hostname"));
	if (json_is_string(json_object_get(f, "receiving-ip")))
		printf(" [%s]", table_text(f, "receiving-ip"));
	if (json_is_string(json_object_get(f, "failure-reason-code")))
		printf(": %s", table_text(f, "failure-reason-code"));
	printf("\n");
}

static void
print_policy(const json_t *p)
{
	const json_t	*sum = json_object_get(p, "summary"), *f;
	size_t		 i;

	printf("  %s: %lld good, %lld failed\n",
	    table_text(json_object_get(p, "policy"), "policy-type"),
	    number(sum, "total-successful-session-count"),
	    number(sum, "total-failure-session-count"));
	json_array_foreach(json_object_get(p, "failure-details"), i, f)
		print_failure(f);
}

static void
print_sending(const json_t *s)
{
	const json_t	*to;
	size_t		 i;

	json_array_foreach(json_object_get(s, "sent"), i, to)
		printf("  sent to %s\n", table_clean(json_string_value(to)));
	if (json_is_true(json_object_get(s, "done"))) {
		if (json_array_size(json_object_get(s, "sent")) == 0)
			printf("  nobody wants it, or nobody could be "
			    "reached\n");
	} else if (number(s, "tries") > 0)
		printf("  tried %lld time%s, will be tried again\n",
		    number(s, "tries"), number(s, "tries") == 1 ? "" : "s");
}

static void
print_domain(const json_t *d)
{
	const json_t	*p;
	size_t		 i;

	printf("%s\n", table_text(d, "domain"));
	json_array_foreach(json_object_get(json_object_get(d, "report"),
	    "policies"), i, p)
		print_policy(p);
	print_sending(json_object_get(d, "sending"));
}

static void
print_end(const json_t *e)
{
	printf("%s (UTC): %lld domain%s, %lld session%s",
	    cmd_json_str(e, "day"), number(e, "domains"),
	    number(e, "domains") == 1 ? "" : "s", number(e, "sessions"),
	    number(e, "sessions") == 1 ? "" : "s");
	if (number(e, "left_out") > 0)
		printf(", %lld more had no room", number(e, "left_out"));
	printf("\n");
	if (!json_is_true(json_object_get(e, "on")))
		printf("The policy has no block `tls reports`: nothing is "
		    "counted or sent.\n");
}

/* What the server says last, with the domains before it. */
static void
print_document(const struct printing *p, const json_t *end)
{
	json_t	*doc = json_deep_copy(end);

	json_object_set(doc, "reports", p->all);
	cmd_json_print(doc);
	json_decref(doc);
}

static bool
take_line(void *arg, const json_t *doc, struct buf *rest)
{
	struct printing	*p = arg;
	const json_t	*end = json_object_get(doc, "end");

	(void)rest;
	p->refused = cmd_json_error("reports", doc);
	p->whole = end != NULL;
	if (p->refused)
		return false;
	if (end != NULL && p->all != NULL)
		print_document(p, end);
	else if (end != NULL)
		print_end(end);
	else if (p->all != NULL)
		json_array_append_new(p->all, json_deep_copy(doc));
	else
		print_domain(doc);
	return true;
}

/* "2026-11-22"; what else it is the server will say. */
static bool
is_day(const char *day)
{
	return strlen(day) == 10 && strspn(day, "0123456789-") == 10;
}

int
cmd_reports(int argc, char **argv)
{
	struct cmd_server	 sv;
	struct printing		 p = { .all = NULL };
	int			 n = cmd_server_options(argc, argv, &sv), status;
	char			*spool, *line;

	if (n < 0 || n > 1 || (n == 1 && !is_day(argv[1]))) {
		if (n >= 0)
			fprintf(stderr, "usage: waybill reports [YYYY-MM-DD] "
			    "[--spool DIR | -c FILE] [--json]\n");
		return CMD_USAGE;
	}
	if ((spool = cmd_spool(&sv, &status)) == NULL)
		return status;
	if (sv.json)
		p.all = json_pack("[]");	/* base/json.h has json_array() */
	line = xasprintf("tls-report%s%s\n", n == 1 ? " day=" : "",
	    n == 1 ? argv[1] : "");
	status = cmd_control_lines(spool, line, take_line, &p);
	json_decref(p.all);
	free(line);
	free(spool);
	if (status == -1)
		return CMD_USAGE;
	if (!p.whole && !p.refused)
		fprintf(stderr, "waybill reports: the answer is not whole\n");
	return p.whole && !p.refused ? CMD_OK : CMD_NO;
}
