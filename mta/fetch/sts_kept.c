/*
 * sts_kept.c - a policy that is kept.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/xalloc.h"

#include "mta/fetch/sts_kept.h"

#define HEAD	"waybill-sts 1 "

struct sts_kept *
sts_kept_new(const char *domain, struct span id, uint64_t fetched_s,
    struct span text, const char **why)
{
	struct sts_kept	*k = xcalloc(1, sizeof(*k));

	k->text = arena_span(&k->ar, text);
	if (sts_text_parse(k->text, &k->ar, &k->policy, why) == -1) {
		sts_kept_free(&k);
		return NULL;
	}
	(void)snprintf(k->domain, sizeof(k->domain), "%s", domain);
	(void)snprintf(k->id, sizeof(k->id), "%.*s", SPAN_ARG(id));
	k->fetched_s = fetched_s;
	return k;
}

void
sts_kept_free(struct sts_kept **kp)
{
	if (*kp != NULL)
		arena_clear(&(*kp)->ar);
	free(*kp);
	*kp = NULL;
}

uint64_t
sts_kept_expires_s(const struct sts_kept *k)
{
	return k->fetched_s + (k->policy.max_age_s < STS_AGE_LEAST_S ?
	    STS_AGE_LEAST_S : k->policy.max_age_s);
}

/* --- the file */

static void
add_sum(struct buf *out, struct span rest)
{
	buf_addf(out, HEAD "%08" PRIx32 "\n", crc32c(0, rest.p, rest.n));
}

void
sts_kept_write(const struct sts_kept *k, struct buf *out)
{
	struct buf	rest = { 0 };

	buf_addf(&rest, "domain %s\nid %s\nfetched %" PRIu64 "\n\n",
	    k->domain, k->id, k->fetched_s);
	buf_add_span(&rest, k->text);
	add_sum(out, buf_span(&rest));
	buf_take(out, &rest);
}

/* The value of the line "name value" that comes next. */
static bool
take_line(struct span *rest, struct span name, struct span *value)
{
	ptrdiff_t	end = span_index(*rest, '\n');

	if (end == -1 || !span_prefix(*rest, name) ||
	    (size_t)end <= name.n || rest->p[name.n] != ' ')
		return false;
	*value = span_mem(rest->p + name.n + 1, (size_t)end - name.n - 1);
	*rest = span_from(*rest, (size_t)end + 1);
	return true;
}

static bool
take_sum(struct span *file)
{
	struct buf	sum = { 0 };
	ptrdiff_t	end = span_index(*file, '\n');
	struct span	rest;
	bool		same;

	if (end == -1)
		return false;
	rest = span_from(*file, (size_t)end + 1);
	add_sum(&sum, rest);
	same = span_prefix(*file, buf_span(&sum));
	buf_clear(&sum);
	*file = rest;
	return same;
}

struct sts_kept *
sts_kept_read(struct span file, const char **why)
{
	char		name[STS_DOMAIN_MAX + 1];
	struct span	domain, id, fetched;
	uint64_t	fetched_s;

	*why = "it is no kept policy, or damaged";
	if (!take_sum(&file) ||
	    !take_line(&file, SPAN("domain"), &domain) ||
	    !take_line(&file, SPAN("id"), &id) ||
	    !take_line(&file, SPAN("fetched"), &fetched) ||
	    !sts_domain(domain, name) || !span_eq(domain, span_of(name)) ||
	    id.n == 0 || id.n > STS_ID_MAX ||
	    !span_u64(fetched, UINT32_MAX * UINT64_C(16), &fetched_s) ||
	    !span_prefix(file, SPAN("\n")))
		return NULL;
	return sts_kept_new(name, id, fetched_s, span_from(file, 1), why);
}
