/*
 * submit.c - what a submission server mends in a header.
 *
 * Nothing that stands there is changed: a field that is there, right or wrong,
 * is what its author wrote, and may be signed.
 */
#include "config.h"

#include "mail/date.h"
#include "mail/submit.h"

#define EDITS_MAX	6

struct mending {
	struct span		content;
	struct arena		arena;
	struct header_edit	edits[EDITS_MAX];
	size_t			n;
};

static bool
has(const struct mending *m, struct span name)
{
	struct header_field	f;

	return header_find(m->content, name, 0, &f);
}

static void
add(struct mending *m, struct span field)
{
	m->edits[m->n++] = (struct header_edit){
		.kind = HEADER_EDIT_ADD, .value = field
	};
}

static void
del(struct mending *m, struct span name)
{
	if (has(m, name))
		m->edits[m->n++] = (struct header_edit){
			.kind = HEADER_EDIT_DEL, .name = name
		};
}

static void
find(struct mending *m, const struct submit *s)
{
	struct arena	*a = &m->arena;
	char		 date[DATE_MAX];

	del(m, SPAN("Bcc"));
	del(m, SPAN("Resent-Bcc"));
	del(m, SPAN("Return-Path"));
	if (!has(m, SPAN("Date")))
		add(m, arena_printf(a, "Date: %s",
		    date_rfc5322(s->now_ms, date)));
	if (!has(m, SPAN("From")) && s->sender.n > 0)
		add(m, arena_printf(a, "From: %.*s", SPAN_ARG(s->sender)));
	if (!has(m, SPAN("Message-ID")))
		add(m, arena_printf(a, "Message-ID: <%.*s@%.*s>",
		    SPAN_ARG(s->id), SPAN_ARG(s->hostname)));
}

/* What begins with something else than a field is a body alone. */
static bool
begins_with_text(struct span content)
{
	struct header_field	f;
	size_t			pos = 0;

	return header_next(content, &pos, &f) && f.name.n == 0;
}

bool
submit_header(struct span content, const struct submit *s, struct buf *out)
{
	struct mending	m = { .content = content };
	bool		text = begins_with_text(content);

	if (text)
		m.content = SPAN("\r\n");
	find(&m, s);
	if (m.n > 0)
		header_apply(m.content, m.edits, m.n, out);
	if (m.n > 0 && text)
		buf_add(out, content.p, header_size(content));
	arena_clear(&m.arena);
	return m.n > 0;
}
