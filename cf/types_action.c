/*
 * types_action.c - what the actions of rules take: replies, header fields,
 * hosts, addresses, paths.
 */
#include "base/command.h"
#include "cf/listen.h"
#include "cf/types.h"
#include "mail/status.h"

#define SOCKET_PATH_MAX	107	/* octets; unix(7) */

/* "550 5.7.1 no": the code would be told twice. */
static void
check_reply_text(struct cf *cf, const struct cf_action *a)
{
	const struct cf_expr	*e = a->reply.text;
	struct span		 s;

	if (e == NULL)
		return;
	if (e->kind == CF_E_TEXT)
		e = e->list;
	if (e->kind != CF_E_CONST || e->value.type != RS_T_TEXT)
		return;
	s = e->value.s;
	if (s.n < 4 || (s.p[0] != '4' && s.p[0] != '5') || s.p[1] < '0' ||
	    s.p[1] > '9' || s.p[2] < '0' || s.p[2] > '9' ||
	    (s.p[3] != ' ' && s.p[3] != '-'))
		return;
	cf_warn(cf, e->loc, "this text begins with a code, which the client "
	    "would read twice");
	cf_help(cf, "the code stands before the text: %s %.3s \"...\"",
	    s.p[0] == '5' ? "reject" : "defer", s.p);
}

/* reject is 5xx with 5.x.x, defer 4xx with 4.x.x (RFC 3463, 2). */
static void
check_reply(struct cf *cf, const struct cf_action *a)
{
	const struct cf_reply	*r = &a->reply;
	bool			 reject = a->kind == CF_A_REJECT;
	int			 class = reject ? 5 : 4;
	const char		*word = cf_action_word(a);
	const char		*other = reject ? "defer" : "reject";

	if (r->has_code && (r->code / 100 != class || r->code % 100 >= 60)) {
		cf_error(cf, r->code_loc, r->code / 100 == 9 - class ?
		    "%s takes a %dxx code, and %d.x.x with it; %lld is for %s" :
		    "%s takes a %dxx code, and %d.x.x with it; %lld is no "
		    "such code", word, class, class, (long long)r->code,
		    other);
		return;
	}
	if (r->has_status && r->status.p[0] != '0' + class)
		cf_error(cf, r->status_loc, r->status.p[0] == '2' ?
		    "%s takes a %dxx code, and %d.x.x with it; %.*s is a "
		    "success" :
		    "%s takes a %dxx code, and %d.x.x with it; %.*s is for %s",
		    word, class, class, SPAN_ARG(r->status), other);
	else if (r->has_status && !status_ok(r->status))
		cf_error(cf, r->status_loc, "'%.*s' is no status (RFC 3463)",
		    SPAN_ARG(r->status));
}

/* Header fields. */

static bool
is_field_char(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

/* The length of the name at the front of s (RFC 5322, 2.2). */
static size_t
field_name(struct span s)
{
	size_t	 n = 0;

	while (n < s.n && is_field_char(s.p[n]))
		n++;
	return n;
}

/* "Name: value": the name is constant. */
static void
check_field(struct cf *cf, struct cf_action *a)
{
	struct cf_expr	*first = a->expr;
	struct span	 s;
	size_t		 n;

	if (first->kind == CF_E_TEXT)
		first = first->list;
	if (first->kind == CF_E_BAD)
		return;
	s = first->kind == CF_E_CONST && first->type == RS_T_TEXT ?
	    first->value.s : SPAN_NONE;
	n = field_name(s);
	if (n == 0 || n == s.n || s.p[n] != ':') {
		cf_error(cf, a->expr->loc, "a header field is written "
		    "\"Name: value\", its name constant");
		return;
	}
	a->field = (struct span){ s.p, n };
	if (a->kind != CF_A_SET)
		return;
	while (++n < s.n && s.p[n] == ' ')
		continue;
	first->value.s = span_from(s, n);
}

static void
check_remove(struct cf *cf, struct cf_action *a)
{
	const struct cf_expr	*e = a->expr;

	if (e->kind == CF_E_BAD)
		return;
	if (e->kind != CF_E_CONST || e->value.s.n == 0 ||
	    field_name(e->value.s) != e->value.s.n) {
		cf_error(cf, e->loc, "the name of a header field is wanted "
		    "here, as in remove header \"X-Spam\"");
		return;
	}
	a->field = e->value.s;
}

/* Routes. */

/* Whether what stands behind the last text of a stranger has the '@'. */
static bool
domain_is_clean(const struct cf_expr *e)
{
	const struct cf_expr	*part;
	bool			 clean = false;

	if (e->kind != CF_E_TEXT)
		return !e->tainted;
	for (part = e->list; part != NULL; part = part->next) {
		if (part->tainted)
			clean = false;
		else if (part->kind == CF_E_CONST &&
		    part->type == RS_T_TEXT &&
		    span_index(part->value.s, '@') >= 0)
			clean = true;
	}
	return clean;
}

/* What of a stranger stands in the domain: the last of it. */
static const struct cf_expr *
domain_taint(const struct cf_expr *e)
{
	const struct cf_expr	*part, *last = e;

	if (e->kind != CF_E_TEXT)
		return cf_type_taint(e);
	for (part = e->list; part != NULL; part = part->next) {
		if (part->tainted)
			last = part;
	}
	return cf_type_taint(last);
}

/* An address to which mail is sent: a client may not choose its domain. */
static void
check_target(struct cf *cf, const struct cf_action *a)
{
	struct cf_expr		*e = a->expr;
	const struct cf_expr	*taint = domain_taint(e);

	if (e->kind == CF_E_BAD)
		return;
	if (taint != NULL && !domain_is_clean(e)) {
		cf_error(cf, e->loc, "the client could choose this domain: it "
		    "comes from %s", cf_expr_text(cf, taint).p);
		cf_help(cf, "write the domain, or take the address from a "
		    "table");
		return;
	}
	if (e->kind == CF_E_TEXT)
		e->table = true;	/* read as an address when it is known */
	if (!cf_type_want(cf, e, RS_T_ADDRESS, arena_printf(&cf->arena,
	    "'%s'", cf_action_word(a)).p))
		return;
	if (e->kind == CF_E_CONST && e->value.s.n == 0)
		cf_error(cf, e->loc, "nobody reads what is sent to <>");
}

/* "host", "host:port", "[address]:port". */
static bool
is_hop(struct span s)
{
	size_t		 n = s.n;
	uint64_t	 port;
	struct ip	 ip;

	while (n > 0 && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
		n--;
	if (n > 0 && n < s.n && s.p[n - 1] == ':') {
		if (!span_u64(span_from(s, n), 65535, &port) || port == 0)
			return false;
		s.n = n - 1;
	}
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		return ip_parse((struct span){ s.p + 1, s.n - 2 }, &ip);
	for (n = 0; n < s.n; n++) {
		if (s.p[n] <= ' ' || s.p[n] == 0x7f || s.p[n] == '/' ||
		    s.p[n] == '[' || s.p[n] == ']')
			return false;
	}
	return s.n > 0;
}

static bool
is_relay(struct cf *cf, struct span name)
{
	const struct cf_sym	*sym = htab_get(&cf->names, name);

	return sym != NULL && sym->kind == CF_S_RELAY;
}

static void
check_relay(struct cf *cf, struct cf_expr *e)
{
	const struct cf_expr	*taint = cf_type_taint(e);

	if (!cf_type_want(cf, e, RS_T_TEXT, "'relay'"))
		return;
	if (taint != NULL) {
		cf_error(cf, e->loc, "the client could choose this host: it "
		    "comes from %s", cf_expr_text(cf, taint).p);
		cf_help(cf, "take hosts from constants and tables only");
	} else if (e->kind == CF_E_CONST && !is_hop(e->value.s)) {
		cf_error(cf, e->loc, "'%.*s' is no host, nor host:port",
		    SPAN_ARG(e->value.s));
		if (span_index(e->value.s, '[') >= 0)
			cf_help(cf, "a name stands without brackets; its "
			    "addresses are taken, never its MX");
	} else if (e->kind == CF_E_CONST && is_relay(cf, e->value.s)) {
		cf_error(cf, e->loc, "'%.*s' is a relay that is declared, and "
		    "its name stands without quotes", SPAN_ARG(e->value.s));
	}
}

static void
check_expand(struct cf *cf, const struct cf_action *a)
{
	if (a->sym != NULL && span_eq(a->sym->map_kind, SPAN("accounts")))
		cf_error(cf, a->name_loc, "'%.*s' is a map of accounts; it "
		    "says not where mail goes", SPAN_ARG(a->sym->name));
}

/* Paths and commands: no stranger has a say in them. */
static bool
check_trusted(struct cf *cf, const struct cf_action *a)
{
	const struct cf_expr	*e = a->expr, *taint = cf_type_taint(e);
	const char		*word = cf_action_word(a);

	if (!cf_type_want(cf, a->expr, RS_T_TEXT, arena_printf(&cf->arena,
	    "'%s'", word).p))
		return false;
	if (taint != NULL) {
		cf_error(cf, e->loc, "the client could choose what '%s' takes: "
		    "it comes from %s", word, cf_expr_text(cf, taint).p);
		cf_help(cf, "take it from constants and tables only; a "
		    "mailbox's path escapes what it names");
		return false;
	}
	if (e->asked) {
		cf_error(cf, e->loc, "a server could choose what '%s' takes, "
		    "as this comes out of its table", word);
		cf_help(cf, "take it from constants and from tables of files");
		return false;
	}
	return true;
}

static void
check_path(struct cf *cf, const struct cf_action *a)
{
	const struct cf_expr	*e = a->expr;

	if (!check_trusted(cf, a))
		return;
	if (e->kind == CF_E_TEXT)
		e = e->list;
	if (e->kind == CF_E_CONST && (e->value.s.n == 0 ||
	    e->value.s.p[0] != '/'))
		cf_error(cf, a->expr->loc, "'%s' wants an absolute path",
		    cf_action_word(a));
}

/* "/path", "unix:/path", or a host with its port: LMTP has none of its own. */
static bool
is_lmtp(struct span s)
{
	size_t	 i;

	if (span_prefix(s, SPAN("unix:")))
		s = span_from(s, 5);
	if (s.n == 0 || s.p[0] != '/') {
		for (i = s.n; i > 0 && s.p[i - 1] >= '0' &&
		    s.p[i - 1] <= '9'; i--)
			continue;
		return i > 0 && i < s.n && s.p[i - 1] == ':' && is_hop(s);
	}
	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 1 && s.n <= SOCKET_PATH_MAX;
}

static void
check_lmtp(struct cf *cf, const struct cf_action *a)
{
	if (!check_trusted(cf, a) || a->expr->kind != CF_E_CONST ||
	    is_lmtp(a->expr->value.s))
		return;
	cf_error(cf, a->expr->loc, "'%.*s' is no socket for LMTP",
	    SPAN_ARG(a->expr->value.s));
	cf_help(cf, "as in \"/run/dovecot/lmtp\", \"unix:/run/dovecot/lmtp\", "
	    "\"192.0.2.1:24\", \"imap.example.org:24\"; a path has no blanks "
	    "and at most 107 octets");
}

static bool
is_text(const struct cf_expr *e)
{
	return e->kind == CF_E_CONST && e->value.type == RS_T_TEXT;
}

/* All of it stands there, or it comes out of a table. */
static void
check_whole_command(struct cf *cf, const struct cf_action *a)
{
	const struct cf_expr	*e = a->expr;
	const char		*why;
	char			**argv;

	check_path(cf, a);
	if (is_text(e) && command_split(e->value.s, &cf->arena, &argv,
	    &why) == -1)
		cf_error(cf, e->loc, "this is no command: %s", why);
}

/*
 * With values in it: the program is the policy's, the values may be anybody's,
 * since each becomes a part of one argument and nothing but that.
 */
static void
check_filled_command(struct cf *cf, const struct cf_action *a)
{
	const struct cf_expr	*part;

	for (part = a->expr->list; part != NULL; part = part->next) {
		if (!is_text(part) || span_index(part->value.s, '\\') < 0)
			continue;
		cf_error(cf, part->loc, "a '\\' means nothing in a command "
		    "that values are put into");
		return;
	}
	part = a->expr->list;
	if (is_text(part) && part->value.s.n > 0 &&
	    part->value.s.p[0] == '/' && span_index(part->value.s, ' ') > 0)
		return;
	cf_error(cf, a->expr->loc, "'pipe' wants the absolute path of a "
	    "program, and a blank behind it, before any value");
	cf_help(cf, "as in pipe \"/usr/local/bin/archive {rcpt}\" as archive");
}

/* A text with something beside one value. */
static bool
is_filled(const struct cf_expr *e)
{
	const struct cf_expr	*part;
	unsigned		 n = 0;

	for (part = e->kind == CF_E_TEXT ? e->list : NULL; part != NULL;
	    part = part->next)
		n += !is_text(part) || part->value.s.n > 0;
	return n > 1;
}

static void
check_command(struct cf *cf, const struct cf_action *a)
{
	if (!is_filled(a->expr))
		check_whole_command(cf, a);
	else if (cf_type_want(cf, a->expr, RS_T_TEXT, "'pipe'"))
		check_filled_command(cf, a);
}

#define DELAY_MAX_MS	(5 * 60 * 1000)	/* RFC 5321, 4.5.3.2.2 */

static void
check_delay(struct cf *cf, const struct cf_expr *e)
{
	if (e->value.i <= 0)
		cf_error(cf, e->loc, "a delay of nothing");
	else if (e->value.i > DELAY_MAX_MS)
		cf_error(cf, e->loc, "clients wait 5 minutes for an answer "
		    "(RFC 5321, 4.5.3.2); this delay is longer");
}

/* The extensions become one number, which is what the image has. */
static void
check_hide(struct cf *cf, struct cf_action *a)
{
	a->expr = cf_const(cf, a->loc, rs_int(RS_T_INT,
	    cf_extensions(cf, a->targets)));
}

static void
check_because(struct cf *cf, const struct cf_expr *e)
{
	if (e->kind == CF_E_CONST && span_trim(e->value.s).n == 0)
		cf_error(cf, e->loc, "say why this relay is open");
	else if (e->kind != CF_E_CONST && e->kind != CF_E_BAD)
		cf_error(cf, e->loc, "the reason is a constant text");
}

static void
want_text(struct cf *cf, const struct cf_action *a)
{
	(void)cf_type_want(cf, a->expr, RS_T_TEXT, arena_printf(&cf->arena,
	    "'%s'", cf_action_word(a)).p);
}

static void
type_action(struct cf *cf, struct cf_action *a, unsigned result)
{
	switch (a->kind) {
	case CF_A_REJECT: case CF_A_DEFER:
		check_reply(cf, a);
		check_reply_text(cf, a);
		break;
	case CF_A_ADD: case CF_A_SET:
		check_field(cf, a);
		break;
	case CF_A_REMOVE:
		check_remove(cf, a);
		break;
	case CF_A_TAG:
		if (a->sym != NULL)
			(void)cf_type_want(cf, a->expr, a->sym->type,
			    arena_printf(&cf->arena, "tag '%.*s'",
			    SPAN_ARG(a->name)).p);
		break;
	case CF_A_EXPAND:
		check_expand(cf, a);
		break;
	case CF_A_RELAY:
		if (a->sym == NULL)
			check_relay(cf, a->expr);
		break;
	case CF_A_REDIRECT:
		check_target(cf, a);
		break;
	case CF_A_MOVED: case CF_A_LANGUAGE:
		want_text(cf, a);
		break;
	case CF_A_QUARANTINE: case CF_A_HOLD:
		if (a->expr != NULL)
			want_text(cf, a);
		break;
	case CF_A_LMTP:
		check_lmtp(cf, a);
		break;
	case CF_A_PIPE:
		check_command(cf, a);
		break;
	case CF_A_FILE:
		check_path(cf, a);
		break;
	case CF_A_DELAY:
		check_delay(cf, a->expr);
		break;
	case CF_A_HIDE:
		check_hide(cf, a);
		break;
	case CF_A_BCC:
		check_target(cf, a);
		break;
	case CF_A_ALLOW:
		check_because(cf, a->expr);
		break;
	case CF_A_VALUE:
		(void)cf_type_want(cf, a->expr, result,
		    "the ruleset's value");
		break;
	default:
		break;
	}
}

void
cf_type_actions(struct cf *cf, struct cf_action *a, enum rs_hook hook,
    unsigned result)
{
	const struct cf_action	*ended = NULL;

	for (; a != NULL; a = a->next) {
		if (ended != NULL) {
			cf_error(cf, a->loc, "never reached: '%s' before it "
			    "ends the block", cf_action_word(ended));
			ended = NULL;
		}
		/* the name of a relay is no expression */
		if (a->expr != NULL && (a->kind != CF_A_RELAY ||
		    a->sym == NULL))
			cf_type_expr(cf, a->expr);
		cf_action_place(cf, a, hook);
		type_action(cf, a, result);
		if (cf_action_is_final(a))
			ended = a;
	}
}
