/*
 * record.c - records of the status log as octets; records.def.
 */
#include "mta/queue/record.h"

#include "mta/spool/octets.h"

#include <assert.h>
#include <stddef.h>

static const struct {
	uint8_t		 type;
	const char	*fields;
} kinds[] = {
#define RECORD(name, number, fields, sync, meaning) { number, fields },
#include "mta/queue/records.def"
#undef RECORD
};

/* In a target's kind. */
#define KIND_REWRITTEN	0x80u	/* the envelope that leaves is another */
#define KIND_OWNED	0x40u	/* its sender is the owner of a list */
#define KIND_HOW	0x20u	/* it is not a plain Maildir */

#define SUB_WIDE	0xffffu	/* field s: the number stands behind it */

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static const char *
fields_of(unsigned type)
{
	size_t	i;

	for (i = 0; i < NKINDS; i++)
		if (kinds[i].type == type)
			return kinds[i].fields;
	return NULL;
}

/* Texts come from peers and tables: what is too long for the length is cut. */
static void
put_text(struct buf *out, struct span s)
{
	if (s.n > UINT16_MAX)
		s.n = UINT16_MAX;
	octets_put_short(out, s);
}

void
record_put_target(struct buf *out, const struct target *t)
{
	bool	rewritten = t->mail_from.n > 0 || t->rcpt_to.n > 0;

	octets_put(out, t->kind | (rewritten ? KIND_REWRITTEN : 0) |
	    (t->owned ? KIND_OWNED : 0) | (t->how.n > 0 ? KIND_HOW : 0), 1);
	octets_put(out, t->uid, 4);
	octets_put(out, t->gid, 4);
	put_text(out, t->address);
	put_text(out, t->hop);
	put_text(out, t->mailbox);
	put_text(out, t->account);
	put_text(out, t->path);
	if (rewritten) {
		put_text(out, t->mail_from);
		put_text(out, t->rcpt_to);
	}
	if (t->how.n > 0)
		put_text(out, t->how);
}

static void
get_target(struct octets *o, struct target *t)
{
	unsigned	kind = (unsigned)octets_get(o, 1);

	memset(t, 0, sizeof(*t));
	t->kind = (uint8_t)(kind & ~(KIND_REWRITTEN | KIND_OWNED | KIND_HOW));
	t->owned = (kind & KIND_OWNED) != 0;
	t->uid = (uint32_t)octets_get(o, 4);
	t->gid = (uint32_t)octets_get(o, 4);
	t->address = octets_get_short(o);
	t->hop = octets_get_short(o);
	t->mailbox = octets_get_short(o);
	t->account = octets_get_short(o);
	t->path = octets_get_short(o);
	if (kind & KIND_REWRITTEN) {
		t->mail_from = octets_get_short(o);
		t->rcpt_to = octets_get_short(o);
	}
	if (kind & KIND_HOW)
		t->how = octets_get_short(o);
}

int
record_get_target(struct span in, struct target *t)
{
	struct octets	o = { .left = in };

	get_target(&o, t);
	return o.bad || o.left.n != 0 ? -1 : 0;
}

/* Most numbers are small. */
static void
put_sub(struct buf *out, uint32_t sub)
{
	octets_put(out, sub < SUB_WIDE ? sub : SUB_WIDE, 2);
	if (sub >= SUB_WIDE)
		octets_put(out, sub, 4);
}

static uint32_t
get_sub(struct octets *o)
{
	uint32_t	sub = (uint32_t)octets_get(o, 2);

	return sub < SUB_WIDE ? sub : (uint32_t)octets_get(o, 4);
}

void
record_list_begin(struct buf *out, uint32_t count)
{
	octets_put(out, count, 4);
}

void
record_list_counted(struct buf *out, uint32_t count)
{
	octets_store((uint8_t *)out->base + out->off, count, 4);
}

void
record_list_add(struct buf *out, uint32_t sub, const struct target *t)
{
	put_sub(out, sub);
	record_put_target(out, t);
}

uint32_t
record_list_count(struct span *list)
{
	struct octets	o = { .left = *list };
	uint32_t	n = (uint32_t)octets_get(&o, 4);

	*list = o.left;
	return n;
}

bool
record_list_next(struct span *list, uint32_t *sub, struct target *t)
{
	struct octets	o = { .left = *list };

	if (list->n == 0)
		return false;
	*sub = get_sub(&o);
	get_target(&o, t);
	*list = o.left;
	return !o.bad;
}

/* Fields that are a number of a fixed width, or a short text: where they stand. */
static const struct plain {
	char	letter;
	uint8_t	octets;		/* of a number; 0: a text */
	size_t	at;		/* in a struct record */
} plains[] = {
#define NUMBER(letter, member)						\
	{ letter, sizeof(((struct record *)0)->member),			\
	    offsetof(struct record, member) }
	NUMBER('q', qid), NUMBER('g', segment.id),
	NUMBER('g', segment.generation), NUMBER('o', offset),
	NUMBER('e', end), NUMBER('w', writer), NUMBER('k', how),
	NUMBER('f', flags), NUMBER('h', kept), NUMBER('u', uid),
	NUMBER('i', max_segment), NUMBER('i', max_generation),
	NUMBER('r', rcpt), NUMBER('a', attempts), NUMBER('n', next_ms),
	NUMBER('c', code),
#undef NUMBER
	{ 'N', 0, offsetof(struct record, name) },
	{ 'S', 0, offsetof(struct record, status) },
	{ 'M', 0, offsetof(struct record, mta) },
	{ 't', 0, offsetof(struct record, text) },
	{ 'X', 0, offsetof(struct record, tls) },
	{ 'l', 0, offsetof(struct record, login) },
};

#define NPLAINS	(sizeof(plains) / sizeof(plains[0]))

/* The number at p, as its type has it. */
static uint64_t
load(const void *p, unsigned octets)
{
	switch (octets) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	case 4:
		return *(const uint32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

static void
store(void *p, unsigned octets, uint64_t value)
{
	switch (octets) {
	case 1:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)p = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)p = (uint32_t)value;
		break;
	default:
		*(uint64_t *)p = value;
	}
}

static void
put_plain(struct buf *out, const struct plain *f, const struct record *r)
{
	const char	*at = (const char *)r + f->at;

	if (f->octets == 0)
		put_text(out, *(const struct span *)at);
	else
		octets_put(out, load(at, f->octets), f->octets);
}

static void
get_plain(struct octets *o, const struct plain *f, struct record *r)
{
	char	*at = (char *)r + f->at;

	if (f->octets == 0)
		*(struct span *)at = octets_get_short(o);
	else
		store(at, f->octets, octets_get(o, f->octets));
}

static void
put_field(struct buf *out, char field, const struct record *r)
{
	size_t	i;

	for (i = 0; i < NPLAINS; i++)
		if (plains[i].letter == field)
			put_plain(out, &plains[i], r);
	switch (field) {
	case 'E':
		octets_put(out, r->envelope.n, 4);
		buf_add_span(out, r->envelope);
		break;
	case 's':
		put_sub(out, r->sub);
		break;
	case 'T':
		record_put_target(out, &r->target);
		break;
	case 'L':
		buf_add_span(out, r->list);
		break;
	}
}

void
record_format(const struct record *r, struct buf *out)
{
	const char	*f = fields_of(r->type);

	assert(f != NULL);
	octets_put(out, r->type, 1);
	for (; *f != '\0'; f++)
		put_field(out, *f, r);
}

static void
get_field(struct octets *o, char field, struct record *r)
{
	size_t	i;

	for (i = 0; i < NPLAINS; i++)
		if (plains[i].letter == field)
			get_plain(o, &plains[i], r);
	switch (field) {
	case 'E':
		r->envelope = octets_get_span(o, (size_t)octets_get(o, 4));
		break;
	case 's':
		r->sub = get_sub(o);
		break;
	case 'T':
		get_target(o, &r->target);
		break;
	case 'L':
		r->list = o->left;
		o->left = SPAN_NONE;
		break;
	}
}

int
record_parse(struct span in, struct record *r)
{
	struct octets	 o = { .left = in };
	const char	*f;

	memset(r, 0, sizeof(*r));
	r->type = (uint8_t)octets_get(&o, 1);
	if ((f = fields_of(r->type)) == NULL)
		return -1;
	for (; *f != '\0'; f++)
		get_field(&o, *f, r);
	return o.bad || o.left.n != 0 ? -1 : 0;
}
