/*
 * job.h - one request of the queue, and the kinds that can do it.
 *
 * A kind is a file of this folder and a line of the table in kinds.c.  The
 * frame (jobs.c) reads DELIVER and COMMIT, looks the kind up, lets it look at
 * path and options on the loop, then has it work on a thread, or start on the
 * loop and say job_done() itself, and sends the answer.
 */
#ifndef WB_MTA_DELIVER_JOB_H
#define WB_MTA_DELIVER_JOB_H

#include "base/span.h"
#include "mta/msg/deliver.h"

#define JOB_FINAL_MAX	500	/* octets of PREPARED's name */
#define JOB_TEXT_MAX	1000	/* octets of what a failure says */
#define JOB_LOST	0	/* a failure's code: what was prepared is lost, DELIVER again */

enum job_answer {
	JOB_DELIVERED,		/* all is done */
	JOB_PREPARED,		/* the first of two steps; final says the name */
	JOB_FAILED		/* code, status and text say why */
};

struct kind;

struct job {
	const struct kind	*kind;
	bool			 commit;	/* the second of two steps */
	uint64_t		 number;
	char			*path;
	struct span		 options;	/* packed, well formed */
	char			*name;		/* DELIVER: base; COMMIT: final */
	/* Of DELIVER alone. */
	struct span		 sender, recipient;	/* mail addresses */
	uint64_t		 arrived_ms;	/* wall */
	struct span		 prefix;	/* header fields before content */
	struct span		 content;	/* lines end with CRLF; mapped, when it came by fd */
	int			 fd;		/* -1, or the content again: offset 0 */
	bool			 as_is;		/* BINARYMIME: no line end is changed */
	/* The answer; at first JOB_DELIVERED. */
	enum job_answer		 answer;
	uint16_t		 code;		/* JOB_FAILED: of a reply, 4xx or 5xx */
	char			 status[16];	/* "4.2.2" */
	char			 text[JOB_TEXT_MAX];
	char			 final[JOB_FINAL_MAX];
	/* The frame's. */
	char			*octets;	/* what options, sender ... lie in */
	void			*mapped;
	struct job		*next;		/* the kind's, as own is */
	void			*own;		/* the kind's */
};

struct kind {
	unsigned	 number;	/* enum deliver_kind */
	bool		 two_steps;
	/* On the loop, NULL: always. false: path or options that are nonsense; 5.3.5. */
	bool		(*sane)(const struct job *);
	/* On a thread; it may block. */
	void		(*work)(struct job *);
	/* Or on the loop: it ends with job_done(), now or later. */
	void		(*start)(struct job *);
};

/* NULL: no such kind. */
const struct kind	*kind_find(unsigned number);

/* What came of it: a failure of this code; from any thread that has the job. */
void	job_fail(struct job *, unsigned code, const char *status, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
/* For kinds with start(): on a thread of the frame's, then back on the loop. */
void	jobs_run(void (*work)(void *), void (*done)(void *), void *arg);
/* Sends the answer and frees the job: for kinds with start(). */
void	job_done(struct job *);

extern const struct kind	kind_maildir, kind_mbox, kind_pipe, kind_file;

#endif
