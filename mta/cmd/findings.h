/*
 * findings.h - what `waybill map check` has found, in the order of files and
 * lines.
 */
#ifndef WB_MTA_CMD_FINDINGS_H
#define WB_MTA_CMD_FINDINGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

enum finding_level { FINDING_ERROR, FINDING_WARNING, FINDING_NOTE, FINDING_LEVELS };

/* Kept of each level; of more their number. */
#define FINDINGS_MAX	1000
#define FINDINGS_NOTES	50

struct finding;
struct findings {
	struct arena	 arena;
	struct finding	*v;
	size_t		 n, cap;
	size_t		 count[FINDING_LEVELS], kept[FINDING_LEVELS];
	/* The file that was last looked into for a column. */
	char		*path;
	struct buf	 text;
	size_t		*lines;		/* offset of each */
	size_t		 nlines;
};

/* false: it would only be counted, and has been. */
bool	findings_want(struct findings *, enum finding_level);
/* path and text are copied; line 0: the whole file. */
void	findings_add(struct findings *, enum finding_level, const char *path, uint32_t line, uint32_t column, const char *fmt, ...)
	    __attribute__((format(printf, 6, 7)));
/*
 * Where in an entry that begins on this line the text stands: line and column
 * from 1 on; the entry's first column when it is not found.
 */
void	findings_place(struct findings *, const char *path, struct span text, uint32_t *line, uint32_t *column);
/* Without the folder where we stand. */
const char *findings_path(const char *);
void	findings_print(struct findings *, struct buf *out);
/* Members "errors", "warnings", "notes" and "findings" of the object under way. */
void	findings_json(struct findings *, struct json *);
void	findings_clear(struct findings *);

#endif
