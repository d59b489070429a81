/*
 * sts_fetch.c - a policy is fetched from its web server (RFC 8461, 3.3).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/fetch/sts_int.h"

/* How RFC 8460, 4.3.2.2 calls what has happened. */
static enum sts_trouble
trouble_of(enum http_result r)
{
	switch (r) {
	case HTTP_UNTRUSTED:
		return STS_WEBPKI_INVALID;
	case HTTP_LARGE:
		return STS_INVALID;
	default:
		return STS_FETCH_ERROR;
	}
}

/* "text/plain", whatever its parameters are. */
static bool
is_plain(struct span type)
{
	ptrdiff_t	end = span_index(type, ';');

	if (end != -1)
		type.n = (size_t)end;
	return span_ieq(span_trim(type), SPAN("text/plain"));
}

static void
take_policy(struct sts_domain *d, const struct http_answer *a)
{
	struct sts_kept	*k;
	const char	*why;
	char		 text[64];

	if (a->status != 200) {
		(void)snprintf(text, sizeof(text), "the web server says %u",
		    a->status);
		sts_fetched(d, NULL, STS_FETCH_ERROR, text);
	} else if (!is_plain(a->type))
		sts_fetched(d, NULL, STS_INVALID, "it is not text/plain");
	else if ((k = sts_kept_new(d->name, span_of(d->id), sts_now_s(),
	    a->body, &why)) == NULL)
		sts_fetched(d, NULL, STS_INVALID, why);
	else
		sts_fetched(d, k, STS_FINE, NULL);
}

static void
on_answer(void *arg, const struct http_answer *a)
{
	struct sts_domain	*d = arg;
	char			*why;

	d->transfer = NULL;
	if (a->result == HTTP_DONE) {
		take_policy(d, a);
		return;
	}
	why = xasprintf("%s: %.*s", http_result_name(a->result),
	    SPAN_ARG(a->why));
	if (a->result == HTTP_CANNOT)
		sts_unasked(d, why);
	else
		sts_fetched(d, NULL, trouble_of(a->result), why);
	free(why);
}

/* No redirect is followed (3.3). */
void
sts_fetch(struct sts_domain *d)
{
	struct http_question	 q = { .method = HTTP_GET,
	    .octets_max = STS_POLICY_MAX, .seconds = d->sts->how.seconds };
	char			*url;

	url = d->sts->how.port == 443 ?
	    xasprintf("https://mta-sts.%s/.well-known/mta-sts.txt", d->name) :
	    xasprintf("https://mta-sts.%s:%u/.well-known/mta-sts.txt",
	    d->name, (unsigned)d->sts->how.port);
	q.url = span_of(url);
	d->state = STS_FETCHES;
	d->transfer = transfer_start(d->sts->how.transfers, &q, on_answer, d);
	free(url);
}
