/*
 * sample.h - images made with the builder, as the compiler would make them.
 */
#ifndef WB_TEST_RULESET_SAMPLE_H
#define WB_TEST_RULESET_SAMPLE_H

#include "ruleset/build.h"

/* Numbers of what sample_home() holds. */
enum { SAMPLE_ALIASES, SAMPLE_USERS };	/* maps */

/*
 * A policy like that of one family: `on rcpt` and `route`, a set of domains, a
 * network, two maps, a mailbox and a relay.  ndomains: "murphy.example" and so
 * many less one of the form "dNNN.example".
 */
void	sample_home(struct buf *image, size_t ndomains);
/*
 * One of each table, number 0: file, map, reply, tag, set, network, list, rate,
 * pattern, expression; mailbox 0, relay 1, milter 2.
 */
void	sample_tables(struct rs_build *);
/*
 * Each instruction, over the tables of sample_tables(): in one hook, and those
 * that end it each in an expression.
 */
void	sample_all(struct buf *image);
/* The name of the n-th domain into out, which has 32 octets. */
struct span	sample_domain(size_t n, char *out);

#endif
