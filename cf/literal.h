/*
 * literal.h - numbers, times, sizes, addresses and networks as they are written.
 */
#ifndef WB_CF_LITERAL_H
#define WB_CF_LITERAL_H

#include "cf/cf_int.h"

/* Each reads all of the span; false when it cannot, with *why for people. */
bool	cf_lit_int(struct span, int64_t *, const char **why);
bool	cf_lit_size(struct span, int64_t *octets, const char **why);
bool	cf_lit_time(struct span, int64_t *ms, const char **why);
/* "2026-01-05T08:30:00Z" as wall milliseconds since 1970. */
bool	cf_lit_date(struct span, int64_t *ms, const char **why);
/* "100/1h" as RS_RATE_OF(). */
bool	cf_lit_rate(struct span, int64_t *rate, const char **why);
/* "ADDRESS/BITS"; *masked is what it would be without host bits. */
bool	cf_lit_net(struct span, struct ipnet *, struct ipnet *masked, const char **why);
/* "A-B" of addresses. */
bool	cf_lit_range(struct span, struct ip *first, struct ip *last, const char **why);
/* The networks that make up a range, at most 256; their number. */
#define CF_RANGE_NETS	256
size_t	cf_range_split(const struct ip *first, const struct ip *last, struct ipnet out[CF_RANGE_NETS]);
/* "local@domain", "<...>" taken off already. */
bool	cf_lit_address(struct cf *, struct span, struct rs_value *, const char **why);
/* "example.org", or ".example.org" for all below it, in lower case. */
bool	cf_lit_domains(struct cf *, struct span, struct rs_value *, const char **why);
bool	cf_lit_domain(struct cf *, struct span, struct rs_value *, const char **why);

#endif
