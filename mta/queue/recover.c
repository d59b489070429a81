/*
 * recover.c - the spool as a stopped queue left it becomes index and journal.
 *
 * The status log is read as a whole: which segments are in use, where
 * messages stand that it names, what has become of targets.  Then each named
 * message is made of the envelope that stands there too (of an older log: that
 * is read at its place), and each segment of a server session from where the
 * log's knowledge ends: by its table of contents when it has one, else record
 * by record with the contents' checksums.  A message is live when log or table
 * name it or its record is valid, and the log does not say that it is finished.
 *
 * A record that is not valid is the end of an open segment, unless it is known
 * that more stands behind it: then it is damage, which is said, passed over,
 * and costs no other message.
 */
#include "mta/queue/past.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SAID_MAX	20	/* lines about damage, of each kind */
#define BEHIND_EACH	20000	/* messages: then the log's octets before them go */

/* --- messages from their records */

/* Its envelope is known, its record is not looked at. */
static void
admit_known(struct past *p, struct segment *g, struct span env,
    uint32_t flags, uint64_t offset)
{
	struct queue		*q = p->q;
	struct past_message	*past;
	struct message		*m = message_new(env);

	if (m == NULL) {
		log_warnx("segment %08x: no envelope at %llu", g->id.id,
		    (unsigned long long)offset);
		return;
	}
	if (flags & SEGMENT_F_BODY)
		m->flags |= M_BODY;
	if (m->qid > q->max_qid)
		q->max_qid = m->qid;
	past = past_message(p, m->qid);
	if (past != NULL && (past->finished || past->found)) {
		message_free(&m);
		return;
	}
	replay_events(q, m, past == NULL ? NULL : past->first);
	if (past != NULL)
		past->found = true;
	message_admit(q, m, g, offset);
}

static void
admit(struct past *p, struct segment *g, const struct segment_record *r)
{
	struct buf	env = { 0 };

	if (segment_read_envelope(g->fd, r, &env) == 1)
		admit_known(p, g, buf_span(&env), r->flags, r->offset);
	else
		log_warnx("segment %08x: no envelope at %llu", g->id.id,
		    (unsigned long long)r->offset);
	buf_clear(&env);
}

static bool
is(const struct segment *g, struct segment_id id)
{
	return g != NULL && g->id.id == id.id &&
	    g->id.generation == id.generation;
}

/* What cannot be read stays missing: say_missing(). */
static void
admit_placed(struct past *p)
{
	struct past_message	*m;
	struct segment_record	 r;
	struct segment		*g = NULL;
	size_t			 n = 0;

	for (m = p->first; m != NULL; m = m->next) {
		if (m->finished || !m->placed)
			continue;
		if (!is(g, m->segment))
			g = segments_find(&p->q->segments, m->segment);
		if (g == NULL)
			continue;
		if (m->envelope != NULL) {
			if (++n % BEHIND_EACH == 0)
				past_behind(p, m->envelope);
			admit_known(p, g, span_mem(m->envelope,
			    m->envelope_n), m->flags, m->offset);
		} else if (segment_read(g->fd, g->id, g->size, m->offset,
		    false, &r) == 1)
			admit(p, g, &r);
	}
}

/* From where the log's knowledge ends, while the records are valid. */
static void
walk_valid(struct past *p, struct segment *g, uint64_t end, bool check)
{
	struct segment_record	r;
	int			ok;

	while (end == 0 || g->known < end) {
		ok = segment_read(g->fd, g->id, g->size, g->known, check, &r);
		if (ok == -1 && p->damaged < SAID_MAX)
			log_warn("segment %08x at %llu", g->id.id,
			    (unsigned long long)g->known);
		if (ok != 1)
			break;
		admit(p, g, &r);
		g->known = r.offset + r.length;
	}
}

/*
 * The next record behind the damaged one at g->known; 0: none.  Where its head
 * is valid, its content is not searched: what is in there are a stranger's
 * octets.
 */
static uint64_t
next_record(const struct segment *g)
{
	struct segment_record	r;
	uint64_t		from = g->known + 8;

	if (segment_read(g->fd, g->id, g->size, g->known, false, &r) == 1)
		from = r.offset + r.length;
	return segment_find(g->fd, g->id, g->size, from);
}

/* The table's next offset; those before pos are behind us. */
static uint64_t
next_in_toc(const struct segment *g, const struct segment_toc *toc, size_t *pos)
{
	struct segment_record	r;
	struct span		env;

	while (segment_toc_next(toc, pos, &r, &env))
		if (r.offset > g->known)
			return r.offset;
	return 0;
}

static void
pass_over(struct past *p, struct segment *g, uint64_t to)
{
	if (p->damaged++ < SAID_MAX)
		log_warnx("segment %08x: damaged record at %llu, read on at "
		    "%llu", g->id.id, (unsigned long long)g->known,
		    (unsigned long long)to);
	g->known = to;
}

/*
 * All records up to the end, when that is known, whatever is damaged between.
 * With a table of contents it leads, and contents are not read.
 */
static void
walk(struct past *p, struct segment *g, uint64_t end,
    const struct segment_toc *toc)
{
	uint64_t	next;
	size_t		pos = 0;

	for (;;) {
		walk_valid(p, g, end, toc == NULL);
		if (end == 0 || g->known >= end)
			return;
		next = toc == NULL ? next_record(g) : next_in_toc(g, toc, &pos);
		pass_over(p, g, next == 0 || next > end ? end : next);
	}
}

/* All messages of a sealed segment: no record is touched. */
static void
walk_toc(struct past *p, struct segment *g, uint64_t end,
    const struct segment_toc *toc)
{
	struct segment_record	r;
	struct span		env;
	size_t			pos = 0;

	while (segment_toc_next(toc, &pos, &r, &env))
		if (r.offset >= g->known)
			admit_known(p, g, env, r.flags, r.offset);
	if (g->known < end)
		g->known = end;
}

/* --- messages that are not found */

static bool
is_missing(const struct past *p, const struct past_message *past)
{
	return !past->finished && !past->found &&
	    index_find(&p->q->index, past->qid) == NULL;
}

static bool
any_missing(const struct past *p)
{
	const struct past_message	*m;

	for (m = p->first; m != NULL; m = m->next)
		if (is_missing(p, m))
			return true;
	return false;
}

/*
 * The log names messages only after their sync: where one is missing, what
 * ended an open segment may be damage.  All that is valid behind it counts.
 */
static void
search_open(struct past *p)
{
	struct segment	*g;
	uint64_t	 next;

	if (!any_missing(p))
		return;
	for (g = p->q->segments.first; g != NULL; g = g->next)
		while (g->state == SEGMENT_LOST &&
		    (next = next_record(g)) != 0) {
			pass_over(p, g, next);
			walk_valid(p, g, 0, true);
		}
}

static void
say_missing(const struct past *p)
{
	const struct past_message	*m;
	char				 id[QID_TEXT];
	size_t				 n = 0;

	for (m = p->first; m != NULL; m = m->next)
		if (is_missing(p, m) && n++ < SAID_MAX)
			log_warnx("lost id=%s: not finished in the status log, "
			    "and no valid record of it", qid_format(m->qid,
			    id));
	if (n > SAID_MAX)
		log_warnx("lost messages=%zu in all", n);
	if (p->damaged > SAID_MAX)
		log_warnx("damaged records=%zu in all", p->damaged);
}

/* --- segments */

static void
adopt(struct past *p, struct segment_id id, uint64_t size, int fd)
{
	struct queue		*q = p->q;
	struct past_segment	*past = past_segment(p, id);
	struct segment		*g;
	struct record		 r = { .type = REC_SEGMENT, .segment = id,
	    .offset = SEGMENT_HEAD };

	g = segments_adopt(&q->segments, id, size, fd, SEGMENT_LOST);
	past_note_ids(q, id);
	if (past == NULL) {
		log_warnx("segment %08x is not in the status log", id.id);
		journal_add(q->journal, &r);
		return;
	}
	g->known = past->known < SEGMENT_HEAD ? SEGMENT_HEAD : past->known;
	g->end = past->end;
	g->writer = past->writer == RECORD_BY_QUEUE ? SEGMENT_BY_QUEUE : 0;
}

static void
adopt_file(struct past *p, const char *name, uint32_t id)
{
	struct queue		*q = p->q;
	struct past_segment	*past;
	struct segment_id	 s;
	uint64_t		 size;
	int			 fd;

	if ((fd = openat(q->seg_fd, name, O_RDWR | O_CLOEXEC)) == -1)
		fatal("segment %s", name);
	if (segment_read_head(fd, &s, &size) == -1 || s.id != id ||
	    ((past = past_segment(p, s)) != NULL && past->freed)) {
		close(fd);
		if (unlinkat(q->seg_fd, name, 0) == -1)
			log_warn("segment %s: cannot be removed", name);
		return;
	}
	adopt(p, s, size, fd);
}

static void
adopt_all(struct past *p)
{
	struct queue	*q = p->q;
	struct dirent	*e;
	uint32_t	 id;
	DIR		*d;
	int		 fd;

	fd = openat(q->seg_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (d = fdopendir(fd)) == NULL)
		fatal("folder of segments");
	while ((e = readdir(d)) != NULL)
		if (segment_name_parse(e->d_name, &id))
			adopt_file(p, e->d_name, id);
	/* The log will forget what was removed: its name must not come back. */
	if (fsync(dirfd(d)) == -1)
		log_warn("folder of segments: cannot sync");
	closedir(d);
}

/*
 * With a table of contents all is synced.  Without one a tail may be in memory
 * only: it is synced before it counts, because what is taken must stay whole.
 */
static void
read_segment(struct past *p, struct segment *g)
{
	struct segment_toc	toc = { 0 };
	uint64_t		end = 0;

	if (g->writer == SEGMENT_BY_QUEUE ||
	    (g->end != 0 && g->known >= g->end)) {
		segments_seal(g, g->end);	/* the log has all of it */
		return;
	}
	if (segment_read_toc(g->fd, g->id, g->size, &end, &toc) == 1) {
		if (toc.old)
			walk(p, g, end, &toc);
		else
			walk_toc(p, g, end, &toc);
		segments_seal(g, end);
	} else {
		end = g->end;
		if (fdatasync(g->fd) == -1)
			log_warn("segment %08x: cannot sync", g->id.id);
		walk(p, g, end, NULL);
		if (end != 0)
			segments_seal(g, end);
	}
	segment_toc_clear(&toc);
}

static void
read_segments(struct past *p)
{
	struct segment	*g, *next;

	for (g = p->q->segments.first; g != NULL; g = next) {
		next = g->next;
		/* Pinned: empty ones are freed when all is known. */
		segment_pin(g);
		read_segment(p, g);
	}
	search_open(p);
	for (g = p->q->segments.first; g != NULL; g = next) {
		next = g->next;
		segment_unpin(g);
	}
}

/* --- all of it */

static void
settle_all(struct queue *q)
{
	struct message	*m, *next;

	for (m = q->index.first; m != NULL; m = next) {
		next = m->next;
		message_settle(q, m);
	}
}

void
recover(struct queue *q)
{
	static const struct journal_ops	ops = { state_slice };
	struct past	p;
	int64_t		began = clock_boot_ms();

	if (past_read(&p, q) == -1)
		fatal("status log");
	if (p.end == 0 && p.file.n > 0)
		log_warnx("status log: not one of ours: all is read again");
	q->journal = journal_open(q->spool_fd, p.generation, p.end, q->syncs,
	    q->work, &ops, q);
	if (q->journal == NULL)
		fatal("status log");
	q->segments.journal = q->journal;
	adopt_all(&p);
	admit_placed(&p);
	read_segments(&p);
	say_missing(&p);
	index_sort(&q->index);
	qid_floor(&q->qids, q->max_qid);
	log_info("recovered messages=%zu records=%llu ms=%lld", q->index.n,
	    (unsigned long long)p.records,
	    (long long)(clock_boot_ms() - began));
	past_clear(&p);
	settle_all(q);
}
