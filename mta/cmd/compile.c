/*
 * compile.c - `waybill compile FILE -o IMAGE`: the image, whole or not at all.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"

/* A device or a pipe is written to; it stays what it is. */
static int
write_into(const char *path, struct span image)
{
	int	fd, r;

	if ((fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC)) == -1)
		return -1;
	r = file_write_all(fd, image.p, image.n);
	if (close(fd) == -1)
		r = -1;
	return r;
}

/* Written beside and renamed, so that a reader has the old one or the new. */
static int
write_image(const char *path, struct span image)
{
	const char	*slash = strrchr(path, '/');
	struct stat	 st;
	char		*dir;
	int		 dirfd, r;

	if (strcmp(path, "-") == 0)
		return file_write_all(STDOUT_FILENO, image.p, image.n);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_into(path, image);
	dir = slash == NULL ? xstrdup(".") : slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (dirfd == -1)
		return -1;
	r = file_replace(dirfd, slash == NULL ? path : slash + 1, image.p,
	    image.n, 0644);
	close(dirfd);
	return r;
}

int
cmd_compile(int argc, char **argv)
{
	const char		*out = NULL;
	bool			 for_run = false, for_start = false;
	bool			 settings = false;
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "output", 'o', { .text = &out } },
		{ OPT_FLAG, "for-run", 0, { .flag = &for_run } },
		{ OPT_FLAG, "for-start", 0, { .flag = &for_start } },
		{ OPT_FLAG, "settings", 0, { .flag = &settings } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct cf		*cf;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1 || out == NULL)
		return cmd_usage(argv[0], n != 1 ? "which policy?" :
		    "where to? (-o IMAGE)");
	if ((cf = cmd_load_for(argv[1], for_run ? CF_TABLES_FOR_RELOAD :
	    for_start ? CF_TABLES_FOR_START : settings ?
	    CF_TABLES_NOT : CF_TABLES_READ, &status)) == NULL)
		return status;
	if ((for_run || for_start) && cmd_say_unserved(cf))
		status = CMD_NO;
	else if (write_image(out, cf_image(cf)) == -1) {
		fprintf(stderr, "waybill compile: %s: %s\n", out,
		    strerror(errno));
		status = CMD_USAGE;
	}
	cf_free(&cf);
	return status;
}
