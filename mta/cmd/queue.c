/*
 * queue.c - `waybill queue ...` and `waybill quarantine ...`, over the control
 * socket.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/queue_int.h"

enum args {
	A_NONE,		/* a selection, or nothing: all */
	A_ID,		/* one id */
	A_WHICH		/* ids, a selection, or --all */
};

static const struct word {
	const char	*word;
	enum args	 args;
	void		(*print)(const json_t *);	/* NULL: list, or what was done */
	bool		 quarantine;	/* also of `waybill quarantine` */
} words[] = {
	{ "list", A_NONE, NULL, true },
	{ "count", A_NONE, queue_print_count, true },
	{ "show", A_ID, queue_print_shown, true },
	{ "why", A_ID, queue_print_why, false },
	{ "hold", A_WHICH, NULL, false },
	{ "release", A_WHICH, NULL, true },
	{ "retry", A_WHICH, NULL, false },
	{ "reroute", A_WHICH, NULL, false },
	{ "remove", A_WHICH, NULL, true },
	{ "bounce", A_WHICH, NULL, false },
};
#define NWORDS	(sizeof(words) / sizeof(words[0]))

/* An answer as it comes. */
struct answer {
	const struct word	*w;
	bool			 json;
	bool			 refused;	/* it was an error */
	bool			 whole;		/* its end has come */
	uint64_t		 n;		/* messages of a list */
	int64_t			 matched, messages;
};

/* --- answers */

static void
json_message(struct answer *a, const json_t *m)
{
	printf("%s    ", a->n == 0 ? "{\n  \"messages\": [\n" : ",\n");
	(void)json_dumpf(m, stdout, JSON_PRESERVE_ORDER);
}

static void
json_list_end(const struct answer *a, const json_t *end)
{
	static const char *const keys[] = { "matched", "octets", "total" };
	size_t			 i;

	if (a->n == 0)
		printf("{\n  \"messages\": [");
	printf("\n  ]");
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		printf(",\n  \"%s\": %lld", keys[i],
		    (long long)cmd_json_int(end, keys[i]));
	printf(",\n  \"more\": %s\n}\n",
	    json_is_true(json_object_get(end, "more")) ? "true" : "false");
}

static void
take_listed(struct answer *a, const json_t *doc)
{
	const json_t	*end = json_object_get(doc, "end");

	if (end == NULL) {
		if (a->json)
			json_message(a, doc);
		else
			queue_print_message(doc);
		a->n++;
		return;
	}
	a->whole = true;
	a->matched = cmd_json_int(end, "matched");
	if (a->json)
		json_list_end(a, end);
	else
		queue_print_list_end(end);
}

static bool
take_line(void *arg, const json_t *doc, struct buf *rest)
{
	struct answer	*a = arg;

	(void)rest;
	if (cmd_json_error("queue", doc)) {
		if (a->json)
			cmd_json_print(doc);
		a->refused = a->whole = true;
		return false;
	}
	if (strcmp(a->w->word, "list") == 0) {
		take_listed(a, doc);
		return !ferror(stdout);
	}
	a->whole = true;
	a->matched = cmd_json_int(doc, "matched");
	a->messages = cmd_json_int(doc, "messages");
	if (a->json)
		cmd_json_print(doc);
	else if (a->w->print != NULL)
		a->w->print(doc);
	else
		queue_print_done(a->w->word, doc);
	return false;
}

/* One that was named and not found is a no; a selection may be empty. */
static int
status_of(const struct answer *a, const struct queue_options *o)
{
	if (a->refused)
		return CMD_NO;
	if (a->w->args == A_WHICH && o->id != NULL && a->messages == 0)
		return CMD_NO;
	return CMD_OK;
}

static int
ask(const char *spool, const struct word *w, const struct queue_options *o,
    bool json)
{
	struct answer	a = { .w = w, .json = json };
	struct buf	line = { 0 };
	int		r;

	if (o->header || o->content)
		return queue_content(spool, o);
	queue_line(&line, w->word, o);
	r = cmd_control_lines(spool, buf_cstr(&line), take_line, &a);
	buf_clear(&line);
	if (r == -1)
		return CMD_USAGE;
	if (!a.whole) {
		fprintf(stderr, "waybill queue: the answer is not whole\n");
		return CMD_USAGE;
	}
	return status_of(&a, o);
}

/* --- words and options */

static const struct word *
find_word(const char *cmd, const char *word)
{
	bool	quarantine = strcmp(cmd, "quarantine") == 0;
	size_t	i;

	for (i = 0; i < NWORDS; i++)
		if (strcmp(word, words[i].word) == 0 &&
		    (words[i].quarantine || !quarantine))
			return &words[i];
	cmd_usage(cmd, "no '%s'", word);
	return NULL;
}

/* "reroute ... to RELAY": the last two words. */
static int
take_to(const struct word *w, int n, char **argv, struct queue_options *o)
{
	if (strcmp(w->word, "reroute") == 0 && n >= 2 &&
	    strcmp(argv[n - 1], "to") == 0) {
		o->to = argv[n];
		return n - 2;
	}
	return n;
}

static bool
is_selective(const struct queue_options *o)
{
	return o->sender != NULL || o->recipient != NULL ||
	    o->domain != NULL || o->hop != NULL || o->older != NULL ||
	    o->newer != NULL || o->code != NULL || o->status != NULL ||
	    o->text != NULL || o->tag != NULL || o->state != NULL ||
	    o->reason != NULL || o->priority != NULL;
}

/* What stands besides the options, n ids from argv[2] on; NULL: it is right. */
static const char *
fault_of(const struct word *w, int n, const struct queue_options *o)
{
	if (w->args == A_ID && n != 1)
		return "which message?";
	if (w->args == A_NONE && n > 0)
		return "it takes no id: --id";
	if (w->args == A_WHICH && n == 0 && !is_selective(o) &&
	    o->id == NULL && !o->all)
		return "which messages?  Ids, conditions (--sender, --domain, "
		    "...), or --all";
	if (o->all && (n > 0 || is_selective(o)))
		return "--all and conditions exclude each other";
	if ((o->header || o->content) && strcmp(w->word, "show") != 0)
		return "--header and --content belong to show";
	return NULL;
}

/* For each id that is named, or once. */
static int
ask_each(const char *spool, const struct word *w, struct queue_options *o,
    int n, char **ids, bool json)
{
	int	i, status = CMD_OK, one;

	if (n == 0)
		return ask(spool, w, o, json);
	for (i = 0; i < n; i++) {
		o->id = ids[i];
		if ((one = ask(spool, w, o, json)) > status)
			status = one;
	}
	return status;
}

static int
take_options(int argc, char **argv, struct queue_options *o,
    struct cmd_server *sv)
{
	const struct cmd_opt	opts[] = {
		{ OPT_TEXT, "spool", 0, { .text = &sv->spool } },
		{ OPT_TEXT, "policy", 'c', { .text = &sv->policy } },
		{ OPT_FLAG, "json", 0, { .flag = &sv->json } },
		{ OPT_TEXT, "id", 0, { .text = &o->id } },
		{ OPT_TEXT, "sender", 0, { .text = &o->sender } },
		{ OPT_TEXT, "recipient", 0, { .text = &o->recipient } },
		{ OPT_TEXT, "domain", 0, { .text = &o->domain } },
		{ OPT_TEXT, "hop", 0, { .text = &o->hop } },
		{ OPT_TEXT, "older", 0, { .text = &o->older } },
		{ OPT_TEXT, "newer", 0, { .text = &o->newer } },
		{ OPT_TEXT, "code", 0, { .text = &o->code } },
		{ OPT_TEXT, "status", 0, { .text = &o->status } },
		{ OPT_TEXT, "text", 0, { .text = &o->text } },
		{ OPT_TEXT, "tag", 0, { .text = &o->tag } },
		{ OPT_TEXT, "state", 0, { .text = &o->state } },
		{ OPT_TEXT, "reason", 0, { .text = &o->reason } },
		{ OPT_TEXT, "priority", 0, { .text = &o->priority } },
		{ OPT_TEXT, "limit", 'n', { .text = &o->limit } },
		{ OPT_TEXT, "after", 0, { .text = &o->after } },
		{ OPT_TEXT, "why", 0, { .text = &o->why } },
		{ OPT_TEXT, "by", 0, { .text = &o->by } },
		{ OPT_FLAG, "all", 0, { .flag = &o->all } },
		{ OPT_FLAG, "dry-run", 0, { .flag = &o->dry } },
		{ OPT_FLAG, "header", 0, { .flag = &o->header } },
		{ OPT_FLAG, "content", 0, { .flag = &o->content } },
		{ OPT_END, NULL, 0, { NULL } }
	};

	*sv = (struct cmd_server){ .spool = NULL };
	return cmd_options(argc, argv, opts);
}

/* `waybill quarantine`: of all that is there, unless it is more special. */
static void
of_quarantine(const char *cmd, const struct word *w, struct queue_options *o)
{
	if (strcmp(cmd, "quarantine") != 0 || w->args == A_ID)
		return;
	o->quarantined = true;
	o->all = false;
}

int
cmd_queue(int argc, char **argv)
{
	struct queue_options	 o = { .id = NULL };
	struct cmd_server	 sv;
	const struct word	*w;
	const char		*fault;
	char			*spool;
	int			 n, status;

	if ((n = take_options(argc, argv, &o, &sv)) == -1)
		return CMD_USAGE;
	if (n == 0)
		return cmd_usage(argv[0], "what?");
	if ((w = find_word(argv[0], argv[1])) == NULL)
		return CMD_USAGE;
	n = take_to(w, n, argv, &o) - 1;
	if (w->args == A_WHICH && n == 1 && strcmp(argv[2], "all") == 0) {
		o.all = true;
		n = 0;
	}
	if ((fault = fault_of(w, n, &o)) != NULL)
		return cmd_usage(argv[0], "%s: %s", w->word, fault);
	of_quarantine(argv[0], w, &o);
	if ((spool = cmd_spool(&sv, &status)) == NULL)
		return status;
	status = ask_each(spool, w, &o, n, argv + 2, sv.json);
	free(spool);
	return status;
}

int
cmd_quarantine(int argc, char **argv)
{
	return cmd_queue(argc, argv);
}
