/*
 * downgrade_part.c - what the Content- fields of a part say of it.
 *
 * Where a reader may see it in two ways, or where a change would be noticed by
 * a signature, the part is frozen: it goes as it is, or not at all.
 */
#include "config.h"

#include "mail/downgrade_int.h"
#include "mail/header.h"
#include "mail/mime_param.h"

/* --- its fields */

static struct span
flat(struct span body, struct arena *a)
{
	return arena_span(a, header_trim(body));
}

static void
take(struct span *first, bool *has, bool *twice, struct span body,
    struct arena *a)
{
	if (!*has)
		*first = flat(body, a);
	else if (!span_eq(*first, header_trim(body)))
		*twice = true;
	*has = true;
}

void
part_field(struct part *p, struct span whole, struct arena *a)
{
	struct header_field	f;
	size_t			pos = 0;

	if (!header_next(whole, &pos, &f))
		return;
	if (span_ieq(f.name, SPAN("Content-Type")))
		take(&p->type, &p->has_type, &p->twice, f.body, a);
	else if (span_ieq(f.name, SPAN("Content-Transfer-Encoding")))
		take(&p->transfer, &p->has_encoding, &p->twice, f.body, a);
	else if (span_ieq(f.name, SPAN("MIME-Version")))
		p->has_version = true;
}

/* --- what they mean together */

static enum part_encoding
encoding_of(const struct part *p, struct arena *a)
{
	static const struct {
		struct span		word;
		enum part_encoding	is;
	} words[] = {
		{ { "7bit", 4 }, PART_7BIT }, { { "8bit", 4 }, PART_8BIT },
		{ { "binary", 6 }, PART_BINARY },
		{ { "quoted-printable", 16 }, PART_QUOTED },
		{ { "base64", 6 }, PART_BASE64 },
	};
	struct span	word;
	size_t		i;

	if (!p->has_encoding)
		return PART_7BIT;
	word = mime_word(p->transfer, a);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_eq(word, words[i].word))
			return words[i].is;
	return PART_UNKNOWN;
}

struct span
part_type(const struct part *p, struct arena *a)
{
	if (p->has_type)
		return mime_word(p->type, a);
	return p->is_digest ? SPAN("message/rfc822") : SPAN("text/plain");
}

void
part_freeze(struct part *p, const char *why)
{
	if (p->frozen == NULL)
		p->frozen = why;
}

static void
know_multipart(struct part *p, struct span type, struct arena *a)
{
	struct span	texts[MIME_VALUES_MAX];
	size_t		n;

	n = mime_values(p->type, SPAN("boundary"), a, texts);
	if (n != 1 || texts[0].n == 0 || texts[0].n > BOUNDARY_MAX) {
		part_freeze(p, "a multipart has no boundary");
		return;
	}
	p->kind = PART_MULTIPART;
	p->outside = true;
	p->nboundary = texts[0].n;
	memcpy(p->boundary, texts[0].p, texts[0].n);
	p->is_digest = span_eq(type, SPAN("multipart/digest"));
	if (span_eq(type, SPAN("multipart/signed")))
		part_freeze(p, "a part of it is signed as it is");
	else if (span_eq(type, SPAN("multipart/encrypted")))
		part_freeze(p, "a part of it is encrypted as it is");
}

static bool
is_composite(struct span type)
{
	return span_prefix(type, SPAN("multipart/")) ||
	    span_eq(type, SPAN("message/rfc822")) ||
	    span_eq(type, SPAN("message/news"));
}

/* A composite that is encoded as a whole (against 2045, 6.4) is not looked into. */
static void
know_composite(struct part *p, struct span type, unsigned lacks,
    struct arena *a)
{
	if (p->encoding > PART_BINARY)
		return;
	if (span_prefix(type, SPAN("multipart/"))) {
		know_multipart(p, type, a);
		return;
	}
	p->kind = PART_MESSAGE;
	/* In a body that may be 8-bit its header may be so, too. */
	if (!(lacks & DOWNGRADE_8BIT))
		p->keep_header = true;
}

void
part_know(struct part *p, unsigned lacks, struct arena *a)
{
	struct span	type = part_type(p, a);

	p->encoding = encoding_of(p, a);
	p->kind = PART_LEAF;
	p->is_text = span_prefix(type, SPAN("text/")) ||
	    span_prefix(type, SPAN("message/")) || type.n == 0;
	if (p->twice)
		part_freeze(p, "two fields of a part contradict each other");
	if (span_eq(type, SPAN("message/partial")) ||
	    span_eq(type, SPAN("message/external-body")))
		part_freeze(p, "a part of it may not be encoded");
	if (is_composite(type))
		know_composite(p, type, lacks, a);
	/* Of what it is a part is not its own. */
	if (p->kind != PART_MULTIPART)
		p->is_digest = false;
}
