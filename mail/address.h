/*
 * address.h - RFC 5321 paths: parse, normalise, take apart.
 */
#ifndef WB_MAIL_ADDRESS_H
#define WB_MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/span.h"

#define ADDRESS_LOCAL_MAX	64	/* octets; RFC 5321, 4.5.3.1.1; SRS: PATH_MAX - 2 */
#define ADDRESS_DOMAIN_MAX	255	/* 4.5.3.1.2 */
#define ADDRESS_PATH_MAX	256	/* with < and >; 4.5.3.1.3 */

/*
 * A mailbox.  whole is "local@domain": the local part as written (quotes are
 * dropped where they are not needed), the domain lower case with A-labels, or
 * an address literal "[192.0.2.1]" in its canonical form.  at is the offset of
 * the last '@', whole.n when there is no domain (<postmaster>); whole.n == 0
 * is the null path <>.
 */
struct address {
	struct span	whole;
	size_t		at;
};

enum address_flags {
	ADDRESS_NULL_OK		= 1 << 0,	/* <> */
	ADDRESS_POSTMASTER_OK	= 1 << 1,	/* <postmaster> without domain; RFC 5321, 4.5.1 */
	ADDRESS_UTF8_OK		= 1 << 2,	/* RFC 6531 */
	ADDRESS_BARE_LOCAL_OK	= 1 << 3	/* user without domain (tables) */
};

/*
 * Path with its angle brackets, at the start of in; a source route is parsed
 * and dropped (RFC 5321, appendix C).  On success *used is the octets eaten.
 * The result lies in the arena.  0, or -1 with *why (static, for a reply's text).
 */
int		address_parse_path(struct span in, unsigned flags, struct arena *, struct address *out, size_t *used, const char **why);
/* The same without brackets, all of in: what stands in tables and policies. */
int		address_parse(struct span in, unsigned flags, struct arena *, struct address *out, const char **why);
struct span	address_local(const struct address *);	/* unquoted form is not made: as in whole */
struct span	address_domain(const struct address *);	/* empty when there is none */
/* Local part without its quotes and escapes, for look-ups and file names. */
struct span	address_user(const struct address *, struct arena *);
/* Splits user at the first of the delimiter characters: user+detail. detail is empty when there is none. */
void		address_detail(struct span local, struct span delimiters, struct span *user, struct span *detail);

#endif
