/*
 * fakes_out.c - where a queue's mail goes: relay, spawner and deliver, played.
 */
#include "test/unit/mta/queue/fakes_int.h"

#include "base/clock.h"
#include "base/crc.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/deliver.h"
#include "mta/msg/login.h"
#include "mta/msg/relayed.h"

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

/* --- relay */

static void
put_results(struct fakes *f, const struct fake_job *j, uint32_t taken,
    uint16_t code, const char *status, const char *text)
{
	uint32_t	i;

	for (i = 0; i < j->n; i++) {
		chan_u32(f->relay, j->rcpts[i]);
		chan_u16(f->relay, i < taken ? 250 : code);
		chan_str(f->relay, i < taken ? "2.0.0" : status);
		chan_str(f->relay, text);
		chan_str(f->relay, "");
	}
}

static void
answer(struct fakes *f, unsigned job, uint32_t taken, uint16_t code,
    const char *status, const char *text)
{
	struct fake_job	*j = &f->jobs[job];

	j->answered = true;
	chan_begin(f->relay, MSG_RELAYED);
	chan_u64(f->relay, j->id);
	chan_str(f->relay, f->unconnected ? "" : "mx.test[192.0.2.1]");
	chan_u8(f->relay, !f->unconnected);
	chan_u8(f->relay, f->offers);
	chan_u8(f->relay, RELAY_TROUBLE_NONE);
	chan_str(f->relay, f->tls);
	chan_str(f->relay, f->login);
	chan_u8(f->relay, f->login_held);
	chan_u32(f->relay, j->n);
	put_results(f, j, taken, code, status, text);
	chan_bytes(f->relay, span_mem(f->mx, f->has_mx ? sizeof(f->mx) : 0));
	chan_end(f->relay);
}

void
fakes_relayed(struct fakes *f, unsigned job, uint16_t code, const char *text)
{
	answer(f, job, 0, code, code < 400 ? "2.0.0" :
	    code < 500 ? f->status4 : "5.7.1", text);
}

void
fakes_relayed_some(struct fakes *f, unsigned job, uint32_t taken,
    uint16_t code, const char *status)
{
	answer(f, job, taken, code, status, "as the test wants");
}

static void
copy_text(char *out, size_t max, struct span s)
{
	if (s.n >= max)
		s.n = max - 1;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static struct segment_id
get_id(struct msg *m)
{
	struct segment_id	id;

	id.id = msg_u32(m);
	id.generation = msg_u32(m);
	return id;
}

/* Where a descriptor of this segment is kept, or a free place (id 0). */
static unsigned
open_place(const struct fakes *f, uint32_t id)
{
	unsigned	i;

	for (i = 0; i < 64; i++)
		if (f->open[i].id.id == id)
			return i;
	fakes_failed(__FILE__, __LINE__, "a segment that was shown");
}

/* Relay reads what the queue names, and it is the message. */
static void
check_content(const struct fake_job *j, int fd, uint64_t offset, uint64_t n)
{
	char	want[32], have[32];

	snprintf(want, sizeof(want), "X-Id: %016llx\r\n",
	    (unsigned long long)j->qid);
	CHECK(n >= strlen(want));
	CHECK(pread(fd, have, strlen(want), (off_t)offset) ==
	    (ssize_t)strlen(want));
	if (j->sender[0] != '\0')	/* not a notification */
		CHECK(memcmp(have, want, strlen(want)) == 0);
	CHECK(pread(fd, have, 1, (off_t)(offset + n - 1)) == 1);
}

static void
count_member(struct fakes *f, struct span address)
{
	unsigned	i;

	if (address.p[0] != 'm' || sscanf(address.p, "m%u@", &i) != 1)
		return;
	CHECK(i < FAKE_MEMBERS);
	f->got[i]++;
	f->ngot++;
}

/* "NOTIFY;type;address" of the first. */
static void
read_param(struct fake_job *j, struct msg *m, uint32_t i)
{
	unsigned	notify = msg_u8(m);
	struct span	type = msg_bytes(m, 1000);
	struct span	orcpt = msg_bytes(m, 1000);

	if (i == 0)
		snprintf(j->param, sizeof(j->param), "%u;%.*s;%.*s", notify,
		    SPAN_ARG(type), SPAN_ARG(orcpt));
}

static bool
relay_job(struct fakes *f, struct msg *m)
{
	struct fake_job		*j = &f->jobs[f->njobs];
	struct segment_id	 id;
	uint64_t		 offset, length;
	uint32_t		 i;
	int			 fd;

	CHECK(f->njobs < FAKE_LOG_MAX);
	memset(j, 0, sizeof(*j));
	j->id = msg_u64(m);
	j->qid = msg_u64(m);
	copy_text(j->hop, sizeof(j->hop), msg_bytes(m, 1000));
	f->body = msg_u8(m) != 0;
	id = get_id(m);
	offset = msg_u64(m);
	length = msg_u64(m);
	j->flags = msg_u32(m);
	copy_text(j->sender, sizeof(j->sender), msg_bytes(m, 1000));
	copy_text(j->envid, sizeof(j->envid), msg_bytes(m, 1000));
	j->by_ms = (int64_t)msg_u64(m);
	j->n = msg_u32(m);
	CHECK(j->n >= 1 && j->n <= 100);
	for (i = 0; i < j->n; i++) {
		struct span	address;

		j->rcpts[i] = msg_u32(m);
		address = msg_bytes(m, 1000);
		if (i == 0)
			copy_text(j->first, sizeof(j->first), address);
		count_member(f, address);
		read_param(j, m, i);
	}
	j->messages_max = msg_u32(m);
	(void)msg_bytes(m, 4096);	/* origin */
	f->nfacts = msg_bytes(m, LOGIN_FACTS_MAX).n;
	fd = f->body ? msg_fd(m) : f->open[open_place(f, id.id)].fd;
	check_content(j, fd, offset, length);
	if (f->body)
		close(fd);
	f->njobs++;
	if (f->saw != NULL)
		f->saw(j->qid, false);
	if (f->code != 0)
		fakes_relayed(f, f->njobs - 1, f->code, "as the test wants");
	return msg_end(m);
}

static bool
relay_message(struct chan *c, struct msg *m, void *arg)
{
	struct fakes	*f = arg;
	unsigned	 i;

	(void)c;
	switch (m->type) {
	case MSG_SEGMENT_FD:
		i = open_place(f, 0);
		f->open[i].id = get_id(m);
		f->open[i].fd = msg_fd(m);
		f->shown++;
		return msg_end(m);
	case MSG_SEGMENT_GONE:
		i = open_place(f, get_id(m).id);
		close(f->open[i].fd);
		f->open[i].id.id = 0;
		f->gone++;
		return msg_end(m);
	case MSG_RELAY:
		return relay_job(f, m);
	default:
		return false;
	}
}

/* --- spawner and deliver */

static void
say(struct chan *c, unsigned type, uint64_t job)
{
	chan_begin(c, (uint16_t)type);
	chan_u64(c, job);
}

static bool
take_deliver(struct fakes *f, struct msg *m)
{
	unsigned	kind = msg_u8(m);
	uint64_t	job = msg_u64(m);
	struct span	name, prefix, content;
	bool		file;
	char		final[220];
	int		fd;

	CHECK(kind == DELIVER_MAILDIR);
	msg_bytes(m, 1000);
	CHECK(deliver_options_ok(msg_bytes(m, 1000)));
	name = msg_bytes(m, 200);
	msg_bytes(m, 1000);
	msg_bytes(m, 1000);
	CHECK(msg_u64(m) > 0);
	prefix = msg_bytes(m, 1000);
	f->as_is = msg_u8(m) != 0;
	file = msg_u8(m) != 0;
	content = msg_bytes(m, 1 << 20);
	fd = file ? msg_fd(m) : -1;
	CHECK(msg_end(m));
	buf_reset(&f->last_prefix);
	buf_add_span(&f->last_prefix, prefix);
	buf_reset(&f->last_content);
	buf_add_span(&f->last_content, content);
	f->as_file = file;
	if (file) {
		CHECK(file_read_fd(fd, 100 << 20, &f->last_content) == 0);
		close(fd);
	}
	f->prepares++;
	if (f->deliver_silent)
		return true;
	if (f->deliver_code != 0) {
		say(f->deliver, MSG_DELIVER_FAILED, job);
		chan_u16(f->deliver, f->deliver_code);
		chan_str(f->deliver, f->deliver_code < 500 ? "4.2.2" : "5.2.2");
		chan_str(f->deliver, "mailbox says no");
	} else {
		snprintf(final, sizeof(final), "%.*s,S=%zu", SPAN_ARG(name),
		    f->last_content.n);
		if (f->prepare != NULL)
			f->prepare(name, prefix, buf_span(&f->last_content),
			    final);
		say(f->deliver, MSG_PREPARED, job);
		chan_str(f->deliver, final);
	}
	chan_end(f->deliver);
	return true;
}

static bool
take_commit(struct fakes *f, struct msg *m)
{
	unsigned	kind = msg_u8(m);
	uint64_t	job = msg_u64(m);
	struct span	name;

	CHECK(kind == DELIVER_MAILDIR);
	msg_bytes(m, 1000);
	msg_bytes(m, 1000);
	name = msg_bytes(m, 300);
	CHECK(msg_end(m) && f->commits < FAKE_LOG_MAX);
	copy_text(f->names[f->commits++], 200, name);
	if (f->commit != NULL)
		f->commit(f->names[f->commits - 1]);
	if (f->saw != NULL) {	/* "SECONDS.QIDR..." after a Q */
		const char	*p = memchr(name.p, 'Q', name.n);
		uint64_t	 qid;

		CHECK(p != NULL && qid_parse(span_mem(p + 1, QID_TEXT - 1),
		    &qid));
		f->saw(qid, true);
	}
	if (f->hold_commit)
		return true;
	say(f->deliver, MSG_DELIVERED, job);
	chan_end(f->deliver);
	return true;
}

static bool
deliver_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	return m->type == MSG_DELIVER ? take_deliver(arg, m) :
	    m->type == MSG_COMMIT && take_commit(arg, m);
}

const struct chan_ops	fakes_relay_ops = { relay_message, fakes_closed };
static const struct chan_ops	deliver_ops = { deliver_message, fakes_closed };

static bool
spawner_message(struct chan *c, struct msg *m, void *arg)
{
	struct fakes	*f = arg;
	uint32_t	 uid = msg_u32(m), gid = msg_u32(m);
	uint8_t		 programs = msg_u8(m);
	int		 pair[2];

	chan_pair(pair);
	if (f->deliver != NULL)
		chan_free(&f->deliver);
	f->deliver = chan_new(pair[0], "fake deliver", &deliver_ops, f);
	chan_begin(c, MSG_DELIVERER);
	chan_u32(c, uid);
	chan_u32(c, gid);
	chan_u8(c, programs);
	chan_u8(c, 1);
	chan_str(c, "");
	chan_fd(c, pair[1]);
	chan_end(c);
	return msg_end(m);
}

const struct chan_ops	fakes_spawner_ops = { spawner_message, fakes_closed };
