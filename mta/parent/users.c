/*
 * users.c - the numbers of the users whom a policy names: the owners of
 * mailboxes, and those as whom programs run.
 */
#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "ruleset/image.h"

#include "mta/parent/generation_int.h"

#define UID_LEAST	100	/* below: users of the system itself; the spawner refuses them */

static struct span
option_text(const struct rs_image *image, uint32_t object,
    enum rs_option option)
{
	const struct rs_optval	*v;
	struct rs_place		 place;

	if (!rs_option(image, object, option, 0, &v))
		return SPAN_NONE;
	place = rs_option_place(image, v, 0);
	if (place.is_func || place.index == UINT32_MAX)
		return SPAN_NONE;
	return rs_const(image, place.index).s;
}

/* Without root everything belongs to the caller. */
static int
find_owner(struct gen_owner *o, const char *user, const char *mailbox,
    char **why)
{
	struct passwd	*pw;

	o->uid = geteuid();
	o->gid = getegid();
	if (o->uid != 0)
		return 0;
	if ((pw = getpwnam(user)) == NULL) {
		*why = xasprintf("mailbox %s: no system user '%s'; "
		    "`waybill setup` makes waybill-mail, others are yours",
		    mailbox, user);
		return -1;
	}
	if (pw->pw_uid < UID_LEAST || pw->pw_gid == 0) {
		*why = xasprintf("mailbox %s: owner '%s' has uid %u gid %u; "
		    "mailboxes belong to users from uid %d on", mailbox, user,
		    (unsigned)pw->pw_uid, (unsigned)pw->pw_gid, UID_LEAST);
		return -1;
	}
	o->uid = pw->pw_uid;
	o->gid = pw->pw_gid;
	return 0;
}

/* The option `group`, in the place of the owner's own. */
static int
find_group(struct gen_owner *o, struct span name, const char *mailbox,
    char **why)
{
	char		*group;
	struct group	*gr;
	int		 rc = -1;

	if (name.n == 0 || geteuid() != 0)
		return 0;
	group = xstrndup(name.p, name.n);
	gr = getgrnam(group);
	if (gr == NULL)
		*why = xasprintf("mailbox %s: no system group '%s'", mailbox,
		    group);
	else if (gr->gr_gid == 0)
		*why = xasprintf("mailbox %s: nothing is delivered with the "
		    "rights of group '%s'", mailbox, group);
	else {
		o->gid = gr->gr_gid;
		rc = 0;
	}
	free(group);
	return rc;
}

/* Those of `owner account` are asked of the account, each time. */
static bool
is_of_accounts(const struct rs_image *image, uint32_t object)
{
	const struct rs_optval	*v;

	return rs_option(image, object, RS_OPT_MAILBOX_owner_account, 0, &v);
}

static int
find_owner_of(struct generation *g, uint32_t object, char **why)
{
	struct span	 name = rs_string(g->image,
	    rs_object(g->image, object)->name);
	struct span	 text = option_text(g->image, object,
	    RS_OPT_MAILBOX_owner);
	struct span	 group = option_text(g->image, object,
	    RS_OPT_MAILBOX_group);
	struct gen_owner *o = &g->owners[g->nowners];
	char		*user = xstrndup(text.n > 0 ? text.p : "", text.n);
	char		*mailbox = xstrndup(name.n > 0 ? name.p : "", name.n);
	bool		 accounts = is_of_accounts(g->image, object);
	int		 rc = 0;

	*o = (struct gen_owner){ object, (uid_t)-1, (gid_t)-1 };
	if (!accounts)
		rc = find_owner(o, user, mailbox, why);
	if (rc == 0)
		rc = find_group(o, group, mailbox, why);
	g->nowners += rc == 0;
	free(user);
	free(mailbox);
	return rc;
}

static int
find_owners(struct generation *g, char **why)
{
	uint32_t	i, n = rs_nobject(g->image);

	g->owners = xcalloc(n, sizeof(*g->owners));
	for (i = 0; i < n; i++)
		if (rs_object(g->image, i)->kind == RS_O_MAILBOX &&
		    find_owner_of(g, i, why) == -1)
			return -1;
	return 0;
}

/* --- as whom programs run */

static bool
is_known(const struct generation *g, const char *name)
{
	size_t	i;

	for (i = 0; i < g->nusers; i++)
		if (strcmp(g->users[i].name, name) == 0)
			return true;
	return false;
}

/* Without root everything is the caller's.  must: else there may be none. */
static int
add_user(struct generation *g, struct span text, bool must, char **why)
{
	char		*name = xstrndup(text.n > 0 ? text.p : "", text.n);
	struct passwd	*pw = NULL;
	struct gen_user	 u = { name, geteuid(), getegid() };

	if (is_known(g, name)) {
		free(name);
		return 0;
	}
	if (u.uid == 0 && (pw = getpwnam(name)) != NULL) {
		u.uid = pw->pw_uid;
		u.gid = pw->pw_gid;
	}
	if (geteuid() == 0 && (pw == NULL || u.uid < UID_LEAST ||
	    u.gid == 0)) {
		if (must && pw == NULL)
			*why = xasprintf("no system user '%s', as whom programs "
			    "are to run; `waybill setup` makes waybill-pipe, "
			    "others are yours", name);
		else if (must)
			*why = xasprintf("programs cannot run as '%s', who has "
			    "uid %u gid %u; they run as users from uid %d on",
			    name, (unsigned)u.uid, (unsigned)u.gid, UID_LEAST);
		free(name);
		return must ? -1 : 0;
	}
	g->users = xreallocarray(g->users, g->nusers + 1, sizeof(*g->users));
	g->users[g->nusers++] = u;
	return 0;
}

/* `programs { user }` has to be there when somebody has written of it. */
static bool
is_used(const struct rs_image *image)
{
	const struct rs_optval	*v;
	uint32_t		 i;

	for (i = 0; i < rs_ninsn(image); i++)
		if (rs_insn(image, i)->op == RS_FILE)
			return true;
	for (i = 0; i < rs_nobject(image); i++) {
		if (rs_object(image, i)->kind != RS_O_PROGRAMS)
			continue;
		if (rs_option(image, i, RS_OPT_PROGRAMS_folder, 0, &v) ||
		    rs_option(image, i, RS_OPT_PROGRAMS_files, 0, &v) ||
		    (rs_option(image, i, RS_OPT_PROGRAMS_user, 0, &v) &&
		    !v->is_default))
			return true;
	}
	return false;
}

static bool
has_programs(const struct rs_image *image)
{
	uint32_t	i;

	for (i = 0; i < rs_nobject(image); i++)
		if (rs_object(image, i)->kind == RS_O_PROGRAMS)
			return true;
	return false;
}

/* As whom the token commands of relay blocks run. */
static int
find_token_users(struct generation *g, char **why)
{
	const struct rs_optval	*v;
	uint32_t		 i;

	for (i = 0; i < rs_nobject(g->image); i++)
		if (rs_object(g->image, i)->kind == RS_O_RELAY &&
		    rs_option(g->image, i, RS_OPT_RELAY_token_command, 0,
		    &v) && add_user(g, rs_option_const(g->image, v, 1).s,
		    true, why) == -1)
			return -1;
	return 0;
}

static int
find_users(struct generation *g, char **why)
{
	const struct rs_image	*im = g->image;
	uint32_t		 i;

	for (i = 0; i < rs_ninsn(im); i++)
		if (rs_insn(im, i)->op == RS_PIPE &&
		    add_user(g, rs_string(im, rs_insn(im, i)->c), true,
		    why) == -1)
			return -1;
	return has_programs(im) ? add_user(g, rs_setting_text(im,
	    RS_OPT_PROGRAMS_user), is_used(im), why) : 0;
}

/* --- a generation's */

int
gen_users_find(struct generation *g, char **why)
{
	return find_owners(g, why) == -1 || find_users(g, why) == -1 ||
	    find_token_users(g, why) == -1 ? -1 : 0;
}

void
gen_users_send(const struct generation *g, struct chan *c)
{
	size_t	i;

	for (i = 0; i < g->nowners; i++) {
		chan_begin(c, MSG_CONFIG_OWNER);
		chan_u32(c, g->number);
		chan_u32(c, g->owners[i].object);
		chan_u32(c, (uint32_t)g->owners[i].uid);
		chan_u32(c, (uint32_t)g->owners[i].gid);
		chan_end(c);
	}
	for (i = 0; i < g->nusers; i++) {
		chan_begin(c, MSG_CONFIG_USER);
		chan_u32(c, g->number);
		chan_str(c, g->users[i].name);
		chan_u32(c, (uint32_t)g->users[i].uid);
		chan_u32(c, (uint32_t)g->users[i].gid);
		chan_end(c);
	}
}

void
gen_users_clear(struct generation *g)
{
	size_t	i;

	for (i = 0; i < g->nusers; i++)
		free(g->users[i].name);
	free(g->users);
	free(g->owners);
}

