/*
 * needs.c - which drivers a policy's text names, by `map NAME = DRIVER`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "cf/drivers.h"

#include "test/unit/cf/needs.h"

static const char *const names[] = {
#define DRIVER(name, where, how, with, options, meaning)	#name,
#include "maps/drivers.def"
#undef DRIVER
};

const char *
needs_driver(const char *path)
{
	struct buf	 text = { 0 };
	const char	*found = NULL;
	char		*word;
	size_t		 i;

	if (file_read(path, 1 << 20, &text) == -1)
		return NULL;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		word = xasprintf(" = %s ", names[i]);
		if (!cf_driver(span_of(names[i]))->built &&
		    strstr(buf_cstr(&text), word) != NULL)
			found = names[i];
		free(word);
	}
	buf_clear(&text);
	return found;
}
