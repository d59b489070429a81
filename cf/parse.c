/*
 * parse.c - runs scanner and grammar over a text.
 */
#include "cf/include.h"
#include "cf/parser.h"

static void
run(struct cf *cf, const struct cf_source *source, struct span text, int begin,
    struct cf_opt **options)
{
	struct cf_parser	 p;

	memset(&p, 0, sizeof(p));
	p.cf = cf;
	p.begin = begin;
	p.in = cf_input_open(cf, text, 0, NULL);
	if (p.in == NULL)
		return;
	p.in->source = source;
	p.in->scan.quiet = begin == T_BEGIN_OPTIONS;
	cf_yyparse(&p);
	while (p.in != NULL)
		p.in = cf_input_close(p.in);
	if (options != NULL)
		*options = p.options;
}

void
cf_parse(struct cf *cf)
{
	run(cf, cf->sources, cf->sources->text, T_BEGIN_POLICY, NULL);
}

struct cf_opt *
cf_parse_options(struct cf *cf, struct span text)
{
	struct cf_opt	*options = NULL;

	run(cf, NULL, text, T_BEGIN_OPTIONS, &options);
	return options;
}
