/*
 * mime_part.c - what the Content- fields of a part say of it.
 */
#include "config.h"

#include "mail/header.h"
#include "mail/mime_int.h"
#include "mail/mime_param.h"

#define TOLD_MAX	64	/* types, and names, of one part */

struct told {
	struct span	s[TOLD_MAX];
	size_t		n;
};

struct part {
	struct told	types, names;
	bool		attachment;
	bool		encoded;	/* base64 or quoted-printable */
};

static void
tell(struct mime *m, struct told *t, struct span s)
{
	size_t	 i;

	for (i = 0; i < t->n; i++)
		if (span_eq(t->s[i], s))
			return;
	if (t->n < TOLD_MAX)
		t->s[t->n++] = s;
	else
		m->incomplete = true;
}

/* --- the fields */

static void
take_names(struct mime *m, struct part *p, struct span body, struct span name)
{
	struct span	 texts[MIME_VALUES_MAX];
	size_t		 i, n = mime_texts(body, name, &m->arena, texts);

	for (i = 0; i < n; i++)
		tell(m, &p->names, texts[i]);
}

static bool
is_multipart(struct span type)
{
	return span_prefix(type, SPAN("multipart/"));
}

/* RFC 2046, 5.2.1; RFC 6532, 3.7. */
static bool
is_message(struct span type)
{
	return span_eq(type, SPAN("message/rfc822")) ||
	    span_eq(type, SPAN("message/global")) ||
	    span_eq(type, SPAN("message/news"));
}

/* Its parts are one deeper than it is itself. */
static void
begin_multipart(struct mime *m, struct span body, struct span type)
{
	struct span	 texts[MIME_VALUES_MAX];
	size_t		 i, n;
	bool		 digest = span_eq(type, SPAN("multipart/digest"));

	n = mime_values(body, SPAN("boundary"), &m->arena, texts);
	for (i = 0; i < n; i++)
		mime_push(m, texts[i], m->depth + 1, digest);
	if (n == 0)
		mime_push(m, SPAN_NONE, m->depth + 1, digest);
}

static void
content_type(struct mime *m, struct part *p, struct span body)
{
	struct span	 type = mime_word(body, &m->arena);

	if (type.n > 0)
		tell(m, &p->types, type);
	take_names(m, p, body, SPAN("name"));
	take_names(m, p, body, SPAN("filename"));
	if (!is_multipart(type))
		return;
	if (m->depth >= MIME_DEPTH_MAX)
		m->incomplete = true;
	else
		begin_multipart(m, body, type);
}

static void
content_disposition(struct mime *m, struct part *p, struct span body)
{
	if (span_eq(mime_word(body, &m->arena), SPAN("attachment")))
		p->attachment = true;
	take_names(m, p, body, SPAN("filename"));
	take_names(m, p, body, SPAN("name"));
}

static void
content_encoding(struct mime *m, struct part *p, struct span body)
{
	struct span	 word = mime_word(body, &m->arena);

	if (span_eq(word, SPAN("base64")) ||
	    span_eq(word, SPAN("quoted-printable")))
		p->encoded = true;
}

static void
read_fields(struct mime *m, struct part *p)
{
	struct header_field	 f;
	size_t			 pos = 0;

	while (header_next(buf_span(&m->fields), &pos, &f)) {
		if (span_ieq(f.name, SPAN("Content-Type")))
			content_type(m, p, f.body);
		else if (span_ieq(f.name, SPAN("Content-Disposition")))
			content_disposition(m, p, f.body);
		else if (span_ieq(f.name, SPAN("Content-Transfer-Encoding")))
			content_encoding(m, p, f.body);
	}
}

/* --- what is told */

static struct span
ith(const struct told *t, size_t i)
{
	if (t->n == 0)
		return SPAN_NONE;
	return t->s[i < t->n ? i : t->n - 1];
}

static void
tell_part(struct mime *m, const struct part *p)
{
	size_t	 i, n = p->types.n > p->names.n ? p->types.n : p->names.n;

	for (i = 0; i < n; i++) {
		struct mime_part	 found = {
			.type = ith(&p->types, i),
			.name = ith(&p->names, i),
			.attachment = p->attachment || p->names.n > 0,
		};

		m->found(m->arg, &found);
	}
}

/* RFC 2045, 5.2; RFC 2046, 5.1.5. */
static struct span
default_type(const struct mime *m)
{
	return m->digest ? SPAN("message/rfc822") : SPAN("text/plain");
}

/* How many of the types are of that kind. */
static size_t
count(const struct told *types, bool (*kind)(struct span))
{
	size_t	 i, n = 0;

	for (i = 0; i < types->n; i++)
		n += kind(types->s[i]);
	return n;
}

/* False: no deeper. */
static bool
begin_message(struct mime *m, bool deeper)
{
	if (m->depth >= MIME_DEPTH_MAX) {
		m->incomplete = true;
		return false;
	}
	if (deeper)
		m->depth++;
	return true;
}

bool
mime_part_header(struct mime *m)
{
	struct part	 p = { .attachment = false };
	size_t		 open = m->nopen, multiparts, messages;

	read_fields(m, &p);
	if (p.types.n == 0)
		tell(m, &p.types, default_type(m));
	multiparts = count(&p.types, is_multipart);
	messages = count(&p.types, is_message);
	if (multiparts < p.types.n || p.names.n > 0)
		tell_part(m, &p);
	if (p.encoded && multiparts + messages > 0)
		m->incomplete = true;
	if (m->nopen > open)
		m->depth++;
	return messages > 0 && begin_message(m, m->nopen == open);
}

void
mime_tell_file(struct mime *m, struct span name)
{
	struct mime_part	 found = {
		.type = SPAN("application/octet-stream"),
		.name = mime_text(name, &m->arena),
		.attachment = true,
	};

	if (found.name.n > 0)
		m->found(m->arg, &found);
}
