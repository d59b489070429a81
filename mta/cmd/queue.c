/*
 * queue.c - `waybill queue list|show|retry|remove`, over the control socket.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/table.h"

#define PAGE	5000	/* messages asked for at once */

/* --- list */

static void
print_messages(const json_t *messages)
{
	const json_t	*m;
	size_t		 i;
	char		 size[TABLE_SIZE];

	json_array_foreach(messages, i, m) {
		printf("%s  %6s  %s  <%s>  %lld of %lld  %s",
		    cmd_json_str(m, "id"),
		    table_size(cmd_json_int(m, "size"), size),
		    cmd_json_str(m, "arrival"), table_text(m, "sender"),
		    (long long)cmd_json_int(m, "open"),
		    (long long)cmd_json_int(m, "recipients"),
		    cmd_json_str(m, "state"));
		if (cmd_json_int(m, "attempts") > 0)
			printf(", tried %lld times",
			    (long long)cmd_json_int(m, "attempts"));
		if (cmd_json_str(m, "next")[0] != '\0')
			printf(", next %s", cmd_json_str(m, "next"));
		printf("\n");
		if (cmd_json_str(m, "reason")[0] != '\0')
			printf("               %s\n", table_text(m, "reason"));
	}
}

/* The pages of a long queue as one answer; NULL: said why. */
static json_t *
ask_list(const char *spool)
{
	json_t		*doc, *page, *messages, *last;
	char		*line;
	size_t		 n;

	line = xasprintf("list %d\n", PAGE);
	doc = cmd_control(spool, line);
	free(line);
	messages = json_object_get(doc, "messages");
	while (json_is_true(json_object_get(doc, "more")) &&
	    (n = json_array_size(messages)) > 0) {
		last = json_array_get(messages, n - 1);
		line = xasprintf("list %d %s\n", PAGE,
		    cmd_json_str(last, "id"));
		page = cmd_control(spool, line);
		free(line);
		if (page == NULL || json_array_extend(messages,
		    json_object_get(page, "messages")) == -1)
			break;
		(void)json_object_set(doc, "more",
		    json_object_get(page, "more"));
		json_decref(page);
	}
	return doc;
}

static void
print_list(const json_t *doc)
{
	long long	total = (long long)cmd_json_int(doc, "total");

	if (total == 0) {
		printf("The queue is empty.\n");
		return;
	}
	print_messages(json_object_get(doc, "messages"));
	printf("%lld message%s\n", total, total == 1 ? "" : "s");
}

/* --- show */

static void
print_rcpt(const json_t *r)
{
	printf("  <%s>", table_text(r, "recipient"));
	if (strcmp(cmd_json_str(r, "recipient"), cmd_json_str(r, "address")) !=
	    0)
		printf(" as <%s>", table_text(r, "address"));
	printf("\n    %s", cmd_json_str(r, "state"));
	if (cmd_json_str(r, "mailbox")[0] != '\0')
		printf(", into %s \"%s\"", table_text(r, "mailbox"),
		    table_text(r, "account"));
	else if (cmd_json_str(r, "hop")[0] != '\0')
		printf(", by %s", table_text(r, "hop"));
	printf(", tried %lld times",
	    (long long)cmd_json_int(r, "attempts"));
	if (cmd_json_str(r, "next")[0] != '\0')
		printf(", next %s", cmd_json_str(r, "next"));
	if (cmd_json_str(r, "notify")[0] != '\0')
		printf(", notify %s", cmd_json_str(r, "notify"));
	printf("\n");
	if (cmd_json_int(r, "code") == 0)
		return;
	printf("    %s: %lld %s %s", cmd_json_str(r, "last"),
	    (long long)cmd_json_int(r, "code"), cmd_json_str(r, "status"),
	    table_text(r, "reply"));
	if (cmd_json_str(r, "mta")[0] != '\0')
		printf(" (%s)", table_text(r, "mta"));
	printf("\n");
}

/* What MAIL said, where it said something. */
static void
print_params(const json_t *m)
{
	static const struct {
		const char	*key, *text;
	} words[] = {
		{ "requiretls", "encrypted only" },
		{ "smtputf8", "UTF-8 in the header" },
		{ "binary", "binary" },
	};
	size_t	 i;

	if (cmd_json_str(m, "deadline")[0] != '\0')
		printf("deadline   %s, %s\n", cmd_json_str(m, "deadline"),
		    json_is_true(json_object_get(m, "returned_then")) ?
		    "returned then" : "the sender is told then");
	if (cmd_json_str(m, "envid")[0] != '\0')
		printf("envelope   %s\n", table_text(m, "envid"));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (json_is_true(json_object_get(m, words[i].key)))
			printf("content    %s\n", words[i].text);
}

static void
print_message(const json_t *doc)
{
	const json_t	*m = json_object_get(doc, "message"), *r;
	size_t		 i;

	printf("id         %s\n", cmd_json_str(m, "id"));
	printf("sender     <%s>%s\n", table_text(m, "sender"),
	    json_is_true(json_object_get(m, "dsn")) ?
	    " (a notification of ours)" : "");
	printf("size       %lld octets\n", (long long)cmd_json_int(m, "size"));
	printf("arrival    %s\n", cmd_json_str(m, "arrival"));
	printf("expires    %s\n", cmd_json_str(m, "expires"));
	print_params(m);
	printf("policy     %s\n", table_text(m, "policy"));
	printf("recipients\n");
	json_array_foreach(json_object_get(m, "recipients"), i, r)
		print_rcpt(r);
	if (cmd_json_int(m, "total") > (long long)i)
		printf("  and %lld more\n",
		    (long long)cmd_json_int(m, "total") - (long long)i);
}

static void
print_retried(const json_t *doc)
{
	long long	n = (long long)cmd_json_int(doc, "retried");

	printf("%lld message%s will be tried now\n", n, n == 1 ? "" : "s");
}

static void
print_removed(const json_t *doc)
{
	(void)doc;
	printf("removed\n");
}

/* --- */

static const struct {
	const char	*word;
	int		 args;
	void		(*print)(const json_t *);
} words[] = {
	{ "list", 0, print_list },
	{ "show", 1, print_message },
	{ "retry", 1, print_retried },
	{ "remove", 1, print_removed },
};
#define NWORDS	(sizeof(words) / sizeof(words[0]))

static json_t *
ask(const char *spool, size_t word, const char *id)
{
	json_t	*doc;
	char	*line;

	if (words[word].args == 0)
		return ask_list(spool);
	line = xasprintf("%s %s\n", words[word].word, id);
	doc = cmd_control(spool, line);
	free(line);
	return doc;
}

static int
queue(const char *spool, size_t word, const char *id, bool json)
{
	json_t	*doc = ask(spool, word, id);
	int	 status = CMD_OK;

	if (doc == NULL)
		return CMD_USAGE;
	if (json)
		cmd_json_print(doc);
	if (cmd_json_error("queue", doc))
		status = CMD_NO;
	else if (!json)
		words[word].print(doc);
	json_decref(doc);
	return status;
}

/* The word's number, or NWORDS: said what is wrong. */
static size_t
which(int n, char **argv)
{
	size_t	i;

	if (n == 0) {
		cmd_usage(argv[0], "list, show, retry or remove?");
		return NWORDS;
	}
	for (i = 0; i < NWORDS; i++)
		if (strcmp(argv[1], words[i].word) == 0)
			break;
	if (i == NWORDS)
		cmd_usage(argv[0], "no '%s'", argv[1]);
	else if (n - 1 != words[i].args) {
		cmd_usage(argv[0], words[i].args == 1 ? "%s: which message?" :
		    "%s takes no argument", argv[1]);
		return NWORDS;
	}
	return i;
}

int
cmd_queue(int argc, char **argv)
{
	struct cmd_server	 sv;
	char			*spool;
	size_t			 word;
	int			 n, status;

	if ((n = cmd_server_options(argc, argv, &sv)) == -1 ||
	    (word = which(n, argv)) == NWORDS)
		return CMD_USAGE;
	/* The conversation is lines: an id with another would be two. */
	if (n > 1 && argv[2][strcspn(argv[2], " \t\r\n")] != '\0')
		return cmd_usage(argv[0], "'%s' is no id", argv[2]);
	if ((spool = cmd_spool(&sv, &status)) == NULL)
		return status;
	status = queue(spool, word, argv[2], sv.json);
	free(spool);
	return status;
}
