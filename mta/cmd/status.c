/*
 * status.c - `waybill status`: what runs, what waits, what has changed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "mail/date.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/table.h"

/* --- the policy: the parent's counters */

static const json_t *
process(const json_t *doc, const char *name)
{
	const json_t	*p;
	size_t		 i;

	json_array_foreach(json_object_get(doc, "processes"), i, p)
		if (strcmp(cmd_json_str(p, "name"), name) == 0)
			return p;
	return NULL;
}

static void
print_policy(const json_t *doc)
{
	const json_t	*c = json_object_get(process(doc, "parent"),
	    "counters");
	char		 since[DATE_MAX];

	printf("policy   %s  %s  generation %lld\n", cmd_json_str(c, "policy"),
	    table_text(c, "file"), (long long)cmd_json_int(c, "generation"));
	printf("since    %s\n", date_iso(cmd_json_int(c, "started_ms"), since));
	if (json_is_true(json_object_get(c, "text_differs")))
		printf("The policy's text has changed since: `waybill reload` "
		    "takes it.\n");
	if (json_is_true(json_object_get(c, "tables_differ")))
		printf("A table's file is not the one that serves: below is "
		    "why, or it is being read.\n");
	if (json_is_true(json_object_get(c, "certificates_differ")))
		printf("A certificate's file is not the one that serves: below "
		    "is why, or it is being read.\n");
	if (json_is_true(json_object_get(c, "reloading")))
		printf("A reload is under way.\n");
}

/* --- tables that are files: the parent's too */

static void
print_table(const json_t *t)
{
	char	size[TABLE_SIZE], when[DATE_MAX];

	printf("%-16s %-9s %-8s ", table_text(t, "name"),
	    table_text(t, "driver"), table_text(t, "state"));
	if (json_object_get(t, "entries") != NULL)
		printf("%8lld %8s  %s  ", (long long)cmd_json_int(t, "entries"),
		    table_size(cmd_json_int(t, "octets"), size),
		    date_iso(cmd_json_int(t, "read_ms"), when));
	else
		printf("%8s %8s  %-20s  ", "-", "-", "never");
	printf("%s\n", table_text(t, "file"));
	if (json_object_get(t, "why") != NULL)
		printf("%16s %s\n", "", table_text(t, "why"));
}

static void
print_tables(const json_t *doc)
{
	const json_t	*tables = json_object_get(json_object_get(
			    process(doc, "parent"), "counters"), "tables");
	const json_t	*t;
	size_t		 i;

	if (json_array_size(tables) > 0)
		printf("\n%-16s %-9s %-8s %8s %8s  %-20s  %s\n", "TABLE",
		    "DRIVER", "STATE", "ENTRIES", "SIZE", "READ", "FILE");
	json_array_foreach(tables, i, t)
		print_table(t);
}

/* --- certificates: the parent's too */

#define DAY_MS	86400000LL

static const char *
ends_text(const json_t *c, char out[64])
{
	long long	now = (long long)clock_wall_ms();
	long long	left = (long long)cmd_json_int(c, "not_after_ms") - now;

	if (left < 0)
		return "HAS EXPIRED";
	if (!json_is_true(json_object_get(c, "ends_soon")))
		return "";
	(void)snprintf(out, 64, "ends in %lld days", left / DAY_MS);
	return out;
}

static void
print_certificate(const json_t *c)
{
	char	since[DATE_MAX], until[DATE_MAX], text[64];

	const char	*whose = json_object_get(c, "relay") != NULL ?
			    "relay" : "for";

	printf("%-16s %-8s ", cmd_json_str(c, whose)[0] == '\0' ? "-" :
	    table_text(c, whose), table_text(c, "state"));
	if (json_object_get(c, "names") != NULL)
		printf("%-9s %-20s  %-20s  %s  %s\n",
		    table_text(c, "algorithm"),
		    date_iso(cmd_json_int(c, "since_ms"), since),
		    date_iso(cmd_json_int(c, "not_after_ms"), until),
		    table_text(c, "names"), ends_text(c, text));
	else
		printf("%-9s %-20s  %-20s  %s\n", "-", "never", "-",
		    table_text(c, "file"));
	if (json_object_get(c, "why") != NULL)
		printf("%16s %s\n", "", table_text(c, "why"));
	if (json_object_get(c, "warning") != NULL)
		printf("%16s %s\n", "", table_text(c, "warning"));
}

static void
print_certificates(const json_t *doc)
{
	const json_t	*all = json_object_get(json_object_get(
			    process(doc, "parent"), "counters"),
			    "certificates");
	const json_t	*c;
	size_t		 i;

	if (json_array_size(all) > 0)
		printf("\n%-16s %-8s %-9s %-20s  %-20s  %s\n",
		    "CERTIFICATE FOR", "STATE", "ALGORITHM", "SERVED SINCE",
		    "NOT AFTER", "NAMES");
	json_array_foreach(all, i, c)
		print_certificate(c);
}

/* --- tables that servers have: the lookup process' counters */

static void
print_server_table(const char *name, const json_t *t)
{
	printf("%-16s %-9s %-8s %8lld %8lld %8lld %8lld %8lld %5lld  %s\n",
	    name, cmd_json_str(t, "driver"), cmd_json_str(t, "state"),
	    (long long)cmd_json_int(t, "asked"),
	    (long long)cmd_json_int(t, "found"),
	    (long long)cmd_json_int(t, "none"),
	    (long long)cmd_json_int(t, "failed"),
	    (long long)cmd_json_int(t, "cached"),
	    (long long)cmd_json_int(t, "connections"),
	    json_object_get(t, "why") != NULL ? table_text(t, "why") : "");
}

static void
print_server_tables(const json_t *doc)
{
	json_t		*tables = json_object_get(json_object_get(
			    process(doc, "lookup"), "counters"), "tables");
	const char	*name;
	json_t		*t;

	if (json_object_size(tables) > 0)
		printf("\n%-16s %-9s %-8s %8s %8s %8s %8s %8s %5s  %s\n",
		    "SERVER'S TABLE", "DRIVER", "STATE", "ASKED", "FOUND",
		    "NONE", "FAILED", "CACHED", "CONN", "WHY");
	json_object_foreach(tables, name, t)
		print_server_table(name, t);
}

/* How often that table could not say, over all who asked it. */
static long long
failures(const json_t *doc, const char *table)
{
	const json_t	*p, *t;
	long long	 sum = 0;
	size_t		 i;

	json_array_foreach(json_object_get(doc, "processes"), i, p) {
		if (strcmp(cmd_json_str(p, "name"), "lookup") == 0)
			continue;
		t = json_object_get(json_object_get(p, "counters"), "tables");
		sum += json_is_object(t) ? (long long)cmd_json_int(
		    json_object_get(t, table), "failed") : 0;
	}
	return sum;
}

static void
print_failures(const json_t *doc)
{
	json_t		*tables = json_object_get(json_object_get(
			    process(doc, "route"), "counters"), "tables");
	const char	*name;
	json_t		*t;
	long long	 n;

	json_object_foreach(tables, name, t)
		if ((n = failures(doc, name)) > 0)
			printf("%s could not be asked %lld times: 451.\n",
			    name, n);
}

/* --- DNS: the resolve process' counters */

static void
print_resolver(const json_t *doc)
{
	const json_t	*c = json_object_get(process(doc, "resolve"),
	    "counters");
	const char	*validates = cmd_json_str(c, "validates");

	if (strcmp(validates, "no") == 0)
		printf("The resolver %s passes no signatures on (DNSSEC): "
		    "DANE cannot be told.\n", table_text(c, "resolver"));
	else if (strcmp(validates, "lost") == 0)
		printf("The resolver %s passes no signatures on any more "
		    "(DNSSEC): DANE cannot be told.\n",
		    table_text(c, "resolver"));
}

/* --- the queue */

static void
print_throttle(const json_t *t)
{
	const json_t	*r, *reasons = json_object_get(t, "reasons");
	char		 used[TABLE_SIZE], most[TABLE_SIZE];
	size_t		 i;

	printf("flow     %.1f come and %.1f go a second; index %s of %s\n",
	    json_number_value(json_object_get(t, "arrivals")),
	    json_number_value(json_object_get(t, "departures")),
	    table_size(cmd_json_int(t, "memory_used"), used),
	    table_size(cmd_json_int(t, "memory"), most));
	json_array_foreach(reasons, i, r)
		printf("%s since %s: %s.\n%8s %s.\n",
		    cmd_json_str(r, "reason"), cmd_json_str(r, "since"),
		    table_text(r, "text"), "", table_text(r, "remedy"));
	if (cmd_json_int(t, "delay_ms") > 0)
		printf("MAIL is delayed by %lld ms.\n",
		    (long long)cmd_json_int(t, "delay_ms"));
}

static void
print_queue(const json_t *q)
{
	static const char *const counts[] = {
		"accepted", "sent", "delivered", "deferred", "failed",
		"bounced", "discarded", "removed"
	};
	char		size[TABLE_SIZE];
	size_t		i;

	printf("queue    %lld messages, %s octets\n",
	    (long long)cmd_json_int(q, "messages"),
	    table_size(cmd_json_int(q, "octets"), size));
	printf("so far  ");
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		printf(" %s %lld%s", counts[i],
		    (long long)cmd_json_int(q, counts[i]),
		    i + 1 < sizeof(counts) / sizeof(counts[0]) ? "," : "\n");
	print_throttle(json_object_get(q, "throttle"));
}

/* "failing, 2 windows; last error: connect", "dead, next try ..." */
static void
print_hop_state(const json_t *h)
{
	long long	failed = (long long)cmd_json_int(h, "windows_failed");

	printf("  %s", cmd_json_str(h, "state"));
	if (json_is_true(json_object_get(h, "dead")))
		printf(", next try %s", cmd_json_str(h, "probe"));
	else if (failed > 0)
		printf(", %lld window%s", failed, failed == 1 ? "" : "s");
	if (json_is_string(json_object_get(h, "class")))
		printf("; last error: %s", cmd_json_str(h, "class"));
	if (cmd_json_int(h, "shared_by") > 1)
		printf("; shared by %lld",
		    (long long)cmd_json_int(h, "shared_by"));
}

static void
print_hops(const json_t *hops)
{
	const json_t	*h;
	size_t		 i;

	if (json_array_size(hops) > 0)
		printf("\n%-40s %8s %8s %8s  %s\n", "NEXT HOP", "WAITING",
		    "ACTIVE", "AT MOST", "STATE");
	json_array_foreach(hops, i, h) {
		printf("%-40s %8lld %8lld %8lld", table_text(h, "hop"),
		    (long long)cmd_json_int(h, "waiting"),
		    (long long)cmd_json_int(h, "active"),
		    (long long)cmd_json_int(h, "concurrency"));
		print_hop_state(h);
		printf("\n");
	}
}

/* Addresses that failed, and when they are tried again: the relay process' counters. */
static void
print_resting(const json_t *doc)
{
	const json_t	*all = json_object_get(json_object_get(
			    process(doc, "relay"), "counters"), "resting"), *e;
	char		 where[400];
	size_t		 i;

	if (json_array_size(all) > 0)
		printf("\n%-40s %8s  %-24s %s\n", "RESTING", "FAILURES",
		    "UNTIL", "WHY");
	json_array_foreach(all, i, e) {
		(void)snprintf(where, sizeof(where), "%s%s",
		    table_text(e, "host"), table_text(e, "address"));
		printf("%-40s %8lld  %-24s %s\n", where,
		    (long long)cmd_json_int(e, "failures"),
		    json_is_true(json_object_get(e, "tried")) ?
		    "(being tried)" : cmd_json_str(e, "until"),
		    table_text(e, "why"));
	}
}

/* --- the processes */

/* The lag below which `part` of the turns stayed, in microseconds. */
static long long
lag_below(const json_t *lag, double part)
{
	double	total = 0, sum = 0;
	size_t	i, n = json_array_size(lag);

	for (i = 0; i < n; i++)
		total += (double)json_integer_value(json_array_get(lag, i));
	for (i = 0; i < n && total > 0; i++) {
		sum += (double)json_integer_value(json_array_get(lag, i));
		if (sum >= total * part)
			return 2LL << i;
	}
	return 0;
}

static void
print_counters(json_t *counters)
{
	const char	*key;
	json_t		*v;

	json_object_foreach(counters, key, v)
		if (json_is_integer(v))
			printf(" %s=%lld", key,
			    (long long)json_integer_value(v));
}

static void
print_process(const json_t *p)
{
	const json_t	*lag = json_object_get(p, "lag");
	char		 name[32];

	(void)snprintf(name, sizeof(name), "%s[%lld]",
	    cmd_json_str(p, "name"), (long long)cmd_json_int(p, "instance"));
	printf("%-12s %8lld %8lld %8lld %8lld %8lld ", name,
	    (long long)cmd_json_int(p, "pid"),
	    (long long)cmd_json_int(p, "restarts"), lag_below(lag, 0.5),
	    lag_below(lag, 0.99), lag_below(lag, 1));
	if (json_is_true(json_object_get(p, "answered")))
		print_counters(json_object_get(p, "counters"));
	else
		printf(" no answer");
	printf("\n");
}

static void
print_status(const json_t *doc)
{
	const json_t	*p;
	size_t		 i;

	print_policy(doc);
	print_queue(json_object_get(doc, "queue"));
	print_hops(json_object_get(doc, "hops"));
	print_resting(doc);
	print_tables(doc);
	print_certificates(doc);
	print_server_tables(doc);
	print_failures(doc);
	print_resolver(doc);
	printf("\nThe lag of the loops: so many microseconds or less for half "
	    "of the turns, 99 %%, all\n");
	printf("%-12s %8s %8s %8s %8s %8s\n", "PROCESS", "PID", "RESTARTS",
	    "50 %", "99 %", "100 %");
	json_array_foreach(json_object_get(doc, "processes"), i, p)
		print_process(p);
}

int
cmd_status(int argc, char **argv)
{
	struct cmd_server	 sv;
	json_t			*doc;
	int			 status = CMD_OK;

	if ((doc = cmd_server_ask(argc, argv, &sv, &status)) == NULL)
		return status;
	if (sv.json)
		cmd_json_print(doc);
	if (cmd_json_error("status", doc))
		status = CMD_NO;
	else if (!sv.json)
		print_status(doc);
	json_decref(doc);
	return status;
}
