/*
 * job.c - jobs: reading, results, answering.
 */
#include "mta/relay/job.h"

#include <unistd.h>

#include "mta/msg/msg.h"
#include "mta/spool/envelope.h"

#define HOP_MAX		1024
/* An address may be longer than the RFC's path when it is SMTPUTF8. */
#define ADDRESS_MAX	1024

/* What would end a command's line; nothing of ours writes such an address. */
bool
job_address_ok(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static struct span
read_span(struct job *j, struct msg *m, size_t max)
{
	return arena_span(&j->arena, msg_bytes(m, max));
}

static void
read_rcpts(struct job *j, struct msg *m)
{
	size_t	i;

	j->n = msg_u32(m);
	if (m->bad || j->n == 0 ||
	    j->n > m->left.n / 8) {	/* each has two u32 at least */
		m->bad = true;
		j->n = 0;
		return;
	}
	j->rcpts = arena_alloc(&j->arena, j->n * sizeof(*j->rcpts));
	for (i = 0; i < j->n; i++) {
		j->rcpts[i].index = msg_u32(m);
		j->rcpts[i].address = read_span(j, m, ADDRESS_MAX);
		if (!job_address_ok(j->rcpts[i].address))
			m->bad = true;
	}
}

static struct job *
job_new(void)
{
	struct arena	 arena = { 0 };
	struct job	*j = arena_alloc(&arena, sizeof(*j));

	j->arena = arena;
	j->fd = -1;
	j->connected = true;
	return j;
}

struct job *
job_read(struct msg *m, struct segments *segments)
{
	struct job	*j = job_new();
	bool		 own_fd;
	uint32_t	 segment, generation;

	j->id = msg_u64(m);
	j->qid = msg_u64(m);
	j->hop = read_span(j, m, HOP_MAX);
	own_fd = msg_u8(m) != 0;
	segment = msg_u32(m);
	generation = msg_u32(m);
	j->offset = msg_u64(m);
	j->length = msg_u64(m);
	j->flags = msg_u8(m);
	j->sender = read_span(j, m, ADDRESS_MAX);
	read_rcpts(j, m);
	if (own_fd)
		j->fd = msg_fd(m);
	else if ((j->segment = segments_hold(segments, segment,
	    generation)) != NULL)
		j->fd = segment_fd(j->segment);
	if (!msg_end(m) || !job_address_ok(j->sender))
		job_free(&j);
	return j;
}

struct job *
job_probe(uint64_t id, struct span hop, struct span address)
{
	struct job	*j = job_new();

	j->id = id;
	j->probe = true;
	j->hop = arena_span(&j->arena, hop);
	j->sender = SPAN("");
	j->n = 1;
	j->rcpts = arena_alloc(&j->arena, sizeof(*j->rcpts));
	j->rcpts[0].address = arena_span(&j->arena, address);
	return j;
}

void
job_free(struct job **jp)
{
	struct job	*j = *jp;
	struct arena	 arena;

	*jp = NULL;
	if (j == NULL)
		return;
	if (j->segment != NULL)
		segment_release(&j->segment);
	else if (j->fd != -1)
		close(j->fd);
	arena = j->arena;
	arena_clear(&arena);
}

static bool
has_8bit(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 127)
			return true;
	return false;
}

bool
job_needs_utf8(const struct job *j)
{
	size_t	i;

	if ((j->flags & ENV_UTF8) || has_8bit(j->sender))
		return true;
	for (i = 0; i < j->n; i++)
		if (has_8bit(j->rcpts[i].address))
			return true;
	return false;
}

void
job_set_mta(struct job *j, struct span mta)
{
	if (!span_eq(j->mta, mta))
		j->mta = arena_span(&j->arena, mta);
}

void
job_result(struct job *j, size_t rcpt, const struct outcome *o)
{
	struct job_rcpt	*r = &j->rcpts[rcpt];

	if (r->code != 0)
		return;
	r->code = o->code;
	r->status = arena_span(&j->arena, span_of(o->status));
	r->text = arena_span(&j->arena, span_of(o->text));
}

/* The same text for many recipients is kept once. */
static void
result_where(struct job *j, const struct outcome *o, bool accepted_only)
{
	const struct job_rcpt	*first = NULL;
	size_t			 i;

	for (i = 0; i < j->n; i++) {
		struct job_rcpt	*r = &j->rcpts[i];

		if (r->code != 0 || (accepted_only && !r->accepted))
			continue;
		if (first == NULL) {
			job_result(j, i, o);
			first = r;
			continue;
		}
		r->code = first->code;
		r->status = first->status;
		r->text = first->text;
	}
}

void
job_result_rest(struct job *j, const struct outcome *o)
{
	result_where(j, o, false);
}

void
job_result_accepted(struct job *j, const struct outcome *o)
{
	result_where(j, o, true);
}

void
job_write(const struct job *j, struct chan *c)
{
	size_t	i;

	chan_begin(c, MSG_RELAYED);
	chan_u64(c, j->id);
	chan_bytes(c, j->mta);
	chan_u8(c, j->connected);
	chan_u32(c, (uint32_t)j->n);
	for (i = 0; i < j->n; i++) {
		chan_u32(c, j->rcpts[i].index);
		chan_u16(c, j->rcpts[i].code);
		chan_bytes(c, j->rcpts[i].status);
		chan_bytes(c, j->rcpts[i].text);
	}
	chan_end(c);
}
