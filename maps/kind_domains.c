/*
 * kind_domains.c - sendmail's domaintable: `old.example new.example`.
 */
#include "config.h"

#include "mail/domain.h"
#include "maps/map_int.h"

static int
domains_key(struct map *m, struct span in, struct arena *scratch,
    struct span *out, struct map_fault *f)
{
	(void)m;
	f->at = in.p;
	return domain_normalise(in, scratch, out, &f->what);
}

static int
domains_value(struct span value, struct map_fault *f)
{
	struct arena	 scratch = { 0 };
	struct span	 out;
	int		 rc;

	f->at = value.p;
	rc = domain_normalise(value, &scratch, &out, &f->what);
	arena_clear(&scratch);
	return rc;
}

static const struct map_words	words = { domains_key, domains_value };

static void
domains_line(struct map *m, struct map_text *t, struct span raw,
    uint32_t line)
{
	map_words_line(m, t, raw, line, &words);
}

static void
domains_entry(struct map *m, struct span key, struct span value)
{
	map_words_entry(m, key, value, &words);
}

const struct map_kind map_kind_domains = {
	.name = "domains",
	.line = domains_line,
	.entry = domains_entry,
	.continued = true,
};
