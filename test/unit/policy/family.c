/*
 * family.c - the policy of a family, made with the builder.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ruleset/build.h"
#include "test/unit/policy/family.h"

struct maker {
	struct rs_build	*b;
	uint32_t	 ours, aliases, users, virtusers, rewrites, box, hop;
};

static struct buf	image;	/* one policy at a time */

static uint32_t
text(struct rs_build *b, const char *s)
{
	struct rs_value	v = rs_text(RS_T_TEXT, span_of(s));

	return rs_build_const(b, &v);
}

static void
set_option(struct rs_build *b, uint32_t object, enum rs_option o, uint32_t c)
{
	struct rs_place	pl = { 0, c };

	rs_build_option(b, object, o, false, 1, &pl, 1);
}

/* What commands and files of aliases may be. */
static void
set_programs(struct rs_build *b)
{
	uint32_t	programs = rs_build_object(b, RS_O_PROGRAMS, SPAN(""),
			    7);
	struct rs_value	time = rs_int(RS_T_TIME, 300000);
	struct rs_value	size = rs_int(RS_T_SIZE, 4096);

	set_option(b, programs, RS_OPT_PROGRAMS_user, text(b, "pipe"));
	set_option(b, programs, RS_OPT_PROGRAMS_folder,
	    text(b, "/etc/programs"));
	set_option(b, programs, RS_OPT_PROGRAMS_files, text(b, "/var/log"));
	set_option(b, programs, RS_OPT_PROGRAMS_timeout,
	    rs_build_const(b, &time));
	set_option(b, programs, RS_OPT_PROGRAMS_output,
	    rs_build_const(b, &size));
}

static void
rule(struct rs_build *b, uint32_t line)
{
	rs_build_emit(b, RS_RULE, 0, 0, rs_build_rule(b, 0, line,
	    SPAN("a rule")), line);
}

/* rcpt.domain == name; the instruction to land. */
static uint32_t
if_domain(struct rs_build *b, const char *name, uint32_t line)
{
	struct rs_value	v = rs_text(RS_T_DOMAIN, span_of(name));

	rule(b, line);
	rs_build_emit(b, RS_FACT, 0, RS_FACT_RCPT, 0, line);
	rs_build_emit(b, RS_FIELD, 1, 0, RS_F_DOMAIN, line);
	rs_build_emit(b, RS_LOAD, 2, 0, rs_build_const(b, &v), line);
	rs_build_emit(b, RS_EQ, 1, 1, 2, line);
	return rs_build_emit(b, RS_TEST, 1, 0, 0, line);
}

static uint32_t
if_ours(struct maker *m, bool negated, uint32_t line)
{
	rule(m->b, line);
	rs_build_emit(m->b, RS_FACT, 0, RS_FACT_RCPT, 0, line);
	rs_build_emit(m->b, RS_FIELD, 1, 0, RS_F_DOMAIN, line);
	rs_build_emit(m->b, RS_IN_SET, 1, 1, m->ours, line);
	if (negated)
		rs_build_emit(m->b, RS_NOT, 1, 1, 0, line);
	return rs_build_emit(m->b, RS_TEST, 1, 0, 0, line);
}

static void
reject(struct rs_build *b, const char *status, const char *said, uint32_t line)
{
	rs_build_emit(b, RS_LOAD, 0, 0, text(b, said), line);
	rs_build_emit(b, RS_REJECT, 0, 0,
	    rs_build_reply(b, 550, span_of(status)), line);
}

static void
tables(struct maker *m, const struct family *f)
{
	static const struct span	users[] = {
		SPAN("colin"), SPAN("x"), SPAN("ann"), SPAN("x"),
		SPAN("tim"), SPAN("x"), SPAN("Una"), SPAN("x"),
		SPAN("a/b"), SPAN("x"), SPAN("colin+lists"), SPAN("x"),
		SPAN("postmaster"), SPAN("x"),
	};
	static const uint8_t		sha256[32];
	struct span			domain = SPAN("murphy.example");

	rs_build_file(m->b, SPAN("/etc/waybill/home.conf"), 0, sha256);
	m->ours = rs_build_domains(m->b, SPAN("ours"), &domain, 1);
	m->aliases = rs_build_map(m->b, SPAN("aliases"), SPAN("inline"),
	    SPAN("aliases"), UINT32_MAX, 3, f->aliases, f->naliases);
	m->users = rs_build_map(m->b, SPAN("users"), SPAN("inline"),
	    SPAN("accounts"), UINT32_MAX, 4, users,
	    sizeof(users) / sizeof(users[0]) / 2);
	m->virtusers = UINT32_MAX;
	if (f->virtusers != NULL)
		m->virtusers = rs_build_map(m->b, SPAN("virtusers"),
		    SPAN("inline"), SPAN("virtusers"), UINT32_MAX, 5,
		    f->virtusers, f->nvirtusers);
	if (f->rewrites != NULL)
		m->rewrites = rs_build_map(m->b, SPAN("rewrites"),
		    SPAN("inline"), SPAN("plain"), UINT32_MAX, 6,
		    f->rewrites, f->nrewrites);
}

static uint32_t
user_expr(struct maker *m, const char *name, const char *before)
{
	uint32_t	fn = rs_build_func(m->b, span_of(name), RS_FUNC_EXPR,
	    RS_HOOK_MAILBOX, NULL, 0, RS_T_TEXT);

	rs_build_emit(m->b, RS_LOAD, 0, 0, text(m->b, before), 5);
	rs_build_emit(m->b, RS_FACT, 1, RS_FACT_USER, 0, 5);
	rs_build_emit(m->b, RS_JOIN, 0, 0, 2, 5);
	rs_build_emit(m->b, RS_RETURN, 0, 0, 0, 5);
	rs_build_func_end(m->b);
	return fn;
}

static void
objects(struct maker *m, const struct family *f)
{
	struct rs_value	map = rs_int(RS_T_INT, m->users);
	struct rs_place	account = { 1, user_expr(m, "account", "") };
	struct rs_place	path = { 1, user_expr(m, "path", "/var/mail/") };
	struct rs_value	port = rs_int(RS_T_INT, 587);
	struct rs_place	host[2];
	uint32_t	server;

	server = rs_build_object(m->b, RS_O_SERVER, SPAN(""), 1);
	set_option(m->b, server, RS_OPT_SERVER_hostname,
	    text(m->b, "mail.murphy.example"));
	set_option(m->b, server, RS_OPT_SERVER_detail, text(m->b, "+"));
	if (f->postmaster != NULL)
		set_option(m->b, server, RS_OPT_SERVER_postmaster,
		    text(m->b, f->postmaster));
	m->box = rs_build_object(m->b, RS_O_MAILBOX, SPAN("family"), 5);
	set_option(m->b, m->box, RS_OPT_MAILBOX_accounts,
	    rs_build_const(m->b, &map));
	rs_build_option(m->b, m->box, RS_OPT_MAILBOX_account, false, 5,
	    &account, 1);
	rs_build_option(m->b, m->box, RS_OPT_MAILBOX_path, false, 5, &path, 1);
	m->hop = rs_build_object(m->b, RS_O_RELAY, SPAN("provider"), 6);
	host[0] = (struct rs_place){ 0, text(m->b, "smtp.example") };
	host[1] = (struct rs_place){ 0, rs_build_const(m->b, &port) };
	rs_build_option(m->b, m->hop, RS_OPT_RELAY_host, false, 6, host, 2);
	set_programs(m->b);
}

static void
on_rcpt(struct maker *m, bool with_dns, bool ends)
{
	struct rs_value	friend = rs_text(RS_T_DOMAIN, SPAN("friend.example"));
	uint32_t	test;

	rs_build_func(m->b, SPAN("on rcpt"), RS_FUNC_HOOK, RS_HOOK_RCPT, NULL,
	    0, RS_T_NONE);
	if (with_dns) {
		rule(m->b, 10);
		rs_build_emit(m->b, RS_FACT, 0, RS_FACT_CLIENT_VERIFIED_NAME,
		    0, 10);
		rs_build_emit(m->b, RS_LOAD, 1, 0,
		    rs_build_const(m->b, &friend), 10);
		rs_build_emit(m->b, RS_EQ, 0, 0, 1, 10);
		test = rs_build_emit(m->b, RS_TEST, 0, 0, 0, 10);
		rs_build_emit(m->b, RS_ACCEPT, 0, 0, 0, 10);
		rs_build_land(m->b, test);
	}
	test = if_domain(m->b, "shut.example", 11);
	rs_build_emit(m->b, RS_ACCEPT, 0, 0, 0, 11);
	rs_build_land(m->b, test);
	test = if_ours(m, true, 12);
	reject(m->b, "5.7.1", "no relaying", 12);
	rs_build_land(m->b, test);
	rule(m->b, 13);
	rs_build_emit(m->b, RS_RCPT_UNKNOWN, 0, 0, 0, 13);
	test = rs_build_emit(m->b, RS_TEST, 0, 0, 0, 13);
	reject(m->b, "5.1.1", "there is none", 13);
	rs_build_land(m->b, test);
	if (!ends) {
		rule(m->b, 14);
		rs_build_emit(m->b, RS_ACCEPT, 0, 0, 0, 14);
	}
	rs_build_emit(m->b, RS_END, 0, 0, 0, 0);
	rs_build_func_end(m->b);
}

static void
route(struct maker *m)
{
	uint32_t	test;

	rs_build_func(m->b, SPAN("route"), RS_FUNC_HOOK, RS_HOOK_ROUTE, NULL,
	    0, RS_T_NONE);
	test = if_domain(m->b, "shut.example", 20);
	reject(m->b, "5.1.2", "nobody lives there", 20);
	rs_build_land(m->b, test);
	test = if_ours(m, false, 21);
	if (m->virtusers != UINT32_MAX)
		rs_build_emit(m->b, RS_EXPAND, 0, 0, m->virtusers, 21);
	rs_build_emit(m->b, RS_EXPAND, 0, 0, m->aliases, 21);
	rs_build_emit(m->b, RS_DELIVER, 0, 0, m->box, 21);
	rs_build_land(m->b, test);
	test = if_domain(m->b, "hop.example", 22);
	rs_build_emit(m->b, RS_RELAY, 0, 0, m->hop, 22);
	rs_build_land(m->b, test);
	test = if_domain(m->b, "host.example", 23);
	rs_build_emit(m->b, RS_LOAD, 0, 0, text(m->b, "[192.0.2.9]:2525"), 23);
	rs_build_emit(m->b, RS_RELAY_TO, 0, 0, 0, 23);
	rs_build_land(m->b, test);
	rule(m->b, 24);
	rs_build_emit(m->b, RS_MX, 0, 0, 0, 24);
	rs_build_emit(m->b, RS_END, 0, 0, 0, 0);
	rs_build_func_end(m->b);
}

/* A function of the address in register 0. */
static void
rewrite(struct maker *m, enum rs_hook which, bool with_dns)
{
	static const uint8_t	types[] = { RS_T_ADDRESS };

	rs_build_func(m->b, span_of(rs_hook_names[which]), RS_FUNC_HOOK, which,
	    types, 1, RS_T_ADDRESS);
	rule(m->b, 30);
	if (with_dns)
		rs_build_emit(m->b, RS_FACT, 1, RS_FACT_CLIENT_VERIFIED_NAME,
		    0, 30);
	rs_build_emit(m->b, RS_MAP_GET, 1, 0, m->rewrites, 30);
	rs_build_emit(m->b, RS_RETURN, 1, 0, 0, 30);
	rs_build_func_end(m->b);
}

/* --- DNS */

static void
answer(struct family_dns *d, enum dns_type type, dns_cb *cb, void *arg)
{
	struct dns_record	r = { .pref = 0 };
	struct dns_answer	a = { .result = DNS_NXDOMAIN, .records = &r };

	if (d->failing)
		a.result = DNS_FAILING;
	else if (type == DNS_PTR && d->ptr != NULL) {
		r.name = span_of(d->ptr);
		a.result = DNS_FOUND;
	} else if (type != DNS_PTR && d->address != NULL &&
	    ip_parse(span_of(d->address), &r.ip))
		a.result = DNS_FOUND;
	a.n = a.result == DNS_FOUND;
	cb(arg, &a);
}

static uint64_t
ask(void *ctx, enum dns_type type, struct span name, dns_cb *cb, void *arg)
{
	struct family_dns	*d = ctx;
	unsigned		 i = d->asked++;

	if (i >= sizeof(d->q) / sizeof(d->q[0]))
		abort();
	d->q[i].type = type;
	(void)snprintf(d->q[i].name, sizeof(d->q[i].name), "%.*s",
	    SPAN_ARG(name));
	d->q[i].cb = cb;
	d->q[i].arg = arg;
	d->q[i].open = !d->at_once;
	if (d->at_once)
		answer(d, type, cb, arg);
	return i;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	struct family_dns	*d = ctx;

	d->q[ticket].open = false;
	d->cancelled++;
}

bool
family_dns_answer(struct family_dns *d)
{
	unsigned	i, n = d->asked;
	bool		any = false;

	for (i = 0; i < n; i++)
		if (d->q[i].open) {
			d->q[i].open = false;
			any = true;
			answer(d, d->q[i].type, d->q[i].cb, d->q[i].arg);
		}
	return any;
}

struct span
family_image(const struct family *f)
{
	struct maker	 m = { .b = rs_build_new() };
	const char	*why;
	unsigned	 h;

	buf_clear(&image);
	tables(&m, f);
	objects(&m, f);
	on_rcpt(&m, f->with_dns, f->ends);
	route(&m);
	for (h = RS_HOOK_REWRITE_IN_SENDER; f->rewrites != NULL &&
	    h <= RS_HOOK_REWRITE_OUT_HEADER; h++)
		rewrite(&m, (enum rs_hook)h, f->with_dns);
	if (rs_build_finish(m.b, &image, &why) == -1) {
		fprintf(stderr, "family: %s\n", why);
		abort();
	}
	rs_build_free(&m.b);
	return buf_span(&image);
}

static struct policy *
make(const struct family *f, struct policy_source *src)
{
	struct policy	*p;
	const char	*why;

	src->quiet = true;
	src->image_mem = family_image(f);
	if ((p = policy_open(src, &why)) == NULL) {
		fprintf(stderr, "family: %s\n", why);
		abort();
	}
	return p;
}

struct policy *
family_open(const struct family *f, struct family_dns *dns)
{
	struct policy_source	src = { .nfiles = 0 };

	if (dns != NULL)
		src.dns = (struct policy_dns){ ask, cancel, dns };
	return make(f, &src);
}

struct policy *
family_open_later(const struct family *f,
    void (*later)(void (*)(void *), void *))
{
	struct policy_source	src = { .later = later };

	return make(f, &src);
}
