/*
 * image_seed.c - writes the first corpus of image_fuzz:  image_seed FOLDER
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/unit/ruleset/sample.h"

static int
write_image(const char *folder, const char *name, const struct buf *image)
{
	char	 path[512];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(image->base + image->off, 1, image->n, f) != image->n ||
	    fclose(f) != 0) {
		perror(path);
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct buf	home = { 0 }, all = { 0 };
	int		rc = 0;

	if (argc != 2) {
		fputs("usage: image_seed FOLDER\n", stderr);
		return 2;
	}
	sample_home(&home, 3);
	sample_all(&all);
	if (write_image(argv[1], "home", &home) == -1 ||
	    write_image(argv[1], "all", &all) == -1)
		rc = 1;
	buf_clear(&home);
	buf_clear(&all);
	return rc;
}
