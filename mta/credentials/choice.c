/*
 * choice.c - which mechanism a login begins with, and which follows.
 */
#include <string.h>

#include "mta/credentials/choice.h"

enum says { SAYS_PROOF, SAYS_CLEAR };

static const struct {
	const char	*name;
	enum mech_given	 given;
	enum says	 says;
	bool		 binds, first;
} mechs[] = {
#define MECHANISM(id, name, given, says, binds, first) \
	{ name, GIVEN_##given, SAYS_##says, binds, first },
#include "mta/credentials/mechanisms.def"
#undef MECHANISM
};

const char *
mech_name(enum mech m)
{
	return m < MECH_N ? mechs[m].name : "-";
}

enum mech_given
mech_given(enum mech m)
{
	return mechs[m].given;
}

bool
mech_says_secret(enum mech m)
{
	return mechs[m].says == SAYS_CLEAR;
}

bool
mech_binds(enum mech m)
{
	return mechs[m].binds;
}

bool
mech_is_first(enum mech m)
{
	return mechs[m].first;
}

enum mech
mech_named(struct span name)
{
	unsigned	m;

	for (m = 0; m < MECH_N; m++)
		if (span_ieq(name, span_of(mechs[m].name)))
			break;
	return (enum mech)m;
}

unsigned
mech_mask(struct span list)
{
	struct span	word;
	unsigned	mask = 0;
	ptrdiff_t	blank;
	enum mech	m;

	while (list.n > 0) {
		blank = span_index(list, ' ');
		word = span_mem(list.p, blank < 0 ? list.n : (size_t)blank);
		list = span_from(list, word.n + (blank < 0 ? 0 : 1));
		if ((m = mech_named(word)) < MECH_N)
			mask |= MECH_BIT(m);
	}
	return mask;
}

/* --- what may be used */

/* NULL, or why not: static. */
static const char *
refusal(const struct choice *c, enum mech m)
{
	if (mechs[m].given != c->given)
		return c->given == GIVEN_TOKEN ? "wants a password" :
		    "wants a token";
	if (mechs[m].binds && !c->binding)
		return "there is no TLS session to bind to";
	if (!c->encrypted && !c->clear_ok)
		return "there is no TLS";
	if (mech_says_secret(m) && !c->verified && !c->unverified_ok &&
	    !c->clear_ok)
		return "the hop's certificate is not verified";
	return NULL;
}

static size_t
place_of(const struct choice *c, enum mech m)
{
	size_t	i;

	for (i = 0; i < c->nwanted; i++)
		if (c->wanted[i] == m)
			break;
	return i;
}

static bool
is_wanted(const struct choice *c, enum mech m)
{
	return c->wanted == NULL || place_of(c, m) < c->nwanted;
}

static bool
may_use(const struct choice *c, enum mech m, unsigned tried)
{
	return (c->offered & MECH_BIT(m)) != 0 && (tried & MECH_BIT(m)) == 0 &&
	    is_wanted(c, m) && refusal(c, m) == NULL;
}

enum mech
choice_next(const struct choice *c, unsigned tried)
{
	unsigned	m;
	size_t		i;

	for (i = 0; i < c->nwanted; i++)
		if (may_use(c, c->wanted[i], tried))
			return c->wanted[i];
	for (m = 0; m < MECH_N && c->wanted == NULL; m++)
		if (may_use(c, (enum mech)m, tried))
			return (enum mech)m;
	return MECH_N;
}

/* NULL: may be used, was, or is not offered. */
static const char *
why_not(const struct choice *c, unsigned tried, unsigned m)
{
	if ((c->offered & MECH_BIT(m)) == 0 || (tried & MECH_BIT(m)) != 0)
		return NULL;
	return is_wanted(c, (enum mech)m) ? refusal(c, (enum mech)m) :
	    "`mechanisms` does not name it";
}

/* Those that are passed over for the same reason stand together. */
void
choice_why(const struct choice *c, unsigned tried, struct buf *out)
{
	const char	*why, *other;
	unsigned	 m, k, told = 0;

	for (m = 0; m < MECH_N; m++) {
		why = why_not(c, tried, m);
		if (why == NULL || (told & MECH_BIT(m)) != 0)
			continue;
		buf_addf(out, "%s%s", told != 0 ? ", " : "", mechs[m].name);
		for (k = m + 1; k < MECH_N; k++) {
			other = why_not(c, tried, k);
			if (other == NULL || strcmp(other, why) != 0)
				continue;
			buf_addf(out, " %s", mechs[k].name);
			told |= MECH_BIT(k);
		}
		buf_addf(out, ": %s", why);
		told |= MECH_BIT(m);
	}
}
