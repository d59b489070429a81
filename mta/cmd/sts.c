/*
 * sts.c - `waybill sts`: the policies of MTA-STS that are kept.
 *
 * They are files of the spool (doc/mta-sts.md), so the server is not asked.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "mta/fetch/sts_kept.h"

#include "mta/cmd/cmd.h"

#define FOLDER	"mta-sts"

struct listing {
	int		 folder;
	struct json	*json;		/* NULL: for people */
	size_t		 n;
};

/* "2026-11-22T04:08:32Z" */
static const char *
when(uint64_t s, char out[32])
{
	time_t		t = (time_t)s;
	struct tm	tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "-";
	return out;
}

static void
print_mx(const struct sts_kept *k)
{
	size_t	i;

	for (i = 0; i < k->policy.n; i++)
		printf("    %.*s\n", SPAN_ARG(k->policy.mx[i]));
}

static void
print_for_people(const struct sts_kept *k)
{
	char	fetched[32], expires[32];

	printf("%s: %s, id %s, fetched %s, %s %s\n", k->domain,
	    sts_mode_name(k->policy.mode), k->id, when(k->fetched_s, fetched),
	    sts_kept_expires_s(k) > (uint64_t)time(NULL) ? "holds until" :
	    "expired", when(sts_kept_expires_s(k), expires));
	print_mx(k);
}

static void
print_json(struct json *j, const struct sts_kept *k)
{
	char	text[32];
	size_t	i;

	json_object(j, NULL);
	json_str(j, "domain", k->domain);
	json_str(j, "mode", sts_mode_name(k->policy.mode));
	json_str(j, "id", k->id);
	json_str(j, "fetched", when(k->fetched_s, text));
	json_str(j, "expires", when(sts_kept_expires_s(k), text));
	json_uint(j, "max_age", k->policy.max_age_s);
	json_array(j, "mx");
	for (i = 0; i < k->policy.n; i++)
		json_text(j, NULL, k->policy.mx[i]);
	json_array_end(j);
	json_object_end(j);
}

/* NULL: it is not there, or is no kept policy. */
static struct sts_kept *
read_kept(int folder, const char *name)
{
	struct buf	 text = { 0 };
	struct sts_kept	*k = NULL;
	const char	*why;
	int		 fd;

	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return NULL;
	if (file_read_fd(fd, STS_FILE_MAX, &text) == 0)
		k = sts_kept_read(buf_span(&text), &why);
	close(fd);
	buf_clear(&text);
	return k;
}

static void
print_one(struct listing *l, const char *name)
{
	struct sts_kept	*k = read_kept(l->folder, name);

	if (k == NULL)
		return;
	l->n++;
	if (l->json != NULL)
		print_json(l->json, k);
	else
		print_for_people(k);
	sts_kept_free(&k);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_kept(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int
print_all(struct listing *l)
{
	struct dirent	**names;
	int		  i, n;

	n = scandirat(l->folder, ".", &names, is_kept, by_name);
	if (n == -1)
		return -1;
	for (i = 0; i < n; i++) {
		print_one(l, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int
print_folder(int folder, const char *domain, bool as_json)
{
	struct buf	out = { 0 };
	struct json	j;
	struct listing	l = { .folder = folder,
	    .json = as_json ? &j : NULL };
	char		name[STS_DOMAIN_MAX + 1];
	int		rc = 0;

	json_init(&j, &out);
	json_array(&j, NULL);
	if (domain == NULL)
		rc = print_all(&l);
	else if (sts_domain(span_of(domain), name))
		print_one(&l, name);
	json_array_end(&j);
	if (as_json) {
		buf_add_char(&out, '\n');
		cmd_write(&out);
	} else if (rc == 0 && l.n == 0)
		printf("No policy is kept.\n");
	buf_clear(&out);
	return rc == -1 ? CMD_USAGE : domain != NULL && l.n == 0 ? CMD_NO :
	    CMD_OK;
}

/* -1: said; there is nothing before the first server has run. */
static int
open_folder(const char *spool)
{
	char	*path = xasprintf("%s/" FOLDER, spool);
	int	 fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		fprintf(stderr, "waybill sts: %s: %s\n", path,
		    strerror(errno));
	free(path);
	return fd;
}

int
cmd_sts(int argc, char **argv)
{
	struct cmd_server	 sv;
	int			 n = cmd_server_options(argc, argv, &sv);
	int			 status, fd;
	char			*spool;

	if (n < 0)
		return CMD_USAGE;
	if (n > 1)
		return cmd_usage("sts", "one domain, or none");
	if ((spool = cmd_spool(&sv, &status)) == NULL)
		return status;
	fd = open_folder(spool);
	free(spool);
	if (fd == -1)
		return CMD_USAGE;
	status = print_folder(fd, n == 1 ? argv[1] : NULL, sv.json);
	close(fd);
	return status;
}
