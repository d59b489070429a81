/*
 * expect.h - an expectation of a test: whether it is met, and as text.
 */
#ifndef WB_MTA_CMD_EXPECT_H
#define WB_MTA_CMD_EXPECT_H

#include "cf/cf.h"

#include "mta/cmd/play.h"

/* Looks at what has been played up to here (language, Tests). */
bool	expect_met(struct play *, const struct cf_step *);
/* "reject 550 5.7.1", as it would be written. */
void	expect_text(const struct rs_image *, const struct cf_step *, struct buf *);
/* What came instead: the verdict, and the routes of the last recipient. */
void	expect_got(const struct play *, struct buf *);

#endif
