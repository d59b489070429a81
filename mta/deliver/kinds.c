/*
 * kinds.c - the ways in which this process puts a message somewhere.
 */
#include "config.h"

#include "mta/deliver/job.h"

static const struct kind *const	kinds[] = {
	&kind_maildir, &kind_mbox, &kind_pipe, &kind_file,
};

const struct kind *
kind_find(unsigned number)
{
	size_t	 i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->number == number)
			return kinds[i];
	return NULL;
}
