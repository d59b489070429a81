/*
 * driver_passwd.c - the users of the system: passwd(5).
 *
 * name:password:uid:gid:gecos:home:shell becomes a record of the account, its
 * columns uid, gid, name, home and shell.  The password field, which is "x"
 * today, is left out.  Users whom another service of nsswitch.conf(5) knows
 * are not in the file and so not in the table.
 */
#include "config.h"

#include "maps/map_int.h"

enum { F_NAME, F_PASSWORD, F_UID, F_GID, F_GECOS, F_HOME, F_SHELL, F_FIELDS };

static bool
split(struct span line, struct span f[F_FIELDS])
{
	ptrdiff_t	 colon;
	unsigned	 i;

	for (i = 0; i < F_FIELDS - 1; i++) {
		if ((colon = span_index(line, ':')) < 0)
			return false;
		f[i] = span_mem(line.p, (size_t)colon);
		line = span_from(line, (size_t)colon + 1);
	}
	f[F_SHELL] = line;
	return f[F_NAME].n > 0 && f[F_NAME].n <= MAP_KEY_MAX;
}

/* gecos is "Full Name,Room,Telephone,...": the name is what counts. */
static struct span
full_name(struct span gecos)
{
	ptrdiff_t	 comma = span_index(gecos, ',');

	return comma < 0 ? gecos : span_mem(gecos.p, (size_t)comma);
}

static void
user_line(struct map *m, const struct map_text *t, struct span line,
    uint32_t number)
{
	struct arena	 scratch = { 0 };
	struct span	 f[F_FIELDS], record;

	if (!split(line, f)) {
		map_line_broken(m, t, line, number, line.p,
		    "a line of passwd(5) has seven fields");
		return;
	}
	record = arena_printf(&scratch,
	    "uid=%.*s\ngid=%.*s\nname=%.*s\nhome=%.*s\nshell=%.*s",
	    SPAN_ARG(f[F_UID]), SPAN_ARG(f[F_GID]),
	    SPAN_ARG(full_name(f[F_GECOS])), SPAN_ARG(f[F_HOME]),
	    SPAN_ARG(f[F_SHELL]));
	map_store_copy(m, t, f[F_NAME], record, number);
	arena_clear(&scratch);
}

/* NIS in compat mode, comments, and nothing are no users. */
static bool
is_user(struct span line)
{
	return line.n > 0 && line.p[0] != '#' && line.p[0] != '+' &&
	    line.p[0] != '-';
}

static void
open_passwd(struct map *m, const struct map_source *src)
{
	struct map_text	*t;
	struct span	 left, line;
	const char	*why;
	uint32_t	 number = 0;
	ptrdiff_t	 lf;

	if ((t = map_text_read(m, src->fd, 0, &why)) == NULL) {
		map_unreadable(m, why);
		return;
	}
	left = span_mem(t->octets, t->n);
	while (left.n > 0) {
		lf = span_index(left, '\n');
		line = lf < 0 ? left : span_mem(left.p, (size_t)lf);
		left = span_from(left, line.n + 1);
		number++;
		if (is_user(line))
			user_line(m, t, line, number);
	}
	if (m->kind->secret)
		map_texts_wipe(m);
}

const struct map_driver map_driver_passwd = { .name = "passwd", .open = open_passwd };
