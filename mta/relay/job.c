/*
 * job.c - jobs: reading, results, answering.
 */
#include "mta/relay/job.h"

#include <sys/stat.h>

#include <unistd.h>

#include "mail/domain.h"
#include "mail/xtext.h"
#include "mta/msg/hop.h"
#include "mta/msg/login.h"
#include "mta/msg/msg.h"
#include "mta/spool/envelope.h"

/* An address may be longer than the RFC's path when it is SMTPUTF8. */
#define ADDRESS_MAX	1024
#define ORIGIN_MAX	4096

/* What would end a command's line; nothing of ours writes such an address. */
bool
job_address_ok(struct span s)
{
	return !span_has_control(s);
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
	    j->n > m->left.n / 17) {	/* each has four u32 and an octet */
		m->bad = true;
		j->n = 0;
		return;
	}
	j->rcpts = arena_alloc(&j->arena, j->n * sizeof(*j->rcpts));
	for (i = 0; i < j->n; i++) {
		j->rcpts[i].index = msg_u32(m);
		j->rcpts[i].address = read_span(j, m, ADDRESS_MAX);
		j->rcpts[i].notify = msg_u8(m);
		j->rcpts[i].orcpt_type = read_span(j, m,
		    ENVELOPE_ORCPT_TYPE_MAX);
		j->rcpts[i].orcpt = read_span(j, m, ENVELOPE_ORCPT_MAX);
		/* It is sent as it is. */
		if (!job_address_ok(j->rcpts[i].address) ||
		    (j->rcpts[i].orcpt_type.n > 0 &&
		    !xtext_is_type(j->rcpts[i].orcpt_type)))
			m->bad = true;
	}
}

/* Lines as XFORWARD has them; words that it does not have are passed over. */
static void
read_origin(struct job *j, struct msg *m)
{
	struct span	all = read_span(j, m, ORIGIN_MAX), line;
	ptrdiff_t	end, is;
	unsigned	attr;

	while (all.n > 0) {
		end = span_index(all, '\n');
		line = span_mem(all.p, end < 0 ? all.n : (size_t)end);
		all = span_from(all, line.n + (end < 0 ? 0 : 1));
		if ((is = span_index(line, '=')) < 0)
			continue;
		attr = xforward_named(span_mem(line.p, (size_t)is));
		if (attr < XFORWARD_NATTRS)
			j->origin[attr] = span_from(line, (size_t)is + 1);
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
	j->hop = read_span(j, m, HOP_TEXT_MAX);
	own_fd = msg_u8(m) != 0;
	segment = msg_u32(m);
	generation = msg_u32(m);
	j->offset = msg_u64(m);
	j->length = msg_u64(m);
	j->flags = msg_u32(m);
	j->sender = read_span(j, m, ADDRESS_MAX);
	j->envid = read_span(j, m, ENVELOPE_ENVID_MAX);
	j->by_ms = (int64_t)msg_u64(m);
	read_rcpts(j, m);
	j->messages_max = msg_u32(m);
	read_origin(j, m);
	j->facts = read_span(j, m, LOGIN_FACTS_MAX);
	if (own_fd)
		j->fd = msg_fd(m);
	else if ((j->segment = segments_hold(segments, segment,
	    generation)) != NULL)
		j->fd = segment_fd(j->segment);
	if (!msg_end(m) || !job_address_ok(j->sender))
		job_free(&j);
	return j;
}

/* In the message, or in a memory file of which all is content. */
static void
read_content(struct job *j, struct msg *m)
{
	struct stat	st;

	if (msg_u8(m) == 0) {
		j->content = read_span(j, m, JOB_CONTENT_MAX);
		j->length = j->content.n;
		m->bad |= j->length == 0;
		return;
	}
	m->bad |= msg_bytes(m, 0).n > 0;
	if ((j->fd = msg_fd(m)) == -1)
		return;
	if (fstat(j->fd, &st) == -1 || !S_ISREG(st.st_mode))
		m->bad = true;
	else
		j->length = (uint64_t)st.st_size;
}

struct job *
job_read_cut(struct msg *m, uint32_t *connections)
{
	struct job	*j = job_new();

	j->cut = true;
	j->qid = msg_u64(m);
	j->hop = read_span(j, m, HOP_TEXT_MAX);
	*connections = msg_u32(m);
	j->messages_max = msg_u32(m);
	j->flags = msg_u32(m);
	j->sender = read_span(j, m, ADDRESS_MAX);
	j->envid = read_span(j, m, ENVELOPE_ENVID_MAX);
	read_rcpts(j, m);
	read_content(j, m);
	if (!msg_end(m) || j->hop.n == 0 || !job_address_ok(j->sender))
		job_free(&j);
	return j;
}

struct content_place
job_content(const struct job *j)
{
	return (struct content_place){ .fd = j->fd, .offset = j->offset,
	    .length = j->length,
	    .mem = j->content.n > 0 ? j->content.p : NULL };
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

uint32_t
job_tls_flags(const struct job *j)
{
	uint32_t	flags = j->flags;

	if (j->sender.n == 0)
		flags &= ~(uint32_t)ENV_REQUIRETLS;
	return flags & (ENV_REQUIRETLS | ENV_TLS_NOT_REQUIRED);
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

/* With A-labels; false: its local part cannot be said in ASCII. */
static bool
to_ascii(struct job *j, struct span address, struct span *out)
{
	size_t		at = address.n;
	struct span	domain;
	const char	*why;

	*out = address;
	if (!has_8bit(address))
		return true;
	while (at > 0 && address.p[at - 1] != '@')
		at--;
	if (at == 0 || has_8bit(span_mem(address.p, at)) ||
	    domain_normalise(span_from(address, at), &j->arena, &domain,
	    &why) == -1)
		return false;
	*out = arena_printf(&j->arena, "%.*s%.*s", (int)at, address.p,
	    SPAN_ARG(domain));
	return true;
}

static void
swap(struct job_rcpt *a, struct job_rcpt *b)
{
	struct job_rcpt	c = *a;

	*a = *b;
	*b = c;
}

bool
job_address(struct job *j, bool utf8, const struct outcome *why)
{
	size_t	i;

	j->wire_sender = j->sender;
	j->nsend = 0;
	if (!utf8 && !to_ascii(j, j->sender, &j->wire_sender))
		return false;
	for (i = 0; i < j->n; i++) {
		struct job_rcpt	*r = &j->rcpts[i];

		if (r->code != 0)	/* another host has said it */
			continue;
		r->wire = r->address;
		if (utf8 || to_ascii(j, r->address, &r->wire))
			swap(&j->rcpts[j->nsend++], r);
		else
			job_result(j, i, why);
	}
	return j->nsend > 0;
}

static struct span
domain_of(struct span address)
{
	size_t	at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	return span_from(address, at);
}

/* Whether one of the first n recipients has this one's domain. */
static bool
has_domain(const struct job *j, size_t n, const struct job_rcpt *r)
{
	struct span	domain = domain_of(r->wire);

	while (n-- > 0)
		if (span_ieq(domain_of(j->rcpts[n].wire), domain))
			return true;
	return false;
}

bool
job_limit(struct job *j, size_t rcpts, size_t domains)
{
	size_t	i, n = 0, seen = 0, all = j->nsend;

	if (rcpts == 0)
		rcpts = all;
	for (i = 0; i < all && n < rcpts; i++) {
		if (domains > 0 && !has_domain(j, n, &j->rcpts[i])) {
			if (seen == domains)
				continue;
			seen++;
		}
		swap(&j->rcpts[n++], &j->rcpts[i]);
	}
	j->nsend = n;
	return n < all;
}

void
job_set_mta(struct job *j, struct span mta)
{
	if (!span_eq(j->mta, mta))
		j->mta = arena_span(&j->arena, mta);
}

void
job_set_mx(struct job *j, struct span mx)
{
	if (!span_eq(j->mx, mx))
		j->mx = arena_span(&j->arena, mx);
}

void
job_set_tls(struct job *j, struct span tls)
{
	if (!span_eq(j->tls, tls))
		j->tls = arena_span(&j->arena, tls);
}

void
job_set_login(struct job *j, struct span login, bool held)
{
	j->held = held;
	if (!span_eq(j->login, login))
		j->login = arena_span(&j->arena, login);
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
job_reset(struct job *j)
{
	size_t	i;

	for (i = 0; i < j->n; i++) {
		j->rcpts[i].code = 0;
		j->rcpts[i].status = j->rcpts[i].text = SPAN_NONE;
		j->rcpts[i].accepted = false;
	}
}

void
job_write_results(const struct job *j, struct chan *c)
{
	size_t	i;

	chan_u32(c, (uint32_t)j->n);
	for (i = 0; i < j->n; i++) {
		chan_u32(c, j->rcpts[i].index);
		chan_u16(c, j->rcpts[i].code);
		chan_bytes(c, j->rcpts[i].status);
		chan_bytes(c, j->rcpts[i].text);
		chan_bytes(c, j->rcpts[i].mta);
	}
}

void
job_write(const struct job *j, struct chan *c)
{
	chan_begin(c, MSG_RELAYED);
	chan_u64(c, j->id);
	chan_bytes(c, j->mta);
	chan_u8(c, j->connected);
	chan_u8(c, j->offers);
	chan_u8(c, j->trouble);
	chan_bytes(c, j->tls);
	chan_bytes(c, j->login);
	chan_u8(c, j->held);
	job_write_results(j, c);
	chan_bytes(c, j->mx);
	chan_end(c);
}
