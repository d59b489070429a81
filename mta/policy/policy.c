/*
 * policy.c - a policy is opened: its image, its tables, what is asked often.
 *
 * Owns: the image, the maps, idle evaluations.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/policy/lookup.h"
#include "mta/policy/open_table.h"

/* Mistakes in tables go to the log, or to who opens the policy; a command has told them by then. */
static void
problem(void *arg, const char *map, const char *path,
    const struct map_problem *p)
{
	const struct policy_source	*src = arg;

	if (src->problem != NULL)
		src->problem(src->problem_arg, map, path, p);
	else if (!src->quiet)
		log_warnx("table map=%s file=%s line=%u column=%u problem=%s",
		    map, log_quote(span_of(path)), p->line, p->column,
		    log_quote(span_of(p->what)));
}

/* Out of its index when there are such, else its file is read here. */
static struct map *
open_one(const struct table_source *ts, const struct policy_source *src,
    uint32_t n)
{
	if (src->index_fds == NULL || !table_is_file(ts->image, n))
		return table_open(ts, n);
	return table_open_index(ts->image, n,
	    n < src->nindexes ? src->index_fds[n] : -1);
}

static void
tables_open(struct policy *p, const struct policy_source *src)
{
	struct table_source	ts = {
		.image = p->image, .file_fds = src->file_fds,
		.nfiles = src->nfiles, .problem = problem,
		.notes = src->notes,
		.arg = (void *)(uintptr_t)src
	};
	uint32_t		i;

	p->nmaps = rs_nmap(p->image);
	p->maps = xcalloc(p->nmaps + 1, sizeof(*p->maps));
	p->failing = xcalloc(p->nmaps + 1, sizeof(*p->failing));
	for (i = 0; i < p->nmaps; i++) {
		p->maps[i] = open_one(&ts, src, i);
		p->virtusers |= span_eq(map_kind(p->maps[i]),
		    SPAN("virtusers"));
	}
	tables_how(p);
}

/* The only place of an option that stands once. */
static struct rs_place
option_place(const struct rs_image *im, uint32_t object, enum rs_option opt)
{
	const struct rs_optval	*v;

	if (!rs_option(im, object, opt, 0, &v) || v->nplaces == 0)
		return (struct rs_place){ 0, UINT32_MAX };
	return rs_option_place(im, v, 0);
}

/* The map that a mailbox' `accounts` names. */
static uint32_t
accounts_map(const struct rs_image *im, uint32_t object)
{
	struct rs_place	pl = option_place(im, object, RS_OPT_MAILBOX_accounts);
	struct rs_value	v;

	if (pl.is_func || pl.index == UINT32_MAX)
		return UINT32_MAX;
	v = rs_const(im, pl.index);
	return v.type == RS_T_INT && v.i >= 0 && v.i < (int64_t)rs_nmap(im) ?
	    (uint32_t)v.i : UINT32_MAX;
}

static void
boxes_open(struct policy *p)
{
	const struct rs_optval	*v;
	struct policy_box	*b;
	uint32_t		 i, n = rs_nobject(p->image);

	p->boxes = xcalloc(n + 1, sizeof(*p->boxes));
	for (i = 0; i < n; i++) {
		b = &p->boxes[i];
		b->accounts = UINT32_MAX;
		if (rs_object(p->image, i)->kind != RS_O_MAILBOX)
			continue;
		b->accounts = accounts_map(p->image, i);
		b->account = option_place(p->image, i, RS_OPT_MAILBOX_account);
		b->path = option_place(p->image, i, RS_OPT_MAILBOX_path);
		b->quota = option_place(p->image, i, RS_OPT_MAILBOX_quota);
		b->folder = option_place(p->image, i, RS_OPT_MAILBOX_folder);
		b->no_detail = option_place(p->image, i,
		    RS_OPT_MAILBOX_detail).index != UINT32_MAX;
		b->forward = option_place(p->image, i,
		    RS_OPT_MAILBOX_forward);
		b->owner_account = rs_option(p->image, i,
		    RS_OPT_MAILBOX_owner_account, 0, &v);
	}
}

struct policy *
policy_open(const struct policy_source *src, const char **why)
{
	struct rs_image	*im;
	struct policy	*p;
	unsigned	 i;

	im = src->image_mem.n > 0 ?
	    rs_image_open_mem(src->image_mem.p, src->image_mem.n, why) :
	    rs_image_open(src->image_fd, why);
	if (im == NULL)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->refs = 1;
	p->image = im;
	p->dns = src->dns;
	p->limits = src->limits;
	p->callouts = src->callouts;
	p->lookup = src->lookup;
	p->generation = src->generation;
	p->quiet = src->quiet;
	p->later = src->later;
	p->owner = src->owner;
	p->user = src->user;
	p->forward = src->forward;
	p->owner_arg = src->owner_arg;
	p->hostname = rs_setting_text(im, RS_OPT_SERVER_hostname);
	p->detail = rs_setting_text(im, RS_OPT_SERVER_detail);
	p->postmaster = rs_setting_text(im, RS_OPT_SERVER_postmaster);
	for (i = 0; i < RS_NHOOKS; i++)
		p->hooks[i] = rs_hook(im, i);
	p->named = facts_named(p);
	tables_open(p, src);
	boxes_open(p);
	programs_open(p);
	lists_open(p);
	srs_open(p);
	return p;
}

struct policy *
policy_ref(struct policy *p)
{
	assert(p->refs > 0);
	p->refs++;
	return p;
}

void
policy_unref(struct policy **pp)
{
	struct policy	*p = *pp;
	uint32_t	 i;

	*pp = NULL;
	if (p == NULL || --p->refs > 0)
		return;
	decisions_drop(p);
	routings_drop(p);
	askings_drop(p);
	lists_close(p);
	srs_close(p);
	for (i = 0; i < p->nmaps; i++)
		map_close(&p->maps[i]);
	tables_how_free(p);
	free(p->maps);
	free(p->failing);
	free(p->boxes);
	programs_close(p);
	free(p->postmaster_is);
	rs_image_free(&p->image);
	free(p);
}

const struct rs_image *
policy_image(const struct policy *p)
{
	return p->image;
}

struct map *
policy_map(struct policy *p, uint32_t map)
{
	return map < p->nmaps ? p->maps[map] : NULL;
}

void
policy_map_failing(struct policy *p, uint32_t map)
{
	if (map < p->nmaps)
		p->failing[map] = true;
}

struct span
policy_hostname(const struct policy *p)
{
	return p->hostname;
}

static uint32_t
server_object(const struct rs_image *im)
{
	uint32_t	 i;

	for (i = 0; i < rs_nobject(im); i++) {
		if (rs_object(im, i)->kind == RS_O_SERVER)
			break;
	}
	return i;
}

bool
policy_trusts_gateway(const struct policy *p, const struct ip *ip)
{
	uint32_t		 server = server_object(p->image);
	const struct rs_optval	*v;
	struct rs_place		 place;
	struct rs_value		 net;
	struct ipnet		 one;
	unsigned		 i;

	if (server == rs_nobject(p->image))
		return false;
	for (i = 0; rs_option(p->image, server, RS_OPT_SERVER_trust_gateway, i, &v);
	    i++) {
		place = rs_option_place(p->image, v, 0);
		if (place.is_func || place.index == UINT32_MAX)
			continue;
		net = rs_const(p->image, place.index);
		one = (struct ipnet){ net.ip, net.bits };
		if (net.type == RS_T_NET && ipnet_has(&one, ip))
			return true;
	}
	return false;
}

const struct policy_counts *
policy_counts(const struct policy *p)
{
	return &p->counts;
}
