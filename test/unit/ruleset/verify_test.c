/*
 * verify_test.c - a valid image, and every way to spoil it that the verifier
 * must see.  The checksum is made right again each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "ruleset/build.h"
#include "ruleset/image_int.h"
#include "ruleset/pattern.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* Numbers in the image of make(). */
enum { C_TEXT, C_TAG, C_BOOL, C_IP, C_NET, C_MAP, C_SIZE, C_TIME };
enum { F_RULESET, F_EXPR, F_HOOK, F_REWRITE, F_SWITCH };
enum { O_SERVER, O_BOX, O_LIMITS, O_HOP, O_MILTER, O_MAP };

static struct buf	valid;

static uint32_t
constant(struct rs_build *b, struct rs_value v)
{
	return rs_build_const(b, &v);
}

static void
make_constants(struct rs_build *b)
{
	struct ip	ip;
	struct ipnet	net;

	assert_true(ip_parse(SPAN("192.0.2.1"), &ip));
	assert_true(ipnet_parse(SPAN("192.0.2.0/24"), &net));
	constant(b, rs_text(RS_T_TEXT, SPAN("hello")));
	constant(b, rs_int(RS_T_INT, 0));
	constant(b, rs_bool(true));
	constant(b, rs_ip(&ip));
	constant(b, rs_net(&net));
	constant(b, rs_int(RS_T_INT, 1));
	constant(b, rs_int(RS_T_SIZE, 4096));
	constant(b, rs_int(RS_T_TIME, 5000));
}

/* What MATCH, LIKE, LISTED and RATE name. */
static void
make_conditions(struct rs_build *b)
{
	uint32_t	x = rs_build_string(b, SPAN("x"));
	struct rs_token	parts[] = {
		{ RS_TOK_SOME, x, 0 }, { RS_TOK_AT, 0, 0 },
		{ RS_TOK_IN_SET, x, 0 },
	};
	struct rs_token	whole[] = { { RS_TOK_IN_MAP, x, 0 } };

	rs_build_list(b, SPAN("zen"), SPAN("zen.example"), 0, 3);
	rs_build_rate(b, SPAN("r"), RS_RATE_OF(100, 3600000), 4);
	rs_build_pattern(b, SPAN("{x}@{x in d}"), parts, 3);
	rs_build_pattern(b, SPAN("{x in m}"), whole, 1);
	rs_build_regex(b, SPAN("a+"), RS_REGEX_ICASE);
}

static void
make_tables(struct rs_build *b)
{
	static const uint8_t	sha[32];
	struct span		domains[] = { SPAN("a.example"),
				    SPAN(".b.example") };
	struct rs_value		ints[] = { rs_int(RS_T_INT, 7) };
	struct ipnet		net;

	rs_build_file(b, SPAN("/p.conf"), 0, sha);
	rs_build_file(b, SPAN("/table"), 2, sha);
	rs_build_map(b, SPAN("m"), SPAN("text"), SPAN("plain"), 1, 1, NULL, 0);
	rs_build_map(b, SPAN("n"), SPAN("inline"), SPAN("plain"), UINT32_MAX,
	    2, (struct span[]){ SPAN("k"), SPAN("v") }, 1);
	rs_build_reply(b, 550, SPAN("5.7.1"));
	rs_build_tag(b, SPAN("t"), RS_T_TEXT, C_TEXT);
	rs_build_domains(b, SPAN("d"), domains, 2);
	rs_build_values(b, SPAN("i"), RS_T_INT, ints, 1);
	assert_true(ipnet_parse(SPAN("10.0.0.0/8"), &net));
	rs_build_nets(b, SPAN("w"), &net, 1);
	make_conditions(b);
}

static void
make_small_functions(struct rs_build *b)
{
	uint8_t	args[] = { RS_T_ADDRESS };

	rs_build_func(b, SPAN("r"), RS_FUNC_RULESET, RS_HOOK_RCPT, args, 1,
	    RS_T_BOOL);
	rs_build_emit(b, RS_MOVE, 1, 0, 0, 5);
	rs_build_emit(b, RS_RETURN, 1, 0, 0, 5);
	rs_build_func_end(b);
	rs_build_func(b, SPAN("e"), RS_FUNC_EXPR, RS_HOOK_MAILBOX, NULL, 0,
	    RS_T_TEXT);
	rs_build_emit(b, RS_LOAD, 0, 0, C_TEXT, 6);
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 6);
	rs_build_func_end(b);
}

/* r1 is written by what the case skips to, and by the rest. */
static void
make_switch(struct rs_build *b)
{
	struct rs_value	hello = rs_text(RS_T_TEXT, SPAN("hello"));

	rs_build_func(b, SPAN("s"), RS_FUNC_EXPR, RS_HOOK_RCPT, NULL, 0,
	    RS_T_TEXT);
	rs_build_emit(b, RS_LOAD, 0, 0, C_TEXT, 7);
	rs_build_switch(b, 0, RS_T_TEXT, 7);
	rs_build_emit(b, RS_LOAD, 1, 0, C_TEXT, 7);
	rs_build_case(b, &hello);
	rs_build_emit(b, RS_LOAD, 1, 0, C_TEXT, 7);
	rs_build_emit(b, RS_RETURN, 1, 0, 0, 7);
	rs_build_switch_end(b);
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 7);
	rs_build_func_end(b);
}

static void
make_objects(struct rs_build *b)
{
	struct rs_place	text = { 0, C_TEXT }, map = { 0, C_MAP };
	struct rs_place	path = { 1, F_EXPR }, size = { 0, C_SIZE };
	uint32_t	o;

	o = rs_build_object(b, RS_O_SERVER, SPAN(""), 1);
	rs_build_option(b, o, RS_OPT_SERVER_hostname, false, 1, &text, 1);
	rs_build_option(b, o, RS_OPT_SERVER_detail, true, 0, &text, 1);
	o = rs_build_object(b, RS_O_MAILBOX, SPAN("box"), 2);
	rs_build_option(b, o, RS_OPT_MAILBOX_accounts, false, 2, &map, 1);
	rs_build_option(b, o, RS_OPT_MAILBOX_path, false, 2, &path, 1);
	o = rs_build_object(b, RS_O_LIMITS, SPAN(""), 3);
	rs_build_option(b, o, RS_OPT_LIMITS_message, false, 3, &size, 1);
	rs_build_object(b, RS_O_RELAY, SPAN("hop"), 4);
	rs_build_object(b, RS_O_MILTER, SPAN("spam"), 5);
	rs_build_map_more(b, 0, SPAN("/table"),
	    rs_build_object(b, RS_O_MAP, SPAN("m"), 6));
}

static void
make_rewrite(struct rs_build *b)
{
	uint8_t	arg = RS_T_ADDRESS;

	rs_build_func(b, SPAN("w"), RS_FUNC_HOOK, RS_HOOK_REWRITE_IN_RCPT,
	    &arg, 1, RS_T_ADDRESS);
	rs_build_emit(b, RS_LIKE, 1, 0, 0, 8);
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 8);
	rs_build_func_end(b);
}

/* Instructions that the tests below replace, one of each kind. */
static const struct rs_insn hook_code[] = {
	/* 0 */ { RS_RULE, 0, 0, 0 },
	/* 1 */ { RS_LOAD, 0, 0, C_TEXT },
	/* 2 */ { RS_FACT, 1, RS_FACT_RCPT, 0 },
	/* 3 */ { RS_JUMP_TRUE, 0, 0, 1 },
	/* 4 */ { RS_LOAD, 2, 0, C_TEXT },
	/* 5 */ { RS_LOAD, 2, 0, C_TEXT },
	/* 6 */ { RS_JOIN, 3, 0, 3 },
	/* 7 */ { RS_CALL, 3, 1, F_RULESET },
	/* 8 */ { RS_TEST, 3, 0, 1 },
	/* 9 */ { RS_REJECT, 0, 0, 0 },
	/* 10 */ { RS_END, 0, 0, 0 },
	/* and a function with a switch: make() */
};

static int
make(void **state)
{
	struct rs_build	*b = rs_build_new();
	const char	*why = "";

	(void)state;
	make_constants(b);
	make_tables(b);
	make_small_functions(b);
	make_objects(b);
	assert_int_equal(rs_build_func(b, SPAN("h"), RS_FUNC_HOOK,
	    RS_HOOK_RCPT, NULL, 0, RS_T_NONE), F_HOOK);
	rs_build_rule(b, 0, 9, SPAN("a => b"));
	for (size_t i = 0; i < COUNT(hook_code); i++)
		rs_build_emit(b, (enum rs_op)hook_code[i].op, hook_code[i].a,
		    hook_code[i].b, hook_code[i].c, 9);
	rs_build_func_end(b);
	make_rewrite(b);
	make_switch(b);
	if (rs_build_finish(b, &valid, &why) == -1)
		fail_msg("%s", why);
	rs_build_free(&b);
	return 0;
}

static int
unmake(void **state)
{
	(void)state;
	buf_clear(&valid);
	return 0;
}

static char *
copy_valid(void)
{
	return memcpy(xmalloc(valid.n), valid.base + valid.off, valid.n);
}

static void *
record(char *image, enum rs_section_kind kind, uint32_t i)
{
	const struct rs_section	*s = (const void *)(image +
	    sizeof(struct rs_header));

	return image + s[kind].offset + (size_t)i * s[kind].record;
}

/* Opens and, if it is accepted, closes. */
static const char *
opened(const char *image, size_t n)
{
	const char	*why = NULL;
	struct rs_image	*im = rs_image_open_mem(image, n, &why);

	if (im == NULL)
		return why;
	rs_image_free(&im);
	return "accepted";
}

static void
expect(char *image, const char *wanted)
{
	const char	*got;

	rs_image_seal(image, valid.n);
	got = opened(image, valid.n);
	if (strstr(got, wanted) == NULL)
		fail_msg("wanted \"%s\", got \"%s\"", wanted, got);
	free(image);
}

static void
test_the_valid_image_is_accepted(void **state)
{
	(void)state;
	expect(copy_valid(), "accepted");
}

#define HEADER(field) offsetof(struct rs_header, field)
static const struct { size_t at; uint64_t xor; const char *why; } headers[] = {
	{ HEADER(magic), 1, "not a compiled policy" },
	{ HEADER(version), 1, "another format" },
	{ HEADER(size), 8, "cut off" },
	{ HEADER(dialect), 1, "another version" },
	{ HEADER(nsections), 1, "number of sections" },
};

static void
test_each_field_of_the_header_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		char	*image = copy_valid();

		image[headers[i].at] ^= (char)headers[i].xor;
		expect(image, headers[i].why);
	}
}

static void
test_the_checksum_covers_every_octet_after_the_header(void **state)
{
	(void)state;
	for (size_t at = sizeof(struct rs_header); at < valid.n; at++) {
		char	*image = copy_valid();

		image[at] ^= 0x40;
		assert_string_equal(opened(image, valid.n),
		    "the image's checksum is wrong");
		free(image);
	}
}

static void
test_an_image_that_is_cut_off_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < valid.n; n += 8) {
		char			*image = copy_valid();
		struct rs_header	*h = (void *)image;

		if (n >= sizeof(*h)) {
			h->size = n;
			rs_image_seal(image, n);
		}
		assert_string_not_equal(opened(image, n), "accepted");
		free(image);
	}
}

static void
test_sections_stand_in_order_without_gaps(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RS_NSECTIONS; i++) {
		for (unsigned field = 0; field < 6; field++) {
			char			*image = copy_valid();
			struct rs_section	*s = (void *)(image +
			    sizeof(struct rs_header));

			if (field == 0)
				s[i].kind ^= 1;
			else if (field == 1)
				s[i].record ^= 1;
			else if (field == 2)
				s[i].offset += 8;
			else if (field == 3)
				s[i].offset = UINT64_MAX - 7;
			else if (field == 4)
				s[i].count = UINT64_MAX / 8 + 1;
			else
				s[i].count += 1000;
			expect(image, "ection");
		}
	}
}

static void
test_what_fills_up_a_section_is_zero(void **state)
{
	char			*image = copy_valid();
	const struct rs_section	*s = (const void *)(image +
	    sizeof(struct rs_header));
	uint64_t		 end = s[RS_S_LINES].offset +
	    s[RS_S_LINES].count * s[RS_S_LINES].record;

	(void)state;
	assert_int_not_equal(end % 8, 0);
	image[end] = 1;
	expect(image, "not zero");
}

/* One field of one record set to a value. */
struct spoiled {
	enum rs_section_kind	 kind;
	uint32_t		 i;
	size_t			 at, width;
	uint64_t		 value;
	const char		*why;
};

#define F(kind, i, type, field, value, why) \
	{ RS_S_##kind, i, offsetof(struct type, field), \
	    sizeof(((struct type *)0)->field), value, why }

static const struct spoiled spoiled[] = {
	F(STRINGS, 1, rs_string, offset, 0xfffffff0, "outside of the texts"),
	F(STRINGS, 1, rs_string, n, 0xffffffff, "outside of the texts"),
	F(STRINGS, 0, rs_string, n, 2, "end with a NUL"),
	F(CONSTS, C_TEXT, rs_const, type, RS_NTYPES, "no known type"),
	F(CONSTS, C_TEXT, rs_const, type, RS_T_UNKNOWN, "no known type"),
	F(CONSTS, C_TEXT, rs_const, pad, 1, "no known type"),
	F(CONSTS, C_TEXT, rs_const, string, 9999, "text is not there"),
	F(CONSTS, C_BOOL, rs_const, i, 2, "neither true nor false"),
	F(CONSTS, C_IP, rs_const, family, 5, "family of addresses"),
	F(CONSTS, C_NET, rs_const, family, 0, "no network"),
	F(CONSTS, C_NET, rs_const, family, 7, "family of addresses"),
	F(CONSTS, C_NET, rs_const, bits, 33, "no network"),
	F(CONSTS, C_NET, rs_const, bits, 8, "no network"),
	F(RULES, 0, rs_rule, func, 99, "function is not there"),
	F(RULES, 0, rs_rule, file, 99, "file is not there"),
	F(RULES, 0, rs_rule, text, 9999, "text is not there"),
	F(REPLIES, 0, rs_reply, code, 199, "code is none"),
	F(REPLIES, 0, rs_reply, code, 600, "code is none"),
	F(REPLIES, 0, rs_reply, pad, 1, "code is none"),
	F(REPLIES, 0, rs_reply, status, 9999, "status is not there"),
	F(MAPS, 0, rs_map_decl, name, 9999, "name, driver or kind"),
	F(MAPS, 0, rs_map_decl, driver, 9999, "name, driver or kind"),
	F(MAPS, 0, rs_map_decl, kind, 9999, "name, driver or kind"),
	F(MAPS, 0, rs_map_decl, file, 2, "file is not there"),
	F(MAPS, 1, rs_map_decl, first_entry, 2, "entries are not there"),
	F(MAPS, 1, rs_map_decl, nentries, 0xffffffff, "entries are not there"),
	F(ENTRIES, 0, rs_entry, key, 9999, "key or value"),
	F(ENTRIES, 0, rs_entry, value, 9999, "key or value"),
	F(FILES, 0, rs_file, path, 9999, "path is not there"),
	F(FILES, 0, rs_file, role, 4, "no known role"),
	F(TAGS, 0, rs_tag, name, 9999, "name is not there"),
	F(TAGS, 0, rs_tag, type, RS_NTYPES, "no known type"),
	F(TAGS, 0, rs_tag, type, RS_T_UNKNOWN, "no known type"),
	F(TAGS, 0, rs_tag, dflt, 99, "default is not there"),
	F(OBJECTS, 0, rs_object, kind, RS_NOBJECTS, "no known kind"),
	F(OBJECTS, 0, rs_object, name, 9999, "name is not there"),
	F(OBJECTS, 0, rs_object, first_option, 99, "options are not there"),
	F(OBJECTS, 0, rs_object, noptions, 0xffffffff, "options are not"),
	F(OBJECTS, 0, rs_object, kind, RS_O_LIMITS, "does not belong"),
	F(OBJECTS, 3, rs_object, kind, RS_O_LIMITS, "there twice"),
	F(OPTIONS, 0, rs_optval, option, RS_NOPTIONS, "does not belong"),
	F(OPTIONS, 1, rs_optval, option, RS_OPT_SERVER_hostname,
	    "there twice"),
	F(OPTIONS, 0, rs_optval, is_default, 2, "origin"),
	F(OPTIONS, 0, rs_optval, first_place, 99, "values are not there"),
	F(OPTIONS, 0, rs_optval, nplaces, 0, "values are not there"),
	F(OPTIONS, 0, rs_optval, nplaces, 0xffffffff, "values are not there"),
	F(OPTIONS, 0, rs_optval, nplaces, 2, "too many values"),
	F(PLACES, 0, rs_place, is_func, 2, "neither a constant"),
	F(PLACES, 0, rs_place, is_func, 1, "where none may"),
	F(PLACES, 0, rs_place, index, 99, "value is not there"),
	F(PLACES, 0, rs_place, index, C_SIZE, "another type"),
	F(PLACES, 2, rs_place, index, C_TEXT, "another type"),
	F(PLACES, 3, rs_place, index, 99, "expression is not there"),
	F(PLACES, 3, rs_place, index, F_HOOK, "expression is none"),
	F(PLACES, 3, rs_place, index, F_RULESET, "expression is none"),
	F(PLACES, 4, rs_place, index, C_TIME, "another type"),
	F(CONSTS, C_MAP, rs_const, i, 2, "map is not there"),
	F(CONSTS, C_MAP, rs_const, i, UINT64_MAX, "map is not there"),
	F(SETS, 0, rs_set, name, 9999, "name is not there"),
	F(SETS, 0, rs_set, type, RS_T_IP, "no known type"),
	F(SETS, 0, rs_set, nslots, 0, "power of two"),
	F(SETS, 0, rs_set, nslots, 3, "power of two"),
	F(SETS, 0, rs_set, nslots, 1u << 31, "table is not there"),
	F(SETS, 0, rs_set, first_slot, 1, "table is not there"),
	F(SETS, 1, rs_set, first_slot, 0, "table is not there"),
	F(SETS, 0, rs_set, nitems, 1, "miscounted"),
	F(NETS, 0, rs_nets, name, 9999, "name is not there"),
	F(NETS, 0, rs_nets, root[0], 99, "trie is not there"),
	F(NETS, 0, rs_nets, root[1], 99, "trie is not there"),
	F(NODES, 0, rs_node, child[3], 99, "nowhere, or back"),
	F(NODES, 0, rs_node, child[3], RS_NODE_FIRST, "nowhere, or back"),
	F(NODES, 1, rs_node, child[3], RS_NODE_FIRST, "nowhere, or back"),
	F(SWITCHES, 0, rs_switch, type, RS_T_NET, "no known type"),
	F(SWITCHES, 0, rs_switch, type, RS_T_IP, "no constant of its type"),
	F(SWITCHES, 0, rs_switch, type, RS_T_INT, "no constant of its type"),
	F(SWITCHES, 0, rs_switch, first_case, 1, "cases is not there"),
	F(SWITCHES, 0, rs_switch, ncases, 0, "power of two"),
	F(SWITCHES, 0, rs_switch, ncases, 3, "power of two"),
	F(SWITCHES, 0, rs_switch, ncases, 1u << 31, "cases is not there"),
	F(FUNCS, F_HOOK, rs_func, name, 9999, "name is not there"),
	F(FUNCS, F_HOOK, rs_func, kind, 3, "no known kind"),
	F(FUNCS, F_HOOK, rs_func, hook, RS_NHOOKS, "hook is not known"),
	F(FUNCS, F_HOOK, rs_func, nargs, 1, "has arguments"),
	F(FUNCS, F_RULESET, rs_func, nargs, 9, "too many registers"),
	F(FUNCS, F_RULESET, rs_func, nargs, 3, "too many registers"),
	F(FUNCS, F_RULESET, rs_func, nregs, 251, "too many registers"),
	F(FUNCS, F_RULESET, rs_func, nregs, 1, "does not have"),
	F(FUNCS, F_RULESET, rs_func, result, RS_NTYPES, "result"),
	F(FUNCS, F_RULESET, rs_func, arg_types[0], RS_NTYPES, "argument"),
	F(FUNCS, F_RULESET, rs_func, arg_types[1], 1, "argument"),
	F(FUNCS, F_RULESET, rs_func, pad[2], 1, "unused octets"),
	F(FUNCS, F_RULESET, rs_func, start, 1, "overlap"),
	F(FUNCS, F_RULESET, rs_func, end, 99, "code is not there"),
	F(FUNCS, F_RULESET, rs_func, end, 0, "code is not there"),
	F(FUNCS, F_RULESET, rs_func, end, 1, "runs out"),
	F(FUNCS, F_EXPR, rs_func, start, 1, "overlap"),
	F(FUNCS, F_RULESET, rs_func, kind, RS_FUNC_HOOK, "has arguments"),
	F(FUNCS, F_EXPR, rs_func, kind, RS_FUNC_HOOK, "expression is none"),
	F(FUNCS, F_RULESET, rs_func, nargs, 0, "argument is of no known type"),
	F(FUNCS, F_REWRITE, rs_func, nargs, 0, "not given one address"),
	F(FUNCS, F_REWRITE, rs_func, nargs, 2, "not given one address"),
	F(FUNCS, F_REWRITE, rs_func, arg_types[0], RS_T_TEXT, "one address"),
	F(FUNCS, F_REWRITE, rs_func, hook, RS_HOOK_MAIL, "has arguments"),
	F(CONSTS, C_TEXT, rs_const, type, RS_T_CLIENT, "no known type"),
	F(MAPS, 0, rs_map_decl, where, 9999, "map's place"),
	F(MAPS, 0, rs_map_decl, object, 9999, "map's options"),
	F(MAPS, 0, rs_map_decl, object, O_HOP, "map's options"),
	F(LISTS, 0, rs_list, name, 9999, "name or zone"),
	F(LISTS, 0, rs_list, zone, 9999, "name or zone"),
	F(LISTS, 0, rs_list, codes, 1, "codes are not there"),
	F(RATES, 0, rs_rate, name, 9999, "rate's name"),
	F(RATES, 0, rs_rate, rate, 0, "a rate is none"),
	F(RATES, 0, rs_rate, rate, (uint64_t)-1, "a rate is none"),
	F(RATES, 0, rs_rate, rate, 5, "a rate is none"),
	F(RATES, 0, rs_rate, rate, UINT64_C(5) << 36, "a rate is none"),
	F(PATTERNS, 0, rs_pattern, text, 9999, "pattern's text"),
	F(PATTERNS, 0, rs_pattern, n, RS_PATTERN_TOKENS + 1, "too many tokens"),
	F(PATTERNS, 0, rs_pattern, n, 5, "tokens are not there"),
	F(PATTERNS, 0, rs_pattern, first, 1, "tokens are not there"),
	F(PATTERNS, 1, rs_pattern, first, 0, "tokens are not there"),
	F(PATTERNS, 1, rs_pattern, n, 2, "tokens are not there"),
	F(TOKENS, 0, rs_token, kind, RS_TOK_NOT_MAP + 1, "no known kind"),
	F(TOKENS, 0, rs_token, kind, RS_TOK_AT, "two '@'"),
	F(TOKENS, 0, rs_token, string, 9999, "token's text"),
	F(TOKENS, 2, rs_token, index, 2, "token's set"),
	F(TOKENS, 3, rs_token, index, 2, "token's map"),
	F(REGEXES, 0, rs_regex, text, 9999, "expression's text"),
	F(REGEXES, 0, rs_regex, flags, 2, "unknown flags"),
};

static void
test_each_field_of_each_table_is_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(spoiled); i++) {
		const struct spoiled	*s = &spoiled[i];
		char			*image = copy_valid();

		print_message("%s %u: %s\n", rs_sections[s->kind].name, s->i,
		    s->why);
		memcpy((char *)record(image, s->kind, s->i) + s->at,
		    &s->value, s->width);
		expect(image, s->why);
	}
}

static void
spoil_slot(uint32_t item, uint32_t octets, const char *why)
{
	char		*image = copy_valid();
	struct rs_slot	*slot = record(image, RS_S_SLOTS, 0);
	uint32_t	 n;

	while (slot->item == 0)
		slot++;
	if (item != 0)
		slot->item = item;
	memcpy(&n, (char *)record(image, RS_S_ITEMS, 0) +
	    (slot->item - 1) * 4, item == 0 ? sizeof(n) : 0);
	if (octets != 0)
		memcpy((char *)record(image, RS_S_ITEMS, 0) +
		    (slot->item - 1) * 4, &octets, sizeof(octets));
	expect(image, why);
}

static void
test_items_of_sets_lie_where_items_lie(void **state)
{
	char			*image;
	struct rs_slot		*slot;
	const struct rs_set	*set;

	(void)state;
	spoil_slot(0xffffffff, 0, "outside of the items");
	spoil_slot(0, 0xffffffff, "longer than the items");

	/* the first item of the set of numbers has another length */
	image = copy_valid();
	set = record(image, RS_S_SETS, 1);
	slot = record(image, RS_S_SLOTS, set->first_slot);
	for (uint32_t i = 0; i < set->nslots; i++) {
		if (slot[i].item != 0)
			slot[i].item = 1;
	}
	expect(image, "set of numbers");

	/* a table without a free slot */
	image = copy_valid();
	set = record(image, RS_S_SETS, 1);
	slot = record(image, RS_S_SLOTS, set->first_slot);
	slot[0].item = slot[1].item = slot[0].item | slot[1].item;
	((struct rs_set *)record(image, RS_S_SETS, 1))->nitems = 2;
	expect(image, "full");
}

/* Instruction i of the hook replaced. */
static const struct { unsigned i; struct rs_insn in; const char *why; }
code[] = {
	{ 10, { RS_NOPS, 0, 0, 0 }, "not known" },
	{ 0, { RS_RULE, 1, 0, 0 }, "not zero" },
	{ 0, { RS_RULE, 0, 1, 0 }, "not zero" },
	{ 0, { RS_RULE, 0, 0, 1 }, "not in the image" },
	{ 10, { RS_END, 0, 0, 1 }, "not zero" },
	{ 1, { RS_LOAD, 4, 0, C_TEXT }, "writes a register" },
	{ 1, { RS_LOAD, 0, 0, 99 }, "constant is not there" },
	{ 1, { RS_MOVE, 0, 1, 0 }, "path has not written" },
	{ 1, { RS_MOVE, 0, 4, 0 }, "does not have" },
	{ 1, { RS_MOVE, 0, 0xffff, 0 }, "does not have" },
	{ 2, { RS_FACT, 1, RS_NFACTS, 0 }, "fact is not known" },
	{ 2, { RS_FIELD, 1, 0, RS_NFIELDS }, "part of an address" },
	{ 2, { RS_MASK, 1, 0, 33 }, "too many bits" },
	{ 2, { RS_MASK, 1, 0, 129 << 8 }, "too many bits" },
	{ 2, { RS_CONVERT, 1, 0, RS_T_UNKNOWN }, "type is not known" },
	{ 2, { RS_CONVERT, 1, 0, RS_NTYPES }, "type is not known" },
	{ 2, { RS_IN_SET, 1, 0, 2 }, "not in the image" },
	{ 2, { RS_IN_NETS, 1, 0, 1 }, "not in the image" },
	{ 2, { RS_MAP_GET, 1, 0, 2 }, "not in the image" },
	{ 2, { RS_COLUMN, 1, 0, 9999 }, "not in the image" },
	{ 2, { RS_HEADER_IN, 1, 2, 0 }, "not in the image" },
	{ 2, { RS_EQ, 1, 0, 1 }, "path has not written" },
	{ 2, { RS_EQ, 1, 0, 4 }, "does not have" },
	{ 2, { RS_EQ, 1, 0, 0xffffffff }, "does not have" },
	{ 2, { RS_DELIVER, 0, 0, 0 }, "another kind" },
	{ 2, { RS_DELIVER, 0, 0, 99 }, "block is not there" },
	{ 2, { RS_RELAY, 0, 0, 1 }, "another kind" },
	{ 2, { RS_TAG, 0, 0, C_TEXT }, "tag is not there" },
	{ 2, { RS_TAG, 0, 0, C_MAP }, "tag is not there" },
	{ 2, { RS_TAG_GET, 1, 0, C_MAP }, "tag is not there" },
	{ 2, { RS_RETURN, 0, 0, 0 }, "hook returns" },
	{ 3, { RS_JUMP_TRUE, 0, 0, 2 }, "path has not written" },
	{ 3, { RS_JUMP_TRUE, 0, 0, 7 }, "out of its function" },
	{ 3, { RS_JUMP_TRUE, 0, 0, 0xffffffff }, "out of its function" },
	{ 3, { RS_JUMP, 0, 0, 0xfffffffc }, "out of its function" },
	{ 6, { RS_JOIN, 3, 1, 3 }, "path has not written" },
	{ 6, { RS_JOIN, 3, 2, 3 }, "does not have" },
	{ 6, { RS_JOIN, 3, 0, 251 }, "count is too large" },
	{ 6, { RS_JOIN, 3, 0, 0xffffffff }, "count is too large" },
	{ 7, { RS_CALL, 3, 1, F_HOOK }, "downward" },
	{ 7, { RS_CALL, 3, 1, 99 }, "downward" },
	{ 7, { RS_CALL, 3, 1, F_EXPR }, "not a ruleset" },
	{ 7, { RS_CALL, 3, 4, F_RULESET }, "does not have" },
	{ 9, { RS_REJECT, 0, 0, 1 }, "not in the image" },
	{ 2, { RS_MATCH, 1, 0, 1 }, "not in the image" },
	{ 2, { RS_LIKE, 1, 0, 2 }, "not in the image" },
	{ 2, { RS_CAPTURE, 1, 0, 9999 }, "not in the image" },
	{ 2, { RS_ADDRESS, 1, 0, 2 }, "path has not written" },
	{ 2, { RS_LIST_EQ, 1, 0, RS_NLISTSOF }, "list is not known" },
	{ 2, { RS_LIST_IN, 1, 2, 0 }, "not in the image" },
	{ 2, { RS_LIST_MATCH, 1, 1, 0 }, "not in the image" },
	{ 2, { RS_HEADER_MATCH, 1, 1, 0 }, "not in the image" },
	{ 2, { RS_LISTED, 1, 0, 1 }, "not in the image" },
	{ 2, { RS_RATE, 1, 0, 1 }, "not in the image" },
	{ 2, { RS_GREYLISTED, 1, 0, C_TAG }, "time is none" },
	{ 2, { RS_GREYLISTED, 1, 0, 99 }, "constant is not there" },
	{ 2, { RS_REACHABLE, 1, 0, 2 }, "neither 0 nor 1" },
	{ 2, { RS_OWNED, 1, 0, 3 }, "path has not written" },
	{ 2, { RS_ACCESS_HAS, 1, RS_NROLES, 0 }, "role is not known" },
	{ 2, { RS_ACCESS_GET, 1, 0, 2 }, "not in the image" },
	{ 2, { RS_VERDICT, 1, 0, 0 }, "path has not written" },
	{ 2, { RS_VERDICT, 0, 0, 2 }, "not in the image" },
	{ 7, { RS_APPLY, 0, 1, F_HOOK }, "downward" },
	{ 7, { RS_APPLY, 0, 1, F_EXPR }, "not a ruleset" },
	{ 7, { RS_APPLY, 0, 1, F_RULESET }, "gives no verdict" },
	{ 2, { RS_PIPE, 0, 0, 9999 }, "not in the image" },
	{ 2, { RS_DELAY, 0, 0, C_SIZE }, "time is none" },
	{ 2, { RS_HIDE, 0, 0, C_SIZE }, "no extension" },
	{ 2, { RS_HIDE, 0, 0, C_TAG }, "no extension" },
	{ 2, { RS_HIDE, 0, 0, 99 }, "constant is not there" },
	{ 2, { RS_MILTER_USE, 0, 0, O_HOP }, "another kind" },
	{ 2, { RS_MILTER_SKIP, 0, 0, 99 }, "block is not there" },
	{ 2, { RS_QUARANTINE, 0, 0, 1 }, "not zero" },
	{ 10, { RS_QUARANTINE, 0, 0, 0 }, "accepted" },
	{ 10, { RS_VERDICT, 0, 0, 0 }, "runs out" },
	{ 2, { RS_DELAY, 0, 0, C_TIME }, "path has not written" },
	{ 5, { RS_DELAY, 0, 0, C_TIME }, "path has not written" },
	{ 10, { RS_JUMP, 0, 0, 0 }, "out of its function" },
	{ 10, { RS_LOAD, 0, 0, C_TEXT }, "runs out" },
	{ 8, { RS_LOAD, 0, 0, C_TEXT }, "accepted" },
	{ 3, { RS_JUMP_TRUE, 0, 0, 0 }, "accepted" },
	{ 6, { RS_JOIN, 3, 0, 0 }, "accepted" },
	/* 4 is not reached: what it reads does not matter */
	{ 3, { RS_JUMP, 0, 0, 1 }, "accepted" },
};

static void
test_each_operand_is_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(code); i++) {
		char			*image = copy_valid();
		const struct rs_func	*f = record(image, RS_S_FUNCS, F_HOOK);

		print_message("%u %s: %s\n", code[i].i,
		    code[i].in.op < RS_NOPS ? rs_ops[code[i].in.op].name : "",
		    code[i].why);
		memcpy(record(image, RS_S_INSNS, f->start + code[i].i),
		    &code[i].in, sizeof(code[i].in));
		expect(image, code[i].why);
	}
}

/* The text of the expression "a+" made "(+", which is none. */
static void
test_an_expression_that_is_none_is_refused(void **state)
{
	char			*image = copy_valid();
	const struct rs_regex	*re = record(image, RS_S_REGEXES, 0);
	const struct rs_string	*s = record(image, RS_S_STRINGS, re->text);

	(void)state;
	*(char *)record(image, RS_S_TEXT, s->offset) = '(';
	expect(image, "REGEXES 0: at octet 1:");
}

static void
test_a_register_must_be_written_on_both_paths(void **state)
{
	char			*image = copy_valid();
	const struct rs_func	*f = record(image, RS_S_FUNCS, F_HOOK);
	struct rs_insn		*in = record(image, RS_S_INSNS, f->start);

	(void)state;
	in[5] = (struct rs_insn){ RS_LOAD, 0, 0, C_TEXT };
	expect(image, "instruction 10: an instruction reads a register that "
	    "a path has not written");
}

static void
test_unreachable_code_is_checked_all_the_same(void **state)
{
	char			*image = copy_valid();
	const struct rs_func	*f = record(image, RS_S_FUNCS, F_HOOK);
	struct rs_insn		*in = record(image, RS_S_INSNS, f->start);

	(void)state;
	in[3] = (struct rs_insn){ RS_JUMP, 0, 0, 1 };
	in[4] = (struct rs_insn){ RS_LOAD, 0, 0, 99 };
	expect(image, "constant is not there");
}

static struct rs_case *
first_case(char *image)
{
	struct rs_case	*c = record(image, RS_S_CASES, 0);

	while (c->string == RS_NO_INDEX)
		c++;
	return c;
}

static struct rs_insn *
switch_insn(char *image)
{
	const struct rs_func	*f = record(image, RS_S_FUNCS, F_SWITCH);

	return record(image, RS_S_INSNS, f->start + 1);
}

static void
test_cases_lead_to_what_is_there(void **state)
{
	char		*image = copy_valid();
	struct rs_case	*c;

	(void)state;
	first_case(image)->skip = 5;
	expect(image, "a case leads out of its function");
	image = copy_valid();
	first_case(image)->skip = 2;	/* past the second LOAD */
	expect(image, "path has not written");
	image = copy_valid();
	first_case(image)->string = 9999;
	expect(image, "case's text is not there");
	image = copy_valid();
	c = record(image, RS_S_CASES, 0);
	c[0].string = c[1].string = 0;
	expect(image, "full");
	image = copy_valid();
	switch_insn(image)->b = 1;
	expect(image, "not its own");
	image = copy_valid();
	switch_insn(image)->c = 99;
	expect(image, "out of its function");
	image = copy_valid();
	*switch_insn(image) = (struct rs_insn){ RS_JUMP, 0, 0, 0 };
	expect(image, "belong to no instruction");
}

static void
test_no_code_lies_behind_the_last_function(void **state)
{
	char		*image = copy_valid();
	struct rs_func	*f = record(image, RS_S_FUNCS, F_SWITCH);
	struct rs_insn	*in = record(image, RS_S_INSNS, f->start);

	(void)state;
	in[1].c = 0;
	f->end--;		/* ends in the RETURN before the last */
	expect(image, "behind the last function");
}

/* n rulesets, each of which calls the one before so many times. */
static const char *
tower(unsigned n, unsigned times)
{
	struct rs_build	*b = rs_build_new();
	struct buf	 out = { 0 };
	const char	*why = "accepted";

	rs_build_const(b, &(struct rs_value){ .type = RS_T_BOOL, .i = 1 });
	for (unsigned i = 0; i < n; i++) {
		rs_build_func(b, SPAN("f"), RS_FUNC_RULESET, RS_HOOK_RCPT,
		    NULL, 0, RS_T_BOOL);
		rs_build_emit(b, RS_LOAD, 0, 0, 0, 1);
		for (unsigned k = 0; i > 0 && k < times; k++)
			rs_build_emit(b, RS_CALL, 0, 0, i - 1, 1);
		rs_build_emit(b, RS_RETURN, 0, 0, 0, 1);
		rs_build_func_end(b);
	}
	if (rs_build_finish(b, &out, &why) == 0)
		why = "accepted";
	rs_build_free(&b);
	buf_clear(&out);
	return why;
}

static void
test_calls_are_bounded_in_depth_and_in_number(void **state)
{
	(void)state;
	assert_string_equal(tower(RS_CALL_DEPTH, 1), "accepted");
	assert_non_null(strstr(tower(RS_CALL_DEPTH + 1, 1), "too deep"));
	assert_non_null(strstr(tower(RS_CALL_DEPTH, 2), "too many steps"));
	assert_non_null(strstr(tower(7, 60), "too many steps"));
}

static void
test_a_hook_has_one_function(void **state)
{
	struct rs_build	*b = rs_build_new();
	struct buf	 out = { 0 };
	const char	*why = "";

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rs_build_func(b, SPAN("h"), RS_FUNC_HOOK, RS_HOOK_MAIL, NULL,
		    0, RS_T_NONE);
		rs_build_emit(b, RS_END, 0, 0, 0, 1);
		rs_build_func_end(b);
	}
	assert_int_equal(rs_build_finish(b, &out, &why), -1);
	assert_non_null(strstr(why, "two functions"));
	assert_int_equal(out.n, 0);
	rs_build_free(&b);
}

static void
test_the_builder_tells_what_cannot_be(void **state)
{
	struct rs_build	*b = rs_build_new();
	struct buf	 out = { 0 };
	const char	*why = "";

	(void)state;
	rs_build_func(b, SPAN("h"), RS_FUNC_HOOK, RS_HOOK_MAIL, NULL, 0,
	    RS_T_NONE);
	rs_build_emit(b, RS_LOAD, RS_REGISTERS, 0, 0, 1);
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
	assert_int_equal(rs_build_finish(b, &out, &why), -1);
	assert_non_null(strstr(why, "250 registers"));
	rs_build_free(&b);
}

/* Whatever one octet says: accepted or refused, but nothing worse. */
static void
test_no_octet_leads_outside(void **state)
{
	static const unsigned char	values[] = { 0x00, 0x01, 0x7f, 0xff };
	unsigned			accepted = 0, refused = 0;

	(void)state;
	for (size_t at = sizeof(struct rs_header); at < valid.n; at++) {
		for (size_t k = 0; k < COUNT(values); k++) {
			char	*image = copy_valid();

			image[at] = (char)values[k];
			rs_image_seal(image, valid.n);
			if (strcmp(opened(image, valid.n), "accepted") == 0)
				accepted++;
			else
				refused++;
			free(image);
		}
	}
	assert_in_range(accepted, 1, 4 * valid.n);
	assert_in_range(refused, 1, 4 * valid.n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_valid_image_is_accepted),
		cmocka_unit_test(test_each_field_of_the_header_counts),
		cmocka_unit_test(test_the_checksum_covers_every_octet_after_the_header),
		cmocka_unit_test(test_an_image_that_is_cut_off_is_refused),
		cmocka_unit_test(test_sections_stand_in_order_without_gaps),
		cmocka_unit_test(test_what_fills_up_a_section_is_zero),
		cmocka_unit_test(test_each_field_of_each_table_is_checked),
		cmocka_unit_test(test_items_of_sets_lie_where_items_lie),
		cmocka_unit_test(test_each_operand_is_checked),
		cmocka_unit_test(test_an_expression_that_is_none_is_refused),
		cmocka_unit_test(test_a_register_must_be_written_on_both_paths),
		cmocka_unit_test(test_unreachable_code_is_checked_all_the_same),
		cmocka_unit_test(test_cases_lead_to_what_is_there),
		cmocka_unit_test(test_no_code_lies_behind_the_last_function),
		cmocka_unit_test(test_calls_are_bounded_in_depth_and_in_number),
		cmocka_unit_test(test_a_hook_has_one_function),
		cmocka_unit_test(test_the_builder_tells_what_cannot_be),
		cmocka_unit_test(test_no_octet_leads_outside),
	};

	return cmocka_run_group_tests_name("ruleset/verify", tests, make,
	    unmake);
}
