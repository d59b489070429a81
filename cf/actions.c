/*
 * actions.c - what rules can do: the words, and where each may stand.
 */
#include "cf/types.h"

#define AT(hook)	(1u << RS_HOOK_##hook)
#define TALK	(AT(CONNECT) | AT(HELO) | AT(MAIL) | AT(RCPT) | AT(DATA) | \
		    AT(CONTENT))
#define SESSION	(TALK | AT(STARTTLS) | AT(AUTH))
#define MESSAGE	(AT(MAIL) | AT(RCPT) | AT(DATA) | AT(CONTENT))
#define ASKED	(AT(VRFY) | AT(EXPN))
#define ANYWHERE UINT32_MAX

/* A refusal in on deliver and on relay is that of the recipient. */
#define REFUSING (SESSION | ASKED | AT(ROUTE) | AT(DELIVER) | AT(RELAY))

static const struct action {
	const char	*word;
	uint32_t	 hooks;
	bool		 final;
	bool		 served;	/* else refused by `run` */
	const char	*where;		/* as messages say it */
} actions[] = {
#define EVERY	"everywhere"
#define ROUTES	"'route'"
#define SESSIONS "the hooks of a session"
#define MESSAGES "the hooks of a session from 'on mail' on"
	[CF_A_ACCEPT] = { "accept", SESSION | ASKED | AT(DELIVER) | AT(BOUNCE) |
	    AT(RELAY), true, true, "hooks, and not in 'route'" },
	[CF_A_REJECT] = { "reject", REFUSING, true, true,
	    "hooks other than 'on bounce'" },
	[CF_A_DEFER] = { "defer", REFUSING, true, true,
	    "hooks other than 'on bounce'" },
	[CF_A_DISCARD] = { "discard", TALK | AT(ROUTE) | AT(DELIVER) |
	    AT(BOUNCE), true, true, "hooks of the session, 'route', 'on "
	    "deliver' and 'on bounce'" },
	[CF_A_ADD] = { "add header", SESSION, false, true, SESSIONS },
	[CF_A_SET] = { "set header", SESSION, false, true, SESSIONS },
	[CF_A_REMOVE] = { "remove header", SESSION, false, true, SESSIONS },
	[CF_A_LOG] = { "log", ANYWHERE, false, true, EVERY },
	[CF_A_TAG] = { "tag", SESSION, false, true, SESSIONS },
	[CF_A_EXPAND] = { "expand", AT(ROUTE), false, true, ROUTES },
	[CF_A_DELIVER] = { "deliver", AT(ROUTE), true, true, ROUTES },
	[CF_A_RELAY] = { "relay", AT(ROUTE), true, true, ROUTES },
	[CF_A_MX] = { "mx", AT(ROUTE), true, true, ROUTES },
	[CF_A_REDIRECT] = { "redirect", AT(ROUTE), true, true, ROUTES },
	[CF_A_MOVED] = { "moved", AT(ROUTE), true, true, ROUTES },
	[CF_A_VALUE] = { "a value", ANYWHERE, true, true, EVERY },
	[CF_A_VERDICT] = { "a verdict out of a map", TALK | AT(ROUTE), false,
	    true, "the hooks of a session, and in 'route'" },
	[CF_A_QUARANTINE] = { "quarantine", TALK, true, true, SESSIONS },
	[CF_A_HOLD] = { "hold", TALK, true, true, SESSIONS },
	[CF_A_LMTP] = { "lmtp", AT(ROUTE), true, true, ROUTES },
	[CF_A_FILTER] = { "filter", AT(ROUTE), false, true, ROUTES },
	[CF_A_FILE] = { "file", AT(ROUTE), true, true, ROUTES },
	[CF_A_PIPE] = { "pipe", AT(ROUTE), true, true, ROUTES },
	[CF_A_DELAY] = { "delay", TALK | ASKED, false, true, SESSIONS },
	[CF_A_BCC] = { "bcc", MESSAGE | AT(BOUNCE), false, true, MESSAGES
	    ", and in 'on bounce'" },
	[CF_A_USE] = { "use milter", SESSION, false, false, SESSIONS },
	[CF_A_SKIP] = { "skip milter", SESSION, false, false, SESSIONS },
	[CF_A_APPLY] = { "apply", ANYWHERE, false, true, EVERY },
	[CF_A_HEADERS_ONLY] = { "headers only", AT(BOUNCE), false, true,
	    "'on bounce'" },
	[CF_A_PRIORITY] = { "priority", TALK, false, true, SESSIONS },
	[CF_A_SRS] = { "expand srs", AT(ROUTE), false, true, ROUTES },
	[CF_A_LANGUAGE] = { "language", AT(BOUNCE), false, true,
	    "'on bounce'" },
	[CF_A_HIDE] = { "hide", AT(CONNECT) | AT(HELO), false, true,
	    "'on connect' and 'on helo'" },
	[CF_A_ALLOW] = { "allow open relay", AT(RCPT), false, true,
	    "'on rcpt'" },
};

bool
cf_action_is_final(const struct cf_action *a)
{
	return actions[a->kind].final;
}

bool
cf_action_accepts(const struct cf_action *a)
{
	return a->kind == CF_A_ACCEPT || a->kind == CF_A_QUARANTINE ||
	    a->kind == CF_A_HOLD;
}

const char *
cf_action_word(const struct cf_action *a)
{
	return actions[a->kind].word;
}

/* access tables speak of what comes in, mailertables of where it goes. */
uint32_t
cf_action_hooks(const struct cf_action *a)
{
	uint32_t	 hooks = actions[a->kind].hooks;

	if (a->kind != CF_A_VERDICT || a->sym == NULL)
		return hooks;
	return span_eq(a->sym->map_kind, SPAN("routes")) ? AT(ROUTE) : TALK;
}

void
cf_action_near(struct cf_near *near)
{
	struct span	 word;
	ptrdiff_t	 blank;
	size_t		 i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		word = span_of(actions[i].word);
		if ((blank = span_index(word, ' ')) >= 0)
			word.n = (size_t)blank;
		if (i != CF_A_VALUE && i != CF_A_VERDICT)
			cf_near_try(near, word);
	}
}

unsigned
cf_reply_code(const struct cf_action *a)
{
	if (a->kind == CF_A_MOVED)
		return 551;
	if (a->reply.has_code)
		return (unsigned)a->reply.code;
	return a->kind == CF_A_REJECT ? 550 : 451;
}

struct span
cf_reply_status(const struct cf_action *a)
{
	if (a->kind == CF_A_MOVED)
		return SPAN("5.1.6");
	if (a->reply.has_status)
		return a->reply.status;
	return a->kind == CF_A_REJECT ? SPAN("5.7.1") : SPAN("4.7.1");
}

static void
error_verdict_place(struct cf *cf, const struct cf_action *a)
{
	if (span_eq(a->sym->map_kind, SPAN("routes")))
		cf_error(cf, a->loc, "'%.*s' says where mail goes, which is "
		    "asked in 'route'", SPAN_ARG(a->sym->name));
	else
		cf_error(cf, a->loc, "'%.*s' says what is let in, which is "
		    "asked in the hooks of a session",
		    SPAN_ARG(a->sym->name));
}

void
cf_action_place(struct cf *cf, const struct cf_action *a, enum rs_hook hook)
{
	const struct action	*info = &actions[a->kind];

	if (!info->served)
		cf_error_unserved(cf, a->loc, "'%s' is not served by this "
		    "version", info->word);
	if (hook == RS_NHOOKS || (cf_action_hooks(a) >> hook & 1) != 0)
		return;
	if (a->kind == CF_A_VERDICT && a->sym != NULL) {
		error_verdict_place(cf, a);
	} else if (a->kind == CF_A_ACCEPT && hook == RS_HOOK_ROUTE) {
		cf_error(cf, a->loc, "'accept' does not say where mail goes");
		cf_help(cf, "a route ends in deliver, relay, mx, lmtp, pipe, "
		    "file, redirect, moved, reject, defer or discard");
	} else {
		cf_error(cf, a->loc, "'%s' stands only in %s", info->word,
		    info->where);
		if (hook == RS_HOOK_ROUTE)
			cf_help(cf, "a route is asked for each recipient, and "
			    "again at retries");
	}
}
