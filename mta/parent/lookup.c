/*
 * lookup.c - what the lookup process is for, and the passwords that it alone
 * is given: files that root opens and nobody reads here.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/lookup.h"
#include "mta/msg/msg.h"
#include "mta/parent/generation.h"
#include "mta/parent/generation_int.h"

bool
generation_asks_servers(const struct generation *g)
{
	const struct rs_image	*im = generation_image(g);
	uint32_t		 i;

	for (i = 0; i < rs_nmap(im); i++)
		if (rs_map_is_asked(im, i))
			return true;
	return false;
}

/*
 * Only plain files, as tables are; -1: said in the log, as is that everybody
 * may read it.
 */
int
gen_open_secret(const char *path)
{
	struct stat	st;
	int		fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if ((st.st_mode & S_IROTH) != 0)
			log_warnx("event=secret-exposed file=%s mode=%04o "
			    "why=\"everybody on this machine may read it\"",
			    log_quote(span_of(path)), st.st_mode & 07777);
		return fd;
	}
	if (fd == -1)
		log_warnx("event=secret-not-read file=%s why=\"%s\"",
		    log_quote(span_of(path)), strerror(errno));
	else {
		log_warnx("event=secret-not-read file=%s why=\"not a plain "
		    "file\"", log_quote(span_of(path)));
		close(fd);
		errno = 0;
	}
	return -1;
}

static bool
is_accounts(const struct rs_image *im, uint32_t map)
{
	return span_eq(rs_string(im, rs_map(im, map)->kind),
	    SPAN("accounts"));
}

void
generation_send_secrets(const struct generation *g, struct chan *c,
    bool accounts)
{
	const struct rs_image	*im = generation_image(g);
	struct span		 file;
	uint32_t		 i;
	char			*path;
	int			 fd;

	for (i = 0; i < rs_nmap(im); i++) {
		if (!rs_map_is_asked(im, i) ||
		    (accounts && !is_accounts(im, i)) ||
		    (file = rs_map_secret_file(im, i)).n == 0)
			continue;
		path = xstrndup(file.p, file.n);
		fd = gen_open_secret(path);
		free(path);
		if (fd == -1)
			continue;
		chan_begin(c, MSG_CONFIG_SECRET);
		chan_u32(c, generation_number(g));
		chan_u32(c, rs_map(im, i)->object);
		chan_u32(c, RS_OPT_MAP_login);
		chan_fd(c, fd);
		chan_end(c);
	}
}

/* Path of a secret that stands in a file; empty: it does not. */
static struct span
srs_file(const struct rs_image *im, const struct rs_optval *o)
{
	struct rs_place	p = rs_option_place(im, o, 0);
	struct rs_value	v;

	if (p.is_func || p.index == UINT32_MAX)
		return SPAN_NONE;
	v = rs_const(im, p.index);
	return v.type == RS_T_TEXT && span_prefix(v.s, SPAN("file:")) ?
	    span_from(v.s, 5) : SPAN_NONE;
}

static void
send_srs(const struct generation *g, struct chan *c, uint32_t block,
    struct span file)
{
	char	*path = xstrndup(file.n == 0 ? "" : file.p, file.n);
	int	 fd = gen_open_secret(path);

	free(path);
	if (fd == -1)
		return;
	chan_begin(c, MSG_CONFIG_SECRET);
	chan_u32(c, generation_number(g));
	chan_u32(c, block);
	chan_u32(c, RS_OPT_SRS_secret);
	chan_fd(c, fd);
	chan_end(c);
}

void
generation_send_srs(const struct generation *g, struct chan *c)
{
	const struct rs_image	*im = generation_image(g);
	const struct rs_optval	*o;
	uint32_t		 i;
	unsigned		 n;

	for (i = 0; i < rs_nobject(im); i++)
		for (n = 0; rs_object(im, i)->kind == RS_O_SRS &&
		    rs_option(im, i, RS_OPT_SRS_secret, n, &o); n++)
			send_srs(g, c, i, srs_file(im, o));
}

/* An error for people; NULL: it can be opened, and there is something in it. */
static char *
srs_mistake(struct span file, uint32_t line)
{
	char		*path = xstrndup(file.n == 0 ? "" : file.p, file.n);
	char		*why = NULL;
	struct stat	 st;
	int		 fd = gen_open_secret(path);

	if (fd == -1)
		why = xasprintf("the secret in '%s' (line %u of the policy) "
		    "cannot be read: %s", path, (unsigned)line,
		    errno == 0 ? "not a plain file" : strerror(errno));
	else if (fstat(fd, &st) == 0 && st.st_size == 0)
		why = xasprintf("the secret in '%s' (line %u of the policy) "
		    "is empty", path, (unsigned)line);
	if (fd != -1)
		close(fd);
	free(path);
	return why;
}

char *
generation_srs_mistake(const struct generation *g)
{
	const struct rs_image	*im = generation_image(g);
	const struct rs_optval	*o;
	char			*why = NULL;
	uint32_t		 i;
	unsigned		 n;

	for (i = 0; i < rs_nobject(im); i++)
		for (n = 0; why == NULL && rs_object(im, i)->kind ==
		    RS_O_SRS && rs_option(im, i, RS_OPT_SRS_secret, n, &o); n++)
			why = srs_mistake(srs_file(im, o), o->line);
	return why;
}
