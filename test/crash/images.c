/*
 * images.c - the power goes at any moment: what was acknowledged is there.
 *
 *   images [N [SEED]]
 *
 * A queue works for a second or two, among peers that are played, with small
 * segments, so that all happens: sealing, reuse, moving, checkpoints, workers
 * that die, bodies, expansions, notifications, mailboxes.  The shim records
 * what is written and synced.  Then N disk images are built for moments spread
 * over the whole trace, without what was not synced, with all of it, with
 * some sectors or some writes of it, and the real recovery reads each:
 *
 *   - each acknowledged message is live, unless a next hop or mailbox has it;
 *   - one that cannot be delivered is live, or its notification is;
 *   - what a mailbox was told to show is never prepared anew;
 *   - a message for a Maildir (the real store) stands in new/ of it, or is
 *     live, and never both: it is delivered once;
 *   - what is live is whole.
 *
 * Before that the test tests itself: a server that does not sync must fail.
 */
#include "test/crash/disk.h"
#include "test/unit/mta/queue/fakes.h"

#include "base/crc.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mailbox/store/store.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEGMENT		(64 << 10)
#define MESSAGES	700
#define PATH_N		256
#define FOLDERS		7

/* What was seen from outside, in the order of the trace. */
struct seen {
	uint32_t	 mark;		/* enum trace_mark */
	uint64_t	 qid;
	size_t		 at;		/* event */
};

static struct {
	char			 top[PATH_N];	/* folder of this run */
	const struct trace_event **events;
	size_t			 n;
	struct seen		*seen;
	size_t			 nseen;
	struct disk_folder	 folders[FOLDERS];
	char			 maildir[PATH_N + 32];	/* of the load, then of an image */
} t;

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

/* --- the load */

static void
saw(uint64_t qid, bool commit)
{
	if (commit)
		trace_mark(MARK_COMMITTED, qid);
	trace_mark(MARK_GONE, qid);
}

static void
prepare(struct span name, struct span prefix, struct span content,
    char final[220])
{
	struct store_place	place = { .maildir = t.maildir };
	struct store_message	m = { .base = name, .prefix = prefix,
	    .content = content };
	char			out[STORE_FINAL_MAX];
	struct store_error	e;

	if (store_prepare(&place, &m, out, &e) != STORE_OK)
		die(e.text);
	if (strlen(out) >= 220)
		die("a name without end");
	memcpy(final, out, strlen(out) + 1);
}

static void
commit(const char *final)
{
	struct store_error	e;

	if (store_commit(t.maildir, final, &e) != STORE_OK)
		die(e.text);
}

static void
send_one(struct fakes *f, unsigned kind)
{
	size_t		octets = 100 + (size_t)random() % 3000;
	uint64_t	qid;

	if (kind < 30)
		qid = fakes_accept(f, "a@x.test", "later@keep.test", octets);
	else if (kind < 50)
		qid = fakes_accept(f, "a@x.test", "hop@y.test", octets);
	else if (kind < 65) {
		qid = fakes_accept(f, "a@x.test", "box@y.test", octets);
		trace_mark(MARK_BOX, qid);
		return;
	} else if (kind < 70) {	/* has two targets: GONE means either */
		fakes_accept(f, "a@x.test", "pair@y.test", octets);
		return;
	} else if (kind < 88) {
		fakes_accept(f, "a@x.test", "drop@y.test", octets);
		return;
	} else if (kind < 96) {
		qid = fakes_accept(f, "later@sender.test", "fail@y.test",
		    octets);
		trace_mark(MARK_RETURNED, qid);
		return;
	} else
		qid = fakes_accept_body(f, "a@x.test", kind % 2 ?
		    "later@keep.test" : "hop@y.test", octets * 10);
	trace_mark(MARK_ACKED, qid);
}

/*
 * With something written that it has neither synced nor told.  Its segment is
 * not continued; the next worker has a new one.
 */
static void
worker_dies(struct fakes *f)
{
	const char	*to = "later@keep.test";

	f->unsynced = true;
	fakes_accept_n(f, "a@x.test", &to, 1, 3000, false);
	f->unsynced = false;
	chan_free(&f->smtp);
	if (f->seg_fd != -1)
		close(f->seg_fd);
	f->seg_fd = -1;
	segment_toc_clear(&f->toc);
	fakes_run_ms(f, 2);
	fakes_peer(f, PROC_SMTP);
}

static void
load(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 i;

	f->saw = saw;
	f->prepare = prepare;
	f->commit = commit;
	f->later_until = UINT32_MAX;
	f->q.copy_after_ms = 150;
	f->q.resume_ms = 100;
	fakes_retry(f, 3600000);
	for (i = 1; i <= MESSAGES; i++) {
		send_one(f, (unsigned)random() % 100);
		if (i % 7 == 0)
			fakes_run_ms(f, 1);
		if (i % 110 == 0)
			worker_dies(f);
		if (i % 30 == 0)
			journal_checkpoint(f->q.journal);
		if (i % 50 == 0) {
			intake_tick(&f->q);
			deferred_tick(&f->q);
		}
	}
	fakes_run_ms(f, 1300);	/* lazy syncs, what is left moves */
	deferred_tick(&f->q);
	fakes_run_ms(f, 300);
}

static void
run_load(const char *dir, const char *trace, unsigned seed, bool no_sync)
{
	pid_t	pid = fork();
	int	status;

	if (pid == -1)
		die("fork");
	if (pid == 0) {
		log_open("images", open("/dev/null", O_WRONLY), LOG_L_ERROR);
		srandom(seed);
		if (mkdir(dir, 0700) == -1)
			die(dir);
		snprintf(t.maildir, sizeof(t.maildir), "%s/mail", dir);
		if (mkdir(t.maildir, 0700) == -1)
			die(t.maildir);
		trace_open(trace);
		trace_swallow_syncs(no_sync);
		load(dir);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "the load has failed: status %d\n", status);
		exit(2);
	}
}

/* --- the trace */

static void
add_seen(const struct trace_event *e, size_t at)
{
	t.seen = xreallocarray(t.seen, t.nseen + 1, sizeof(*t.seen));
	t.seen[t.nseen++] = (struct seen){ (uint32_t)e->offset, e->size, at };
}

static void
read_trace(const char *path)
{
	int			 fd = open(path, O_RDONLY);
	const char		*map;
	uint64_t		 used, at;
	const struct trace_event *e;
	size_t			 cap = 0;

	map = fd == -1 ? MAP_FAILED :
	    mmap(NULL, TRACE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	close(fd);
	memcpy(&used, map, 8);
	t.n = t.nseen = 0;
	for (at = 0; at < used; at += (sizeof(*e) + e->data_n + 7) &
	    ~(uint64_t)7) {
		e = (const void *)(map + 8 + at);
		if (e->kind == TRACE_NONE)
			continue;	/* its process had died */
		if (t.n == cap) {
			cap = cap == 0 ? 4096 : 2 * cap;
			t.events = xreallocarray(t.events, cap,
			    sizeof(*t.events));
		}
		if (e->kind == TRACE_MARK)
			add_seen(e, t.n);
		t.events[t.n++] = e;
	}
}

static void
find_folders(const char *dir)
{
	static const char *const	names[FOLDERS] = { "", "seg", "body",
	    "mail", "mail/tmp", "mail/new", "mail/cur" };
	char				path[2 * PATH_N];
	struct stat			st;
	unsigned			i;

	for (i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (stat(path, &st) == -1)
			die(path);
		t.folders[i] = (struct disk_folder){ st.st_ino, names[i] };
	}
}

/* --- what recovery finds */

static bool
complain(uint64_t qid, const char *what)
{
	char	id[QID_TEXT];

	fprintf(stderr, "%s: %s\n", qid_format(qid, id), what);
	return false;
}

static bool
read_content(struct queue *q, const struct message *m,
    const struct segment_record *r, struct buf *out)
{
	int	fd = m->seg->fd;
	bool	ok;

	if (m->flags & M_BODY && (fd = body_open_read(q, m->qid)) == -1)
		return false;
	ok = file_pread_all(fd, buf_reserve(out, m->size + 1), m->size,
	    m->flags & M_BODY ? 0 : r->content_offset) == 0;
	buf_grown(out, ok ? m->size : 0);
	if (m->flags & M_BODY)
		close(fd);
	return ok && crc32c(0, buf_span(out).p, out->n) == r->content_crc;
}

/* The record is whole, and so is what it says, octet for octet. */
static bool
is_whole(struct queue *q, const struct message *m)
{
	struct segment_record	r;
	struct buf		have = { 0 }, want = { 0 };
	bool			ok;

	if (segment_read(m->seg->fd, m->seg->id, m->seg->size,
	    message_offset(m), true, &r) != 1)
		return complain(m->qid, "its record is not whole");
	ok = read_content(q, m, &r, &have);
	if (ok && !(m->flags & M_DSN)) {
		fakes_content(m->qid, m->size, &want);
		ok = span_eq(buf_span(&have), buf_span(&want));
	}
	buf_clear(&have);
	buf_clear(&want);
	return ok ? true : complain(m->qid, "its content is not whole");
}

static bool
is_told(struct queue *q, uint64_t qid)
{
	struct segment_record	 r;
	struct message		*m;
	struct buf		 b = { 0 };
	char			 id[QID_TEXT];
	bool			 found = false;

	qid_format(qid, id);
	for (m = q->index.first; m != NULL && !found; m = m->next) {
		buf_reset(&b);
		if (m->flags & M_DSN && segment_read(m->seg->fd, m->seg->id,
		    m->seg->size, message_offset(m), true, &r) == 1 &&
		    read_content(q, m, &r, &b))
			found = memmem(buf_span(&b).p, b.n, id,
			    strlen(id)) != NULL;
	}
	buf_clear(&b);
	return found;
}

static bool
is_gone(uint64_t qid, size_t upto)
{
	size_t	i;

	for (i = 0; i < t.nseen && t.seen[i].at < upto; i++)
		if (t.seen[i].qid == qid && t.seen[i].mark == MARK_GONE)
			return true;
	return false;
}

static bool
only_commits(const struct message *m)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].flags & DEST_PREPARED ||
		    m->dests[i].state == DEST_DONE)
			return true;
	return false;
}

/* --- the Maildir */

/* What new/ has of this message: its files; the last one's name. */
static unsigned
in_new(uint64_t qid, char name[NAME_MAX + 1])
{
	char		 path[sizeof(t.maildir) + 8], id[QID_TEXT];
	struct dirent	*e;
	unsigned	 n = 0;
	DIR		*d;

	qid_format(qid, id);
	snprintf(path, sizeof(path), "%s/new", t.maildir);
	if ((d = opendir(path)) == NULL)
		die(path);
	while ((e = readdir(d)) != NULL)
		if (strstr(e->d_name, id) != NULL) {
			snprintf(name, NAME_MAX + 1, "%s", e->d_name);
			n++;
		}
	closedir(d);
	return n;
}

/* The file is as long as its name says, and begins and ends as it should. */
static bool
file_is_whole(uint64_t qid, const char *name)
{
	char		 path[sizeof(t.maildir) + NAME_MAX + 8], id[40];
	const char	*s = strstr(name, ",S=");
	struct buf	 have = { 0 };
	int		 fd;
	bool		 ok;

	snprintf(path, sizeof(path), "%s/new/%s", t.maildir, name);
	snprintf(id, sizeof(id), "X-Id: %016llx\n", (unsigned long long)qid);
	ok = (fd = open(path, O_RDONLY)) != -1 &&
	    file_read_fd(fd, 1 << 20, &have) == 0 && s != NULL &&
	    have.n == strtoull(s + 3, NULL, 10) &&
	    memmem(buf_span(&have).p, have.n, id, strlen(id)) != NULL &&
	    memchr(buf_span(&have).p, '\0', have.n) == NULL;
	if (fd != -1)
		close(fd);
	buf_clear(&have);
	return ok;
}

/* What the queue does first with what is prepared. */
static bool
commit_prepared(const struct message *m)
{
	struct store_error	e;
	uint32_t		i;

	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].flags & DEST_PREPARED &&
		    store_commit(t.maildir, m->dests[i].name, &e) != STORE_OK)
			return complain(m->qid, e.text);
	return true;
}

static bool
check_box(uint64_t qid, const struct message *m)
{
	char		name[NAME_MAX + 1];
	unsigned	n = in_new(qid, name);

	if (n > 1)
		return complain(qid, "twice in its mailbox");
	if (n == 1 && !file_is_whole(qid, name))
		return complain(qid, "not whole in its mailbox");
	if (m != NULL && !only_commits(m))
		return n == 0 ? true :
		    complain(qid, "in its mailbox, and sent there again");
	return n == 1 ? true : complain(qid, m == NULL ?
	    "acknowledged, and lost" : "prepared, and not in its mailbox");
}

static bool
check_seen(struct queue *q, const struct seen *s, size_t upto)
{
	const struct message	*m = index_find(&q->index, s->qid);

	switch (s->mark) {
	case MARK_ACKED:
		return m != NULL || is_gone(s->qid, upto) ? true :
		    complain(s->qid, "acknowledged, and lost");
	case MARK_BOX:
		return check_box(s->qid, m);
	case MARK_RETURNED:
		return m != NULL || is_told(q, s->qid) ? true :
		    complain(s->qid, "lost without a notification");
	case MARK_COMMITTED:
		return m == NULL || only_commits(m) ? true :
		    complain(s->qid, "in its mailbox, and prepared anew");
	default:
		return true;
	}
}

static bool
check(struct queue *q, size_t upto)
{
	struct message	*m;
	size_t		 i;

	for (m = q->index.first; m != NULL; m = m->next)
		if (!is_whole(q, m) || !commit_prepared(m))
			return false;
	for (i = 0; i < t.nseen && t.seen[i].at < upto; i++)
		if (!check_seen(q, &t.seen[i], upto))
			return false;
	return true;
}

/* In a child: the queue as it starts on this image. */
static void
recover_and_check(const char *image, size_t upto)
{
	static struct queue	q;

	log_open("images", open("/dev/null", O_WRONLY), LOG_L_ERROR);
	snprintf(t.maildir, sizeof(t.maildir), "%s/mail", image);
	loop_init();
	spool_open(&q, image);
	spool_fill(&q, false);
	queue_init(&q);
	q.set = (struct settings){ .segment_octets = SEGMENT,
	    .reserve_octets = 1,
	    .hostname = xstrdup("mx.test") };
	terms_set_retry(&q.sched.general,
	    &(struct retry_waits){ .n = 1, .ms = { 3600000 } });
	terms_set_lifetime(&q.sched.general, 5 * 86400000ll);
	q.sched.general.concurrency = 20;
	q.sched.general.start = 5;
	q.sched.general.recipients = 100;
	q.segments.size = SEGMENT;
	recover(&q);
	_exit(check(&q, upto) ? 0 : 1);
}

/* --- images */

static void
remove_tree(const char *path)
{
	char		 name[2 * PATH_N];
	struct dirent	*e;
	DIR		*d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (unlink(name) == -1 && errno == EISDIR)
			remove_tree(name);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

/* True when all is there. */
static bool
try_image(const struct disk *d, size_t upto, enum disk_rest rest,
    uint64_t seed)
{
	char	image[PATH_N + 16];
	int	status;
	pid_t	pid;

	snprintf(image, sizeof(image), "%s/image", t.top);
	if (disk_write(d, t.folders, FOLDERS, image, rest, seed) == -1)
		die(image);
	fflush(NULL);
	if ((pid = fork()) == -1)
		die("fork");
	if (pid == 0)
		recover_and_check(image, upto);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	remove_tree(image);
	return status == 0;
}

/* Moments spread evenly from the first to the last event; failures. */
static unsigned
try_images(unsigned n, unsigned seed, bool quiet)
{
	struct disk	*d = disk_new();
	unsigned	 i, failed = 0;
	size_t		 fed = 0, upto;

	for (i = 0; i < n; i++) {
		upto = (size_t)((uint64_t)t.n * (i + 1) / n);
		while (fed < upto)
			disk_feed(d, t.events[fed++]);
		if (try_image(d, upto, i % DISK_NRESTS, seed + i))
			continue;
		failed++;
		if (!quiet)
			fprintf(stderr, "FAILED: image %u of %u, seed %u, "
			    "after event %zu of %zu, rest %d\n", i, n, seed,
			    upto, t.n, (int)(i % DISK_NRESTS));
	}
	disk_free(&d);
	return failed;
}

static unsigned
run(const char *name, unsigned n, unsigned seed, bool no_sync)
{
	char		dir[PATH_N + 16], trace[PATH_N + 16];
	unsigned	failed;
	int		saved = -1, null;

	snprintf(dir, sizeof(dir), "%s/%s", t.top, name);
	snprintf(trace, sizeof(trace), "%s/%s.trace", t.top, name);
	run_load(dir, trace, seed, no_sync);
	read_trace(trace);
	find_folders(dir);
	if (no_sync) {		/* its complaints are wanted, not interesting */
		saved = dup(2);
		null = open("/dev/null", O_WRONLY);
		dup2(null, 2);
		close(null);
	}
	failed = try_images(n, seed, no_sync);
	if (no_sync) {
		dup2(saved, 2);
		close(saved);
	}
	printf("%s: %u images of %zu events, %zu of them seen outside, "
	    "%u failed\n", name, n, t.n, t.nseen, failed);
	fflush(stdout);
	unlink(trace);
	remove_tree(dir);
	return failed;
}

int
main(int argc, char **argv)
{
	unsigned	n = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
	unsigned	seed = argc > 2 ? (unsigned)atoi(argv[2]) :
	    (unsigned)time(NULL);
	unsigned	failed, caught;

	snprintf(t.top, sizeof(t.top), "%s/waybill-images-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(t.top) == NULL)
		die(t.top);
	printf("seed %u\n", seed);
	fflush(stdout);
	caught = run("without-syncs", 100, seed, true);
	failed = run("images", n, seed, false);
	remove_tree(t.top);
	if (caught == 0)
		fprintf(stderr, "FAILED: a queue that does not sync passes\n");
	printf("%u passed, %u failed\n", n - failed + (caught > 0),
	    failed + (caught == 0));
	return failed > 0 || caught == 0;
}
