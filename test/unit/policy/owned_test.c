/*
 * owned_test.c - `sender of client.user`: which addresses are whose.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buf.h"
#include "cf/cf.h"
#include "mta/policy/policy.h"

static const char	text[] =
    "edition 1\n"
    "hostname \"mx.here.example\"\n"
    "listen smtp on \"127.0.0.1:2525\"\n"
    "set ours = { \"here.example\", \"there.example\" }\n"
    "map users = { \"ann\" = \"x\", \"bob\" = \"x\", \"tim\" = \"x\" }"
    " as accounts\n"
    "map staff = { \"ann\" = \"x\", \"joe\" = \"x\" } as accounts\n"
    "map logins = { \"ann\" = \"x\" } as accounts\n"
    "map names = { \"sales\" = \"ann\", \"both\" = \"ann, bob\","
    " \"away\" = \"ann@far.example\", \"twice\" = \"sales\" } as aliases\n"
    "map virtual = { \"info@there.example\" = \"bob@here.example\" }"
    " as virtusers\n"
    "mailbox box { accounts users; path \"/var/mail/{user}\" }\n"
    "mailbox work { accounts staff; path \"/var/boxes/{user}\" }\n"
    "on mail {\n"
    "  sender of client.user => accept\n"
    "  otherwise => reject 553 5.7.1\n"
    "}\n"
    "route {\n"
    "  rcpt.domain == \"work.example\" => deliver work\n"
    "  rcpt.domain in ours => expand virtual, expand names, deliver box\n"
    "  otherwise => mx\n"
    "}\n";

static struct cf	*cf;
static struct policy	*policy;

static int
open_policy(void **state)
{
	struct policy_source	 src = { .image_fd = -1, .quiet = true };
	struct buf		 says = { 0 };
	const char		*why;

	(void)state;
	cf = cf_compile_mem("/etc/waybill/test.conf", span_of(text));
	for (size_t i = 0; i < cf_ndiags(cf); i++)
		cf_diag_print(cf, cf_diag(cf, i), false, &says);
	if (cf_errors(cf) > 0)
		fprintf(stderr, "%s", buf_cstr(&says));
	buf_clear(&says);
	src.image_mem = cf_image(cf);
	policy = policy_open(&src, &why);
	return policy == NULL ? -1 : 0;
}

static int
close_policy(void **state)
{
	(void)state;
	policy_unref(&policy);
	cf_free(&cf);
	return 0;
}

enum { NO_MAP, USERS = 1, STAFF, LOGINS };	/* the map's number and one */

static const struct {
	const char	*user, *sender;
	uint32_t	 map;
	bool		 owned;
} cases[] = {
	{ "ann", "ann@here.example", USERS, true },
	{ "ann", "ann@there.example", USERS, true },
	{ "ann", "ANN@HERE.example", USERS, true },
	{ "ann", "ann+lists@here.example", USERS, true },
	{ "Ann", "ann@here.example", USERS, true },
	{ "ann", "sales@here.example", USERS, true },
	{ "ann", "twice@here.example", USERS, true },
	{ "ann", "", USERS, true },
	{ "bob", "info@there.example", USERS, true },
	{ "bob", "ann@here.example", USERS, false },
	{ "bob", "sales@here.example", USERS, false },
	{ "ann", "info@there.example", USERS, false },
	{ "ann", "info@here.example", USERS, false },
	{ "ann", "both@here.example", USERS, false },
	{ "bob", "both@here.example", USERS, false },
	{ "ann", "away@here.example", USERS, false },
	{ "ann", "ann@far.example", USERS, false },
	{ "ann", "ann", USERS, false },
	{ "ann", "nobody@here.example", USERS, false },
	{ "ann+lists", "ann+lists@here.example", USERS, false },
	{ "", "", NO_MAP, false },
	{ "", "ann@here.example", NO_MAP, false },
	/* Two people who are called ann. */
	{ "ann", "ann@work.example", USERS, false },
	{ "ann", "ann@work.example", STAFF, true },
	{ "ann", "ann@here.example", STAFF, false },
	{ "joe", "joe@work.example", STAFF, true },
	/* A table of logins alone, and a login of which no table is known. */
	{ "ann", "ann@here.example", LOGINS, true },
	{ "ann", "ann@work.example", LOGINS, true },
	{ "ann", "ann@work.example", NO_MAP, true },
};

static bool
owned(const char *user, const char *sender, uint32_t map)
{
	struct policy_facts	 f = {
		.client_port = 1, .listener = SPAN("submission"),
		.user = span_of(user), .authenticated = user[0] != '\0',
		.sender = span_of(sender), .sender_at = strcspn(sender, "@"),
		.user_map = map
	};
	struct decision		*d;
	bool			 yes;

	assert_true(ip_parse(SPAN("192.0.2.1"), &f.client_ip));
	d = policy_decide(policy, RS_HOOK_MAIL, &f, NULL, NULL, NULL);
	assert_non_null(d);
	assert_true(decision_done(d));
	yes = decision_verdict(d)->kind == RS_V_ACCEPT;
	decision_free(&d);
	return yes;
}

static void
whose_an_address_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (owned(cases[i].user, cases[i].sender, cases[i].map) !=
		    cases[i].owned)
			fail_msg("%s (%u) and <%s>", cases[i].user,
			    (unsigned)cases[i].map, cases[i].sender);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(whose_an_address_is),
	};

	return cmocka_run_group_tests(tests, open_policy, close_policy);
}
