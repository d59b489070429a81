/*
 * exec.c - how a process of ours is executed.
 *
 * The test build may put words before the program (WAYBILL_TEST_WRAP), so that
 * each process runs under a checker of memory.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#define ARGS_MAX	64

#ifdef WAYBILL_TEST_HOOKS
/* The words of the environment, divided by blanks; their number. */
static size_t
wrap_words(char *out[], size_t room)
{
	const char	*env = getenv("WAYBILL_TEST_WRAP");
	char		*words, *word;
	size_t		 n = 0;

	if (env == NULL)
		return 0;
	words = xstrdup(env);
	while (n < room && (word = strsep(&words, " ")) != NULL)
		if (word[0] != '\0')
			out[n++] = word;
	return n;
}
#else
static size_t
wrap_words(char *out[], size_t room)
{
	(void)out;
	(void)room;
	return 0;
}
#endif

int
proc_program(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

void
proc_exec_program(int program, char *const argv[])
{
	char	*words[1];

	if (wrap_words(words, 1) == 0)
		(void)fexecve(program, argv, environ);
	proc_exec(argv);	/* also a script, which is read by its name */
}

void
proc_exec(char *const argv[])
{
	char	*args[ARGS_MAX];
	size_t	 n = wrap_words(args, ARGS_MAX / 2), i;

	for (i = 0; argv[i] != NULL && n + 1 < ARGS_MAX; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	execv(args[0], args);
	fatal("cannot start %s", args[0]);
}
