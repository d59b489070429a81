/*
 * needs.h - policies of tests that name drivers which configure may leave out.
 */
#ifndef WB_TEST_CF_NEEDS_H
#define WB_TEST_CF_NEEDS_H

/*
 * A driver that the policy's maps name and this build does not have, static;
 * NULL: all are there.
 */
const char	*needs_driver(const char *path);

#endif
