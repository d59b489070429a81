/*
 * log.h - one event, one line, key=value, to one descriptor.
 *
 * Line: "2026-11-21T11:03:09.123Z PROCESS[PID] LEVEL text".  Lines gather and
 * leave with one write at the end of the loop's turn (log_flush).  All
 * functions preserve errno.  Text from a peer goes through log_quote().
 */
#ifndef WB_BASE_LOG_H
#define WB_BASE_LOG_H

#include "base/span.h"

enum log_level { LOG_L_DEBUG, LOG_L_INFO, LOG_L_WARN, LOG_L_ERROR };

/* process: static text.  fd: where lines go (2 until then). */
void	log_open(const char *process, int fd, enum log_level least);
/* Whether lines of this level are written: for who would have to make an effort. */
bool	log_wants(enum log_level);
/* "debug", "info", "warn", "error"; false when it is none of them. */
bool	log_level_parse(const char *, enum log_level *);
/* The name given to log_open(). */
const char	*log_process(void);
void	log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));	/* adds errno */
void	log_warnx(const char *, ...) __attribute__((format(printf, 1, 2)));
/* A line of level info that is never cut, "WHAT TEXT"; the text has no line ends. */
void	log_whole(const char *what, struct span text);
/* Says it, flushes, ends the process with status 1; fatal() adds errno. */
void	fatal(const char *, ...) __attribute__((format(printf, 1, 2), noreturn));
void	fatalx(const char *, ...) __attribute__((format(printf, 1, 2), noreturn));
void	log_flush(void);
/* Whether lines wait for log_flush(); the loop asks for it.  At first each leaves at once. */
void	log_gather(bool);
/*
 * Peer text for a log line: printable ASCII and UTF-8 as they are, blanks,
 * '"', '\\', '=' cause quotes, all else \xHH; cut at 200 octets.  The result
 * lies in one of 32 rotating buffers.
 */
const char	*log_quote(struct span);

#endif
