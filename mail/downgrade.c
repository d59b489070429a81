/*
 * downgrade.c - a conversion: looking at a message, deciding, writing it.
 *
 * Owns: the walk under way, and the plan, which has an entry for each part.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/downgrade_int.h"
#include "mail/header.h"

#define REFUSED		"5.6.3"	/* conversion required but not supported; RFC 3463, 3.7 */

/* What the message has, whatever its parts are: it may be clear without them. */
struct raw {
	bool	eightbit, nul, bare, is_long;
	bool	cr;		/* the last octet is a CR */
	size_t	line;		/* octets of this line so far */
};

/* A leaf, or the text outside of parts, while it is looked at. */
struct leaf {
	struct raw		has;
	struct encode_size	size;
};

struct downgrade {
	unsigned	 lacks;
	struct walk	 walk;
	struct raw	 raw;
	struct leaf	 leaf;
	struct plan	*plan;
	size_t		 nplan, cap;
	bool		 body, header;		/* what is changed */
	bool		 is_signed;
	const char	*status, *why;		/* why it cannot be; NULL: it can */
	/* Writing. */
	struct buf	*out;
	struct encode	 encode;
};

/* --- octets */

bool
has_8bit(struct span s)
{
	uint64_t	all = 0, word;
	size_t		i;

	for (i = 0; i + sizeof(word) <= s.n; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		all |= word;
	}
	for (; i < s.n; i++)
		all |= (unsigned char)s.p[i] & 0x80;
	return (all & UINT64_C(0x8080808080808080)) != 0;
}

/* Octets of one line, without its CRLF. */
static void
raw_octets(struct raw *r, struct span s)
{
	r->eightbit = r->eightbit || has_8bit(s);
	r->nul = r->nul || memchr(s.p, '\0', s.n) != NULL;
	r->bare = r->bare || memchr(s.p, '\r', s.n) != NULL ||
	    memchr(s.p, '\n', s.n) != NULL;
	r->line += s.n;
	r->is_long = r->is_long || r->line > DOWNGRADE_LINE_MAX;
}

/* An LF; where no CR stands before it, it is an octet like any other. */
static void
raw_lf(struct raw *r)
{
	if (!r->cr) {
		r->bare = true;
		r->line++;
		return;
	}
	r->cr = false;
	r->line = 0;
}

/* Any octets: a CR at the end is known only with what follows. */
static void
raw_some(struct raw *r, struct span s)
{
	if (s.n == 0)
		return;
	if (r->cr) {
		r->bare = true;
		r->line++;
	}
	r->cr = s.p[s.n - 1] == '\r';
	raw_octets(r, span_mem(s.p, s.n - (r->cr ? 1 : 0)));
}

static void
raw_feed(struct raw *r, struct span s)
{
	const char	*lf;
	size_t		 n;

	while (s.n > 0) {
		lf = memchr(s.p, '\n', s.n);
		n = lf == NULL ? s.n : (size_t)(lf - s.p);
		raw_some(r, span_mem(s.p, n));
		if (lf == NULL)
			return;
		raw_lf(r);
		s = span_from(s, n + 1);
	}
}

/* What the hop cannot take stands in it. */
static bool
is_too_much(const struct downgrade *d, const struct raw *r)
{
	return ((d->lacks & DOWNGRADE_8BIT) && r->eightbit) ||
	    ((d->lacks & DOWNGRADE_BINARY) && (r->nul || r->bare ||
	    r->cr || r->is_long));
}

/* --- looking */

static void
refuse(struct downgrade *d, const char *status, const char *why)
{
	if (d->why != NULL)
		return;
	d->status = status;
	d->why = why;
}

static struct plan *
plan_of(struct downgrade *d, const struct part *p)
{
	size_t	cap = d->cap;

	if (p->number >= cap) {
		d->cap = cap == 0 ? 16 : 2 * cap;
		d->plan = xreallocarray(d->plan, d->cap, sizeof(*d->plan));
		memset(d->plan + cap, 0, (d->cap - cap) * sizeof(*d->plan));
	}
	if (p->number >= d->nplan)
		d->nplan = p->number + 1;
	return &d->plan[p->number];
}

/* A part is changed: the message that it stands in, and all around that, are MIME's. */
static void
plan_version(struct downgrade *d)
{
	size_t	i;

	for (i = 0; i < d->walk.depth; i++)
		if (d->walk.parts[i].is_message &&
		    !d->walk.parts[i].has_version)
			plan_of(d, &d->walk.parts[i])->what |= PLAN_VERSION;
	d->body = true;
}

/* Not in ASCII, and has to be. */
static bool
field_is_changed(const struct downgrade *d, const struct part *p,
    struct span whole)
{
	return (d->lacks & (DOWNGRADE_8BIT | DOWNGRADE_HEADER)) &&
	    !p->keep_header && has_8bit(whole);
}

/* A line of it is too long. */
static bool
field_is_long(const struct downgrade *d, const struct part *p,
    struct span whole)
{
	struct raw	r = { 0 };

	if (!(d->lacks & DOWNGRADE_BINARY) || p->sealed ||
	    whole.n <= DOWNGRADE_LINE_MAX)
		return false;
	raw_feed(&r, whole);
	return r.is_long;
}

static void
look_signature(struct downgrade *d, const struct part *p, struct span whole)
{
	if (p->number == 0 && (span_iprefix(whole, SPAN("DKIM-Signature:")) ||
	    span_iprefix(whole, SPAN("ARC-Message-Signature:"))))
		d->is_signed = true;
}

/* What no encoding of a header can say. */
static void
look_octets_of_field(struct downgrade *d, const struct part *p,
    struct span whole)
{
	struct raw	r = { 0 };

	if (!(d->lacks & DOWNGRADE_BINARY))
		return;
	raw_feed(&r, whole);
	if (r.nul)
		refuse(d, REFUSED, "an octet 0 stands in its header");
	else if (r.bare)
		refuse(d, REFUSED, "a CR or LF stands alone in its header");
	else if (r.is_long && !p->sealed)
		d->header = true;
}

static void
look_field(void *arg, struct part *p, struct span whole)
{
	struct downgrade	*d = arg;
	struct buf		 ascii = { 0 };
	const char		*status, *why;

	look_signature(d, p, whole);
	look_octets_of_field(d, p, whole);
	if (!field_is_changed(d, p, whole))
		return;
	d->header = true;
	if (p->frozen != NULL)
		refuse(d, REFUSED, p->frozen);
	else if (!field_to_ascii(whole, &ascii, &status, &why))
		refuse(d, status, why);
	buf_clear(&ascii);
}

/* What it is labelled with is more than the hop takes. */
static bool
is_labelled_more(const struct downgrade *d, const struct part *p)
{
	return (p->encoding == PART_BINARY && (d->lacks & DOWNGRADE_BINARY)) ||
	    (p->encoding >= PART_8BIT && p->encoding <= PART_BINARY &&
	    (d->lacks & DOWNGRADE_8BIT));
}

static void
look_header(void *arg, struct part *p, struct span line)
{
	struct downgrade	*d = arg;

	(void)line;
	d->leaf = (struct leaf){ 0 };
	if (is_labelled_more(d, p) && !p->sealed &&
	    (p->frozen == NULL || p->kind == PART_MULTIPART))
		plan_of(d, p)->what |= PLAN_LABEL;
}

static void
look_octets(void *arg, struct part *p, struct span s)
{
	struct downgrade	*d = arg;

	raw_octets(&d->leaf.has, s);
	if (p->kind == PART_LEAF)
		encode_measure(&d->leaf.size, s);
}

static void
look_crlf(void *arg, struct part *p)
{
	struct downgrade	*d = arg;

	d->leaf.has.line = 0;
	encode_measure_crlf(&d->leaf.size, !p->is_text);
}

/* How it is encoded that is not yet; the shorter one. */
static enum encode_kind
shorter(const struct leaf *l, const struct part *p)
{
	if (encode_size_base64(&l->size) < l->size.quoted)
		return ENCODE_BASE64;
	return p->is_text ? ENCODE_QUOTED : ENCODE_QUOTED_ALL;
}

/* false: refused. */
static bool
choose(struct downgrade *d, const struct part *p, enum encode_kind *kind)
{
	const struct raw	*r = &d->leaf.has;

	if (p->frozen != NULL) {
		refuse(d, REFUSED, p->frozen);
		return false;
	}
	switch (p->encoding) {
	case PART_7BIT:
	case PART_8BIT:
	case PART_BINARY:
		*kind = shorter(&d->leaf, p);
		return true;
	case PART_QUOTED:
		*kind = ENCODE_QUOTED_AGAIN;
		return true;
	case PART_BASE64:
		*kind = ENCODE_BASE64_AGAIN;
		if (!r->eightbit && !r->nul)
			return true;
		break;
	case PART_UNKNOWN:
		break;
	}
	refuse(d, REFUSED, "a part of it is not what its encoding says");
	return false;
}

/* The text before the first boundary of a multipart, or behind its last. */
static void
look_outside(struct downgrade *d, const struct part *p)
{
	if (!is_too_much(d, &d->leaf.has))
		return;
	if (p->frozen != NULL)
		refuse(d, REFUSED, p->frozen);
	else if (p->no_parts)
		refuse(d, REFUSED, "the boundary of its parts is not in it");
	else
		plan_of(d, p)->what |= p->has_parts ? PLAN_NO_BEHIND :
		    PLAN_NO_BEFORE;
	d->body = true;
}

static void
look_end(void *arg, struct part *p, bool last)
{
	struct downgrade	*d = arg;
	enum encode_kind	 kind;
	struct plan		*plan;

	(void)last;
	if (p->kind == PART_MULTIPART) {
		look_outside(d, p);
		d->leaf = (struct leaf){ 0 };
		return;
	}
	if (!is_too_much(d, &d->leaf.has) || !choose(d, p, &kind))
		return;
	plan = plan_of(d, p);
	plan->kind = (uint8_t)kind;
	plan->what |= PLAN_ENCODED;
	if (!p->has_type && d->leaf.has.eightbit)
		plan->what |= PLAN_TYPE;
	plan_version(d);
}

static void
look_boundary(void *arg, struct span line, bool after_body)
{
	struct downgrade	*d = arg;

	(void)line;
	(void)after_body;
	d->leaf = (struct leaf){ 0 };
}

static const struct walk_ops	looking = {
	look_field, look_header, look_octets, look_crlf, look_end,
	look_boundary
};

void
downgrade_look(struct downgrade *d, struct span s)
{
	raw_feed(&d->raw, s);
	walk_feed(&d->walk, s);
}

enum downgrade_result
downgrade_decide(struct downgrade *d, const char **status, const char **why)
{
	bool	header = (d->lacks & DOWNGRADE_HEADER) && d->raw.eightbit;

	walk_end(&d->walk);
	if (!is_too_much(d, &d->raw) && !header)
		return DOWNGRADE_AS_IS;
	if (d->walk.broken != NULL)
		refuse(d, REFUSED, d->walk.broken);
	if (is_too_much(d, &d->raw) && !d->body && !d->header)
		refuse(d, REFUSED, "octets that cannot be encoded stand in "
		    "its header");
	if (d->why == NULL)
		return d->body || d->header ? DOWNGRADE_CONVERTED :
		    DOWNGRADE_AS_IS;
	*status = d->status;
	*why = d->why;
	return DOWNGRADE_REFUSED;
}

bool
downgrade_has_body(const struct downgrade *d)
{
	return d->body;
}

bool
downgrade_has_header(const struct downgrade *d)
{
	return d->header;
}

bool
downgrade_is_signed(const struct downgrade *d)
{
	return d->is_signed;
}

/* --- writing */

/* Parts beyond the last that is changed have no entry. */
static struct plan
planned(const struct downgrade *d, const struct part *p)
{
	return p->number < d->nplan ? d->plan[p->number] : (struct plan){ 0 };
}

static bool
is_transfer_encoding(struct span whole)
{
	struct header_field	f;
	size_t			pos = 0;

	return header_next(whole, &pos, &f) &&
	    span_ieq(f.name, SPAN("Content-Transfer-Encoding"));
}

/* Its label goes, and another one comes at the end of the header. */
static bool
loses_label(const struct downgrade *d, const struct part *p)
{
	return (planned(d, p).what & (PLAN_ENCODED | PLAN_LABEL)) != 0;
}

static void
write_field(void *arg, struct part *p, struct span whole)
{
	struct downgrade	*d = arg;
	const char		*status, *why;

	if (loses_label(d, p) && is_transfer_encoding(whole))
		return;
	if (field_is_changed(d, p, whole)) {
		if (!field_to_ascii(whole, d->out, &status, &why))
			refuse(d, status, why);	/* it has been looked at */
	} else if (field_is_long(d, p, whole))
		field_fold(whole, d->out);
	else
		buf_add_span(d->out, whole);
}

static const char *
label(const struct downgrade *d, struct plan plan)
{
	if (!(plan.what & PLAN_ENCODED))
		return d->lacks & DOWNGRADE_8BIT ? "7bit" : "8bit";
	switch ((enum encode_kind)plan.kind) {
	case ENCODE_QUOTED:
	case ENCODE_QUOTED_ALL:
	case ENCODE_QUOTED_AGAIN:
		break;
	case ENCODE_BASE64:
	case ENCODE_BASE64_AGAIN:
		return "base64";
	}
	return "quoted-printable";
}

static void
write_header(void *arg, struct part *p, struct span line)
{
	struct downgrade	*d = arg;
	struct plan		 plan = planned(d, p);

	if (plan.what & PLAN_VERSION)
		buf_add_str(d->out, "MIME-Version: 1.0\r\n");
	if (plan.what & PLAN_TYPE)
		buf_add_str(d->out,
		    "Content-Type: text/plain; charset=unknown-8bit\r\n");
	if (loses_label(d, p))
		buf_addf(d->out, "Content-Transfer-Encoding: %s\r\n",
		    label(d, plan));
	if (plan.what & PLAN_ENCODED)
		encode_begin(&d->encode, (enum encode_kind)plan.kind);
	buf_add_span(d->out, line);
}

static bool
is_left_out(const struct downgrade *d, const struct part *p)
{
	return p->kind == PART_MULTIPART && (planned(d, p).what &
	    (p->has_parts ? PLAN_NO_BEHIND : PLAN_NO_BEFORE));
}

static void
write_octets(void *arg, struct part *p, struct span s)
{
	struct downgrade	*d = arg;

	if (is_left_out(d, p))
		return;
	if (planned(d, p).what & PLAN_ENCODED)
		encode_octets(&d->encode, s, d->out);
	else
		buf_add_span(d->out, s);
}

static void
write_crlf(void *arg, struct part *p)
{
	struct downgrade	*d = arg;

	if (is_left_out(d, p))
		return;
	if (planned(d, p).what & PLAN_ENCODED)
		encode_crlf(&d->encode, d->out);
	else
		buf_add_str(d->out, "\r\n");
}

static void
write_end(void *arg, struct part *p, bool last)
{
	struct downgrade	*d = arg;

	if (planned(d, p).what & PLAN_ENCODED)
		encode_end(&d->encode, last, d->out);
}

static void
write_boundary(void *arg, struct span line, bool after_body)
{
	struct downgrade	*d = arg;

	if (after_body)
		buf_add_str(d->out, "\r\n");
	buf_add_span(d->out, line);
}

static const struct walk_ops	writing = {
	write_field, write_header, write_octets, write_crlf, write_end,
	write_boundary
};

void
downgrade_begin(struct downgrade *d)
{
	walk_begin(&d->walk, &writing, d, d->lacks);
}

void
downgrade_write(struct downgrade *d, struct span s, struct buf *out)
{
	d->out = out;
	walk_feed(&d->walk, s);
}

void
downgrade_end(struct downgrade *d, struct buf *out)
{
	d->out = out;
	walk_end(&d->walk);
}

/* --- all of it */

struct downgrade *
downgrade_new(unsigned lacks)
{
	struct downgrade	*d = xcalloc(1, sizeof(*d));

	d->lacks = lacks;
	walk_begin(&d->walk, &looking, d, lacks);
	return d;
}

void
downgrade_free(struct downgrade **dp)
{
	struct downgrade	*d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	walk_clear(&d->walk);
	free(d->plan);
	free(d);
}
