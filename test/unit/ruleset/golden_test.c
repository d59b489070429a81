/*
 * golden_test.c - disassembly and records as they are printed.
 *
 * Wanted texts are the files home.* and all.dis beside this one; WB_GOLDEN=write in the
 * environment writes them anew, to be read with git diff.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/fileio.h"
#include "ruleset/disasm.h"
#include "ruleset/image_int.h"
#include "ruleset/interp.h"
#include "test/unit/ruleset/sample_open.h"

static void
expect(const char *name, struct buf *got)
{
	char		 path[512];
	struct buf	 wanted = { 0 };
	const char	*mode = getenv("WB_GOLDEN");
	FILE		*f;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
	if (mode != NULL && strcmp(mode, "write") == 0) {
		assert_non_null(f = fopen(path, "w"));
		fputs(buf_cstr(got), f);
		assert_int_equal(fclose(f), 0);
	}
	assert_int_equal(file_read(path, 1 << 20, &wanted), 0);
	assert_string_equal(buf_cstr(got), buf_cstr(&wanted));
	buf_clear(&wanted);
	buf_clear(got);
}

static void
test_the_disassembly_of_a_policy(void **state)
{
	struct buf	out = { 0 };

	(void)state;
	rs_disasm(im, SPAN_NONE, &out);
	expect("home.dis", &out);
}

static void
test_the_disassembly_of_each_instruction(void **state)
{
	struct buf	 all = { 0 }, out = { 0 };
	struct rs_image	*image;
	const char	*why;

	(void)state;
	sample_all(&all);
	image = rs_image_open_mem(all.base + all.off, all.n, &why);
	assert_non_null(image);
	rs_disasm(image, SPAN_NONE, &out);
	rs_image_free(&image);
	buf_clear(&all);
	expect("all.dis", &out);
}

static void
test_the_disassembly_shows_the_source(void **state)
{
	struct buf	source = { 0 }, out = { 0 };
	const char	*text;

	(void)state;
	for (unsigned i = 1; i <= 36; i++)
		buf_addf(&source, "\tline %u of the policy \n", i);
	rs_disasm(im, buf_span(&source), &out);
	text = buf_cstr(&out);
	assert_non_null(strstr(text, "  ; 33: line 33 of the policy\n"));
	assert_non_null(strstr(text, "  ; 40: \n"));	/* beyond its end */
	buf_clear(&source);
	buf_clear(&out);
}

/* doc/image.md says of each section "3 INSNS (8": its number, name, size. */
static void
test_the_page_of_the_format_has_every_section(void **state)
{
	struct buf	 page = { 0 };
	char		 head[40], size[16];
	const char	*at;

	(void)state;
	assert_int_equal(file_read(GOLDEN "/../../../doc/image.md", 1 << 20,
	    &page), 0);
	for (unsigned i = 0; i < RS_NSECTIONS; i++) {
		snprintf(head, sizeof(head), " %u %s", i,
		    rs_sections[i].name);
		snprintf(size, sizeof(size), " (%u", rs_sections[i].record);
		if ((at = strstr(buf_cstr(&page), head)) == NULL) {
			head[0] = '*';
			at = strstr(buf_cstr(&page), head);
		}
		print_message("%s\n", head);
		assert_non_null(at);
		at += strlen(head);
		at += strspn(at, "*");
		assert_memory_equal(at, size, strlen(size));
	}
	buf_clear(&page);
}

static enum rs_answer
get_fact(void *ctx, struct rs_eval *ev, unsigned fact, struct rs_value *out)
{
	struct ip	ip;

	(void)ctx;
	(void)ev;
	if (fact == RS_FACT_CLIENT_IP) {
		assert_true(ip_parse(SPAN("203.0.113.9"), &ip));
		*out = rs_ip(&ip);
		return RS_HAVE;
	}
	if (fact != RS_FACT_RCPT)
		return RS_ABSENT;
	*out = rs_address(SPAN("no\tbody@murphy.example"));
	return RS_HAVE;
}

/* `ctx`: whether tables can be asked. */
static enum rs_answer
get_map(void *ctx, struct rs_eval *ev, uint32_t map,
    const struct rs_value *key, struct rs_value *out, uint32_t *line)
{
	(void)ev;
	(void)key;
	if (ctx != NULL)
		return RS_CANNOT;
	if (map != SAMPLE_ALIASES)
		return RS_ABSENT;
	*out = rs_text(RS_T_TEXT, SPAN("colin"));
	*line = 12;
	return RS_HAVE;
}

static const struct rs_world world = { .fact = get_fact, .map_get = get_map };

static void
run(struct rs_record *record, enum rs_hook hook, void *ctx)
{
	struct rs_eval		*ev = rs_eval_new(im, &world, ctx, record);
	struct rs_verdict	 v;

	record->ref = SPAN("s7.3");
	assert_int_equal(rs_eval_run(ev, rs_hook(im, hook), NULL, 0, &v),
	    RS_DONE);
	rs_eval_free(&ev);
}

static void
test_the_record_for_people(void **state)
{
	struct rs_record	record = { 0 };
	struct buf		out = { 0 };

	(void)state;
	run(&record, RS_HOOK_RCPT, NULL);
	rs_record_text(&record, im, "home.conf", &out);
	rs_record_clear(&record);
	run(&record, RS_HOOK_ROUTE, NULL);
	rs_record_text(&record, im, NULL, &out);
	rs_record_clear(&record);
	run(&record, RS_HOOK_ROUTE, &record);
	rs_record_text(&record, im, NULL, &out);
	rs_record_clear(&record);
	expect("home.txt", &out);
}

/* The policy's hash moves with every option that is declared: not the subject. */
static void
hide_hash(struct buf *out)
{
	char	*at = strstr(out->base, rs_image_hash(im));

	assert_non_null(at);
	memset(at, '#', strlen(rs_image_hash(im)));
}

static void
test_the_record_for_programs(void **state)
{
	struct rs_record	record = { 0 };
	struct buf		out = { 0 };

	(void)state;
	run(&record, RS_HOOK_RCPT, NULL);
	rs_record_json(&record, im, &out);
	rs_record_clear(&record);
	run(&record, RS_HOOK_ROUTE, &record);
	buf_add_char(&out, '\n');
	rs_record_json(&record, im, &out);
	buf_add_char(&out, '\n');
	(void)buf_cstr(&out);
	hide_hash(&out);
	hide_hash(&out);
	rs_record_clear(&record);
	expect("home.json", &out);
}

static const struct {
	enum rs_op	 op;
	const char	*text, *json;
} compares[] = {
	{ RS_EQ, "1 == 2", "\"name\":\"==\",\"key\":1,\"value\":2" },
	{ RS_LT, "1 < 2", "\"name\":\"<\"" },
	{ RS_LE, "1 <= 2", "\"name\":\"<=\"" },
	{ RS_GT, "1 > 2", "\"name\":\">\"" },
	{ RS_GE, "1 >= 2", "\"name\":\">=\"" },
};

static void
test_the_record_shows_both_sides_of_a_comparison(void **state)
{
	struct rs_record	record = { 0 };
	struct rs_step		step = { .kind = RS_STEP_COMPARE,
				    .key = rs_int(RS_T_INT, 1),
				    .value = rs_int(RS_T_INT, 2) };
	struct buf		out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(compares) / sizeof(compares[0]); i++) {
		step.number = compares[i].op;
		rs_record_add(&record, &step);
		rs_record_text(&record, im, NULL, &out);
		assert_non_null(strstr(buf_cstr(&out), compares[i].text));
		rs_record_json(&record, im, &out);
		assert_non_null(strstr(buf_cstr(&out), compares[i].json));
		rs_record_clear(&record);
		buf_reset(&out);
	}
	buf_clear(&out);
}

static void
test_a_long_text_is_cut_in_a_record(void **state)
{
	struct rs_record	record = { 0 };
	struct rs_step		step = { .kind = RS_STEP_RETURN };
	char			text[RS_RECORD_TEXT + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	step.value = rs_text(RS_T_TEXT, span_mem(text, sizeof(text) - 1));
	rs_record_add(&record, &step);
	step.value.s.n++;
	rs_record_add(&record, &step);
	assert_int_equal(record.steps[0].value.s.n, RS_RECORD_TEXT);
	assert_int_equal(record.steps[1].value.s.n, RS_RECORD_TEXT + 3);
	assert_memory_equal(record.steps[1].value.s.p + RS_RECORD_TEXT,
	    "...", 3);
	rs_record_clear(&record);
}

static void
test_a_record_is_cut_at_its_limit(void **state)
{
	struct rs_record	record = { 0 };
	struct rs_step		step = { .kind = RS_STEP_TEST };
	struct buf		out = { 0 };

	(void)state;
	for (unsigned i = 0; i < RS_RECORD_MAX; i++)
		rs_record_add(&record, &step);
	assert_false(record.cut);
	rs_record_add(&record, &step);
	assert_true(record.cut);
	assert_int_equal(record.n, RS_RECORD_MAX);
	rs_record_json(&record, im, &out);
	assert_non_null(strstr(buf_cstr(&out), "\"cut\":true"));
	rs_record_clear(&record);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_disassembly_of_a_policy),
		cmocka_unit_test(test_the_disassembly_of_each_instruction),
		cmocka_unit_test(test_the_disassembly_shows_the_source),
		cmocka_unit_test(test_the_page_of_the_format_has_every_section),
		cmocka_unit_test(test_the_record_for_people),
		cmocka_unit_test(test_the_record_for_programs),
		cmocka_unit_test(test_the_record_shows_both_sides_of_a_comparison),
		cmocka_unit_test(test_a_long_text_is_cut_in_a_record),
		cmocka_unit_test(test_a_record_is_cut_at_its_limit),
	};

	return cmocka_run_group_tests_name("ruleset/golden", tests,
	    sample_open, sample_close);
}
