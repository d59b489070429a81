/*
 * authorities.c - the files of authorities, opened for whoever verifies servers.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/authorities.h"
#include "mta/parent/generation_int.h"

/* Only plain files; -1: said in the log. */
static int
open_plain(const char *path)
{
	struct stat	st;
	int		fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		log_warn("authorities=%s", log_quote(span_of(path)));
	else if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		log_warnx("authorities=%s why=\"not a plain file\"",
		    log_quote(span_of(path)));
		close(fd);
		fd = -1;
	}
	return fd;
}

/* --- watching */

static uint64_t
look(struct span file)
{
	struct file_mark	 mark;
	struct stat		 st;
	char			*path;

	memset(&mark, 0, sizeof(mark));
	if (file.n == 0)
		return 0;
	path = xstrndup(file.p, file.n);
	if (stat(path, &st) == 0)
		file_mark_take(&st, &mark);
	free(path);
	return hash_fixed(span_mem(&mark, sizeof(mark)));
}

static struct span
file_of_all(const struct generation *g)
{
	return rs_setting_text(generation_image(g),
	    RS_OPT_SERVER_authorities);
}

/* Of a relay block; empty: it is none, or names no file. */
static struct span
file_of(const struct generation *g, uint32_t object)
{
	const struct rs_image	*im = generation_image(g);

	return rs_object(im, object)->kind != RS_O_RELAY ? SPAN_NONE :
	    rs_option_text(im, object, RS_OPT_RELAY_authorities);
}

uint64_t
authorities_look(const struct generation *g)
{
	uint64_t	sum = look(file_of_all(g));
	uint32_t	i;

	for (i = 0; i < rs_nobject(generation_image(g)); i++)
		sum = sum * 31 + look(file_of(g, i));
	return sum;
}

/* --- sending */

static void
send_file(const struct generation *g, struct chan *c, uint32_t object,
    struct span file)
{
	char	*path;
	int	 fd;

	if (file.n == 0)
		return;
	path = xstrndup(file.p, file.n);
	fd = open_plain(path);
	free(path);
	if (fd == -1)
		return;
	chan_begin(c, MSG_CONFIG_AUTHORITIES);
	chan_u32(c, generation_number(g));
	chan_u32(c, object);
	chan_fd(c, fd);
	chan_end(c);
}

void
authorities_send(const struct generation *g, struct chan *c)
{
	send_file(g, c, AUTHORITIES_OF_ALL, file_of_all(g));
}

void
authorities_send_relays(const struct generation *g, struct chan *c)
{
	uint32_t	i;

	for (i = 0; i < rs_nobject(generation_image(g)); i++)
		send_file(g, c, i, file_of(g, i));
}
