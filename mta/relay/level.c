/*
 * level.c - from what is known of a host to what a message wants of it.
 *
 * level_of() is a table: levels.def, which doc/levels.md shows.
 */
#include "mta/relay/level.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mta/spool/envelope.h"

/* --- facts of a host */

struct hop_tls *
hop_tls_new(enum relay_tls word, const char *host)
{
	const struct hop_tls	t = {
		.word = word, .name_secure = true, .sni = host, .host = host,
		.tlsa_at = "", .domain = host, .sts_text = ""
	};

	return hop_tls_copy(&t);
}

static size_t
text_octets(const char *s)
{
	return s == NULL ? 0 : strlen(s) + 1;
}

static size_t
octets_behind(const struct hop_tls *t)
{
	size_t	i, n;

	n = text_octets(t->dane_why) + text_octets(t->sni) +
	    text_octets(t->host) + text_octets(t->tlsa_at) +
	    text_octets(t->domain) + text_octets(t->sts_text);
	for (i = 0; i < t->nnames; i++)
		n += t->names[i].n;
	for (i = 0; i < t->ntlsa; i++)
		n += t->tlsa[i].data.n;
	return n;
}

/* Moves *at behind the copy. */
static const char *
put_text(char **at, const char *s)
{
	char	*to = *at;

	if (s == NULL)
		return NULL;
	*at = stpcpy(to, s) + 1;
	return to;
}

static struct span
put_octets(char **at, struct span s)
{
	char	*to = *at;

	if (s.n > 0)
		memcpy(to, s.p, s.n);
	*at += s.n;
	return span_mem(to, s.n);
}

struct hop_tls *
hop_tls_copy(const struct hop_tls *from)
{
	struct hop_tls	*t = xmalloc(sizeof(*t) + octets_behind(from));
	char		*at = (char *)(t + 1);
	size_t		 i;

	*t = *from;
	t->refs = 1;
	t->dane_why = put_text(&at, from->dane_why);
	t->sni = put_text(&at, from->sni);
	t->host = put_text(&at, from->host);
	t->tlsa_at = put_text(&at, from->tlsa_at);
	t->domain = put_text(&at, from->domain);
	t->sts_text = put_text(&at, from->sts_text);
	for (i = 0; i < from->nnames; i++)
		t->names[i] = put_octets(&at, from->names[i]);
	for (i = 0; i < from->ntlsa; i++)
		t->tlsa[i].data = put_octets(&at, from->tlsa[i].data);
	return t;
}

struct hop_tls *
hop_tls_ref(const struct hop_tls *t)
{
	struct hop_tls	*mine = (struct hop_tls *)(uintptr_t)t;

	if (mine != NULL)
		mine->refs++;
	return mine;
}

void
hop_tls_unref(struct hop_tls **tp)
{
	struct hop_tls	*t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	assert(t->refs > 0);
	if (--t->refs == 0)
		free(t);
}

/* --- the decision */

enum { MESSAGE_USUAL, MESSAGE_REQUIRETLS, MESSAGE_NOT_REQUIRED };
enum { NAMED_INSECURE, NAMED_SECURE };
#define TLS_CLASS_POLICY	TLS_NCLASSES	/* as the policy's trouble */

/* Why a host is not used. */
enum why {
	WHY_NONE,
	WHY_NO_TLS,		/* the block wants none */
	WHY_NO_RECORDS,		/* `tls dane`, and there is no DANE */
	WHY_DANE,		/* what DNS has said, or not */
	WHY_NO_POLICY,		/* `tls sts`, and there is no policy */
	WHY_POLICY_LATER,
	WHY_NOT_NAMED,		/* the policy does not have this host */
	WHY_NOT_VOUCHED		/* nobody says that it is a host of the domain */
};

/* A line of levels.def; of the conditions 0xff fits all. */
struct line {
	uint8_t		message, word, dane, sts, named;
	uint8_t		verdict, level, by, class, why;
};

#define ANY				0xff
#define MESSAGE_ANY			ANY
#define RELAY_TLS_ANY			ANY
#define LEVEL_DANE_ANY			ANY
#define LEVEL_STS_ANY			ANY
#define NAMED_ANY			ANY

static const struct line	lines[] = {
#define LEVEL(message, word, dane, sts, named, verdict, level, by, class, why) \
	{ MESSAGE_##message, RELAY_TLS_##word, LEVEL_DANE_##dane,	\
	    LEVEL_STS_##sts, NAMED_##named, LEVEL_##verdict,		\
	    TLS_LEVEL_##level, LEVEL_BY_##by, TLS_CLASS_##class, WHY_##why },
#include "mta/relay/levels.def"
#undef LEVEL
};

static bool
fits(uint8_t wanted, unsigned is)
{
	return wanted == ANY || wanted == is;
}

/* The last line fits all. */
static const struct line *
line_for(const struct hop_tls *t, unsigned message)
{
	unsigned		 dane = t->no_dane ? LEVEL_DANE_NONE : t->dane;
	unsigned		 sts = t->no_sts ? LEVEL_STS_NONE : t->sts;
	unsigned		 named = t->name_secure ? NAMED_SECURE :
				     NAMED_INSECURE;
	const struct line	*l;

	for (l = lines;; l++)
		if (fits(l->message, message) && fits(l->word, t->word) &&
		    fits(l->dane, dane) && fits(l->sts, sts) &&
		    fits(l->named, named))
			return l;
}

#define WHY(out, ...)	snprintf((out)->why, sizeof((out)->why), __VA_ARGS__)

static void
say_why(const struct hop_tls *t, enum why why, struct level *out)
{
	const char	*host = t->host[0] != '\0' ? t->host : "the hop";

	switch (why) {
	case WHY_NONE:
		break;
	case WHY_NO_TLS:
		WHY(out, "REQUIRETLS: the policy wants no TLS to %s", host);
		break;
	case WHY_NO_RECORDS:
		WHY(out, "`tls dane`: %s has no signed TLSA records", host);
		break;
	case WHY_DANE:
		WHY(out, "DANE of %s: %s", host, t->dane_why != NULL ?
		    t->dane_why : "it cannot be told");
		break;
	case WHY_NO_POLICY:
		WHY(out, "`tls sts`: there is no MTA-STS policy%s%s",
		    t->domain[0] != '\0' ? " of " : "", t->domain);
		break;
	case WHY_POLICY_LATER:
		WHY(out, "whether %s has an MTA-STS policy cannot be told now",
		    t->domain);
		break;
	case WHY_NOT_NAMED:
		WHY(out, "the MTA-STS policy of %s does not name %s",
		    t->domain, host);
		break;
	case WHY_NOT_VOUCHED:
		WHY(out, "REQUIRETLS: neither DNSSEC nor MTA-STS vouches for "
		    "%s as a mail host of %s", host, t->domain);
		break;
	}
}

static const char *
status_of(const struct line *l)
{
	if (l->verdict == LEVEL_USE)
		return "";
	if (l->verdict == LEVEL_REFUSE)
		return "5.7.10";
	return l->by == LEVEL_BY_REQUIRETLS ? "4.7.10" : "4.7.5";
}

/* RFC 8689, 3: REQUIRETLS counts where both are there. */
static unsigned
message_of(uint32_t flags)
{
	if (flags & ENV_REQUIRETLS)
		return MESSAGE_REQUIRETLS;
	return flags & ENV_TLS_NOT_REQUIRED ? MESSAGE_NOT_REQUIRED :
	    MESSAGE_USUAL;
}

static bool
is_testing(const struct hop_tls *t)
{
	return !t->no_sts && (t->sts == LEVEL_STS_TESTING ||
	    t->sts == LEVEL_STS_TESTING_OTHER);
}

/* Names count with DANE-TA alone (RFC 7672, 3.1.1 and 3.2.2). */
static const char *
names_of(const struct hop_tls *t, enum tls_level level)
{
	size_t	i;

	for (i = 0; level == TLS_LEVEL_DANE && i < t->ntlsa; i++)
		if (t->tlsa[i].usage == 2)
			return t->domain;
	return "";
}

void
level_of(const struct hop_tls *t, uint32_t flags, struct level *out)
{
	static const struct hop_tls	 nothing = {
		.word = RELAY_TLS_NONE, .host = "", .domain = ""
	};
	unsigned			 message = message_of(flags);
	const struct line		*l;

	if (t == NULL)
		t = &nothing;
	l = line_for(t, message);
	*out = (struct level){
		.line = (unsigned)(l - lines) + 1, .verdict = l->verdict,
		.level = l->level, .by = l->by, .host = t->host,
		.names_of = names_of(t, l->level),
		.plain_after = l->level == TLS_LEVEL_OPPORTUNISTIC,
		.requires_requiretls = message == MESSAGE_REQUIRETLS,
		.dane_cannot_say = t->dane == LEVEL_DANE_CANNOT_SAY &&
		    !t->no_dane && l->level != TLS_LEVEL_NONE,
		.sts_testing = is_testing(t) && l->verdict == LEVEL_USE &&
		    message != MESSAGE_NOT_REQUIRED &&
		    l->level > TLS_LEVEL_NONE && l->level < TLS_LEVEL_VERIFIED
	};
	out->report = l->class == TLS_CLASS_POLICY ? t->sts_trouble : l->class;
	snprintf(out->status, sizeof(out->status), "%s", status_of(l));
	say_why(t, l->why, out);
}

bool
level_serves(const struct level *had, const struct level *want)
{
	if (want->verdict != LEVEL_USE || had->verdict != LEVEL_USE)
		return false;
	if (want->requires_requiretls && !had->requires_requiretls)
		return false;
	if (want->level >= TLS_LEVEL_VERIFIED &&
	    !span_ieq(span_of(had->host), span_of(want->host)))
		return false;
	if (want->level == TLS_LEVEL_DANE &&
	    !span_ieq(span_of(had->names_of), span_of(want->names_of)))
		return false;
	return had->level >= want->level;
}

/* --- names */

const char *
tls_level_name(enum tls_level level)
{
	static const char	*const names[] = {
		"none", "opportunistic", "required", "verified", "dane"
	};

	return names[level];
}

const char *
level_by_name(enum level_by by)
{
	static const char	*const names[] = {
		"block", "dane", "sts", "requiretls", "tls-required-no"
	};

	return names[by];
}
