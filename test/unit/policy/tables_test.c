/*
 * tables_test.c - whose line of an access table answers, and what a verdict
 * means at each hook.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "mta/policy/policy_int.h"
#include "ruleset/build.h"

enum { ACCESS, ROUTES, VIRTUSERS, GENERICS, DOMAINS };	/* maps */

static const struct span	access_lines[] = {
	SPAN("Connect:192.0.2.1"), SPAN("REJECT"),
	SPAN("Connect:192.0.2"), SPAN("450 4.7.1 later"),
	SPAN("Connect:friend.example"), SPAN("RELAY"),
	SPAN("From:spam.example"), SPAN("ERROR:5.7.1:551 not from there"),
	SPAN("From:friend.example"), SPAN("RELAY"),
	SPAN("From:ok.example"), SPAN("OK"),
	SPAN("From:<>"), SPAN("SKIP"),
	SPAN("To:club.example"), SPAN("RELAY"),
	SPAN("To:anyone@"), SPAN("RELAY"),
	SPAN("To:trap@x.example"), SPAN("DISCARD"),
	SPAN("To:odd@x.example"), SPAN("QUARANTINE:odd"),
};

static const struct span	routes_lines[] = {
	SPAN("a.example"), SPAN("smtp:[hub.example]:2525"),
	SPAN("b.example"), SPAN("esmtp:[192.0.2.9]"),
	SPAN("c.example"), SPAN("relay:mx.example"),
	SPAN(".d.example"), SPAN("relay:%1.mx.example:26"),
	SPAN("e.example"), SPAN("error:5.1.2:550 gone"),
	SPAN("f.example"), SPAN("discard:"),
	SPAN("g.example"), SPAN("local:"),
	SPAN("h.example"), SPAN("local:ann"),
	SPAN("i.example"), SPAN("error:tempfail"),
	SPAN("j.example"), SPAN("smtp:a.example:[hub.example]:2525:[192.0.2.9]:"
	    "b.example:26"),
};

static const struct span	others[] = {
	SPAN("@v.example"), SPAN("%1@w.example"),
	SPAN("ada"), SPAN("ada.l@x.example"),
	SPAN("old.example"), SPAN("New.Example"),
};

static struct buf	image;

static uint32_t
map(struct rs_build *b, const char *name, const char *kind,
    const struct span *lines, size_t n)
{
	return rs_build_map(b, span_of(name), SPAN("inline"), span_of(kind),
	    UINT32_MAX, 1, lines, n / 2);
}

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static struct policy *
open_policy(unsigned boxes)
{
	static const uint8_t	sha256[32];
	struct policy_source	src = { .quiet = true };
	struct rs_build		*b = rs_build_new();
	struct rs_value		host = rs_text(RS_T_TEXT,
	    SPAN("mail.x.example"));
	struct rs_place		pl = { 0, 0 };
	uint32_t		server;
	struct policy		*p;
	const char		*why;

	rs_build_file(b, SPAN("/etc/waybill/t.conf"), 0, sha256);
	map(b, "access", "access", access_lines, COUNT(access_lines));
	map(b, "routes", "routes", routes_lines, COUNT(routes_lines));
	map(b, "virtusers", "virtusers", others, 2);
	map(b, "generics", "generics", others + 2, 2);
	map(b, "domains", "domains", others + 4, 2);
	server = rs_build_object(b, RS_O_SERVER, SPAN(""), 1);
	pl.index = rs_build_const(b, &host);
	rs_build_option(b, server, RS_OPT_SERVER_hostname, false, 1, &pl, 1);
	while (boxes-- > 0)
		(void)rs_build_object(b, RS_O_MAILBOX, SPAN("box"), 2);
	buf_reset(&image);
	assert_int_equal(rs_build_finish(b, &image, &why), 0);
	rs_build_free(&b);
	src.image_mem = buf_span(&image);
	p = policy_open(&src, &why);
	assert_non_null(p);
	return p;
}

/* "reject 550 5.7.1 text", "go on", "cannot". */
static const char *
meaning(enum rs_answer is, const struct rs_verdict *v, char *out, size_t n)
{
	struct arena	ar = { 0 };

	if (is != RS_HAVE)
		return is == RS_ABSENT ? "go on" : "cannot";
	snprintf(out, n, "%s%s%s", rs_verdict_name(v->kind),
	    v->value.type != RS_T_NONE ? " " : "",
	    arena_span(&ar, rs_format(&v->value, &ar)).p);
	if (v->code != 0)
		snprintf(out + strlen(out), n - strlen(out), " %u %.*s",
		    v->code, SPAN_ARG(v->status));
	if (v->text.n > 0)
		snprintf(out + strlen(out), n - strlen(out), " %.*s",
		    SPAN_ARG(v->text));
	arena_clear(&ar);
	return out;
}

static const struct {
	enum rs_hook	hook;
	enum rs_role	role;
	const char	*who;		/* address of the client, or mailbox */
	const char	*wanted;	/* "none": no line */
} access_rows[] = {
	{ RS_HOOK_CONNECT, RS_ROLE_CLIENT, "192.0.2.1", "reject 550 5.7.1" },
	{ RS_HOOK_CONNECT, RS_ROLE_CLIENT, "192.0.2.2", "defer 450 4.7.1 later" },
	{ RS_HOOK_CONNECT, RS_ROLE_CLIENT, "198.51.100.1", "accept" },
	{ RS_HOOK_RCPT, RS_ROLE_CLIENT, "198.51.100.1", "accept" },
	{ RS_HOOK_CONNECT, RS_ROLE_CLIENT, "198.51.100.2", "none" },
	{ RS_HOOK_MAIL, RS_ROLE_SENDER, "x@spam.example", "reject 551 5.7.1 not from there" },
	{ RS_HOOK_MAIL, RS_ROLE_SENDER, "x@ok.example", "accept" },
	{ RS_HOOK_RCPT, RS_ROLE_SENDER, "x@ok.example", "go on" },
	{ RS_HOOK_MAIL, RS_ROLE_SENDER, "x@friend.example", "go on" },
	{ RS_HOOK_RCPT, RS_ROLE_SENDER, "x@friend.example", "go on" },
	{ RS_HOOK_MAIL, RS_ROLE_SENDER, "", "go on" },
	{ RS_HOOK_RCPT, RS_ROLE_RCPT, "x@club.example", "accept" },
	{ RS_HOOK_RCPT, RS_ROLE_RCPT, "x@deep.club.example", "accept" },
	/* Of any domain: no leave to relay. */
	{ RS_HOOK_RCPT, RS_ROLE_RCPT, "anyone@far.example", "go on" },
	{ RS_HOOK_RCPT, RS_ROLE_RCPT, "trap@x.example", "discard" },
	{ RS_HOOK_MAIL, RS_ROLE_RCPT, "odd@x.example", "quarantine odd" },
	/* No leave to relay, either: it is noted, and rules go on. */
	{ RS_HOOK_RCPT, RS_ROLE_RCPT, "odd@x.example", "go on, quarantined odd" },
	{ RS_HOOK_RCPT, RS_ROLE_RCPT, "y@x.example", "none" },
};

/* What is noted besides, behind out. */
static const char *
noted(const struct asking *a, char *out, size_t n)
{
	size_t	at = strlen(out);

	if (a->quarantined)
		snprintf(out + at, n - at, ", quarantined %.*s",
		    SPAN_ARG(a->quarantine_why));
	return out;
}

static void
set_facts(struct policy_facts *f, enum rs_role role, const char *who)
{
	struct span	s = span_of(who);

	*f = (struct policy_facts){ .names = policy_names_new() };
	(void)ip_parse(SPAN("203.0.113.7"), &f->client_ip);
	if (role == RS_ROLE_CLIENT)
		assert_true(ip_parse(s, &f->client_ip));
	else if (role == RS_ROLE_SENDER)
		f->sender = s, f->sender_at = rs_address(s).at;
	else
		f->rcpt = s, f->rcpt_at = rs_address(s).at;
	policy_names_set(f->names, SPAN_NONE, span_eq(s,
	    SPAN("198.51.100.1")) ? SPAN("mx.friend.example") : SPAN_NONE);
}

static void
an_access_table_means(void **state)
{
	struct policy		*p = open_policy(1);
	struct asking		*a = asking_new(p);
	struct policy_facts	f;
	char			buf[200], got[300];
	size_t			i;

	(void)state;
	for (i = 0; i < COUNT(access_rows); i++) {
		struct rs_verdict	v = { .kind = RS_V_END };
		struct rs_value		line;
		uint32_t		n;
		enum rs_answer		is;

		print_message("%s\n", access_rows[i].who);
		set_facts(&f, access_rows[i].role, access_rows[i].who);
		asking_reset(a, &f, NULL);
		a->hook = access_rows[i].hook;
		is = world_access(a, a->eval, ACCESS, access_rows[i].role,
		    &line, &n);
		if (is != RS_HAVE) {
			assert_int_equal(is, RS_ABSENT);
			assert_string_equal("none", access_rows[i].wanted);
		} else {
			assert_int_equal(line.type, RS_T_VERDICT);
			is = world_verdict(a, a->eval, ACCESS, &line, &v);
			snprintf(got, sizeof(got), "%s", meaning(is, &v, buf,
			    sizeof(buf)));
			assert_string_equal(noted(a, got, sizeof(got)),
			    access_rows[i].wanted);
		}
		policy_names_free(&f.names);
	}
	policy_map_failing(p, ACCESS);
	set_facts(&f, RS_ROLE_CLIENT, "192.0.2.1");
	asking_reset(a, &f, NULL);
	assert_int_equal(world_access(a, a->eval, ACCESS, RS_ROLE_CLIENT,
	    &(struct rs_value){ .type = RS_T_NONE }, &(uint32_t){ 0 }),
	    RS_CANNOT);
	policy_names_free(&f.names);
	asking_free(&a);
	policy_unref(&p);
}

static const char *const	routes_rows[][2] = {
	{ "a.example", "relay to hub.example:2525" },
	{ "b.example", "relay to [192.0.2.9]" },
	{ "c.example", "mx mx.example" },
	{ "x.y.d.example", "mx x.y.mx.example:26" },
	{ "e.example", "reject 550 5.1.2 gone" },
	{ "f.example", "discard" },
	{ "h.example", "redirect ann@mail.x.example" },
	{ "i.example", "defer 450 4.3.0" },
	{ "j.example", "relay to mx:a.example hub.example:2525 [192.0.2.9] "
	    "mx:b.example:26" },
};

static enum rs_answer
ask_route(struct asking *a, const char *domain, struct rs_verdict *v)
{
	struct rs_value	key = rs_text(RS_T_DOMAIN, span_of(domain)), value;
	uint32_t	line;

	*v = (struct rs_verdict){ .kind = RS_V_END };
	assert_int_equal(world_map_get(a, a->eval, ROUTES, &key, &value,
	    &line), RS_HAVE);
	return world_verdict(a, a->eval, ROUTES, &value, v);
}

static void
a_mailertable_means(void **state)
{
	struct policy		*p = open_policy(1);
	struct asking		*a = asking_new(p);
	struct policy_facts	f = { .rcpts_count = 0 };
	struct rs_verdict	v;
	char			buf[200];
	enum rs_answer		is;
	size_t			i;

	(void)state;
	asking_reset(a, &f, NULL);
	a->hook = RS_HOOK_ROUTE;
	for (i = 0; i < COUNT(routes_rows); i++) {
		is = ask_route(a, routes_rows[i][0], &v);
		assert_string_equal(meaning(is, &v, buf, sizeof(buf)),
		    routes_rows[i][1]);
	}
	/* local: is the one mailbox block; of several, rules choose. */
	assert_int_equal(ask_route(a, "g.example", &v), RS_HAVE);
	assert_int_equal(v.kind, RS_V_DELIVER);
	assert_int_equal(rs_object(p->image, v.object)->kind, RS_O_MAILBOX);
	asking_free(&a);
	policy_unref(&p);
	p = open_policy(2);
	a = asking_new(p);
	asking_reset(a, &f, NULL);
	assert_int_equal(ask_route(a, "g.example", &v), RS_ABSENT);
	asking_free(&a);
	policy_unref(&p);
}

static void
values_have_the_type_of_their_kind(void **state)
{
	static const struct {
		uint32_t	map;
		uint8_t		key_type;
		const char	*key;
		uint8_t		type;
		const char	*wanted;
		bool		tainted;
	} rows[] = {
		{ VIRTUSERS, RS_T_ADDRESS, "bob@v.example", RS_T_TEXT, "bob@w.example", true },
		{ GENERICS, RS_T_ADDRESS, "ada@mail.x.example", RS_T_ADDRESS, "ada.l@x.example", false },
		{ DOMAINS, RS_T_DOMAIN, "old.example", RS_T_DOMAIN, "new.example", false },
	};
	struct policy		*p = open_policy(1);
	struct asking		*a = asking_new(p);
	struct policy_facts	f = { .rcpts_count = 0 };
	struct rs_value		key, out;
	uint32_t		line;
	size_t			i;

	(void)state;
	asking_reset(a, &f, NULL);
	for (i = 0; i < COUNT(rows); i++) {
		key = rows[i].key_type == RS_T_ADDRESS ?
		    rs_address(span_of(rows[i].key)) :
		    rs_text(RS_T_DOMAIN, span_of(rows[i].key));
		assert_int_equal(world_map_get(a, a->eval, rows[i].map, &key,
		    &out, &line), RS_HAVE);
		assert_int_equal(out.type, rows[i].type);
		assert_true(span_eq(out.s, span_of(rows[i].wanted)));
		assert_int_equal(out.tainted, rows[i].tainted);
	}
	key = rs_address(SPAN("ada@dept.x.example"));
	assert_int_equal(world_map_get(a, a->eval, GENERICS, &key, &out,
	    &line), RS_ABSENT);
	asking_free(&a);
	policy_unref(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(an_access_table_means),
		cmocka_unit_test(a_mailertable_means),
		cmocka_unit_test(values_have_the_type_of_their_kind),
	};
	int			rc;

	rc = cmocka_run_group_tests(tests, NULL, NULL);
	buf_clear(&image);
	return rc;
}
