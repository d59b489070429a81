/*
 * folder.h - a folder for the counters' files, in a test.
 */
#ifndef WB_TEST_LIMITS_FOLDER_H
#define WB_TEST_LIMITS_FOLDER_H

#include "mta/limits/state.h"

/* cmocka's setup and teardown: an empty folder, the loop; all away again. */
int		 folder_setup(void **state);
int		 folder_teardown(void **state);
/* The counters in it. */
struct state	*folder_state(void);
/* Turns of the loop for so long. */
void		 folder_turns(int ms);
/* Until this file is there, or is not. */
void		 folder_wait(const char *name, bool there);
/* A path in the folder; good until the next call. */
const char	*folder_path(const char *name);
/* How many files "log.N" there are. */
unsigned	 folder_logs(void);

#endif
