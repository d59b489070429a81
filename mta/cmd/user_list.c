/*
 * user_list.c - `waybill user list`: who is there, and no secrets.
 */
#include "config.h"

#include <stdio.h>

#include "base/json.h"

#include "mta/cmd/user.h"

struct listing {
	struct span	 only;		/* empty: all */
	bool		 json;
	struct buf	 out;
	struct json	 j;
	size_t		 n;
	/* of the entry under way */
	struct buf	 schemes, columns, apps;
	struct json	 jschemes, jcolumns, japps;
	bool		 in_app;
};

/* --- what an entry has, as text and as JSON: one of the two is printed */

static void
add_scheme(struct listing *l, const struct account_item *i)
{
	struct buf	*to = i->name.n > 0 ? &l->apps : &l->schemes;

	if (!l->json)
		buf_addf(to, " %s", account_scheme_name(i->scheme));
	else
		json_str(i->name.n > 0 ? &l->japps : &l->jschemes, NULL,
		    account_scheme_name(i->scheme));
}

static void
end_app(struct listing *l)
{
	if (!l->in_app)
		return;
	l->in_app = false;
	if (!l->json)
		buf_add_char(&l->apps, '\n');
	else {
		json_array_end(&l->japps);
		json_object_end(&l->japps);
	}
}

static void
begin_app(struct listing *l, const struct account_item *i)
{
	end_app(l);
	l->in_app = true;
	if (!l->json) {
		buf_addf(&l->apps, "    app %.*s%s%.*s", SPAN_ARG(i->name),
		    i->value.n > 0 ? " " : "", SPAN_ARG(i->value));
		return;
	}
	json_object(&l->japps, NULL);
	json_text(&l->japps, "name", i->name);
	if (i->value.n > 0)
		json_text(&l->japps, "since", i->value);
	else
		json_null(&l->japps, "since");
	json_array(&l->japps, "schemes");
}

static void
on_item(void *arg, const struct account_item *i)
{
	struct listing	*l = arg;

	switch (i->part) {
	case ACCOUNT_SECRET:
		add_scheme(l, i);
		break;
	case ACCOUNT_COLUMN:
		if (!l->json)
			buf_addf(&l->columns, "    %.*s=%.*s\n",
			    SPAN_ARG(i->name), SPAN_ARG(i->value));
		else {
			json_object(&l->jcolumns, NULL);
			json_text(&l->jcolumns, "name", i->name);
			json_text(&l->jcolumns, "value", i->value);
			json_object_end(&l->jcolumns);
		}
		break;
	case ACCOUNT_APP:
		begin_app(l, i);
		break;
	}
}

/* --- */

static void
print_json(struct listing *l, const struct account_entry *e)
{
	json_object(&l->j, NULL);
	json_text(&l->j, "name", e->name);
	json_uint(&l->j, "line", e->line);
	json_array(&l->j, "schemes");
	buf_take(&l->out, &l->schemes);
	json_array_end(&l->j);
	json_array(&l->j, "columns");
	buf_take(&l->out, &l->columns);
	json_array_end(&l->j);
	json_array(&l->j, "apps");
	buf_take(&l->out, &l->apps);
	json_array_end(&l->j);
	json_object_end(&l->j);
}

static void
print_text(struct listing *l, const struct account_entry *e)
{
	buf_addf(&l->out, "%.*s:", SPAN_ARG(e->name));
	if (l->schemes.n == 0)
		buf_add_str(&l->out, " no password");
	buf_take(&l->out, &l->schemes);
	buf_add_char(&l->out, '\n');
	buf_take(&l->out, &l->columns);
	buf_take(&l->out, &l->apps);
}

static void
on_entry(void *arg, const struct account_entry *e)
{
	struct listing			*l = arg;
	const struct account_reader	 r = { on_item, NULL, l };
	struct span			 name, head;

	if (e->broken || (l->only.n > 0 && !span_ieq(l->only, e->name)))
		return;
	json_init(&l->jschemes, &l->schemes);
	json_init(&l->jcolumns, &l->columns);
	json_init(&l->japps, &l->apps);
	(void)account_parse(e->raw, &r, &name, &head);
	end_app(l);
	l->n++;
	if (l->json)
		print_json(l, e);
	else
		print_text(l, e);
	buf_reset(&l->schemes);
	buf_reset(&l->columns);
	buf_reset(&l->apps);
}

static int
list(struct listing *l, const struct user_file *f)
{
	const char	*why;

	json_init(&l->j, &l->out);
	if (l->json)
		json_array(&l->j, NULL);
	if (accounts_each(f->fd, on_entry, l, &why) == -1) {
		fprintf(stderr, "waybill user: %s: %s\n", f->path, why);
		return CMD_USAGE;
	}
	if (l->json) {
		json_array_end(&l->j);
		buf_add_char(&l->out, '\n');
	}
	cmd_write(&l->out);
	if (l->only.n > 0 && l->n == 0) {
		fprintf(stderr, "waybill user: there is no '%.*s' in %s\n",
		    SPAN_ARG(l->only), f->path);
		return CMD_NO;
	}
	return f->mistakes > 0 ? CMD_NO : CMD_OK;
}

int
user_list(struct user_run *u, const char *only)
{
	struct listing		 l = { .only = span_of(only),
	    .json = u->json };
	struct user_file	 f;
	int			 status;

	if (u->path == NULL)
		return user_say_kept(u);
	if ((status = user_file_open(&f, u->path, false, false)) == CMD_OK)
		status = list(&l, &f);
	user_file_close(&f);
	buf_clear(&l.out);
	buf_clear(&l.schemes);
	buf_clear(&l.columns);
	buf_clear(&l.apps);
	return status;
}
