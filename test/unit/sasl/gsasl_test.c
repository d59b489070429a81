/*
 * gsasl_test.c - our server and the client of GNU SASL, which was written by
 * others, understand each other in each mechanism that both know.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <gsasl.h>

#include "mta/sasl/base64.h"

#include "test/unit/sasl/store.h"

static Gsasl	*gsasl;

struct try {
	enum sasl_mech	 mech;
	const char	*password;
	const char	*authzid;	/* or NULL */
	const char	*exporter;	/* what the client sees of the channel */
};

static Gsasl_session *
client(const struct try *t)
{
	Gsasl_session	*c;

	assert_int_equal(gsasl_client_start(gsasl, sasl_name(t->mech), &c),
	    GSASL_OK);
	gsasl_property_set(c, GSASL_AUTHID, STORE_USER);
	gsasl_property_set(c, GSASL_PASSWORD, t->password);
	if (t->authzid != NULL)
		gsasl_property_set(c, GSASL_AUTHZID, t->authzid);
	if (t->exporter != NULL) {
		struct buf	 b = { 0 };

		base64_add(&b, span_of(t->exporter));
		gsasl_property_set(c, GSASL_CB_TLS_EXPORTER, buf_cstr(&b));
		buf_clear(&b);
	}
	return c;
}

/* Both talk until the server has decided; the client must be content then. */
static enum sasl_step
talk(const struct try *t, bool *content)
{
	struct sasl_context	 cx = {
		.hostname = SPAN("mx.example"), .certificate = SPAN(STORE_USER),
		.exporter = SPAN("channel")
	};
	struct sasl		*s = sasl_new(t->mech, &cx);
	struct buf		 said = { 0 };
	Gsasl_session		*c = client(t);
	enum sasl_step		 step;
	char			*line;
	int			 rc = GSASL_NEEDS_MORE;

	step = sasl_begin(s, NULL);
	while ((step = store_runs(s, step)) == SASL_SAY) {
		buf_reset(&said);
		sasl_say(s, &said);
		rc = gsasl_step64(c, buf_cstr(&said), &line);
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
			break;
		step = sasl_line(s, span_of(line));
		gsasl_free(line);
	}
	*content = rc == GSASL_OK;
	gsasl_finish(c);
	buf_clear(&said);
	sasl_free(&s);
	return step;
}

static void
the_right_one(void **state)
{
	static const enum sasl_mech	 mechs[] = {
		SASL_PLAIN, SASL_LOGIN, SASL_CRAM_MD5, SASL_SCRAM_SHA_1,
		SASL_SCRAM_SHA_256, SASL_EXTERNAL
	};
	struct try	 t = { .password = STORE_PASSWORD };
	bool		 content;

	(void)state;
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		t.mech = mechs[i];
		if (talk(&t, &content) != SASL_DONE || !content)
			fail_msg("%s", sasl_name(t.mech));
	}
}

static void
a_wrong_one(void **state)
{
	static const enum sasl_mech	 mechs[] = {
		SASL_PLAIN, SASL_LOGIN, SASL_CRAM_MD5, SASL_SCRAM_SHA_1,
		SASL_SCRAM_SHA_256
	};
	struct try	 t = { .password = "pen" };
	bool		 content;

	(void)state;
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		t.mech = mechs[i];
		if (talk(&t, &content) != SASL_FAILED)
			fail_msg("%s", sasl_name(t.mech));
	}
}

static void
as_oneself_and_as_another(void **state)
{
	static const enum sasl_mech	 mechs[] = {
		SASL_PLAIN, SASL_SCRAM_SHA_1, SASL_SCRAM_SHA_256, SASL_EXTERNAL
	};
	struct try	 t = { .password = STORE_PASSWORD };
	bool		 content;

	(void)state;
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		t.mech = mechs[i];
		t.authzid = STORE_USER;
		if (talk(&t, &content) != SASL_DONE || !content)
			fail_msg("%s as oneself", sasl_name(t.mech));
		t.authzid = "root";
		if (talk(&t, &content) != SASL_FAILED)
			fail_msg("%s as root", sasl_name(t.mech));
	}
}

static void
bound_to_the_channel(void **state)
{
	static const enum sasl_mech	 mechs[] = {
		SASL_SCRAM_SHA_1_PLUS, SASL_SCRAM_SHA_256_PLUS
	};
	struct try	 t = { .password = STORE_PASSWORD };
	bool		 content;

	(void)state;
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		t.mech = mechs[i];
		t.exporter = "channel";
		if (talk(&t, &content) != SASL_DONE || !content)
			fail_msg("%s", sasl_name(t.mech));
		/* Somebody sits between the two, with a channel to each. */
		t.exporter = "another";
		if (talk(&t, &content) != SASL_FAILED)
			fail_msg("%s over another channel", sasl_name(t.mech));
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(the_right_one),
		cmocka_unit_test(a_wrong_one),
		cmocka_unit_test(as_oneself_and_as_another),
		cmocka_unit_test(bound_to_the_channel),
	};
	int			failed;

	if (gsasl_init(&gsasl) != GSASL_OK)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	gsasl_done(gsasl);
	return failed;
}
