/*
 * command.c - a command as its arguments, without a shell.
 */
#include "base/command.h"

/* What is under way; out has room for all of the command. */
struct split {
	struct span	 left;
	char		*out;		/* of the argument under way */
	size_t		 n;
	bool		 began;		/* there is one */
	bool		 option;	/* it begins with "\-" */
	char		 quote;		/* within; NUL: outside */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
add(struct split *s, char c)
{
	s->began = true;
	s->out[s->n++] = c;
}

/* Behind a '\'. */
static const char *
escaped(struct split *s)
{
	if (s->left.n == 0)
		return "nothing stands behind the last '\\'";
	if (s->n == 0 && s->left.p[0] == '-')
		s->option = true;
	s->began = true;
	if (s->left.p[0] != '0')
		add(s, s->left.p[0]);
	s->left = span_from(s->left, 1);
	return NULL;
}

/* One octet. */
static const char *
step(struct split *s)
{
	char	c = s->left.p[0];

	s->left = span_from(s->left, 1);
	if (c == '\0')
		return "it has a NUL in it";
	if (c == '\\')
		return escaped(s);
	if (s->quote != '\0' && c == s->quote)
		s->quote = '\0';
	else if (s->quote == '\0' && (c == '\'' || c == '"')) {
		s->quote = c;
		s->began = true;
	} else
		add(s, c);
	return NULL;
}

/* The next argument into *arg, NULL where there is none. */
static const char *
next(struct split *s, char **arg)
{
	const char	*why;

	while (s->left.n > 0 && is_blank(s->left.p[0]))
		s->left = span_from(s->left, 1);
	s->n = 0;
	s->began = s->option = false;
	while (s->left.n > 0 &&
	    (s->quote != '\0' || !is_blank(s->left.p[0])))
		if ((why = step(s)) != NULL)
			return why;
	if (s->quote != '\0')
		return "a quote has no end";
	if (s->option)
		return "a value that begins with '-' would be an option";
	*arg = NULL;
	if (s->began) {
		*arg = s->out;
		s->out[s->n] = '\0';
		s->out += s->n + 1;
	}
	return NULL;
}

int
command_split(struct span command, struct arena *ar, char ***argv,
    const char **why)
{
	struct split	 s = { .left = command };
	int		 n = 0;

	if (command.n > COMMAND_MAX) {
		*why = "it is too long";
		return -1;
	}
	s.out = arena_alloc(ar, command.n + 2);
	*argv = arena_alloc(ar, (COMMAND_ARGUMENTS_MAX + 1) * sizeof(**argv));
	for (;;) {
		if ((*why = next(&s, &(*argv)[n])) != NULL)
			return -1;
		if ((*argv)[n] == NULL)
			break;
		if (++n == COMMAND_ARGUMENTS_MAX) {
			*why = "it has too many arguments";
			return -1;
		}
	}
	if (n == 0 || (*argv)[0][0] == '\0') {
		*why = "it names no program";
		return -1;
	}
	return n;
}

/* Octets that mean nothing, to us or to any shell. */
static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 ||
	    (c != '\0' && strchr("_./:@=+,%", c) != NULL);
}

struct span
command_argument(struct span value, struct arena *ar)
{
	char	*out = arena_alloc(ar, 2 * value.n + 3);
	size_t	 i, n = 0;

	for (i = 0; i < value.n; i++) {
		if (value.p[i] == '\0')
			continue;
		if (!is_plain(value.p[i]))
			out[n++] = '\\';
		out[n++] = value.p[i];
	}
	if (n == 0) {		/* an empty argument is one too */
		out[n++] = '\\';
		out[n++] = '0';
	}
	return span_mem(out, n);
}

char
command_shell(struct span s)
{
	char	quote = '\0';
	size_t	i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (quote != '\0')
			quote = s.p[i] == quote ? '\0' : quote;
		else if (s.p[i] == '\'' || s.p[i] == '"')
			quote = s.p[i];
		else if (strchr("|&;<>()$`*?[]#~!{}\n\r", s.p[i]) != NULL)
			return s.p[i];
	}
	return '\0';
}
