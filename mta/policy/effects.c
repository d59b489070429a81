/*
 * effects.c - what an evaluation does: header edits, tags, lines of the log,
 * and what the session has to do itself.
 *
 * Owns: the lists of one evaluation.  In a dry run there are no effects.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/policy/policy_int.h"

#define EDITS_MAX	1000	/* header edits of one evaluation */
#define EFFECTS_MAX	1000	/* other effects of one evaluation */
#define MATCH_ALARM_MS	600000	/* between two lines of the log */

/* --- tags */

/* What stands before the tags that policy_tags_new() gives out. */
struct tag_head {
	struct arena	*arena;
	size_t		 n;
};

static struct tag_head *
tag_head(struct rs_value *tags)
{
	return (struct tag_head *)(void *)((char *)tags -
	    ((sizeof(struct tag_head) + 15) & ~(size_t)15));
}

struct rs_value *
tags_alloc(size_t n, struct arena *ar)
{
	size_t		 head = (sizeof(struct tag_head) + 15) & ~(size_t)15;
	struct tag_head	*h;

	h = arena_alloc(ar, head + n * sizeof(struct rs_value));
	h->arena = ar;
	h->n = n;
	return (struct rs_value *)(void *)((char *)h + head);
}

struct arena *
tags_arena(struct rs_value *tags)
{
	return tag_head(tags)->arena;
}

/* --- effects */

static void
effect_tag(struct asking *a, uint32_t tag, const struct rs_value *v)
{
	struct rs_value	*tags = a->facts->tags;
	size_t		 n = rs_ntag(a->policy->image);

	if (tags == NULL || tag >= n)
		return;
	if (a->tags_arena != NULL && tags_arena(tags) != a->tags_arena) {
		/* A routing's own: the other recipients keep theirs. */
		tags = tags_alloc(n, a->tags_arena);
		memcpy(tags, a->facts->tags, n * sizeof(*tags));
		a->facts->tags = tags;
	}
	tags[tag] = rs_copy(v, tags_arena(tags));
}

static void
effect_edit(struct asking *a, enum header_edit_kind kind, struct span name,
    const struct rs_value *v)
{
	struct header_edit	*ed;

	if (a->nedits == EDITS_MAX)
		return;
	if (a->nedits == a->edits_cap) {
		a->edits_cap = a->edits_cap == 0 ? 8 : a->edits_cap * 2;
		a->edits = xreallocarray(a->edits, a->edits_cap,
		    sizeof(*a->edits));
	}
	ed = &a->edits[a->nedits++];
	ed->kind = kind;
	ed->name = name;
	ed->value = v == NULL ? SPAN_NONE :
	    rs_format(v, rs_eval_arena(a->eval));
}

/* What the session has to do itself. */
static void
effect_other(struct asking *a, enum rs_effect what, uint32_t object,
    const struct rs_value *v)
{
	struct policy_effect	*ef;

	if (a->neffects == EFFECTS_MAX)
		return;
	if (a->neffects == a->effects_cap) {
		a->effects_cap = a->effects_cap == 0 ? 8 : a->effects_cap * 2;
		a->effects = xreallocarray(a->effects, a->effects_cap,
		    sizeof(*a->effects));
	}
	ef = &a->effects[a->neffects++];
	*ef = (struct policy_effect){ .kind = what, .object = object };
	if (v != NULL)
		ef->value = rs_copy(v, rs_eval_arena(a->eval));
}

/* `log "..."`: what a rule wants to be read, with whom it was about. */
static void
effect_log(const struct policy_facts *f, struct span text)
{
	char	ip[IP_TEXT_MAX];

	log_info("policy text=%s client=%s from=%s to=%s", log_quote(text),
	    f->client_ip.family == 0 ? "-" : ip_format(&f->client_ip, ip),
	    log_quote(f->sender), log_quote(f->rcpt));
}

/* A match was given up at its limits: one line in a while, whichever it is. */
static void
effect_alarm(struct asking *a, struct span text)
{
	struct policy	*p = a->policy;
	int64_t		 now = clock_boot_ms();

	if (p->quiet || now < p->match_alarm_ms)
		return;
	p->match_alarm_ms = now + MATCH_ALARM_MS;
	log_warnx("a rule was not taken, because it could not be decided"
	    " text=%s from=%s", log_quote(text), log_quote(a->facts->sender));
}

void
world_effect(void *ctx, struct rs_eval *e, enum rs_effect what,
    uint32_t n, struct span name, const struct rs_value *v)
{
	struct asking	*a = ctx;

	if (what == RS_E_TAG && (!a->dry || a->tags_arena != NULL)) {
		effect_tag(a, n, v);
		return;
	}
	if (a->dry)
		return;
	switch (what) {
	case RS_E_HEADER_ADD:
		effect_edit(a, HEADER_EDIT_ADD, SPAN_NONE, v);
		break;
	case RS_E_HEADER_SET:
		effect_edit(a, HEADER_EDIT_SET, name, v);
		break;
	case RS_E_HEADER_DEL:
		effect_edit(a, HEADER_EDIT_DEL, name, NULL);
		break;
	case RS_E_LOG:
		if (!a->policy->quiet)
			effect_log(a->facts, rs_format(v, rs_eval_arena(e)));
		break;
	case RS_E_TAG:
		break;
	case RS_E_ALARM:
		effect_alarm(a, rs_format(v, rs_eval_arena(e)));
		break;
	default:
		effect_other(a, what, n, v);
		break;
	}
}
