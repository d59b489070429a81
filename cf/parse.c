/*
 * parse.c - runs scanner and grammar over a text.
 */
#include "cf/lexer.h"
#include "cf/parser.h"

/* Of the scanner that Flex makes. */
typedef struct yy_buffer_state *scan_buffer;
int		cf_lx_lex_init_extra(struct cf_scan *, void **);
int		cf_lx_lex_destroy(void *);
scan_buffer	cf_lx__scan_bytes(const char *, int, void *);

static void
run(struct cf *cf, struct span text, int begin, struct cf_opt **options)
{
	struct cf_parser	 p;

	memset(&p, 0, sizeof(p));
	p.cf = cf;
	p.begin = begin;
	p.scan.cf = cf;
	p.scan.quiet = begin == T_BEGIN_OPTIONS;
	if (cf_lx_lex_init_extra(&p.scan, &p.scanner) != 0)
		return;
	cf_lx__scan_bytes(text.p != NULL ? text.p : "", (int)text.n, p.scanner);
	cf_yyparse(&p);
	cf_lx_lex_destroy(p.scanner);
	buf_clear(&p.scan.text);
	if (options != NULL)
		*options = p.options;
}

void
cf_parse(struct cf *cf)
{
	run(cf, cf->sources->text, T_BEGIN_POLICY, NULL);
}

struct cf_opt *
cf_parse_options(struct cf *cf, struct span text)
{
	struct cf_opt	*options = NULL;

	run(cf, text, T_BEGIN_OPTIONS, &options);
	return options;
}
