/*
 * fmt.c - `waybill fmt FILE`: the one way to lay out a policy.
 */
#include "config.h"

#include "base/fileio.h"
#include "mta/cmd/cmd.h"

#include <stdio.h>

/* Whether the file is laid out so already. */
static bool
is_laid_out(const char *path, const struct buf *want)
{
	struct buf	 text = { 0 };
	bool		 same;

	same = file_read(path, want->n + 1, &text) == 0 &&
	    span_eq(buf_span(&text), buf_span(want));
	buf_clear(&text);
	return same;
}

int
cmd_fmt(int argc, char **argv)
{
	bool			 check = false;
	const struct cmd_opt	 opts[] = {
		{ OPT_FLAG, "check", 0, { .flag = &check } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct buf		 out = { 0 };
	struct cf		*cf;
	int			 n, io, status = CMD_OK;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which policy?");
	cf = cf_layout(argv[1], &out, &io);
	cmd_say_diags(cf, true);
	if (cf_errors(cf) > 0) {
		status = io == -1 ? CMD_USAGE : CMD_NO;
	} else if (check && !is_laid_out(argv[1], &out)) {
		printf("%s: not laid out\n", argv[1]);
		status = CMD_NO;
	} else if (!check) {
		cmd_write(&out);
	}
	buf_clear(&out);
	cf_free(&cf);
	return status;
}
