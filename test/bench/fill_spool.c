/*
 * fill_spool.c - a spool with many messages, as server sessions leave it.
 *
 *   fill_spool DIR MESSAGES DOMAINS CONTENT_OCTETS SEGMENT_OCTETS [waiting]
 *
 * Writes DIR/seg/S%08x: sealed segments with tables of contents.  Message i
 * goes from a hundred senders to rI@dN.bench.example, N below DOMAINS; its
 * envelope has what an office's policy freezes into one.  waiting: also
 * DIR/status.log, as a checkpoint writes it when each message has been tried
 * three times and waits for an hour.  Nothing is synced.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/crc.h"
#include "base/fileio.h"
#include "base/log.h"
#include "mta/queue/journal_int.h"
#include "mta/spool/envelope.h"
#include "mta/spool/qid.h"
#include "mta/spool/segment.h"
#include "ruleset/op.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
	const char		*dir;
	uint64_t		 segment_octets;
	unsigned		 domains;
	struct span		 content;
	uint32_t		 content_crc;
	struct qid_gen		 qids;
	/* the segment under way */
	struct segment_id	 id;
	int			 fd;
	struct buf		 out;
	struct segment_toc	 toc;
	struct logfile		 log;		/* fd -1: none is wanted */
} t;

/* --- the status log */

static void
log_write(void)
{
	if (file_pwrite_all(t.log.fd, buf_span(&t.log.pending).p,
	    t.log.pending.n, t.log.written) == -1)
		fatal("status log");
	t.log.written += t.log.pending.n;
	buf_reset(&t.log.pending);
}

static void
log_put(const struct record *r)
{
	if (t.log.fd == -1)
		return;
	logfile_put(&t.log, r);
	if (t.log.pending.n > 1 << 20)
		log_write();
}

static void
log_begin(bool wanted)
{
	char	path[4096];

	t.log.fd = -1;
	if (!wanted)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", t.dir, JOURNAL_NAME);
	t.log.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (t.log.fd == -1)
		fatal("%s", path);
	t.log.generation = 1;
	logfile_head(&t.log);
}

static void
log_segment(uint64_t end)
{
	struct record	r = { .type = REC_SEGMENT, .segment = t.id,
	    .offset = end, .end = end, .writer = RECORD_BY_SMTP };

	log_put(&r);
	r.type = REC_SEALED;
	log_put(&r);
}

static void
log_message(uint64_t qid, uint64_t at, struct span env)
{
	struct record	m = { .type = REC_MESSAGE, .qid = qid,
	    .segment = t.id, .offset = at, .envelope = env };
	struct record	d = { .type = REC_DEFERRED, .qid = qid, .attempts = 3,
	    .next_ms = clock_wall_ms() + 3600000, .code = 451,
	    .status = SPAN("4.4.1"),
	    .mta = SPAN("mx.bench.example [192.0.2.25]"),
	    .text = SPAN("connect to mx.bench.example [192.0.2.25]:25: "
	    "Connection timed out") };

	log_put(&m);
	log_put(&d);
}

/* --- segments */

static void
segment_begin(void)
{
	char	path[4096], name[SEGMENT_NAME];

	t.id.id++;
	t.id.generation = t.id.id;
	(void)snprintf(path, sizeof(path), "%s/seg/%s", t.dir,
	    segment_name(t.id.id, name));
	t.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (t.fd == -1 || ftruncate(t.fd, (off_t)t.segment_octets) == -1 ||
	    segment_format_head(t.fd, t.id, t.segment_octets) == -1)
		fatal("%s", path);
}

static void
segment_end(void)
{
	struct buf	table = { 0 };
	uint64_t	end = SEGMENT_HEAD + t.out.n, at;

	log_segment(end);

	at = segment_seal(&table, t.id, t.segment_octets, end, &t.toc);
	if (file_pwrite_all(t.fd, buf_span(&t.out).p, t.out.n,
	    SEGMENT_HEAD) == -1 ||
	    file_pwrite_all(t.fd, buf_span(&table).p, table.n, at) == -1)
		fatal("segment");
	close(t.fd);
	buf_clear(&table);
	buf_reset(&t.out);
	segment_toc_clear(&t.toc);
}

static void
compose(unsigned i, struct buf *out)
{
	char			 from[64], to[64];
	struct span		 rcpt;
	struct envelope_fact	 facts[] = {
		{ RS_FACT_CLIENT_IP, { .type = RS_T_IP, .tainted = false,
		    .ip = { .family = 4, .a = { 192, 0, 2, 1 } } } },
		{ RS_FACT_CLIENT_HELO, { .type = RS_T_TEXT, .tainted = true,
		    .s = SPAN("client.office.example") } },
	};
	struct envelope		 e = { .qid = qid_next(&t.qids),
	    .arrival_ms = clock_wall_ms(), .size = t.content.n,
	    .policy = SPAN("8c55607c3667b6598c55607c3667b659"
	    "8c55607c3667b6598c55607c3667b659"),
	    .nrcpts = 1, .rcpts = &rcpt, .nfacts = 2, .facts = facts };

	(void)snprintf(from, sizeof(from), "sender%u@office.example", i % 100);
	(void)snprintf(to, sizeof(to), "r%u@d%u.bench.example", i,
	    i % t.domains);
	e.sender = span_of(from);
	rcpt = span_of(to);
	envelope_format(&e, out);
}

static void
add(unsigned i)
{
	struct buf	env = { 0 };
	uint64_t	at = SEGMENT_HEAD + t.out.n;

	compose(i, &env);
	if (at + segment_record_size(env.n, t.content.n) +
	    segment_seal_size(t.toc.table.n + segment_toc_entry(env.n)) >
	    t.segment_octets) {
		segment_end();
		segment_begin();
		at = SEGMENT_HEAD;
	}
	segment_put(&t.out, t.id, at, buf_span(&env), t.content, 0,
	    t.content.n, t.content_crc);
	segment_toc_add(&t.toc, at, buf_span(&env), 0, t.content.n);
	log_message(t.qids.last, at, buf_span(&env));
	buf_clear(&env);
}

static char *
content_of(size_t n)
{
	static const char	head[] = "Subject: one of very many\r\n\r\n";
	char			*p = malloc(n + sizeof(head));
	size_t			 i;

	if (p == NULL)
		fatal("memory");
	memcpy(p, head, sizeof(head) - 1);
	for (i = sizeof(head) - 1; i < n; i++)
		p[i] = "a line of a message's content, as long as many are, "
		    "and then its end\r\n"[(i - sizeof(head) + 1) % 71];
	memcpy(p + n - 2, "\r\n", 2);
	return p;
}

int
main(int argc, char **argv)
{
	char		path[4096];
	unsigned	i, n;

	if (argc != 6 && argc != 7)
		fatalx("fill_spool DIR MESSAGES DOMAINS CONTENT_OCTETS "
		    "SEGMENT_OCTETS [waiting]");
	t.dir = argv[1];
	n = (unsigned)atoi(argv[2]);
	t.domains = (unsigned)atoi(argv[3]);
	t.content.n = (size_t)atoi(argv[4]);
	t.segment_octets = (uint64_t)atoll(argv[5]) & ~UINT64_C(7);
	t.content.p = content_of(t.content.n);
	t.content_crc = crc32c(0, t.content.p, t.content.n);
	(void)snprintf(path, sizeof(path), "%s/seg", t.dir);
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		fatal("%s", path);
	log_begin(argc == 7);
	segment_begin();
	for (i = 0; i < n; i++)
		add(i);
	segment_end();
	if (t.log.fd != -1)
		log_write();
	return 0;
}
