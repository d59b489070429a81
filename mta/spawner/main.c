/*
 * main.c - the spawner: starts deliver as the owner of a mailbox.
 *
 * User waybill-spawner with CAP_SETUID, CAP_SETGID and CAP_KILL (without
 * root: the caller), in the system's root folder, because deliver inherits
 * it.  Has: a channel to the queue, and one to credentials.  An intruder could become any user but
 * root and those below uid 100: hence it reads three numbers and nothing else.
 *
 * How a deliver process starts: waybill-deliver --instance UID, as the
 * owner, and --programs 1 where it may execute some, with a channel to the spawner on descriptor 3 and its channel to the
 * queue on descriptor 4.  Nothing is ever sent on the first: it tells either
 * end when the other has gone.  There is no configuration; what to do comes
 * from the queue.
 */
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"

#include "mta/child/child.h"
#include "mta/spawner/deliverer.h"

static struct deliverers	all;
static struct chan		*queue;
static struct chan		*credentials;	/* its token commands */

static bool
on_wanted(struct chan *c, struct msg *m)
{
	uint32_t	 uid = msg_u32(m), gid = msg_u32(m);
	bool		 programs = msg_u8(m) != 0;
	const char	*why = "";
	int		 fd;

	if (!msg_end(m))
		return false;
	fd = deliverer_start(&all, (uid_t)uid, (gid_t)gid, programs, &why);
	if (fd == -1)
		log_warnx("deliver uid=%u gid=%u refused=%s", uid, gid,
		    log_quote(span_of(why)));
	chan_begin(c, MSG_DELIVERER);
	chan_u32(c, uid);
	chan_u32(c, gid);
	chan_u8(c, programs);
	chan_u8(c, fd != -1);
	chan_str(c, why);
	if (fd != -1)
		chan_fd(c, fd);
	chan_end(c);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)arg;
	return m->type == MSG_DELIVERER_WANTED && on_wanted(c, m);
}

static void
on_closed(struct chan *c, void *arg)
{
	struct chan	**which = arg;

	(void)c;
	*which = NULL;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	static const struct chan_ops	ops = { on_message, on_closed };

	struct chan			**which = &queue;

	(void)instance;
	(void)arg;
	if (proc == PROC_CREDENTIALS)
		which = &credentials;
	else if (proc != PROC_QUEUE) {
		close(fd);
		return;
	}
	chan_free(which);
	*which = chan_new(fd, proc_name(proc), &ops, which);
}

static void
on_stats(struct buf *out, void *arg)
{
	(void)arg;
	buf_addf(out, "\"running\":%u,\"started\":%llu,\"refused\":%llu",
	    all.running, (unsigned long long)all.started,
	    (unsigned long long)all.refused);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.peer = on_peer, .stats = on_stats
	};

	child_open(PROC_SPAWNER, argc, argv, &ops, NULL);
	deliverers_init(&all, child_option("libexec"),
	    child_option("log-level"));
	(void)confine_descriptors(4096);
	confine_drop_to_caps("waybill-spawner",
	    1u << CONFINE_CAP_SETUID | 1u << CONFINE_CAP_SETGID |
	    1u << CONFINE_CAP_KILL);
	/*
	 * Open is for deliver, which inherits the filter, and the network for
	 * the programs that it runs.
	 */
	confine_sandbox(CONFINE_OPEN | CONFINE_SETUID | CONFINE_EXEC |
	    CONFINE_KILL | CONFINE_NET | CONFINE_UNIX);
	child_run();
	return 0;
}
