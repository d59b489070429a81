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

const struct map_kind map_kind_domains = {
	.name = "domains",
	.line = map_words_line,
	.entry = map_words_entry,
	.key = domains_key,
	.value = domains_value,
	.continued = true,
};
