/*
 * table.c - values of the server's answers for people.
 */
#include "config.h"

#include <stdio.h>

#include "mta/cmd/cmd.h"
#include "mta/cmd/table.h"

#define NBUFFERS	8
#define TEXT_MAX	1024	/* octets of one text on the terminal */

const char *
table_size(int64_t octets, char out[TABLE_SIZE])
{
	static const char	units[] = "KMGT";
	double			v = (double)octets;
	int			u = -1;

	while (v >= 1024 && u < 3) {
		v /= 1024;
		u++;
	}
	if (u < 0)
		(void)snprintf(out, TABLE_SIZE, "%lld", (long long)octets);
	else
		(void)snprintf(out, TABLE_SIZE, v < 10 ? "%.1f%c" : "%.0f%c",
		    v, units[u]);
	return out;
}

const char *
table_text(const struct json_t *o, const char *key)
{
	return table_clean(cmd_json_str(o, key));
}

const char *
table_clean(const char *s)
{
	static char	 buffers[NBUFFERS][TEXT_MAX];
	static unsigned	 next;
	char		*out = buffers[next++ % NBUFFERS];
	size_t		 i;

	for (i = 0; s != NULL && s[i] != '\0' && i < TEXT_MAX - 1; i++)
		out[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' :
		    s[i];
	out[i] = '\0';
	return out;
}
