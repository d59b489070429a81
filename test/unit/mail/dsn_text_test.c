/*
 * dsn_text_test.c - a template says what it should, and its mistakes are told.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mail/dsn_text.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct {
	const char	*text;
	unsigned	 line, column;
	const char	*what;	/* NULL: there is no mistake */
} checked[] = {
	{ "Subject: x\n\ntext\n", 0, 0, NULL },
	{ "Subject: x\r\n\r\n{?whole}{!binary}{hostname}", 0, 0, NULL },
	{ "Subject: {hostname}\n\n{each failed}\n{recipient}\n{end}\n",
	  0, 0, NULL },
	{ "Subject: x\n\n  {hostnam}\n", 3, 4,
	  "there is no value 'hostnam'" },
	{ "Subject: x\n\n{recipient}\n", 3, 2,
	  "'recipient' is known only between {each ...} and {end}" },
	{ "Subject: x\n\n{whole}\n", 3, 2,
	  "'whole' can only be asked for, as in {?whole}" },
	{ "Subject: x\n\nx {?whole}\n", 3, 3,
	  "a condition stands at the front of its line" },
	{ "Subject: x\n\n{each}\n{end}\n", 3, 1, "after 'each' stands "
	  "failed, delayed, delivered, relayed or expanded" },
	{ "Subject: x\n\n{end}\n", 3, 1,
	  "there is no {each} that this ends" },
	{ "Subject: x\n\n{each failed}\n", 4, 1,
	  "an {each} lacks its {end}" },
	{ "Subject: x\n\n{each failed}\n{each failed}\n", 4, 1,
	  "an {each} stands in another" },
	{ "Subject: x\n\nopen {hostname\n", 3, 6, "a '}' is missing" },
	{ "To: x\n\n", 1, 1,
	  "before the empty line stand fields Subject: only" },
	{ "Subject: x\n", 2, 1,
	  "a Subject:, an empty line and a text are wanted" },
	{ "\ntext\n", 3, 1,
	  "a Subject:, an empty line and a text are wanted" },
	{ "Subject: x\n\nb\xe4h\n", 3, 2, "this is no UTF-8" },
	{ "Subject: x\n\n\ta\n", 3, 1, "a control character" },
};

static void
mistakes_are_told_where_they_are(void **state)
{
	struct dsn_mistake	m;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
		memset(&m, 0, sizeof(m));
		assert_int_equal(dsn_text_check(span_of(checked[i].text), &m),
		    checked[i].what == NULL);
		if (checked[i].what == NULL)
			continue;
		assert_string_equal(m.what, checked[i].what);
		assert_int_equal(m.line, checked[i].line);
		assert_int_equal(m.column, checked[i].column);
	}
}

static void
what_is_compiled_in_has_none(void **state)
{
	static const char *const languages[] = { "en", "de", "en-GB", "DE" };
	struct dsn_mistake	 m;
	unsigned		 kind;
	size_t			 i;

	(void)state;
	for (kind = 0; kind < DSN_NTEXTS; kind++)
		for (i = 0; i < 4; i++) {
			struct span	text = dsn_text_builtin(
					    (enum dsn_text_kind)kind,
					    span_of(languages[i]));

			assert_true(text.n > 0);
			assert_true(dsn_text_check(text, &m));
		}
	assert_int_equal(dsn_text_builtin(DSN_TEXT_FAILED, SPAN("den")).n, 0);
	assert_int_equal(dsn_text_kind(SPAN("arrived")), DSN_TEXT_ARRIVED);
	assert_int_equal(dsn_text_kind(SPAN("arrive")), DSN_NTEXTS);
}

static const struct dsn_rcpt rcpts[] = {
	{ .address = S("bob@x.example"), .action = DSN_DELIVERED,
	  .why = S("into the\nmailbox \xff") },
	{ .address = S("tim@x.example"), .action = DSN_RELAYED,
	  .mta = S("mx.x.example"), .reply = S("250 ok") },
	{ .address = S("una@x.example"), .action = DSN_RELAYED },
};

static void
lines_are_said_where_their_values_are(void **state)
{
	struct dsn	d = { .rcpts = rcpts, .n = 3,
	    .reporting_mta = SPAN("mail.example"), .text = SPAN(
	    "Subject: {?expanded}no\nSubject: on {hostname}\n\n"
	    "{?whole}no\n"
	    "{!whole}head\n"
	    "{each delivered}\n<{recipient}>\n    {reason}\n{end}\n\n\n"
	    "{each relayed}\n{recipient} {host}: {reply}\n{end}\n"
	    "{each expanded}\nno\n{end}\n"
	    "end\n") };
	struct buf	out = { 0 };

	(void)state;
	dsn_text_subject(&d, &out);
	assert_string_equal(buf_cstr(&out), "on mail.example");
	buf_reset(&out);
	dsn_text_body(&d, &out);
	assert_string_equal(buf_cstr(&out), "head\r\n<bob@x.example>\r\n"
	    "    into the mailbox ?\r\n\r\ntim@x.example mx.x.example: "
	    "250 ok\r\nend\r\n");
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_told_where_they_are),
		cmocka_unit_test(what_is_compiled_in_has_none),
		cmocka_unit_test(lines_are_said_where_their_values_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
