/*
 * chan.c - messages between processes: the transport.
 *
 * A descriptor leaves with the first octet of its message, and what is sent
 * with one system call ends before the next message that has a descriptor.
 * So the receiver holds at most a few descriptors whose message is not
 * complete, and takes them in order.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/chan.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#define HEAD		8		/* octets of a message's head */
#define HAS_FD		1u
#define READ_CHUNK	(128u << 10)
#define READ_ROUNDS	8		/* then others have their turn */
#define READ_US		2000		/* so too, between two messages */
#define FDS_WAITING	8		/* descriptors without their message */
#define KEEP_CAP	(256u << 10)	/* larger buffers are given back */
#define SOCKET_ROOM	(1 << 20)

/* A descriptor to send; at: where its message begins, counted in `total`. */
struct chan_out_fd {
	int		fd;
	uint64_t	at;
};

struct chan {
	int			 fd;
	const char		*name;
	const struct chan_ops	*ops;
	void			*arg;
	struct watch		 watch;
	struct timer		 more;		/* messages in `in` that wait for their turn */
	struct buf		 in, out;
	uint64_t		 sent;		/* octets that have left */
	struct chan_out_fd	*out_fds;
	size_t			 nout_fds, out_fds_cap;
	int			 in_fds[FDS_WAITING];
	size_t			 nin_fds;
	size_t			 start;		/* of the message in `out` */
	bool			 writing;	/* between begin and end */
	bool			 has_fd;	/* that message */
	bool			 broken;	/* nobody reads any more */
	bool			 busy;		/* in a callback: freed after */
	bool			 freed;
	bool			 dirty;
	bool			 secret;	/* buffers are wiped */
	struct chan		*next_dirty;
};

static struct chan	*dirty;
static struct turn_hook	 flush_hook;

static void on_ready(void *, int);

static void
flush_all(void *arg)
{
	struct chan	*c;

	(void)arg;
	while ((c = dirty) != NULL) {
		dirty = c->next_dirty;
		c->dirty = false;
		chan_flush(c);
	}
}

static void
mark_dirty(struct chan *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = dirty;
	dirty = c;
}

static void
forget_dirty(struct chan *c)
{
	struct chan	**p;

	for (p = &dirty; *p != NULL; p = &(*p)->next_dirty)
		if (*p == c) {
			*p = c->next_dirty;
			return;
		}
}

struct chan *
chan_new(int fd, const char *name, const struct chan_ops *ops, void *arg)
{
	struct chan	*c = xcalloc(1, sizeof(*c));
	int		 flags;

	if (flush_hook.cb == NULL)
		loop_at_turn_close(&flush_hook, flush_all, NULL);
	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("channel %s", name);
	c->fd = fd;
	c->name = name;
	c->ops = ops;
	c->arg = arg;
	watch_set(&c->watch, fd, LOOP_READ, on_ready, c);
	return c;
}

void
chan_secret(struct chan *c)
{
	c->secret = true;
	(void)buf_reserve(&c->out, READ_CHUNK);	/* growing leaves copies */
}

/* What has passed may stand anywhere in it: octets are moved to the front. */
static void
wipe(const struct chan *c, struct buf *b)
{
	if (c->secret && b->base != NULL)
		explicit_bzero(b->base, b->cap);
}

static void
drop_output(struct chan *c)
{
	size_t	i;

	for (i = 0; i < c->nout_fds; i++)
		close(c->out_fds[i].fd);
	c->nout_fds = 0;
	wipe(c, &c->out);
	buf_clear(&c->out);
}

static void
destroy(struct chan *c)
{
	size_t	i;

	if (c->dirty)
		forget_dirty(c);
	watch_clear(&c->watch);
	timer_clear(&c->more);
	drop_output(c);
	free(c->out_fds);
	for (i = 0; i < c->nin_fds; i++)
		close(c->in_fds[i]);
	wipe(c, &c->in);
	buf_clear(&c->in);
	close(c->fd);
	free(c);
}

void
chan_free(struct chan **cp)
{
	struct chan	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	assert(!c->writing);
	chan_flush(c);
	c->freed = true;
	if (!c->busy)
		destroy(c);
}

size_t
chan_backlog(const struct chan *c)
{
	return c->out.n;
}

/* Sends what fits one call: at most one descriptor, at its first octet. */
static ssize_t
send_some(struct chan *c)
{
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec	iov = { c->out.base + c->out.off, c->out.n };
	struct msghdr	mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr	*cm = &control.head;
	size_t		i = 0;

	if (c->nout_fds > 0 && c->out_fds[0].at == c->sent) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control.room);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &c->out_fds[0].fd, sizeof(int));
		i = 1;
	}
	if (i < c->nout_fds)
		iov.iov_len = (size_t)(c->out_fds[i].at - c->sent);
	return sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* n octets have left, the descriptor at their start with them. */
static void
has_left(struct chan *c, size_t n)
{
	if (c->nout_fds > 0 && c->out_fds[0].at == c->sent) {
		close(c->out_fds[0].fd);
		c->nout_fds--;
		memmove(c->out_fds, c->out_fds + 1,
		    c->nout_fds * sizeof(*c->out_fds));
	}
	c->sent += n;
	buf_eat(&c->out, n);
}

/*
 * A peer that has gone is noticed by the reader, who calls closed(); here
 * only the output is given up, so that a flush never calls back.
 */
void
chan_flush(struct chan *c)
{
	ssize_t	n;

	assert(!c->writing);
	while (c->out.n > 0 && !c->broken) {
		n = send_some(c);
		if (n > 0)
			has_left(c, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR) {
			c->broken = true;
			drop_output(c);
		}
	}
	if (c->out.n == 0)
		wipe(c, &c->out);
	if (c->out.n == 0 && c->out.cap > KEEP_CAP)
		buf_clear(&c->out);
	watch_set(&c->watch, c->fd,
	    LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0), on_ready, c);
}

/* --- writing */

void
chan_begin(struct chan *c, uint16_t type)
{
	assert(!c->writing);
	c->writing = true;
	c->has_fd = false;
	c->start = c->out.n;
	chan_u32(c, 0);
	chan_u16(c, type);
	chan_u16(c, 0);
}

static void
put(struct chan *c, uint64_t v, size_t n)
{
	char	octets[8];
	size_t	i;

	for (i = 0; i < n; i++)
		octets[i] = (char)(v >> (8 * i));
	buf_add(&c->out, octets, n);
}

void
chan_u8(struct chan *c, uint8_t v)
{
	put(c, v, 1);
}

void
chan_u16(struct chan *c, uint16_t v)
{
	put(c, v, 2);
}

void
chan_u32(struct chan *c, uint32_t v)
{
	put(c, v, 4);
}

void
chan_u64(struct chan *c, uint64_t v)
{
	put(c, v, 8);
}

void
chan_bytes(struct chan *c, struct span s)
{
	assert(s.n <= CHAN_MSG_MAX);
	chan_u32(c, (uint32_t)s.n);
	buf_add_span(&c->out, s);
}

void
chan_str(struct chan *c, const char *s)
{
	chan_bytes(c, span_of(s));
}

void
chan_fd(struct chan *c, int fd)
{
	assert(c->writing && !c->has_fd && fd >= 0);
	if (c->nout_fds == c->out_fds_cap) {
		c->out_fds_cap = c->out_fds_cap == 0 ? 4 : c->out_fds_cap * 2;
		c->out_fds = xreallocarray(c->out_fds, c->out_fds_cap,
		    sizeof(*c->out_fds));
	}
	c->out_fds[c->nout_fds++] =
	    (struct chan_out_fd){ fd, c->sent + c->start };
	c->has_fd = true;
}

void
chan_end(struct chan *c)
{
	size_t	 n = c->out.n - c->start - HEAD, i;
	char	*head = c->out.base + c->out.off + c->start;

	assert(c->writing && n <= CHAN_MSG_MAX);
	c->writing = false;
	for (i = 0; i < 4; i++)
		head[i] = (char)(n >> (8 * i));
	head[6] = c->has_fd ? HAS_FD : 0;
	if (c->broken)
		drop_output(c);
	else
		mark_dirty(c);
}

/* --- reading */

#ifdef WAYBILL_TEST_HOOKS
/* Ends this process when the environment names it and this message. */
static void
test_kill(unsigned type)
{
	static bool	 asked;
	static long	 wanted = -1, left = 1;
	const char	*env, *name = log_process();
	char		*end;

	if (!asked) {
		asked = true;
		env = getenv("WAYBILL_TEST_KILL");
		if (env != NULL && strncmp(env, name, strlen(name)) == 0 &&
		    env[strlen(name)] == ':') {
			wanted = strtol(env + strlen(name) + 1, &end, 10);
			left = *end == ':' ? strtol(end + 1, NULL, 10) : 1;
		}
	}
	if ((long)type == wanted && --left == 0) {
		log_flush();
		(void)raise(SIGKILL);
	}
}
#else
static void
test_kill(unsigned type)
{
	(void)type;
}
#endif

/* Descriptors of one control message; false: more than anybody sends. */
static bool
take_fds(struct chan *c, struct msghdr *mh)
{
	struct cmsghdr	*cm;
	size_t		 i, n;
	int		 fd;
	bool		 ok = (mh->msg_flags & MSG_CTRUNC) == 0;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(fd));
			if (c->nin_fds < FDS_WAITING)
				c->in_fds[c->nin_fds++] = fd;
			else {
				close(fd);
				ok = false;
			}
		}
	}
	return ok;
}

enum got { GOT_ALL, GOT_MORE, GOT_GONE, GOT_NONSENSE };

/* One read.  GOT_MORE: there may be more at once. */
static enum got
receive(struct chan *c)
{
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(FDS_WAITING * sizeof(int))];
	} control;
	struct iovec	iov = { buf_reserve(&c->in, READ_CHUNK), READ_CHUNK };
	struct msghdr	mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t		n;

	do
		n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? GOT_ALL : GOT_GONE;
	if (!take_fds(c, &mh))
		return GOT_NONSENSE;
	if (n == 0)
		return GOT_GONE;
	buf_grown(&c->in, (size_t)n);
	return (size_t)n == READ_CHUNK || mh.msg_controllen > 0 ?
	    GOT_MORE : GOT_ALL;
}

/* Hands on one message; its descriptor is closed when nobody took it. */
static bool
hand_on(struct chan *c, struct msg *m, unsigned flags)
{
	bool	ok;

	if (flags & HAS_FD) {
		if (c->nin_fds == 0)
			return false;
		m->fd = c->in_fds[0];
		c->nin_fds--;
		memmove(c->in_fds, c->in_fds + 1, c->nin_fds * sizeof(int));
	}
	test_kill(m->type);
	ok = c->ops->message(c, m, c->arg);
	if (m->fd != -1)
		close(m->fd);
	return ok;
}

enum taken { TAKEN_ALL, TAKEN_SOME, TAKEN_NONSENSE };

/* Hands on the whole messages, as many as there is time for. */
static enum taken
take_messages(struct chan *c, int64_t until_us)
{
	struct msg	m, head;
	size_t		n, done = 0;
	unsigned	flags;
	bool		ok = true, late = false;

	while (ok && !late && !c->freed && c->in.n - done >= HEAD) {
		head.left = span_from(buf_span(&c->in), done);
		head.bad = false;
		n = msg_u32(&head);
		m = (struct msg){ .type = msg_u16(&head), .fd = -1 };
		flags = msg_u16(&head);
		if (n > CHAN_MSG_MAX || (flags & ~HAS_FD) != 0)
			ok = false;
		else if (head.left.n < n)
			break;
		else {
			m.left = span_mem(head.left.p, n);
			done += HEAD + n;
			ok = hand_on(c, &m, flags);
			late = clock_boot_us() > until_us;
		}
	}
	buf_eat(&c->in, done);
	if (c->in.n == 0 && done > 0)
		wipe(c, &c->in);
	if (c->in.n == 0 && c->in.cap > KEEP_CAP)
		buf_clear(&c->in);
	if (!ok)
		return TAKEN_NONSENSE;
	return late && c->in.n > 0 ? TAKEN_SOME : TAKEN_ALL;
}

/* The peer has gone, or talks nonsense: the owner hears of it, last. */
static void
ends(struct chan *c, bool nonsense)
{
	if (nonsense)
		log_warnx("channel=%s event=cut-off why=nonsense", c->name);
	c->broken = true;
	if (!c->freed)
		c->ops->closed(c, c->arg);
	destroy(c);
}

static void on_more(void *);

/* What is in memory comes first; the end is heard when all has been taken. */
static void
on_readable(struct chan *c)
{
	int64_t		until_us = clock_boot_us() + READ_US;
	enum taken	taken;
	enum got	got = GOT_MORE;
	int		round;

	c->busy = true;
	taken = take_messages(c, until_us);
	for (round = 0; taken == TAKEN_ALL && !c->freed && got == GOT_MORE &&
	    round < READ_ROUNDS && clock_boot_us() <= until_us; round++) {
		got = receive(c);
		taken = got == GOT_NONSENSE ? TAKEN_NONSENSE :
		    take_messages(c, until_us);
	}
	if (c->freed)
		destroy(c);
	else if (taken == TAKEN_NONSENSE ||
	    (got == GOT_GONE && taken == TAKEN_ALL))
		ends(c, taken == TAKEN_NONSENSE);
	else {
		c->busy = false;
		if (taken == TAKEN_SOME)
			timer_set(&c->more, 0, on_more, c);
	}
}

static void
on_more(void *arg)
{
	on_readable(arg);
}

static void
on_ready(void *arg, int what)
{
	struct chan	*c = arg;

	if (what & LOOP_WRITE)
		chan_flush(c);
	if (what & LOOP_READ)
		on_readable(c);
}

void
chan_pair(int out[2])
{
	int	i, room = SOCKET_ROOM;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) == -1)
		fatal("socketpair");
	for (i = 0; i < 2; i++)
		(void)setsockopt(out[i], SOL_SOCKET, SO_SNDBUF, &room,
		    sizeof(room));
}
