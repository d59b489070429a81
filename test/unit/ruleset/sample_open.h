/*
 * sample_open.h - the image of sample.h, opened around a group of tests.
 */
#ifndef WB_TEST_SAMPLE_OPEN_H
#define WB_TEST_SAMPLE_OPEN_H

#include "ruleset/image.h"
#include "test/unit/ruleset/sample.h"

static struct buf	 octets;
static struct rs_image	*im;

static inline int
sample_open(void **state)
{
	const char	*why;

	(void)state;
	sample_home(&octets, 10);
	im = rs_image_open_mem(octets.base + octets.off, octets.n, &why);
	assert_non_null(im);
	return 0;
}

static inline int
sample_close(void **state)
{
	(void)state;
	rs_image_free(&im);
	buf_clear(&octets);
	return 0;
}

#endif
