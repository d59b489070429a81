/*
 * sts_fuzz.c - what strangers write for fetch: URLs, TXT records and policies of
 * MTA-STS, and a kept file.  The first octet says which.
 */
#include <stdlib.h>

#include "mta/fetch/sts_kept.h"
#include "mta/fetch/sts_record.h"
#include "mta/fetch/url.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
inside(struct span all, struct span part)
{
	if (part.n > 0 && (part.p < all.p || part.p + part.n > all.p + all.n))
		abort();
}

static void
record(struct span text)
{
	struct span	 texts[2], id;
	ptrdiff_t	 end = span_index(text, '\n');
	const char	*why;

	texts[0] = end == -1 ? text : span_mem(text.p, (size_t)end);
	texts[1] = end == -1 ? SPAN_NONE : span_from(text, (size_t)end);
	if (!sts_record_find(texts, 2, &id, &why))
		return;
	if (id.n == 0 || id.n > STS_ID_MAX || why != NULL)
		abort();
	inside(text, id);
}

static void
policy(struct span text)
{
	struct arena	 ar = { 0 };
	struct sts_text	 t;
	const char	*why = NULL;

	if (sts_text_parse(text, &ar, &t, &why) == 0) {
		if (t.n > STS_MX_MAX || t.max_age_s > STS_MAX_AGE_S ||
		    (t.n == 0 && t.mode != STS_MODE_NONE))
			abort();
	} else if (why == NULL)
		abort();
	arena_clear(&ar);
}

/* What was read is written in the same way. */
static void
kept(struct span file)
{
	const char	*why;
	struct sts_kept	*k = sts_kept_read(file, &why);
	struct buf	 again = { 0 };

	if (k == NULL)
		return;
	sts_kept_write(k, &again);
	if (again.n > STS_FILE_MAX ||
	    !span_prefix(buf_span(&again), SPAN("waybill-sts 1 ")))
		abort();
	buf_clear(&again);
	sts_kept_free(&k);
}

static void
url(struct span text)
{
	struct url	 u;
	const char	*why;

	if (url_parse(text, &u, &why) == -1)
		return;
	inside(text, u.host);
	inside(text, u.path);
	if (u.host.n == 0 || u.port == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	text;

	if (n == 0)
		return 0;
	text = span_mem(data + 1, n - 1);
	switch (data[0]) {
	case 'r':
		record(text);
		break;
	case 'p':
		policy(text);
		break;
	case 'k':
		kept(text);
		break;
	case 'u':
		url(text);
		break;
	}
	return 0;
}
