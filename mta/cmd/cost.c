/*
 * cost.c - `waybill check --cost FILE`: what each hook can cost at worst.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "ruleset/cost.h"

#include "mta/cmd/cmd.h"

#define CHAIN	"route, 32 deep"

static void
cost_json(struct json *j, const char *name, const struct rs_cost *c)
{
	json_object(j, NULL);
	json_str(j, "hook", name);
	for (unsigned k = 0; k < RS_NCOSTS; k++)
		json_uint(j, rs_cost_names[k], c->n[k]);
	json_object_end(j);
}

static void
cost_line(struct buf *out, const char *name, const struct rs_cost *c)
{
	buf_addf(out, "%-24s", name);
	for (unsigned k = 0; k < RS_NCOSTS; k++)
		buf_addf(out, " %8" PRIu64, c->n[k]);
	buf_add_char(out, '\n');
}

static void
cost_head(struct buf *out)
{
	buf_addf(out, "%-24s", "at most, for each");
	for (unsigned k = 0; k < RS_NCOSTS; k++)
		buf_addf(out, " %8s", rs_cost_names[k]);
	buf_add_char(out, '\n');
}

static void
cost_legend(struct buf *out)
{
	buf_add_char(out, '\n');
	for (unsigned k = 0; k < RS_NCOSTS; k++)
		buf_addf(out, "%-9s %s\n", rs_cost_names[k],
		    rs_cost_meanings[k]);
	buf_addf(out, "%s: a recipient that leads through 32 tables, each "
	    "time to one other\n", CHAIN);
}

static void
cost_rows(const struct rs_image *im, struct buf *out, struct json *j)
{
	struct rs_cost	c;

	for (unsigned hook = 0; hook < RS_NHOOKS; hook++) {
		if (!rs_cost_hook(im, (enum rs_hook)hook, &c))
			continue;
		if (j != NULL)
			cost_json(j, rs_hook_names[hook], &c);
		else
			cost_line(out, rs_hook_names[hook], &c);
	}
	if (!rs_cost_chain(im, &c))
		return;
	if (j != NULL)
		cost_json(j, CHAIN, &c);
	else
		cost_line(out, CHAIN, &c);
}

void
cmd_cost_json(const struct cf *cf, struct json *j)
{
	struct span	 image = cf_image(cf);
	struct rs_image	*im;
	const char	*why;

	json_array(j, "cost");
	if (image.n > 0 &&
	    (im = rs_image_open_mem(image.p, image.n, &why)) != NULL) {
		cost_rows(im, NULL, j);
		rs_image_free(&im);
	}
	json_array_end(j);
}

int
cmd_cost_print(const struct cf *cf)
{
	struct span	 image = cf_image(cf);
	struct buf	 out = { 0 };
	const char	*why;
	struct rs_image	*im = rs_image_open_mem(image.p, image.n, &why);

	if (im == NULL) {
		fprintf(stderr, "waybill check: %s\n", why);
		return CMD_NO;
	}
	cost_head(&out);
	cost_rows(im, &out, NULL);
	cost_legend(&out);
	rs_image_free(&im);
	cmd_write(&out);
	return CMD_OK;
}
