/*
 * programs.c - which programs and files mail may go to, and as whom.
 *
 * `|command` of an alias names a program by its last component, which has to be
 * in the folder that `programs` says, as smrsh(8) has it; without a folder there
 * are none.  `/file` of an alias has to be below one of its `files`.  What
 * `pipe` and `file` say in `route` is the administrator's own.  No shell is
 * anywhere: what means something to a shell only is refused.
 */
#include "base/command.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "mta/msg/deliver.h"

#include "mta/policy/policy_int.h"

#include <limits.h>
#include <stdlib.h>

/* --- what the policy says */

static struct span
text_at(const struct rs_image *im, const struct rs_optval *v, unsigned n)
{
	struct rs_place	pl = rs_option_place(im, v, n);

	if (pl.is_func || pl.index == UINT32_MAX)
		return SPAN_NONE;
	return rs_const(im, pl.index).s;
}

static void
read_files(struct policy_programs *g, const struct rs_image *im, uint32_t o)
{
	const struct rs_optval	*v;
	unsigned		 i;

	if (!rs_option(im, o, RS_OPT_PROGRAMS_files, 0, &v))
		return;
	g->nfiles = v->nplaces;
	g->files = xcalloc(g->nfiles + 1, sizeof(*g->files));
	for (i = 0; i < g->nfiles; i++)
		g->files[i] = text_at(im, v, i);
}

void
programs_open(struct policy *p)
{
	const struct rs_image	*im = p->image;
	struct policy_programs	*g = &p->programs;
	const struct rs_optval	*v;
	uint32_t		 i;

	for (i = 0; i < rs_nobject(im); i++)
		if (rs_object(im, i)->kind == RS_O_PROGRAMS)
			break;
	if (i == rs_nobject(im))	/* of a test */
		return;
	g->user = rs_setting_text(im, RS_OPT_PROGRAMS_user);
	g->folder = rs_setting_text(im, RS_OPT_PROGRAMS_folder);
	g->time_s = (unsigned)(rs_setting_int(im, RS_OPT_PROGRAMS_timeout) /
	    1000);
	g->output = (unsigned)rs_setting_int(im, RS_OPT_PROGRAMS_output);
	g->from_line = rs_option(im, i, RS_OPT_PROGRAMS_from_line, 0, &v);
	read_files(g, im, i);
}

void
programs_close(struct policy *p)
{
	free(p->programs.files);
}

/* --- what may be named */

/* The program in the folder, with the arguments as they stand there. */
const char *
programs_command(const struct policy *p, struct span command,
    struct arena *ar, struct span *out)
{
	const struct policy_programs	*g = &p->programs;
	const char			*why;
	struct span			 name = span_trim(command), rest;
	char				**argv;
	size_t				 n = 0, at;

	if (g->folder.n == 0)
		return "no program may be run: write `programs { folder "
		    "\"/etc/waybill/programs\" }` and put it there";
	if (command_shell(command) != '\0')
		return "it is written for a shell, and there is none: name a "
		    "script in the folder of `programs`";
	if (command_split(command, ar, &argv, &why) == -1)
		return why;
	while (n < name.n && name.p[n] != ' ' && name.p[n] != '\t')
		n++;
	rest = span_from(name, n);
	name.n = n;
	for (at = n; at > 0 && name.p[at - 1] != '/'; at--)
		;
	name = span_from(name, at);
	if (name.n == 0 || name.p[0] == '.' || name.n > NAME_MAX ||
	    span_index(name, '\'') >= 0 || span_index(name, '"') >= 0 ||
	    span_index(name, '\\') >= 0)
		return "its program is no plain name";
	*out = arena_join(ar, arena_join(ar, g->folder, SPAN("/"), name),
	    rest, SPAN_NONE);
	return out->n > COMMAND_MAX ? "it is too long" : NULL;
}

/* No component that leads elsewhere. */
bool
programs_straight(struct span path)
{
	struct span	 one;
	size_t		 i = 0, n;

	if (path.n == 0 || path.p[0] != '/' || path.n >= PATH_MAX ||
	    span_index(path, '\0') >= 0)
		return false;
	while (i < path.n) {
		for (n = ++i; n < path.n && path.p[n] != '/'; n++)
			;
		one = span_mem(path.p + i, n - i);
		if (span_eq(one, SPAN(".")) || span_eq(one, SPAN("..")) ||
		    (one.n == 0 && n < path.n))
			return false;
		i = n;
	}
	return true;
}

const char *
programs_file(const struct policy *p, struct span path)
{
	const struct policy_programs	*g = &p->programs;
	size_t				 i, n;

	if (g->nfiles == 0)
		return "no file may be written: write `programs { files "
		    "\"/var/spool/archive\" }` with its folder";
	if (!programs_straight(path))
		return "its path is not plain and absolute";
	for (i = 0; i < g->nfiles; i++) {
		n = g->files[i].n;
		if (span_prefix(path, g->files[i]) && path.n > n + 1 &&
		    (path.p[n] == '/' || path.p[n - 1] == '/'))
			return NULL;
	}
	return "it is in none of the folders of `programs { files }`";
}

const char *
policy_alias_refusal(const struct policy *p, bool is_command,
    struct span text)
{
	struct arena	 ar = { 0 };
	struct span	 out;
	const char	*why;

	if (!is_command)
		return span_eq(text, SPAN("/dev/null")) ? NULL :
		    programs_file(p, text);
	why = programs_command(p, text, &ar, &out);
	arena_clear(&ar);
	return why;
}

/* --- targets */

static void
add_number(struct buf *b, unsigned option, unsigned value)
{
	struct buf	text = { 0 };

	buf_addf(&text, "%u", value);
	deliver_option_add(b, option, buf_span(&text));
	buf_clear(&text);
}

/* How it is delivered; rcpt: whom it is for, where the target has another name. */
static struct span
how_of(const struct policy *p, enum target_kind kind, struct span rcpt,
    struct arena *ar)
{
	const struct policy_programs	*g = &p->programs;
	struct buf			 b = { 0 };
	struct span			 how;

	buf_add_char(&b, kind == TARGET_PIPE ? DELIVER_PIPE : DELIVER_FILE);
	if (rcpt.n > 0)
		deliver_option_add(&b, DELIVER_RECIPIENT, rcpt);
	if (kind == TARGET_PIPE) {
		add_number(&b, DELIVER_TIME, g->time_s > 0 ? g->time_s : 300);
		add_number(&b, DELIVER_OUTPUT, g->output > 0 ? g->output :
		    4096);
		if (g->from_line)
			deliver_option_add(&b, DELIVER_FROM, SPAN_NONE);
	}
	how = arena_span(ar, buf_span(&b));
	buf_clear(&b);
	return how;
}

/* "/a/b/" is a Maildir, which has a message once. */
static void
as_maildir(struct target *t)
{
	t->kind = TARGET_DELIVER;
	while (t->path.n > 1 && t->path.p[t->path.n - 1] == '/')
		t->path.n--;
}

void
programs_target(const struct policy *p, struct target *t, struct span rcpt,
    struct arena *ar)
{
	if (t->kind == TARGET_FILE && span_eq(t->path, SPAN("/dev/null"))) {
		*t = (struct target){ .kind = TARGET_DISCARD };
		return;
	}
	if (t->kind == TARGET_FILE && t->path.p[t->path.n - 1] == '/')
		as_maildir(t);
	else
		t->how = how_of(p, (enum target_kind)t->kind, rcpt, ar);
}

/*
 * Under a name of its own, so that the list's other members are not taken for
 * it, nor it for them; and the same whenever it is routed again.
 */
struct span
programs_name(const struct target *t, struct span rcpt, struct arena *ar)
{
	size_t		 at = rcpt.n;
	uint64_t	 hash;

	while (at > 0 && rcpt.p[at - 1] != '@')
		at--;
	hash = hash_fixed(arena_printf(ar, "%u %u %.*s %.*s", t->kind, t->uid,
	    SPAN_ARG(rcpt), SPAN_ARG(t->path)));
	return arena_printf(ar, "\"%s %016llx\"@%.*s",
	    t->kind == TARGET_PIPE ? "command" : "file",
	    (unsigned long long)hash, SPAN_ARG(span_from(rcpt, at)));
}

bool
programs_user(const struct policy *p, struct span name, struct target *t)
{
	if (name.n == 0)
		name = p->programs.user;
	return p->user == NULL || p->user(p->owner_arg, name, &t->uid,
	    &t->gid);
}
