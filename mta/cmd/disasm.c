/*
 * disasm.c - `waybill disasm IMAGE|FILE`: instructions beside their source.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "ruleset/disasm.h"

#include "mta/cmd/cmd.h"

#define SOURCE_MAX	(16u << 20)	/* octets of a policy's text */

/* The policy text that the image was made of, where it is still there. */
static void
read_source(const struct rs_image *im, struct buf *out)
{
	struct span	 path;
	char		*name;

	if (rs_nfile(im) == 0)
		return;
	path = rs_string(im, rs_file(im, 0)->path);
	name = xstrndup(path.n == 0 ? "" : path.p, path.n);
	if (file_read(name, SOURCE_MAX, out) == -1)
		buf_clear(out);
	free(name);
}

static int
print(const struct rs_image *im)
{
	struct buf	source = { 0 }, out = { 0 };

	read_source(im, &source);
	rs_disasm(im, buf_span(&source), &out);
	cmd_write(&out);
	buf_clear(&source);
	return CMD_OK;
}

static int
of_policy(const char *path)
{
	struct rs_image	*im;
	struct cf	*cf;
	struct span	 octets;
	const char	*why;
	int		 status;

	if ((cf = cmd_load(path, &status)) == NULL)
		return status;
	octets = cf_image(cf);
	im = rs_image_open_mem(octets.p, octets.n, &why);
	if (im == NULL) {
		fprintf(stderr, "waybill disasm: %s: %s\n", path, why);
		status = CMD_NO;
	} else
		status = print(im);
	rs_image_free(&im);
	cf_free(&cf);
	return status;
}

/* An image begins with its magic; all else is a policy. */
static bool
is_image(int fd)
{
	char	magic[8];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, "WBIMAGE2", sizeof(magic)) == 0;
}

int
cmd_disasm(int argc, char **argv)
{
	const struct cmd_opt	 opts[] = { { OPT_END, NULL, 0, { NULL } } };
	struct rs_image		*im;
	const char		*why;
	int			 fd, n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which image or policy?");
	if ((fd = open(argv[1], O_RDONLY | O_CLOEXEC)) == -1) {
		fprintf(stderr, "waybill disasm: %s: %s\n", argv[1],
		    strerror(errno));
		return CMD_USAGE;
	}
	if (!is_image(fd)) {
		close(fd);
		return of_policy(argv[1]);
	}
	if ((im = rs_image_open(fd, &why)) == NULL) {
		fprintf(stderr, "waybill disasm: %s: %s\n", argv[1], why);
		status = CMD_NO;
	} else
		status = print(im);
	rs_image_free(&im);
	close(fd);
	return status;
}
