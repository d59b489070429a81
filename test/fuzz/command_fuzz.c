/*
 * command_fuzz.c - any command, and any value in one: a value is a part of the
 * argument that it stands in and changes no other.
 *
 * The first line is the command, the rest is the value.
 */
#include "config.h"

#include <assert.h>

#include "base/command.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
same(const char *arg, struct span wanted)
{
	size_t	i, n = 0;

	for (i = 0; i < wanted.n; i++)
		if (wanted.p[i] != '\0' && wanted.p[i] != arg[n++])
			return false;
	return arg[n] == '\0';
}

static void
try_value(struct span value, struct arena *ar)
{
	static const char *const	before[] = { "/p a ", "/p a '", "/p a \"" };
	static const char *const	after[] = { " z", "' z", "\" z" };
	const char			*why;
	char				**argv;
	struct span			 text;
	size_t				 i;
	int				 n;

	if (value.n > COMMAND_MAX / 2 - 16 ||
	    (value.n > 0 && (value.p[0] == '-' || value.p[0] == '\0')))
		return;
	for (i = 0; i < 3; i++) {
		text = arena_join(ar, span_of(before[i]),
		    command_argument(value, ar), span_of(after[i]));
		n = command_split(text, ar, &argv, &why);
		assert(n == 4);
		assert(same(argv[2], value));
		assert(strcmp(argv[3], "z") == 0);
		assert(argv[4] == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span	 command = span_mem(data, size), value = SPAN_NONE;
	ptrdiff_t	 end = span_index(command, '\n');
	struct arena	 ar = { 0 };
	const char	*why = NULL;
	char		**argv;
	int		 n;

	if (size == 0)
		return 0;
	if (end >= 0) {
		value = span_from(command, (size_t)end + 1);
		command.n = (size_t)end;
	}
	n = command_split(command, &ar, &argv, &why);
	assert(n == -1 ? why != NULL : n > 0 && argv[n] == NULL);
	(void)command_shell(command);
	try_value(value, &ar);
	arena_clear(&ar);
	return 0;
}
