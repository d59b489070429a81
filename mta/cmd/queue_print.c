/*
 * queue_print.c - what the server says of its queue, for people.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "mta/cmd/cmd.h"
#include "mta/cmd/queue_int.h"
#include "mta/cmd/table.h"

static bool
has(const json_t *o, const char *key)
{
	return cmd_json_str(o, key)[0] != '\0';
}

static long long
number(const json_t *o, const char *key)
{
	return (long long)cmd_json_int(o, key);
}

static const char *
plural(long long n)
{
	return n == 1 ? "" : "s";
}

/* --- list */

static void
print_to(const json_t *m)
{
	const json_t	*to = json_object_get(m, "to"), *one;
	size_t		 i;

	json_array_foreach(to, i, one)
		printf("%s<%s>", i == 0 ? "               to " : ", ",
		    table_clean(json_string_value(one)));
	if ((long long)i < number(m, "open"))
		printf(" and %lld more", number(m, "open") - (long long)i);
	if (i > 0)
		printf("\n");
}

void
queue_print_message(const json_t *m)
{
	char	size[TABLE_SIZE];

	printf("%s  %6s  %s  <%s>  %lld of %lld  %s",
	    cmd_json_str(m, "id"),
	    table_size(cmd_json_int(m, "size"), size),
	    cmd_json_str(m, "arrival"), table_text(m, "sender"),
	    number(m, "open"), number(m, "recipients"),
	    cmd_json_str(m, "state"));
	if (strcmp(cmd_json_str(m, "why"), cmd_json_str(m, "state")) != 0)
		printf(" (%s)", cmd_json_str(m, "why"));
	if (number(m, "attempts") > 0)
		printf(", tried %lld time%s", number(m, "attempts"),
		    number(m, "attempts") == 1 ? "" : "s");
	if (has(m, "next"))
		printf(", next %s", cmd_json_str(m, "next"));
	printf("\n");
	print_to(m);
	if (has(m, "reason"))
		printf("               %s\n", table_text(m, "reason"));
}

void
queue_print_list_end(const json_t *end)
{
	long long	n = number(end, "matched"), total = number(end, "total");
	char		size[TABLE_SIZE];

	if (n == 0 && total == 0) {
		printf("The queue is empty.\n");
		return;
	}
	printf("%lld message%s, %s", n, plural(n),
	    table_size(cmd_json_int(end, "octets"), size));
	if (json_is_true(json_object_get(end, "more")))
		printf(", and there are more");
	if (n != total)
		printf(" (of %lld)", total);
	printf("\n");
}

/* --- show */

static void
print_kept(const json_t *m)
{
	const json_t	*k = json_object_get(m, "kept"), *by;

	if (!json_is_object(k))
		return;
	by = json_object_get(k, "by");
	printf("kept       %s since %s", strcmp(cmd_json_str(k, "how"),
	    "hold") == 0 ? "on hold" : "in quarantine",
	    cmd_json_str(k, "since"));
	if (json_is_integer(by))
		printf(", by uid %lld", number(k, "by"));
	else
		printf(", by the policy");
	if (has(k, "until"))
		printf(", until %s", cmd_json_str(k, "until"));
	printf("\n");
	if (has(k, "why"))
		printf("           because: %s\n", table_text(k, "why"));
}

static void
print_head(const json_t *m)
{
	printf("id         %s\n", cmd_json_str(m, "id"));
	printf("sender     <%s>%s\n", table_text(m, "sender"),
	    json_is_true(json_object_get(m, "dsn")) ?
	    " (a notification of ours)" : "");
	printf("size       %lld octets\n", number(m, "size"));
	printf("arrival    %s\n", cmd_json_str(m, "arrival"));
	if (has(m, "expires"))
		printf("expires    %s\n", cmd_json_str(m, "expires"));
	if (strcmp(cmd_json_str(m, "priority"), "normal") != 0)
		printf("priority   %s\n", cmd_json_str(m, "priority"));
	print_kept(m);
}

static void
print_address(const json_t *r)
{
	printf("  <%s>", table_text(r, "recipient"));
	if (strcmp(cmd_json_str(r, "recipient"), cmd_json_str(r, "address")) !=
	    0)
		printf(" as <%s>", table_text(r, "address"));
	printf("\n");
}

static void
print_last(const json_t *r)
{
	if (number(r, "code") == 0)
		return;
	printf("    %s: %lld %s %s", cmd_json_str(r, "last"),
	    number(r, "code"), cmd_json_str(r, "status"),
	    table_text(r, "reply"));
	if (has(r, "mta"))
		printf(" (%s)", table_text(r, "mta"));
	printf("\n");
}

/* "verified wanted (sts), encrypted reached, TLSv1.3 ...: why" of that attempt. */
static void
print_tls(const json_t *r)
{
	const json_t	*t = json_object_get(r, "tls");

	if (json_is_object(t)) {
		printf("    TLS: %s wanted (%s)", table_text(t, "wanted"),
		    table_text(t, "by"));
		if (has(t, "reached"))
			printf(", %s reached", table_text(t, "reached"));
		if (has(t, "version"))
			printf(", %s %s", table_text(t, "version"),
			    table_text(t, "cipher"));
		if (has(t, "why"))
			printf(": %s", table_text(t, "why"));
		printf("\n");
	}
	if (has(r, "login"))
		printf("    login: %s\n", table_text(r, "login"));
}

/* A mailbox, a file or a command, as its owner has it. */
static void
print_local(const json_t *r)
{
	bool	program = json_is_true(json_object_get(r, "program"));

	if (has(r, "mailbox"))
		printf(", into %s \"%s\" (%s)", table_text(r, "mailbox"),
		    table_text(r, "account"), table_text(r, "path"));
	else
		printf(", %s %s", program ? "to the program" :
		    "into the file", table_text(r, "path"));
}

static void
print_way(const json_t *r)
{
	if (has(r, "path"))
		print_local(r);
	else if (has(r, "hop"))
		printf(", by %s%s", cmd_json_str(r, "hop"),
		    json_is_true(json_object_get(r, "pinned")) ?
		    " (said by hand)" : "");
	if (number(r, "attempts") > 0)
		printf(", tried %lld time%s", number(r, "attempts"),
		    number(r, "attempts") == 1 ? "" : "s");
	if (has(r, "next"))
		printf(", next %s", cmd_json_str(r, "next"));
}

static void
print_rcpt(const json_t *r)
{
	print_address(r);
	printf("    %s", cmd_json_str(r, "state"));
	print_way(r);
	if (has(r, "notify"))
		printf(", notify %s", cmd_json_str(r, "notify"));
	printf("\n");
	print_last(r);
	print_tls(r);
}

/* What MAIL said, where it said something. */
static void
print_params(const json_t *m)
{
	static const struct {
		const char	*key, *text;
	} words[] = {
		{ "requiretls", "encrypted only (REQUIRETLS)" },
		{ "tls_not_required", "encrypted or not (TLS-Required: No)" },
		{ "smtputf8", "UTF-8 in the header" },
		{ "binary", "binary" },
	};
	size_t	 i;

	if (has(m, "deadline"))
		printf("deadline   %s, %s\n", cmd_json_str(m, "deadline"),
		    json_is_true(json_object_get(m, "returned_then")) ?
		    "returned then" : "the sender is told then");
	if (has(m, "envid"))
		printf("envelope   %s\n", table_text(m, "envid"));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (json_is_true(json_object_get(m, words[i].key)))
			printf("content    %s\n", words[i].text);
}

static void
print_attributes(const json_t *m)
{
	const json_t	*t;
	size_t		 i;

	if (has(m, "filtered"))
		printf("filter     %s\n", table_text(m, "filtered"));
	if (json_object_get(m, "uid") != NULL)
		printf("program    uid %lld (%s)\n", number(m, "uid"),
		    table_text(m, "login"));
	json_array_foreach(json_object_get(m, "tags"), i, t)
		printf("tag        %s = %s\n", table_text(t, "name"),
		    table_text(t, "value"));
}

static void
print_more(const json_t *o, size_t shown)
{
	if (number(o, "total") > (long long)shown)
		printf("  and %lld more\n", number(o, "total") -
		    (long long)shown);
}

void
queue_print_shown(const json_t *doc)
{
	const json_t	*m = json_object_get(doc, "message"), *r;
	size_t		 i;

	print_head(m);
	print_params(m);
	print_attributes(m);
	printf("policy     %s\n", table_text(m, "policy"));
	printf("recipients\n");
	json_array_foreach(json_object_get(m, "recipients"), i, r)
		print_rcpt(r);
	print_more(m, i);
}

/* --- why */

static void
print_site(const json_t *r)
{
	const json_t	*s = json_object_get(r, "site");

	if (!json_is_object(s))
		return;
	printf("    hop %s: %lld of %lld jobs under way, %lld message%s in "
	    "line", cmd_json_str(r, "hop"), number(s, "active"),
	    number(s, "concurrency"), number(s, "waiting"),
	    plural(number(s, "waiting")));
	if (has(s, "probe"))
		printf("; dead, probed at %s", cmd_json_str(s, "probe"));
	printf("\n");
}

static void
print_line(const json_t *r)
{
	const json_t	*l = json_object_get(r, "line");

	if (!json_is_object(l))
		return;
	printf("    place in line: %s%lld go first, %lld of them of the same "
	    "sender; %lld sender%s take turns\n",
	    json_is_true(json_object_get(l, "least")) ? "at least " : "",
	    number(l, "before"), number(l, "of_sender"),
	    number(l, "senders"), plural(number(l, "senders")));
}

static void
print_reason(const json_t *r)
{
	print_address(r);
	printf("    %s: %s\n", cmd_json_str(r, "why"),
	    cmd_json_str(r, "means"));
	if (strcmp(cmd_json_str(r, "state"), "done") == 0)
		return;
	if (number(r, "code") != 0)
		printf("    last reply\n  ");
	print_last(r);
	print_tls(r);
	printf("    %s", cmd_json_str(r, "state"));
	print_way(r);
	printf("\n");
	print_site(r);
	print_line(r);
	printf("    what to do: %s\n", cmd_json_str(r, "remedy"));
}

void
queue_print_why(const json_t *doc)
{
	const json_t	*r;
	size_t		 i;

	print_head(json_object_get(doc, "message"));
	json_array_foreach(json_object_get(doc, "recipients"), i, r)
		print_reason(r);
	print_more(doc, i);
}

/* --- count, and what was done */

void
queue_print_count(const json_t *doc)
{
	const json_t	*g;
	char		 size[TABLE_SIZE];
	long long	 n = number(doc, "matched");
	size_t		 i;

	json_array_foreach(json_object_get(doc, "groups"), i, g)
		printf("%9lld  %9lld  %s\n", number(g, "messages"),
		    number(g, "recipients"), table_text(g, "name"));
	if (number(doc, "others") > 0)
		printf("%9s  %9lld  (others)\n", "", number(doc, "others"));
	printf("%lld message%s, %s, for %lld recipient%s", n, plural(n),
	    table_size(cmd_json_int(doc, "octets"), size),
	    number(doc, "recipients"), plural(number(doc, "recipients")));
	if (n != number(doc, "total"))
		printf(" (of %lld)", number(doc, "total"));
	printf("\n");
}

void
queue_print_done(const char *word, const json_t *doc)
{
	static const struct {
		const char	*word, *done;
	} words[] = {
		{ "hold", "on hold" }, { "release", "released" },
		{ "retry", "will be tried now" }, { "reroute", "rerouted" },
		{ "remove", "removed" }, { "bounce", "returned" },
	};
	long long	n = number(doc, "messages");
	size_t		i = 0;

	while (i + 1 < sizeof(words) / sizeof(words[0]) &&
	    strcmp(word, words[i].word) != 0)
		i++;
	printf("%lld message%s (%lld recipient%s) %s%s\n", n, plural(n),
	    number(doc, "recipients"), plural(number(doc, "recipients")),
	    json_is_true(json_object_get(doc, "dry")) ? "would be " : "",
	    words[i].done);
	if (number(doc, "busy") > 0)
		printf("%lld recipient%s left alone: under way just now\n",
		    number(doc, "busy"), plural(number(doc, "busy")));
	if (number(doc, "matched") > n)
		printf("%lld meant, nothing to do for %lld\n",
		    number(doc, "matched"), number(doc, "matched") - n);
	if (json_is_true(json_object_get(doc, "more")))
		printf("and there are more: the limit was reached\n");
}
