/*
 * authorities.c - the files of authorities, opened for whoever verifies servers.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/authorities.h"

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
	send_file(g, c, AUTHORITIES_OF_ALL,
	    rs_setting_text(generation_image(g), RS_OPT_SERVER_authorities));
}

void
authorities_send_relays(const struct generation *g, struct chan *c)
{
	const struct rs_image	*im = generation_image(g);
	uint32_t		 i;

	for (i = 0; i < rs_nobject(im); i++)
		if (rs_object(im, i)->kind == RS_O_RELAY)
			send_file(g, c, i, rs_option_text(im, i,
			    RS_OPT_RELAY_authorities));
}
