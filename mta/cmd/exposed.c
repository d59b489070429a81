/*
 * exposed.c - accounts files whose secrets everybody on the machine can read.
 */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/xalloc.h"
#include "maps/account.h"

#include "mta/cmd/cmd.h"

static void
on_item(void *arg, const struct account_item *i)
{
	bool	*has_secret = arg;

	*has_secret |= i->part == ACCOUNT_SECRET;
}

static void
on_entry(void *arg, const struct account_entry *e)
{
	const struct account_reader	 r = { on_item, NULL, arg };
	struct span			 name, secrets;

	if (e->raw.n > 0)
		(void)account_parse(e->raw, &r, &name, &secrets);
}

/* Another's file is not ours to close. */
static bool
is_open_to_all(int fd)
{
	struct stat	 st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IROTH) != 0 &&
	    (st.st_uid == 0 || st.st_uid == geteuid());
}

bool
cmd_exposed(const char *path)
{
	bool		 has_secret = false;
	const char	*why;
	int		 fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return false;
	if (is_open_to_all(fd))
		(void)accounts_each(fd, on_entry, &has_secret, &why);
	close(fd);
	return has_secret;
}

/* The text that a map of accounts is; NULL: it is none. */
static char *
file_of(const struct rs_image *im, uint32_t map)
{
	const struct rs_map_decl	*d = rs_map(im, map);
	struct span			 driver = rs_string(im, d->driver);
	struct span			 path;

	if (d->file == UINT32_MAX ||
	    !span_eq(rs_string(im, d->kind), SPAN("accounts")) ||
	    (!span_eq(driver, SPAN("text")) && !span_eq(driver, SPAN("gdbm"))))
		return NULL;
	path = rs_string(im, rs_file(im, d->file)->path);
	return xstrndup(path.p, path.n);
}

static size_t
each_exposed(const struct cf *cf, void (*cb)(void *, const char *), void *arg)
{
	struct span	 image = cf_image(cf);
	struct rs_image	*im;
	const char	*why;
	char		*path;
	uint32_t	 i;
	size_t		 n = 0;

	im = image.n == 0 ? NULL : rs_image_open_mem(image.p, image.n, &why);
	for (i = 0; im != NULL && i < rs_nmap(im); i++) {
		path = file_of(im, i);
		if (path != NULL && cmd_exposed(path)) {
			cb(arg, path);
			n++;
		}
		free(path);
	}
	rs_image_free(&im);
	return n;
}

void
cmd_say_exposed(const char *path)
{
	fprintf(stderr, "%s: warning: " CMD_EXPOSED "\n    help: "
	    CMD_EXPOSED_HELP "\n", path, path);
}

static void
say(void *arg, const char *path)
{
	(void)arg;
	cmd_say_exposed(path);
}

size_t
cmd_exposed_say_all(const struct cf *cf)
{
	return each_exposed(cf, say, NULL);
}

static void
add_json(void *arg, const char *path)
{
	json_str(arg, NULL, path);
}

void
cmd_exposed_json(const struct cf *cf, struct json *j)
{
	json_array(j, "exposed");
	(void)each_exposed(cf, add_json, j);
	json_array_end(j);
}
