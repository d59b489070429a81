/*
 * level.c - from what is known of a host to what a message wants of it.
 *
 * level_of() reads as the table in doc/dane.md does: first what the message
 * says, then DANE, then MTA-STS, then the block.
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

/* What the block's word wants, where it is a level. */
static enum tls_level
word_level(enum relay_tls word)
{
	switch (word) {
	case RELAY_TLS_NONE:
		return TLS_LEVEL_NONE;
	case RELAY_TLS_OPPORTUNISTIC:
		return TLS_LEVEL_OPPORTUNISTIC;
	case RELAY_TLS_REQUIRED:
		return TLS_LEVEL_REQUIRED;
	case RELAY_TLS_VERIFIED:
	case RELAY_TLS_STS:
		return TLS_LEVEL_VERIFIED;
	case RELAY_TLS_DANE:
		return TLS_LEVEL_DANE;
	}
	return TLS_LEVEL_NONE;
}

static void
use(struct level *out, enum tls_level level, enum level_by by)
{
	out->verdict = LEVEL_USE;
	out->level = level;
	out->by = by;
	out->plain_after = level == TLS_LEVEL_OPPORTUNISTIC;
}

static void
stop(struct level *out, enum level_verdict verdict, enum level_by by,
    const char *status, enum tls_class report)
{
	out->verdict = verdict;
	out->by = by;
	out->report = report;
	snprintf(out->status, sizeof(out->status), "%s", status);
}

#define WHY(out, ...)	snprintf((out)->why, sizeof((out)->why), __VA_ARGS__)

static const char *
name_of(const struct hop_tls *t)
{
	return t->host[0] != '\0' ? t->host : "the hop";
}

static const char *
dane_why(const struct hop_tls *t)
{
	return t->dane_why != NULL ? t->dane_why : "no reason is known";
}

/* Its DANE cannot be told just now, and nothing may take its place. */
static void
dane_waits(const struct hop_tls *t, struct level *out)
{
	stop(out, LEVEL_WAIT, LEVEL_BY_DANE, "4.7.5", TLS_CLASS_DNSSEC_INVALID);
	out->level = TLS_LEVEL_DANE;
	WHY(out, "DANE of %s: %s", name_of(t), dane_why(t));
}

static bool
dane_must_wait(const struct hop_tls *t)
{
	return t->dane == LEVEL_DANE_FAILING || t->dane == LEVEL_DANE_HELD;
}

/* `tls dane`: nothing else will do. */
static void
only_dane(const struct hop_tls *t, struct level *out)
{
	if (t->dane == LEVEL_DANE_RECORDS) {
		use(out, TLS_LEVEL_DANE, LEVEL_BY_BLOCK);
		return;
	}
	stop(out, LEVEL_WAIT, LEVEL_BY_BLOCK, "4.7.5", TLS_CLASS_DANE_REQUIRED);
	out->level = TLS_LEVEL_DANE;
	if (t->dane == LEVEL_DANE_NONE)
		WHY(out, "`tls dane`: %s has no signed TLSA records",
		    name_of(t));
	else
		WHY(out, "`tls dane`: %s: %s", name_of(t), dane_why(t));
	if (t->dane == LEVEL_DANE_UNUSABLE)
		out->report = TLS_CLASS_TLSA_INVALID;
	else if (t->dane != LEVEL_DANE_NONE)
		out->report = TLS_CLASS_DNSSEC_INVALID;
}

static bool
sts_names_it(const struct hop_tls *t)
{
	return t->sts == LEVEL_STS_TESTING || t->sts == LEVEL_STS_ENFORCE;
}

/* One may be kept that holds. */
static void
sts_waits(const struct hop_tls *t, enum level_by by, struct level *out)
{
	stop(out, LEVEL_WAIT, by, "4.7.5", TLS_CLASS_NONE);
	out->level = TLS_LEVEL_VERIFIED;
	WHY(out, "whether %s has an MTA-STS policy cannot be told now",
	    t->domain);
}

/* No mail to a host that the policy does not name (RFC 8461, 5). */
static void
sts_other(const struct hop_tls *t, enum level_by by, struct level *out)
{
	stop(out, LEVEL_WAIT, by, "4.7.5", TLS_CLASS_FAILURE);
	out->level = TLS_LEVEL_VERIFIED;
	WHY(out, "the MTA-STS policy of %s does not name %s", t->domain,
	    name_of(t));
}

/* `tls sts`: nothing else will do; a policy in testing is taken at its word. */
static void
only_sts(const struct hop_tls *t, struct level *out)
{
	if (sts_names_it(t)) {
		use(out, TLS_LEVEL_VERIFIED, LEVEL_BY_BLOCK);
	} else if (t->sts == LEVEL_STS_NONE) {
		stop(out, LEVEL_WAIT, LEVEL_BY_BLOCK, "4.7.5",
		    t->sts_trouble);
		out->level = TLS_LEVEL_VERIFIED;
		WHY(out, "`tls sts`: there is no MTA-STS policy of %s",
		    t->domain);
	} else if (t->sts == LEVEL_STS_LATER)
		sts_waits(t, LEVEL_BY_BLOCK, out);
	else
		sts_other(t, LEVEL_BY_BLOCK, out);
}

/*
 * REQUIRETLS (RFC 8689, 4.2.1): a name that can be believed, a certificate
 * that is verified, and a hop that says so too.
 */
static void
requiretls(const struct hop_tls *t, struct level *out)
{
	if (t->word == RELAY_TLS_NONE) {
		stop(out, LEVEL_REFUSE, LEVEL_BY_REQUIRETLS, "5.7.10",
		    TLS_CLASS_NONE);
		WHY(out, "REQUIRETLS: the policy wants no TLS to %s",
		    name_of(t));
		return;
	}
	if (out->verdict != LEVEL_USE || out->level == TLS_LEVEL_DANE) {
		out->requires_requiretls = true;
		return;
	}
	if (!t->name_secure && !sts_names_it(t)) {
		stop(out, t->dane == LEVEL_DANE_CANNOT_SAY ? LEVEL_WAIT :
		    LEVEL_REFUSE, LEVEL_BY_REQUIRETLS,
		    t->dane == LEVEL_DANE_CANNOT_SAY ? "4.7.10" : "5.7.10",
		    TLS_CLASS_NONE);
		WHY(out, "REQUIRETLS: neither DNSSEC nor MTA-STS vouches for "
		    "%s as a mail host of %s", name_of(t), t->domain);
		return;
	}
	if (out->level < TLS_LEVEL_VERIFIED)
		use(out, TLS_LEVEL_VERIFIED, LEVEL_BY_REQUIRETLS);
	out->requires_requiretls = true;
}

/* The block and, where it asks for it, MTA-STS; `least` by DANE without a record of use. */
static void
without_dane(const struct hop_tls *t, struct level *out)
{
	enum tls_level	level = word_level(t->word);

	if (!t->no_sts && t->sts == LEVEL_STS_ENFORCE_OTHER)
		sts_other(t, LEVEL_BY_STS, out);
	else if (!t->no_sts && t->sts == LEVEL_STS_LATER)
		sts_waits(t, LEVEL_BY_STS, out);
	else if (level >= TLS_LEVEL_VERIFIED)
		use(out, level, LEVEL_BY_BLOCK);
	else if (!t->no_sts && t->sts == LEVEL_STS_ENFORCE)
		use(out, TLS_LEVEL_VERIFIED, LEVEL_BY_STS);
	else if (!t->no_dane && t->dane == LEVEL_DANE_UNUSABLE &&
	    level < TLS_LEVEL_REQUIRED)
		use(out, TLS_LEVEL_REQUIRED, LEVEL_BY_DANE);
	else
		use(out, level, LEVEL_BY_BLOCK);
	out->sts_testing = !t->no_sts && out->verdict == LEVEL_USE &&
	    (t->sts == LEVEL_STS_TESTING || t->sts == LEVEL_STS_TESTING_OTHER);
}

/* What is published is kept: DANE before MTA-STS before the block. */
static void
published(const struct hop_tls *t, struct level *out)
{
	if (t->no_dane) {
		without_dane(t, out);
		return;
	}
	if (t->dane == LEVEL_DANE_RECORDS)
		use(out, TLS_LEVEL_DANE, LEVEL_BY_DANE);
	else if (dane_must_wait(t))
		dane_waits(t, out);
	else
		without_dane(t, out);
	out->dane_cannot_say = t->dane == LEVEL_DANE_CANNOT_SAY;
}

/* `TLS-Required: no` (RFC 8689, 5): what others have published does not count. */
static void
not_required(const struct hop_tls *t, struct level *out)
{
	enum level_by	by = LEVEL_BY_BLOCK;

	if (t->word == RELAY_TLS_OPPORTUNISTIC)
		by = LEVEL_BY_TLS_NOT_REQUIRED;
	use(out, word_level(t->word), by);
}

void
level_of(const struct hop_tls *t, uint32_t flags, struct level *out)
{
	static const struct hop_tls	nothing = {
		.word = RELAY_TLS_NONE, .host = "", .domain = ""
	};
	bool				wants = (flags & ENV_REQUIRETLS) != 0;

	*out = (struct level){ .level = TLS_LEVEL_NONE };
	if (t == NULL)
		t = &nothing;
	if (t->word == RELAY_TLS_NONE)
		use(out, TLS_LEVEL_NONE, LEVEL_BY_BLOCK);
	else if (t->word == RELAY_TLS_DANE)
		only_dane(t, out);
	else if (t->word == RELAY_TLS_STS)
		only_sts(t, out);
	else if ((flags & ENV_TLS_NOT_REQUIRED) && !wants)
		not_required(t, out);
	else
		published(t, out);
	if (wants)
		requiretls(t, out);
}

bool
level_serves(const struct level *had, const struct level *want)
{
	if (want->verdict != LEVEL_USE || had->verdict != LEVEL_USE)
		return false;
	if (want->requires_requiretls && !had->requires_requiretls)
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
