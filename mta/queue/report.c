/*
 * report.c - what a notification says (RFC 3464), and its own envelope.
 *
 * RET=FULL returns the whole message with a failure, as far as a record of the
 * queue's own segment holds it; in all other cases its header goes along.
 */
#include "mta/queue/lifetimes.h"
#include "mta/queue/notice.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "mta/queue/notify.h"
#include "mta/queue/notify_set.h"
#include "mta/spool/attributes.h"

#include <unistd.h>

#define HEADER_MAX	65536		/* octets of the original's header section */
#define FULL_MAX	(768u << 10)	/* octets of a message that is returned whole */

/* --- the original */

/* So much of its start as there is. */
static int
read_start(struct queue *q, const struct message *m, size_t n, struct buf *out)
{
	bool	body = m->flags & M_BODY;
	int	fd = body ? body_open_read(q, m->qid) : m->seg->fd;
	int	result = -1;

	if (fd == -1 || file_pread_all(fd, buf_reserve(out, n + 1), n,
	    message_content_offset(m)) == -1)
		log_warn("content for a notification");
	else {
		buf_grown(out, n);
		result = 0;
	}
	if (body && fd != -1)
		close(fd);
	return result;
}

static uint64_t
full_max(const struct queue *q)
{
	uint64_t	most = q->set.segment_octets / 4;

	return most < FULL_MAX ? most : FULL_MAX;
}

/*
 * RET says nothing of what has not failed (RFC 3461, 4.3), and REQUIRETLS has
 * the header alone returned (RFC 8689, 5).  What is binary does not fit into
 * the lines of a report.
 */
static bool
is_full(const struct notice *no, const struct message *m,
    const struct envelope *e, enum dsn_cut *cut)
{
	*cut = DSN_CUT_NONE;
	if (no->kind != NOTICE_FAILED || no->header_only ||
	    !(e->flags & (ENV_RET_FULL | ENV_DSN)))
		return false;
	if (e->flags & ENV_REQUIRETLS)
		*cut = DSN_CUT_ENCRYPTED;
	else if (e->flags & ENV_BINARY)
		*cut = DSN_CUT_BINARY;
	else if (m->size > full_max(no->q))
		*cut = DSN_CUT_LARGE;
	return *cut == DSN_CUT_NONE;
}

/* Whole lines of it: HEADER_MAX may be in the middle of one. */
static size_t
header_lines(struct span start)
{
	size_t	n = header_size(start);

	while (n > 0 && start.p[n - 1] != '\n')
		n--;
	return n;
}

static void
read_original(const struct notice *no, const struct message *m,
    const struct envelope *e, struct buf *original, struct dsn *dsn)
{
	size_t	n = m->size < HEADER_MAX ? (size_t)m->size : HEADER_MAX;

	dsn->full = is_full(no, m, e, &dsn->cut);
	if (dsn->full)
		n = (size_t)m->size;
	if (read_start(no->q, m, n, original) == -1)
		dsn->full = false;
	else if (!dsn->full)
		buf_cut(original, header_lines(buf_span(original)));
	dsn->original = buf_span(original);
}

/* --- the recipients */

/* An owner is told of the list's member; to others expansions stay hidden. */
struct span
notice_name(const struct dest *d, const struct envelope *e)
{
	if (notify_is_list(d) && d->state != DEST_ARRIVED)
		return dest_address(d, e);
	return e->rcpts[d->rcpt];
}

/* "550 5.1.1 text", as the next hop has said it. */
static struct span
reply_of(struct arena *a, const struct answer *an)
{
	if (an->mta.n == 0 || an->code == 0)
		return SPAN_NONE;
	return arena_printf(a, "%u %.*s%s%.*s", an->code,
	    SPAN_ARG(an->status), an->status.n > 0 ? " " : "",
	    SPAN_ARG(an->text));
}

/*
 * "mx.example[192.0.2.1]": its name, or the address of one that has none, which
 * is what a Remote-MTA has (RFC 3464, 2.1.2).
 */
static struct span
name_of(struct span mta)
{
	size_t	n;

	for (n = 0; n < mta.n && mta.p[n] != ' ' && mta.p[n] != '['; n++)
		;
	return n > 0 ? span_mem(mta.p, n) : mta;
}

static bool
is_program(const struct dest *d)
{
	struct target	t;

	return dest_place(d, &t) && (t.kind == TARGET_PIPE ||
	    t.kind == TARGET_FILE);
}

/* What the hop has said, or a program of this machine (2.3.6). */
static void
put_reply(struct dsn_rcpt *r, const struct dest *d, const struct answer *an,
    struct arena *a)
{
	if (is_program(d)) {
		r->diagnostic = SPAN("x-unix");
		r->reply = an->text;
		return;
	}
	r->mta = name_of(an->mta);
	r->reply = reply_of(a, an);
}

static enum dsn_action
action_of(const struct notice *no, const struct dest *d)
{
	struct target	t;

	if (no->kind == NOTICE_FAILED)
		return DSN_FAILED;
	if (no->kind != NOTICE_ARRIVED)
		return DSN_DELAYED;
	if (dest_place(d, &t) && t.kind == TARGET_EXPANDED)
		return t.owned ? DSN_DELIVERED : DSN_EXPANDED;
	return d->flags & DEST_RELAYED ? DSN_RELAYED : DSN_DELIVERED;
}

/* Without an answer that has one. */
static struct span
status_of(const struct notice *no, const struct answer *an)
{
	static const char *const	status[] = {
		[NOTICE_FAILED] = "5.0.0", [NOTICE_DELAYED] = "4.0.0",
		[NOTICE_LATE] = "4.4.7", [NOTICE_ARRIVED] = "2.0.0"
	};

	return an->status.n > 0 && no->kind != NOTICE_LATE ? an->status :
	    span_of(status[no->kind]);
}

static struct span
why_of(const struct notice *no, const struct answer *an)
{
	if (no->kind == NOTICE_LATE)
		return SPAN("It has not been delivered by the time that you "
		    "have set.");
	return an->text;
}

static struct dsn_rcpt
rcpt_of(const struct notice *no, const struct dest *d,
    const struct envelope *e, struct arena *a)
{
	struct dsn_rcpt	r = { .address = notice_name(d, e) };
	struct answer	an;

	memset(&an, 0, sizeof(an));
	dest_answer(d, &an);
	r.action = action_of(no, d);
	r.status = status_of(no, &an);
	put_reply(&r, d, &an, a);
	r.why = why_of(no, &an);
	r.last_attempt_ms = an.when_ms;
	if (r.action == DSN_DELAYED)
		r.will_retry_until_ms = e->arrival_ms +
		    dest_lifetime_ms(no->q, d);
	if (e->params != NULL) {
		r.orcpt_type = e->params[d->rcpt].orcpt_type;
		r.orcpt = e->params[d->rcpt].orcpt;
	}
	return r;
}

static size_t
rcpts_of(struct notice *no, const struct message *m, const struct envelope *e,
    struct arena *a, struct dsn_rcpt *out)
{
	struct htab	told = { 0 };
	size_t		n = 0;
	uint32_t	i;

	for (i = 0; i < no->ndests; i++) {
		const struct dest	*d = &m->dests[no->dests[i]];

		if (htab_put(&told, notice_name(d, e), no) == NULL)
			out[n++] = rcpt_of(no, d, e, a);	/* each once */
	}
	htab_clear(&told);
	return n;
}

/* --- all of it */

void
notice_address(struct notice *no, uint32_t flags, struct span policy)
{
	struct span	content = buf_span(&no->content);
	struct envelope	e = {
		.qid = qid_next(&no->q->qids), .arrival_ms = clock_wall_ms(),
		.flags = ENV_DSN | flags |
		    (span_is_ascii(content) ? 0 : ENV_8BIT),
		.size = content.n, .policy = policy,
		.nrcpts = 1, .rcpts = &no->to
	};

	envelope_format(&e, &no->envelope);
	no->item = (struct own_item){ .qid = e.qid, .content = content,
	    .envelope = buf_span(&no->envelope), .content_length = content.n };
}

/* --- the text */

static enum dsn_text_kind
text_kind(const struct notice *no)
{
	if (no->reader == NOTICE_POSTMASTER || no->reader == NOTICE_DOUBLE)
		return DSN_TEXT_POSTMASTER;
	if (no->kind == NOTICE_FAILED)
		return DSN_TEXT_FAILED;
	return no->kind == NOTICE_ARRIVED ? DSN_TEXT_ARRIVED :
	    DSN_TEXT_DELAYED;
}

/* What the original says of its sender's languages (RFC 8255 is about parts). */
static struct span
languages_of(struct span original, struct arena *a)
{
	static const char *const	fields[] = {
		"Accept-Language", "Content-Language"
	};
	struct span			all = SPAN_NONE;
	struct header_field		f;
	size_t				i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (header_find(original, span_of(fields[i]), 0, &f))
			all = arena_printf(a, "%.*s,%.*s", SPAN_ARG(all),
			    SPAN_ARG(header_text(f.body, a)));
	return all;
}

static void
choose_text(const struct notice *no, const struct envelope *e,
    struct dsn *dsn, struct arena *a)
{
	struct span	wanted = buf_span(&no->language);

	if (wanted.n == 0 && no->reader <= NOTICE_COPY)
		wanted = attr_language(e);
	if (wanted.n == 0 && no->reader <= NOTICE_COPY)
		wanted = languages_of(dsn->original, a);
	dsn->text = notify_set_text(no->q->set.notify, text_kind(no), wanted,
	    &dsn->language);
}

/* The owner of a list, who has given no parameters. */
static bool
is_to_owner(const struct notice *no, const struct message *m)
{
	return no->kind != NOTICE_ARRIVED && no->ndests > 0 &&
	    notify_is_list(&m->dests[no->dests[0]]);
}

static struct envelope
as_told(const struct notice *no, const struct message *m,
    const struct envelope *e)
{
	struct envelope	told = *e;

	if (is_to_owner(no, m)) {
		told.params = NULL;
		told.envid = SPAN_NONE;
		told.flags &= ~(uint32_t)(ENV_RET_FULL | ENV_RET_HDRS);
	}
	return told;
}

void
notice_compose(struct notice *no, const struct message *m,
    const struct envelope *env, struct arena *a)
{
	struct envelope	 told = as_told(no, m, env), *e = &told;
	struct dsn_rcpt	*rcpts = arena_alloc(a,
			    NOTICE_NAMES_MAX * sizeof(*rcpts));
	struct buf	 original = { 0 };
	char		 id[QID_TEXT];
	struct dsn	 dsn = {
		.reporting_mta = span_of(no->q->set.hostname),
		.id = span_of(qid_format(m->qid, id)),
		.envid = e->envid, .to = no->to, .sender = e->sender,
		.arrival_ms = e->arrival_ms, .now_ms = clock_wall_ms(),
		.rcpts = rcpts
	};

	dsn.n = rcpts_of(no, m, e, a, rcpts);
	read_original(no, m, e, &original, &dsn);
	dsn.utf8 = (e->flags & ENV_UTF8) != 0 && dsn_needs_utf8(&dsn);
	dsn.more = no->more;
	dsn.is_double = no->reader == NOTICE_DOUBLE;
	choose_text(no, env, &dsn, a);
	dsn_compose(&dsn, &no->content);
	buf_clear(&original);
	notice_address(no, (dsn.utf8 ? ENV_UTF8 : 0) |
	    (e->flags & ENV_REQUIRETLS), e->policy);
}
