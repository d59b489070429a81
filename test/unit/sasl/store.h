/*
 * store.h - answers a SASL server's questions for its only account: user, with
 * the password pencil, the token T0ken.x, and the salts of the RFCs.
 */
#ifndef WB_TEST_UNIT_SASL_STORE_H
#define WB_TEST_UNIT_SASL_STORE_H

#include "mta/sasl/sasl.h"

#define STORE_USER	"user"
#define STORE_PASSWORD	"pencil"
#define STORE_TOKEN	"T0ken.x"

/*
 * Whether it is right; then told has what is asked for.  signature: room that
 * told may point into.
 */
bool		store_right(const struct sasl_question *, struct sasl_told *,
		    uint8_t signature[32]);
/* Answers, and what follows from it; cannot: SASL_DONT_KNOW to everything. */
enum sasl_step	store_answers(struct sasl *, bool cannot);
/* The same until nothing is asked any more. */
enum sasl_step	store_runs(struct sasl *, enum sasl_step);

#endif
