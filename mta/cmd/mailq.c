/*
 * mailq.c - `mailq`, and what `sendmail -bp` prints: the queue as people know
 * it from sendmail and Postfix.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "mta/cmd/classic.h"
#include "mta/cmd/cmd.h"
#include "mta/cmd/table.h"

struct printing {
	bool	verbose;
	bool	refused, whole;
	size_t	n;
};

/* "Sun Nov 22 01:15:00", local time, of an RFC 3339 one in UTC. */
static const char *
local_time(const char *iso, char out[32])
{
	struct tm	tm = { .tm_isdst = 0 };
	time_t		t;

	if (sscanf(iso, "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon,
	    &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return "-";
	tm.tm_year -= 1900;
	tm.tm_mon--;
	t = timegm(&tm);
	if (localtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%a %b %d %H:%M:%S", &tm) == 0)
		return "-";
	return out;
}

/* Behind the id, as Postfix has it. */
static char
mark_of(const json_t *m)
{
	const char	*state = cmd_json_str(m, "state");

	if (strcmp(state, "active") == 0)
		return '*';
	if (strcmp(state, "held") == 0 || strcmp(state, "quarantined") == 0)
		return '!';
	return ' ';
}

static void
print_rcpts(const json_t *m)
{
	const json_t	*to = json_object_get(m, "to"), *one;
	long long	 open = (long long)cmd_json_int(m, "open");
	size_t		 i;

	json_array_foreach(to, i, one)
		printf("%41s%s\n", "", table_clean(json_string_value(one)));
	if ((long long)i < open)
		printf("%41s(and %lld more)\n", "", open - (long long)i);
}

static void
print_details(const json_t *m)
{
	printf("%41s[%s, %s priority, tried %lld times", "",
	    cmd_json_str(m, "why"), cmd_json_str(m, "priority"),
	    (long long)cmd_json_int(m, "attempts"));
	if (cmd_json_str(m, "hop")[0] != '\0')
		printf(", by %s", cmd_json_str(m, "hop"));
	if (cmd_json_str(m, "next")[0] != '\0')
		printf(", next %s", cmd_json_str(m, "next"));
	printf("]\n");
}

static void
print_message(const json_t *m, bool verbose)
{
	const char	*sender = table_text(m, "sender");
	char		 when[32];

	printf("%s%c %8lld %-19.19s  %s\n", cmd_json_str(m, "id"),
	    mark_of(m), (long long)cmd_json_int(m, "size"),
	    local_time(cmd_json_str(m, "arrival"), when),
	    sender[0] == '\0' ? "MAILER-DAEMON" : sender);
	if (cmd_json_str(m, "reason")[0] != '\0')
		printf("(%s)\n", table_text(m, "reason"));
	if (verbose)
		print_details(m);
	print_rcpts(m);
	printf("\n");
}

static void
print_total(const json_t *end)
{
	long long	n = (long long)cmd_json_int(end, "matched");
	long long	octets = (long long)cmd_json_int(end, "octets");

	if (n == 0)
		printf("Mail queue is empty\n");
	else
		printf("-- %lld Kbytes in %lld Request%s.\n",
		    (octets + 1023) / 1024, n, n == 1 ? "" : "s");
}

static bool
take_line(void *arg, const json_t *doc, struct buf *rest)
{
	struct printing	*p = arg;
	const json_t	*end = json_object_get(doc, "end");

	(void)rest;
	if (cmd_json_error("mailq", doc)) {
		p->refused = true;
		return false;
	}
	if (end != NULL) {
		print_total(end);
		p->whole = true;
		return false;
	}
	if (p->n++ == 0)
		printf("-Queue ID----- --Size-- ---Arrival Time---  "
		    "-Sender/Recipient-------\n");
	print_message(doc, p->verbose);
	return !ferror(stdout);
}

/* Where nothing else is said: the policy's spool, if it can be read. */
static char *
spool_of(const char *policy, int *status)
{
	struct cmd_server	 sv = { .policy = policy };

	if (policy == NULL && getenv("WAYBILL_SPOOL") == NULL &&
	    access(CLASSIC_POLICY, R_OK) == 0)
		sv.policy = CLASSIC_POLICY;
	return cmd_spool(&sv, status);
}

/* -v; -C FILE is the policy; -Ac and -Am (sendmail's two queues) are one. */
static int
take_options(int argc, char **argv, bool *verbose, const char **policy)
{
	int	c;

	while ((c = getopt(argc, argv, "vC:A:bpq")) != -1)
		switch (c) {
		case 'v':
			*verbose = true;
			break;
		case 'C':
			*policy = optarg;
			break;
		case 'A': case 'b': case 'p':
			break;
		default:
			return -1;
		}
	return optind == argc ? 0 : -1;
}

int
classic_mailq(int argc, char **argv)
{
	struct printing	 p = { .verbose = false };
	const char	*policy = NULL;
	char		*spool;
	int		 status;

	if (take_options(argc, argv, &p.verbose, &policy) == -1) {
		fprintf(stderr, "usage: mailq [-v] [-C policy]\n");
		return EX_USAGE;
	}
	if ((spool = spool_of(policy, &status)) == NULL)
		return EX_CONFIG;
	status = cmd_control_lines(spool, "list part=recipients\n", take_line,
	    &p);
	free(spool);
	if (status == -1 || p.refused)
		return EX_UNAVAILABLE;
	if (!p.whole) {
		fprintf(stderr, "mailq: the answer is not whole\n");
		return EX_TEMPFAIL;
	}
	return EX_OK;
}
