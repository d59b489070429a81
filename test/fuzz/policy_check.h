/*
 * policy_check.h - what must hold of a policy, whatever its text is.
 */
#ifndef WB_FUZZ_POLICY_CHECK_H
#define WB_FUZZ_POLICY_CHECK_H

#include <stdbool.h>

#include "base/span.h"

/*
 * Compiles the text: it ends in messages, or in an image that the verifier
 * takes, that `show` prints so that it compiles again, and whose hooks end in a
 * world that knows nothing.  Aborts where that is not so.  Whether it compiled.
 */
bool	policy_check(struct span text);

#endif
