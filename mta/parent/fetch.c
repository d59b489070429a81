/*
 * fetch.c - the file of the authorities, opened for whoever verifies servers.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/fetch.h"

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

void
fetch_send_config(const struct generation *g, struct chan *c)
{
	struct span	 file = rs_setting_text(generation_image(g),
	    RS_OPT_SERVER_authorities);
	char		*path;
	int		 fd;

	if (file.n == 0)
		return;
	path = xstrndup(file.p, file.n);
	fd = open_plain(path);
	free(path);
	if (fd == -1)
		return;
	chan_begin(c, MSG_CONFIG_AUTHORITIES);
	chan_u32(c, generation_number(g));
	chan_u32(c, AUTHORITIES_OF_ALL);
	chan_fd(c, fd);
	chan_end(c);
}

bool
fetch_wanted(const struct generation *g, uint32_t instance)
{
	(void)g;
	return instance == FETCH_STRANGERS;
}
