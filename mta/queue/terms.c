/*
 * terms.c - classes of errors, and waits by them.
 */
#include "mta/queue/terms.h"

#include <assert.h>

const char *
error_class_name(unsigned class)
{
	static const char *const	names[CLASS_N] = {
#define CLASS(id, name) [CLASS_##id] = name,
		TERMS_CLASSES(CLASS)
#undef CLASS
	};

	assert(class < CLASS_N);
	return names[class];
}

static bool
is_of_the_way(struct span status)
{
	return span_eq(status, SPAN("4.4.1")) ||
	    span_eq(status, SPAN("4.4.2")) || span_eq(status, SPAN("4.4.3"));
}

/* 4.7.5 and 4.7.8 are TLS and logins (RFC 3463, 3.8; RFC 4954, 6). */
static bool
may_be_greylisting(unsigned code, struct span status)
{
	return (code == 450 || code == 451) &&
	    (span_eq(status, SPAN("4.2.0")) ||
	    (span_prefix(status, SPAN("4.7.")) &&
	    !span_eq(status, SPAN("4.7.5")) &&
	    !span_eq(status, SPAN("4.7.8"))));
}

/*
 * RFC 3463, 3: 4.4.1 to 4.4.3 are the way and DNS.  Greylisting has no code
 * of its own; 450 is what most of it says (RFC 6647, 5).
 */
enum error_class
error_class_of(unsigned code, struct span status)
{
	if (code == 421 || is_of_the_way(status))
		return CLASS_CONNECT;
	if (code == 452 || span_eq(status, SPAN("4.2.2")) ||
	    span_eq(status, SPAN("4.3.1")))
		return CLASS_FULL;
	if (may_be_greylisting(code, status))
		return CLASS_GREYLISTED;
	return CLASS_OTHER;
}

int64_t
terms_retry_ms(const struct terms *t, enum error_class class,
    unsigned attempts, uint64_t seed)
{
	const struct retry_waits	*w = &t->retry[class];
	int64_t			 base, spread;

	assert(w->n > 0);
	base = w->ms[attempts < w->n ? attempts : w->n - 1];
	spread = base / 10;
	if (spread <= 0)
		return base;
	seed = (seed ^ seed >> 29) * 0xBF58476D1CE4E5B9ull;
	return base - spread + (int64_t)((seed >> 20) % (2 * (uint64_t)spread));
}

void
terms_set_retry(struct terms *t, const struct retry_waits *w)
{
	unsigned	i;

	for (i = 0; i < CLASS_N; i++)
		t->retry[i] = *w;
}

void
terms_set_lifetime(struct terms *t, int64_t ms)
{
	unsigned	i;

	for (i = 0; i < CLASS_N; i++)
		t->lifetime_ms[i] = ms;
}
