/*
 * fakes.c - the processes around a queue; fakes.h.
 */
#include "test/unit/mta/queue/fakes_int.h"

#include "base/clock.h"
#include "base/crc.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS	120000
#define BEAT_MS		2
#define MANY_PIECE	1000

void
fakes_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	log_flush();
	_exit(1);
}

/* --- smtp */

static bool
smtp_message(struct chan *c, struct msg *m, void *arg)
{
	struct fakes	*f = arg;

	(void)c;
	switch (m->type) {
	case MSG_SEGMENT:
		f->seg.id = msg_u32(m);
		f->seg.generation = msg_u32(m);
		f->seg_size = msg_u64(m);
		qid_floor(&f->qids, msg_u64(m));
		f->seg_fd = msg_fd(m);
		f->seg_at = SEGMENT_HEAD;
		f->segments++;
		f->wanted = false;
		break;
	case MSG_SEGMENT_REVOKED:
		msg_u32(m);
		msg_u32(m);
		f->revoked++;
		break;
	case MSG_SPACE:
		return space_get(m, &f->space);
	case MSG_BODY:
		msg_u64(m);
		f->body_fd = msg_u8(m) != 0 ? msg_fd(m) : -2;
		break;
	case MSG_ETRN_STARTED:
		msg_u64(m);
		f->etrn_result = msg_u8(m);
		f->etrn_messages = msg_u32(m);
		f->etrns++;
		break;
	default:
		return false;
	}
	return msg_end(m);
}

void
fakes_closed(struct chan *c, void *arg)
{
	struct fakes	*f = arg;

	if (c == f->smtp)
		f->smtp = NULL;
	if (c == f->route)
		f->route = NULL;
	if (c == f->relay)
		f->relay = NULL;
	if (c == f->spawner)
		f->spawner = NULL;
	if (c == f->deliver)
		f->deliver = NULL;
}

static void
want_segment(struct fakes *f)
{
	f->wanted = true;
	chan_begin(f->smtp, MSG_SEGMENT_WANTED);
	chan_end(f->smtp);
}

void
fakes_seal(struct fakes *f)
{
	struct buf	b = { 0 };
	uint64_t	at;

	at = segment_seal(&b, f->seg, f->seg_size, f->seg_at, &f->toc);
	CHECK(file_pwrite_all(f->seg_fd, buf_span(&b).p, b.n, at) == 0);
	buf_clear(&b);
	segment_toc_clear(&f->toc);
	close(f->seg_fd);
	f->seg_fd = -1;
	chan_begin(f->smtp, MSG_SEGMENT_SEALED);
	chan_u32(f->smtp, f->seg.id);
	chan_u32(f->smtp, f->seg.generation);
	chan_u64(f->smtp, f->seg_at);
	chan_end(f->smtp);
}

static bool
has_segment(struct fakes *f)
{
	return f->seg_fd != -1;
}

static void
make_room(struct fakes *f, size_t envelope, uint64_t content)
{
	if (f->seg_fd != -1 && f->seg_at +
	    segment_record_size(envelope, content) +
	    segment_seal_size(f->toc.table.n + segment_toc_entry(envelope)) >
	    f->seg_size)
		fakes_seal(f);
	if (f->seg_fd == -1) {
		want_segment(f);
		fakes_until(f, has_segment);
	}
}

/* Content that says what it is: X-Id, then letters by the queue id. */
void
fakes_content(uint64_t qid, size_t octets, struct buf *out)
{
	buf_addf(out, "X-Id: %016llx\r\n\r\n", (unsigned long long)qid);
	while (out->n < octets)
		buf_add_char(out, (char)('a' + (qid + out->n / 60) % 26));
}

/* A record's octets get into the segment, and onto the disk. */
static void
write_record(struct fakes *f, const struct buf *rec)
{
	CHECK(file_pwrite_all(f->seg_fd, buf_span(rec).p, rec->n,
	    f->seg_at) == 0);
	CHECK(f->unsynced || fdatasync(f->seg_fd) == 0);
}

static void
tell(struct fakes *f, uint64_t length, const struct buf *env)
{
	f->told++;
	chan_begin(f->smtp, MSG_ACCEPTED);
	chan_u32(f->smtp, f->seg.id);
	chan_u32(f->smtp, f->seg.generation);
	chan_u64(f->smtp, f->seg_at);
	chan_u64(f->smtp, length);
	chan_bytes(f->smtp, buf_span(env));
	chan_end(f->smtp);
}

static void
append(struct fakes *f, const struct envelope *e, const struct buf *content,
    uint32_t flags, bool told)
{
	struct buf	env = { 0 }, rec = { 0 };
	struct span	here = flags & SEGMENT_F_BODY ? SPAN_NONE :
	    buf_span(content);

	envelope_format(e, &env);
	make_room(f, env.n, here.n);
	segment_put(&rec, f->seg, f->seg_at, buf_span(&env), here, flags,
	    content->n, crc32c(0, buf_span(content).p, content->n));
	write_record(f, &rec);
	if (told)
		tell(f, rec.n, &env);
	segment_toc_add(&f->toc, f->seg_at, buf_span(&env), flags,
	    content->n);
	f->seg_at += rec.n;
	buf_clear(&env);
	buf_clear(&rec);
}

uint64_t
fakes_accept_n(struct fakes *f, const char *sender, const char *const *rcpts,
    size_t n, size_t octets, bool told)
{
	struct span	 to[300];
	struct envelope	 e = { .nrcpts = n, .sender = span_of(sender),
	    .rcpts = to };
	size_t		 i;

	for (i = 0; i < n; i++)
		to[i] = span_of(rcpts[i]);
	return fakes_accept_as(f, &e, octets, told);
}

uint64_t
fakes_accept_as(struct fakes *f, const struct envelope *like, size_t octets,
    bool told)
{
	struct buf	 content = { 0 };
	struct envelope	 e = *like;

	e.qid = qid_next(&f->qids);
	if (e.arrival_ms == 0)
		e.arrival_ms = clock_wall_ms();
	e.policy = SPAN("test");
	fakes_content(e.qid, octets, &content);
	e.size = content.n;
	append(f, &e, &content, 0, told);
	buf_clear(&content);
	return e.qid;
}

static bool
has_body(struct fakes *f)
{
	return f->body_fd != -1;
}

uint64_t
fakes_accept_body(struct fakes *f, const char *sender, const char *rcpt,
    size_t octets)
{
	struct span	 to = span_of(rcpt);
	struct buf	 content = { 0 };
	struct envelope	 e = { .qid = qid_next(&f->qids), .nrcpts = 1,
	    .arrival_ms = clock_wall_ms(), .sender = span_of(sender),
	    .policy = SPAN("test"), .rcpts = &to };

	f->body_fd = -1;
	chan_begin(f->smtp, MSG_BODY_WANTED);
	chan_u64(f->smtp, e.qid);
	chan_end(f->smtp);
	fakes_until(f, has_body);
	CHECK(f->body_fd >= 0);
	fakes_content(e.qid, octets, &content);
	e.size = content.n;
	CHECK(file_pwrite_all(f->body_fd, buf_span(&content).p, content.n,
	    0) == 0);
	CHECK(fdatasync(f->body_fd) == 0);
	close(f->body_fd);
	append(f, &e, &content, SEGMENT_F_BODY, true);
	buf_clear(&content);
	return e.qid;
}

uint64_t
fakes_accept(struct fakes *f, const char *sender, const char *rcpt,
    size_t octets)
{
	return fakes_accept_n(f, sender, &rcpt, 1, octets, true);
}

/* --- route */

/* Leaves with another envelope. */
static void
leave_as(struct target *t, char which)
{
	t->kind = TARGET_HOP;
	t->mail_from = which == '1' ? SPAN("hop1@s.test") : SPAN("hop2@s.test");
	t->rcpt_to = SPAN("new@out.test");
}

static void
be_member(struct target *t, struct span address)
{
	t->kind = TARGET_HOP;
	t->address = address;
	t->mail_from = SPAN("box-owner@s.test");
	t->owned = true;
}

/* A list in a list: the inner one cannot be read the first times. */
static unsigned
put_gap(struct fakes *f, struct target *t)
{
	static const char *const	answers[][2] = {
		{ "inner@gap.test", "hop1@gap.test" },
		{ "hop2@gap.test", "hop1@gap.test" },
		{ "inner@gap.test", "hop1@gap.test" },
		{ "hop2@gap.test", "hop1@gap.test" },
	};
	unsigned			i, n = f->gap_asks;

	if (n + 1 < sizeof(answers) / sizeof(answers[0]))
		f->gap_asks++;
	t[1] = t[0];
	for (i = 0; i < 2; i++) {
		t[i].kind = TARGET_HOP;
		t[i].address = span_of(answers[n][i]);
	}
	if (n % 2 == 0) {
		t[0].kind = TARGET_LATER;
		t[0].code = 451;
		t[0].status = SPAN("4.3.0");
		t[0].text = SPAN("says the test");
	}
	return 2;
}

static unsigned
put_targets(struct fakes *f, struct target *t, uint32_t rcpt, struct span to)
{
	static char	 path[2][100], hop[2][100];
	const char	*at = memchr(to.p, '@', to.n);
	int		 dn = (int)(to.n - (size_t)(at - to.p) - 1);
	unsigned	 k = rcpt % 2;

	snprintf(path[k], 100, "/%.*s", dn, at + 1);
	snprintf(hop[k], 100, "relay:%.*s", dn, at + 1);
	memset(t, 0, 2 * sizeof(*t));
	t[0].rcpt = t[1].rcpt = rcpt;
	t[0].address = to;
	t[0].uid = t[0].gid = 1000;
	t[0].mailbox = SPAN("boxes");
	t[0].account = SPAN("box");
	t[0].path = span_of(path[k]);
	t[0].hop = span_of(hop[k]);
	if (span_prefix(to, SPAN("box"))) {
		t[0].kind = TARGET_DELIVER;
	} else if (span_prefix(to, SPAN("hop"))) {
		t[0].kind = TARGET_HOP;
	} else if (span_prefix(to, SPAN("pair"))) {
		t[1] = t[0];
		t[0].kind = TARGET_DELIVER;
		t[0].address = SPAN("box1@pair.test");
		t[1].kind = TARGET_HOP;
		t[1].address = SPAN("hop1@pair.test");
		return 2;
	} else if (span_prefix(to, SPAN("as"))) {
		leave_as(&t[0], to.p[2]);
	} else if (span_prefix(to, SPAN("twoas"))) {
		t[1] = t[0];
		t[0].address = SPAN("as1@pair.test");
		t[1].address = SPAN("as2@pair.test");
		leave_as(&t[0], '1');
		leave_as(&t[1], '2');
		return 2;
	} else if (span_prefix(to, SPAN("list"))) {
		t[1] = t[0];
		be_member(&t[0], SPAN("hop1@list.test"));
		be_member(&t[1], SPAN("hop2@list.test"));
		return span_prefix(to, SPAN("list1")) ? 1 : 2;
	} else if (span_prefix(to, SPAN("gap"))) {
		return put_gap(f, t);
	} else if (span_prefix(to, SPAN("forward"))) {
		t[0].kind = TARGET_HOP;
		t[0].address = SPAN("hop@else.test");
	} else if (span_prefix(to, SPAN("drop"))) {
		t[0].kind = TARGET_DISCARD;
	} else if (span_prefix(to, SPAN("later")) && f->later_until == 0) {
		t[0].kind = TARGET_HOP;
	} else {
		bool	later = span_prefix(to, SPAN("later"));

		f->later_until -= later;
		t[0].kind = later ? TARGET_LATER : TARGET_FAIL;
		t[0].code = later ? 451 : 550;
		t[0].status = later ? SPAN("4.3.0") : SPAN("5.1.1");
		t[0].text = SPAN("says the test");
	}
	return 1;
}

/* A piece of the answer for one recipient that is a list of n. */
static void
put_many(struct fakes *f, struct chan *c, uint64_t ticket, uint32_t rcpt,
    unsigned from, unsigned n, bool last)
{
	struct target	t = { .rcpt = rcpt, .kind = TARGET_HOP,
	    .hop = SPAN("relay:many") };
	char		address[40];
	unsigned	i;

	chan_begin(c, MSG_ROUTED);
	chan_u64(c, ticket);
	chan_u32(c, 1);
	chan_u8(c, last);
	chan_u32(c, n);
	for (i = from; i < from + n; i++) {
		snprintf(address, sizeof(address), "m%u@many.test",
		    f->many_from + i);
		t.address = span_of(address);
		target_put(c, &t);
	}
	chan_end(c);
}

static void
answer_many(struct fakes *f, struct chan *c, uint64_t ticket, uint32_t rcpt,
    struct span to, bool last)
{
	unsigned	n = (unsigned)atoi(to.p + strlen("many")), i, k;

	for (i = 0; i < n; i += k) {
		k = n - i < MANY_PIECE ? n - i : MANY_PIECE;
		put_many(f, c, ticket, rcpt, i, k, last && i + k == n);
	}
}

/* `on bounce` says what the test wants. */
static bool
bounce_message(struct fakes *f, struct chan *c, struct msg *m)
{
	uint64_t	ticket = msg_u64(m);

	CHECK(msg_bytes(m, ENVELOPE_MAX).n > 0);
	(void)msg_u32(m);
	(void)msg_u8(m);
	(void)msg_bytes(m, 16);
	f->bounces++;
	if (!msg_end(m))
		return false;
	if (f->bounce_silent)
		return true;
	chan_begin(c, MSG_BOUNCE_ANSWER);
	chan_u64(c, ticket);
	chan_u8(c, f->bounce_discard);
	chan_u8(c, f->bounce_header_only);
	chan_bytes(c, span_of(f->bounce_language));
	chan_u32(c, f->bounce_copy != NULL);
	if (f->bounce_copy != NULL)
		chan_bytes(c, span_of(f->bounce_copy));
	chan_end(c);
	return true;
}

static bool
routes(struct fakes *f, struct chan *c, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	struct span	 env = msg_bytes(m, ENVELOPE_MAX);
	uint32_t	 attempts = msg_u32(m);
	uint32_t	 n = msg_u32(m), i, k, total = 0;
	struct target	*t = xcalloc(2 * n + 2, sizeof(*t));
	struct arena	 a = { 0 };
	struct envelope	 e;

	CHECK(envelope_parse(env, &a, &e) == 0);
	CHECK(attempts <= UINT16_MAX);
	/* One at a time, because the texts of targets are shared by two. */
	for (i = 0; i < n; i++) {
		uint32_t	rcpt = msg_u32(m);

		CHECK(rcpt < e.nrcpts);
		f->asked++;
		if (span_prefix(e.rcpts[rcpt], SPAN("many"))) {
			answer_many(f, c, ticket, rcpt, e.rcpts[rcpt],
			    i + 1 == n);
			continue;
		}
		total = put_targets(f, t, rcpt, e.rcpts[rcpt]);
		if (f->route_silent)
			continue;
		chan_begin(c, MSG_ROUTED);
		chan_u64(c, ticket);
		chan_u32(c, 1);
		chan_u8(c, i + 1 == n);
		chan_u32(c, total);
		for (k = 0; k < total; k++)
			target_put(c, &t[k]);
		chan_end(c);
	}
	free(t);
	arena_clear(&a);
	return msg_end(m);
}

static bool
route_message(struct chan *c, struct msg *m, void *arg)
{
	struct fakes	*f = arg;

	return m->type == MSG_BOUNCE_ASK ? bounce_message(f, c, m) :
	    routes(f, c, m);
}
static const struct chan_ops	smtp_ops = { smtp_message, fakes_closed };
static const struct chan_ops	route_ops = { route_message, fakes_closed };

/* --- all of them */

void
fakes_peer(struct fakes *f, enum proc proc)
{
	int	pair[2];

	chan_pair(pair);
	switch (proc) {
	case PROC_SMTP:
		chan_free(&f->smtp);
		f->smtp = chan_new(pair[0], "fake smtp", &smtp_ops, f);
		intake_peer(&f->q, 0, pair[1]);
		break;
	case PROC_ROUTE:
		chan_free(&f->route);
		f->route = chan_new(pair[0], "fake route", &route_ops, f);
		router_peer(&f->q, pair[1]);
		break;
	case PROC_RELAY:
		chan_free(&f->relay);
		memset(f->open, 0, sizeof(f->open));
		f->relay = chan_new(pair[0], "fake relay", &fakes_relay_ops, f);
		relay_peer(&f->q, pair[1]);
		break;
	default:
		chan_free(&f->spawner);
		f->spawner = chan_new(pair[0], "fake spawner", &fakes_spawner_ops, f);
		local_peer(&f->q, pair[1]);
		break;
	}
}

/* --- waiting */

static void
on_time(void *arg)
{
	(void)arg;
	loop_stop();
}

void
fakes_run_ms(struct fakes *f, int ms)
{
	struct timer	t = { 0 };

	(void)f;
	timer_set(&t, ms, on_time, NULL);
	loop_run();
	timer_clear(&t);
}

/* A turn now and then, whatever happens. */
static void
on_beat(void *arg)
{
	struct fakes	*f = arg;

	timer_set(&f->beat, BEAT_MS, on_beat, f);
}

static void
look(void *arg)
{
	struct fakes	*f = arg;

	if (f->holds != NULL && f->holds(f)) {
		f->held = true;
		loop_stop();
	}
}

void
fakes_wait(struct fakes *f, bool (*holds)(struct fakes *), const char *file,
    int line, const char *what)
{
	struct timer	late = { 0 };

	if (holds(f))
		return;
	f->held = false;
	f->holds = holds;
	timer_set(&late, PATIENCE_MS, on_time, NULL);
	timer_set(&f->beat, BEAT_MS, on_beat, f);
	loop_run();
	timer_stop(&f->beat);
	timer_clear(&late);
	f->holds = NULL;
	if (!f->held)
		fakes_failed(file, line, what);
}

static void
on_logged(void *arg)
{
	struct fakes	*f = arg;

	f->logged = true;
}

static bool
is_logged(struct fakes *f)
{
	return f->logged;
}

void
fakes_logged(struct fakes *f)
{
	f->logged = false;
	journal_sync(f->q.journal, on_logged, f);
	fakes_until(f, is_logged);
}

/* --- the whole */

void
fakes_retry(struct fakes *f, int64_t ms)
{
	terms_set_retry(&f->q.sched.general,
	    &(struct retry_waits){ .n = 1, .ms = { ms } });
}

void
fakes_lifetime(struct fakes *f, int64_t ms)
{
	terms_set_lifetime(&f->q.sched.general, ms);
}

struct fakes *
fakes_open(const char *dir, uint64_t segment_octets)
{
	struct fakes	*f = xcalloc(1, sizeof(*f));
	struct queue	*q = &f->q;

	loop_init();
	f->dir = xstrdup(dir);
	f->seg_fd = f->body_fd = -1;
	f->code = 250;
	f->status4 = "4.4.1";
	spool_open(q, dir);
	spool_fill(q, true);
	queue_init(q);
	q->set = (struct settings){ .segment_octets = segment_octets,
	    .reserve_octets = 1,
	    .transaction_ms = 1800000,
	    .hostname = xstrdup("mx.test") };
	q->sched.general = (struct terms){ .concurrency = 20, .start = 5,
	    .recipients = 100, .messages = 100 };
	fakes_retry(f, 1000);
	fakes_lifetime(f, 5 * 86400000ll);
	q->segments.size = segment_octets;
	queue_start(q);
	control_open(q);
	fakes_peer(f, PROC_SMTP);
	fakes_peer(f, PROC_ROUTE);
	fakes_peer(f, PROC_RELAY);
	fakes_peer(f, PROC_SPAWNER);
	loop_at_turn_end(&f->look, look, f);
	return f;
}

const char *
fakes_ask(struct fakes *f, const char *line)
{
	static char		answer[1 << 20];
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	size_t			n = 0;
	ssize_t			k = -1;
	int			fd, i;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/control", f->dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	CHECK(write(fd, line, strlen(line)) == (ssize_t)strlen(line));
	for (i = 0; i < PATIENCE_MS && k != 0; i++) {
		fakes_run_ms(f, 1);
		k = read(fd, answer + n, sizeof(answer) - n - 1);
		n += k > 0 ? (size_t)k : 0;
	}
	CHECK(k == 0);
	close(fd);
	answer[n] = '\0';
	return answer;
}

void
fakes_etrn(struct fakes *f, enum etrn_how how, const char *name)
{
	chan_begin(f->smtp, MSG_ETRN);
	chan_u64(f->smtp, 1);
	chan_u8(f->smtp, (uint8_t)how);
	chan_str(f->smtp, name);
	chan_end(f->smtp);
}

static void
in_child(const char *dir, void (*f)(const char *))
{
	int	status;
	pid_t	pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		f(dir);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

void
fakes_in_children(void (*const *steps)(const char *), size_t n)
{
	char	dir[] = "/tmp/waybill-queue-XXXXXX", rm[64];
	size_t	i;

	assert_non_null(mkdtemp(dir));
	for (i = 0; i < n; i++)
		in_child(dir, steps[i]);
	snprintf(rm, sizeof(rm), "rm -rf %s", dir);
	assert_int_equal(system(rm), 0);
}
