/*
 * parts.c - the attachments of a message: `attachments`, `attachments.type`.
 *
 * A part is an attachment when it has a file name or says that it is one; of
 * the others only plain text and HTML are none.  What could not be looked
 * through (mail/mime.h) makes a list without an end: nobody can say that
 * nothing of it matches.
 *
 * Owns: names and types, each once.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "mail/mime.h"

#include "mta/policy/policy_int.h"

#define PARTS_OCTETS_MAX	(1u << 20)	/* names and types of a message */

struct list {
	struct span	*v;
	size_t		 n, cap;
	struct htab	 seen;
};

struct policy_parts {
	struct mime	*mime;		/* NULL: ended */
	struct arena	 arena;
	struct list	 lists[RS_NLISTSOF];
	size_t		 octets;
	bool		 whole;
};

static void
add(struct policy_parts *p, unsigned listof, struct span s)
{
	struct list	*l = &p->lists[listof];

	if (htab_get(&l->seen, s) != NULL)
		return;
	if (p->octets + s.n > PARTS_OCTETS_MAX) {
		p->whole = false;
		return;
	}
	p->octets += s.n + sizeof(s);
	htab_put(&l->seen, s, p);
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 4 : 2 * l->cap;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = arena_span(&p->arena, s);
}

static bool
is_text(struct span type)
{
	return span_eq(type, SPAN("text/plain")) ||
	    span_eq(type, SPAN("text/html"));
}

static void
found(void *arg, const struct mime_part *part)
{
	struct policy_parts	*p = arg;

	if (!part->attachment && is_text(part->type))
		return;
	add(p, RS_LISTOF_ATTACHMENT_TYPES, part->type);
	if (part->name.n > 0)
		add(p, RS_LISTOF_ATTACHMENTS, part->name);
}

struct policy_parts *
policy_parts_new(void)
{
	struct policy_parts	*p = xcalloc(1, sizeof(*p));

	p->mime = mime_new(found, p);
	p->whole = true;
	return p;
}

void
policy_parts_feed(struct policy_parts *p, struct span s)
{
	mime_feed(p->mime, s);
}

void
policy_parts_end(struct policy_parts *p)
{
	if (p->mime != NULL && !mime_end(p->mime))
		p->whole = false;
	mime_free(&p->mime);
}

void
policy_parts_free(struct policy_parts **pp)
{
	struct policy_parts	*p = *pp;
	size_t			 i;

	if (p == NULL)
		return;
	*pp = NULL;
	mime_free(&p->mime);
	for (i = 0; i < RS_NLISTSOF; i++) {
		free(p->lists[i].v);
		htab_clear(&p->lists[i].seen);
	}
	arena_clear(&p->arena);
	free(p);
}

bool
policy_asks_parts(const struct policy *p)
{
	uint32_t	 f, i;

	for (f = 0; f < rs_nfunc(p->image); f++) {
		const struct rs_func	*func = rs_func(p->image, f);

		for (i = func->start; i < func->end; i++) {
			unsigned	op = rs_insn(p->image, i)->op;

			if (rs_ops[op].c == RS_LISTOF_)
				return true;
		}
	}
	return false;
}

/* --- rs_world's */

/* Who brings the content alone has it looked through here. */
static const struct policy_parts *
parts_of(struct asking *a)
{
	if (a->facts->parts != NULL)
		return a->facts->parts;
	if (a->parts == NULL) {
		a->parts = policy_parts_new();
		policy_parts_feed(a->parts, a->facts->content);
		policy_parts_end(a->parts);
	}
	return a->parts;
}

enum rs_answer
world_item(void *ctx, struct rs_eval *e, unsigned listof, unsigned i,
    struct rs_value *out)
{
	const struct policy_parts	*p = parts_of(ctx);

	(void)e;
	if (listof >= RS_NLISTSOF)
		return RS_CANNOT;
	if (i >= p->lists[listof].n)
		return p->whole ? RS_ABSENT : RS_CANNOT;
	*out = rs_text(RS_T_TEXT, p->lists[listof].v[i]);
	out->tainted = true;
	return RS_HAVE;
}
