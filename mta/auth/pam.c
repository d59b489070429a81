/*
 * pam.c - questions to PAM that are open.
 */
#include "config.h"

#include <sys/queue.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/auth/pam.h"

struct pending {
	TAILQ_ENTRY(pending)	 entry;
	uint64_t		 ticket;
	pam_cb			*cb;
	void			*arg;
	struct timer		 timer;
};

static TAILQ_HEAD(, pending)	 open_questions =
    TAILQ_HEAD_INITIALIZER(open_questions);
static uint64_t			 last_ticket;

static void
finish(struct pending *p, enum auth_result is)
{
	pam_cb	*cb = p->cb;
	void	*arg = p->arg;

	TAILQ_REMOVE(&open_questions, p, entry);
	timer_clear(&p->timer);
	free(p);
	cb(arg, is);
}

static void
on_late(void *arg)
{
	finish(arg, AUTH_CANNOT);
}

/*
 * A pipe with both texts in it, the end to read; -1: not now.  They are
 * fewer octets than a pipe holds, so writing does not wait.
 */
static int
filled_pipe(struct span user, struct span password)
{
	char	 text[AUTH_USER_MAX + AUTH_PASSWORD_MAX + 2];
	int	 ends[2];
	bool	 written;

	if (pipe2(ends, O_CLOEXEC) == -1) {
		log_warn("process=pam");
		return -1;
	}
	memcpy(text, user.p, user.n);
	text[user.n] = '\0';
	memcpy(text + user.n + 1, password.p, password.n);
	text[user.n + 1 + password.n] = '\0';
	written = file_write_all(ends[1], text, user.n + password.n + 2) == 0;
	explicit_bzero(text, sizeof(text));
	close(ends[1]);
	if (written)
		return ends[0];
	close(ends[0]);
	return -1;
}

static bool
can_be_asked(struct span s, size_t max)
{
	return s.n > 0 && s.n <= max && span_index(s, '\0') < 0;
}

void
pam_ask(struct chan *parent, struct span user, struct span password,
    pam_cb *cb, void *arg)
{
	struct pending	*p;
	int		 pipe;

	if (!can_be_asked(user, AUTH_USER_MAX) ||
	    !can_be_asked(password, AUTH_PASSWORD_MAX)) {
		cb(arg, AUTH_WRONG);
		return;
	}
	pipe = parent == NULL ? -1 : filled_pipe(user, password);
	if (pipe == -1) {
		cb(arg, AUTH_CANNOT);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->ticket = ++last_ticket;
	p->cb = cb;
	p->arg = arg;
	TAILQ_INSERT_TAIL(&open_questions, p, entry);
	timer_set(&p->timer, PAM_WAIT_MS, on_late, p);
	chan_begin(parent, MSG_PAM_WANTED);
	chan_u64(parent, p->ticket);
	chan_fd(parent, pipe);
	chan_end(parent);
}

bool
pam_done(struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	unsigned	 is = msg_u8(m);
	struct pending	*p;

	if (!msg_end(m) || is > AUTH_CANNOT)
		return false;
	TAILQ_FOREACH(p, &open_questions, entry) {
		if (p->ticket != ticket)
			continue;
		finish(p, (enum auth_result)is);
		break;
	}
	return true;		/* else too late */
}

void
pam_clear(void)
{
	struct pending	*p;

	while ((p = TAILQ_FIRST(&open_questions)) != NULL) {
		TAILQ_REMOVE(&open_questions, p, entry);
		timer_clear(&p->timer);
		free(p);
	}
}
