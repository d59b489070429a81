/*
 * address_int.h - the parts of an address, for the two grammars that have it.
 *
 * RFC 5321 paths (address.c) and RFC 5322 address lists (address_list.c) read
 * local parts and domains by the same functions; what differs is what may
 * stand between the parts.
 */
#ifndef WB_MAIL_ADDRESS_INT_H
#define WB_MAIL_ADDRESS_INT_H

#include "mail/address.h"

/* Beside enum address_flags: a header field, where quotes may be folded. */
#define ADDRESS_FOLDED	(1u << 16)

/* What is left to parse, and why it cannot be. */
struct cursor {
	const char	*p, *end;
	unsigned	 flags;
	const char	*why;
};

/* A local part under reading: without quotes and escapes. */
struct local {
	char	raw[ADDRESS_PATH_MAX];
	size_t	n;
};

/* Sets why; always false. */
bool	cursor_fail(struct cursor *, const char *why);
bool	cursor_at(const struct cursor *, char);
bool	cursor_eat(struct cursor *, char);

/* Each appends to the local part what stands at the cursor; false: why. */
bool	local_atom(struct cursor *, struct local *);
bool	local_quoted(struct cursor *, struct local *);	/* behind the quote */
bool	local_dot(struct cursor *, struct local *);

/* Domain or address literal at the cursor, normalised. */
bool	address_part_domain(struct cursor *, struct arena *, struct span *out);
/* Address-literal alone (RFC 5321, 4.1.3); the cursor stands at the '['. */
bool	address_part_literal(struct cursor *, struct arena *, struct span *out);
/* Past the octets that may be a domain name; how many there were. */
size_t	address_part_name(struct cursor *);
/* A domain name, all of the span, normalised. */
bool	address_part_normal(struct cursor *, struct span, struct arena *,
	    struct span *out);
/* "local@domain" with quotes where they are needed; domain.n == 0: none. */
bool	address_part_join(struct cursor *, const struct local *,
	    struct span domain, struct arena *, struct address *out);
/* Whether this local part may stand without a domain. */
bool	address_part_bare_ok(const struct local *, unsigned flags);

#endif
