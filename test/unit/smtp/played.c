/*
 * played.c - a worker among played peers.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/chan.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cf/cf.h"
#include "mta/msg/msg.h"
#include "mta/smtp/arrival.h"

#include "test/unit/smtp/played.h"

#define PATIENCE_MS	20000

static struct played	 pl;
static struct timer	 alarm_timer;

/* --- the queue */

static void
give_segment(struct played *p)
{
	struct segment_id	id = { (uint32_t)++p->nsegments, 7 };
	int			fd = memfd_create("segment", MFD_CLOEXEC);

	assert(fd != -1 && ftruncate(fd, PLAYED_SEGMENT) == 0);
	assert(segment_format_head(fd, id, PLAYED_SEGMENT) == 0);
	if (p->broken_segments) {
		close(fd);
		fd = open("/dev/full", O_RDWR | O_CLOEXEC);
		assert(fd != -1);
	}
	p->fds = xreallocarray(p->fds, p->nsegments + 1, sizeof(*p->fds));
	p->fds[id.id] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	chan_begin(p->queue, MSG_SEGMENT);
	chan_u32(p->queue, id.id);
	chan_u32(p->queue, id.generation);
	chan_u64(p->queue, PLAYED_SEGMENT);
	chan_u64(p->queue, 1);
	chan_fd(p->queue, fd);
	chan_end(p->queue);
}

static void
give_body(struct played *p, uint64_t qid)
{
	int	fd = -1;

	p->nbodies++;
	chan_begin(p->queue, MSG_BODY);
	chan_u64(p->queue, qid);
	chan_u8(p->queue, !p->no_bodies);
	if (!p->no_bodies) {
		fd = memfd_create("body", MFD_CLOEXEC);
		assert(fd != -1);
		if (p->body_fd != -1)
			close(p->body_fd);
		p->body_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		chan_fd(p->queue, fd);
	}
	chan_end(p->queue);
}

/* Which of the segments it is, is not asked: tests have few messages. */
static void
read_content(struct played *p, int fd, struct segment_id id, uint64_t offset)
{
	struct segment_record	 r;
	struct buf		*c = &p->last.content;

	buf_reset(c);
	assert(segment_read(fd, id, PLAYED_SEGMENT, offset, true, &r) == 1);
	if (r.flags & SEGMENT_F_BODY) {
		assert(file_read_fd(p->body_fd, 64u << 20, c) == 0);
		assert(c->n == r.content_length);
		return;
	}
	assert(file_pread_all(fd, buf_reserve(c, r.content_length + 1),
	    r.content_length, r.content_offset) == 0);
	buf_grown(c, r.content_length);
}

static bool
take_accepted(struct played *p, struct msg *m)
{
	struct segment_id	id;
	uint64_t		offset, length;
	struct span		head;

	id.id = msg_u32(m);
	id.generation = msg_u32(m);
	offset = msg_u64(m);
	length = msg_u64(m);
	head = msg_bytes(m, ENVELOPE_MAX);
	assert(msg_end(m) && length > head.n);
	p->segment = id.id;
	p->nmessages++;
	arena_reset(&p->last.arena);
	buf_reset(&p->last.head);
	buf_add_span(&p->last.head, head);
	assert(envelope_parse(buf_span(&p->last.head), &p->last.arena,
	    &p->last.envelope) == 0);
	if (p->own_content)
		read_content(p, p->fds[id.id], id, offset);
	return true;
}

static bool
take_etrn(struct played *p, struct msg *m)
{
	uint64_t	ticket = msg_u64(m);
	uint8_t		how = msg_u8(m);
	struct span	name = msg_bytes(m, ETRN_NAME_MAX);

	snprintf(p->etrn_name, sizeof(p->etrn_name), "%u %.*s", how,
	    SPAN_ARG(name));
	if (p->no_etrn)
		return msg_end(m);
	chan_begin(p->queue, MSG_ETRN_STARTED);
	chan_u64(p->queue, ticket);
	chan_u8(p->queue, (uint8_t)p->etrn);
	chan_u32(p->queue, 12);
	chan_end(p->queue);
	return msg_end(m);
}

static bool
from_worker(struct chan *c, struct msg *m, void *arg)
{
	struct played	*p = arg;

	(void)c;
	switch (m->type) {
	case MSG_SEGMENT_WANTED:
		if (!p->no_segments)
			give_segment(p);
		return true;
	case MSG_BODY_WANTED:
		give_body(p, msg_u64(m));
		return msg_end(m);
	case MSG_BODY_DROPPED:
		p->ndropped++;
		return true;
	case MSG_ACCEPTED:
		return take_accepted(p, m);
	case MSG_ETRN:
		return take_etrn(p, m);
	case MSG_SEGMENT_SEALED:
		p->nsealed++;
		close(p->fds[msg_u32(m)]);
		return true;
	case MSG_SEGMENT_FAILED:
		p->nfailed++;
		return true;
	case MSG_SEGMENT_RESUME:
		p->nresumed++;
		return true;
	default:
		return false;
	}
}

static void
worker_gone(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	assert(!"the worker has cut the queue off");
}

static const struct chan_ops queue_ops = { from_worker, worker_gone };

void
played_queue(struct played *p)
{
	int	ends[2];

	chan_pair(ends);
	p->queue = chan_new(ends[0], "worker", &queue_ops, p);
	intake_attach(p->server->intake, ends[1]);
	played_turns(20);
}

void
played_queue_dies(struct played *p)
{
	chan_free(&p->queue);
	played_turns(20);
}

/* --- DNS: one question at a time, and a late answer */

static struct {
	struct timer	 timer;
	dns_cb		*cb;
	void		*arg;
} question;

static void
answer_now(void *arg)
{
	struct dns_answer	 none = { .result = DNS_NXDOMAIN };
	dns_cb			*cb = question.cb;

	(void)arg;
	question.cb = NULL;
	cb(question.arg, &none);
}

static uint64_t
ask(void *ctx, enum dns_type type, struct span name, dns_cb *cb, void *arg)
{
	struct played	*p = ctx;

	(void)type;
	(void)name;
	assert(question.cb == NULL);
	question.cb = cb;
	question.arg = arg;
	timer_set(&question.timer, p->dns_ms, answer_now, NULL);
	return ++p->nasked;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	struct played	*p = ctx;

	(void)ticket;
	assert(question.cb != NULL);
	question.cb = NULL;
	timer_stop(&question.timer);
	p->ncancelled++;
}

/* --- the worker */

static const char	*users_path;

static void
remove_users(void)
{
	unlink(users_path);
}

/* The text with each @USERS@ as the path of a table that has ann and bob. */
static char *
with_users(const char *text)
{
	static char	 path[] = "/tmp/waybill-users-XXXXXX";
	static bool	 made;
	const char	*at = strstr(text, "@USERS@");
	char		*rest, *whole;
	int		 fd;

	if (at == NULL)
		return xstrdup(text);
	if (!made) {
		fd = mkstemp(path);
		assert(fd != -1 && file_write_all(fd, "ann:x\nbob:x\n", 12) == 0);
		close(fd);
		made = true;
		users_path = path;
		atexit(remove_users);
	}
	rest = with_users(at + 7);
	whole = xasprintf("%.*s%s%s", (int)(at - text), text, path, rest);
	free(rest);
	return whole;
}

struct played *
played_start(const char *with)
{
	char			*text = with_users(with);
	struct policy_source	 src = { .image_fd = -1 };
	struct played		*p = &pl;
	struct policy		*policy;
	const char		*why;
	struct buf		 says = { 0 };

	if (p->server == NULL) {
		log_open("test", STDERR_FILENO, getenv("PLAYED_LOG") != NULL ?
		    LOG_L_DEBUG : LOG_L_ERROR);
		loop_init();
		p->server = server_new(1, 1);
		p->server->records = log_wants(LOG_L_INFO);
		p->body_fd = -1;
		p->own_content = true;
	}
	cf_free(&p->cf);
	p->cf = cf_compile_mem("/etc/waybill/test.conf", span_of(text));
	for (size_t i = 0; i < cf_ndiags(p->cf); i++)
		cf_diag_print(p->cf, cf_diag(p->cf, i), false, &says);
	if (cf_errors(p->cf) > 0)
		fprintf(stderr, "%s", buf_cstr(&says));
	assert(cf_errors(p->cf) == 0);
	buf_clear(&says);
	free(text);
	src.image_mem = cf_image(p->cf);
	src.dns = (struct policy_dns){ ask, cancel, p };
	policy = policy_open(&src, &why);
	assert(policy != NULL);
	server_policy(p->server, 1, policy);
	if (p->queue == NULL)
		played_queue(p);
	return p;
}

/* --- clients */

static const struct door *
door_named(const struct generation *g, const char *name)
{
	uint32_t	i;

	for (i = 0; name != NULL; i++) {
		assert(i < rs_nobject(policy_image(g->policy)));
		if (span_eq(g->doors[i].name, span_of(name)))
			return &g->doors[i];
	}
	return generation_door(g, UINT32_MAX);
}

int
played_client(struct played *p, const char *ip)
{
	return played_client_by(p, ip, NULL);
}

int
played_client_by(struct played *p, const char *ip, const char *listener)
{
	struct origin	o = { .port = 12345 };
	int		ends[2];

	assert(ip_parse(span_of(ip), &o.ip));
	o.speaker = o.ip;
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, ends) == 0);
	assert(limits_enter(&p->server->limits, &o.ip, 1000,
	    1000) == LIMITS_OK);
	session_new(p->server, p->server->gen, ends[1], &o,
	    door_named(p->server->gen, listener));
	return ends[0];
}

int
played_connection(struct played *p, const char *ip, const char *listener)
{
	struct origin	o = { .port = 12345 };
	int		ends[2];

	assert(ip_parse(span_of(ip), &o.ip));
	o.speaker = o.ip;
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, ends) == 0);
	arrival_take(p->server, ends[1], &o, door_named(p->server->gen,
	    listener));
	return ends[0];
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop();
}

void
played_turn(void)
{
	loop_soon(stop, NULL);
	loop_run();
}

void
played_turns(int ms)
{
	timer_set(&alarm_timer, ms, stop, NULL);
	loop_run();
	timer_stop(&alarm_timer);
}

/* Complete replies: lines whose fourth octet is a blank. */
static size_t
count_replies(struct span s)
{
	size_t		 n = 0;
	const char	*lf;

	while (s.n > 0 && (lf = memchr(s.p, '\n', s.n)) != NULL) {
		n += (size_t)(lf - s.p) > 3 && s.p[3] == ' ';
		s = span_from(s, (size_t)(lf - s.p) + 1);
	}
	return n;
}

struct reader {
	int		 fd;
	struct buf	*out;
	bool		 closed;
};

static void
readable(void *arg, int what)
{
	struct reader	*r = arg;
	char		 piece[65536];
	ssize_t		 n = read(r->fd, piece, sizeof(piece));

	(void)what;
	if (n > 0)
		buf_add(r->out, piece, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		r->closed = true;
	loop_stop();
}

void
played_replies(int fd, size_t n, struct buf *out)
{
	struct watch	w = { 0 };
	struct reader	r = { .fd = fd, .out = out };
	int64_t		until = loop_now_ms() + PATIENCE_MS;

	watch_set(&w, fd, LOOP_READ, readable, &r);
	while (!r.closed && count_replies(buf_span(out)) < n) {
		played_turns(1000);
		if (loop_now_ms() > until) {
			fprintf(stderr, "waited in vain; so far: %s\n",
			    buf_cstr(out));
			abort();
		}
	}
	watch_clear(&w);
}

const char *
played_say(int fd, const char *octets, size_t n, size_t replies)
{
	static struct buf	got;
	ssize_t			w;
	size_t			sent = 0;

	buf_clear(&got);
	while (sent < n) {
		w = write(fd, octets + sent, n - sent);
		if (w > 0)
			sent += (size_t)w;
		else if (errno == EAGAIN)
			played_turns(5);
		else
			break;
	}
	played_replies(fd, replies, &got);
	return buf_cstr(&got);
}

void
played_settle(struct played *p, int ms)
{
	int64_t	until = loop_now_ms() + ms;

	while (p->server->sessions != NULL && loop_now_ms() < until)
		played_turns(2);
}
