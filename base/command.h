/*
 * command.h - a command as its arguments, without a shell.
 *
 * Blanks divide.  '...' and "..." hold together, also in the middle of an
 * argument; '\' takes the next octet as it is, inside of quotes too, and "\0"
 * is nothing.  So command_argument() can write any value such that it is one
 * argument, or a part of one, wherever it is put.
 *
 * What stands before everything in an argument and is written "\-" has come
 * from a value that begins with '-': a program could take it for an option, so
 * the command is refused.
 */
#ifndef WB_BASE_COMMAND_H
#define WB_BASE_COMMAND_H

#include "base/arena.h"

#define COMMAND_MAX		4000	/* octets of a command */
#define COMMAND_ARGUMENTS_MAX	256

/*
 * The arguments, and a NULL behind them, in the arena; their number, or -1
 * with *why (static).
 */
int		 command_split(struct span, struct arena *, char ***argv, const char **why);
/* The value as command_split() takes it for what it is; of a NUL nothing is left. */
struct span	 command_argument(struct span value, struct arena *);
/*
 * An octet outside of quotes that means something to a shell only, as | > $
 * do; NUL: there is none.
 */
char		 command_shell(struct span);

#endif
