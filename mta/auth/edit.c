/*
 * edit.c - changes of an accounts file: a piece of it goes, another comes.
 */
#include "config.h"

#include "mta/auth/edit.h"

#define INDENT	"    "

/* --- finding */

struct finding {
	struct span		 name, app;
	struct edit_place	*out;
	const struct account_entry *entry;	/* that is being taken apart */
};

static void
on_item(void *arg, const struct account_item *i)
{
	struct finding		*f = arg;
	struct edit_place	*p = f->out;

	if (i->part != ACCOUNT_APP)
		return;
	p->napps++;
	if (!span_ieq(i->name, f->app))
		return;
	p->app_found = true;
	p->app_at = f->entry->at + (size_t)(i->line.p - f->entry->raw.p);
	p->app_n = i->line.n;
}

static void
on_entry(void *arg, const struct account_entry *e)
{
	struct finding			*f = arg;
	const struct account_reader	 r = { on_item, NULL, f };
	struct edit_place		*p = f->out;
	struct span			 name, head;

	if (p->found || e->broken || !span_ieq(e->name, f->name))
		return;
	f->entry = e;
	*p = (struct edit_place){ .found = true, .line = e->line,
	    .at = e->at, .n = e->raw.n };
	if (account_parse(e->raw, &r, &name, &head) != NULL)
		return;
	while (head.n > 0 && (head.p[head.n - 1] == '\n' ||
	    head.p[head.n - 1] == '\r'))
		head.n--;
	p->secrets_at = e->at + (size_t)(head.p - e->raw.p);
	p->secrets_n = head.n;
}

int
edit_find(int fd, struct span name, struct span app, struct edit_place *out,
    const char **why)
{
	struct finding	 f = { .name = name, .app = app, .out = out };

	*out = (struct edit_place){ .found = false };
	return accounts_each(fd, on_entry, &f, why);
}

/* --- changing */

/* Room for all of it at once: what grows leaves copies behind. */
static void
begin(struct buf *out, size_t n)
{
	(void)buf_reserve(out, n + 4096);
}

/* text with what stands at [at, at + n) left out, up to there. */
static void
before(struct span text, size_t at, struct buf *out)
{
	begin(out, text.n);
	buf_add(out, text.p, at);
}

static void
behind(struct span text, size_t at, struct buf *out)
{
	buf_add_span(out, span_from(text, at));
}

static void
end_line(struct buf *out)
{
	struct span	 s = buf_span(out);

	if (s.n > 0 && s.p[s.n - 1] != '\n')
		buf_add_char(out, '\n');
}

static void
add_column(struct buf *out, const struct edit_column *c)
{
	buf_add_str(out, INDENT);
	buf_add_span(out, c->name);
	buf_add_char(out, '=');
	buf_add_span(out, c->value);
	buf_add_char(out, '\n');
}

void
edit_add(struct span text, struct span name, struct span secrets,
    const struct edit_column *columns, size_t n, struct buf *out)
{
	size_t	 i;

	before(text, text.n, out);
	end_line(out);
	buf_add_span(out, name);
	buf_add_char(out, ':');
	buf_add_span(out, secrets);
	buf_add_char(out, '\n');
	for (i = 0; i < n; i++)
		add_column(out, &columns[i]);
}

void
edit_passwd(struct span text, const struct edit_place *p,
    struct span secrets, struct buf *out)
{
	before(text, p->secrets_at, out);
	buf_add_span(out, secrets);
	behind(text, p->secrets_at + p->secrets_n, out);
}

void
edit_remove(struct span text, const struct edit_place *p, struct buf *out)
{
	before(text, p->at, out);
	behind(text, p->at + p->n, out);
}

void
edit_app_add(struct span text, const struct edit_place *p, struct span app,
    struct span date, struct span secrets, struct buf *out)
{
	before(text, p->at + p->n, out);
	end_line(out);
	buf_add_str(out, INDENT "app ");
	buf_add_span(out, app);
	buf_add_char(out, ' ');
	buf_add_span(out, date);
	buf_add_char(out, ' ');
	buf_add_span(out, secrets);
	buf_add_char(out, '\n');
	behind(text, p->at + p->n, out);
}

void
edit_app_remove(struct span text, const struct edit_place *p, struct buf *out)
{
	before(text, p->app_at, out);
	behind(text, p->app_at + p->app_n, out);
}
