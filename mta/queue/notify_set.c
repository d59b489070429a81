/*
 * notify_set.c - the block `notify` of the policy's image; notify_set.h.
 */
#include "mta/queue/notify_set.h"

#include "base/xalloc.h"
#include "mta/queue/queue.h"

#include <stdlib.h>

static char *
copy(struct span s)
{
	return xstrndup(s.n == 0 ? "" : s.p, s.n);
}

static uint32_t
block_of(const struct rs_image *img)
{
	uint32_t	i = 0;

	while (i < rs_nobject(img) && rs_object(img, i)->kind != RS_O_NOTIFY)
		i++;
	return i;
}

static struct span
word_at(const struct rs_image *img, const struct rs_optval *o, unsigned n)
{
	struct rs_place	p = rs_option_place(img, o, n);

	if (p.is_func || p.index == UINT32_MAX)
		return SPAN_NONE;
	return rs_const(img, p.index).s;
}

static void
read_classes(const struct rs_image *img, uint32_t block, struct notify_set *s)
{
	const struct rs_optval	*o;
	unsigned		 i, class;

	if (!rs_option(img, block, RS_OPT_NOTIFY_tell, 0, &o))
		return;
	for (i = 0; i < o->nplaces; i++)
		for (class = 0; class < TOLD_NCLASSES; class++)
			if (span_eq(word_at(img, o, i),
			    span_of(postmaster_class_name(class))))
				s->classes |= UINT32_C(1) << class;
}

static void
read_texts(const struct rs_image *img, uint32_t block, struct notify_set *s)
{
	const struct rs_optval	*o;
	struct notify_text	*t;
	unsigned		 i;

	for (i = 0; rs_option(img, block, RS_OPT_NOTIFY_text, i, &o); i++) {
		s->texts = xreallocarray(s->texts, s->ntexts + 1,
		    sizeof(*s->texts));
		t = &s->texts[s->ntexts++];
		t->kind = dsn_text_kind(word_at(img, o, 0));
		t->language = copy(word_at(img, o, 1));
		t->text = copy(word_at(img, o, 2));
	}
}

struct notify_set *
notify_set_read(const struct rs_image *img)
{
	struct notify_set	*s = xcalloc(1, sizeof(*s));
	uint32_t		 block = block_of(img);

	s->asks = rs_hook(img, RS_HOOK_BOUNCE) != UINT32_MAX;
	s->postmaster = copy(rs_setting_text(img, RS_OPT_NOTIFY_postmaster));
	s->language = copy(rs_setting_text(img, RS_OPT_NOTIFY_language));
	if (block < rs_nobject(img)) {
		read_classes(img, block, s);
		read_texts(img, block, s);
	}
	return s;
}

void
notify_set_free(struct notify_set **sp)
{
	struct notify_set	*s = *sp;
	size_t			 i;

	*sp = NULL;
	if (s == NULL)
		return;
	for (i = 0; i < s->ntexts; i++) {
		free(s->texts[i].language);
		free(s->texts[i].text);
	}
	free(s->texts);
	free(s->postmaster);
	free(s->language);
	free(s);
}

/* --- which text */

/* The policy's own come before those that are compiled in. */
static bool
find(const struct notify_set *s, enum dsn_text_kind kind, struct span wanted,
    struct span *text, struct span *language)
{
	static const char *const builtin[] = { "de", "en" };
	size_t			 i;

	for (i = 0; s != NULL && i < s->ntexts; i++)
		if (s->texts[i].kind == kind && dsn_language_fits(
		    span_of(s->texts[i].language), wanted)) {
			*text = span_of(s->texts[i].text);
			*language = span_of(s->texts[i].language);
			return true;
		}
	for (i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		if (dsn_language_fits(span_of(builtin[i]), wanted)) {
			*text = dsn_text_builtin(kind, wanted);
			*language = span_of(builtin[i]);
			return true;
		}
	return false;
}

/* "de-AT;q=0.8, en": the first, without its weight. */
static struct span
next_language(struct span *list)
{
	ptrdiff_t	comma = span_index(*list, ','), semicolon;
	struct span	one = *list;

	if (comma >= 0)
		one.n = (size_t)comma;
	*list = span_from(*list, comma < 0 ? list->n : one.n + 1);
	if ((semicolon = span_index(one, ';')) >= 0)
		one.n = (size_t)semicolon;
	return span_trim(one);
}

struct span
notify_set_text(const struct notify_set *s, enum dsn_text_kind kind,
    struct span wanted, struct span *language)
{
	struct span	text;

	while (wanted.n > 0)
		if (find(s, kind, next_language(&wanted), &text, language))
			return text;
	if (s != NULL && find(s, kind, span_of(s->language), &text, language))
		return text;
	*language = SPAN("en");
	return dsn_text_builtin(kind, *language);
}
