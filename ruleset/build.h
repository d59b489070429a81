/*
 * build.h - writing an image: what the compiler's code generation calls.
 *
 * Strings and constants are interned.  A callee must have been begun before
 * its caller (calls go downward: to lower function numbers).  rs_build_finish
 * runs the verifier over the result: a compiler that emits nonsense is found
 * here and not in the server.
 */
#ifndef WB_RULESET_BUILD_H
#define WB_RULESET_BUILD_H

#include "base/buf.h"
#include "ruleset/image.h"

struct rs_build;

struct rs_build	*rs_build_new(void);
void		 rs_build_free(struct rs_build **);

uint32_t	 rs_build_string(struct rs_build *, struct span);
uint32_t	 rs_build_const(struct rs_build *, const struct rs_value *);
/*
 * Items "example.org" (that name only) and ".example.org" (all below it);
 * folded already.
 */
uint32_t	 rs_build_domains(struct rs_build *, struct span name,
    const struct span *, size_t n);
/* Exact items of type TEXT, ADDRESS or INT. */
uint32_t	 rs_build_values(struct rs_build *, struct span name,
    enum rs_type, const struct rs_value *, size_t n);
uint32_t	 rs_build_nets(struct rs_build *, struct span name,
    const struct ipnet *, size_t n);
uint32_t	 rs_build_file(struct rs_build *, struct span path,
    unsigned role, const uint8_t sha256[32]);
/*
 * entries: key, value, key, value ... for driver "inline"; npairs of them.
 * file: UINT32_MAX for none.
 */
uint32_t	 rs_build_map(struct rs_build *, struct span name,
    struct span driver, struct span kind, uint32_t file, uint32_t line,
    const struct span *entries, size_t npairs);
/* Where a network table is, and its options; after rs_build_map(). */
void		 rs_build_map_more(struct rs_build *, uint32_t map,
    struct span where, uint32_t object);
uint32_t	 rs_build_list(struct rs_build *, struct span name,
    struct span zone, uint32_t codes, uint32_t line);
uint32_t	 rs_build_rate(struct rs_build *, struct span name, int64_t rate,
    uint32_t line);
/*
 * The n tokens of a pattern, strings and sets built already; those that are
 * adjacent and TEXT are not joined.
 */
uint32_t	 rs_build_pattern(struct rs_build *, struct span text,
    const struct rs_token *, size_t n);
/* Interned. The compiler has tried it with base/regex.h. */
uint32_t	 rs_build_regex(struct rs_build *, struct span text,
    uint32_t flags);
uint32_t	 rs_build_reply(struct rs_build *, unsigned code,
    struct span status);
uint32_t	 rs_build_tag(struct rs_build *, struct span name,
    enum rs_type, uint32_t dflt_const);

/* Code of one function at a time. nregs is found from what is emitted. */
uint32_t	 rs_build_func(struct rs_build *, struct span name,
    enum rs_func_kind, enum rs_hook, const uint8_t *arg_types, unsigned nargs,
    enum rs_type result);
/* Of the function under way. */
uint32_t	 rs_build_rule(struct rs_build *, uint32_t file, uint32_t line,
    struct span text);
/* Returns the instruction's number, for rs_build_land(). */
uint32_t	 rs_build_emit(struct rs_build *, enum rs_op, unsigned a,
    unsigned b, uint32_t c, uint32_t line);
/* The jump at `insn` leads to what is emitted next. */
void		 rs_build_land(struct rs_build *, uint32_t insn);
/*
 * A short cut past a chain of rules that compare register `reg` with constants
 * of one type (TEXT, DOMAIN, ADDRESS, INT, SIZE, IP; not empty).  Between
 * switch and switch_end come the rules as they would be without it, each with
 * rs_build_case() before it, once for each of its constants; of equal ones the
 * first counts.  What is
 * none of them goes to what follows switch_end.  One at a time.
 */
uint32_t	 rs_build_switch(struct rs_build *, unsigned reg, enum rs_type,
    uint32_t line);
void		 rs_build_case(struct rs_build *, const struct rs_value *);
void		 rs_build_switch_end(struct rs_build *);
void		 rs_build_func_end(struct rs_build *);

uint32_t	 rs_build_object(struct rs_build *, enum rs_object_kind,
    struct span name, uint32_t line);
void		 rs_build_option(struct rs_build *, uint32_t object,
    enum rs_option, bool is_default, uint32_t line, const struct rs_place *,
    size_t nplaces);

/*
 * The image's octets into out, which is empty; 0, or -1 with *why (a bug of
 * the compiler, or too large).
 */
int		 rs_build_finish(struct rs_build *, struct buf *out,
    const char **why);

#endif
