/*
 * index.c - messages and targets in memory; see index.h.
 */
#include "mta/queue/index.h"

#include "base/xalloc.h"
#include "mta/msg/relayed.h"
#include "mta/queue/record.h"
#include "mta/queue/way.h"
#include "mta/spool/attributes.h"
#include "mta/spool/octets.h"
#include "mta/spool/qid.h"
#include "mta/spool/segment.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>

#define SLOTS_LEAST	256

/* --- memory */

/*
 * Of a message outside its own pieces: a slot of the table (between 4/3 and
 * 8/3 of one), one of the heap, its place in line at a hop.
 */
#define PLACES		(16 + 8 + 64)
#define CHUNK		8	/* octets of the allocator's own, each piece */

static size_t	held;		/* by all messages of this process */

static void *
hold(void *p)
{
	held += malloc_usable_size(p) + CHUNK;
	return p;
}

static void
let_go(void *p)
{
	if (p == NULL)
		return;
	held -= malloc_usable_size(p) + CHUNK;
	free(p);
}

size_t
index_memory(void)
{
	return held;
}

/* --- messages */

static bool
asks_for_success(const struct envelope *e)
{
	size_t	i;

	for (i = 0; e->params != NULL && i < e->nrcpts; i++)
		if (e->params[i].notify & NOTIFY_SUCCESS)
			return true;
	return false;
}

/* A notification is never told of itself; a null sender cannot be. */
static uint16_t
flags_of(const struct envelope *e)
{
	static const uint16_t	 priorities[NPRIORITIES] = {
		[PRIORITY_HIGH] = M_HIGH, [PRIORITY_LOW] = M_LOW
	};
	static const unsigned	 kept[NKEPTS] = { [KEPT_HOLD] = M_HELD,
				     [KEPT_QUARANTINE] = M_HELD | M_QUARANTINED };
	unsigned		 flags = priorities[attr_priority(e)];

	if (e->flags & ENV_DSN)
		return (uint16_t)(flags | M_DSN);
	if (e->flags & ENV_BINARY)
		flags |= M_BINARY;
	if (e->flags & ENV_BY_RETURN)
		flags |= M_BY_RETURN;
	flags |= kept[attr_kept(e, NULL)];
	if (e->sender.n == 0)
		return (uint16_t)flags;
	if (asks_for_success(e))
		flags |= M_TELLS;
	/* It had passed before: who sent it here has told of it. */
	if ((e->flags & ENV_BY_NOTIFY) && e->by_ms > e->arrival_ms)
		flags |= M_BY_NOTIFY;
	return (uint16_t)flags;
}

struct message *
message_new(struct span envelope)
{
	struct arena	 a = { 0 };
	struct envelope	 e;
	struct message	*m = NULL;
	uint32_t	 i;

	if (envelope_parse(envelope, &a, &e) == 0 && e.nrcpts > 0) {
		m = hold(xcalloc(1, sizeof(*m)));
		held += PLACES;
		m->qid = e.qid;
		m->size = e.size;
		m->arrival_s = (uint32_t)(e.arrival_ms / 1000);
		m->flags = flags_of(&e);
		m->env = hold(xmalloc(envelope.n));
		memcpy(m->env, envelope.p, envelope.n);
		m->env_n = (uint32_t)envelope.n;
		message_add_dests(m, (uint32_t)e.nrcpts);
		for (i = 0; i < m->ndests; i++)
			m->dests[i].rcpt = i;
	}
	arena_clear(&a);
	return m;
}

void
message_free(struct message **mp)
{
	struct message	*m = *mp;
	uint32_t	 i;

	*mp = NULL;
	if (m == NULL)
		return;
	for (i = 0; i < m->ndests; i++) {
		let_go(m->dests[i].place);
		let_go(m->dests[i].last);
		free(m->dests[i].name);
	}
	let_go(m->dests);
	let_go(m->env);
	let_go(m);
	held -= PLACES;
}

void
message_envelope(const struct message *m, struct arena *a, struct envelope *e)
{
	int	ok = envelope_parse(span_mem(m->env, m->env_n), a, e);

	assert(ok == 0);	/* message_new() has read it */
}

struct span
message_sender(const struct message *m)
{
	struct octets	o = { .left = span_mem(m->env, m->env_n) };

	octets_get_span(&o, ENVELOPE_SENDER_AT);
	return octets_get_short(&o);
}

int64_t
message_arrival_ms(const struct message *m)
{
	return (int64_t)octets_load((const uint8_t *)m->env +
	    ENVELOPE_ARRIVAL_AT, 8);
}

unsigned
message_priority(const struct message *m)
{
	if (m->flags & M_HIGH)
		return PRIORITY_HIGH;
	return m->flags & M_LOW ? PRIORITY_LOW : PRIORITY_NORMAL;
}

uint64_t
message_offset(const struct message *m)
{
	return (uint64_t)m->offset8 * 8;
}

uint64_t
message_record_length(const struct message *m)
{
	return segment_record_size(m->env_n, m->flags & M_BODY ? 0 : m->size);
}

uint64_t
message_content_offset(const struct message *m)
{
	if (m->flags & M_BODY)
		return 0;
	return message_offset(m) + SEGMENT_RECORD_HEAD + m->env_n;
}

struct dest *
message_add_dests(struct message *m, uint32_t n)
{
	struct dest	*d;

	if (m->ndests + n > m->dests_cap) {
		m->dests_cap = m->dests == NULL ? n :
		    m->ndests + n + m->ndests / 4;
		if (m->dests != NULL)
			held -= malloc_usable_size(m->dests) + CHUNK;
		m->dests = hold(xreallocarray(m->dests, m->dests_cap,
		    sizeof(*d)));
	}
	d = m->dests + m->ndests;
	memset(d, 0, n * sizeof(*d));
	m->ndests += n;
	m->nopen += n;
	m->in_state[DEST_NEW] += n;
	return d;
}

struct dest *
message_first_dest(struct message *m, uint32_t rcpt)
{
	/* It stands at its own number. */
	return rcpt < m->ndests && m->dests[rcpt].rcpt == rcpt &&
	    m->dests[rcpt].sub == 0 ? &m->dests[rcpt] : NULL;
}

/* --- states and lines */

void
dest_line_add(struct message *m, struct dest_line *l, uint32_t dest)
{
	struct dest	*d = &m->dests[dest];

	d->flags |= DEST_IN_LINE;
	d->next = 0;
	if (l->last != 0)
		m->dests[l->last - 1].next = dest + 1;
	else
		l->first = dest + 1;
	l->last = dest + 1;
}

void
dest_line_push(struct message *m, struct dest_line *l, uint32_t dest)
{
	struct dest	*d = &m->dests[dest];

	d->flags |= DEST_IN_LINE;
	d->next = l->first;
	l->first = dest + 1;
	if (l->last == 0)
		l->last = dest + 1;
}

uint32_t
dest_line_take(struct message *m, struct dest_line *l)
{
	uint32_t	 dest = l->first - 1;
	struct dest	*d = &m->dests[dest];

	assert(l->first != 0);
	l->first = d->next;
	if (l->first == 0)
		l->last = 0;
	d->next = 0;
	d->flags &= (uint8_t)~DEST_IN_LINE;
	return dest;
}

void
dest_line_drop(struct message *m, struct dest_line *l)
{
	while (l->first != 0)
		(void)dest_line_take(m, l);
}

void
dest_set_state(struct message *m, struct dest *d, unsigned state)
{
	assert(state == DEST_READY || !(d->flags & DEST_IN_LINE));
	m->in_state[d->state]--;
	d->state = (uint8_t)state;
	m->in_state[state]++;
	if (state == DEST_READY && !(d->flags & DEST_IN_LINE))
		dest_line_add(m, &m->ready, (uint32_t)(d - m->dests));
}

void
message_line_up(struct message *m, uint8_t flags)
{
	uint32_t	i;

	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_READY &&
		    (m->dests[i].flags & flags) == flags)
			dest_set_state(m, &m->dests[i], DEST_READY);
}

void
dest_wait(struct message *m, struct dest *d, uint32_t next_s)
{
	d->next_s = next_s;
	if (m->in_state[DEST_WAIT] == 0 || next_s < m->soonest_s)
		m->soonest_s = next_s;
	dest_set_state(m, d, DEST_WAIT);
}

/* --- the packed pieces of a target */

static char *
keep(struct buf *b)
{
	char	*p = hold(xmalloc(b->n));

	memcpy(p, buf_span(b).p, b->n);
	buf_reset(b);
	return p;
}

void
dest_set_place(struct dest *d, const struct target *t)
{
	static struct buf	b;

	let_go(d->place);
	d->place = NULL;
	d->place_n = 0;
	if (t == NULL)
		return;
	record_put_target(&b, t);
	d->place_n = (uint32_t)b.n;
	d->place = keep(&b);
}

bool
dest_place(const struct dest *d, struct target *t)
{
	if (d->place == NULL)
		return false;
	if (record_get_target(span_mem(d->place, d->place_n), t) == -1)
		assert(!"a place that was not written by dest_set_place");
	t->rcpt = d->rcpt;
	return true;
}

/* u32 length of what follows, code, time, texts. */
static char *
pack_answer(const struct answer *a)
{
	static struct buf	b;
	struct span		text = a->text;

	if (text.n > 1000)
		text.n = 1000;	/* a reply's text is for people */
	octets_put(&b, 0, 4);
	octets_put(&b, a->code, 2);
	octets_put(&b, (uint64_t)a->when_ms, 8);
	octets_put_short(&b, a->status.n > 20 ? SPAN_NONE : a->status);
	octets_put_short(&b, a->mta.n > 300 ? SPAN_NONE : a->mta);
	octets_put_short(&b, text);
	octets_put_short(&b, a->tls.n > RELAYED_TLS_MAX ? SPAN_NONE : a->tls);
	octets_put_short(&b, span_mem(a->login.p,
	    a->login.n < WAY_LOGIN_MAX ? a->login.n : WAY_LOGIN_MAX));
	octets_store((uint8_t *)b.base + b.off, b.n - 4, 4);
	return keep(&b);
}

void
dest_set_answer(struct dest *d, const struct answer *a)
{
	char	*last = a == NULL ? NULL : pack_answer(a);

	let_go(d->last);	/* a may be what stands there */
	d->last = last;
}

bool
dest_answer(const struct dest *d, struct answer *a)
{
	struct octets	o;
	size_t		n;

	if (d->last == NULL)
		return false;
	n = (size_t)octets_load((const uint8_t *)d->last, 4);
	o = (struct octets){ .left = span_mem(d->last + 4, n) };
	a->code = (uint16_t)octets_get(&o, 2);
	a->when_ms = (int64_t)octets_get(&o, 8);
	a->status = octets_get_short(&o);
	a->mta = octets_get_short(&o);
	a->text = octets_get_short(&o);
	a->tls = octets_get_short(&o);
	a->login = octets_get_short(&o);
	assert(!o.bad);
	return true;
}

struct span
dest_address(const struct dest *d, const struct envelope *e)
{
	struct target	t;

	if (dest_place(d, &t) && t.address.n > 0)
		return t.address;
	return e->rcpts[d->rcpt];
}

struct span
dest_mail_from(const struct dest *d, struct span sender)
{
	struct target	t;

	return dest_place(d, &t) && t.mail_from.n > 0 ? t.mail_from : sender;
}

bool
dest_same_sender(const struct dest *a, const struct dest *b)
{
	if (a->place == NULL && b->place == NULL)
		return true;
	return span_eq(dest_mail_from(a, SPAN_NONE),
	    dest_mail_from(b, SPAN_NONE));
}

struct span
dest_rcpt_to(const struct dest *d, const struct envelope *e)
{
	struct target	t;

	if (dest_place(d, &t) && t.rcpt_to.n > 0)
		return t.rcpt_to;
	return dest_address(d, e);
}

const char *
dest_state_name(unsigned state)
{
	static const char *const	names[DEST_NSTATES] = {
		[DEST_NEW] = "new", [DEST_ROUTING] = "routing",
		[DEST_LOGGING] = "routing", [DEST_READY] = "ready",
		[DEST_ACTIVE] = "active", [DEST_WAIT] = "waiting",
		[DEST_FAILED] = "failed", [DEST_DONE] = "done",
		[DEST_ARRIVED] = "arrived"
	};

	assert(state < DEST_NSTATES);
	return names[state];
}

/* --- the table by queue id: open addressing, linear probing */

static size_t
slot_of(const struct index *ix, uint64_t qid)
{
	return (size_t)qid_hash(qid) & (ix->cap - 1);
}

static size_t
find_slot(const struct index *ix, uint64_t qid)
{
	size_t	i = slot_of(ix, qid);

	while (ix->slots[i] != NULL && ix->slots[i]->qid != qid)
		i = (i + 1) & (ix->cap - 1);
	return i;
}

static void
grow(struct index *ix)
{
	struct message	*m;
	size_t		 cap = ix->cap == 0 ? SLOTS_LEAST : 2 * ix->cap;

	free(ix->slots);
	ix->slots = xcalloc(cap, sizeof(struct message *));
	ix->cap = cap;
	for (m = ix->first; m != NULL; m = m->next)
		ix->slots[find_slot(ix, m->qid)] = m;
}

bool
index_add(struct index *ix, struct message *m)
{
	size_t	i;

	if (4 * (ix->n + 1) > 3 * ix->cap)
		grow(ix);
	i = find_slot(ix, m->qid);
	if (ix->slots[i] != NULL)
		return false;
	ix->slots[i] = m;
	ix->n++;
	ix->come++;
	ix->octets += m->size;
	m->prev = ix->last;
	m->next = NULL;
	if (ix->last != NULL)
		ix->last->next = m;
	else
		ix->first = m;
	ix->last = m;
	return true;
}

struct message *
index_find(const struct index *ix, uint64_t qid)
{
	return ix->cap == 0 ? NULL : ix->slots[find_slot(ix, qid)];
}

/* Closes the gap at i: what probed over it moves back. */
static void
close_gap(struct index *ix, size_t i)
{
	size_t	j = i, home, mask = ix->cap - 1;

	for (;;) {
		ix->slots[i] = NULL;
		do {
			j = (j + 1) & mask;
			if (ix->slots[j] == NULL)
				return;
			home = slot_of(ix, ix->slots[j]->qid);
		} while (((j - home) & mask) < ((j - i) & mask));
		ix->slots[i] = ix->slots[j];
		i = j;
	}
}

void
index_del(struct index *ix, struct message *m)
{
	struct index_walk	*w;
	size_t	i = find_slot(ix, m->qid);

	assert(ix->slots[i] == m);
	close_gap(ix, i);
	ix->n--;
	ix->gone++;
	ix->octets -= m->size;
	for (i = 0; i < CURSOR_NCURSORS; i++)
		if (ix->cursors[i] == m)
			ix->cursors[i] = m->next;
	for (w = ix->walks; w != NULL; w = w->next)
		if (w->at == m)
			w->at = m->next;
	if (m->prev != NULL)
		m->prev->next = m->next;
	else
		ix->first = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	else
		ix->last = m->prev;
	m->prev = m->next = NULL;
	index_wake_at(ix, m, 0);
}

/* --- walks */

/* Behind the one named; when that is gone, behind those that are older. */
static struct message *
behind(const struct index *ix, uint64_t qid)
{
	struct message	*m = index_find(ix, qid);

	if (m != NULL)
		return m->next;
	for (m = ix->first; m != NULL && m->qid <= qid; m = m->next)
		;
	return m;
}

void
index_walk_begin(struct index *ix, struct index_walk *w, uint64_t after)
{
	*w = (struct index_walk){ .next = ix->walks, .left = ix->n,
	    .at = after == 0 ? ix->first : behind(ix, after) };
	ix->walks = w;
}

struct message *
index_walk_next(struct index_walk *w)
{
	struct message	*m = w->at;

	if (m == NULL || w->left == 0)
		return NULL;
	w->left--;
	w->at = m->next;
	return m;
}

void
index_walk_end(struct index *ix, struct index_walk *w)
{
	struct index_walk	**at = &ix->walks;

	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at != NULL)
		*at = w->next;
}

/* --- what is due next: a binary heap, from 1 on */

static void
put_at(struct index *ix, size_t i, struct message *m)
{
	ix->heap[i] = m;
	m->heap_at = (uint32_t)i;
}

static void
sift_up(struct index *ix, size_t i, struct message *m)
{
	for (; i > 1 && ix->heap[i / 2]->wake_s > m->wake_s; i /= 2)
		put_at(ix, i, ix->heap[i / 2]);
	put_at(ix, i, m);
}

static void
sift_down(struct index *ix, size_t i, struct message *m)
{
	size_t	k;

	for (; (k = 2 * i) <= ix->heap_n; i = k) {
		if (k < ix->heap_n &&
		    ix->heap[k + 1]->wake_s < ix->heap[k]->wake_s)
			k++;
		if (ix->heap[k]->wake_s >= m->wake_s)
			break;
		put_at(ix, i, ix->heap[k]);
	}
	put_at(ix, i, m);
}

static void
heap_del(struct index *ix, struct message *m)
{
	struct message	*last = ix->heap[ix->heap_n--];
	size_t		 i = m->heap_at;

	m->heap_at = 0;
	if (last == m)
		return;
	if (i > 1 && ix->heap[i / 2]->wake_s > last->wake_s)
		sift_up(ix, i, last);
	else
		sift_down(ix, i, last);
}

void
index_wake_at(struct index *ix, struct message *m, uint32_t wake_s)
{
	if (m->heap_at != 0) {
		if (m->wake_s == wake_s)
			return;
		heap_del(ix, m);
	}
	m->wake_s = wake_s;
	if (wake_s == 0)
		return;
	if (ix->heap_n + 1 >= ix->heap_cap) {
		ix->heap_cap = ix->heap_cap == 0 ? 256 : 2 * ix->heap_cap;
		ix->heap = xreallocarray(ix->heap, ix->heap_cap,
		    sizeof(struct message *));
	}
	sift_up(ix, ++ix->heap_n, m);
}

struct message *
index_due(const struct index *ix, uint32_t now_s)
{
	if (ix->heap_n == 0 || ix->heap[1]->wake_s > now_s)
		return NULL;
	return ix->heap[1];
}
