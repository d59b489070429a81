/*
 * image_seed.c - writes the first corpus of image_fuzz: images of samples, and
 * of policies.   image_seed FOLDER [POLICY ...]
 */
#include <stdio.h>
#include <string.h>

#include "cf/cf.h"
#include "test/unit/ruleset/sample.h"

static int
write_image(const char *folder, const char *name, struct span image)
{
	char	 path[512];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(image.p, 1, image.n, f) != image.n || fclose(f) != 0) {
		perror(path);
		return -1;
	}
	return 0;
}

static int
write_policy(const char *folder, const char *path)
{
	const char	*slash = strrchr(path, '/');
	int		 io, rc = -1;
	struct cf	*cf = cf_compile(path, &io);

	if (io == 0 && cf_errors(cf) == 0)
		rc = write_image(folder, slash == NULL ? path : slash + 1,
		    cf_image(cf));
	else
		fprintf(stderr, "image_seed: %s does not compile\n", path);
	cf_free(&cf);
	return rc;
}

int
main(int argc, char **argv)
{
	struct buf	home = { 0 }, all = { 0 };
	int		rc = 0;

	if (argc < 2) {
		fputs("usage: image_seed FOLDER [POLICY ...]\n", stderr);
		return 2;
	}
	sample_home(&home, 3);
	sample_all(&all);
	if (write_image(argv[1], "home", buf_span(&home)) == -1 ||
	    write_image(argv[1], "all", buf_span(&all)) == -1)
		rc = 1;
	for (int i = 2; i < argc; i++) {
		if (write_policy(argv[1], argv[i]) == -1)
			rc = 1;
	}
	buf_clear(&home);
	buf_clear(&all);
	return rc;
}
