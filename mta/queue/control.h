/*
 * control.h - the control socket (spool/control): one line, one JSON document.
 *
 *   list [LIMIT [AFTER-ID]]  {"messages":[{"id","arrival","size","sender",
 *                            "recipients","open","state","attempts","next",
 *                            "reason"}],"total":N,"more":bool}
 *   show ID                  {"message":{"id","arrival","expires","size",
 *                            "sender","policy","dsn","recipients":[{"recipient",
 *                            "address","state","hop","mailbox","account",
 *                            "attempts","next","last","mta","code","status",
 *                            "reply"}]}}
 *   retry ID|all             {"retried":N}
 *   remove ID                {"removed":1}
 *   status                   {"queue":{...},"hops":[...],"processes":[{"name",
 *                            "instance","pid","restarts","answered",
 *                            "lag":[24 x count],"counters":{...}}]}
 *   reload                   {"ok":bool,"text":"..."}
 *
 * What goes wrong: {"error":"..."}.  Times are RFC 3339 in UTC or null; state
 * is one of new, routing, ready, active, waiting, failed, done.
 */
#ifndef WB_MTA_QUEUE_CONTROL_H
#define WB_MTA_QUEUE_CONTROL_H

#include "base/json.h"
#include "mta/queue/queue.h"

#define CONTROL_LINE_MAX	512
#define CONTROL_LIST_DEFAULT	10000	/* messages in one answer */
#define CONTROL_LIST_MAX	100000

/* answers.c: the documents that need nobody else. */
void	answer_list(struct queue *, struct json *, struct span args);
void	answer_show(struct queue *, struct json *, struct span args);
void	answer_retry(struct queue *, struct json *, struct span args);
void	answer_remove(struct queue *, struct json *, struct span args);
void	answer_queue(struct queue *, struct json *);	/* members "queue" and "hops" */
void	answer_hops(const struct queue *, struct json *);	/* hop_status.c */
void	answer_throttle(const struct queue *, struct json *);	/* member "throttle" */
void	answer_error(struct json *, const char *);
/* The next word of args, which is eaten. */
struct span answer_word(struct span *args);

#endif
