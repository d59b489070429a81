/*
 * image_seed.c - writes the first corpus of image_fuzz:  image_seed FOLDER
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/unit/ruleset/sample.h"

static int
write_image(const char *folder, const char *name, const struct buf *image)
{
	char	 path[512];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(image->base + image->off, 1, image->n, f) != image->n ||
	    fclose(f) != 0) {
		perror(path);
		return -1;
	}
	return 0;
}

/* One function in which each instruction stands once, all operands zero where they may be. */
static void
all_instructions(struct buf *image)
{
	struct rs_build	*b = rs_build_new();
	struct rs_value	 zero = rs_int(RS_T_INT, 0);
	const char	*why;

	sample_tables(b);
	rs_build_func(b, SPAN("r"), RS_FUNC_RULESET, RS_HOOK_RCPT, NULL, 0,
	    RS_T_BOOL);
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
	rs_build_func(b, SPAN("h"), RS_FUNC_HOOK, RS_HOOK_CONTENT, NULL, 0,
	    RS_T_NONE);
	rs_build_rule(b, 0, 1, SPAN("rule"));
	rs_build_emit(b, RS_LOAD, 0, 0, rs_build_const(b, &zero), 1);
	for (unsigned op = RS_LOAD + 1; op < RS_NOPS; op++) {
		uint32_t	c = rs_ops[op].c == RS_TYPE_ ? RS_T_TEXT :
		    op == RS_TAG || op == RS_TAG_GET ?
		    rs_build_const(b, &zero) :
		    op == RS_RELAY ? 1 : 0;

		/* what would end the function is jumped over */
		if (rs_ops[op].a != RS_OUT_)
			rs_build_emit(b, RS_JUMP_UNKNOWN, 0, 0, 1, 2);
		if (op == RS_RETURN)
			op++;
		if (op == RS_SWITCH) {
			rs_build_switch(b, 0, RS_T_TEXT, 2);
			rs_build_case(b, SPAN("hello"));
			rs_build_emit(b, RS_DISCARD, 0, 0, 0, 2);
			rs_build_switch_end(b);
			continue;
		}
		rs_build_emit(b, (enum rs_op)op, 0, 0, c, 2);
	}
	rs_build_emit(b, RS_END, 0, 0, 0, 3);
	rs_build_func_end(b);
	if (rs_build_finish(b, image, &why) == -1) {
		fprintf(stderr, "image_seed: %s\n", why);
		exit(1);
	}
	rs_build_free(&b);
}

int
main(int argc, char **argv)
{
	struct buf	home = { 0 }, all = { 0 };
	int		rc = 0;

	if (argc != 2) {
		fputs("usage: image_seed FOLDER\n", stderr);
		return 2;
	}
	sample_home(&home, 3);
	all_instructions(&all);
	if (write_image(argv[1], "home", &home) == -1 ||
	    write_image(argv[1], "all", &all) == -1)
		rc = 1;
	buf_clear(&home);
	buf_clear(&all);
	return rc;
}
