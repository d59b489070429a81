/*
 * users.c - login names.
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mta/pickup/pickup.h"

#define ROOM	16384

void
user_name(uint32_t uid, char out[LOGIN_MAX])
{
	struct passwd	 pw, *found = NULL;
	char		*room = xmalloc(ROOM);
	const char	*name;
	size_t		 i;

	while (getpwuid_r(uid, &pw, room, ROOM, &found) == EINTR)
		continue;
	name = found == NULL ? "" : pw.pw_name;
	for (i = 0; name[i] > ' ' && name[i] != 0x7f; i++)
		continue;
	/* A "#" begins no name of a user: none can be called so. */
	if (i > 0 && name[i] == '\0' && i < LOGIN_MAX && name[0] != '#')
		memcpy(out, name, i + 1);
	else
		(void)snprintf(out, LOGIN_MAX, "#%u", (unsigned)uid);
	free(room);
}
