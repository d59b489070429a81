/*
 * programs.c - sessions of programs of this machine.
 */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "mta/msg/msg.h"
#include "mta/smtp/admit.h"
#include "mta/smtp/programs.h"
#include "mta/smtp/server.h"

#define LOGIN_MAX	255	/* octets of a user's name */

static bool
make_ours(int fd)
{
	int	flags = fcntl(fd, F_GETFL);

	return flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static void
enter(struct server *sv, int fd, uint32_t uid, struct span login)
{
	struct origin	 o;

	if (sv->gen == NULL || sv->stopping || !make_ours(fd)) {
		close(fd);	/* it leaves its mail in the drop folder */
		return;
	}
	origin_of_program(&o, uid, login);
	admit_connection(sv, sv->gen, fd, &o, &sv->gen->programs);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	uint32_t	uid;
	struct span	login;
	int		fd;

	(void)c;
	if (m->type != MSG_PROGRAM)
		return false;
	uid = msg_u32(m);
	login = msg_bytes(m, LOGIN_MAX);
	fd = msg_fd(m);
	if (!msg_end(m) || login.n == 0) {
		if (fd != -1)
			close(fd);
		return false;
	}
	enter(arg, fd, uid, login);
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct server	*sv = arg;

	(void)c;
	sv->pickup = NULL;
}

void
programs_attach(struct server *sv, int fd)
{
	static const struct chan_ops	ops = { on_message, on_closed };

	programs_detach(sv);
	sv->pickup = chan_new(fd, "pickup", &ops, sv);
}

void
programs_detach(struct server *sv)
{
	if (sv->pickup != NULL)
		chan_free(&sv->pickup);
}

struct span
programs_domain(const struct session *s)
{
	return s->door->domain.n > 0 ? s->door->domain :
	    policy_home_domain(s->gen->policy);
}
