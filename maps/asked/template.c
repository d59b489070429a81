/*
 * template.c - a text with {key}, {user} and {domain} in it.
 *
 * How they are put in is the driver's business: as a parameter of a query,
 * with what means something to the server escaped.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"

#include "maps/asked/asked.h"

static const struct {
	struct span	 word;
	int		 is;
} words[] = {
	{ { "{key}", 5 }, ASKED_KEY },
	{ { "{user}", 6 }, ASKED_USER },
	{ { "{domain}", 8 }, ASKED_DOMAIN },
};

static const char *
add(struct asked_template *t, struct asked_part part)
{
	if (t->n == ASKED_PARTS_MAX)
		return "there are more than 32 parts in the text";
	t->parts[t->n++] = part;
	return NULL;
}

/* A word in braces at the head of s; *used of it. */
static const char *
add_word(struct asked_template *t, struct span s, size_t *used)
{
	size_t	 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_prefix(s, words[i].word)) {
			*used = words[i].word.n;
			return add(t, (struct asked_part){
			    .is = words[i].is });
		}
	return "in braces stands {key}, {user} or {domain}; "
	    "a brace itself is \\{";
}

/* "\{" and "\\". */
static bool
is_escape(struct span s)
{
	return s.n > 1 && s.p[0] == '\\' && (s.p[1] == '{' || s.p[1] == '\\');
}

/* What stands before the next brace or escape; of that the second octet. */
static const char *
add_literal(struct asked_template *t, struct span s, size_t *used)
{
	size_t	 n = 0;

	if (is_escape(s)) {
		*used = 2;
		return add(t, (struct asked_part){ .is = ASKED_LITERAL,
		    .text = span_mem(s.p + 1, 1) });
	}
	while (n < s.n && s.p[n] != '{' && !is_escape(span_from(s, n)))
		n++;
	*used = n;
	return add(t, (struct asked_part){ .is = ASKED_LITERAL,
	    .text = span_mem(s.p, n) });
}

int
asked_template_init(struct asked_template *t, struct span text,
    const char **why)
{
	struct span	 s;
	size_t		 used = 0;

	*t = (struct asked_template){ .n = 0 };
	*why = "the text has a NUL in it";
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return -1;
	*why = NULL;
	t->text = xstrndup(text.n > 0 ? text.p : "", text.n);
	for (s = span_mem(t->text, text.n); *why == NULL && s.n > 0;
	    s = span_from(s, used))
		*why = s.p[0] == '{' ? add_word(t, s, &used) :
		    add_literal(t, s, &used);
	if (*why == NULL)
		return 0;
	asked_template_clear(t);
	return -1;
}

void
asked_template_clear(struct asked_template *t)
{
	free(t->text);
	*t = (struct asked_template){ .n = 0 };
}

struct span
asked_part_value(const struct asked_part *part, struct span key)
{
	size_t	 at = key.n;

	while (at > 0 && key.p[at - 1] != '@')
		at--;
	switch (part->is) {
	case ASKED_LITERAL:
		return part->text;
	case ASKED_KEY:
		return key;
	case ASKED_USER:
		return at == 0 ? key : span_mem(key.p, at - 1);
	case ASKED_DOMAIN:
		return at == 0 ? SPAN_NONE : span_from(key, at);
	}
	return SPAN_NONE;
}
