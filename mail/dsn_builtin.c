/*
 * dsn_builtin.c - the templates of mail/texts/, compiled in; dsn_text.h.
 */
#include "config.h"

#include "mail/dsn_text.h"

/* dsn_texts.inc: { "failed.de", "..." }, one for each file. */
static const struct {
	const char	*name;
	const char	*text;
} texts[] = {
#include "mail/dsn_texts.inc"
};

static const char *const names[DSN_NTEXTS] = {
	[DSN_TEXT_FAILED] = "failed", [DSN_TEXT_DELAYED] = "delayed",
	[DSN_TEXT_ARRIVED] = "arrived", [DSN_TEXT_POSTMASTER] = "postmaster"
};

enum dsn_text_kind
dsn_text_kind(struct span name)
{
	unsigned	kind = 0;

	while (kind < DSN_NTEXTS && !span_eq(name, span_of(names[kind])))
		kind++;
	return (enum dsn_text_kind)kind;
}

const char *
dsn_text_name(enum dsn_text_kind kind)
{
	return names[kind];
}

bool
dsn_language_fits(struct span have, struct span wanted)
{
	return have.n > 0 && span_iprefix(wanted, have) &&
	    (wanted.n == have.n || wanted.p[have.n] == '-');
}

struct span
dsn_text_builtin(enum dsn_text_kind kind, struct span language)
{
	struct span	name = span_of(names[kind]), one;
	size_t		i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		one = span_of(texts[i].name);
		if (span_prefix(one, name) && one.p[name.n] == '.' &&
		    dsn_language_fits(span_from(one, name.n + 1), language))
			return span_of(texts[i].text);
	}
	return SPAN_NONE;
}
