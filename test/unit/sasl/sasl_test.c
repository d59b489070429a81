/*
 * sasl_test.c - exchanges, as tables: what the client says (before base64; NUL
 * is written \0 inside of a span) and what follows.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "mta/sasl/base64.h"

#include "test/unit/sasl/store.h"

#define LINES	4

/* What follows a line: a challenge with this text, or the end. */
struct turn {
	struct span	 says;		/* .p NULL: no more */
	const char	*challenge;	/* NULL: it is the end */
};

struct exchange {
	const char	*name;
	enum sasl_mech	 mech;
	const char	*nonce;
	bool		 no_initial;	/* the first line answers a challenge */
	const char	*first;		/* that challenge */
	struct turn	 turns[LINES];
	int		 ends;		/* enum sasl_failure, or IN */
	const char	*why;		/* NULL: not looked at */
};

#define IN	(-1)
#define S(text)	{ (text), sizeof(text) - 1 }

static const struct sasl_context	plain_context = {
	.hostname = { "mx.example", 10 }
};

static void
check_say(const struct exchange *x, const struct sasl *s, const char *want)
{
	struct buf	said = { 0 }, wanted = { 0 };

	sasl_say(s, &said);
	base64_add(&wanted, span_of(want));
	if (!span_eq(buf_span(&said), buf_span(&wanted)))
		fail_msg("%s: said '%s', not '%s'", x->name, buf_cstr(&said),
		    buf_cstr(&wanted));
	buf_clear(&said);
	buf_clear(&wanted);
}

static void
check_end(const struct exchange *x, const struct sasl *s, enum sasl_step step)
{
	if (x->ends == IN) {
		if (step != SASL_DONE)
			fail_msg("%s: step %d, %s", x->name, (int)step,
			    step == SASL_FAILED ? sasl_why(s) : "");
		assert_true(span_eq(sasl_user(s), SPAN(STORE_USER)));
		return;
	}
	if (step != SASL_FAILED)
		fail_msg("%s: step %d", x->name, (int)step);
	if ((int)sasl_failure(s) != x->ends ||
	    (x->why != NULL && strcmp(x->why, sasl_why(s)) != 0))
		fail_msg("%s: failure %d, %s", x->name, (int)sasl_failure(s),
		    sasl_why(s));
}

static enum sasl_step
hear(struct sasl *s, struct span says, bool initial)
{
	struct buf	digits = { 0 };
	struct span	line;
	enum sasl_step	step;

	base64_add(&digits, says);
	line = initial && says.n == 0 ? SPAN("=") : buf_span(&digits);
	step = initial ? sasl_begin(s, &line) : sasl_line(s, line);
	buf_clear(&digits);
	return store_runs(s, step);
}

static void
play(const struct exchange *x, const struct sasl_context *from)
{
	struct sasl_context	 cx = *from;
	struct sasl		*s;
	enum sasl_step		 step;

	cx.nonce = x->nonce;
	s = sasl_new(x->mech, &cx);
	if (x->no_initial) {
		assert_int_equal(sasl_begin(s, NULL), SASL_SAY);
		check_say(x, s, x->first == NULL ? "" : x->first);
	}
	for (size_t i = 0; i < LINES && x->turns[i].says.p != NULL; i++) {
		step = hear(s, x->turns[i].says, i == 0 && !x->no_initial);
		if (x->turns[i].challenge == NULL) {
			check_end(x, s, step);
			break;
		}
		if (step != SASL_SAY)
			fail_msg("%s: turn %zu ended: %s", x->name, i,
			    step == SASL_FAILED ? sasl_why(s) : "in");
		check_say(x, s, x->turns[i].challenge);
	}
	sasl_free(&s);
	assert_null(s);
}

#define PLAY(table, cx) do {						\
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof(table[0]); i_++) \
		play(&(table)[i_], (cx));				\
} while (0)

/* --- PLAIN, LOGIN */

static const struct exchange	plains[] = {
	{ "RFC 4616, 4", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0user\0pencil"), NULL } }, IN, NULL },
	{ "after a challenge", SASL_PLAIN, NULL, true, NULL,
	    { { S("\0user\0pencil"), NULL } }, IN, NULL },
	{ "as itself", SASL_PLAIN, NULL, false, NULL,
	    { { S("user\0user\0pencil"), NULL } }, IN, NULL },
	{ "as its account is called", SASL_PLAIN, NULL, false, NULL,
	    { { S("user\0User\0pencil"), NULL } }, IN, NULL },
	{ "as another", SASL_PLAIN, NULL, false, NULL,
	    { { S("root\0user\0pencil"), NULL } }, SASL_WRONG,
	    "it may not act as somebody else" },
	{ "wrong", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0user\0pencils"), NULL } }, SASL_WRONG, "wrong" },
	{ "nobody", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0nobody\0pencil"), NULL } }, SASL_WRONG, "wrong" },
	{ "nothing", SASL_PLAIN, NULL, false, NULL,
	    { { S(""), NULL } }, SASL_SYNTAX, NULL },
	{ "no NUL", SASL_PLAIN, NULL, false, NULL,
	    { { S("user pencil"), NULL } }, SASL_SYNTAX, "no NUL" },
	{ "one NUL", SASL_PLAIN, NULL, false, NULL,
	    { { S("user\0pencil"), NULL } }, SASL_SYNTAX, "only one NUL" },
	{ "three NULs", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0user\0pencil\0"), NULL } }, SASL_SYNTAX, NULL },
	{ "a NUL in the password", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0user\0pen\0cil"), NULL } }, SASL_SYNTAX, NULL },
	{ "no user", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0\0pencil"), NULL } }, SASL_SYNTAX, NULL },
	{ "no password", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0user\0"), NULL } }, SASL_SYNTAX, NULL },
	{ "no UTF-8", SASL_PLAIN, NULL, false, NULL,
	    { { S("\0us\xff" "er\0pencil"), NULL } }, SASL_SYNTAX, NULL },
	{ "LOGIN", SASL_LOGIN, NULL, true, "Username:",
	    { { S("user"), "Password:" }, { S("pencil"), NULL } }, IN, NULL },
	{ "LOGIN with the name", SASL_LOGIN, NULL, false, NULL,
	    { { S("user"), "Password:" }, { S("pencil"), NULL } }, IN, NULL },
	{ "LOGIN, wrong", SASL_LOGIN, NULL, true, "Username:",
	    { { S("user"), "Password:" }, { S("Pencil"), NULL } },
	    SASL_WRONG, "wrong" },
	{ "LOGIN, no name", SASL_LOGIN, NULL, true, "Username:",
	    { { S(""), NULL } }, SASL_SYNTAX, NULL },
	{ "LOGIN, a NUL in the name", SASL_LOGIN, NULL, true, "Username:",
	    { { S("us\0er"), NULL } }, SASL_SYNTAX, NULL },
	{ "LOGIN, no password", SASL_LOGIN, NULL, true, "Username:",
	    { { S("user"), "Password:" }, { S(""), NULL } },
	    SASL_SYNTAX, NULL },
	{ "LOGIN, a NUL in the password", SASL_LOGIN, NULL, true, "Username:",
	    { { S("user"), "Password:" }, { S("pencil\0"), NULL } },
	    SASL_SYNTAX, NULL },
};

static void
names_and_passwords(void **state)
{
	(void)state;
	PLAY(plains, &plain_context);
}

/* --- CRAM-MD5 */

static const struct exchange	crams[] = {
	{ "right", SASL_CRAM_MD5, "<1896.697170952@postoffice.example>", true,
	    "<1896.697170952@postoffice.example>",
	    { { S("user 5dbda9d06ee9fe9bbb4b0d4dc1b9de2a"), NULL } },
	    SASL_WRONG, "wrong" },
	{ "no digest", SASL_CRAM_MD5, "<1@a>", true, "<1@a>",
	    { { S("user"), NULL } }, SASL_SYNTAX, NULL },
	{ "no name", SASL_CRAM_MD5, "<1@a>", true, "<1@a>",
	    { { S(" b913a602c7eda7a495b4e6e7334d3890"), NULL } },
	    SASL_SYNTAX, NULL },
	{ "upper case", SASL_CRAM_MD5, "<1@a>", true, "<1@a>",
	    { { S("user B913A602C7EDA7A495B4E6E7334D3890"), NULL } },
	    SASL_SYNTAX, NULL },
	{ "too short", SASL_CRAM_MD5, "<1@a>", true, "<1@a>",
	    { { S("user b913a602c7eda7a495b4e6e7334d389"), NULL } },
	    SASL_SYNTAX, NULL },
	{ "the server begins", SASL_CRAM_MD5, "<1@a>", false, NULL,
	    { { S("user b913a602c7eda7a495b4e6e7334d3890"), NULL } },
	    SASL_NOT_FIRST, NULL },
};

static void
cram_md5(void **state)
{
	(void)state;
	PLAY(crams, &plain_context);
}

/* RFC 2195, 3: tim, tanstaaftanstaaf. */
static void
cram_md5_of_rfc_2195(void **state)
{
	struct sasl_context	 cx = { .nonce =
				    "<1896.697170952@postoffice.reston.mci.net>" };
	const struct sasl_question *q;
	struct sasl		*s = sasl_new(SASL_CRAM_MD5, &cx);

	(void)state;
	assert_int_equal(sasl_begin(s, NULL), SASL_SAY);
	assert_int_equal(sasl_line(s,
	    SPAN("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw")),
	    SASL_ASK);
	q = sasl_question(s);
	assert_int_equal(q->want, SASL_DIGEST);
	assert_true(span_eq(q->user, SPAN("tim")));
	assert_true(span_eq(q->text, span_of(cx.nonce)));
	assert_true(span_eq(q->secret,
	    SPAN("b913a602c7eda7a495b4e6e7334d3890")));
	sasl_free(&s);
}

static void
challenges_differ(void **state)
{
	struct buf	 said[2] = { { 0 }, { 0 } };
	struct sasl	*s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		s = sasl_new(SASL_CRAM_MD5, &plain_context);
		assert_int_equal(sasl_begin(s, NULL), SASL_SAY);
		sasl_say(s, &said[i]);
		sasl_free(&s);
	}
	assert_false(span_eq(buf_span(&said[0]), buf_span(&said[1])));
	buf_clear(&said[0]);
	buf_clear(&said[1]);
}

/* --- SCRAM */

#define C1	"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
#define N1	"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
#define S1	N1 ",s=QSXCR+Q6sek8bf92,i=4096"
#define P1	",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
#define NONCE1	"3rfcNHYJY1ZVvWVs7j"
#define C2	"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define N2	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define P2	",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

#define SCRAM1(name, final, ends, why)					\
	{ name, SASL_SCRAM_SHA_1, NONCE1, false, NULL,			\
	    { { S(C1), S1 }, { S(final), NULL } }, ends, why }
#define FIRST1(name, first, ends, why)					\
	{ name, SASL_SCRAM_SHA_1, NONCE1, false, NULL,			\
	    { { S(first), NULL } }, ends, why }

static const struct exchange	scrams[] = {
	{ "RFC 5802, 5", SASL_SCRAM_SHA_1, NONCE1, false, NULL,
	    { { S(C1), S1 },
	      { S("c=biws," N1 P1), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	      { S(""), NULL } }, IN, NULL },
	{ "RFC 7677, 3", SASL_SCRAM_SHA_256,
	    "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", true, NULL,
	    { { S(C2), N2 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096" },
	      { S("c=biws," N2 P2),
	        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
	      { S(""), NULL } }, IN, NULL },
	{ "something follows the end", SASL_SCRAM_SHA_1, NONCE1, false, NULL,
	    { { S(C1), S1 },
	      { S("c=biws," N1 P1), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	      { S("x"), NULL } }, SASL_SYNTAX, NULL },
	SCRAM1("a wrong proof",
	    "c=biws," N1 ",p=w0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_WRONG,
	    "e=invalid-proof"),
	SCRAM1("a proof of another length", "c=biws," N1 ",p=v0X8v3Bz",
	    SASL_SYNTAX, "e=invalid-encoding"),
	SCRAM1("a proof that is no base64", "c=biws," N1 ",p=v0X8v3B",
	    SASL_SYNTAX, "e=invalid-encoding"),
	SCRAM1("no proof", "c=biws," N1, SASL_SYNTAX, "e=invalid-encoding"),
	SCRAM1("an empty proof", "c=biws," N1 ",p=", SASL_SYNTAX,
	    "e=invalid-encoding"),
	SCRAM1("the proof is not last", "c=biws," N1 P1 ",x=y", SASL_SYNTAX,
	    "e=invalid-encoding"),
	SCRAM1("another order", N1 ",c=biws" P1, SASL_SYNTAX,
	    "e=invalid-encoding"),
	SCRAM1("another nonce",
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7k" P1,
	    SASL_WRONG, "e=other-error"),
	SCRAM1("the client's nonce alone",
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL" P1, SASL_WRONG,
	    "e=other-error"),
	SCRAM1("another GS2 header", "c=eSws," N1 P1, SASL_WRONG,
	    "e=channel-bindings-dont-match"),
	SCRAM1("no channel binding", "c=," N1 P1, SASL_SYNTAX,
	    "e=invalid-encoding"),
	SCRAM1("a mandatory extension at the end", "c=biws," N1 ",m=x" P1,
	    SASL_SYNTAX, "e=extensions-not-supported"),
	FIRST1("a mandatory extension", "n,,m=x,n=user,r=abc", SASL_SYNTAX,
	    "e=extensions-not-supported"),
	FIRST1("a mandatory extension behind", "n,,n=user,r=abc,m=x",
	    SASL_SYNTAX, "e=extensions-not-supported"),
	FIRST1("no GS2 header", "n=user,r=abc", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("half a GS2 header", "n,n=user,r=abc", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("an unknown flag", "x,,n=user,r=abc", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("no user", "n,,r=abc", SASL_SYNTAX, "e=invalid-encoding"),
	FIRST1("an empty user", "n,,n=,r=abc", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("no nonce", "n,,n=user", SASL_SYNTAX, "e=invalid-encoding"),
	FIRST1("an empty nonce", "n,,n=user,r=", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("a nonce with a blank", "n,,n=user,r=a c", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("the nonce first", "n,,r=abc,n=user", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("a comma at the end", "n,,n=user,r=abc,", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("an extension without a value", "n,,n=user,r=abc,x=",
	    SASL_SYNTAX, "e=invalid-encoding"),
	FIRST1("a name with a bare =", "n,,n=us=er,r=abc", SASL_SYNTAX,
	    "e=invalid-username-encoding"),
	FIRST1("a name with =2c", "n,,n=us=2cer,r=abc", SASL_SYNTAX,
	    "e=invalid-username-encoding"),
	FIRST1("a name with a NUL", "n,,n=us\0er,r=abc", SASL_SYNTAX,
	    "e=invalid-username-encoding"),
	FIRST1("a name that is no UTF-8", "n,,n=us\xc3,r=abc", SASL_SYNTAX,
	    "e=invalid-username-encoding"),
	FIRST1("an empty authzid", "n,a=,n=user,r=abc", SASL_SYNTAX,
	    "e=invalid-encoding"),
	FIRST1("bound, and the mechanism is not",
	    "p=tls-exporter,,n=user,r=abc", SASL_WRONG,
	    "e=channel-binding-not-supported"),
	{ "an extension is passed over", SASL_SCRAM_SHA_1, "xyz", false, NULL,
	    { { S("n,,n=user,r=abc,x=y,z=="),
	        "r=abcxyz,s=QSXCR+Q6sek8bf92,i=4096" } }, IN, NULL },
	{ "able to bind, and nothing to bind to", SASL_SCRAM_SHA_1, "xyz",
	    false, NULL,
	    { { S("y,,n=user,r=abc"),
	        "r=abcxyz,s=QSXCR+Q6sek8bf92,i=4096" } }, IN, NULL },
};

static void
scram(void **state)
{
	(void)state;
	PLAY(scrams, &plain_context);
}

static void
scram_names_are_decoded(void **state)
{
	struct sasl	*s = sasl_new(SASL_SCRAM_SHA_256, &plain_context);

	(void)state;
	assert_int_equal(hear(s, SPAN("n,a=b=2C,n=a=2Cb=3D=2C,r=abc"), true),
	    SASL_SAY);
	assert_true(span_eq(sasl_question(s)->user, SPAN("a,b=,")));
	assert_int_equal(sasl_question(s)->want, SASL_SALT);
	sasl_free(&s);
}

/* --- SCRAM, bound to its channel */

static const struct sasl_context	tls_context = {
	.hostname = { "mx.example", 10 },
	.offered = SASL_BIT(SASL_SCRAM_SHA_1) | SASL_BIT(SASL_SCRAM_SHA_1_PLUS),
	.exporter = { "exporter", 8 },
	.end_point = { "end-point", 9 },
};

#define PLUS1(name, mech, first, ends, why)				\
	{ name, mech, "xyz", false, NULL,				\
	    { { S(first), NULL } }, ends, why }
#define SAID	"r=abcxyz,s=QSXCR+Q6sek8bf92,i=4096"
/* A proof that is wrong is looked at only when the channel is right. */
#define PROOF	",r=abcxyz,p=w0X8v3Bz2T0CJGbJQyF0X+HI4Ts="

static const struct exchange	bindings[] = {
	PLUS1("somebody has taken the offer away", SASL_SCRAM_SHA_1,
	    "y,,n=user,r=abc", SASL_WRONG,
	    "e=server-does-support-channel-binding"),
	PLUS1("not bound", SASL_SCRAM_SHA_1_PLUS, "n,,n=user,r=abc",
	    SASL_WRONG, "e=other-error"),
	PLUS1("able to bind, and does not", SASL_SCRAM_SHA_1_PLUS,
	    "y,,n=user,r=abc", SASL_WRONG, "e=other-error"),
	PLUS1("tls-unique", SASL_SCRAM_SHA_1_PLUS,
	    "p=tls-unique,,n=user,r=abc", SASL_WRONG,
	    "e=unsupported-channel-binding-type"),
	PLUS1("no type", SASL_SCRAM_SHA_1_PLUS, "p=,,n=user,r=abc",
	    SASL_SYNTAX, "e=invalid-encoding"),
	{ "tls-exporter", SASL_SCRAM_SHA_1_PLUS, "xyz", false, NULL,
	    { { S("p=tls-exporter,,n=user,r=abc"), SAID },
	      /* p=tls-exporter,,exporter */
	      { S("c=cD10bHMtZXhwb3J0ZXIsLGV4cG9ydGVy" PROOF), NULL } },
	    SASL_WRONG, "e=invalid-proof" },
	{ "another exporter", SASL_SCRAM_SHA_1_PLUS, "xyz", false, NULL,
	    { { S("p=tls-exporter,,n=user,r=abc"), SAID },
	      { S("c=cD10bHMtZXhwb3J0ZXIsLGV4cG9ydGVz" PROOF), NULL } },
	    SASL_WRONG, "e=channel-bindings-dont-match" },
	{ "the type alone", SASL_SCRAM_SHA_1_PLUS, "xyz", false, NULL,
	    { { S("p=tls-exporter,,n=user,r=abc"), SAID },
	      { S("c=cD10bHMtZXhwb3J0ZXIsLA==" PROOF), NULL } },
	    SASL_WRONG, "e=channel-bindings-dont-match" },
	{ "tls-server-end-point", SASL_SCRAM_SHA_1_PLUS, "xyz", false, NULL,
	    { { S("p=tls-server-end-point,,n=user,r=abc"), SAID },
	      /* p=tls-server-end-point,,end-point */
	      { S("c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsZW5kLXBvaW50" PROOF),
	        NULL } },
	    SASL_WRONG, "e=invalid-proof" },
};

static void
scram_plus(void **state)
{
	(void)state;
	PLAY(bindings, &tls_context);
}

static void
nonces_differ_and_have_144_bits(void **state)
{
	struct buf	 said[2] = { { 0 }, { 0 } };
	struct sasl	*s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		s = sasl_new(SASL_SCRAM_SHA_1, &plain_context);
		assert_int_equal(hear(s, SPAN("n,,n=user,r=abc"), true),
		    SASL_SAY);
		sasl_say(s, &said[i]);
		sasl_free(&s);
	}
	assert_false(span_eq(buf_span(&said[0]), buf_span(&said[1])));
	/* r=abc, 24 digits of 6 bits, ",s=" with 16 digits, ",i=4096" */
	assert_int_equal(said[0].n, (5 + 24 + 19 + 7 + 2) / 3 * 4);
	buf_clear(&said[0]);
	buf_clear(&said[1]);
}

/* --- tokens */

#define A	"\1"
static const struct exchange	tokens[] = {
	{ "RFC 7628, 4.1", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "host=server.example.com" A "port=143" A
	        "auth=Bearer T0ken.x" A A), NULL } }, IN, NULL },
	{ "without a name", SASL_OAUTHBEARER, NULL, true, NULL,
	    { { S("n,," A "auth=bearer T0ken.x" A A), NULL } }, IN, NULL },
	{ "a wrong one", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzd"
	        "GEuY29tCg==" A A), "{\"status\":\"invalid_token\"}" },
	      { S(A), NULL } }, SASL_WRONG, "wrong" },
	{ "RFC 7628, 4.3: what is wanted?", SASL_OAUTHBEARER, NULL, false,
	    NULL,
	    { { S("n,a=user," A "host=server.example.com" A "auth=" A A),
	        "{\"status\":\"invalid_token\"}" },
	      { S(A), NULL } }, SASL_WRONG, "wrong" },
	{ "another scheme", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "auth=Basic T0ken.x" A A),
	        "{\"status\":\"invalid_token\"}" },
	      { S(""), NULL } }, SASL_WRONG, "wrong" },
	{ "an empty token", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "auth=Bearer " A A),
	        "{\"status\":\"invalid_token\"}" },
	      { S(""), NULL } }, SASL_WRONG, "wrong" },
	{ "auth twice", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "auth=Bearer x" A "auth=Bearer T0ken.x" A A),
	        NULL } }, SASL_SYNTAX, NULL },
	{ "no end", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "auth=Bearer T0ken.x" A), NULL } },
	    SASL_SYNTAX, NULL },
	{ "more behind the end", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "auth=Bearer T0ken.x" A A "x"), NULL } },
	    SASL_SYNTAX, NULL },
	{ "bound", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("p=tls-exporter,a=user," A "auth=Bearer T0ken.x" A A),
	        NULL } }, SASL_SYNTAX, NULL },
	{ "no header", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("auth=Bearer T0ken.x" A A), NULL } }, SASL_SYNTAX, NULL },
	{ "a NUL", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "auth=Bearer T0\0ken.x" A A), NULL } },
	    SASL_SYNTAX, NULL },
	{ "a key with a digit", SASL_OAUTHBEARER, NULL, false, NULL,
	    { { S("n,a=user," A "k1=v" A "auth=Bearer T0ken.x" A A), NULL } },
	    SASL_SYNTAX, NULL },
	{ "XOAUTH2", SASL_XOAUTH2, NULL, false, NULL,
	    { { S("user=user" A "auth=Bearer T0ken.x" A A), NULL } },
	    IN, NULL },
	{ "XOAUTH2, wrong", SASL_XOAUTH2, NULL, false, NULL,
	    { { S("user=user" A "auth=Bearer x" A A),
	        "{\"status\":\"401\",\"schemes\":\"bearer\"}" },
	      { S(""), NULL } }, SASL_WRONG, "wrong" },
	{ "XOAUTH2, no user", SASL_XOAUTH2, NULL, false, NULL,
	    { { S("auth=Bearer T0ken.x" A A), NULL } }, SASL_SYNTAX, NULL },
};

static void
oauth(void **state)
{
	(void)state;
	PLAY(tokens, &plain_context);
}

/* --- EXTERNAL */

static const struct sasl_context	certificate_context = {
	.certificate = { "user", 4 }
};

static const struct exchange	externals[] = {
	{ "RFC 4422, A", SASL_EXTERNAL, NULL, false, NULL,
	    { { S(""), NULL } }, IN, NULL },
	{ "after a challenge", SASL_EXTERNAL, NULL, true, NULL,
	    { { S(""), NULL } }, IN, NULL },
	{ "as itself", SASL_EXTERNAL, NULL, false, NULL,
	    { { S("user"), NULL } }, IN, NULL },
	{ "as another", SASL_EXTERNAL, NULL, false, NULL,
	    { { S("root"), NULL } }, SASL_WRONG, NULL },
	{ "no name", SASL_EXTERNAL, NULL, false, NULL,
	    { { S("\0"), NULL } }, SASL_SYNTAX, NULL },
};

static void
external(void **state)
{
	struct exchange	x = externals[0];

	(void)state;
	PLAY(externals, &certificate_context);
	x.ends = SASL_WRONG;
	play(&x, &plain_context);
}

/* --- all of them */

static void
what_no_mechanism_takes(void **state)
{
	static const char *const bad[] = { "*x", "Zg", "Zg=", "Zg==\r", " ",
				    "\x80\x80\x80\x80" };
	struct sasl	*s;
	struct span	 line;

	(void)state;
	for (int m = 0; m < SASL_NMECHS; m++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			s = sasl_new((enum sasl_mech)m, &plain_context);
			line = span_of(bad[i]);
			assert_int_equal(sasl_begin(s, NULL), SASL_SAY);
			assert_int_equal(sasl_line(s, line), SASL_FAILED);
			assert_int_equal(sasl_failure(s), SASL_ENCODING);
			sasl_free(&s);
		}
}

static void
each_can_be_cancelled(void **state)
{
	struct sasl	*s;

	(void)state;
	for (int m = 0; m < SASL_NMECHS; m++) {
		s = sasl_new((enum sasl_mech)m, &plain_context);
		assert_int_equal(sasl_begin(s, NULL), SASL_SAY);
		assert_int_equal(sasl_line(s, SPAN("*")), SASL_FAILED);
		assert_int_equal(sasl_failure(s), SASL_CANCELLED);
		sasl_free(&s);
	}
}

static void
what_cannot_be_said_is_not_wrong(void **state)
{
	static const struct span	firsts[] = {
		[SASL_PLAIN] = S("\0user\0pencil"),
		[SASL_SCRAM_SHA_1] = S(C1),
		[SASL_XOAUTH2] = S("user=user" A "auth=Bearer T0ken.x" A A),
	};
	struct buf	 digits = { 0 };
	struct span	 line;
	struct sasl	*s;

	(void)state;
	for (size_t m = 0; m < sizeof(firsts) / sizeof(firsts[0]); m++) {
		if (firsts[m].n == 0)
			continue;
		s = sasl_new((enum sasl_mech)m, &plain_context);
		buf_reset(&digits);
		base64_add(&digits, firsts[m]);
		line = buf_span(&digits);
		assert_int_equal(sasl_begin(s, &line), SASL_ASK);
		assert_int_equal(store_answers(s, true), SASL_FAILED);
		assert_int_equal(sasl_failure(s), SASL_CANNOT);
		sasl_free(&s);
	}
	buf_clear(&digits);
}

static void
names_of_mechanisms(void **state)
{
	struct buf	b = { 0 };
	enum sasl_mech	m;

	(void)state;
	assert_true(sasl_named(SPAN("scram-sha-256-plus"), &m));
	assert_int_equal(m, SASL_SCRAM_SHA_256_PLUS);
	assert_true(sasl_named(SPAN("Login"), &m));
	assert_true(sasl_clear(m));
	assert_false(sasl_clear(SASL_SCRAM_SHA_1));
	assert_false(sasl_named(SPAN("DIGEST-MD5"), &m));
	assert_false(sasl_named(SPAN("PLAINS"), &m));
	assert_false(sasl_named(SPAN_NONE, &m));
	sasl_list(SASL_BIT(SASL_LOGIN) | SASL_BIT(SASL_PLAIN), &b);
	assert_string_equal(buf_cstr(&b), " PLAIN LOGIN");
	for (int i = 0; i < SASL_NMECHS; i++)	/* RFC 4422, 3.1 */
		assert_in_range(strlen(sasl_name((enum sasl_mech)i)), 1, 20);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(names_of_mechanisms),
		cmocka_unit_test(names_and_passwords),
		cmocka_unit_test(cram_md5),
		cmocka_unit_test(cram_md5_of_rfc_2195),
		cmocka_unit_test(challenges_differ),
		cmocka_unit_test(scram),
		cmocka_unit_test(scram_names_are_decoded),
		cmocka_unit_test(scram_plus),
		cmocka_unit_test(nonces_differ_and_have_144_bits),
		cmocka_unit_test(oauth),
		cmocka_unit_test(external),
		cmocka_unit_test(what_no_mechanism_takes),
		cmocka_unit_test(each_can_be_cancelled),
		cmocka_unit_test(what_cannot_be_said_is_not_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
