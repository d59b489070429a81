/*
 * servers_test.c - rules wait for tables that servers have, ask each question
 * once, and ask tables that are made of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "mta/policy/policy_int.h"
#include "ruleset/build.h"

enum { NEAR, FAR, FURTHER, FIRST, UNION, PIPE, NAMES, DEEP, NMAPS };

static const struct span	near_lines[] = {
	SPAN("ann@x.example"), SPAN("near-exact"),
	SPAN("bob"), SPAN("near-local"),
	SPAN("list"), SPAN("n1, n2"),
};
static const struct span	names_lines[] = {
	SPAN("ann@x.example"), SPAN("list@x.example"),
	SPAN("bob@x.example"), SPAN("one, two"),
};
static const struct span	first_of[] = {
	SPAN("0"), SPAN("near"), SPAN("1"), SPAN("far")
};
static const struct span	union_of[] = {
	SPAN("0"), SPAN("far"), SPAN("1"), SPAN("near"), SPAN("2"),
	SPAN("further")
};
static const struct span	pipe_of[] = {
	SPAN("0"), SPAN("names"), SPAN("1"), SPAN("far")
};
static const struct span	deep_of[] = {
	SPAN("0"), SPAN("first"), SPAN("1"), SPAN("further")
};

/* --- a server that answers when the test says so */

#define ASKED_MAX	16
static struct server {
	struct {
		uint32_t		 map;
		char			 key[64];
		lookup_client_cb	*cb;
		void			*arg;
		bool			 open;
	} asked[ASKED_MAX];
	size_t	 n;
	unsigned cancelled;
} server;

static uint64_t
server_ask(void *ctx, uint32_t generation, uint32_t map,
    const struct map_question *q, lookup_client_cb *cb, void *arg)
{
	size_t	i = server.n++;

	assert_ptr_equal(ctx, &server);
	assert_int_equal(generation, 7);
	assert_true(i < ASKED_MAX);
	server.asked[i].map = map;
	snprintf(server.asked[i].key, sizeof(server.asked[i].key), "%.*s",
	    SPAN_ARG(q->key));
	server.asked[i].cb = cb;
	server.asked[i].arg = arg;
	server.asked[i].open = true;
	return i + 1;
}

static void
server_cancel(void *ctx, uint64_t ticket)
{
	assert_ptr_equal(ctx, &server);
	assert_true(server.asked[ticket - 1].open);
	server.asked[ticket - 1].open = false;
	server.cancelled++;
}

static void
server_says(size_t i, enum map_result is, enum map_rank rank,
    const char *value)
{
	struct map_answer	a = { .rank = rank };
	char			copy[64];

	assert_true(i < server.n && server.asked[i].open);
	server.asked[i].open = false;
	a.key = span_of(server.asked[i].key);
	if (value != NULL) {
		snprintf(copy, sizeof(copy), "%s", value);
		a.value = span_of(copy);
	}
	server.asked[i].cb(server.asked[i].arg, is,
	    is == MAP_FOUND ? &a : NULL);
	memset(copy, '?', sizeof(copy));	/* it was only borrowed */
}

/* --- */

static struct policy	*policy;
static struct asking	*asking;
static struct buf	 image;
static unsigned		 resumed;

static void
resume(void *arg)
{
	(void)arg;
	resumed++;
}

static void
map(struct rs_build *b, const char *name, const char *driver,
    const struct span *lines, size_t n)
{
	rs_build_map(b, span_of(name), span_of(driver), SPAN("aliases"),
	    UINT32_MAX, 1, lines, n / 2);
}

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static int
set_up(void **state)
{
	static const uint8_t	 sha256[32];
	struct policy_source	 src = {
		.quiet = true, .generation = 7,
		.lookup = { server_ask, server_cancel, &server }
	};
	struct rs_build		*b = rs_build_new();
	const char		*why;

	(void)state;
	memset(&server, 0, sizeof(server));
	rs_build_file(b, SPAN("/etc/waybill/t.conf"), 0, sha256);
	map(b, "near", "inline", near_lines, COUNT(near_lines));
	map(b, "far", "socket", NULL, 0);
	map(b, "further", "socket", NULL, 0);
	map(b, "first", "first", first_of, COUNT(first_of));
	map(b, "all", "union", union_of, COUNT(union_of));
	map(b, "pipe", "pipe", pipe_of, COUNT(pipe_of));
	map(b, "names", "inline", names_lines, COUNT(names_lines));
	map(b, "deep", "first", deep_of, COUNT(deep_of));
	buf_reset(&image);
	assert_int_equal(rs_build_finish(b, &image, &why), 0);
	rs_build_free(&b);
	src.image_mem = buf_span(&image);
	policy = policy_open(&src, &why);
	assert_non_null(policy);
	asking = asking_new(policy);
	asking->resume = resume;
	asking_reset(asking, NULL, NULL);
	asking->trace.on = true;
	resumed = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	asking_free(&asking);
	policy_unref(&policy);
	buf_clear(&image);
	return 0;
}

/* "far=value,near=value", in a buffer that the next call takes. */
static enum map_result
ask(uint32_t m, const char *address, char out[200])
{
	static const char *const	names[] = { "near", "far", "further",
					    "first", "all", "pipe", "names",
					    "deep" };
	struct span			s = span_of(address);
	struct map_question		q = {
		.ask = MAP_ASK_ADDRESS, .key = s,
		.at = (size_t)span_index(s, '@'), .detail_chars = SPAN("+")
	};
	struct table_answers		as;
	enum map_result			is = tables_ask(asking, m, &q, &as);
	size_t				i, n = 0;

	out[0] = '\0';
	for (i = 0; i < as.n; i++)
		n += (size_t)snprintf(out + n, 200 - n, "%s%s=%.*s",
		    i > 0 ? "," : "", names[as.all[i].map],
		    SPAN_ARG(as.all[i].a.value));
	return is;
}

/* "far[key]=value near[key]?": who had a part in the last answer. */
static const char *
traced(void)
{
	static char	out[200];
	struct rs_step	s;
	struct span	name;
	unsigned	i;
	size_t		n = 0;

	out[0] = '\0';
	for (i = 0; world_answered(asking, i, &s); i++) {
		assert_int_equal(s.kind, RS_STEP_ANSWER);
		name = rs_string(policy->image,
		    rs_map(policy->image, s.number)->name);
		n += (size_t)snprintf(out + n, sizeof(out) - n,
		    "%s%.*s[%.*s]", i > 0 ? " " : "", SPAN_ARG(name),
		    SPAN_ARG(s.key.s));
		if (s.value.type == RS_T_TEXT)
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    "=%.*s", SPAN_ARG(s.value.s));
		else if (s.value.type == RS_T_UNKNOWN)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "?");
	}
	return out;
}

static void
a_question_is_asked_once(void **state)
{
	char	out[200];

	(void)state;
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_WAIT);
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_WAIT);
	assert_int_equal(server.n, 1);
	assert_int_equal(resumed, 0);
	server_says(0, MAP_FOUND, MAP_EXACT, "a");
	assert_int_equal(resumed, 1);
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_FOUND);
	assert_string_equal(out, "far=a");
	assert_string_equal(traced(), "far[ann@x.example]=a");
	assert_int_equal(server.n, 1);
	assert_int_equal(ask(FAR, "eve@x.example", out), MAP_WAIT);
	assert_int_equal(server.n, 2);
	server_says(1, MAP_NONE, MAP_EXACT, NULL);
	assert_int_equal(ask(FAR, "eve@x.example", out), MAP_NONE);
	assert_int_equal(policy->tables[FAR].found, 1);
	assert_int_equal(policy->tables[FAR].none, 1);
}

static void
the_next_evaluation_asks_again(void **state)
{
	char	out[200];

	(void)state;
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_WAIT);
	server_says(0, MAP_FOUND, MAP_EXACT, "a");
	asking_reset(asking, NULL, NULL);
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_WAIT);
	assert_int_equal(server.n, 2);
	assert_int_equal(server.cancelled, 0);
	asking_reset(asking, NULL, NULL);	/* nobody waits any more */
	assert_int_equal(server.cancelled, 1);
}

static void
a_failure_is_counted_and_said(void **state)
{
	char	out[200];

	(void)state;
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_WAIT);
	server_says(0, MAP_LATER, MAP_EXACT, NULL);
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_LATER);
	assert_int_equal(policy->tables[FAR].failed, 1);
	asking_reset(asking, NULL, NULL);
	policy_map_failing(policy, FAR);
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_LATER);
	assert_int_equal(server.n, 1);
}

static void
a_test_says_what_is_in_a_servers_table(void **state)
{
	char	out[200];

	(void)state;
	map_add(policy_map(policy, FAR), SPAN("ann"), SPAN("mine"));
	assert_int_equal(ask(FAR, "ann@x.example", out), MAP_FOUND);
	assert_string_equal(out, "far=mine");
	assert_int_equal(ask(FAR, "eve@x.example", out), MAP_NONE);
	assert_int_equal(server.n, 0);
}

static void
first_of_takes_the_nearest_key(void **state)
{
	char	out[200];

	(void)state;
	/* An exact one ends it. */
	assert_int_equal(ask(FIRST, "ann@x.example", out), MAP_FOUND);
	assert_string_equal(out, "near=near-exact");
	assert_string_equal(traced(), "near[ann@x.example]=near-exact");
	assert_int_equal(server.n, 0);
	/* A nearer key of a later table counts. */
	assert_int_equal(ask(FIRST, "bob@x.example", out), MAP_WAIT);
	server_says(0, MAP_FOUND, MAP_EXACT, "far-exact");
	assert_int_equal(ask(FIRST, "bob@x.example", out), MAP_FOUND);
	assert_string_equal(out, "far=far-exact");
	assert_string_equal(traced(), "far[bob@x.example]=far-exact");
	/* Of equally near ones the first. */
	asking_reset(asking, NULL, NULL);
	asking->trace.on = true;
	assert_int_equal(ask(FIRST, "bob@x.example", out), MAP_WAIT);
	server_says(1, MAP_FOUND, MAP_LOCAL, "far-local");
	assert_int_equal(ask(FIRST, "bob@x.example", out), MAP_FOUND);
	assert_string_equal(out, "near=near-local");
	assert_string_equal(traced(), "near[bob]=near-local");
	/* What none has. */
	assert_int_equal(ask(FIRST, "eve@x.example", out), MAP_WAIT);
	server_says(2, MAP_NONE, MAP_EXACT, NULL);
	assert_int_equal(ask(FIRST, "eve@x.example", out), MAP_NONE);
	assert_string_equal(traced(), "");
}

static void
first_of_with_a_table_that_fails(void **state)
{
	char	out[200];

	(void)state;
	/* The server might have a nearer key than bob. */
	assert_int_equal(ask(FIRST, "bob@x.example", out), MAP_WAIT);
	server_says(0, MAP_LATER, MAP_EXACT, NULL);
	assert_int_equal(ask(FIRST, "bob@x.example", out), MAP_LATER);
	assert_string_equal(traced(), "far[bob@x.example]?");
	/* And none nearer than this. */
	assert_int_equal(ask(FIRST, "ann@x.example", out), MAP_FOUND);
	policy_map_failing(policy, NEAR);
	assert_int_equal(ask(FIRST, "ann@x.example", out), MAP_LATER);
}

static void
union_of_asks_all_at_the_same_time(void **state)
{
	char	out[200];

	(void)state;
	assert_int_equal(ask(UNION, "list@x.example", out), MAP_WAIT);
	assert_int_equal(server.n, 2);
	server_says(1, MAP_FOUND, MAP_EXACT, "g1");
	assert_int_equal(resumed, 0);
	server_says(0, MAP_FOUND, MAP_EXACT, "f1, f2");
	assert_int_equal(resumed, 1);
	assert_int_equal(ask(UNION, "list@x.example", out), MAP_FOUND);
	assert_string_equal(out, "far=f1, f2,near=n1, n2,further=g1");
	assert_string_equal(traced(), "far[list@x.example]=f1, f2 "
	    "near[list]=n1, n2 further[list@x.example]=g1");
	/* One that cannot say: a list with a hole in it would be wrong. */
	assert_int_equal(ask(UNION, "bob@x.example", out), MAP_WAIT);
	server_says(2, MAP_FOUND, MAP_EXACT, "f1");
	server_says(3, MAP_BROKEN, MAP_EXACT, NULL);
	assert_int_equal(ask(UNION, "bob@x.example", out), MAP_BROKEN);
	assert_string_equal(traced(), "far[bob@x.example]=f1 "
	    "near[bob]=near-local further[bob@x.example]?");
	/* One that has it is enough. */
	assert_int_equal(ask(UNION, "ann@x.example", out), MAP_WAIT);
	server_says(4, MAP_NONE, MAP_EXACT, NULL);
	server_says(5, MAP_NONE, MAP_EXACT, NULL);
	assert_int_equal(ask(UNION, "ann@x.example", out), MAP_FOUND);
	assert_string_equal(out, "near=near-exact");
}

static void
a_union_is_one_list_to_rules(void **state)
{
	struct rs_value	key = rs_address(SPAN("list@x.example")), v;
	uint32_t	line;

	(void)state;
	assert_int_equal(world_map_get(asking, asking->eval, UNION, &key, &v,
	    &line), RS_WAIT);
	server_says(0, MAP_FOUND, MAP_EXACT, "f1");
	server_says(1, MAP_NONE, MAP_EXACT, NULL);
	assert_int_equal(world_map_get(asking, asking->eval, UNION, &key, &v,
	    &line), RS_HAVE);
	assert_true(span_eq(v.s, SPAN("f1, n1, n2")));
	assert_false(v.tainted);
}

static void
pipe_of_asks_for_what_the_first_says(void **state)
{
	char	out[200];

	(void)state;
	assert_int_equal(ask(PIPE, "ann@x.example", out), MAP_WAIT);
	assert_string_equal(server.asked[0].key, "list@x.example");
	server_says(0, MAP_FOUND, MAP_LOCAL, "f1");
	assert_int_equal(ask(PIPE, "ann@x.example", out), MAP_FOUND);
	assert_string_equal(out, "far=f1");
	assert_string_equal(traced(),
	    "names[ann@x.example]=list@x.example far[list@x.example]=f1");
	assert_int_equal(ask(PIPE, "eve@x.example", out), MAP_NONE);
	assert_string_equal(traced(), "");
	assert_int_equal(server.n, 1);
	/* What is no key of the second cannot be asked for. */
	assert_int_equal(ask(PIPE, "bob@x.example", out), MAP_BROKEN);
	assert_string_equal(traced(), "names[bob@x.example]=one, two");
}

static void
tables_of_tables(void **state)
{
	char	out[200];

	(void)state;
	assert_int_equal(ask(DEEP, "bob@x.example", out), MAP_WAIT);
	server_says(0, MAP_NONE, MAP_EXACT, NULL);
	assert_int_equal(ask(DEEP, "bob@x.example", out), MAP_WAIT);
	assert_int_equal(server.asked[1].map, FURTHER);
	server_says(1, MAP_NONE, MAP_EXACT, NULL);
	assert_int_equal(ask(DEEP, "bob@x.example", out), MAP_FOUND);
	assert_string_equal(out, "near=near-local");
	assert_string_equal(traced(), "near[bob]=near-local");
}

static void
counters_by_table(void **state)
{
	struct buf	b = { 0 };
	char		out[200];

	(void)state;
	(void)ask(NEAR, "ann@x.example", out);
	(void)ask(NEAR, "eve@x.example", out);
	policy_tables_stats(policy, &b);
	assert_non_null(strstr(buf_cstr(&b),
	    "\"near\":{\"found\":1,\"none\":1,\"failed\":0}"));
	buf_clear(&b);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(a_question_is_asked_once),
		TEST(the_next_evaluation_asks_again),
		TEST(a_failure_is_counted_and_said),
		TEST(a_test_says_what_is_in_a_servers_table),
		TEST(first_of_takes_the_nearest_key),
		TEST(first_of_with_a_table_that_fails),
		TEST(union_of_asks_all_at_the_same_time),
		TEST(a_union_is_one_list_to_rules),
		TEST(pipe_of_asks_for_what_the_first_says),
		TEST(tables_of_tables),
		TEST(counters_by_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
