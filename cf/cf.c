/*
 * cf.c - one compilation from text to image: the passes in their order.
 */
#include "base/fileio.h"
#include "base/xalloc.h"
#include "cf/cf_int.h"
#include "cf/format.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* The absolute folder of the policy: what its relative names are relative to. */
static const char *
folder_of(struct cf *cf, const char *path)
{
	char		 real[PATH_MAX], cwd[PATH_MAX], *slash;

	if (realpath(path, real) != NULL) {
		if ((slash = strrchr(real, '/')) == real)
			return "";
		*slash = '\0';
		return arena_strdup(&cf->arena, real);
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return "";
	return strcmp(cwd, "/") == 0 ? "" : arena_strdup(&cf->arena, cwd);
}

static struct cf *
begin(const char *path, struct span text)
{
	struct cf	*cf = xcalloc(1, sizeof(*cf));
	const char	*slash = strrchr(path, '/');
	const char	*name = slash == NULL ? path : slash + 1;
	const char	*full;

	cf->path = arena_strdup(&cf->arena, path);
	cf->folder = folder_of(cf, path);
	full = arena_printf(&cf->arena, "%s/%s", cf->folder, name).p;
	cf_source_add(cf, cf->path, full, text, 0);
	return cf;
}

/* A pass runs over what the passes before it understood, so that one run finds much. */
static void
passes(struct cf *cf)
{
	cf_parse(cf);
	cf_names(cf);
	cf_options(cf);
	cf_types(cf);
	cf_tests(cf);
	if (cf->nerrors == 0)
		cf_prove(cf);
	if (cf->nerrors == 0)
		cf_unused(cf);
	if (cf->nerrors == 0)
		cf_emit(cf);
	if (cf->nerrors == 0)
		cf_tests_link(cf);
	cf_diags_sort(cf);
}

static struct cf *
compile(const char *path, struct span text, enum cf_tables tables)
{
	struct cf	*cf;

	if (text.n > CF_TEXT_MAX) {
		cf = begin(path, SPAN_NONE);
		cf_error(cf, (struct cf_loc){ 0, 0 },
		    "the policy is larger than %u MiB", CF_TEXT_MAX >> 20);
		return cf;
	}
	cf = begin(path, text);
	cf->tables = tables;
	passes(cf);
	return cf;
}

struct cf *
cf_compile_mem(const char *path, struct span text)
{
	return compile(path, text, CF_TABLES_READ);
}

/* The text of a policy; false: it cannot be read, which a new *cf says. */
static bool
read_policy(const char *path, struct buf *text, struct cf **cf)
{
	int	 error;

	if (file_read(path, CF_TEXT_MAX + 1, text) != -1 || errno == EFBIG)
		return true;
	error = errno;
	*cf = begin(path, SPAN_NONE);
	cf_error(*cf, (struct cf_loc){ 0, 0 }, "cannot be read: %s",
	    strerror(error));
	(*cf)->diags[0].line = 0;
	return false;
}

struct cf *
cf_compile_tables(const char *path, enum cf_tables tables, int *io)
{
	struct buf	 text = { 0 };
	struct cf	*cf;

	*io = read_policy(path, &text, &cf) ? 0 : -1;
	if (*io == 0)
		cf = compile(path, buf_span(&text), tables);
	buf_clear(&text);
	return cf;
}

struct cf *
cf_compile(const char *path, int *io)
{
	return cf_compile_tables(path, CF_TABLES_READ, io);
}

bool
cf_set_domain(const struct cf *cf, size_t pos[2], struct span *out)
{
	const struct cf_sym	*sym;

	for (; pos[0] < cf->nsyms; pos[0]++, pos[1] = 0) {
		sym = cf->syms[pos[0]];
		if (sym->kind != CF_S_SET || sym->type != RS_T_DOMAIN)
			continue;
		while (pos[1] < sym->n) {
			*out = sym->values[pos[1]++].s;
			if (out->n > 0 && out->p[0] != '.')
				return true;
		}
	}
	return false;
}

struct cf *
cf_layout_mem(const char *path, struct span text, struct buf *out)
{
	struct cf	*cf = begin(path, text.n > CF_TEXT_MAX ? SPAN_NONE : text);

	if (text.n > CF_TEXT_MAX)
		cf_error(cf, (struct cf_loc){ 0, 0 },
		    "the policy is larger than %u MiB", CF_TEXT_MAX >> 20);
	else
		cf_format(cf, out);
	return cf;
}

struct cf *
cf_layout(const char *path, struct buf *out, int *io)
{
	struct buf	 text = { 0 };
	struct cf	*cf;

	*io = read_policy(path, &text, &cf) ? 0 : -1;
	if (*io == 0)
		cf = cf_layout_mem(path, buf_span(&text), out);
	buf_clear(&text);
	return cf;
}

/* What the arena has of them is not left in the heap. */
static void
wipe_secrets(struct cf *cf)
{
	struct cf_source	*s;

	for (s = cf->sources; s != NULL; s = s->next)
		if (s->secret && s->text.n > 0)
			explicit_bzero((void *)(uintptr_t)s->text.p,
			    s->text.n);
}

void
cf_free(struct cf **cfp)
{
	struct cf	*cf = *cfp;

	*cfp = NULL;
	if (cf == NULL)
		return;
	htab_clear(&cf->names);
	htab_clear(&cf->rates);
	free(cf->diags);
	free(cf->unserved);
	free(cf->syms);
	free(cf->texts);
	buf_clear(&cf->image);
	wipe_secrets(cf);
	arena_clear(&cf->arena);
	free(cf);
}

struct span
cf_image(const struct cf *cf)
{
	return cf->nerrors == 0 ? buf_span(&cf->image) : SPAN_NONE;
}
