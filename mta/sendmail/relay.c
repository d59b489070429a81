/*
 * relay.c - sendmail -bs: SMTP on standard input and output.
 *
 * Octets go both ways as they come; the server sees the socket, and so whose
 * program it is.  Where it is not there the client is told so, once, in the
 * place of the greeting (RFC 5321, 3.8 and 4.3.2).
 */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fileio.h"
#include "mta/sendmail/sendmail.h"
#include "mta/submit/submit.h"

#define PIECE	16384

struct way {
	int	from, to;
	bool	open;
	bool	by_socket;	/* to is shut down, not only left */
};

/* False: to is gone. */
static bool
carry(struct way *w)
{
	char	piece[PIECE];
	ssize_t	n = read(w->from, piece, sizeof(piece));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n > 0)
		return file_write_all(w->to, piece, (size_t)n) == 0;
	w->open = false;
	if (w->by_socket)
		(void)shutdown(w->to, SHUT_WR);
	return true;
}

/* Until the server has closed; the client may close before that. */
static int
carry_all(int fd)
{
	struct way	in = { STDIN_FILENO, fd, true, true };
	struct way	out = { fd, STDOUT_FILENO, true, false };
	struct pollfd	p[2];

	while (out.open) {
		p[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = in.open ? STDIN_FILENO : -1,
		    .events = POLLIN };
		if (poll(p, 2, -1) == -1) {
			if (errno != EINTR)
				return EX_OSERR;
			continue;
		}
		if (p[0].revents != 0 && !carry(&out))
			return EX_IOERR;
		if (p[1].revents != 0 && out.open && !carry(&in))
			in.open = false;	/* its last words may come yet */
	}
	return EX_OK;
}

int
relay_smtp(void)
{
	int	fd, status;

	(void)signal(SIGPIPE, SIG_IGN);
	if ((fd = submit_connect(drop_spool())) == -1) {
		printf("421 4.3.2 the mail server is not there (%s); please "
		    "come again\r\n", strerror(errno));
		return fflush(stdout) == 0 ? EX_TEMPFAIL : EX_IOERR;
	}
	status = carry_all(fd);
	close(fd);
	return status;
}
