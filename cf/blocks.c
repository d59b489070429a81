/*
 * blocks.c - what the values of option blocks must be beyond their form: words,
 * host names, paths, numbers, sockets.
 */
#include "cf/listen.h"
#include "cf/literal.h"
#include "cf/relay.h"

/* The words that an option takes, by blank; those behind '|' are not served. */
static const struct {
	enum rs_option	 option;
	const char	*words;
} word_lists[] = {
	{ RS_OPT_MAILBOX_format,  "maildir mbox" },
	{ RS_OPT_MAILBOX_detail,  "none" },
	{ RS_OPT_MAILBOX_over_quota, "defer refuse" },
	{ RS_OPT_MAILBOX_locks,	  "fcntl dotlock" },
	{ RS_OPT_RELAY_tls,	  "none opportunistic required verified dane sts" },
	{ RS_OPT_RELAY_move_on,	  "connect tls busy login temporary refused" },
	{ RS_OPT_RELAY_prefer,	  "ipv4 ipv6" },
	{ RS_OPT_LISTEN_auth,	  "none offered required" },
	{ RS_OPT_LISTEN_tls,	  "none offered required" },
	{ RS_OPT_TLS_client_certificates, "none asked required" },
	{ RS_OPT_MILTER_failure,  "accept defer reject" },
};

static void
check_word(struct cf *cf, const struct cf_object *o,
    const struct cf_set_opt *set, size_t place, struct span words)
{
	struct span	 word = set->places[place]->value.s, one;
	const char	*option = rs_options[set->option].word;
	struct cf_near	 near;
	ptrdiff_t	 blank;
	bool		 later;

	cf_near_begin(&near, word);
	while (words.n > 0) {
		blank = span_index(words, ' ');
		one = words;
		if (blank >= 0)
			one.n = (size_t)blank;
		words = span_from(words, blank < 0 ? words.n : one.n + 1);
		later = one.p[0] == '|';
		one = span_from(one, later);
		if (span_eq(word, one)) {
			if (later)
				cf_error_unserved(cf, set->loc, "'%s %.*s' "
				    "of %s is not served by this version",
				    option, SPAN_ARG(one),
				    cf_object_what(cf, o));
			return;
		}
		cf_near_try(&near, one);
	}
	if (near.best.n > 0)
		cf_error(cf, set->places[place]->loc, "no '%.*s' for '%s'; did "
		    "you mean '%.*s'?", SPAN_ARG(word), option,
		    SPAN_ARG(near.best));
	else
		cf_error(cf, set->places[place]->loc, "no '%.*s' for '%s'",
		    SPAN_ARG(word), option);
}

static void
check_words(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	size_t			 i, k;

	for (i = 0; i < sizeof(word_lists) / sizeof(word_lists[0]); i++) {
		set = cf_option(o, word_lists[i].option);
		for (k = 0; set != NULL && k < set->nplaces; k++)
			check_word(cf, o, set, k,
			    span_of(word_lists[i].words));
	}
}

/* What only one of the formats has. */
static void
check_format(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*format = cf_option(o, RS_OPT_MAILBOX_format);
	const struct cf_set_opt	*folder = cf_option(o, RS_OPT_MAILBOX_folder);
	const struct cf_set_opt	*locks = cf_option(o, RS_OPT_MAILBOX_locks);
	bool			 mbox = format != NULL && format->nplaces > 0 &&
	    span_eq(format->places[0]->value.s, SPAN("mbox"));

	if (mbox && folder != NULL && !folder->is_default)
		cf_error(cf, folder->loc, "a file of messages (mbox) has no "
		    "folders");
	if (locks != NULL && (locks->nplaces > 2 || (locks->nplaces == 2 &&
	    span_eq(locks->places[0]->value.s, locks->places[1]->value.s))))
		cf_error(cf, locks->loc, "each kind of lock can stand once");
}

/* `users[account].home`: what a table says is a whole path. */
static bool
is_of_table(const struct cf_expr *e)
{
	while (e->kind == CF_E_CONVERT || e->kind == CF_E_ELSE)
		e = e->a;
	return e->kind == CF_E_INDEX ||
	    (e->kind == CF_E_FIELD && e->a->kind == CF_E_INDEX);
}

/* A relative path is in the policy's folder. */
static void
make_absolute(struct cf *cf, const struct cf_object *o, enum rs_option option,
    unsigned place)
{
	const struct cf_set_opt	*set = cf_option(o, option);
	struct cf_expr		*e, *part;
	struct span		 full;

	if (set == NULL || set->nplaces <= place)
		return;
	e = set->places[place];
	part = e->kind == CF_E_TEXT ? e->list : e;
	if (part->kind == CF_E_CONST && part->value.type == RS_T_TEXT) {
		if (part->value.s.n == 0 && e->kind == CF_E_CONST)
			cf_error(cf, e->loc, "a path cannot be empty");
		full = span_of(cf_full_path(cf, part->value.s));
		part->value = rs_text(RS_T_TEXT, full);
	} else if (e->kind == CF_E_TEXT && !is_of_table(part)) {
		part = cf_const(cf, e->loc, rs_text(RS_T_TEXT,
		    arena_printf(&cf->arena, "%s/", cf->folder)));
		part->next = e->list;
		e->list = part;
	}
}

static void
check_server(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set = cf_option(o, RS_OPT_SERVER_hostname);
	const char		*why;

	if (set != NULL && set->nplaces > 0 &&
	    !cf_lit_domain(cf, set->places[0]->value.s,
	    &set->places[0]->value, &why))
		cf_error(cf, set->places[0]->loc, "'%.*s' is no host name: %s",
		    SPAN_ARG(set->places[0]->value.s), why);
	if (set != NULL && set->nplaces > 0)
		set->places[0]->value.type = RS_T_TEXT;
	set = cf_option(o, RS_OPT_SERVER_postmaster);
	if (set == NULL || set->nplaces == 0)
		return;
	if (!cf_lit_address(cf, set->places[0]->value.s,
	    &set->places[0]->value, &why))
		cf_error(cf, set->places[0]->loc, "'%.*s' is no address: %s",
		    SPAN_ARG(set->places[0]->value.s), why);
	set->places[0]->value.type = RS_T_TEXT;
}

static bool
may_be_never(enum rs_option option)
{
	return option == RS_OPT_QUEUE_warn || option == RS_OPT_AUTH_cache ||
	    option == RS_OPT_TLS_tickets;
}

/* Counts and ports below one say nothing; never is for some times only. */
static void
check_numbers(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	const struct rs_value	*v;
	size_t			 i;

	for (set = o->opts; set != NULL; set = set->next) {
		for (i = 0; i < set->nplaces; i++) {
			if (set->places[i] == NULL ||
			    set->places[i]->kind != CF_E_CONST)
				continue;
			v = &set->places[i]->value;
			if (v->type == RS_T_TIME && v->i < 0 &&
			    !may_be_never(set->option))
				cf_error(cf, set->places[i]->loc, "'%s' "
				    "cannot be never",
				    rs_options[set->option].word);
			else if ((v->type == RS_T_INT ||
			    v->type == RS_T_TIME) && v->i == 0 &&
			    (set->option != RS_OPT_MAP_cache || i == 0) &&
			    set->option != RS_OPT_RELAY_host &&
			    set->option != RS_OPT_QUEUE_fallback_after)
				cf_error(cf, set->places[i]->loc, "'%s' "
				    "cannot be 0",
				    rs_options[set->option].word);
			else if (v->type == RS_T_INT && v->i > INT32_MAX)
				cf_error(cf, set->places[i]->loc, "this "
				    "number is too large");
		}
	}
}

/* The host before a last ':' and a port; whether there is such a port. */
static bool
split_port(struct span s, struct span *host, uint64_t *port)
{
	size_t	 at = s.n;

	while (at > 0 && s.p[at - 1] != ':')
		at--;
	if (at < 2 || !span_u64(span_from(s, at), 65535, port))
		return false;
	*host = (struct span){ s.p, at - 1 };
	if (host->p[0] == '[' && host->n > 2 && host->p[host->n - 1] == ']')
		*host = (struct span){ host->p + 1, host->n - 2 };
	return true;
}

/* "mail.example.org:587": the port has a word of its own. */
void
cf_host_check(struct cf *cf, const struct cf_expr *host)
{
	struct span	 s = host->value.s, name;
	struct ip	 ip;
	uint64_t	 port;

	if (host->kind != CF_E_CONST || span_index(s, ':') < 0)
		return;
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct span){ s.p + 1, s.n - 2 };
	if (ip_parse(s, &ip))
		return;
	cf_error(cf, host->loc, "a host is a name or an address, without a "
	    "port");
	if (split_port(s, &name, &port))
		cf_help(cf, "write: host \"%.*s\" port %llu",
		    SPAN_ARG(name), (unsigned long long)port);
	else
		cf_help(cf, "write: host \"mail.example\" port 587");
}

/* A name, an address, or "unix:/path". */
static void
check_filter(struct cf *cf, const struct cf_set_opt *host)
{
	const struct cf_expr	*e;

	if (host == NULL || host->nplaces == 0)
		return;
	e = host->places[0];
	if (!span_prefix(e->value.s, SPAN("unix:/")))
		cf_host_check(cf, e);
	if (host->nplaces > 1 && host->places[1] != NULL &&
	    host->places[1]->value.i > 65535)
		cf_error(cf, host->places[1]->loc, "a port is at most 65535");
}

/* The file of a secret; a password that stands in the policy is as it is. */
static void
secret_absolute(struct cf *cf, const struct cf_object *o,
    enum rs_option option)
{
	const struct cf_set_opt	*set = cf_option(o, option);

	if (set != NULL && set->nplaces > 1 && set->places[1] != NULL &&
	    set->places[1]->is_file)
		make_absolute(cf, o, option, 1);
}

/* "unix:/path", "inet:address:port", "inet6:[address]:port". */
static void
check_socket(struct cf *cf, const struct cf_set_opt *set)
{
	struct span	 s;
	struct cf_endpoint	 end;

	if (set == NULL || set->nplaces == 0)
		return;
	s = set->places[0]->value.s;
	if (span_prefix(s, SPAN("unix:/")))
		return;
	if (span_prefix(s, SPAN("inet:")) &&
	    cf_endpoint_parse(span_from(s, 5), &end) && !end.any)
		return;
	if (span_prefix(s, SPAN("inet6:")) &&
	    cf_endpoint_parse(span_from(s, 6), &end) && !end.any)
		return;
	cf_error(cf, set->places[0]->loc, set->option == RS_OPT_MILTER_socket ?
	    "'%.*s' is no socket of a milter" : "'%.*s' is no socket",
	    SPAN_ARG(s));
	cf_help(cf, "as in \"unix:/run/opendkim.sock\", "
	    "\"inet:127.0.0.1:8891\", \"inet6:[::1]:8891\"");
}

/* One number of an option that has a most. */
static void
check_most(struct cf *cf, const struct cf_object *o, enum rs_option option,
    int64_t most, const char *text)
{
	const struct cf_set_opt	*set = cf_option(o, option);

	if (set != NULL && set->nplaces > 0 && set->places[0] != NULL &&
	    set->places[0]->value.i > most)
		cf_error(cf, set->places[0]->loc, "'%s' is at most %s",
		    rs_options[option].word, text);
}

/* Whoever has the mailbox reads the file, and takes none but his own (or root's). */
static void
check_forward(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*forward = cf_option(o, RS_OPT_MAILBOX_forward);
	const struct cf_set_opt	*own =
	    cf_option(o, RS_OPT_MAILBOX_owner_account);

	make_absolute(cf, o, RS_OPT_MAILBOX_forward, 0);
	if (forward == NULL || forward->is_default || (own != NULL &&
	    !own->is_default))
		return;
	cf_warn(cf, forward->loc, "'forward' without 'owner account': a file "
	    "that belongs to its account will not be used");
	cf_help(cf, "owner account: each account reads its own; the map of "
	    "accounts has uid and gid");
}

static void
check_programs(struct cf *cf, const struct cf_object *o)
{
	const struct cf_set_opt	*files = cf_option(o, RS_OPT_PROGRAMS_files);
	unsigned		 i;

	make_absolute(cf, o, RS_OPT_PROGRAMS_folder, 0);
	for (i = 0; files != NULL && i < files->nplaces; i++)
		make_absolute(cf, o, RS_OPT_PROGRAMS_files, i);
	check_most(cf, o, RS_OPT_PROGRAMS_timeout, 3600000, "1h");
	check_most(cf, o, RS_OPT_PROGRAMS_output, 65536, "64K");
}

static void
check_relay(struct cf *cf, struct cf_object *o)
{
	make_absolute(cf, o, RS_OPT_RELAY_authorities, 0);
	make_absolute(cf, o, RS_OPT_RELAY_certificate, 0);
	make_absolute(cf, o, RS_OPT_RELAY_certificate, 1);
	secret_absolute(cf, o, RS_OPT_RELAY_auth);
	secret_absolute(cf, o, RS_OPT_RELAY_oauth_client);
	make_absolute(cf, o, RS_OPT_RELAY_passwords, 0);
	make_absolute(cf, o, RS_OPT_RELAY_token_file, 0);
	make_absolute(cf, o, RS_OPT_RELAY_oauth_refresh, 0);
	cf_relay_check(cf, o);
	cf_relay_login_check(cf, o);
}

void
cf_object_check(struct cf *cf, struct cf_object *o)
{
	check_numbers(cf, o);
	check_words(cf, o);
	switch (o->kind) {
	case RS_O_SERVER:
		check_server(cf, o);
		make_absolute(cf, o, RS_OPT_SERVER_authorities, 0);
		break;
	case RS_O_LISTEN:
		cf_listener_check(cf, o);
		break;
	case RS_O_SPOOL:
		make_absolute(cf, o, RS_OPT_SPOOL_directory, 0);
		break;
	case RS_O_QUEUE:
		cf_queue_check(cf, o);
		cf_warn_check(cf, cf_option(o, RS_OPT_QUEUE_warn));
		break;
	case RS_O_MAILBOX:
		cf_accounts_check(cf, cf_option(o, RS_OPT_MAILBOX_accounts));
		check_format(cf, o);
		make_absolute(cf, o, RS_OPT_MAILBOX_path, 0);
		check_forward(cf, o);
		break;
	case RS_O_RELAY:
		check_relay(cf, o);
		break;
	case RS_O_FILTER:
		check_filter(cf, cf_option(o, RS_OPT_FILTER_host));
		break;
	case RS_O_TLS:
		make_absolute(cf, o, RS_OPT_TLS_certificate, 0);
		make_absolute(cf, o, RS_OPT_TLS_key, 0);
		make_absolute(cf, o, RS_OPT_TLS_staple, 0);
		make_absolute(cf, o, RS_OPT_TLS_client_authorities, 0);
		cf_tls_check(cf, o);
		break;
	case RS_O_AUTH:
		check_socket(cf, cf_option(o, RS_OPT_AUTH_tokens));
		cf_auth_check(cf, o);
		break;
	case RS_O_SRS:
		cf_srs_check(cf, o);
		break;
	case RS_O_NOTIFY:
		cf_notify_check(cf, o);
		break;
	case RS_O_REPORTS:
		cf_reports_check(cf, o);
		break;
	case RS_O_MILTER:
		check_socket(cf, cf_option(o, RS_OPT_MILTER_socket));
		break;
	case RS_O_PROGRAMS:
		check_programs(cf, o);
		break;
	case RS_O_MAP:
		secret_absolute(cf, o, RS_OPT_MAP_login);
		break;
	default:
		break;
	}
}
