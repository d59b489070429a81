/*
 * dsn_text.h - what a notification says to people: templates, by kind and
 * language; doc/dsn.md has their form.
 *
 * A template is lines of UTF-8: fields `Subject:`, an empty line, the text.
 * A line whose conditions hold ({?name}: there is such a value, {!name}: there
 * is none) is said with the values that it names; one of which a value is
 * empty is left out.  What stands between {each ACTION} and {end} is said for
 * each recipient with that action.
 */
#ifndef WB_MAIL_DSN_TEXT_H
#define WB_MAIL_DSN_TEXT_H

#include "mail/dsn.h"

enum dsn_text_kind {
	DSN_TEXT_FAILED,
	DSN_TEXT_DELAYED,
	DSN_TEXT_ARRIVED,	/* delivered, relayed, expanded */
	DSN_TEXT_POSTMASTER,
	DSN_NTEXTS
};

#define DSN_TEXT_MAX	65536	/* octets of a template */
#define DSN_LANGUAGE_MAX 35	/* octets of a language tag (RFC 5646, 4.4.1) */

/* What is wrong with a template, counted from 1. */
struct dsn_mistake {
	unsigned	line, column;
	char		what[96];
};

/* "failed", ...; DSN_NTEXTS: none of that name. */
enum dsn_text_kind	dsn_text_kind(struct span name);
const char		*dsn_text_name(enum dsn_text_kind);
/* The one that is compiled in; empty: none of that language ("de-AT" has that of "de"). */
struct span		dsn_text_builtin(enum dsn_text_kind, struct span language);
/* "de" of "de-AT" and "DE"; whether have is what is wanted, or more general. */
bool			dsn_language_fits(struct span have, struct span wanted);
/* false: *out says why. */
bool			dsn_text_check(struct span text, struct dsn_mistake *out);
/* The subject, UTF-8, one line; what others wrote is cleaned. */
void			dsn_text_subject(const struct dsn *, struct buf *out);
/* The text, UTF-8, lines ended by CRLF. */
void			dsn_text_body(const struct dsn *, struct buf *out);

#endif
