/*
 * secrets.c - what stands in a file of secrets.
 */
#include "mta/credentials/secrets.h"

/* The next line, without its end. */
static bool
next_line(struct span *rest, struct span *line)
{
	ptrdiff_t	nl;

	if (rest->n == 0)
		return false;
	nl = span_index(*rest, '\n');
	*line = span_mem(rest->p, nl < 0 ? rest->n : (size_t)nl);
	*rest = span_from(*rest, line->n + (nl < 0 ? 0 : 1));
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

struct span
secrets_first(struct span file)
{
	struct span	line;

	return next_line(&file, &line) ? line : SPAN_NONE;
}

/* The login is known, so it may have colons itself. */
static bool
has_login(struct span line, struct span login, struct span *secret)
{
	if (line.n <= login.n + 1 || login.n == 0 ||
	    !span_prefix(line, login) || line.p[login.n] != ':')
		return false;
	*secret = span_from(line, login.n + 1);
	while (secret->n > 0 && (secret->p[0] == ' ' || secret->p[0] == '\t'))
		*secret = span_from(*secret, 1);
	return secret->n > 0;
}

bool
secrets_of(struct span file, struct span login, struct span *out)
{
	struct span	line;

	while (next_line(&file, &line))
		if (line.n > 0 && line.p[0] != '#' &&
		    has_login(line, login, out))
			return true;
	return false;
}

static bool
is_pair(struct span line)
{
	ptrdiff_t	colon = span_index(line, ':');

	return colon >= 0 && (size_t)colon + 1 < line.n &&
	    line.p[colon + 1] == ' ';
}

struct span
secrets_either(struct span file, struct span login)
{
	struct span	secret;

	if (secrets_of(file, login, &secret))
		return secret;
	secret = secrets_first(file);
	return is_pair(secret) || (secret.n > 0 && secret.p[0] == '#') ?
	    SPAN_NONE : secret;
}
